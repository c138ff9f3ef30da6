// Identity checks (telephone call, SMS, departure) as programs that the desk runs, bounded in time; what they
// found expires. A page begins one and asks later how it stands, so a thread waits for the program.
#include "nouns.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
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
#define AT_ONCE       8   // programs that run for pages
#define BEGUN_MOST    5   // of one customer
#define BEGUN_SECONDS 600 // within this time
#define SLICE_MILLIS  200 // how soon a desk that ends stops waiting

// The checks that run for pages.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int running;
    bool stop;
} checks = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

static bool stopping(void)
{
    pthread_mutex_lock(&checks.lock);
    bool stop = checks.stop;
    pthread_mutex_unlock(&checks.lock);
    return stop;
}

// Programs that find something out, and those that only tell the customer something.
static const char *const kinds[] = {"phone", "sms", "departure"};
static const char *const tellers[] = {"message", "notice"};

static bool known_kind(const char *kind, bool tellers_too, struct fail *fail)
{
    for (size_t i = 0; tellers_too && i < sizeof tellers / sizeof tellers[0]; i++) {
        if (strcmp(tellers[i], kind) == 0)
            return true;
    }
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

// `code` is in it only if it is not NULL.
static char *make_question(struct desk *desk, const char *customer, const char *kind, const char *code,
                           struct fail *fail)
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
    json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s*}", "schema", 1, "kind", kind, "customer",
                               customer, "name", name, "phone", phone, "code", code);
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (text == NULL)
        fail_with(fail, FAIL_OTHER, _("out of memory"));
    return text;
}

// What a check needs while it runs; nothing in it is the caller's.
struct inquiry {
    struct desk *desk;
    char id[ACT_ID], customer[ACT_ID], kind[REGISTRY_WORD], program[REGISTRY_TEXT];
    char *question;
};

static bool prepare(struct desk *desk, const char *customer, const char *kind, const char *code,
                    struct inquiry *inquiry, struct fail *fail)
{
    char name[64];
    memset(inquiry, 0, sizeof *inquiry);
    if (code == NULL && !known_kind(kind, false, fail))
        return false;
    inquiry->desk = desk;
    snprintf(inquiry->customer, sizeof inquiry->customer, "%s", customer);
    snprintf(inquiry->kind, sizeof inquiry->kind, "%s", kind);
    snprintf(name, sizeof name, SETTING "%s", kind);
    if (registry_get(desk->registry, name, inquiry->program, sizeof inquiry->program) != REGISTRY_DONE ||
        inquiry->program[0] == 0)
        return fail_with(fail, FAIL_NOT_FOUND,
                         _("no program does the check '%s': name one with 'identity program'"), kind);
    inquiry->question = make_question(desk, customer, kind, code, fail);
    return inquiry->question != NULL;
}

// Runs the program and writes the proof down.
static bool inquire(const struct inquiry *inquiry, bool *passed, struct fail *fail)
{
    char answer[RESULT_MAX];
    ssize_t length = 0;
    return run_program(inquiry->program, inquiry->kind, inquiry->question, answer, &length, fail) &&
           read_answer(inquiry->program, answer, (size_t)length, passed, fail) &&
           proof_add(inquiry->desk, inquiry->customer, "identity", inquiry->kind, *passed, PROOF_SECONDS,
                     fail);
}

bool check_run(struct desk *desk, const char *customer, const char *kind, struct fail *fail)
{
    struct inquiry inquiry;
    bool passed = false;
    bool done = prepare(desk, customer, kind, NULL, &inquiry, fail) && inquire(&inquiry, &passed, fail);
    free(inquiry.question);
    if (done && !passed)
        return fail_with(fail, FAIL_PASSPHRASE,
                         _("identity not proved: the check '%s' failed; check the customer's data"), kind);
    return done;
}

bool check_send(struct desk *desk, const char *customer, const char *code, struct fail *fail)
{
    struct inquiry inquiry;
    char answer[RESULT_MAX];
    ssize_t length = 0;
    bool sent = false;
    bool done = prepare(desk, customer, "message", code, &inquiry, fail) &&
                run_program(inquiry.program, inquiry.kind, inquiry.question, answer, &length, fail) &&
                read_answer(inquiry.program, answer, (size_t)length, &sent, fail);
    if (inquiry.question != NULL)
        OPENSSL_cleanse(inquiry.question, strlen(inquiry.question));
    free(inquiry.question);
    return done && (sent || fail_with(fail, FAIL_OTHER, _("the message could not be sent")));
}

static bool run_check(struct desk *desk, const struct options *options, struct fail *fail)
{
    bool done = check_run(desk, options->customer, options->kind, fail);
    if (done)
        printf("passed %s\n", options->kind);
    return done;
}

bool command_identity_check(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, run_check, fail);
}

