// The open connections, longest waiting first, so that slow or idle clients never keep others out.
#ifndef INGAM_ISSUER_VISITS_H
#define INGAM_ISSUER_VISITS_H

#include <pthread.h>
#include <stdint.h>

struct visit {
    int socket;
    int64_t since; // monotonic milliseconds: start of the connection, or the end of its last request
    struct visit *before, *after;
};

struct visits {
    pthread_mutex_t lock;
    struct visit *oldest, *newest;
    unsigned count, most;
};

void visits_start(struct visits *visits, unsigned most);
void visits_stop(struct visits *visits);

// A connection came. When more than `most` are open, the one that has waited longest is shut down.
// NULL when memory is short.
struct visit *visits_add(struct visits *visits, int socket);

// A request of the connection was answered: its time begins anew.
void visits_renew(struct visits *visits, struct visit *visit);

// The connection ends; call it while the socket is still open. Frees the visit.
void visits_remove(struct visits *visits, struct visit *visit);

// Shuts down every connection that has waited longer than so many milliseconds.
void visits_sweep(struct visits *visits, int64_t milliseconds);

#endif
