// Customers and their accounts: written down, shown with their numbers masked, closed, forgotten.
#include "nouns.h"

#include "identity.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define KEEP_DAYS 1825 // that the numbers of a closed customer are kept, unless the operator says otherwise

static bool text_fits(const char *text, const char *what, struct fail *fail)
{
    if (text == NULL || (utf8_is_text(text) && strlen(text) < REGISTRY_TEXT))
        return true;
    return fail_with(fail, FAIL_USAGE, _("%s must be UTF-8 text of at most %d bytes"), what,
                     REGISTRY_TEXT - 1);
}

static enum registry_end insert_customer(struct desk *desk, const struct options *options, const char *id,
                                         const struct identity *identity)
{
    bool good = true;
    int64_t now = desk->now();
    struct db *db = db_enter(desk->registry);
    int changed = DB_DO(
        db,
        "INSERT INTO customer(id, kind, name, identity_hash, identity, mask, phone, email, state, created)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, 'active', ?) ON CONFLICT DO NOTHING",
        db_t(id), db_t(options->kind), db_t(options->name), db_b(identity->hash, sizeof identity->hash),
        db_b(identity->sealed, identity->sealed_length), db_t(identity->mask),
        db_t(options->phone != NULL ? options->phone : ""),
        db_t(options->email != NULL ? options->email : ""), db_n(now));
    good = changed == 1 && log_append(desk->registry, db, now, "customer.added", id, options->kind);
    return db_leave(desk->registry, changed == 0 ? REGISTRY_AGAIN : good ? REGISTRY_DONE : REGISTRY_FAILED);
}

static bool add(struct desk *desk, const struct options *options, struct fail *fail)
{
    char id[NOUN_ID];
    struct identity identity;
    if (options->name[0] == 0 || strlen(options->name) > REGISTRY_NAME || !utf8_is_text(options->name))
        return fail_with(fail, FAIL_USAGE, _("the name must be UTF-8 text of 1 to %d bytes"), REGISTRY_NAME);
    if (strcmp(options->kind, "account") == 0)
        return fail_with(fail, FAIL_USAGE,
                         _("unknown kind of customer '%s': use individual, proprietor or corporation"),
                         options->kind);
    if (!text_fits(options->phone, "--phone", fail) || !text_fits(options->email, "--email", fail) ||
        !noun_id('C', id, fail) ||
        !identity_read(desk, options->kind, options->identity_file, id, &identity, fail))
        return false;
    enum registry_end end = insert_customer(desk, options, id, &identity);
    if (end == REGISTRY_AGAIN)
        return fail_with(fail, FAIL_REFUSED, _("%s is a customer already; a person is written down once"),
                         identity.mask);
    if (!noun_end(end, options->name, fail))
        return false;
    const struct records_pair pairs[] = {{"customer", id}, {"identity", identity.mask}, {NULL, NULL}};
    records_pairs(pairs, options->json);
    return true;
}

bool command_customer_add(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, add, fail);
}

static const struct records customers = {
    "customers",
    "SELECT id, kind, state, mask, created, phone, email, name FROM customer WHERE created <> ? ORDER BY "
    "created, id",
    {{"customer", RECORDS_TEXT},
     {"kind", RECORDS_TEXT},
     {"state", RECORDS_TEXT},
     {"identity", RECORDS_TEXT},
     {"created", RECORDS_TIME},
     {"phone", RECORDS_TEXT},
     {"email", RECORDS_TEXT},
     {"name", RECORDS_TEXT}},
};

static bool list(struct desk *desk, const struct options *options, struct fail *fail)
{
    return records_print(desk, &customers, DB_VALUES(db_n(0)), options->json, fail);
}

bool command_customer_list(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, list, fail);
}

// Membership ends: every certificate that stands is revoked (cessationOfOperation), open applications are
// denied.
static enum registry_end close_it(struct desk *desk, const char *id)
{
    int64_t now = desk->now();
    struct db *db = db_enter(desk->registry);
    enum registry_end end =
        db_one(DB_DO(db, "UPDATE customer SET state = 'closed', closed = ? WHERE id = ? AND state = 'active'",
                     db_n(now), db_t(id)));
    bool done =
        end == REGISTRY_DONE &&
        DB_DO(db,
              "UPDATE certificate SET status = 'revoked', reason = 5, changed = ?, sole = NULL"
              " WHERE customer = ? AND state IN ('issued', 'confirmed') AND status <> 'revoked'",
              db_n(now), db_t(id)) >= 0 &&
        DB_DO(db, "UPDATE person SET state = 'denied' WHERE customer = ? AND spent = 0", db_t(id)) >= 0 &&
        DB_DO(db, "UPDATE crl SET stale = 1 WHERE stale = ?", db_n(0)) >= 0 &&
        log_append(desk->registry, db, now, "customer.closed", id, "");
    return db_leave(desk->registry, end == REGISTRY_DONE && !done ? REGISTRY_FAILED : end);
}

