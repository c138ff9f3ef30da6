// The desk's CA keys, one after the other: reads them, and makes a new one with its link certificates (RFC
// 4210 4.4). What an older key issued stays good, and its CRL and OCSP answers stay that key's.
#include "commands.h"
#include "desk.h"
#include "nouns.h"
#include "profile.h"
#include "token_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

void desk_file(const char *what, int generation, const char *ending, char name[DESK_FILE])
{
    if (generation == 1)
        snprintf(name, DESK_FILE, "/%s.%s", what, ending);
    else
        snprintf(name, DESK_FILE, "/%s-%d.%s", what, generation, ending);
}

bool desk_roots(const struct desk *desk, STACK_OF(X509) * list)
{
    bool done = true;
    for (int i = desk->generations; done && i-- > 0;)
        done = X509_add_cert(list, desk->authorities[i].certificate, X509_ADD_FLAG_UP_REF) == 1;
    return done;
}

bool desk_links(const struct desk *desk, STACK_OF(X509) * list)
{
    bool done = true;
    for (int i = 1; done && i < desk->generations; i++)
        done = X509_add_cert(list, desk->authorities[i].new_with_old, X509_ADD_FLAG_UP_REF) == 1 &&
               X509_add_cert(list, desk->authorities[i].old_with_new, X509_ADD_FLAG_UP_REF) == 1;
    return done;
}

static X509 *column(struct db_query *query, int number)
{
    unsigned char der[REGISTRY_CERT];
    const unsigned char *at = der;
    size_t length = 0;
    db_get_bytes(query, number, der, sizeof der, &length);
    X509 *certificate = length > 0 ? d2i_X509(NULL, &at, (long)length) : NULL;
    ERR_clear_error();
    return certificate;
}

bool desk_untrusted(const struct desk *desk, STACK_OF(X509) * list)
{
    return desk->generations > 1 ? desk_links(desk, list) : desk_roots(desk, list);
}

// The rows after the first generation's: certificates only.
static bool read_rows(struct desk *desk, struct fail *fail)
{
    struct db_query query;
    DB_ASK(&query, db_enter_reading(desk->registry),
           "SELECT generation, certificate, link, old_with_new FROM authority WHERE generation > ?"
           " ORDER BY generation",
           db_n(1));
    bool good = true;
    while (good && db_row(&query)) {
        struct desk_authority *next = &desk->authorities[desk->generations];
        good = desk->generations < DESK_GENERATIONS && db_get_number(&query, 0) == desk->generations + 1;
        if (!good)
            break;
        desk->generations++;
        next->certificate = column(&query, 1);
        next->new_with_old = column(&query, 2);
        next->old_with_new = column(&query, 3);
        good = next->certificate != NULL && next->new_with_old != NULL && next->old_with_new != NULL;
    }
    good = db_close(&query) && good;
    if (db_leave(desk->registry, good ? REGISTRY_DONE : REGISTRY_FAILED) == REGISTRY_DONE)
        return true;
    return fail_with(fail, FAIL_OTHER, _("cannot read the CA's certificates in the registry"));
}

// The keys are in the directory: another desk of a shared registry gets them by hand.
static bool read_files(const char *dir, const struct secret *passphrase, struct desk *desk, int generation,
                       struct fail *fail)
{
    char key[DESK_FILE], uri[DESK_FILE], path[DESK_PATH], other[DESK_PATH];
    struct desk_authority *authority = &desk->authorities[generation - 1];
    desk_file("ca", generation, "key", key);
    desk_file("ca", generation, "uri", uri);
    if (!file_path(path, sizeof path, dir, key, fail) || !file_path(other, sizeof other, dir, uri, fail))
        return false;
    if (access(path, F_OK) != 0 && access(other, F_OK) != 0)
        return fail_with(
            fail, FAIL_MISMATCH,
            _("the CA key was changed and %s is not here: copy it, and the new cmp certificate, from"
              " the desk where 'authority rollover' was called"),
            path);
    authority->key = desk_ca_key(dir, generation, authority->certificate, passphrase, fail);
    return authority->key != NULL && desk_pair(authority->certificate, authority->key, key + 1, fail);
}

