// Second factors: HOTP, TOTP, security card, a signature by another valid certificate. Tries are counted
// before the answer is looked at, an answer counts once, and what was shown expires.
#include "nouns.h"

#include "code.h"
#include "factor.h"
#include "utf8.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define PROOF_SECONDS 600 // how long a shown factor is good

bool proof_add(struct desk *desk, const char *customer, const char *need, const char *kind, bool passed,
               int seconds, struct fail *fail)
{
    char id[NOUN_ID];
    char event[64];
    int64_t now = desk->now();
    if (!noun_id('P', id, fail))
        return false;
    snprintf(event, sizeof event, "%s.%s", need, passed ? "passed" : "failed");
    struct db *db = db_enter(desk->registry);
    bool done = DB_DO(db,
                      "INSERT INTO proof(id, customer, need, kind, result, created, expires)"
                      " VALUES(?, ?, ?, ?, ?, ?, ?)",
                      db_t(id), db_t(customer), db_t(need), db_t(kind), db_t(passed ? "passed" : "failed"),
                      db_n(now), db_n(now + seconds)) == 1 &&
                log_append(desk->registry, db, now, event, customer, kind);
    return noun_end(db_leave(desk->registry, done ? REGISTRY_DONE : REGISTRY_FAILED), customer, fail);
}

const struct factor_kind *factor_kind(const char *name, struct fail *fail)
{
    for (const struct factor_kind *kind = factor_kinds; kind->name != NULL; kind++) {
        if (strcmp(kind->name, name) == 0)
            return kind;
    }
    fail_with(
        fail, FAIL_USAGE,
        _("unknown kind of factor '%s': use hotp, totp, card, signature, mobile-pin, account or phone-code"),
        name);
    return NULL;
}

static enum registry_end insert(struct desk *desk, const struct factor_new *new, int tries, const char *id,
                                const unsigned char *sealed, size_t length)
{
    int64_t now = desk->now();
    struct db *db = db_enter(desk->registry);
    enum registry_end end = db_one(
        DB_DO(db,
              "INSERT INTO factor(id, customer, kind, label, secret, tries, most, state, created)"
              " SELECT ?, c.id, ?, ?, ?, CAST(? AS INTEGER), CAST(? AS INTEGER), 'active', CAST(? AS INTEGER)"
              " FROM customer c WHERE c.id = ? AND c.state = 'active'",
              db_t(id), db_t(new->kind), db_t(new->label), db_b(sealed, length), db_n(tries), db_n(tries),
              db_n(now), db_t(new->customer)));
    if (end == REGISTRY_DONE && !log_append(desk->registry, db, now, "factor.added", id, new->customer))
        end = REGISTRY_FAILED;
    return db_leave(desk->registry, end);
}

bool factor_add(struct desk *desk, const struct factor_new *new, char id[NOUN_ID], struct fail *fail)
{
    struct factor_secret secret = {0};
    unsigned char sealed[sizeof secret.bytes + SEAL_OVER];
    const struct factor_kind *kind = factor_kind(new->kind, fail);
    if (kind == NULL || !noun_id('F', id, fail))
        return false;
    if (!utf8_is_text(new->label) || strlen(new->label) >= REGISTRY_TEXT)
        return fail_with(fail, FAIL_USAGE, _("%s must be UTF-8 text of at most %d bytes"), "--label",
                         REGISTRY_TEXT - 1);
    if (strcmp(kind->name, "mobile-otp") == 0)
        return fail_with(fail, FAIL_USAGE,
                         _("the desk makes the secret of a mobile OTP: use 'factor enrol'"));
    if (!kind->read(new->secret, new->length, &secret, fail))
        return false;
    bool sealed_well = seal_close(desk->seal, id, secret.bytes, secret.length, sealed);
    size_t length = secret.length + SEAL_OVER;
    OPENSSL_cleanse(&secret, sizeof secret);
    if (!sealed_well)
        return fail_with(fail, FAIL_OTHER, _("the random generator fails"));
    return noun_end(insert(desk, new, new->tries != 0 ? new->tries : kind->tries, id, sealed, length),
                    new->customer, fail);
}

