// Serves CMP in the foreground until a signal ends it.
#include "commands.h"
#include "desk.h"
#include "http.h"
#include "words.h"

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

static bool serve(struct desk *desk, const char *where, const sigset_t *ends, struct fail *fail)
{
    struct http *http = NULL;
    char address[128];
    if (!http_start(desk, where, &http, fail))
        return false;
    http_address(http, address, sizeof address);
    bool said = printf("ready %s/cmp\n", address) > 0 && fflush(stdout) == 0;
    if (said)
        wait_for_end(http, ends);
    else
        fail_errno(fail, _("cannot write the output"));
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
    if (!desk_open(options->dir, options->passphrase_file, &desk, fail))
        return false;
    bool done = serve(&desk, options->listen != NULL ? options->listen : "127.0.0.1:8829", &ends, fail);
    desk_close(&desk);
    return done;
}
