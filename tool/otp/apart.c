// Forks, reads what the child found, ends it when it takes too long.
#include "otp/apart.h"
#include "card/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// To the end of the child's output. False: too much, too late, or an error.
static bool collect(int fd, unsigned seconds, uint8_t *out, size_t cap, size_t *length)
{
    int64_t until = now_ms() + (int64_t)seconds * 1000;
    for (;;) {
        uint8_t extra;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = until - now_ms();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        ssize_t n = *length < cap ? read(fd, out + *length, cap - *length) : read(fd, &extra, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        if (*length == cap)
            return false;
        *length += (size_t)n;
    }
}

int apart_run(int (*work)(void *arg, int fd), void *arg, unsigned seconds, uint8_t *out, size_t cap,
              size_t *length)
{
    int ends[2], status = 0;
    *length = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit time = {APART_SECONDS, APART_SECONDS};
        setrlimit(RLIMIT_CPU, &time);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        _exit(work(arg, ends[1]));
    }
    close(ends[1]);
    bool whole = child > 0 && collect(ends[0], seconds, out, cap, length);
    close(ends[0]);
    if (child > 0 && !whole)
        kill(child, SIGKILL);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (whole && WIFEXITED(status) && WEXITSTATUS(status) <= 100)
        return WEXITSTATUS(status);
    secret_wipe(out, *length);
    *length = 0;
    return -1;
}