static bool own_account(struct desk *desk, const char *customer, const char *account, struct fail *fail)
{
    struct db_query query;
    DB_ASK(&query, db_enter_reading(desk->registry), "SELECT 1 FROM account WHERE id = ? AND customer = ?",
           db_t(account), db_t(customer));
    enum registry_end end = db_row(&query) ? REGISTRY_DONE : REGISTRY_NONE;
    return noun_end(db_leave(desk->registry, db_close(&query) ? end : REGISTRY_FAILED), account, fail);
}

static bool add(struct desk *desk, const struct options *options, struct fail *fail)
{
    char id[NOUN_ID];
    unsigned char bytes[FACTOR_FILE];
    struct factor_new new = {.customer = options->customer,
                             .kind = options->kind,
                             .label = options->account != NULL ? options->account
                                      : options->label != NULL ? options->label
                                                               : "",
                             .tries = options->tries,
                             .secret = bytes};
    if ((strcmp(options->kind, "account") == 0) != (options->account != NULL))
        return fail_with(fail, FAIL_USAGE, _("--account names the account of a factor of the kind account"));
    if (options->account != NULL && !own_account(desk, options->customer, options->account, fail))
        return false;
    if (options->secret_file != NULL &&
        !file_read_bytes(options->secret_file, bytes, sizeof bytes, &new.length, fail))
        return false;
    bool done = factor_add(desk, &new, id, fail);
    OPENSSL_cleanse(bytes, sizeof bytes);
    const struct records_pair pairs[] = {{"factor", id}, {"kind", options->kind}, {NULL, NULL}};
    if (done)
        records_pairs(pairs, options->json);
    return done;
}

bool command_factor_add(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, add, fail);
}

// `customer` NULL: anybody's.
static enum registry_end load(struct desk *desk, struct db *db, const char *customer, const char *id,
                              struct factor *factor)
{
    unsigned char sealed[sizeof factor->secret.bytes + SEAL_OVER];
    size_t length = 0;
    struct db_query query;
    memset(factor, 0, sizeof *factor);
    DB_ASK(&query, db,
           "SELECT f.id, f.customer, f.kind, f.secret, f.moving, f.tries, f.challenge, f.challenge_expires"
           " FROM factor f JOIN customer c ON c.id = f.customer"
           " WHERE f.id = ? AND ? IN ('', c.id) AND f.state = 'active' AND c.state = 'active'",
           db_t(id), db_t(customer != NULL ? customer : ""));
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, factor->id, sizeof factor->id);
        db_get_text(&query, 1, factor->customer, sizeof factor->customer);
        db_get_text(&query, 2, factor->kind, sizeof factor->kind);
        db_get_bytes(&query, 3, sealed, sizeof sealed, &length);
        factor->moving = db_get_number(&query, 4);
        factor->tries = (int)db_get_number(&query, 5);
        db_get_text(&query, 6, factor->challenge, sizeof factor->challenge);
        factor->challenge_expires = db_get_number(&query, 7);
    }
    if (!db_close(&query))
        return REGISTRY_FAILED;
    if (!found)
        return REGISTRY_NONE;
    factor->secret.length = length - SEAL_OVER;
    return length >= SEAL_OVER && seal_open(desk->seal, id, sealed, length, factor->secret.bytes)
               ? REGISTRY_DONE
               : REGISTRY_FAILED;
}

// An open challenge stays until it is answered or expires: asking again gives nobody another one to choose
// from.
static enum registry_end challenge_in(struct desk *desk, struct db *db, const char *customer, const char *id,
                                      struct factor *factor, bool *fresh)
{
    struct fail ignored = {0};
    unsigned char sealed[sizeof factor->secret.bytes + SEAL_OVER];
    int64_t now = desk->now();
    enum registry_end end = load(desk, db, customer, id, factor);
    if (end != REGISTRY_DONE)
        return end;
    const struct factor_kind *kind = factor_kind(factor->kind, &ignored);
    if (kind == NULL || kind->challenge == NULL)
        return REGISTRY_PURPOSE;
    if (factor->challenge[0] != 0 && factor->challenge_expires > now)
        return REGISTRY_DONE;
    if (kind->sends && factor->tries <= 0)
        return REGISTRY_FULL;
    if (!kind->challenge(factor) ||
        !seal_close(desk->seal, id, factor->secret.bytes, factor->secret.length, sealed))
        return REGISTRY_FAILED;
    *fresh = kind->sends;
    factor->challenge_expires = now + kind->seconds;
    return db_one(DB_DO(db, "UPDATE factor SET challenge = ?, challenge_expires = ?, secret = ? WHERE id = ?",
                        db_t(factor->challenge), db_n(factor->challenge_expires),
                        db_b(sealed, factor->secret.length + SEAL_OVER), db_t(id)));
}