bool authority_read(const char *dir, const struct secret *passphrase, struct desk *desk, struct fail *fail)
{
    char cmp[DESK_FILE];
    if (!read_rows(desk, fail))
        return false;
    for (int generation = 2; generation <= desk->generations; generation++) {
        if (!read_files(dir, passphrase, desk, generation, fail))
            return false;
    }
    if (desk->generations == 1)
        return true;
    const struct desk_authority *newest = &desk->authorities[desk->generations - 1];
    desk->ca = newest->certificate;
    desk->ca_key = newest->key;
    desk_file("cmp", desk->generations, "crt", cmp);
    X509_free(desk->cmp);
    desk->cmp = desk_certificate(dir, cmp, fail);
    return desk->cmp != NULL && desk_pair(desk->cmp, desk->cmp_key, cmp + 1, fail);
}

// What one rollover makes.
struct rolling {
    struct desk *desk;
    const char *dir;
    int generation;
    const char *uri; // of a key on a token, or NULL
    struct secret passphrase;
    struct desk_authority made;
    X509 *cmp;
};

static X509 *issue(const struct rolling *rolling, enum profile_kind kind, X509 *like, EVP_PKEY *key,
                   X509 *issuer, EVP_PKEY *issuer_key, struct fail *fail)
{
    struct profile_ask ask = {.kind = kind,
                              .subject = X509_get_subject_name(like),
                              .key = key,
                              .now = rolling->desk->now(),
                              .issuer = issuer,
                              .issuer_key = issuer_key};
    return profile_serial(ask.serial) ? profile_certificate(&ask, fail) : NULL;
}

// The new root, both links, and a certificate for the key of the desk's messages.
static bool make(struct rolling *rolling, struct fail *fail)
{
    struct desk *desk = rolling->desk;
    struct desk_authority *made = &rolling->made;
    return (made->certificate = issue(rolling, PROFILE_CA, desk->ca, made->key, NULL, made->key, fail)) !=
               NULL &&
           (made->new_with_old =
                issue(rolling, PROFILE_CA, desk->ca, made->key, desk->ca, desk->ca_key, fail)) != NULL &&
           (made->old_with_new = issue(rolling, PROFILE_CA, desk->ca, desk->ca_key, made->certificate,
                                       made->key, fail)) != NULL &&
           (rolling->cmp = issue(rolling, PROFILE_CMP, desk->cmp, desk->cmp_key, made->certificate, made->key,
                                 fail)) != NULL;
}

static bool path_of(const struct rolling *rolling, const char *what, const char *ending, char path[DESK_PATH],
                    struct fail *fail)
{
    char name[DESK_FILE];
    desk_file(what, rolling->generation, ending, name);
    return file_path(path, DESK_PATH, rolling->dir, name, fail);
}

static bool write_certificate(const struct rolling *rolling, const char *what, X509 *certificate,
                              struct fail *fail)
{
    char path[DESK_PATH];
    char *bytes = NULL;
    BIO *text = BIO_new(BIO_s_mem());
    long length =
        text != NULL && PEM_write_bio_X509(text, certificate) == 1 ? BIO_get_mem_data(text, &bytes) : 0;
    bool done = length > 0 && path_of(rolling, what, "crt", path, fail) &&
                file_write_new(path, 0644, bytes, (size_t)length, fail);
    BIO_free(text);
    return done;
}

// Files of a generation that has no row are a killed call's, and nobody knows of that key.
static bool clear_files(const struct rolling *rolling, struct fail *fail)
{
    static const char *const files[][2] = {{"ca", "key"}, {"ca", "uri"}, {"ca", "crt"}, {"cmp", "crt"}};
    char path[DESK_PATH];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (!path_of(rolling, files[i][0], files[i][1], path, fail))
            return false;
        if (unlink(path) != 0 && errno != ENOENT)
            return fail_errno(fail, _("cannot remove %s"), path);
    }
    return true;
}

static bool write_files(const struct rolling *rolling, struct fail *fail)
{
    char path[DESK_PATH];
    return clear_files(rolling, fail) &&
           path_of(rolling, "ca", rolling->uri != NULL ? "uri" : "key", path, fail) &&
           (rolling->uri != NULL ? file_write_new(path, 0600, rolling->uri, strlen(rolling->uri), fail)
                                 : keys_write(path, rolling->made.key, &rolling->passphrase, fail)) &&
           write_certificate(rolling, "ca", rolling->made.certificate, fail) &&
           write_certificate(rolling, "cmp", rolling->cmp, fail) && file_flush_directory(rolling->dir, fail);
}

