// Serves CMP until a signal ends it.
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

static void wait_for_end(struct http *http, const sigset_t *ends)
{
    const struct timespec second = {1, 0};
    while (sigtimedwait(ends, NULL, &second) < 0)
        http_sweep(http);
}

// Says that the desk listens, and lets go of the terminal if that was asked for.
static bool announce(const struct http *http, const struct options *options, struct fail *fail)
{
    char address[128], log[PATH_MAX];
    http_address(http, address, sizeof address);
    if (options->pid_file != NULL && !background_pid_file(options->pid_file, fail))
        return false;
    if (printf("ready %s/cmp\n", address) < 0 || fflush(stdout) != 0)
        return fail_errno(fail, _("cannot write the output"));
    snprintf(log, sizeof log, "%s/serve.log", options->dir);
    return background_ready(log, fail);
}

static bool serve(struct desk *desk, const struct options *options, const sigset_t *ends, struct fail *fail)
{
    struct http *http = NULL;
    if (!http_start(desk, options->listen != NULL ? options->listen : "127.0.0.1:8829", &http, fail))
        return false;
    bool said = announce(http, options, fail);
    if (said)
        wait_for_end(http, ends);
    http_stop(http);
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
