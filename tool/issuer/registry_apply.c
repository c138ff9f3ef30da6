// Applications of customers: their proofs, their fee, their approval; and what renews a certificate.
#include "registry_log.h"
#include "rules.h"

#include <stdio.h>
#include <string.h>

enum registry_end registry_class(struct registry *registry, const char *name, struct registry_class *class)
{
    struct db_query query;
    memset(class, 0, sizeof *class);
    DB_ASK(&query, db_enter_reading(registry), "SELECT name, policy, days FROM class WHERE name = ?",
           db_t(name));
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, class->name, sizeof class->name);
        db_get_text(&query, 1, class->policy, sizeof class->policy);
        class->days = (int)db_get_number(&query, 2);
    }
    enum registry_end end = found ? REGISTRY_DONE : REGISTRY_NONE;
    return db_leave(registry, db_close(&query) ? end : REGISTRY_FAILED);
}

// yessign's policies for secure media: 1.2.410.200005.1.1.x.1 (individual, bank use, financial).
enum registry_end registry_test_policies(struct registry *registry)
{
    static const char *const rows[][2] = {
        {"joint", "1.2.410.200005.1.1.4.1"},
        {"joint-general", "1.2.410.200005.1.1.1.1"},
        {"financial", "1.2.410.200005.1.1.1.10"},
    };
    struct db *db = db_enter(registry);
    bool done = true;
    for (size_t i = 0; done && i < sizeof rows / sizeof rows[0]; i++)
        done =
            DB_DO(db, "UPDATE class SET policy = ? WHERE name = ?", db_t(rows[i][1]), db_t(rows[i][0])) == 1;
    return db_leave(registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
}

static bool insert(struct db *db, const struct registry_person *person)
{
    return DB_DO(
               db,
               "INSERT INTO person(reference, name, subject, code, created, expires, tries, customer, class,"
               " kind, state, target) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               db_t(person->reference), db_t(person->name), db_b(person->subject, person->subject_length),
               db_b(person->code, person->code_length), db_n(person->created), db_n(person->expires),
               db_n(person->tries), db_t(person->customer), db_t(person->class_name), db_t(person->kind),
               db_t(person->state), db_t(person->target)) == 1;
}

// The fee of the class is due before a certificate is issued; none for the other kinds of application.
static bool charge(struct db *db, const char *reference, int64_t now)
{
    return DB_DO(db,
                 "INSERT INTO fee(id, reference, class, amount, state, created)"
                 " SELECT p.reference, p.reference, p.class, k.fee, 'due', CAST(? AS INTEGER) FROM person p"
                 " JOIN class k ON k.name = p.class WHERE p.reference = ? AND k.fee > 0"
                 " AND p.kind IN ('issue', 'reissue', 'renew')",
                 db_n(now), db_t(reference)) >= 0;
}

// What the class asks for; the same for kinds of application that issue nothing.
static enum registry_end prove(struct db *db, const struct registry_person *person)
{
    struct db_query query;
    char needs[REGISTRY_TEXT] = "identity"; // without a class: another institution's certificate
    DB_ASK(&query, db, "SELECT needs FROM class WHERE name = ?", db_t(person->class_name));
    if (db_row(&query))
        db_get_text(&query, 0, needs, sizeof needs);
    if (!db_close(&query))
        return REGISTRY_FAILED;
    return rules_prove(db, person->customer, needs, person->reference, person->created);
}

// The target must be this customer's, and of this class; a revoked or expired one may still be reissued.
static enum registry_end check_target(struct db *db, const struct registry_person *person)
{
    struct db_query query;
    if (person->target[0] == 0)
        return REGISTRY_DONE;
    DB_ASK(&query, db,
           "SELECT 1 FROM certificate WHERE serial = ? AND customer = ? AND class = ?"
           " AND state = 'confirmed'",
           db_t(person->target), db_t(person->customer), db_t(person->class_name));
    enum registry_end end = db_row(&query) ? REGISTRY_DONE : REGISTRY_NONE;
    return db_close(&query) ? end : REGISTRY_FAILED;
}

static enum registry_end apply(struct registry *registry, struct db *db, const struct registry_person *person)
{
    char detail[LOG_TEXT];
    enum registry_end end = check_target(db, person);
    if (end != REGISTRY_DONE)
        return end;
    if (!insert(db, person))
        return REGISTRY_FAILED;
    // The rules now, so that nobody proves and pays for what is refused; and again before signing.
    end = rules_check(db, person->reference, person->created);
    if (end != REGISTRY_DONE && end != REGISTRY_WAITING)
        return end;
    if ((end = prove(db, person)) != REGISTRY_DONE)
        return end;
    snprintf(detail, sizeof detail, "%s %s customer %s %s", person->kind, person->class_name,
             person->customer, person->target);
    return charge(db, person->reference, person->created) &&
                   log_append(registry, db, person->created, "application.added", person->reference, detail)
               ? REGISTRY_DONE
               : REGISTRY_FAILED;
}

enum registry_end registry_apply(struct registry *registry, const struct registry_person *person)
{
    struct db *db = db_enter(registry);
    return db_leave(registry, apply(registry, db, person));
}

enum registry_end registry_decide(struct registry *registry, const char *reference, bool deny, int64_t now)
{
    struct db *db = db_enter(registry);
    enum registry_end end =
        db_one(DB_DO(db, "UPDATE person SET state = ? WHERE reference = ? AND state = 'waiting'",
                     db_t(deny ? "denied" : "ready"), db_t(reference)));
    if (end == REGISTRY_DONE &&
        !log_append(registry, db, now, deny ? "application.denied" : "application.approved", reference, ""))
        end = REGISTRY_FAILED;
    return db_leave(registry, end);
}

// Copies the application of the certificate that is renewed; its code is never shown to anybody.
static bool copy_application(struct registry *registry, struct db *db, const char *serial, const char *fresh,
                             int64_t now)
{
    return DB_DO(
               db,
               "INSERT INTO person(reference, name, subject, code, created, expires, tries, customer, class, "
               "kind,"
               " target) SELECT ?, p.name, p.subject, p.code, CAST(? AS INTEGER), c.not_after, 0, c.customer,"
               " c.class, 'renew', c.serial FROM certificate c JOIN person p ON p.reference = c.reference"
               " WHERE c.serial = ?",
               db_t(fresh), db_n(now), db_t(serial)) == 1 &&
           charge(db, fresh, now) && log_append(registry, db, now, "application.added", fresh, serial);
}

enum registry_end registry_renewal(struct registry *registry, const char *serial, const char *fresh,
                                   int64_t now, char reference[REGISTRY_REFERENCE + 1])
{
    struct db_query query;
    struct db *db = db_enter(registry);
    DB_ASK(&query, db,
           "SELECT reference FROM person WHERE kind = 'renew' AND target = ? ORDER BY created DESC",
           db_t(serial));
    bool found = db_row(&query);
    if (found)
        db_get_text(&query, 0, reference, REGISTRY_REFERENCE + 1);
    else
        snprintf(reference, REGISTRY_REFERENCE + 1, "%s", fresh);
    bool done = db_close(&query) && (found || copy_application(registry, db, serial, fresh, now));
    return db_leave(registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
}

// The application is made and the rules are asked as for a real one; then all of it is taken back.
enum registry_end registry_renewable(struct registry *registry, const char *serial, int64_t now)
{
    static const char trial[] = "trial";
    struct db_query query;
    char reference[REGISTRY_REFERENCE + 1];
    struct db *db = db_enter(registry);
    DB_ASK(&query, db,
           "SELECT reference FROM person WHERE kind = 'renew' AND target = ? ORDER BY created DESC",
           db_t(serial));
    bool found = db_row(&query);
    if (found)
        db_get_text(&query, 0, reference, sizeof reference);
    if (!db_close(&query))
        return db_leave(registry, REGISTRY_FAILED);
    if (!found && !copy_application(registry, db, serial, trial, now))
        return db_leave(registry, REGISTRY_FAILED);
    enum registry_end end = rules_check(db, found ? reference : trial, now);
    enum registry_end left = db_leave(registry, end == REGISTRY_DONE ? REGISTRY_AGAIN : end);
    return left == REGISTRY_AGAIN ? REGISTRY_DONE : left;
}

enum registry_end registry_poll_keep(struct registry *registry, const struct registry_poll *poll, int64_t now)
{
    struct db *db = db_enter(registry);
    int changed = -1;
    if (DB_DO(db, "DELETE FROM poll WHERE expires <= ? OR reference = ?", db_n(now), db_t(poll->reference)) >=
        0)
        changed = DB_DO(db,
                        "INSERT INTO poll(id, reference, nonce, request, expires) VALUES(?, ?, ?, ?, ?)"
                        " ON CONFLICT(id) DO NOTHING",
                        db_b(poll->id, poll->id_length), db_t(poll->reference),
                        db_b(poll->nonce, poll->nonce_length), db_b(poll->request, poll->request_length),
                        db_n(poll->expires));
    return db_leave(registry, changed == 0 ? REGISTRY_OTHER_KEY : db_one(changed));
}

enum registry_end registry_poll_find(struct registry *registry, const void *id, size_t length, int64_t now,
                                     struct registry_poll *poll)
{
    struct db_query query;
    DB_ASK(&query, db_enter_reading(registry),
           "SELECT id, nonce, reference, request, expires FROM poll WHERE id = ? AND expires > ?",
           db_b(id, length), db_n(now));
    bool found = db_row(&query);
    if (found) {
        db_get_bytes(&query, 0, poll->id, sizeof poll->id, &poll->id_length);
        db_get_bytes(&query, 1, poll->nonce, sizeof poll->nonce, &poll->nonce_length);
        db_get_text(&query, 2, poll->reference, sizeof poll->reference);
        db_get_bytes(&query, 3, poll->request, sizeof poll->request, &poll->request_length);
        poll->expires = db_get_number(&query, 4);
    }
    enum registry_end end = found ? REGISTRY_DONE : REGISTRY_NONE;
    return db_leave(registry, db_close(&query) ? end : REGISTRY_FAILED);
}
