// Commands for other institutions: the trust list, and the certificates that customers registered.
#include "foreign.h"
#include "nouns.h"
#include "profile.h"
#include "utf8.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST 16384

// A certificate from a file, PEM or DER, as DER.
static bool read_certificate(const char *path, unsigned char der[REGISTRY_CERT], size_t *length, X509 **out,
                             struct fail *fail)
{
    unsigned char bytes[FILE_MOST];
    const unsigned char *at = bytes;
    size_t size = 0;
    *out = NULL;
    if (!file_read_bytes(path, bytes, sizeof bytes, &size, fail))
        return false;
    BIO *text = BIO_new_mem_buf(bytes, (int)size);
    X509 *certificate = text != NULL ? PEM_read_bio_X509(text, NULL, NULL, NULL) : NULL;
    BIO_free(text);
    if (certificate == NULL)
        certificate = d2i_X509(NULL, &at, (long)size);
    ERR_clear_error();
    int encoded = certificate != NULL ? i2d_X509(certificate, NULL) : -1;
    if (encoded <= 0 || encoded > REGISTRY_CERT) {
        X509_free(certificate);
        return fail_with(fail, FAIL_USAGE, _("%s holds no certificate (PEM or DER)"), path);
    }
    *length = (size_t)i2d_X509(certificate, &der);
    *out = certificate;
    return true;
}

static bool good_address(const char *address, bool path_too)
{
    return address == NULL || address[0] == 0 ||
           (strlen(address) < DESK_URL &&
            (strncmp(address, "http://", 7) == 0 || (path_too && address[0] == '/')));
}

static enum registry_end insert(struct desk *desk, const struct options *options, const char *id,
                                const unsigned char *der, size_t length)
{
    unsigned char hash[32];
    int64_t now = desk->now();
    if (EVP_Digest(der, length, hash, NULL, EVP_sha256(), NULL) != 1)
        return REGISTRY_FAILED;
    struct db *db = db_enter(desk->registry);
    int changed =
        DB_DO(db,
              "INSERT INTO institution(id, name, hash, certificate, crl, ocsp, state, created)"
              " VALUES(?, ?, ?, ?, ?, ?, 'trusted', ?) ON CONFLICT(hash) DO UPDATE SET state = 'trusted',"
              " name = excluded.name, crl = excluded.crl, ocsp = excluded.ocsp",
              db_t(id), db_t(options->name), db_b(hash, sizeof hash), db_b(der, length),
              db_t(options->crl != NULL ? options->crl : ""),
              db_t(options->ocsp != NULL ? options->ocsp : ""), db_n(now));
    bool done = changed == 1 && log_append(desk->registry, db, now, "institution.trusted", id, options->name);
    return db_leave(desk->registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
}

static bool add_institution(struct desk *desk, const struct options *options, struct fail *fail)
{
    char id[NOUN_ID];
    unsigned char der[REGISTRY_CERT];
    size_t length = 0;
    X509 *ca = NULL;
    if (!utf8_is_text(options->name) || options->name[0] == 0 || strlen(options->name) >= REGISTRY_TEXT)
        return fail_with(fail, FAIL_USAGE, _("the name must be UTF-8 text of 1 to %d bytes"),
                         REGISTRY_TEXT - 1);
    if (!good_address(options->crl, true) || !good_address(options->ocsp, false))
        return fail_with(fail, FAIL_USAGE,
                         _("--crl must be http://... or an absolute path, --ocsp http://..."));
    if (!noun_id('N', id, fail) || !read_certificate(options->certificate_file, der, &length, &ca, fail))
        return false;
    bool is_ca = X509_check_ca(ca) == 1;
    bool own = X509_NAME_cmp(X509_get_subject_name(ca), X509_get_subject_name(desk->ca)) == 0;
    X509_free(ca);
    if (!is_ca || own)
        return fail_with(fail, FAIL_REFUSED,
                         own ? _("this is the desk's own CA") : _("%s is no certificate of a CA"),
                         options->certificate_file);
    if (!noun_end(insert(desk, options, id, der, length), options->name, fail))
        return false;
    const struct records_pair pairs[] = {{"institution", id}, {"name", options->name}, {NULL, NULL}};
    records_pairs(pairs, options->json);
    return true;
}

bool command_institution_add(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, add_institution, fail);
}

static bool withdraw(struct desk *desk, const struct options *options, struct fail *fail)
{
    int64_t now = desk->now();
    struct db *db = db_enter(desk->registry);
    enum registry_end end =
        db_one(DB_DO(db, "UPDATE institution SET state = 'withdrawn' WHERE id = ? AND state = 'trusted'",
                     db_t(options->institution)));
    if (end == REGISTRY_DONE &&
        !log_append(desk->registry, db, now, "institution.withdrawn", options->institution, ""))
        end = REGISTRY_FAILED;
    return noun_end(db_leave(desk->registry, end), options->institution, fail);
}

bool command_institution_withdraw(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, withdraw, fail);
}

static const struct records institutions = {
    "institutions",
    "SELECT id, state, created, crl, ocsp, name FROM institution WHERE name <> ? ORDER BY created, id",
    {{"institution", RECORDS_TEXT},
     {"state", RECORDS_TEXT},
     {"created", RECORDS_TIME},
     {"crl", RECORDS_TEXT},
     {"ocsp", RECORDS_TEXT},
     {"name", RECORDS_TEXT}},
};

