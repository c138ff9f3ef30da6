// Other institutions' certificates: checked, registered for a customer who proved to have the key, ended
// again.
#include "foreign.h"

#include "dn.h"
#include "nouns.h"
#include "profile.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define CHECK_AGAIN 600 // seconds after which a registered one is checked anew when it is used

static const struct {
    enum fail_code code;
    enum refuse_reason reason;
    const char *text;
} rows[FOREIGN_ENDS] = {
    [FOREIGN_UNREADABLE] = {FAIL_USAGE, REFUSE_FORMAT, N_("this is no certificate that can be read")},
    [FOREIGN_UNTRUSTED] = {FAIL_NOT_FOUND, REFUSE_FOREIGN_UNTRUSTED,
                           N_("the certificate is of no institution that this desk trusts: 'institution list'"
                              " shows them")},
    [FOREIGN_EXPIRED] = {FAIL_REFUSED, REFUSE_FOREIGN_EXPIRED,
                         N_("the certificate is not valid yet, or has expired")},
    [FOREIGN_USE] = {FAIL_REFUSED, REFUSE_FOREIGN_EXPIRED, N_("the certificate is not for signatures")},
    [FOREIGN_REVOKED] = {FAIL_REFUSED, REFUSE_FOREIGN_REVOKED,
                         N_("its institution has revoked or suspended this certificate")},
    [FOREIGN_UNASKED] =
        {FAIL_BUSY, REFUSE_FOREIGN_UNASKED,
         N_("the institution does not say whether its certificate is valid: try again later")},
    [FOREIGN_PERSON] =
        {FAIL_PASSPHRASE, REFUSE_FOREIGN_PERSON,
         N_("it cannot be verified that this certificate is the customer's: come to a branch of"
            " the bank with an identity card, or apply for internet banking first")},
    [FOREIGN_OWN] = {FAIL_REFUSED, REFUSE_FOREIGN_CLASH,
                     N_("this desk issued the certificate itself: it needs no registration")},
    [FOREIGN_CLASH] =
        {FAIL_REFUSED, REFUSE_FOREIGN_CLASH,
         N_("the certificate clashes with another: it is registered for somebody else, or its key"
            " has a certificate of this desk")},
    [FOREIGN_POSSESSION] = {FAIL_MISMATCH, REFUSE_FOREIGN_POSSESSION,
                            N_("the signature does not prove that the certificate's key is there")},
    [FOREIGN_NONE] = {FAIL_NOT_FOUND, REFUSE_CERTIFICATE, N_("no such certificate is registered")},
    [FOREIGN_UNPROVED] =
        {FAIL_PASSPHRASE, REFUSE_PURPOSE,
         N_("identity is not proved, or the proof has expired: 'identity check' comes first")},
    [FOREIGN_BROKEN] = {FAIL_OTHER, REFUSE_BROKEN, N_("cannot read or write the registry: try again")},
};

bool foreign_fail(enum foreign_end end, struct fail *fail)
{
    return end == FOREIGN_DONE || end == FOREIGN_AGAIN ||
           fail_with(fail, rows[end].code, "%s", _(rows[end].text));
}

enum refuse_reason foreign_refuse(enum foreign_end end)
{
    return end == FOREIGN_DONE || end == FOREIGN_AGAIN ? REFUSE_NOTHING : rows[end].reason;
}

static X509 *decode(const void *der, size_t length)
{
    const unsigned char *at = der;
    X509 *certificate = length > 0 && length <= REGISTRY_CERT ? d2i_X509(NULL, &at, (long)length) : NULL;
    if (certificate != NULL && at == (const unsigned char *)der + length)
        return certificate;
    X509_free(certificate);
    ERR_clear_error();
    return NULL;
}

