// Makes a desk: everything is written to DIR.part, which becomes DIR in one step.
#include "commands.h"
#include "db.h"
#include "desk.h"
#include "dn.h"
#include "part.h"
#include "profile.h"
#include "token_key.h"
#include "utf8.h"
#include "words.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// What one call of init makes and needs on its way.
struct making {
    const struct options *options;
    const char *part; // DIR.part
    struct secret passphrase;
    X509_NAME *subject;
    EVP_PKEY *ca_key, *cmp_key, *seal;
    X509 *ca, *cmp;
};

// The name of the desk as the CA's: /C=KR/O=NAME/CN=NAME CA; one that ends so already stays.
static X509_NAME *default_name(const char *name, struct fail *fail)
{
    char common[REGISTRY_NAME + 4];
    X509_NAME *made = X509_NAME_new();
    size_t length = strlen(name);
    bool named = length > 3 && strcmp(name + length - 3, " CA") == 0;
    snprintf(common, sizeof common, "%s%s", name, named ? "" : " CA");
    if (made != NULL &&
        X509_NAME_add_entry_by_txt(made, "C", MBSTRING_ASC, (const unsigned char *)"KR", -1, -1, 0) &&
        X509_NAME_add_entry_by_txt(made, "O", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) &&
        X509_NAME_add_entry_by_txt(made, "CN", MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0))
        return made;
    X509_NAME_free(made);
    ERR_clear_error();
    fail_with(fail, FAIL_USAGE, _("the name does not fit into a subject (64 characters): give --subject"));
    return NULL;
}

static bool check(struct making *making, struct fail *fail)
{
    const struct options *options = making->options;
    if (!utf8_is_text(options->name) || options->name[0] == 0 || strlen(options->name) > REGISTRY_NAME)
        return fail_with(fail, FAIL_USAGE, _("the name must be UTF-8 text of 1 to %d bytes"), REGISTRY_NAME);
    if (options->policy != NULL) {
        ASN1_OBJECT *policy = OBJ_txt2obj(options->policy, 1);
        ASN1_OBJECT_free(policy);
        ERR_clear_error();
        if (policy == NULL || strlen(options->policy) >= DESK_SHORTNAME)
            return fail_with(fail, FAIL_USAGE, _("'%s' is no OID: write it as 1.2.3.4"), options->policy);
    }
    if (options->public_url != NULL &&
        (strlen(options->public_url) >= DESK_URL - 16 || strncmp(options->public_url, "http://", 7) != 0 ||
         strpbrk(options->public_url, " ,;\n\"'") != NULL))
        return fail_with(fail, FAIL_USAGE,
                         _("--public-url must be http://HOST or http://HOST:PORT, not '%s'"),
                         options->public_url);
    if (options->subject != NULL)
        return dn_parse(options->subject, &making->subject, fail);
    making->subject = default_name(options->name, fail);
    return making->subject != NULL;
}

static bool make_certificates(struct making *making, struct fail *fail)
{
    struct profile_ask ask = {.kind = PROFILE_CA,
                              .subject = making->subject,
                              .key = making->ca_key,
                              .now = (int64_t)time(NULL),
                              .issuer_key = making->ca_key};
    if (!profile_serial(ask.serial) || (making->ca = profile_certificate(&ask, fail)) == NULL)
        return false;
    X509_NAME *subject = X509_NAME_dup(making->subject);
    if (subject != NULL && X509_NAME_add_entry_by_txt(subject, "OU", MBSTRING_ASC,
                                                      (const unsigned char *)"CMP", -1, -1, 0) == 1) {
        ask.kind = PROFILE_CMP;
        ask.subject = subject;
        ask.key = making->cmp_key;
        ask.issuer = making->ca;
        if (profile_serial(ask.serial))
            making->cmp = profile_certificate(&ask, fail);
    }
    X509_NAME_free(subject);
    return making->cmp != NULL || fail_with(fail, FAIL_OTHER, _("cannot make the CMP certificate"));
}

static bool write_certificate(const char *part, const char *name, X509 *certificate, struct fail *fail)
{
    char path[DESK_PATH];
    char *bytes = NULL;
    BIO *text = BIO_new(BIO_s_mem());
    long length =
        text != NULL && PEM_write_bio_X509(text, certificate) == 1 ? BIO_get_mem_data(text, &bytes) : 0;
    bool done = length > 0 && file_path(path, sizeof path, part, name, fail) &&
                file_write_new(path, 0644, bytes, (size_t)length, fail);
    BIO_free(text);
    return done;
}