static bool list_institutions(struct desk *desk, const struct options *options, struct fail *fail)
{
    return records_print(desk, &institutions, DB_VALUES(db_t("")), options->json, fail);
}

bool command_institution_list(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, list_institutions, fail);
}

// The number R of a certificate with a VID, as hexadecimal digits in a file.
static bool read_random(const char *path, unsigned char *random, size_t size, size_t *length,
                        struct fail *fail)
{
    struct secret line = {0};
    *length = 0;
    if (path == NULL)
        return true;
    if (!file_read_secret(path, &line, fail))
        return false;
    line.bytes[line.length < sizeof line.bytes ? line.length : sizeof line.bytes - 1] = 0;
    bool good = OPENSSL_hexstr2buf_ex(random, size, length, line.bytes, 0) == 1;
    secret_wipe(&line);
    ERR_clear_error();
    return good || fail_with(fail, FAIL_USAGE, _("%s must hold R as hexadecimal digits"), path);
}

// The customer of an application of this kind.
static bool find_application(struct desk *desk, const char *reference, const char *kind,
                             struct registry_person *person, struct fail *fail)
{
    if (!noun_end(registry_find(desk->registry, reference, person), reference, fail))
        return false;
    return strcmp(person->kind, kind) == 0 ||
           fail_with(fail, FAIL_REFUSED, _("%s is no application of the kind %s"), reference, kind);
}

static bool prove(const struct options *options, const unsigned char *der, size_t length, struct fail *fail)
{
    char text[FOREIGN_PROOF];
    unsigned char signature[1024];
    size_t size = 0;
    foreign_text(options->reference, text);
    return file_read_bytes(options->answer_file, signature, sizeof signature, &size, fail) &&
           foreign_possessed(der, length, text, signature, size, fail);
}

static bool add(struct desk *desk, const struct options *options, struct fail *fail)
{
    char id[NOUN_ID];
    unsigned char der[REGISTRY_CERT], random[64];
    struct registry_person person;
    X509 *certificate = NULL;
    struct act_foreign_ask ask = {
        .reference = options->reference, .der = der, .random = random, .verified = options->verified};
    bool done = find_application(desk, options->reference, "register", &person, fail) &&
                read_certificate(options->certificate_file, der, &ask.length, &certificate, fail) &&
                prove(options, der, ask.length, fail) &&
                read_random(options->random_file, random, sizeof random, &ask.random_length, fail);
    ask.customer = person.customer;
    done = done && foreign_add(desk, &ask, id, fail);
    X509_free(certificate);
    OPENSSL_cleanse(random, sizeof random);
    const struct records_pair pairs[] = {{"foreign", id}, {"customer", person.customer}, {NULL, NULL}};
    if (done)
        records_pairs(pairs, options->json);
    return done;
}

bool command_foreign_add(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, add, fail);
}

static bool check(struct desk *desk, const struct options *options, struct fail *fail)
{
    unsigned char der[REGISTRY_CERT];
    size_t length = 0;
    X509 *certificate = NULL;
    struct act_foreign found;
    char expires[DESK_TIME];
    bool done = read_certificate(options->certificate_file, der, &length, &certificate, fail) &&
                foreign_check(desk, der, length, &found, fail);
    X509_free(certificate);
    if (!done)
        return false;
    desk_time(found.not_after, expires);
    const struct records_pair pairs[] = {{"status", found.verdict}, {"institution", found.institution},
                                         {"serial", found.serial},  {"subject", found.subject},
                                         {"expires", expires},      {NULL, NULL}};
    records_pairs(pairs, options->json);
    return true;
}

bool command_foreign_check(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, check, fail);
}

static bool drop(struct desk *desk, const struct options *options, struct fail *fail)
{
    struct registry_person person;
    return find_application(desk, options->reference, "unregister", &person, fail) &&
           foreign_fail(foreign_end_it(desk, person.customer, options->foreign, options->reference), fail);
}

bool command_foreign_drop(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, drop, fail);
}

static const struct records registered = {
    "certificates",
    "SELECT f.id, f.customer, f.state, f.verdict, f.created, f.not_after, f.checked, f.serial, i.name, "
    "f.subject"
    " FROM foreign_certificate f JOIN institution i ON i.id = f.institution WHERE ? IN ('', f.customer)"
    " ORDER BY f.created, f.id",
    {{"foreign", RECORDS_TEXT},
     {"customer", RECORDS_TEXT},
     {"state", RECORDS_TEXT},
     {"verdict", RECORDS_TEXT},
     {"created", RECORDS_TIME},
     {"expires", RECORDS_TIME},
     {"checked", RECORDS_TIME},
     {"serial", RECORDS_TEXT},
     {"institution", RECORDS_TEXT},
     {"subject", RECORDS_TEXT}},
};

static bool list(struct desk *desk, const struct options *options, struct fail *fail)
{
    return records_print(desk, &registered,
                         DB_VALUES(db_t(options->customer != NULL ? options->customer : "")), options->json,
                         fail);
}

bool command_foreign_list(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, list, fail);
}