// Issued by this CA and in time; the clock is the desk's.
static enum foreign_end verify(X509 *certificate, X509 *ca, int64_t now)
{
    enum foreign_end end = FOREIGN_BROKEN;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (store != NULL && context != NULL && X509_STORE_add_cert(store, ca) == 1 &&
        X509_STORE_CTX_init(context, store, certificate, NULL) == 1) {
        X509_STORE_CTX_set_flags(context, X509_V_FLAG_PARTIAL_CHAIN);
        X509_STORE_CTX_set_time(context, 0, (time_t)now);
        if (X509_verify_cert(context) == 1)
            end = FOREIGN_DONE;
        else
            switch (X509_STORE_CTX_get_error(context)) {
            case X509_V_ERR_CERT_HAS_EXPIRED:
            case X509_V_ERR_CERT_NOT_YET_VALID:
                end = FOREIGN_EXPIRED;
                break;
            default:
                end = FOREIGN_UNTRUSTED;
            }
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    return end;
}

// The trusted institution of the certificate's issuer; its CA is the caller's. Several may have one name.
static enum foreign_end find_institution(struct desk *desk, X509 *certificate, int64_t now,
                                         struct foreign_institution *found)
{
    unsigned char der[REGISTRY_CERT];
    size_t length = 0;
    struct db_query query;
    enum foreign_end end = FOREIGN_UNTRUSTED;
    found->ca = NULL;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT id, name, crl, ocsp, certificate FROM institution WHERE state = ? ORDER BY id",
           db_t("trusted"));
    while (end == FOREIGN_UNTRUSTED && db_row(&query)) {
        db_get_text(&query, 0, found->id, sizeof found->id);
        db_get_text(&query, 1, found->name, sizeof found->name);
        db_get_text(&query, 2, found->crl, sizeof found->crl);
        db_get_text(&query, 3, found->ocsp, sizeof found->ocsp);
        db_get_bytes(&query, 4, der, sizeof der, &length);
        X509 *ca = query.good ? decode(der, length) : NULL;
        if (ca != NULL && X509_NAME_cmp(X509_get_subject_name(ca), X509_get_issuer_name(certificate)) == 0)
            end = verify(certificate, ca, now);
        if (end == FOREIGN_UNTRUSTED)
            X509_free(ca);
        else
            found->ca = ca;
    }
    bool good = db_close(&query);
    if (db_leave(desk->registry, good ? REGISTRY_DONE : REGISTRY_FAILED) != REGISTRY_DONE)
        return FOREIGN_BROKEN;
    return end;
}

// Of this desk: signed by one of its CA keys.
static bool own(const struct desk *desk, X509 *certificate)
{
    bool signed_here = false;
    for (int i = 0; i < desk->generations && !signed_here; i++) {
        X509 *ca = desk->authorities[i].certificate;
        signed_here = X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(ca)) == 0 &&
                      X509_verify(certificate, X509_get0_pubkey(ca)) == 1;
    }
    ERR_clear_error();
    return signed_here;
}

static void describe(X509 *certificate, int64_t now, struct act_foreign *found)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;
    snprintf(found->serial, sizeof found->serial, "%s", hex != NULL ? hex : "");
    dn_line(X509_get_subject_name(certificate), found->subject, sizeof found->subject);
    found->not_after = profile_not_after(certificate);
    found->checked = now;
    OPENSSL_free(hex);
    BN_free(number);
}

// All that does not depend on the customer. *institution is filled when the end is DONE.
static enum foreign_end check(struct desk *desk, X509 *certificate, struct foreign_institution *institution,
                              struct act_foreign *found)
{
    bool asked = false;
    int64_t now = desk->now();
    memset(found, 0, sizeof *found);
    if (own(desk, certificate))
        return FOREIGN_OWN;
    enum foreign_end end = find_institution(desk, certificate, now, institution);
    if (end == FOREIGN_DONE && ((X509_get_key_usage(certificate) & X509v3_KU_DIGITAL_SIGNATURE) == 0 ||
                                X509_check_ca(certificate) != 0))
        end = FOREIGN_USE;
    if (end == FOREIGN_DONE)
        end = foreign_status(institution, certificate, now, &asked);
    if (end == FOREIGN_DONE) {
        describe(certificate, now, found);
        snprintf(found->institution, sizeof found->institution, "%s", institution->name);
        snprintf(found->verdict, sizeof found->verdict, "%s", asked ? "good" : "unasked");
    }
    X509_free(institution->ca);
    institution->ca = NULL;
    return end;
}

bool foreign_check(struct desk *desk, const void *der, size_t length, struct act_foreign *found,
                   struct fail *fail)
{
    struct foreign_institution institution;
    X509 *certificate = decode(der, length);
    enum foreign_end end =
        certificate != NULL ? check(desk, certificate, &institution, found) : FOREIGN_UNREADABLE;
    X509_free(certificate);
    return foreign_fail(end, fail);
}

void foreign_text(const char *reference, char text[FOREIGN_PROOF])
{
    snprintf(text, FOREIGN_PROOF, "ingam register %.*s", 40, reference);
}

