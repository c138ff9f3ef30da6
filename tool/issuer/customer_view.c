// What is known of a customer, for pages and commands: the person found, certificates, factors, proofs; and
// the classes that there are.
#include "factor.h"
#include "identity.h"
#include "nouns.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define CUSTOMER "SELECT id, kind, name, mask, phone, email, state FROM customer WHERE "

// Reads the row of the question, closes it and leaves the transaction.
static enum registry_end one(struct desk *desk, struct db_query *query, struct act_customer *customer)
{
    bool found = db_row(query);
    memset(customer, 0, sizeof *customer);
    if (found) {
        db_get_text(query, 0, customer->id, sizeof customer->id);
        db_get_text(query, 1, customer->kind, sizeof customer->kind);
        db_get_text(query, 2, customer->name, sizeof customer->name);
        db_get_text(query, 3, customer->mask, sizeof customer->mask);
        db_get_text(query, 4, customer->phone, sizeof customer->phone);
        db_get_text(query, 5, customer->email, sizeof customer->email);
        db_get_text(query, 6, customer->state, sizeof customer->state);
    }
    enum registry_end end = db_close(query) ? found ? REGISTRY_DONE : REGISTRY_NONE : REGISTRY_FAILED;
    return db_leave(desk->registry, end);
}

bool customer_find(struct desk *desk, const char *kind, const char *name, const struct secret *number,
                   struct act_customer *customer, struct fail *fail)
{
    struct identity identity;
    struct db_query query;
    memset(customer, 0, sizeof *customer);
    if (!utf8_is_text(name) || !identity_take(desk, kind, number, "", &identity, fail))
        return fail_with(fail, FAIL_USAGE,
                         _("the name is not valid UTF-8 text: check the terminal's encoding"));
    DB_ASK(&query, db_enter_reading(desk->registry),
           CUSTOMER "identity_hash = ? AND kind = ? AND name = ? AND state = 'active'",
           db_b(identity.hash, sizeof identity.hash), db_t(kind), db_t(name));
    enum registry_end end = one(desk, &query, customer);
    if (end == REGISTRY_NONE)
        return fail_with(fail, FAIL_PASSPHRASE,
                         _("name and number fit no customer: check both, or ask at a branch of the bank"));
    return noun_end(end, "customer", fail);
}

bool customer_get(struct desk *desk, const char *id, struct act_customer *customer, struct fail *fail)
{
    struct db_query query;
    DB_ASK(&query, db_enter_reading(desk->registry), CUSTOMER "id = ?", db_t(id));
    return noun_end(one(desk, &query, customer), id, fail);
}

bool customer_details(struct desk *desk, const char *id, const char *phone, const char *email,
                      struct fail *fail)
{
    int64_t now = desk->now();
    const char *const texts[] = {phone, email};
    for (size_t i = 0; i < 2; i++) {
        if (texts[i] != NULL && (!utf8_is_text(texts[i]) || strlen(texts[i]) >= REGISTRY_TEXT))
            return fail_with(fail, FAIL_USAGE, _("%s must be UTF-8 text of at most %d bytes"),
                             i == 0 ? "--phone" : "--email", REGISTRY_TEXT - 1);
    }
    struct db *db = db_enter(desk->registry);
    enum registry_end end =
        db_one(DB_DO(db,
                     "UPDATE customer SET phone = coalesce(?, phone), email = coalesce(?, email)"
                     " WHERE id = ? AND state = 'active'",
                     db_t(phone), db_t(email), db_t(id)));
    if (end == REGISTRY_DONE && !log_append(desk->registry, db, now, "customer.changed", id, ""))
        end = REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), id, fail);
}

static void read_certificate(struct db_query *query, struct act_certificate *row)
{
    db_get_text(query, 0, row->serial, sizeof row->serial);
    db_get_text(query, 1, row->class_name, sizeof row->class_name);
    db_get_text(query, 2, row->status, sizeof row->status);
    db_get_text(query, 3, row->reference, sizeof row->reference);
    db_get_text(query, 4, row->replaced_by, sizeof row->replaced_by);
    row->reason = (int)db_get_number(query, 5);
    row->created = db_get_number(query, 6);
    row->not_after = db_get_number(query, 7);
    row->changed = db_get_number(query, 8);
}

