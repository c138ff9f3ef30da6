// Applications of customers, their fees, and the classes of certificates.
#include "nouns.h"

#include "code.h"

#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The kinds of application: which need a certificate that they are about, and which a class.
static const struct {
    const char *name;
    bool target, class_name;
} kinds[] = {
    {"issue", false, true},     {"reissue", false, true},     {"renew", true, false},
    {"revoke", true, false},    {"suspend", true, false},     {"resume", true, false},
    {"register", false, false}, {"unregister", false, false},
};

// The certificate that a reissue replaces: the one named, else the newest of this class that stands.
static bool find_old(struct desk *desk, const struct act_apply *apply, struct registry_person *person,
                     struct fail *fail)
{
    struct db_query query;
    if (apply->serial != NULL) {
        struct registry_standing standing;
        enum registry_end end = registry_standing(desk->registry, apply->serial, &standing);
        snprintf(person->target, sizeof person->target, "%s", standing.serial);
        snprintf(person->class_name, sizeof person->class_name, "%s", standing.class_name);
        return noun_end(end, apply->serial, fail);
    }
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT serial FROM certificate WHERE customer = ? AND class = ? AND state = 'confirmed'"
           " AND status <> 'revoked' ORDER BY created DESC LIMIT 1",
           db_t(apply->customer), db_t(person->class_name));
    if (db_row(&query))
        db_get_text(&query, 0, person->target, sizeof person->target);
    return noun_end(db_leave(desk->registry, db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED), "registry",
                    fail);
}

// What was asked for, checked against the row of its kind.
static bool fill(struct desk *desk, const struct act_apply *apply, struct registry_person *person,
                 struct fail *fail)
{
    const char *kind = apply->kind != NULL ? apply->kind : "issue";
    size_t i = 0;
    while (i < sizeof kinds / sizeof kinds[0] && strcmp(kinds[i].name, kind) != 0)
        i++;
    if (i == sizeof kinds / sizeof kinds[0])
        return fail_with(fail, FAIL_USAGE,
                         _("unknown kind '%s': use issue, reissue, renew, revoke, suspend, resume, register "
                           "or unregister"),
                         kind);
    if (kinds[i].target && apply->serial == NULL)
        return fail_with(fail, FAIL_USAGE, _("--%s %s is missing"), "serial", "HEX");
    if (kinds[i].class_name && apply->class_name == NULL && apply->serial == NULL)
        return fail_with(fail, FAIL_USAGE, _("--%s %s is missing"), "class", "NAME");
    snprintf(person->kind, sizeof person->kind, "%s", kind);
    snprintf(person->state, sizeof person->state, "%s", apply->wait ? "waiting" : "ready");
    snprintf(person->customer, sizeof person->customer, "%s", apply->customer);
    snprintf(person->class_name, sizeof person->class_name, "%s",
             apply->class_name != NULL ? apply->class_name : "");
    if (!kinds[i].target && !kinds[i].class_name)
        return apply->class_name == NULL && apply->serial == NULL
                   ? true
                   : fail_with(fail, FAIL_USAGE, _("another institution's certificate has no class here"));
    if (strcmp(kind, "issue") != 0 && !find_old(desk, apply, person, fail))
        return false;
    struct registry_class class;
    return noun_end(registry_class(desk->registry, person->class_name, &class), person->class_name, fail);
}

bool application_prepare(struct desk *desk, const struct act_apply *apply, struct desk_entitled *made,
                         struct registry_person *person, struct fail *fail)
{
    struct act_customer customer;
    if (!apply->agreed)
        return fail_with(fail, FAIL_REFUSED,
                         _("the customer must have agreed to all terms, not to some: give --agree"));
    if (!customer_get(desk, apply->customer, &customer, fail))
        return false;
    struct desk_entitle ask = {.name = customer.name,
                               .days = apply->days != 0 ? apply->days : 14,
                               .tries = apply->tries != 0 ? apply->tries : 10};
    return desk_prepare(desk, &ask, made, person, fail) && fill(desk, apply, person, fail);
}

bool application_write(struct desk *desk, const struct registry_person *person, struct fail *fail)
{
    return noun_end(registry_apply(desk->registry, person), person->customer, fail);
}

