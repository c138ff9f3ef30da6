/* Mutexes: the application's when it gives some and doesn't allow the system's (2.40, 5.4, C_Initialize). */
#include "core/lock.h"
#include <pthread.h>
#include <stdlib.h>

struct lock {
    pthread_mutex_t system;
    void *foreign;
};

static struct {
    CK_CREATEMUTEX create;
    CK_DESTROYMUTEX destroy;
    CK_LOCKMUTEX take;
    CK_UNLOCKMUTEX give;
} app;

CK_RV lock_choose(const CK_C_INITIALIZE_ARGS *args)
{
    app.create = NULL;
    app.destroy = NULL;
    app.take = NULL;
    app.give = NULL;
    if (args == NULL)
        return CKR_OK;
    if (args->pReserved != NULL)
        return CKR_ARGUMENTS_BAD;
    int given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL) +
                (args->UnlockMutex != NULL);
    if (given != 0 && given != 4)
        return CKR_ARGUMENTS_BAD;
    if (given == 4 && (args->flags & CKF_OS_LOCKING_OK) == 0) {
        app.create = args->CreateMutex;
        app.destroy = args->DestroyMutex;
        app.take = args->LockMutex;
        app.give = args->UnlockMutex;
    }
    return CKR_OK;
}

CK_RV lock_new(struct lock **out)
{
    struct lock *l = calloc(1, sizeof *l);
    if (l == NULL)
        return CKR_HOST_MEMORY;
    if (app.create != NULL) {
        if (app.create(&l->foreign) != CKR_OK) {
            free(l);
            return CKR_CANT_LOCK;
        }
    } else if (pthread_mutex_init(&l->system, NULL) != 0) {
        free(l);
        return CKR_CANT_LOCK;
    }
    *out = l;
    return CKR_OK;
}

void lock_free(struct lock *l)
{
    if (l == NULL)
        return;
    if (app.create != NULL)
        app.destroy(l->foreign);
    else
        pthread_mutex_destroy(&l->system);
    free(l);
}

void lock_take(struct lock *l)
{
    if (app.create != NULL)
        app.take(l->foreign);
    else
        pthread_mutex_lock(&l->system);
}

void lock_give(struct lock *l)
{
    if (app.create != NULL)
        app.give(l->foreign);
    else
        pthread_mutex_unlock(&l->system);
}