bool foreign_possessed(const void *der, size_t length, const char *text, const void *signature, size_t size,
                       struct fail *fail)
{
    X509 *certificate = decode(der, length);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = certificate != NULL && context != NULL &&
                EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(certificate)) == 1 &&
                EVP_DigestVerify(context, signature, size, (const unsigned char *)text, strlen(text)) == 1;
    EVP_MD_CTX_free(context);
    X509_free(certificate);
    ERR_clear_error();
    return foreign_fail(good ? FOREIGN_DONE : FOREIGN_POSSESSION, fail);
}

struct person {
    char name[REGISTRY_NAME + 1];
    char number[IDENTITY_DIGITS + 1];
};

// Name and number of an active customer; the number is wiped by the caller.
static enum foreign_end read_person(struct desk *desk, const char *customer, struct person *person)
{
    unsigned char sealed[IDENTITY_DIGITS + SEAL_OVER];
    size_t length = 0;
    struct db_query query;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT name, identity FROM customer WHERE id = ? AND state = 'active'", db_t(customer));
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, person->name, sizeof person->name);
        db_get_bytes(&query, 1, sealed, sizeof sealed, &length);
    }
    bool good = db_close(&query);
    if (db_leave(desk->registry, good ? REGISTRY_DONE : REGISTRY_FAILED) != REGISTRY_DONE)
        return FOREIGN_BROKEN;
    if (!found || length < SEAL_OVER || !seal_open(desk->seal, customer, sealed, length, person->number))
        return FOREIGN_PERSON;
    person->number[length - SEAL_OVER] = 0;
    return FOREIGN_DONE;
}

static enum foreign_end match(struct desk *desk, const X509 *certificate, const struct act_foreign_ask *ask)
{
    struct person person = {0};
    enum foreign_end end = read_person(desk, ask->customer, &person);
    if (end == FOREIGN_DONE && !ask->verified)
        end = foreign_match(certificate, person.name, person.number, ask->random, ask->random_length);
    OPENSSL_cleanse(&person, sizeof person);
    return end;
}

// Who has it registered, or has a certificate of ours for the same key?
static enum foreign_end clashes(struct db *db, const struct act_foreign_ask *ask, const unsigned char *hash,
                                const unsigned char *key_hash, char id[ACT_ID])
{
    struct db_query query;
    char customer[ACT_ID] = "";
    DB_ASK(&query, db, "SELECT id, customer FROM foreign_certificate WHERE hash = ? AND state = 'registered'",
           db_b(hash, 32));
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, id, ACT_ID);
        db_get_text(&query, 1, customer, sizeof customer);
    }
    if (!db_close(&query))
        return FOREIGN_BROKEN;
    if (found)
        return strcmp(customer, ask->customer) == 0 ? FOREIGN_AGAIN : FOREIGN_CLASH;
    DB_ASK(&query, db, "SELECT 1 FROM certificate WHERE key_hash = ? AND der IS NOT NULL",
           db_b(key_hash, 32));
    found = db_row(&query);
    return !db_close(&query) ? FOREIGN_BROKEN : found ? FOREIGN_CLASH : FOREIGN_DONE;
}

// The application's code is spent, or a proof of identity is used up.
static enum foreign_end pay(struct db *db, const char *customer, const char *reference, const char *by,
                            int64_t now)
{
    if (reference != NULL) {
        int changed =
            DB_DO(db, "UPDATE person SET spent = ? WHERE reference = ? AND customer = ? AND spent = 0",
                  db_n(now), db_t(reference), db_t(customer));
        return changed == 1 ? FOREIGN_DONE : changed == 0 ? FOREIGN_UNPROVED : FOREIGN_BROKEN;
    }
    enum registry_end end = rules_prove(db, customer, "identity", by, now);
    return end == REGISTRY_DONE ? FOREIGN_DONE : end == REGISTRY_FAILED ? FOREIGN_BROKEN : FOREIGN_UNPROVED;
}

