// Whether a certificate stands: revoked for ever, suspended, resumed; and what is known of it.
#include "registry_log.h"
#include "rules.h"

#include <stdio.h>
#include <string.h>

struct action {
    const char *name;
    const char *to;      // the status that it makes
    const char *from[3]; // those that it leads from
    const char *event;
    int reason; // CRLReason; -1: the caller's
};

static const struct action actions[] = {
    {"revoke", "revoked", {"valid", "suspended", NULL}, "certificate.revoked", -1},
    {"suspend", "suspended", {"valid", NULL, NULL}, "certificate.suspended", 6},
    {"resume", "valid", {"suspended", NULL, NULL}, "certificate.resumed", 0},
};

static const struct action *find(const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

static void read_standing(struct db_query *query, struct registry_standing *standing)
{
    db_get_text(query, 0, standing->serial, sizeof standing->serial);
    db_get_text(query, 1, standing->reference, sizeof standing->reference);
    db_get_text(query, 2, standing->customer, sizeof standing->customer);
    db_get_text(query, 3, standing->class_name, sizeof standing->class_name);
    db_get_text(query, 4, standing->state, sizeof standing->state);
    db_get_text(query, 5, standing->status, sizeof standing->status);
    standing->reason = (int)db_get_number(query, 6);
    standing->generation = (int)db_get_number(query, 7);
    standing->changed = db_get_number(query, 8);
    standing->not_after = db_get_number(query, 9);
    db_get_bytes(query, 10, standing->der, sizeof standing->der, &standing->length);
}

static enum registry_end standing_of(struct db *db, const char *serial, struct registry_standing *standing)
{
    struct db_query query;
    memset(standing, 0, sizeof *standing);
    DB_ASK(
        &query, db,
        "SELECT serial, reference, coalesce(customer, ''), class, state, status, reason, generation, changed,"
        " not_after, der FROM certificate WHERE serial = ? AND der IS NOT NULL",
        db_t(serial));
    bool found = db_row(&query);
    if (found)
        read_standing(&query, standing);
    enum registry_end end = found ? REGISTRY_DONE : REGISTRY_NONE;
    return db_close(&query) ? end : REGISTRY_FAILED;
}

enum registry_end registry_standing(struct registry *registry, const char *serial,
                                    struct registry_standing *standing)
{
    return db_leave(registry, standing_of(db_enter_reading(registry), serial, standing));
}

// Does the action lead from this status? DONE: yes; AGAIN: it is so already; else why not.
static enum registry_end leads(const struct action *action, const struct registry_standing *standing)
{
    for (int i = 0; action->from[i] != NULL; i++) {
        if (strcmp(standing->status, action->from[i]) == 0)
            return strcmp(standing->state, "confirmed") == 0 ? REGISTRY_DONE : REGISTRY_PURPOSE;
    }
    if (strcmp(standing->status, action->to) == 0)
        return REGISTRY_AGAIN;
    return strcmp(standing->status, "revoked") == 0 ? REGISTRY_REVOKED : REGISTRY_PURPOSE;
}

static enum registry_end change(struct registry *registry, struct db *db, const char *serial,
                                const struct action *action, int reason, const char *by,
                                const char *reference, int64_t now)
{
    struct registry_standing standing;
    char detail[LOG_TEXT];
    enum registry_end end = standing_of(db, serial, &standing);
    if (end == REGISTRY_DONE)
        end = leads(action, &standing);
    if (end != REGISTRY_DONE)
        return end;
    reason = action->reason >= 0 ? action->reason : reason;
    snprintf(detail, sizeof detail, "reason %d by %.200s", reason, by);
    bool gone = strcmp(action->to, "revoked") == 0;
    bool done =
        DB_DO(db,
              gone
                  ? "UPDATE certificate SET status = ?, reason = ?, changed = ?, sole = NULL WHERE serial = ?"
                  : "UPDATE certificate SET status = ?, reason = ?, changed = ? WHERE serial = ?",
              db_t(action->to), db_n(reason), db_n(now), db_t(serial)) == 1 &&
        (reference == NULL || DB_DO(db, "UPDATE person SET spent = ? WHERE reference = ? AND spent = 0",
                                    db_n(now), db_t(reference)) == 1) &&
        DB_DO(db, "UPDATE crl SET stale = 1 WHERE stale = ?", db_n(0)) >= 0 &&
        log_append(registry, db, now, action->event, serial, detail);
    return done ? REGISTRY_DONE : REGISTRY_FAILED;
}

enum registry_end registry_change(struct registry *registry, const char *serial, const char *name, int reason,
                                  const char *by, const char *reference, int64_t now)
{
    const struct action *action = find(name);
    if (action == NULL)
        return REGISTRY_PURPOSE;
    struct db *db = db_enter(registry);
    return db_leave(registry, change(registry, db, serial, action, reason, by, reference, now));
}

enum registry_end registry_change_own(struct registry *registry, const char *serial, const char *name,
                                      int reason, const char *customer, int64_t now)
{
    struct registry_standing standing;
    const struct action *action = find(name);
    if (action == NULL)
        return REGISTRY_PURPOSE;
    struct db *db = db_enter(registry);
    enum registry_end end = standing_of(db, serial, &standing);
    if (end == REGISTRY_DONE && strcmp(standing.customer, customer) != 0)
        end = REGISTRY_NONE;
    if (end == REGISTRY_DONE)
        end = leads(action, &standing);
    if (end == REGISTRY_DONE)
        end = rules_prove(db, customer, "identity factor", serial, now);
    if (end == REGISTRY_DONE)
        end = change(registry, db, serial, action, reason, customer, NULL, now);
    return db_leave(registry, end);
}
