// Tells customers that a certificate is near its end: 30, 7 and 1 day before, once each, by the operator's
// program `notice`. What was told is in the registry, so that it survives restarts and is shared by all
// desks.
#include "nouns.h"
#include "program.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROGRAM "check.notice"
#define AGAIN   3600 // seconds after which one that was not sent is tried again, also when the desk was killed
#define LOOK    60   // seconds between two looks of a desk that serves
#define ONCE    1000 // notices of one look

struct notice {
    char serial[REGISTRY_SERIAL], class_name[REGISTRY_WORD];
    char customer[ACT_ID], name[REGISTRY_NAME + 1], phone[REGISTRY_TEXT], email[REGISTRY_TEXT];
    int64_t not_after;
    int days;
};

// The next certificate that is due, claimed in the same transaction: the smallest mark that it has reached,
// so that a desk that was away for long does not send all of them.
static enum registry_end claim(struct desk *desk, struct notice *notice)
{
    struct db_query query;
    int64_t now = desk->now();
    struct db *db = db_enter(desk->registry);
    DB_ASK(
        &query, db,
        "SELECT d.serial, d.class, d.customer, c.name, c.phone, c.email, d.not_after, d.days FROM"
        " (SELECT serial, class, customer, not_after, CASE WHEN not_after <= CAST(? AS INTEGER) THEN 1"
        " WHEN not_after <= CAST(? AS INTEGER) THEN 7 ELSE 30 END AS days FROM certificate"
        " WHERE state = 'confirmed' AND status <> 'revoked' AND not_after > ? AND not_after <= ?) d"
        " JOIN customer c ON c.id = d.customer LEFT JOIN notice n ON n.serial = d.serial AND n.days = d.days"
        " WHERE c.state = 'active' AND (n.serial IS NULL OR"
        " (n.state <> 'sent' AND n.tries < 3 AND n.created <= ?)) ORDER BY d.not_after, d.serial LIMIT 1",
        db_n(now + 86400), db_n(now + 7 * 86400), db_n(now), db_n(now + 30 * 86400), db_n(now - AGAIN));
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, notice->serial, sizeof notice->serial);
        db_get_text(&query, 1, notice->class_name, sizeof notice->class_name);
        db_get_text(&query, 2, notice->customer, sizeof notice->customer);
        db_get_text(&query, 3, notice->name, sizeof notice->name);
        db_get_text(&query, 4, notice->phone, sizeof notice->phone);
        db_get_text(&query, 5, notice->email, sizeof notice->email);
        notice->not_after = db_get_number(&query, 6);
        notice->days = (int)db_get_number(&query, 7);
    }
    if (!db_close(&query))
        return db_leave(desk->registry, REGISTRY_FAILED);
    if (!found)
        return db_leave(desk->registry, REGISTRY_NONE);
    bool done = DB_DO(db,
                      "INSERT INTO notice(serial, days, state, tries, created) VALUES(?, ?, 'begun', 1, ?)"
                      " ON CONFLICT(serial, days) DO UPDATE SET state = 'begun', tries = notice.tries + 1,"
                      " created = excluded.created",
                      db_t(notice->serial), db_n(notice->days), db_n(now)) == 1;
    return db_leave(desk->registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
}

static enum registry_end write_end(struct desk *desk, const struct notice *notice, bool sent)
{
    char detail[64];
    int64_t now = desk->now();
    snprintf(detail, sizeof detail, "%d days", notice->days);
    struct db *db = db_enter(desk->registry);
    bool done =
        DB_DO(db, "UPDATE notice SET state = ? WHERE serial = ? AND days = ?", db_t(sent ? "sent" : "failed"),
              db_t(notice->serial), db_n(notice->days)) == 1 &&
        log_append(desk->registry, db, now, sent ? "notice.sent" : "notice.failed", notice->serial, detail);
    return db_leave(desk->registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
}

static bool send(const char *program, const struct notice *notice, struct fail *fail)
{
    char expires[DESK_TIME];
    bool sent = false;
    desk_time(notice->not_after, expires);
    json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s}", "schema", 1, "kind",
                               "notice", "customer", notice->customer, "name", notice->name, "phone",
                               notice->phone, "email", notice->email, "serial", notice->serial, "class",
                               notice->class_name, "days", notice->days, "expires", expires);
    char *question = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    bool done = question != NULL && program_ask(program, "notice", question, &sent, fail);
    free(question);
    return done && sent;
}

