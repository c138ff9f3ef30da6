/* Starting, ending and reaping other programs. */
#include "core/child.h"
#include "core/core.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static bool give(posix_spawn_file_actions_t *actions, int fd, int as)
{
    return fd >= 0 ? posix_spawn_file_actions_adddup2(actions, fd, as) == 0
                   : posix_spawn_file_actions_addopen(actions, as, "/dev/null", O_RDWR, 0) == 0;
}

static bool prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int fd)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    return give(actions, fd, STDIN_FILENO) && give(actions, fd, STDOUT_FILENO) &&
           give(actions, -1, STDERR_FILENO) &&
           posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1) == 0 &&
           posix_spawnattr_setsigmask(attributes, &none) == 0 &&
           posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0;
}

int child_start(struct child *c, char *const argv[], int fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    int failed = prepare(&actions, &attributes, fd)
                     ? posix_spawn(&c->pid, argv[0], &actions, &attributes, argv, environ)
                     : ENOMEM;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == 0)
        c->fd = pidfd_open(c->pid, 0);
    return failed;
}

static bool ended(const struct child *c, int ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    uint64_t until = now_us() + (uint64_t)ms * 1000;
    for (;;) {
        int n = poll(&p, 1, ms);
        if (n >= 0 || errno != EINTR || now_us() >= until)
            return n > 0;
    }
}

/* A host that reaps all its children may have taken this one: then waitpid has nothing to do. */
void child_end(const struct child *c, int own_ms, int term_ms)
{
    if (c->fd < 0) {
        (void)kill(c->pid, SIGKILL);
    } else if (!ended(c, own_ms)) {
        (void)pidfd_send_signal(c->fd, SIGTERM, NULL, 0);
        if (!ended(c, term_ms))
            (void)pidfd_send_signal(c->fd, SIGKILL, NULL, 0);
    }
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (c->fd >= 0)
        close(c->fd);
}