static enum registry_end end_challenge(struct desk *desk, const struct factor *factor)
{
    struct db *db = db_enter(desk->registry);
    return db_leave(desk->registry,
                    DB_DO(db, "UPDATE factor SET challenge = '' WHERE id = ? AND challenge = ?",
                          db_t(factor->id), db_t(factor->challenge)) >= 0
                        ? REGISTRY_DONE
                        : REGISTRY_FAILED);
}

// The code goes to the telephone; one that could not be sent is none.
static bool send_code(struct desk *desk, const struct factor *factor, struct fail *fail)
{
    char code[8];
    snprintf(code, sizeof code, "%.*s", (int)factor->secret.length, (const char *)factor->secret.bytes);
    bool sent = check_send(desk, factor->customer, code, fail);
    OPENSSL_cleanse(code, sizeof code);
    if (!sent)
        end_challenge(desk, factor);
    return sent;
}

bool factor_ask(struct desk *desk, const char *customer, const char *id, char challenge[ACT_CHALLENGE],
                int64_t *expires, struct fail *fail)
{
    struct factor factor;
    bool fresh = false;
    struct db *db = db_enter(desk->registry);
    enum registry_end end = db_leave(desk->registry, challenge_in(desk, db, customer, id, &factor, &fresh));
    bool done = end == REGISTRY_FULL
                    ? fail_with(fail, FAIL_LOCKED, _("the factor %s is locked: the desk can unlock it"), id)
                    : noun_end(end, id, fail);
    if (done && fresh)
        done = send_code(desk, &factor, fail);
    snprintf(challenge, ACT_CHALLENGE, "%s", done ? factor.challenge : "");
    if (expires != NULL)
        *expires = done ? factor.challenge_expires : 0;
    OPENSSL_cleanse(&factor.secret, sizeof factor.secret);
    return done;
}

static bool challenge(struct desk *desk, const struct options *options, struct fail *fail)
{
    char text[ACT_CHALLENGE];
    const struct records_pair pairs[] = {{"challenge", text}, {NULL, NULL}};
    if (!factor_ask(desk, NULL, options->factor, text, NULL, fail))
        return false;
    records_pairs(pairs, options->json);
    return true;
}

bool command_factor_challenge(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, challenge, fail);
}

// First the try is taken, and that stands whatever happens next.
static enum registry_end take_try(struct desk *desk, const char *customer, const char *id,
                                  struct factor *factor)
{
    struct db *db = db_enter(desk->registry);
    enum registry_end end = load(desk, db, customer, id, factor);
    if (end == REGISTRY_DONE && factor->tries > 0)
        end = db_one(DB_DO(db, "UPDATE factor SET tries = tries - 1 WHERE id = ? AND tries > 0", db_t(id)));
    return db_leave(desk->registry, end);
}

// Right: the tries are full again, the moving value goes on and the challenge is over. Another answer that
// was right at the same time has moved it before: then this one is a replay.
static bool accept_answer(struct desk *desk, const struct factor *factor, const char *need, int64_t moving,
                          struct fail *fail)
{
    struct db *db = db_enter(desk->registry);
    enum registry_end end = db_one(
        DB_DO(db,
              "UPDATE factor SET tries = most, moving = ?, challenge = '', challenge_expires = 0 WHERE id = ?"
              " AND moving = ? AND challenge = ?",
              db_n(moving), db_t(factor->id), db_n(factor->moving), db_t(factor->challenge)));
    end = db_leave(desk->registry, end);
    if (end == REGISTRY_NONE)
        return fail_with(fail, FAIL_PASSPHRASE, _("this answer was used: wait for the next one"));
    return noun_end(end, factor->id, fail) &&
           proof_add(desk, factor->customer, need, factor->kind, true, PROOF_SECONDS, fail);
}