bool customer_certificates(struct desk *desk, const char *customer, struct act_certificate *rows, size_t most,
                           size_t *count, struct fail *fail)
{
    struct db_query query;
    *count = 0;
    DB_ASK(
        &query, db_enter_reading(desk->registry),
        "SELECT serial, class, CASE WHEN status = 'valid' AND not_after <= ? THEN 'expired' ELSE status END,"
        " reference, replaced_by, reason, created, not_after, changed FROM certificate"
        " WHERE customer = ? AND state = 'confirmed' ORDER BY created DESC, serial",
        db_n(desk->now()), db_t(customer));
    while (*count < most && db_row(&query))
        read_certificate(&query, &rows[(*count)++]);
    enum registry_end end = db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), customer, fail);
}

static void read_factor(struct db_query *query, struct act_factor *row)
{
    struct fail ignored = {0};
    db_get_text(query, 0, row->id, sizeof row->id);
    db_get_text(query, 1, row->kind, sizeof row->kind);
    db_get_text(query, 2, row->label, sizeof row->label);
    row->tries = (int)db_get_number(query, 3);
    row->locked = row->tries == 0;
    const struct factor_kind *kind = factor_kind(row->kind, &ignored);
    row->asks = kind != NULL && kind->challenge != NULL;
    snprintf(row->need, sizeof row->need, "%s", kind != NULL ? kind->need : "");
}

bool customer_factors(struct desk *desk, const char *customer, struct act_factor *rows, size_t most,
                      size_t *count, struct fail *fail)
{
    struct db_query query;
    *count = 0;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT id, kind, label, tries FROM factor WHERE customer = ? AND state = 'active'"
           " ORDER BY created DESC, id",
           db_t(customer));
    while (*count < most && db_row(&query))
        read_factor(&query, &rows[(*count)++]);
    enum registry_end end = db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), customer, fail);
}

bool customer_proved(struct desk *desk, const char *customer, struct act_proved *proved, struct fail *fail)
{
    struct db_query query;
    char need[REGISTRY_WORD];
    memset(proved, 0, sizeof *proved);
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT DISTINCT need FROM proof WHERE customer = ? AND result = 'passed' AND used_by = ''"
           " AND expires > ?",
           db_t(customer), db_n(desk->now()));
    while (db_row(&query)) {
        db_get_text(&query, 0, need, sizeof need);
        proved->identity = proved->identity || strcmp(need, "identity") == 0;
        proved->factor = proved->factor || strcmp(need, "factor") == 0;
        proved->account = proved->account || strcmp(need, "account") == 0;
    }
    enum registry_end end = db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), customer, fail);
}

static void read_class(struct db_query *query, struct act_class *row)
{
    db_get_text(query, 0, row->name, sizeof row->name);
    db_get_text(query, 1, row->title, sizeof row->title);
    db_get_text(query, 2, row->kinds, sizeof row->kinds);
    db_get_text(query, 3, row->needs, sizeof row->needs);
    db_get_text(query, 4, row->policy, sizeof row->policy);
    row->days = (int)db_get_number(query, 5);
    row->fee = (int)db_get_number(query, 6);
    row->renew_days = (int)db_get_number(query, 7);
    row->sole = db_get_number(query, 8) != 0;
}

bool class_list(struct desk *desk, struct act_class *rows, size_t most, size_t *count, struct fail *fail)
{
    struct db_query query;
    *count = 0;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT name, title, kinds, needs, policy, days, fee, renew_days, sole FROM class WHERE name <> ?"
           " ORDER BY name",
           db_t(""));
    while (*count < most && db_row(&query))
        read_class(&query, &rows[(*count)++]);
    enum registry_end end = db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), "class", fail);
}