static bool close_one(struct desk *desk, const struct options *options, struct fail *fail)
{
    return noun_end(close_it(desk, options->customer), options->customer, fail);
}

bool command_customer_close(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, close_one, fail);
}

// The retention rule: what no law needs any more goes, and the log says how many.
static bool purge(struct desk *desk, const struct options *options, struct fail *fail)
{
    char detail[64];
    int64_t now = desk->now();
    int64_t before = now - (int64_t)(options->keep_days != 0 ? options->keep_days : KEEP_DAYS) * 86400;
    struct db *db = db_enter(desk->registry);
    int accounts = DB_DO(db,
                         "DELETE FROM account WHERE customer IN"
                         " (SELECT id FROM customer WHERE state = 'closed' AND closed <= ?)",
                         db_n(before));
    int factors = DB_DO(db,
                        "DELETE FROM factor WHERE customer IN"
                        " (SELECT id FROM customer WHERE state = 'closed' AND closed <= ?)",
                        db_n(before));
    int customers_changed =
        DB_DO(db,
              "UPDATE customer SET identity = NULL, identity_hash = NULL, mask = '', phone = '',"
              " email = '' WHERE state = 'closed' AND closed <= ? AND identity IS NOT NULL",
              db_n(before));
    snprintf(detail, sizeof detail, "%d customers, %d accounts", customers_changed, accounts);
    bool done = accounts >= 0 && factors >= 0 && customers_changed >= 0 &&
                (accounts + factors + customers_changed == 0 ||
                 log_append(desk->registry, db, now, "customer.purged", "", detail));
    done = db_leave(desk->registry, done ? REGISTRY_DONE : REGISTRY_FAILED) == REGISTRY_DONE;
    if (done)
        printf("purged %s\n", detail);
    return noun_end(done ? REGISTRY_DONE : REGISTRY_FAILED, "purge", fail);
}

bool command_customer_purge(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, purge, fail);
}

static bool add_account(struct desk *desk, const struct options *options, struct fail *fail)
{
    char id[NOUN_ID];
    struct identity number;
    int64_t now = desk->now();
    if (!noun_id('A', id, fail) || !identity_read(desk, "account", options->number_file, id, &number, fail))
        return false;
    struct db *db = db_enter(desk->registry);
    int changed =
        DB_DO(db,
              "INSERT INTO account(id, customer, number_hash, number, mask, created)"
              " SELECT ?, c.id, ?, ?, ?, CAST(? AS INTEGER) FROM customer c"
              " WHERE c.id = ? AND c.state = 'active' ON CONFLICT DO NOTHING",
              db_t(id), db_b(number.hash, sizeof number.hash), db_b(number.sealed, number.sealed_length),
              db_t(number.mask), db_n(now), db_t(options->customer));
    bool logged = changed == 1 && log_append(desk->registry, db, now, "account.added", id, options->customer);
    enum registry_end end = changed < 0 || (changed == 1 && !logged) ? REGISTRY_FAILED : db_one(changed);
    end = db_leave(desk->registry, end);
    if (end == REGISTRY_NONE)
        return fail_with(fail, FAIL_NOT_FOUND,
                         _("%s is no active customer, or the account %s is written down already"),
                         options->customer, number.mask);
    const struct records_pair pairs[] = {{"account", id}, {"number", number.mask}, {NULL, NULL}};
    if (end == REGISTRY_DONE)
        records_pairs(pairs, options->json);
    return noun_end(end, options->customer, fail);
}

bool command_account_add(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, add_account, fail);
}

static const struct records accounts_rows = {
    "accounts",
    "SELECT id, customer, mask, created FROM account WHERE ? IN ('', customer) ORDER BY created, id",
    {{"account", RECORDS_TEXT},
     {"customer", RECORDS_TEXT},
     {"number", RECORDS_TEXT},
     {"created", RECORDS_TIME}},
};

static bool list_accounts(struct desk *desk, const struct options *options, struct fail *fail)
{
    return records_print(desk, &accounts_rows,
                         DB_VALUES(db_t(options->customer != NULL ? options->customer : "")), options->json,
                         fail);
}

bool command_account_list(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, list_accounts, fail);
}
