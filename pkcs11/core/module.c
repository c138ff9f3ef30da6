/* The gate: initialisation from several threads, calls under way at C_Finalize, and what a fork leaves
 * behind. */
#include "core/module.h"
#include "core/slot.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_WAITS 32

enum state { DOWN, UP, STOPPING };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t idle;
    _Atomic int pid; /* the process that the rest belongs to; 0: nobody's yet, -1: being taken over */
    enum state state;
    unsigned inside;
    struct module *module;
    struct tp_wait *wait[MAX_WAITS];
    size_t waits;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

/* The parent's threads don't exist here: what they held is forgotten. Where no call was under way at the
 * fork, memory is sound and freed; nothing is sent to the parent's cards (card/transport/transport.h). */
static void take_over(void)
{
    gate.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    gate.idle = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    host_after_fork();
    struct module *m = gate.inside == 0 ? gate.module : NULL;
    gate.module = NULL;
    gate.state = DOWN;
    gate.inside = 0;
    gate.waits = 0;
    if (m != NULL)
        slots_free(m, true);
}

static void check_fork(void)
{
    int own = (int)getpid(), was = atomic_load(&gate.pid);
    while (was != own) {
        if (was == -1)
            sched_yield();
        else if (atomic_compare_exchange_strong(&gate.pid, &was, -1)) {
            if (was != 0)
                take_over();
            atomic_store(&gate.pid, own);
            return;
        }
        was = atomic_load(&gate.pid);
    }
}

static CK_RV start(const CK_C_INITIALIZE_ARGS *args)
{
    CK_RV rv = lock_choose(args);
    if (rv != CKR_OK)
        return rv;
    struct module *m = calloc(1, sizeof *m);
    if (m == NULL)
        return CKR_HOST_MEMORY;
    settings_read(&m->settings);
    log_open(&m->settings);
    m->next_handle = 1;
    rv = slots_make(m);
    if (rv != CKR_OK) {
        slots_free(m, false);
        return rv;
    }
    gate.module = m;
    gate.state = UP;
    return CKR_OK;
}

CK_RV module_start(const CK_C_INITIALIZE_ARGS *args)
{
    check_fork();
    pthread_mutex_lock(&gate.lock);
    while (gate.state == STOPPING)
        pthread_cond_wait(&gate.idle, &gate.lock);
    CK_RV rv = gate.state == UP ? CKR_CRYPTOKI_ALREADY_INITIALIZED : start(args);
    pthread_mutex_unlock(&gate.lock);
    return rv;
}

CK_RV module_stop(void)
{
    check_fork();
    pthread_mutex_lock(&gate.lock);
    if (gate.state != UP) {
        pthread_mutex_unlock(&gate.lock);
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    gate.state = STOPPING;
    for (size_t i = 0; i < gate.waits; i++)
        tp_wait_cancel(gate.wait[i]);
    while (gate.inside > 0)
        pthread_cond_wait(&gate.idle, &gate.lock);
    struct module *m = gate.module;
    gate.module = NULL;
    slots_free(m, false);
    host_release();
    log_close();
    gate.state = DOWN;
    pthread_cond_broadcast(&gate.idle);
    pthread_mutex_unlock(&gate.lock);
    return CKR_OK;
}

struct module *module_enter(void)
{
    check_fork();
    pthread_mutex_lock(&gate.lock);
    struct module *m = gate.state == UP ? gate.module : NULL;
    if (m != NULL)
        gate.inside++;
    pthread_mutex_unlock(&gate.lock);
    return m;
}

void module_leave(void)
{
    pthread_mutex_lock(&gate.lock);
    if (--gate.inside == 0 && gate.state == STOPPING)
        pthread_cond_broadcast(&gate.idle);
    pthread_mutex_unlock(&gate.lock);
}

unsigned long module_handle(struct slot *s)
{
    pthread_mutex_lock(&gate.lock);
    unsigned long n = s->module->next_handle++;
    pthread_mutex_unlock(&gate.lock);
    return n << 8 | s->id;
}

bool module_wait_add(struct tp_wait *wait)
{
    pthread_mutex_lock(&gate.lock);
    bool ok = gate.state == UP && gate.waits < MAX_WAITS;
    if (ok)
        gate.wait[gate.waits++] = wait;
    pthread_mutex_unlock(&gate.lock);
    return ok;
}

void module_wait_remove(struct tp_wait *wait)
{
    pthread_mutex_lock(&gate.lock);
    for (size_t i = 0; i < gate.waits; i++)
        if (gate.wait[i] == wait)
            gate.wait[i] = gate.wait[--gate.waits];
    pthread_mutex_unlock(&gate.lock);
}

bool module_stopping(void)
{
    pthread_mutex_lock(&gate.lock);
    bool stopping = gate.state != UP;
    pthread_mutex_unlock(&gate.lock);
    return stopping;
}