static enum foreign_end write(struct desk *desk, const struct act_foreign_ask *ask, X509 *certificate,
                              const char *institution, const struct act_foreign *found, char id[ACT_ID])
{
    unsigned char hash[32], key_hash[32];
    unsigned char *spki = NULL;
    int64_t now = desk->now();
    struct fail ignored = {0};
    char detail[LOG_TEXT];
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    bool good = length > 0 && EVP_Digest(spki, (size_t)length, key_hash, NULL, EVP_sha256(), NULL) == 1 &&
                EVP_Digest(ask->der, ask->length, hash, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(spki);
    if (!good)
        return FOREIGN_BROKEN;
    struct db *db = db_enter(desk->registry);
    enum foreign_end end = clashes(db, ask, hash, key_hash, id);
    if (end == FOREIGN_DONE && !noun_id('X', id, &ignored))
        end = FOREIGN_BROKEN;
    if (end == FOREIGN_DONE)
        end = pay(db, ask->customer, ask->reference, id, now);
    snprintf(detail, sizeof detail, "customer %s institution %s%s", ask->customer, institution,
             ask->verified ? " verified by a branch" : "");
    if (end == FOREIGN_DONE &&
        (DB_DO(db,
               "INSERT INTO foreign_certificate(id, customer, institution, serial, subject, hash, der,"
               " not_after, state, created, checked, verdict)"
               " VALUES(?, ?, ?, ?, ?, ?, ?, ?, 'registered', ?, ?, ?)",
               db_t(id), db_t(ask->customer), db_t(institution), db_t(found->serial), db_t(found->subject),
               db_b(hash, sizeof hash), db_b(ask->der, ask->length), db_n(found->not_after), db_n(now),
               db_n(now), db_t(found->verdict)) != 1 ||
         !log_append(desk->registry, db, now, "foreign.registered", id, detail)))
        end = FOREIGN_BROKEN;
    enum registry_end left = db_leave(desk->registry, end == FOREIGN_DONE ? REGISTRY_DONE : REGISTRY_AGAIN);
    return end == FOREIGN_DONE && left != REGISTRY_DONE ? FOREIGN_BROKEN : end;
}

enum foreign_end foreign_register(struct desk *desk, const struct act_foreign_ask *ask, char id[ACT_ID])
{
    struct foreign_institution institution;
    struct act_foreign found;
    X509 *certificate = decode(ask->der, ask->length);
    enum foreign_end end =
        certificate != NULL ? check(desk, certificate, &institution, &found) : FOREIGN_UNREADABLE;
    if (end == FOREIGN_DONE)
        end = match(desk, certificate, ask);
    if (end == FOREIGN_DONE)
        end = write(desk, ask, certificate, institution.id, &found, id);
    X509_free(certificate);
    return end;
}

bool foreign_add(struct desk *desk, const struct act_foreign_ask *ask, char id[ACT_ID], struct fail *fail)
{
    return foreign_fail(foreign_register(desk, ask, id), fail);
}

enum foreign_end foreign_end_it(struct desk *desk, const char *customer, const char *id,
                                const char *reference)
{
    int64_t now = desk->now();
    struct db *db = db_enter(desk->registry);
    int changed = DB_DO(db,
                        "UPDATE foreign_certificate SET state = 'unregistered', ended = ?"
                        " WHERE id = ? AND customer = ? AND state = 'registered'",
                        db_n(now), db_t(id), db_t(customer));
    enum foreign_end end = changed == 1 ? FOREIGN_DONE : changed == 0 ? FOREIGN_NONE : FOREIGN_BROKEN;
    if (end == FOREIGN_DONE)
        end = pay(db, customer, reference, id, now);
    if (end == FOREIGN_DONE && !log_append(desk->registry, db, now, "foreign.unregistered", id, customer))
        end = FOREIGN_BROKEN;
    enum registry_end left = db_leave(desk->registry, end == FOREIGN_DONE ? REGISTRY_DONE : REGISTRY_AGAIN);
    return end == FOREIGN_DONE && left != REGISTRY_DONE ? FOREIGN_BROKEN : end;
}

bool foreign_drop(struct desk *desk, const char *customer, const char *id, struct fail *fail)
{
    return foreign_fail(foreign_end_it(desk, customer, id, NULL), fail);
}

enum foreign_end foreign_row(struct desk *desk, const void *der, size_t length, struct act_foreign *found)
{
    unsigned char hash[32];
    struct db_query query;
    memset(found, 0, sizeof *found);
    if (EVP_Digest(der, length, hash, NULL, EVP_sha256(), NULL) != 1)
        return FOREIGN_BROKEN;
    DB_ASK(
        &query, db_enter_reading(desk->registry),
        "SELECT f.id, f.customer, f.checked FROM foreign_certificate f JOIN customer c ON c.id = f.customer"
        " WHERE f.hash = ? AND f.state = 'registered' AND c.state = 'active'",
        db_b(hash, sizeof hash));
    bool there = db_row(&query);
    if (there) {
        db_get_text(&query, 0, found->id, sizeof found->id);
        db_get_text(&query, 1, found->customer, sizeof found->customer);
        found->checked = db_get_number(&query, 2);
    }
    bool good = db_close(&query);
    if (db_leave(desk->registry, good ? REGISTRY_DONE : REGISTRY_FAILED) != REGISTRY_DONE)
        return FOREIGN_BROKEN;
    return there ? FOREIGN_DONE : FOREIGN_NONE;
}

// Checks a registered one anew; the institution's service is asked when its last word is old.
static enum foreign_end still_good(struct desk *desk, const void *der, size_t length,
                                   const struct act_foreign *known)
{
    struct foreign_institution institution;
    struct act_foreign found;
    int64_t now = desk->now();
    X509 *certificate = decode(der, length);
    enum foreign_end end = certificate == NULL ? FOREIGN_UNREADABLE : FOREIGN_DONE;
    if (end == FOREIGN_DONE && known->checked + CHECK_AGAIN > now) {
        end = find_institution(desk, certificate, now, &institution);
        X509_free(institution.ca);
    } else if (end == FOREIGN_DONE) {
        end = check(desk, certificate, &institution, &found);
        if (end == FOREIGN_DONE)
            db_leave(desk->registry,
                     db_one(DB_DO(db_enter(desk->registry),
                                  "UPDATE foreign_certificate SET checked = ?, verdict = ? WHERE id = ?",
                                  db_n(now), db_t(found.verdict), db_t(known->id))));
    }
    X509_free(certificate);
    return end;
}

bool foreign_find(struct desk *desk, const void *der, size_t length, char customer[ACT_ID], struct fail *fail)
{
    struct act_foreign known;
    enum foreign_end end = foreign_row(desk, der, length, &known);
    if (end == FOREIGN_DONE)
        end = still_good(desk, der, length, &known);
    snprintf(customer, ACT_ID, "%s", end == FOREIGN_DONE ? known.customer : "");
    return foreign_fail(end, fail);
}

X509 *foreign_of(struct desk *desk, const char *customer, const char *id)
{
    unsigned char der[REGISTRY_CERT];
    char whose[ACT_ID];
    size_t length = 0;
    struct fail ignored = {0};
    struct db_query query;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT der FROM foreign_certificate WHERE id = ? AND customer = ? AND state = 'registered'",
           db_t(id), db_t(customer));
    if (db_row(&query))
        db_get_bytes(&query, 0, der, sizeof der, &length);
    bool good = db_close(&query);
    if (db_leave(desk->registry, good ? REGISTRY_DONE : REGISTRY_FAILED) != REGISTRY_DONE || length == 0 ||
        !foreign_find(desk, der, length, whose, &ignored) || strcmp(whose, customer) != 0)
        return NULL;
    return decode(der, length);
}

