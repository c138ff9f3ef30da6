// Keeps the open connections in the order of their waiting, and shuts down those that wait too long.
#include "visits.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static int64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void visits_start(struct visits *visits, unsigned most)
{
    *visits = (struct visits){.most = most};
    pthread_mutex_init(&visits->lock, NULL);
}

void visits_stop(struct visits *visits)
{
    pthread_mutex_destroy(&visits->lock);
}

static void unlink_visit(struct visits *visits, struct visit *visit)
{
    *(visit->before != NULL ? &visit->before->after : &visits->oldest) = visit->after;
    *(visit->after != NULL ? &visit->after->before : &visits->newest) = visit->before;
    visits->count--;
}

static void append_visit(struct visits *visits, struct visit *visit)
{
    visit->since = monotonic();
    visit->before = visits->newest;
    visit->after = NULL;
    *(visits->newest != NULL ? &visits->newest->after : &visits->oldest) = visit;
    visits->newest = visit;
    visits->count++;
}

// The server notices the end of its socket and calls visits_remove.
static void end_visit(struct visits *visits, struct visit *visit)
{
    shutdown(visit->socket, SHUT_RDWR);
    unlink_visit(visits, visit);
    append_visit(visits, visit);
}

struct visit *visits_add(struct visits *visits, int socket)
{
    struct visit *visit = calloc(1, sizeof *visit);
    if (visit == NULL)
        return NULL;
    visit->socket = socket;
    pthread_mutex_lock(&visits->lock);
    append_visit(visits, visit);
    if (visits->count > visits->most)
        end_visit(visits, visits->oldest);
    pthread_mutex_unlock(&visits->lock);
    return visit;
}

void visits_renew(struct visits *visits, struct visit *visit)
{
    pthread_mutex_lock(&visits->lock);
    unlink_visit(visits, visit);
    append_visit(visits, visit);
    pthread_mutex_unlock(&visits->lock);
}

void visits_remove(struct visits *visits, struct visit *visit)
{
    pthread_mutex_lock(&visits->lock);
    unlink_visit(visits, visit);
    pthread_mutex_unlock(&visits->lock);
    free(visit);
}

void visits_sweep(struct visits *visits, int64_t milliseconds)
{
    pthread_mutex_lock(&visits->lock);
    int64_t last = monotonic() - milliseconds;
    while (visits->oldest != NULL && visits->oldest->since < last)
        end_visit(visits, visits->oldest);
    pthread_mutex_unlock(&visits->lock);
}
