/* ingam-sim: smart cards in software, for readers of vpcd or for programs that speak to a socket. */
#include "ctl.h"
#include "detach.h"
#include "fleet.h"
#include "options.h"
#include "transport/control.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { PATIENCE_US = 30 * 1000000 }; /* for vpcd to be there */

struct program {
    struct loop_watch signals; /* first */
    struct loop_timer patience;
    int code;
    struct fleet fleet;
    struct options options;
    struct control *control;
};

static bool write_pid(const char *path)
{
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return false;
    bool written = fprintf(out, "%ld\n", (long)getpid()) > 0;
    return fclose(out) == 0 && written;
}

static void say_ready(struct fleet *fleet)
{
    struct program *p = (struct program *)(void *)((char *)fleet - offsetof(struct program, fleet));
    const struct seat *first = &fleet->seat[0];
    loop_clear(fleet->loop, &p->patience);
    if (p->options.pid_path != NULL && !write_pid(p->options.pid_path))
        (void)options_complain(EXIT_OTHER, p->options.pid_path, strerror(errno));
    if (fleet->seats > 1)
        (void)printf("ready %zu tokens\n", fleet->seats);
    else
        (void)printf("ready %s serial %" PRIu32 " profile %s\n", first->place, first->token.serial,
                     profile_of(first->token.card)->name);
    (void)fflush(stdout);
    detach_ready();
}

static void signalled(struct loop_watch *watch, uint32_t events)
{
    struct program *p = (struct program *)(void *)watch;
    (void)events;
    loop_stop(p->fleet.loop);
}

static void gave_up(struct loop_timer *timer)
{
    struct program *p = (struct program *)(void *)((char *)timer - offsetof(struct program, patience));
    for (size_t i = 0; i < p->fleet.seats; i++)
        if (!p->fleet.seat[i].connected)
            p->code = options_complain(
                EXIT_OTHER, "no vpcd took the card within 30 seconds; is pcscd running, with vpcd's reader?",
                p->fleet.seat[i].place);
    loop_stop(p->fleet.loop);
}

static bool watch_signals(struct program *p)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return false;
    p->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    p->signals.ready = signalled;
    return p->signals.fd >= 0 && loop_watch(p->fleet.loop, &p->signals, EPOLLIN);
}

static int serve(struct program *p)
{
    const struct options *o = &p->options;
    if (o->log_path != NULL && (p->fleet.log = log_open(o->log_path)) == NULL)
        return options_complain(EXIT_OTHER, o->log_path, strerror(errno));
    if (!watch_signals(p))
        return options_complain(EXIT_OTHER, "signals", strerror(errno));
    if (o->control_at != NULL && (p->control = control_new(&p->fleet, o->control_at)) == NULL)
        return options_complain(EXIT_OTHER, o->control_at, strerror(errno));
    p->patience.due = gave_up;
    if (!loop_set(p->fleet.loop, &p->patience, PATIENCE_US))
        return options_complain(EXIT_OTHER, "no memory", NULL);
    int code = fleet_open(&p->fleet, o);
    if (code == 0 && !loop_run(p->fleet.loop))
        code = options_complain(EXIT_OTHER, "waiting for sockets", strerror(errno));
    return code != 0 ? code : p->code;
}

static int run(struct program *p)
{
    int code;
    if (p->options.detach && detach_start(&code))
        return code;
    p->fleet.ready = say_ready;
    p->fleet.loop = loop_new();
    p->fleet.answer = malloc(FW_ANSWER_MAX);
    p->fleet.workshop = p->fleet.loop == NULL ? NULL : workshop_new(p->fleet.loop);
    if (p->fleet.workshop == NULL || p->fleet.answer == NULL)
        code = options_complain(EXIT_OTHER, "no memory", NULL);
    else
        code = serve(p);
    control_free(p->control);
    fleet_close(&p->fleet);
    log_close(p->fleet.log);
    if (p->options.pid_path != NULL)
        (void)unlink(p->options.pid_path);
    free(p->fleet.answer);
    if (!workshop_free(p->fleet.workshop))
        _exit(code); /* a thread still makes a key that nobody wants */
    loop_free(p->fleet.loop);
    return code;
}

int main(int argc, char **argv)
{
    bool done;
    if (argc > 1 && strcmp(argv[1], "ctl") == 0)
        return ctl_main(argc - 1, argv + 1);
    const struct rlimit no_core = {0, 0}; /* PINs and keys would be in it */
    (void)setrlimit(RLIMIT_CORE, &no_core);
    struct program *p = calloc(1, sizeof *p);
    if (p == NULL)
        return EXIT_OTHER;
    int code = options_read(&p->options, argc, argv, &done);
    if (code == 0 && !done)
        code = run(p);
    free(p);
    return code;
}