static void read_row(struct db_query *query, struct act_foreign *row)
{
    db_get_text(query, 0, row->id, sizeof row->id);
    db_get_text(query, 1, row->customer, sizeof row->customer);
    db_get_text(query, 2, row->institution, sizeof row->institution);
    db_get_text(query, 3, row->serial, sizeof row->serial);
    db_get_text(query, 4, row->subject, sizeof row->subject);
    db_get_text(query, 5, row->verdict, sizeof row->verdict);
    row->not_after = db_get_number(query, 6);
    row->created = db_get_number(query, 7);
    row->checked = db_get_number(query, 8);
}

bool foreign_list(struct desk *desk, const char *customer, struct act_foreign *list, size_t most,
                  size_t *count, struct fail *fail)
{
    struct db_query query;
    *count = 0;
    DB_ASK(
        &query, db_enter_reading(desk->registry),
        "SELECT f.id, f.customer, i.name, f.serial, f.subject, f.verdict, f.not_after, f.created, f.checked"
        " FROM foreign_certificate f JOIN institution i ON i.id = f.institution"
        " WHERE f.customer = ? AND f.state = 'registered' ORDER BY f.created DESC, f.id",
        db_t(customer));
    while (*count < most && db_row(&query))
        read_row(&query, &list[(*count)++]);
    enum registry_end end = db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), customer, fail);
}
