/* A queue of orders, threads that make keys, and a pipe back into the loop. */
#include "transport/workshop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { WORKERS_MAX = 16 };

struct order {
    struct order *next;
    enum crypto_kind kind;
    struct crypto_key *key;
    void (*done)(void *who, struct crypto_key *key); /* NULL: cancelled; the loop's thread alone touches it */
    void *who;
};

struct workshop {
    struct loop_watch finished; /* first: the reading end of the pipe */
    struct loop *loop;
    int finish_end;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct order *first, *last; /* not begun */
    bool closing;
    size_t working; /* orders that are being made */
    size_t workers;
    pthread_t worker[WORKERS_MAX];
};

/* The next order; NULL when the workshop closes. */
static struct order *take(struct workshop *w)
{
    (void)pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->closing)
        (void)pthread_cond_wait(&w->wanted, &w->lock);
    struct order *order = w->closing ? NULL : w->first;
    if (order != NULL) {
        w->first = order->next;
        w->working++;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return order;
}

static void *work(void *workshop)
{
    struct workshop *w = workshop;
    struct order *order;
    while ((order = take(w)) != NULL) {
        order->key = crypto_key_generate(order->kind);
        ssize_t n;
        do /* a pointer is less than a pipe takes at once */
            n = write(w->finish_end, &order, sizeof order);
        while (n < 0 && errno == EINTR);
        (void)pthread_mutex_lock(&w->lock);
        w->working--;
        (void)pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

static void finished(struct loop_watch *watch, uint32_t events)
{
    struct order *order;
    (void)events;
    if (read(watch->fd, &order, sizeof order) != (ssize_t)sizeof order)
        return;
    if (order->done != NULL)
        order->done(order->who, order->key);
    else
        crypto_key_free(order->key);
    free(order);
}

struct workshop *workshop_new(struct loop *loop)
{
    struct workshop *w = calloc(1, sizeof *w);
    int ends[2];
    if (w == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        free(w);
        return NULL;
    }
    w->loop = loop;
    w->finished.fd = ends[0];
    w->finished.ready = finished;
    w->finish_end = ends[1];
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->wanted, NULL);
    if (loop_watch(loop, &w->finished, EPOLLIN))
        return w;
    (void)workshop_free(w);
    return NULL;
}

bool workshop_free(struct workshop *w)
{
    if (w == NULL)
        return true;
    (void)pthread_mutex_lock(&w->lock);
    w->closing = true;
    bool idle = w->working == 0;
    (void)pthread_cond_broadcast(&w->wanted);
    (void)pthread_mutex_unlock(&w->lock);
    loop_unwatch(w->loop, &w->finished);
    for (size_t i = 0; i < w->workers; i++)
        (void)(idle ? pthread_join(w->worker[i], NULL) : pthread_detach(w->worker[i]));
    if (!idle)
        return false;
    while (w->first != NULL) {
        struct order *order = w->first;
        w->first = order->next;
        free(order);
    }
    (void)close(w->finished.fd);
    (void)close(w->finish_end);
    (void)pthread_cond_destroy(&w->wanted);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
    return true;
}

static bool hire(struct workshop *w)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    while (w->workers < WORKERS_MAX && (long)w->workers < processors &&
           pthread_create(&w->worker[w->workers], NULL, work, w) == 0)
        w->workers++;
    return w->workers != 0;
}

struct order *workshop_order(struct workshop *w, enum crypto_kind kind,
                             void (*done)(void *who, struct crypto_key *key), void *who)
{
    struct order *order = calloc(1, sizeof *order);
    if (order == NULL || (w->workers == 0 && !hire(w))) {
        free(order);
        return NULL;
    }
    order->kind = kind;
    order->done = done;
    order->who = who;
    (void)pthread_mutex_lock(&w->lock);
    if (w->first == NULL)
        w->first = order;
    else
        w->last->next = order;
    w->last = order;
    (void)pthread_cond_signal(&w->wanted);
    (void)pthread_mutex_unlock(&w->lock);
    return order;
}

void workshop_cancel(struct order *order)
{
    if (order != NULL)
        order->done = NULL;
}