static int put(struct db *db, int generation, const struct desk_authority *authority, int64_t now)
{
    unsigned char *der[3] = {NULL, NULL, NULL};
    X509 *const certificates[] = {authority->certificate, authority->new_with_old, authority->old_with_new};
    size_t length[3] = {0};
    char key[DESK_FILE];
    bool good = true;
    for (int i = 0; good && i < 3; i++) {
        int size = certificates[i] != NULL ? i2d_X509(certificates[i], &der[i]) : 0;
        good = size >= 0;
        length[i] = good ? (size_t)size : 0;
    }
    desk_file("ca", generation, "key", key);
    int changed =
        good ? DB_DO(db,
                     "INSERT INTO authority(generation, certificate, link, old_with_new, key, created)"
                     " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                     db_n(generation), db_b(der[0], length[0]),
                     der[1] != NULL ? db_b(der[1], length[1]) : db_t(NULL),
                     der[2] != NULL ? db_b(der[2], length[2]) : db_t(NULL), db_t(key + 1), db_n(now))
             : -1;
    for (int i = 0; i < 3; i++)
        OPENSSL_free(der[i]);
    return changed;
}

// The one step that makes it the desk's key.
static bool write_rows(const struct rolling *rolling, struct fail *fail)
{
    struct desk *desk = rolling->desk;
    char generation[12];
    int64_t now = desk->now();
    snprintf(generation, sizeof generation, "%d", rolling->generation);
    struct db *db = db_enter(desk->registry);
    int first = put(db, 1, &desk->authorities[0], now);
    int changed = first >= 0 ? put(db, rolling->generation, &rolling->made, now) : -1;
    bool done = changed == 1 && log_append(desk->registry, db, now, "authority.rolled", generation, "");
    enum registry_end end = db_leave(desk->registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
    if (end != REGISTRY_DONE && changed == 0)
        return fail_with(fail, FAIL_BUSY, _("another desk has changed the CA key at the same time"));
    return noun_end(end, "authority", fail);
}

// A fresh key, or the one on a token that --ca-key names; and the old one can sign.
static bool take_key(struct rolling *rolling, const struct options *options, struct fail *fail)
{
    struct desk_authority *made = &rolling->made;
    rolling->uri = options->ca_key;
    if (rolling->uri == NULL)
        made->key = keys_make(options->key != NULL ? options->key : "p256", fail);
    else
        made->key = token_key_of(rolling->uri, fail);
    if (made->key == NULL)
        return false;
    struct desk both = {.generations = 2};
    both.authorities[0].key = rolling->desk->ca_key;
    both.authorities[1].key = made->key;
    return desk_login(&both, options->pin_file, options->pin_fd, fail);
}

static bool roll(struct rolling *rolling, const struct options *options, struct fail *fail)
{
    rolling->generation = rolling->desk->generations + 1;
    if (rolling->generation > DESK_GENERATIONS)
        return fail_with(fail, FAIL_REFUSED, _("a desk has at most %d CA keys"), DESK_GENERATIONS);
    return (options->passphrase_file == NULL ||
            file_read_secret(options->passphrase_file, &rolling->passphrase, fail)) &&
           take_key(rolling, options, fail) && make(rolling, fail) && write_files(rolling, fail) &&
           write_rows(rolling, fail);
}

static bool rollover(struct desk *desk, const struct options *options, struct fail *fail)
{
    char path[DESK_PATH];
    struct rolling rolling = {.desk = desk, .dir = options->dir};
    int directory = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return fail_errno(fail, _("cannot open %s"), options->dir);
    bool done = flock(directory, LOCK_EX | LOCK_NB) == 0
                    ? roll(&rolling, options, fail)
                    : fail_with(fail, FAIL_BUSY, _("another call is at work in %s"), options->dir);
    close(directory);
    done = done && path_of(&rolling, "ca", "crt", path, fail);
    if (done)
        printf("ca %s\n", path);
    X509_free(rolling.made.certificate);
    X509_free(rolling.made.new_with_old);
    X509_free(rolling.made.old_with_new);
    X509_free(rolling.cmp);
    EVP_PKEY_free(rolling.made.key);
    secret_wipe(&rolling.passphrase);
    return done;
}

bool command_authority_rollover(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, rollover, fail);
}

static bool show(struct desk *desk, const struct options *options, struct fail *fail)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    bool done = all != NULL && (options->links ? desk_links(desk, all) : desk_roots(desk, all));
    for (int i = 0; done && i < sk_X509_num(all); i++)
        done = PEM_write_X509(stdout, sk_X509_value(all, i)) == 1;
    sk_X509_pop_free(all, X509_free);
    return done || fail_with(fail, FAIL_OTHER, _("cannot write the output"));
}

bool command_authority_show(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, show, fail);
}
