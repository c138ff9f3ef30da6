// A thread that waits, since the card does not return meanwhile.
#include "otp/notice.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct notice {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool end;
    struct timespec until;
    const struct run *run;
    const char *text;
};

static void *wait_and_say(void *argument)
{
    struct notice *notice = argument;
    int late = 0;
    pthread_mutex_lock(&notice->lock);
    while (!notice->end && late == 0)
        late = pthread_cond_timedwait(&notice->ended, &notice->lock, &notice->until);
    if (!notice->end)
        say(notice->run, "%s", notice->text);
    pthread_mutex_unlock(&notice->lock);
    return NULL;
}

struct notice *notice_begin(const struct run *run, unsigned ms, const char *text)
{
    pthread_condattr_t steady;
    struct notice *notice = calloc(1, sizeof *notice);
    if (notice != NULL) {
        notice->run = run;
        notice->text = text;
        clock_gettime(CLOCK_MONOTONIC, &notice->until);
        notice->until.tv_nsec += (long)ms * 1000000;
        notice->until.tv_sec += notice->until.tv_nsec / 1000000000;
        notice->until.tv_nsec %= 1000000000;
        pthread_mutex_init(&notice->lock, NULL);
        pthread_condattr_init(&steady);
        pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
        pthread_cond_init(&notice->ended, &steady);
        pthread_condattr_destroy(&steady);
        if (pthread_create(&notice->thread, NULL, wait_and_say, notice) == 0)
            return notice;
        free(notice);
    }
    say(run, "%s", text);
    return NULL;
}

void notice_end(struct notice *notice)
{
    if (notice == NULL)
        return;
    pthread_mutex_lock(&notice->lock);
    notice->end = true;
    pthread_cond_signal(&notice->ended);
    pthread_mutex_unlock(&notice->lock);
    pthread_join(notice->thread, NULL);
    pthread_cond_destroy(&notice->ended);
    free(notice);
}
