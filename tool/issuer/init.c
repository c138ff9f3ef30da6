// Makes a desk: everything is written to DIR.part, which becomes DIR in one step.
#include "commands.h"
#include "db.h"
#include "desk.h"
#include "dn.h"
#include "profile.h"
#include "utf8.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// What one call of init makes and needs on its way.
struct making {
    const struct options *options;
    const char *part; // DIR.part
    struct secret passphrase;
    X509_NAME *subject;
    EVP_PKEY *ca_key, *cmp_key, *seal;
    X509 *ca, *cmp;
};

// All names that init makes, so that what a killed call left can be removed and nothing else.
static const char *const made_files[] = {
    DESK_CA_CERT,  DESK_CA_KEY,  DESK_CMP_CERT,        DESK_CMP_KEY,         DESK_SEAL_KEY,
    DESK_REGISTRY, DESK_ADDRESS, DESK_REGISTRY "-wal", DESK_REGISTRY "-shm", DESK_REGISTRY "-journal",
};

// The name of the desk as the CA's: /C=KR/O=NAME/CN=NAME CA
static X509_NAME *default_name(const char *name, struct fail *fail)
{
    char common[REGISTRY_NAME + 4];
    X509_NAME *made = X509_NAME_new();
    snprintf(common, sizeof common, "%s CA", name);
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

// DIR may be missing or empty. Anything else is left alone.
static bool check_target(const char *dir, struct fail *fail)
{
    char path[DESK_PATH];
    struct stat status;
    if (!file_path(path, sizeof path, dir, DESK_CA_CERT, fail))
        return false;
    if (lstat(path, &status) == 0)
        return fail_with(fail, FAIL_OTHER,
                         _("%s is a desk already; nothing was changed. Use it, or choose another --dir"),
                         dir);
    if (lstat(dir, &status) != 0 && errno == ENOENT)
        return true;
    if (rmdir(dir) == 0)
        return true; // it was empty: the finished desk takes its place
    return fail_errno(fail, _("%s exists and cannot become a desk; choose another --dir"), dir);
}

// Removes what a killed call has left.
static bool clear_part(const char *part, struct fail *fail)
{
    char path[DESK_PATH];
    for (size_t i = 0; i < sizeof made_files / sizeof made_files[0]; i++) {
        if (!file_path(path, sizeof path, part, made_files[i], fail))
            return false;
        if (unlink(path) != 0 && errno != ENOENT)
            return fail_errno(fail, _("cannot remove %s, left by a call that was killed"), path);
    }
    return true;
}

// Makes DIR.part, or takes the one that a killed call left; *lock keeps other calls away.
static bool take_part(const char *part, int *lock, struct fail *fail)
{
    if (mkdir(part, 0700) != 0 && errno != EEXIST)
        return fail_errno(fail, _("cannot make the directory %s"), part);
    *lock = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*lock < 0)
        return fail_errno(fail, _("cannot open %s"), part);
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0)
        return fail_with(fail, FAIL_BUSY, _("another init is making this desk (%s): wait for it"), part);
    return clear_part(part, fail);
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

static bool make_all(struct making *making, struct fail *fail)
{
    const struct options *options = making->options;
    making->ca_key = keys_make(options->key != NULL ? options->key : "p256", fail);
    making->cmp_key = making->ca_key != NULL ? keys_make("p256", fail) : NULL;
    making->seal = making->cmp_key != NULL ? keys_make_seal(fail) : NULL;
    return making->seal != NULL && make_certificates(making, fail) &&
           write_key(making, DESK_CA_KEY, making->ca_key, fail) &&
           write_key(making, DESK_CMP_KEY, making->cmp_key, fail) &&
           write_key(making, DESK_SEAL_KEY, making->seal, fail) &&
           write_certificate(making->part, DESK_CA_CERT, making->ca, fail) &&
           write_certificate(making->part, DESK_CMP_CERT, making->cmp, fail) && write_registry(making, fail);
}

// The step that makes the desk: DIR.part becomes DIR.
static bool publish(const char *part, const char *dir, struct fail *fail)
{
    char parent[DESK_PATH];
    if (!file_flush_directory(part, fail) || !file_path(parent, sizeof parent, dir, "/..", fail))
        return false;
    if (rename(part, dir) != 0)
        return fail_errno(fail, _("cannot rename %s to %s"), part, dir);
    return file_flush_directory(parent, fail);
}

static bool make_in_part(struct making *making, const char *dir, struct fail *fail)
{
    int lock = -1;
    bool done = check_target(dir, fail) && take_part(making->part, &lock, fail);
    if (done) {
        done = make_all(making, fail) && publish(making->part, dir, fail);
        struct fail ignored = {0};
        if (!done && clear_part(making->part, &ignored))
            rmdir(making->part);
    }
    if (lock >= 0)
        close(lock);
    return done;
}

// The directory's name without slashes at its end, so that ".part" can be put behind it.
static bool plain_name(const char *dir, char *plain, size_t size, struct fail *fail)
{
    if (!file_path(plain, size, dir, "", fail))
        return false;
    size_t length = strlen(plain);
    while (length > 1 && plain[length - 1] == '/')
        plain[--length] = 0;
    const char *last = strrchr(plain, '/');
    last = last != NULL ? last + 1 : plain;
    if (*last == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return fail_with(fail, FAIL_USAGE, _("--dir must name a directory to make, not '%s'"), dir);
    return true;
}

bool command_init(const struct options *options, struct fail *fail)
{
    char dir[DESK_PATH];
    char part[DESK_PATH];
    struct making making = {.options = options, .part = part};
    bool done = plain_name(options->dir, dir, sizeof dir, fail) &&
                file_path(part, sizeof part, dir, ".part", fail) && check(&making, fail) &&
                (options->passphrase_file == NULL ||
                 file_read_secret(options->passphrase_file, &making.passphrase, fail)) &&
                make_in_part(&making, dir, fail);
    if (done)
        printf("ca %s%s\n", dir, DESK_CA_CERT);
    secret_wipe(&making.passphrase);
    X509_NAME_free(making.subject);
    EVP_PKEY_free(making.ca_key);
    EVP_PKEY_free(making.cmp_key);
    EVP_PKEY_free(making.seal);
    X509_free(making.ca);
    X509_free(making.cmp);
    return done;
}