bool application_make(struct desk *desk, const struct act_apply *apply, struct desk_entitled *made,
                      struct fail *fail)
{
    struct registry_person person = {0};
    bool done =
        application_prepare(desk, apply, made, &person, fail) && application_write(desk, &person, fail);
    if (!done)
        OPENSSL_cleanse(made, sizeof *made);
    return done;
}

static void print(const struct desk_entitled *made, const struct options *options)
{
    char expires[DESK_TIME];
    desk_time(made->expires, expires);
    const struct records_pair pairs[] = {{"reference", made->reference},
                                         {"code", options->code_file == NULL ? made->code : NULL},
                                         {"expires", expires},
                                         {"subject", made->subject},
                                         {NULL, NULL}};
    records_pairs(pairs, options->json);
}

// The code is in its file before the registry knows of it: a code file without a row harms nobody.
static bool write_code(const struct options *options, const struct desk_entitled *made, struct fail *fail)
{
    char line[sizeof made->code + 1];
    if (options->code_file == NULL)
        return true;
    int length = snprintf(line, sizeof line, "%s\n", made->code);
    bool done = file_write_new(options->code_file, 0600, line, (size_t)length, fail);
    OPENSSL_cleanse(line, sizeof line);
    return done;
}

static bool add(struct desk *desk, const struct options *options, struct fail *fail)
{
    struct desk_entitled made = {0};
    struct registry_person person = {0};
    const struct act_apply apply = {.customer = options->customer,
                                    .kind = options->kind,
                                    .class_name = options->class_name,
                                    .serial = options->serial,
                                    .days = options->days,
                                    .tries = options->tries,
                                    .wait = options->wait,
                                    .agreed = options->agree};
    bool done = application_prepare(desk, &apply, &made, &person, fail) && write_code(options, &made, fail);
    if (done) {
        done = application_write(desk, &person, fail);
        if (!done && options->code_file != NULL)
            unlink(options->code_file);
    }
    if (done)
        print(&made, options);
    OPENSSL_cleanse(&made, sizeof made);
    return done;
}

bool command_application_add(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, add, fail);
}

static bool approve(struct desk *desk, const struct options *options, struct fail *fail)
{
    return noun_end(registry_decide(desk->registry, options->reference, options->deny, desk->now()),
                    options->reference, fail);
}

bool command_application_approve(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, approve, fail);
}

bool fee_get(struct desk *desk, const char *reference, struct act_fee *fee, struct fail *fail)
{
    struct db_query query;
    *fee = (struct act_fee){.state = "none"};
    DB_ASK(&query, db_enter_reading(desk->registry), "SELECT amount, state FROM fee WHERE reference = ?",
           db_t(reference));
    if (db_row(&query)) {
        fee->amount = db_get_number(&query, 0);
        db_get_text(&query, 1, fee->state, sizeof fee->state);
    }
    return noun_end(db_leave(desk->registry, db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED), reference,
                    fail);
}

bool fee_settle(struct desk *desk, const char *reference, bool waive, struct fail *fail)
{
    int64_t now = desk->now();
    struct db *db = db_enter(desk->registry);
    enum registry_end end =
        db_one(DB_DO(db, "UPDATE fee SET state = ?, paid = ? WHERE reference = ? AND state = 'due'",
                     db_t(waive ? "waived" : "paid"), db_n(now), db_t(reference)));
    if (end == REGISTRY_DONE &&
        !log_append(desk->registry, db, now, waive ? "fee.waived" : "fee.paid", reference, ""))
        end = REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), reference, fail);
}

static bool pay(struct desk *desk, const struct options *options, struct fail *fail)
{
    return fee_settle(desk, options->reference, options->waive, fail);
}

bool command_fee_pay(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, pay, fail);
}

// Policies of the Korean CAs stand under 1.2.410.200004, .200005 and .200012: they are theirs.
static bool own_policy(const struct desk *desk, const char *policy, struct fail *fail)
{
    ASN1_OBJECT *object = OBJ_txt2obj(policy, 1);
    bool readable = object != NULL && strlen(policy) < DESK_SHORTNAME;
    ASN1_OBJECT_free(object);
    if (!readable)
        return fail_with(fail, FAIL_USAGE, _("'%s' is no OID: write it as 1.2.3.4"), policy);
    if (!desk->test && strncmp(policy, "1.2.410.2000", 12) == 0)
        return fail_with(fail, FAIL_REFUSED,
                         _("%s belongs to a real CA: only a desk for tests (init --test-profile) may use it"),
                         policy);
    return true;
}

