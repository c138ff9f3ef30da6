// Runs a program of the operator, bounded in time and in what it says.
#include "program.h"

#include "registry.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MILLIS (PROGRAM_SECONDS * 1000)
#define RESULT_MAX   4096 // bytes of its answer
#define SLICE_MILLIS 200  // how soon a desk that ends stops waiting

static atomic_bool stop;

void program_stop(bool now)
{
    atomic_store(&stop, now);
}

static bool stopping(void)
{
    return atomic_load(&stop);
}

static int64_t millis(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// In the child: a clean environment, a process group of its own, nothing open but the three.
static void become(const char *program, const char *kind, int in, int out)
{
    char *const arguments[] = {(char *)program, (char *)kind, NULL};
    char *const environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8", NULL};
    sigset_t none;
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); // the desk blocks those that end it
    signal(SIGPIPE, SIG_DFL);
    if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && close_range(3, ~0U, 0) == 0)
        execve(program, arguments, environment);
    _exit(127);
}

// Reads the answer until the program closes its output or the time is over. -1: too long, or too late.
static ssize_t collect(int fd, char *answer, int64_t until)
{
    size_t length = 0;
    for (;;) {
        struct pollfd ready = {fd, POLLIN, 0};
        int64_t left = until - millis();
        if (left <= 0 || stopping())
            return -1;
        int came = poll(&ready, 1, left < SLICE_MILLIS ? (int)left : SLICE_MILLIS);
        if (came == 0 || (came < 0 && errno == EINTR))
            continue;
        if (came < 0)
            return -1;
        ssize_t got = read(fd, answer + length, RESULT_MAX - length);
        if (got <= 0)
            return got == 0 ? (ssize_t)length : -1;
        length += (size_t)got;
        if (length == RESULT_MAX)
            return -1;
    }
}

// Waits for the program's end, kills its group when the time is over. Its exit code, or -1.
static int reap(pid_t pid, int64_t until)
{
    int status = 0;
    const struct timespec moment = {0, 10000000};
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (millis() > until || stopping()) {
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            return -1;
        }
        nanosleep(&moment, NULL);
    }
    kill(-pid, SIGKILL); // what it may have left running
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Runs PROGRAM KIND with the question on its standard input. False: it failed, or took too long.
static bool run_program(const char *program, const char *kind, const char *question, char *answer,
                        ssize_t *length, struct fail *fail)
{
    int in[2];
    int out[2];
    int64_t until = millis() + LIMIT_MILLIS;
    if (pipe2(in, O_CLOEXEC) != 0)
        return fail_errno(fail, _("cannot run %s"), program);
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return fail_errno(fail, _("cannot run %s"), program);
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(program, kind, in[0], out[1]);
    if (pid > 0)
        setpgid(pid, pid); // whoever is first: its group can be killed from now on
    close(in[0]);
    close(out[1]);
    signal(SIGPIPE, SIG_IGN);
    // The question is shorter than a pipe holds (PIPE_BUF is 4096), so this does not wait.
    bool asked = pid > 0 && write(in[1], question, strlen(question)) == (ssize_t)strlen(question);
    close(in[1]);
    *length = pid > 0 ? collect(out[0], answer, until) : -1;
    close(out[0]);
    int code = pid > 0 ? reap(pid, *length < 0 ? 0 : until) : -1;
    if (asked && code == 0 && *length >= 0)
        return true;
    return fail_with(fail, FAIL_OTHER,
                     _("the check's program %s failed (exit code %d): nothing was found out"), program, code);
}

// One object: {"result":"passed"} or {"result":"failed"}.
static bool read_answer(const char *program, const char *answer, size_t length, bool *passed,
                        struct fail *fail)
{
    json_error_t error;
    const char *result = NULL;
    json_t *object = json_loadb(answer, length, JSON_REJECT_DUPLICATES, &error);
    bool done = object != NULL && json_unpack(object, "{s:s}", "result", &result) == 0 &&
                (strcmp(result, "passed") == 0 || strcmp(result, "failed") == 0);
    *passed = done && strcmp(result, "passed") == 0;
    json_decref(object);
    return done ||
           fail_with(fail, FAIL_OTHER, _("the check's program %s gave no result that can be read"), program);
}

bool program_ask(const char *program, const char *kind, const char *question, bool *passed, struct fail *fail)
{
    char answer[RESULT_MAX];
    ssize_t length = 0;
    return run_program(program, kind, question, answer, &length, fail) &&
           read_answer(program, answer, (size_t)length, passed, fail);
}

// The program must be the desk's own: nobody else may change what it finds out.
bool program_trusted(const char *program, struct fail *fail)
{
    struct stat status;
    if (program[0] == 0)
        return true;
    if (program[0] != '/' || strlen(program) >= REGISTRY_TEXT)
        return fail_with(fail, FAIL_USAGE, _("the program must be an absolute path, not '%s'"), program);
    if (stat(program, &status) != 0)
        return fail_errno(fail, _("cannot examine %s"), program);
    if (!S_ISREG(status.st_mode) || (status.st_mode & 022) != 0 || access(program, X_OK) != 0)
        return fail_with(fail, FAIL_PERMISSION, _("%s must be a program that only its owner may change"),
                         program);
    return true;
}
