// A line that counts the seconds, in a thread of its own, since the module does not return meanwhile.
#include "progress.h"
#include "text.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct progress {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool end;
    struct timespec since;
    char text[256];
};

static void show(const struct progress *progress)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    fputc('\r', stderr);
    text_print(stderr, progress->text);
    fprintf(stderr, _(" %ld s"), (long)(now.tv_sec - progress->since.tv_sec));
    fflush(stderr);
}

static void *count(void *argument)
{
    struct progress *progress = argument;
    struct timespec next = progress->since;
    pthread_mutex_lock(&progress->lock);
    while (!progress->end) {
        show(progress);
        next.tv_sec++;
        while (!progress->end && pthread_cond_timedwait(&progress->ended, &progress->lock, &next) == 0) {
        }
    }
    pthread_mutex_unlock(&progress->lock);
    return NULL;
}

struct progress *progress_begin(const struct run *run, const char *text)
{
    pthread_condattr_t steady;
    struct progress *progress = NULL;
    if (!run->options.quiet && isatty(STDERR_FILENO) == 1)
        progress = calloc(1, sizeof *progress);
    if (progress != NULL) {
        snprintf(progress->text, sizeof progress->text, "%s", text);
        clock_gettime(CLOCK_MONOTONIC, &progress->since);
        pthread_mutex_init(&progress->lock, NULL);
        pthread_condattr_init(&steady);
        pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
        pthread_cond_init(&progress->ended, &steady);
        pthread_condattr_destroy(&steady);
        if (pthread_create(&progress->thread, NULL, count, progress) == 0)
            return progress;
        free(progress);
    }
    say(run, "%s", text);
    return NULL;
}

void progress_end(struct progress *progress)
{
    if (progress == NULL)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->end = true;
    pthread_cond_signal(&progress->ended);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    show(progress);
    fputc('\n', stderr);
    pthread_cond_destroy(&progress->ended);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}