// A second of the same kind is not begun while one runs: its id is given instead (AGAIN).
static enum registry_end write_begun(struct inquiry *inquiry)
{
    struct desk *desk = inquiry->desk;
    int64_t now = desk->now();
    struct db_query query;
    bool good = true;
    struct db *db = db_enter(desk->registry);
    DB_ASK(&query, db,
           "SELECT id FROM inquiry WHERE customer = ? AND kind = ? AND state = 'running' AND until > ?",
           db_t(inquiry->customer), db_t(inquiry->kind), db_n(now));
    bool runs = db_row(&query);
    if (runs)
        db_get_text(&query, 0, inquiry->id, sizeof inquiry->id);
    if (!db_close(&query))
        return db_leave(desk->registry, REGISTRY_FAILED);
    if (runs)
        return db_leave(desk->registry, REGISTRY_AGAIN);
    if (DB_DO(db, "DELETE FROM inquiry WHERE created <= ?", db_n(now - BEGUN_SECONDS)) < 0)
        return db_leave(desk->registry, REGISTRY_FAILED);
    if (db_count(db, "SELECT count(*) FROM inquiry WHERE customer = ?", inquiry->customer, 0, &good) >=
        BEGUN_MOST)
        return db_leave(desk->registry, REGISTRY_FULL);
    good = good && DB_DO(db,
                         "INSERT INTO inquiry(id, customer, kind, state, created, until)"
                         " VALUES(?, ?, ?, 'running', ?, ?)",
                         db_t(inquiry->id), db_t(inquiry->customer), db_t(inquiry->kind), db_n(now),
                         db_n(now + LIMIT_MILLIS / 1000 + 5)) == 1;
    return db_leave(desk->registry, good ? REGISTRY_DONE : REGISTRY_FAILED);
}

static void write_ended(const struct inquiry *inquiry, const char *state)
{
    struct db *db = db_enter(inquiry->desk->registry);
    enum registry_end end =
        db_one(DB_DO(db, "UPDATE inquiry SET state = ? WHERE id = ? AND state = 'running'", db_t(state),
                     db_t(inquiry->id)));
    db_leave(inquiry->desk->registry, end);
}

static void one_less(void)
{
    pthread_mutex_lock(&checks.lock);
    checks.running--;
    pthread_cond_broadcast(&checks.ended);
    pthread_mutex_unlock(&checks.lock);
}

static void *run_thread(void *data)
{
    struct inquiry *inquiry = data;
    struct fail fail = {0};
    bool passed = false;
    bool done = inquire(inquiry, &passed, &fail);
    write_ended(inquiry, !done ? "broken" : passed ? "passed" : "failed");
    if (!done)
        fprintf(stderr, "%s\n", fail.text);
    free(inquiry->question);
    free(inquiry);
    one_less();
    return NULL;
}

static bool take_place(struct fail *fail)
{
    pthread_mutex_lock(&checks.lock);
    bool place = checks.running < AT_ONCE && !checks.stop;
    if (place)
        checks.running++;
    pthread_mutex_unlock(&checks.lock);
    return place || fail_with(fail, FAIL_BUSY, _("too many identity checks run at once: try again soon"));
}

static bool start_thread(struct inquiry *inquiry, struct fail *fail)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_thread, inquiry) == 0) {
        pthread_detach(thread);
        return true;
    }
    write_ended(inquiry, "broken");
    return fail_with(fail, FAIL_OTHER, _("out of memory"));
}

// The place is taken, and *inquiry is the thread's from its start on.
static bool begin(struct inquiry *inquiry, char id[ACT_ID], bool *started, struct fail *fail)
{
    if (!noun_id('I', inquiry->id, fail))
        return false;
    enum registry_end end = write_begun(inquiry);
    snprintf(id, ACT_ID, "%s", inquiry->id);
    if (end == REGISTRY_AGAIN)
        return true;
    if (end == REGISTRY_FULL)
        return fail_with(fail, FAIL_REFUSED,
                         _("too many identity checks of this customer: try again in ten minutes"));
    *started = noun_end(end, inquiry->customer, fail) && start_thread(inquiry, fail);
    return *started;
}

bool check_begin(struct desk *desk, const char *customer, const char *kind, char id[ACT_ID],
                 struct fail *fail)
{
    bool started = false;
    struct inquiry *inquiry = calloc(1, sizeof *inquiry);
    if (inquiry == NULL)
        return fail_with(fail, FAIL_OTHER, _("out of memory"));
    if (!take_place(fail)) {
        free(inquiry);
        return false;
    }
    bool done = prepare(desk, customer, kind, NULL, inquiry, fail) && begin(inquiry, id, &started, fail);
    if (!started) {
        free(inquiry->question);
        free(inquiry);
        one_less();
    }
    return done;
}

bool check_poll(struct desk *desk, const char *customer, const char *id, enum check_state *state,
                struct fail *fail)
{
    static const char *const states[] = {"running", "passed", "failed", "broken"};
    char text[REGISTRY_WORD] = "";
    struct db_query query;
    *state = CHECK_BROKEN;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT CASE WHEN state = 'running' AND until <= ? THEN 'broken' ELSE state END FROM inquiry"
           " WHERE id = ? AND customer = ?",
           db_n(desk->now()), db_t(id), db_t(customer));
    bool found = db_row(&query);
    if (found)
        db_get_text(&query, 0, text, sizeof text);
    enum registry_end end = db_close(&query) ? found ? REGISTRY_DONE : REGISTRY_NONE : REGISTRY_FAILED;
    for (int i = 0; i < 4; i++) {
        if (strcmp(states[i], text) == 0)
            *state = (enum check_state)i;
    }
    return noun_end(db_leave(desk->registry, end), id, fail);
}

void check_stop(void)
{
    pthread_mutex_lock(&checks.lock);
    checks.stop = true;
    while (checks.running > 0)
        pthread_cond_wait(&checks.ended, &checks.lock);
    checks.stop = false;
    pthread_mutex_unlock(&checks.lock);
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
    if (!known_kind(options->kind, true, fail) || !trusted(options->program, fail))
        return false;
    snprintf(name, sizeof name, SETTING "%s", options->kind);
    return noun_end(registry_set(desk->registry, name, options->program), options->kind, fail);
}

bool command_identity_program(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, set_program, fail);
}
