// Serves CMP until a signal ends it.
#include "acts.h"
#include "background.h"
#include "commands.h"
#include "desk.h"
#include "http.h"
#include "words.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { LISTEN_CMP, LISTENERS };

static void wait_for_end(struct http_listener *const *listeners, const sigset_t *ends)
{
    const struct timespec second = {1, 0};
    while (sigtimedwait(ends, NULL, &second) < 0) {
        for (size_t i = 0; i < LISTENERS; i++)
            http_listener_sweep(listeners[i]);
    }
}

// Says that the desk listens, and lets go of the terminal if that was asked for.
static bool announce(struct http_listener *const *listeners, const struct options *options, struct fail *fail)
{
    char address[128], log[PATH_MAX];
    http_listener_address(listeners[LISTEN_CMP], address, sizeof address);
    if (options->pid_file != NULL && !background_pid_file(options->pid_file, fail))
        return false;
    if (printf("ready %s/cmp\n", address) < 0 || fflush(stdout) != 0)
        return fail_errno(fail, _("cannot write the output"));
    snprintf(log, sizeof log, "%s/serve.log", options->dir);
    return background_ready(log, fail);
}

static bool serve(struct desk *desk, const struct options *options, const sigset_t *ends, struct fail *fail)
{
    struct http_listener *listeners[LISTENERS] = {NULL};
    const struct http_ask ask = {.option = "--listen",
                                 .where = options->listen != NULL ? options->listen : "127.0.0.1:8829",
                                 .share = 100,
                                 .service = &http_cmp,
                                 .context = desk};
    bool said = http_listen(&ask, &listeners[LISTEN_CMP], fail) && announce(listeners, options, fail);
    if (said)
        wait_for_end(listeners, ends);
    for (size_t i = 0; i < LISTENERS; i++)
        http_listener_stop(listeners[i]);
    check_stop();
    return said;
}

bool command_serve(const struct options *options, struct fail *fail)
{
    struct desk desk;
    sigset_t ends;
    // Blocked in every thread; taken only by wait_for_end.
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (options->detach && !background_start(fail))
        return false;
    if (!desk_open(options->dir, options->passphrase_file, &desk, fail))
        return false;
    bool done = serve(&desk, options, &ends, fail);
    desk_close(&desk);
    return done;
}
