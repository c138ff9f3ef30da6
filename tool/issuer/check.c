// Identity checks (telephone call, SMS, departure) as programs that the desk runs, bounded in time; what they
// found expires.
#include "nouns.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MILLIS  60000 // for a program that rings somebody up
#define RESULT_MAX    4096  // bytes of its answer
#define PROOF_SECONDS 600   // how long what it found is good
#define SETTING       "check."

static const char *const kinds[] = {"phone", "sms", "departure"};

static bool known_kind(const char *kind, struct fail *fail)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i], kind) == 0)
            return true;
    }
    return fail_with(fail, FAIL_USAGE, _("unknown kind of check '%s': use phone, sms or departure"), kind);
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
    setpgid(0, 0);
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
        if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
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
        if (millis() > until) {
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

static char *make_question(struct desk *desk, const char *customer, const char *kind, struct fail *fail)
{
    char name[REGISTRY_NAME + 1];
    char phone[REGISTRY_TEXT];
    struct db_query query;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT name, phone FROM customer WHERE id = ? AND state = 'active'", db_t(customer));
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, name, sizeof name);
        db_get_text(&query, 1, phone, sizeof phone);
    }
    enum registry_end end = db_close(&query) ? found ? REGISTRY_DONE : REGISTRY_NONE : REGISTRY_FAILED;
    if (!noun_end(db_leave(desk->registry, end), customer, fail))
        return NULL;
    json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:s}", "schema", 1, "kind", kind, "customer", customer,
                               "name", name, "phone", phone);
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (text == NULL)
        fail_with(fail, FAIL_OTHER, _("out of memory"));
    return text;
}

static bool run_check(struct desk *desk, const struct options *options, struct fail *fail)
{
    char name[64];
    char program[REGISTRY_TEXT];
    char answer[RESULT_MAX];
    ssize_t length = 0;
    bool passed = false;
    if (!known_kind(options->kind, fail))
        return false;
    snprintf(name, sizeof name, SETTING "%s", options->kind);
    if (registry_get(desk->registry, name, program, sizeof program) != REGISTRY_DONE || program[0] == 0)
        return fail_with(fail, FAIL_NOT_FOUND,
                         _("no program does the check '%s': name one with 'identity program'"),
                         options->kind);
    char *question = make_question(desk, options->customer, options->kind, fail);
    bool done = question != NULL && run_program(program, options->kind, question, answer, &length, fail) &&
                read_answer(program, answer, (size_t)length, &passed, fail) &&
                proof_add(desk, options->customer, "identity", options->kind, passed, PROOF_SECONDS, fail);
    free(question);
    if (done && !passed)
        return fail_with(fail, FAIL_PASSPHRASE,
                         _("identity not proved: the check '%s' failed; check the customer's data"),
                         options->kind);
    if (done)
        printf("passed %s\n", options->kind);
    return done;
}

bool command_identity_check(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, run_check, fail);
}

// The program must be the desk's own: nobody else may change what it finds out.
static bool trusted(const char *program, struct fail *fail)
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

static bool set_program(struct desk *desk, const struct options *options, struct fail *fail)
{
    char name[64];
    if (!known_kind(options->kind, fail) || !trusted(options->program, fail))
        return false;
    snprintf(name, sizeof name, SETTING "%s", options->kind);
    return noun_end(registry_set(desk->registry, name, options->program), options->kind, fail);
}

bool command_identity_program(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, set_program, fail);
}