bool notice_send(struct desk *desk, int *sent, int *failed, struct fail *fail)
{
    char program[REGISTRY_TEXT];
    struct notice notice = {0};
    *sent = *failed = 0;
    if (registry_get(desk->registry, PROGRAM, program, sizeof program) != REGISTRY_DONE || program[0] == 0)
        return fail_with(fail, FAIL_NOT_FOUND,
                         _("no program does the check '%s': name one with 'identity program'"), "notice");
    for (int i = 0; i < ONCE; i++) {
        struct fail why = {0};
        enum registry_end end = claim(desk, &notice);
        if (end == REGISTRY_NONE)
            return true;
        if (end == REGISTRY_DONE) {
            bool good = send(program, &notice, &why);
            *(good ? sent : failed) += 1;
            end = write_end(desk, &notice, good);
        }
        if (end != REGISTRY_DONE)
            return noun_end(end, "notice", fail);
    }
    return true;
}

static bool run(struct desk *desk, const struct options *options, struct fail *fail)
{
    char sent_text[16], failed_text[16];
    int sent = 0;
    int failed = 0;
    bool done = notice_send(desk, &sent, &failed, fail);
    snprintf(sent_text, sizeof sent_text, "%d", sent);
    snprintf(failed_text, sizeof failed_text, "%d", failed);
    const struct records_pair pairs[] = {{"sent", sent_text}, {"failed", failed_text}, {NULL, NULL}};
    if (done)
        records_pairs(pairs, options->json);
    return done && (failed == 0 || fail_with(fail, FAIL_OTHER, _("%d notices could not be sent"), failed));
}

bool command_notice_send(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, run, fail);
}

static const struct records notices = {
    "notices",
    "SELECT n.serial, n.days, n.state, n.tries, n.created, coalesce(c.customer, '') FROM notice n"
    " JOIN certificate c ON c.serial = n.serial WHERE n.serial <> ? ORDER BY n.created, n.serial, n.days",
    {{"serial", RECORDS_TEXT},
     {"days", RECORDS_NUMBER},
     {"state", RECORDS_TEXT},
     {"tries", RECORDS_NUMBER},
     {"time", RECORDS_TIME},
     {"customer", RECORDS_TEXT}},
};

static bool list(struct desk *desk, const struct options *options, struct fail *fail)
{
    return records_print(desk, &notices, DB_VALUES(db_t("")), options->json, fail);
}

bool command_notice_list(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, list, fail);
}

// The thread of a desk that serves.
static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct desk *desk;
    bool started, stop;
} teller = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void *tell(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&teller.lock);
    while (!teller.stop) {
        struct timespec until;
        struct fail fail = {0};
        int sent = 0;
        int failed = 0;
        pthread_mutex_unlock(&teller.lock);
        if (!notice_send(teller.desk, &sent, &failed, &fail) && fail.code != FAIL_NOT_FOUND)
            fprintf(stderr, "%s\n", fail.text);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += LOOK;
        pthread_mutex_lock(&teller.lock);
        if (!teller.stop)
            pthread_cond_timedwait(&teller.wake, &teller.lock, &until);
    }
    pthread_mutex_unlock(&teller.lock);
    return NULL;
}

void notice_start(struct desk *desk)
{
    teller.desk = desk;
    teller.stop = false;
    teller.started = pthread_create(&teller.thread, NULL, tell, NULL) == 0;
}

void notice_stop(void)
{
    pthread_mutex_lock(&teller.lock);
    teller.stop = true;
    pthread_cond_broadcast(&teller.wake);
    pthread_mutex_unlock(&teller.lock);
    program_stop(true);
    if (teller.started)
        pthread_join(teller.thread, NULL);
    teller.started = false;
    program_stop(false);
}
