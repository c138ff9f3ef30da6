// A mobile OTP for a customer whose identity was proved: the desk makes the secret and shows it once, as an
// otpauth URI that authenticator programs read. Also finds the factor of an account.
#include "factor.h"
#include "identity.h"
#include "nouns.h"

#include <ctype.h>
#include <liboath/oath.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET 20 // bytes: what RFC 4226 4 recommends

// Percent-encoding (RFC 3986 2.1); cut at a whole character when it does not fit.
static void encode(const char *text, char *out, size_t size)
{
    size_t at = 0;
    for (; *text != 0 && at + 4 < size; text++) {
        unsigned char byte = (unsigned char)*text;
        if (isascii(byte) && isalnum(byte))
            out[at++] = (char)byte;
        else
            at += (size_t)snprintf(out + at, size - at, "%%%02X", byte);
    }
    out[at] = 0;
}

static void write_uri(const char *issuer, const char *name, const char *base32, char uri[ACT_URI])
{
    char issuer_text[300], name_text[300];
    encode(issuer, issuer_text, sizeof issuer_text);
    encode(name, name_text, sizeof name_text);
    snprintf(uri, ACT_URI, "otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=6&period=30",
             issuer_text, name_text, base32, issuer_text);
}

// One mobile OTP a customer: an older one ends. Identity is asked for, and the account's password if there is
// one.
static enum registry_end replace(struct desk *desk, const char *customer, const char *id,
                                 const unsigned char *sealed, size_t length)
{
    int64_t now = desk->now();
    bool good = true;
    struct db *db = db_enter(desk->registry);
    bool account = db_count(db,
                            "SELECT count(*) FROM factor WHERE customer = ? AND kind = 'account'"
                            " AND state = 'active'",
                            customer, 0, &good) > 0;
    enum registry_end end =
        good ? rules_prove(db, customer, account ? "identity account" : "identity", id, now)
             : REGISTRY_FAILED;
    bool done =
        end == REGISTRY_DONE &&
        DB_DO(db,
              "UPDATE factor SET state = 'closed' WHERE customer = ? AND kind = 'mobile-otp'"
              " AND state = 'active'",
              db_t(customer)) >= 0 &&
        DB_DO(db,
              "INSERT INTO factor(id, customer, kind, label, secret, tries, most, state, created)"
              " SELECT ?, c.id, 'mobile-otp', '', ?, 5, 5, 'active', CAST(? AS INTEGER) FROM customer c"
              " WHERE c.id = ? AND c.state = 'active'",
              db_t(id), db_b(sealed, length), db_n(now), db_t(customer)) == 1 &&
        log_append(desk->registry, db, now, "factor.enrolled", id, customer);
    return db_leave(desk->registry, end == REGISTRY_DONE && !done ? REGISTRY_FAILED : end);
}

bool factor_enrol(struct desk *desk, const char *customer, char id[ACT_ID], char uri[ACT_URI],
                  struct fail *fail)
{
    struct act_customer who;
    unsigned char secret[SECRET], sealed[SECRET + SEAL_OVER];
    char *base32 = NULL;
    uri[0] = 0;
    if (!customer_get(desk, customer, &who, fail) || !noun_id('F', id, fail))
        return false;
    bool made = RAND_priv_bytes(secret, SECRET) == 1 && seal_close(desk->seal, id, secret, SECRET, sealed) &&
                oath_base32_encode((const char *)secret, SECRET, &base32, NULL) == OATH_OK;
    OPENSSL_cleanse(secret, sizeof secret);
    bool done = made ? noun_end(replace(desk, customer, id, sealed, sizeof sealed), customer, fail)
                     : fail_with(fail, FAIL_OTHER, _("the random generator fails"));
    if (done)
        write_uri(desk->name, who.name, base32, uri);
    if (base32 != NULL)
        OPENSSL_cleanse(base32, strlen(base32));
    free(base32);
    return done;
}

static bool enrol(struct desk *desk, const struct options *options, struct fail *fail)
{
    char id[ACT_ID];
    char uri[ACT_URI + 1];
    if (options->secret_out != NULL && access(options->secret_out, F_OK) == 0)
        return fail_with(fail, FAIL_USAGE, _("%s is there already"), options->secret_out);
    bool done = factor_enrol(desk, options->customer, id, uri, fail);
    const struct records_pair pairs[] = {{"factor", id},
                                         {"kind", "mobile-otp"},
                                         {"uri", options->secret_out == NULL ? uri : NULL},
                                         {NULL, NULL}};
    if (done)
        records_pairs(pairs, options->json);
    if (done && options->secret_out != NULL) {
        size_t length = strlen(uri);
        uri[length] = '\n';
        done = file_write_new(options->secret_out, 0600, uri, length + 1, fail);
    }
    OPENSSL_cleanse(uri, sizeof uri);
    return done;
}

bool command_factor_enrol(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, enrol, fail);
}

bool factor_of_account(struct desk *desk, const char *customer, const struct secret *number, char id[ACT_ID],
                       struct fail *fail)
{
    struct identity account;
    struct db_query query;
    id[0] = 0;
    if (!identity_take(desk, "account", number, "", &account, fail))
        return false;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT f.id FROM factor f JOIN account a ON a.id = f.label WHERE a.number_hash = ?"
           " AND a.customer = ? AND f.customer = a.customer AND f.kind = 'account' AND f.state = 'active'"
           " ORDER BY f.created DESC",
           db_b(account.hash, sizeof account.hash), db_t(customer));
    bool found = db_row(&query);
    if (found)
        db_get_text(&query, 0, id, ACT_ID);
    bool good = db_close(&query);
    if (db_leave(desk->registry, good ? REGISTRY_DONE : REGISTRY_FAILED) != REGISTRY_DONE)
        return noun_end(REGISTRY_FAILED, "account", fail);
    return found || fail_with(fail, FAIL_PASSPHRASE,
                              _("this is no account of the customer with a password: check the number"));
}
