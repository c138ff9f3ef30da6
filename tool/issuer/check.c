// Identity checks (telephone call, SMS, departure) as programs that the desk runs, bounded in time; what they
// found expires. A page begins one and asks later how it stands, so a thread waits for the program.
#include "nouns.h"
#include "program.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROOF_SECONDS 600 // how long what it found is good
#define SETTING       "check."
#define AT_ONCE       8   // programs that run for pages
#define BEGUN_MOST    5   // of one customer
#define BEGUN_SECONDS 600 // within this time

// The checks that run for pages.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int running;
    bool stop;
} checks = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

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
    return program_ask(inquiry->program, inquiry->kind, inquiry->question, passed, fail) &&
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
    bool sent = false;
    bool done = prepare(desk, customer, "message", code, &inquiry, fail) &&
                program_ask(inquiry.program, inquiry.kind, inquiry.question, &sent, fail);
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
                         db_n(now + PROGRAM_SECONDS + 5)) == 1;
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
    program_stop(true);
    while (checks.running > 0)
        pthread_cond_wait(&checks.ended, &checks.lock);
    checks.stop = false;
    program_stop(false);
    pthread_mutex_unlock(&checks.lock);
}

static bool set_program(struct desk *desk, const struct options *options, struct fail *fail)
{
    char name[64];
    if (!known_kind(options->kind, true, fail) || !program_trusted(options->program, fail))
        return false;
    snprintf(name, sizeof name, SETTING "%s", options->kind);
    return noun_end(registry_set(desk->registry, name, options->program), options->kind, fail);
}

bool command_identity_program(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, set_program, fail);
}
