// Makes CRLs (RFC 5280 clause 5) in the same transaction that takes their number.
#include "publish.h"

#include "registry_log.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define FRESH_SECONDS 3600        // a CRL in which nothing has changed is made anew after this
#define VALID_SECONDS 86400       // nextUpdate
#define KEPT_SECONDS  (7 * 86400) // an entry stays so long after its certificate's end
#define KEPT_CRLS     16
#define CRL_MAX       (4 << 20)

int publish_ca(struct desk *desk, int generation, unsigned char **der)
{
    *der = NULL;
    return generation >= 1 && generation <= desk->generations
               ? i2d_X509(desk->authorities[generation - 1].certificate, der)
               : 0;
}

// reasonCode (RFC 5280 5.3.1); `unspecified` is left out, as that clause asks for.
static bool set_reason(X509_REVOKED *entry, int reason)
{
    if (reason == 0)
        return true;
    ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
    bool done = code != NULL && ASN1_ENUMERATED_set(code, reason) == 1 &&
                X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0, 0) == 1;
    ASN1_ENUMERATED_free(code);
    return done;
}

static bool add_entry(X509_CRL *crl, const char *serial, int64_t when, int reason)
{
    BIGNUM *number = NULL;
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *value = BN_hex2bn(&number, serial) > 0 ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)when);
    bool done = entry != NULL && value != NULL && time != NULL &&
                X509_REVOKED_set_serialNumber(entry, value) == 1 &&
                X509_REVOKED_set_revocationDate(entry, time) == 1 && set_reason(entry, reason) &&
                X509_CRL_add0_revoked(crl, entry) == 1;
    if (!done)
        X509_REVOKED_free(entry);
    ASN1_TIME_free(time);
    ASN1_INTEGER_free(value);
    BN_free(number);
    return done;
}

static bool add_entries(struct db *db, X509_CRL *crl, int generation, int64_t now)
{
    struct db_query query;
    char serial[REGISTRY_SERIAL];
    bool done = true;
    DB_ASK(&query, db,
           "SELECT serial, changed, reason FROM certificate WHERE status <> 'valid' AND der IS NOT NULL"
           " AND not_after > ? AND generation = ? ORDER BY serial",
           db_n(now - KEPT_SECONDS), db_n(generation));
    while (done && db_row(&query)) {
        db_get_text(&query, 0, serial, sizeof serial);
        done = add_entry(crl, serial, db_get_number(&query, 1), (int)db_get_number(&query, 2));
    }
    return db_close(&query) && done;
}

static bool add_extensions(X509 *ca, X509_CRL *crl, int64_t number)
{
    X509V3_CTX context;
    ASN1_INTEGER *value = ASN1_INTEGER_new();
    X509V3_set_ctx(&context, ca, NULL, NULL, crl, 0);
    X509_EXTENSION *id = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    bool done = id != NULL && X509_CRL_add_ext(crl, id, -1) == 1 && value != NULL &&
                ASN1_INTEGER_set_int64(value, number) == 1 &&
                X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;
    X509_EXTENSION_free(id);
    ASN1_INTEGER_free(value);
    return done;
}

static int build(const struct desk *desk, int generation, struct db *db, int64_t number, int64_t now,
                 unsigned char **der)
{
    const struct desk_authority *authority = &desk->authorities[generation - 1];
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now);
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)(now + VALID_SECONDS));
    bool done =
        crl != NULL && from != NULL && until != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
        X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority->certificate)) == 1 &&
        X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, until) == 1 &&
        add_entries(db, crl, generation, now) && add_extensions(authority->certificate, crl, number) &&
        X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, authority->key, EVP_sha256()) > 0;
    int length = done ? i2d_X509_CRL(crl, der) : -1;
    X509_CRL_free(crl);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ERR_clear_error();
    return length;
}

// The newest CRL, if nothing has changed since; with `any` as long as its time has not ended. *number is the
// highest that was taken.
static bool find(struct db *db, int generation, int64_t now, bool any, int64_t *number, unsigned char **der,
                 int *length)
{
    struct db_query query;
    *length = -1;
    DB_ASK(
        &query, db,
        "SELECT number, made, stale, der, until FROM crl WHERE generation = ? ORDER BY number DESC LIMIT 1",
        db_n(generation));
    if (db_row(&query)) {
        struct db_value value = db_value(&query, 3);
        *number = db_get_number(&query, 0);
        int64_t made = db_get_number(&query, 1);
        bool good = db_get_number(&query, 2) == 0 && made <= now && made + FRESH_SECONDS > now;
        if (any)
            good = db_get_number(&query, 4) > now;
        if (good && value.length <= CRL_MAX && (*der = OPENSSL_memdup(value.bytes, value.length)) != NULL)
            *length = (int)value.length;
    }
    return db_close(&query);
}

static enum registry_end renew(struct desk *desk, int generation, struct db *db, int64_t now,
                               unsigned char **der, int *length)
{
    int64_t number = 0;
    if (!find(db, generation, now, false, &number, der, length))
        return REGISTRY_FAILED;
    if (*length > 0)
        return REGISTRY_DONE;
    number++;
    *length = build(desk, generation, db, number, now, der);
    bool done =
        *length > 0 && *length <= CRL_MAX &&
        DB_DO(db, "INSERT INTO crl(generation, number, made, until, stale, der) VALUES(?, ?, ?, ?, 0, ?)",
              db_n(generation), db_n(number), db_n(now), db_n(now + VALID_SECONDS),
              db_b(*der, (size_t)*length)) == 1 &&
        DB_DO(db, "DELETE FROM crl WHERE generation = ? AND number <= ?", db_n(generation),
              db_n(number - KEPT_CRLS)) >= 0;
    return done ? REGISTRY_DONE : REGISTRY_FAILED;
}

int publish_crl(struct desk *desk, int generation, unsigned char **der)
{
    int length = -1;
    int64_t number = 0;
    int64_t now = desk->now();
    *der = NULL;
    if (generation < 1 || generation > desk->generations)
        return 0;
    // Most of the time it is there: then nobody is kept from writing.
    struct db *db = db_enter_reading(desk->registry);
    enum registry_end end =
        find(db, generation, now, false, &number, der, &length) ? REGISTRY_DONE : REGISTRY_FAILED;
    end = db_leave(desk->registry, end);
    if (end == REGISTRY_DONE && length <= 0) {
        db = db_enter(desk->registry);
        end = db_leave(desk->registry, renew(desk, generation, db, now, der, &length));
    }
    if (end == REGISTRY_DONE)
        return length;
    OPENSSL_free(*der);
    *der = NULL;
    // A token that cannot sign now: an older list is better than none, while its time lasts.
    db = db_enter_reading(desk->registry);
    end = find(db, generation, now, true, &number, der, &length) ? REGISTRY_DONE : REGISTRY_FAILED;
    return db_leave(desk->registry, end) == REGISTRY_DONE ? length : -1;
}