static bool check(struct factor *factor, struct factor_answer *answer, struct fail *fail)
{
    struct desk *desk = answer->desk;
    const struct factor_kind *kind = factor_kind(factor->kind, fail);
    if (kind == NULL)
        return false;
    if (kind->challenge != NULL && (factor->challenge[0] == 0 || factor->challenge_expires <= answer->now))
        return fail_with(fail, FAIL_PASSPHRASE,
                         _("there is no open challenge: ask for one with 'factor challenge'"));
    if (kind->check(factor, answer))
        return accept_answer(desk, factor, kind->need, answer->moving, fail);
    if (!proof_add(desk, factor->customer, kind->need, factor->kind, false, 0, fail))
        return false;
    if (kind->sends && end_challenge(desk, factor) != REGISTRY_DONE)
        return noun_end(REGISTRY_FAILED, factor->id, fail);
    if (factor->tries <= 1)
        return fail_with(fail, FAIL_LOCKED,
                         _("wrong answer; the factor is locked now: the desk can unlock it"));
    return fail_with(fail, FAIL_PASSPHRASE, _("wrong answer, or one that was used: %d tries left"),
                     factor->tries - 1);
}

bool factor_answer(struct desk *desk, const char *customer, const char *id, const void *bytes, size_t length,
                   const char *serial, int *left, struct fail *fail)
{
    struct factor factor = {0};
    struct factor_answer answer = {.now = desk->now(), .desk = desk, .serial = serial, .length = length};
    if (left != NULL)
        *left = 0;
    if (length > sizeof answer.bytes)
        return fail_with(fail, FAIL_USAGE, _("the answer is longer than %d bytes"), ACT_ANSWER);
    memcpy(answer.bytes, bytes, length);
    bool done = noun_end(take_try(desk, customer, id, &factor), id, fail);
    if (done && factor.tries <= 0)
        done = fail_with(fail, FAIL_LOCKED, _("the factor %s is locked: the desk can unlock it"), id);
    done = done && check(&factor, &answer, fail);
    if (left != NULL && factor.tries > 0)
        *left = factor.tries - 1;
    OPENSSL_cleanse(&factor.secret, sizeof factor.secret);
    OPENSSL_cleanse(answer.bytes, sizeof answer.bytes);
    return done;
}

static bool verify(struct desk *desk, const struct options *options, struct fail *fail)
{
    unsigned char bytes[ACT_ANSWER];
    size_t length = 0;
    const char *path = strcmp(options->answer_file, "-") == 0 ? "/dev/stdin" : options->answer_file;
    bool done = file_read_bytes(path, bytes, sizeof bytes, &length, fail) &&
                factor_answer(desk, NULL, options->factor, bytes, length, options->serial, NULL, fail);
    OPENSSL_cleanse(bytes, sizeof bytes);
    if (done)
        printf("passed %s\n", options->factor);
    return done;
}

bool command_factor_verify(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, verify, fail);
}

static bool unlock(struct desk *desk, const struct options *options, struct fail *fail)
{
    int64_t now = desk->now();
    struct db *db = db_enter(desk->registry);
    enum registry_end end = db_one(
        DB_DO(db, "UPDATE factor SET tries = most WHERE id = ? AND state = 'active'", db_t(options->factor)));
    if (end == REGISTRY_DONE && !log_append(desk->registry, db, now, "factor.unlocked", options->factor, ""))
        end = REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), options->factor, fail);
}

bool command_factor_unlock(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, unlock, fail);
}

static const struct records factors = {
    "factors",
    "SELECT id, customer, kind, CASE WHEN tries = 0 THEN 'locked' ELSE state END, tries, created, label FROM "
    "factor"
    " WHERE ? IN ('', customer) ORDER BY created, id",
    {{"factor", RECORDS_TEXT},
     {"customer", RECORDS_TEXT},
     {"kind", RECORDS_TEXT},
     {"state", RECORDS_TEXT},
     {"tries", RECORDS_NUMBER},
     {"created", RECORDS_TIME},
     {"label", RECORDS_TEXT}},
};

static bool list(struct desk *desk, const struct options *options, struct fail *fail)
{
    return records_print(desk, &factors, DB_VALUES(db_t(options->customer != NULL ? options->customer : "")),
                         options->json, fail);
}

bool command_factor_list(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, list, fail);
}