// Identity at least; each word once, in this order.
static bool good_needs(const char *needs, struct fail *fail)
{
    static const char *const sets[] = {"identity", "identity account", "identity factor",
                                       "identity account factor"};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (strcmp(sets[i], needs) == 0)
            return true;
    }
    return fail_with(fail, FAIL_USAGE, _("--needs is 'identity', then 'account', 'factor' or both, not '%s'"),
                     needs);
}

static bool set_class(struct desk *desk, const struct options *options, struct fail *fail)
{
    struct registry_class class;
    int64_t now = desk->now();
    char detail[LOG_TEXT];
    if (options->policy != NULL && options->policy[0] != 0 && !own_policy(desk, options->policy, fail))
        return false;
    if (!noun_end(registry_class(desk->registry, options->class_name, &class), options->class_name, fail))
        return false;
    const char *policy = options->policy != NULL ? options->policy : class.policy;
    if (options->needs != NULL && !good_needs(options->needs, fail))
        return false;
    snprintf(detail, sizeof detail, "policy %s fee %d needs %s", policy,
             options->fee_given ? options->fee : -1, options->needs != NULL ? options->needs : "as before");
    struct db *db = db_enter(desk->registry);
    bool done =
        DB_DO(db, "UPDATE class SET policy = ? WHERE name = ?", db_t(policy), db_t(class.name)) == 1 &&
        (!options->fee_given ||
         DB_DO(db, "UPDATE class SET fee = ? WHERE name = ?", db_n(options->fee), db_t(class.name)) == 1) &&
        (options->needs == NULL || DB_DO(db, "UPDATE class SET needs = ? WHERE name = ?",
                                         db_t(options->needs), db_t(class.name)) == 1) &&
        log_append(desk->registry, db, now, "class.set", class.name, detail);
    return noun_end(db_leave(desk->registry, done ? REGISTRY_DONE : REGISTRY_FAILED), class.name, fail);
}

bool command_class_set(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, set_class, fail);
}

static const struct records classes = {
    "classes",
    "SELECT name, days, sole, fee, renew_days, kinds, policy, needs, title FROM class WHERE name <> ? ORDER "
    "BY name",
    {{"class", RECORDS_TEXT},
     {"days", RECORDS_NUMBER},
     {"one_per_person", RECORDS_NUMBER},
     {"fee", RECORDS_NUMBER},
     {"renew_days", RECORDS_NUMBER},
     {"kinds", RECORDS_TEXT},
     {"policy", RECORDS_TEXT},
     {"needs", RECORDS_TEXT},
     {"title", RECORDS_TEXT}},
};

static const struct records applications = {
    "applications",
    "SELECT reference, kind, class, CASE WHEN spent > 0 THEN 'done' ELSE state END, coalesce(customer, ''), "
    "target,"
    " created, expires, tries, name FROM person WHERE name <> ? ORDER BY created, reference",
    {{"reference", RECORDS_TEXT},
     {"kind", RECORDS_TEXT},
     {"class", RECORDS_TEXT},
     {"state", RECORDS_TEXT},
     {"customer", RECORDS_TEXT},
     {"serial", RECORDS_TEXT},
     {"created", RECORDS_TIME},
     {"expires", RECORDS_TIME},
     {"tries", RECORDS_NUMBER},
     {"name", RECORDS_TEXT}},
};

static const struct records fees = {
    "fees",
    "SELECT reference, class, amount, state, created, paid FROM fee WHERE id <> ? ORDER BY created, id",
    {{"reference", RECORDS_TEXT},
     {"class", RECORDS_TEXT},
     {"amount", RECORDS_NUMBER},
     {"state", RECORDS_TEXT},
     {"created", RECORDS_TIME},
     {"paid", RECORDS_TIME}},
};

#define LIST(noun, records)                                                                                  \
    static bool list_##noun(struct desk *desk, const struct options *options, struct fail *fail)             \
    {                                                                                                        \
        return records_print(desk, &records, DB_VALUES(db_t("")), options->json, fail);                      \
    }                                                                                                        \
    bool command_##noun##_list(const struct options *options, struct fail *fail)                             \
    {                                                                                                        \
        return noun_with_desk(options, list_##noun, fail);                                                   \
    }

LIST(class, classes)
LIST(application, applications)
LIST(fee, fees)