static bool write_key(struct making *making, const char *name, EVP_PKEY *key, struct fail *fail)
{
    char path[DESK_PATH];
    return file_path(path, sizeof path, making->part, name, fail) &&
           keys_write(path, key, &making->passphrase, fail);
}

// A shared registry is named by a file; settings that are not given are empty.
static bool place_registry(struct making *making, char place[DESK_PATH], struct fail *fail)
{
    char path[DESK_PATH];
    const char *db = making->options->db;
    if (db == NULL)
        return file_path(place, DESK_PATH, making->part, DESK_REGISTRY, fail);
    if (!db_is_address(db) || strlen(db) >= DESK_URL)
        return fail_with(fail, FAIL_USAGE, _("--db must be postgresql://HOST/DATABASE, not '%s'"), db);
    snprintf(place, DESK_PATH, "%s", db);
    return file_path(path, sizeof path, making->part, DESK_ADDRESS, fail) &&
           file_write_new(path, 0600, db, strlen(db), fail);
}

static bool write_registry(struct making *making, struct fail *fail)
{
    char place[DESK_PATH];
    struct registry *registry = NULL;
    const struct options *options = making->options;
    const char *const settings[][2] = {
        {"name", options->name},
        {"policy", options->policy},
        {"url", options->public_url},
        {"test", options->test_profile ? "yes" : NULL},
    };
    if (!place_registry(making, place, fail) || !registry_create(place, fail) ||
        !registry_open(place, &registry, fail))
        return false;
    bool done = !options->test_profile || registry_test_policies(registry) == REGISTRY_DONE;
    for (size_t i = 0; done && i < sizeof settings / sizeof settings[0]; i++)
        done = registry_set(registry, settings[i][0], settings[i][1] != NULL ? settings[i][1] : "") ==
               REGISTRY_DONE;
    registry_close(registry);
    return done || fail_with(fail, FAIL_OTHER, _("cannot write to the registry: is the disk full?"));
}

// A fresh key, or the one on a token that --ca-key names.
static bool take_key(struct making *making, struct fail *fail)
{
    const struct options *options = making->options;
    struct desk only = {.generations = 1};
    if (options->ca_key == NULL)
        making->ca_key = keys_make(options->key != NULL ? options->key : "p256", fail);
    else
        making->ca_key = token_key_of(options->ca_key, fail);
    only.authorities[0].key = making->ca_key;
    return making->ca_key != NULL && desk_login(&only, options->pin_file, options->pin_fd, fail);
}

static bool write_ca_key(struct making *making, struct fail *fail)
{
    char path[DESK_PATH];
    const char *uri = making->options->ca_key;
    if (uri == NULL)
        return write_key(making, DESK_CA_KEY, making->ca_key, fail);
    return file_path(path, sizeof path, making->part, DESK_CA_URI, fail) &&
           file_write_new(path, 0600, uri, strlen(uri), fail);
}

static bool make_all(struct making *making, struct fail *fail)
{
    making->cmp_key = take_key(making, fail) ? keys_make("p256", fail) : NULL;
    making->seal = making->cmp_key != NULL ? keys_make_seal(fail) : NULL;
    return making->seal != NULL && make_certificates(making, fail) && write_ca_key(making, fail) &&
           write_key(making, DESK_CMP_KEY, making->cmp_key, fail) &&
           write_key(making, DESK_SEAL_KEY, making->seal, fail) &&
           write_certificate(making->part, DESK_CA_CERT, making->ca, fail) &&
           write_certificate(making->part, DESK_CMP_CERT, making->cmp, fail) && write_registry(making, fail);
}

bool command_init(const struct options *options, struct fail *fail)
{
    struct part part;
    struct making making = {.options = options, .part = part.part};
    bool done = check(&making, fail) &&
                (options->passphrase_file == NULL ||
                 file_read_secret(options->passphrase_file, &making.passphrase, fail)) &&
                part_begin(&part, options->dir, fail) && part_end(&part, make_all(&making, fail), fail);
    if (done)
        printf("ca %s%s\n", part.dir, DESK_CA_CERT);
    secret_wipe(&making.passphrase);
    X509_NAME_free(making.subject);
    EVP_PKEY_free(making.ca_key);
    EVP_PKEY_free(making.cmp_key);
    EVP_PKEY_free(making.seal);
    X509_free(making.ca);
    X509_free(making.cmp);
    return done;
}
