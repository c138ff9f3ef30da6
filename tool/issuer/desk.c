// Opens a desk's directory and writes down who may have a certificate.
#include "desk.h"

#include "code.h"
#include "dn.h"
#include "registry_log.h"
#include "utf8.h"
#include "words.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_offset;

static int64_t system_clock(void)
{
    return (int64_t)time(NULL) + clock_offset;
}

// Only a desk for tests has a clock that can be shifted, and it says so each time.
static bool set_clock(const struct desk *desk, struct fail *fail)
{
    const char *text = secure_getenv(DESK_CLOCK);
    char *end = NULL;
    clock_offset = 0;
    if (text == NULL)
        return true;
    if (!desk->test)
        return fail_with(fail, FAIL_USAGE, _("%s is set, but this desk is no desk for tests: unset it"),
                         DESK_CLOCK);
    long long offset = strtoll(text, &end, 10);
    if (end == text || *end != 0 || offset < -4000000000LL || offset > 4000000000LL)
        return fail_with(fail, FAIL_USAGE, _("%s must be a number of seconds, not '%s'"), DESK_CLOCK, text);
    clock_offset = offset;
    fprintf(stderr, _("WARNING: the clock of this desk is shifted by %lld seconds (%s)\n"), offset,
            DESK_CLOCK);
    return true;
}

void desk_time(int64_t seconds, char text[DESK_TIME])
{
    time_t when = (time_t)seconds;
    struct tm parts;
    text[0] = 0;
    if (gmtime_r(&when, &parts) != NULL)
        strftime(text, DESK_TIME, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

X509 *desk_certificate(const char *dir, const char *name, struct fail *fail)
{
    char path[DESK_PATH];
    if (!file_path(path, sizeof path, dir, name, fail))
        return NULL;
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    if (certificate == NULL)
        fail_with(fail, FAIL_OTHER, _("cannot read the certificate %s"), path);
    ERR_clear_error();
    return certificate;
}

EVP_PKEY *desk_key(const char *dir, const char *name, const struct secret *passphrase, struct fail *fail)
{
    char path[DESK_PATH];
    return file_path(path, sizeof path, dir, name, fail) ? keys_read(path, passphrase, fail) : NULL;
}

static bool read_seal(const char *dir, const struct secret *passphrase, struct desk *desk, struct fail *fail)
{
    EVP_PKEY *seal = desk_key(dir, DESK_SEAL_KEY, passphrase, fail);
    bool done = seal != NULL && keys_seal_bytes(seal, desk->seal, fail);
    EVP_PKEY_free(seal);
    return done;
}

bool desk_pair(X509 *certificate, EVP_PKEY *key, const char *name, struct fail *fail)
{
    if (X509_check_private_key(certificate, key) == 1)
        return true;
    ERR_clear_error();
    return fail_with(fail, FAIL_MISMATCH, _("the key and the certificate %s.crt do not belong together"),
                     name);
}

bool desk_registry_place(const char *dir, char place[DESK_PATH], struct fail *fail)
{
    char path[DESK_PATH];
    struct secret address = {0};
    if (!file_path(path, sizeof path, dir, DESK_ADDRESS, fail))
        return false;
    if (access(path, F_OK) != 0)
        return file_path(place, DESK_PATH, dir, DESK_REGISTRY, fail);
    if (!file_read_secret(path, &address, fail))
        return false;
    snprintf(place, DESK_PATH, "%.*s", (int)address.length, address.bytes);
    return true;
}

bool desk_derive(const unsigned char seal[KEYS_SEAL], const char *use, unsigned char key[KEYS_SEAL])
{
    unsigned size = KEYS_SEAL;
    return HMAC(EVP_sha256(), seal, KEYS_SEAL, (const unsigned char *)use, strlen(use), key, &size) != NULL;
}

static bool set_writer(struct desk *desk)
{
    struct registry_writer *writer = registry_writer(desk->registry);
    snprintf(writer->actor, sizeof writer->actor, "uid %u", (unsigned)getuid());
    return desk_derive(desk->seal, "ingam log", writer->key) &&
           desk_derive(desk->seal, "ingam identity", desk->identity);
}

struct setting {
    const char *name;
    size_t at, size;
};

static const struct setting settings[] = {
    {"name", offsetof(struct desk, name), sizeof((struct desk *)0)->name},
    {"policy", offsetof(struct desk, policy), sizeof((struct desk *)0)->policy},
    {"url", offsetof(struct desk, url), sizeof((struct desk *)0)->url},
};

static bool read_registry(const char *dir, struct desk *desk, struct fail *fail)
{
    char place[DESK_PATH];
    char test[8];
    if (!desk_registry_place(dir, place, fail) || !registry_open(place, &desk->registry, fail))
        return false;
    bool done = set_writer(desk) && registry_get(desk->registry, "test", test, sizeof test) == REGISTRY_DONE;
    for (size_t i = 0; done && i < sizeof settings / sizeof settings[0]; i++)
        done = registry_get(desk->registry, settings[i].name, (char *)desk + settings[i].at,
                            settings[i].size) == REGISTRY_DONE;
    if (!done)
        return fail_with(fail, FAIL_OTHER, _("cannot read the settings in %s"), place);
    desk->test = test[0] != 0;
    return set_clock(desk, fail);
}

static bool read_first(const char *dir, const struct secret *passphrase, struct desk *desk, struct fail *fail)
{
    struct desk_authority *first = &desk->authorities[0];
    desk->generations = 1;
    if ((first->certificate = desk_certificate(dir, DESK_CA_CERT, fail)) == NULL ||
        (first->key = desk_ca_key(dir, 1, first->certificate, passphrase, fail)) == NULL)
        return false;
    desk->ca = first->certificate;
    desk->ca_key = first->key;
    return desk_pair(desk->ca, desk->ca_key, "ca", fail);
}

static bool read_all(const char *dir, const struct secret *passphrase, struct desk *desk, struct fail *fail)
{
    return read_first(dir, passphrase, desk, fail) &&
           (desk->cmp = desk_certificate(dir, DESK_CMP_CERT, fail)) != NULL &&
           (desk->cmp_key = desk_key(dir, DESK_CMP_KEY, passphrase, fail)) != NULL &&
           desk_pair(desk->cmp, desk->cmp_key, "cmp", fail) && read_seal(dir, passphrase, desk, fail) &&
           read_registry(dir, desk, fail) && authority_read(dir, passphrase, desk, fail);
}

bool desk_open(const char *dir, const char *passphrase_file, struct desk *desk, struct fail *fail)
{
    struct stat status;
    struct secret passphrase = {0};
    char path[DESK_PATH];
    memset(desk, 0, sizeof *desk);
    desk->now = system_clock;
    if (!file_path(path, sizeof path, dir, DESK_CA_CERT, fail))
        return false;
    if (stat(path, &status) != 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? fail_with(
                         fail, FAIL_NOT_FOUND,
                         _("there is no desk in %s: make one with 'ingam-issuer init --dir %s --name NAME'"),
                         dir, dir)
                   : fail_errno(fail, _("cannot open the desk in %s"), dir);
    }
    bool done = (passphrase_file == NULL || file_read_secret(passphrase_file, &passphrase, fail)) &&
                read_all(dir, &passphrase, desk, fail);
    secret_wipe(&passphrase);
    if (!done)
        desk_close(desk);
    return done;
}

void desk_close(struct desk *desk)
{
    for (int i = 0; i < desk->generations; i++) {
        X509_free(desk->authorities[i].certificate);
        X509_free(desk->authorities[i].new_with_old);
        X509_free(desk->authorities[i].old_with_new);
        EVP_PKEY_free(desk->authorities[i].key);
    }
    X509_free(desk->cmp);
    EVP_PKEY_free(desk->cmp_key);
    registry_close(desk->registry);
    OPENSSL_cleanse(desk, sizeof *desk);
}

// The default subject: the desk as the organisation, the person as the common name.
static X509_NAME *default_subject(const struct desk *desk, const char *name, struct fail *fail)
{
    X509_NAME *subject = X509_NAME_new();
    const unsigned char *desk_name = (const unsigned char *)desk->name;
    if (subject != NULL &&
        X509_NAME_add_entry_by_txt(subject, "C", MBSTRING_ASC, (const unsigned char *)"KR", -1, -1, 0) &&
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, desk_name, -1, -1, 0) &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0))
        return subject;
    X509_NAME_free(subject);
    ERR_clear_error();
    fail_with(fail, FAIL_USAGE, _("the name does not fit into a subject (64 characters): give --subject"));
    return NULL;
}

static bool check_name(const char *name, struct fail *fail)
{
    if (!utf8_is_text(name))
        return fail_with(fail, FAIL_USAGE,
                         _("the name is not valid UTF-8 text: check the terminal's encoding"));
    if (name[0] == 0 || strlen(name) > REGISTRY_NAME)
        return fail_with(fail, FAIL_USAGE, _("the name must have 1 to %d bytes"), REGISTRY_NAME);
    return true;
}

static bool put_subject(struct desk *desk, const struct desk_entitle *ask, struct desk_entitled *made,
                        struct registry_person *person, struct fail *fail)
{
    X509_NAME *subject = NULL;
    if (ask->subject != NULL)
        dn_parse(ask->subject, &subject, fail);
    else
        subject = default_subject(desk, ask->name, fail);
    int length = subject != NULL ? i2d_X509_NAME(subject, NULL) : -1;
    bool fits = length > 0 && length <= (int)sizeof person->subject;
    if (fits) {
        unsigned char *at = person->subject;
        person->subject_length = (size_t)i2d_X509_NAME(subject, &at);
        dn_line(subject, made->subject, sizeof made->subject);
    } else {
        fail_with(fail, FAIL_USAGE, _("the subject is longer than %d bytes"), REGISTRY_SUBJECT);
    }
    X509_NAME_free(subject);
    return fits;
}

bool desk_prepare(struct desk *desk, const struct desk_entitle *ask, struct desk_entitled *made,
                  struct registry_person *person, struct fail *fail)
{
    memset(made, 0, sizeof *made);
    memset(person, 0, sizeof *person);
    if (!check_name(ask->name, fail) || !put_subject(desk, ask, made, person, fail))
        return false;
    snprintf(person->name, sizeof person->name, "%s", ask->name);
    person->created = desk->now();
    person->expires = made->expires = person->created + (int64_t)ask->days * 86400;
    person->tries = ask->tries;
    do {
        if (!code_make_reference(made->reference))
            return fail_with(fail, FAIL_OTHER, _("the random generator fails"));
    } while (registry_find(desk->registry, made->reference, &(struct registry_person){0}) == REGISTRY_DONE);
    snprintf(person->reference, sizeof person->reference, "%s", made->reference);
    person->code_length = CODE_LENGTH + SEAL_OVER;
    if (code_make(made->code) &&
        seal_close(desk->seal, person->reference, made->code, CODE_LENGTH, person->code))
        return true;
    return fail_with(fail, FAIL_OTHER, _("the random generator fails"));
}

bool desk_entitle(struct desk *desk, const struct registry_person *person, struct fail *fail)
{
    if (registry_entitle(desk->registry, person) == REGISTRY_DONE)
        return true;
    return fail_with(fail, FAIL_OTHER,
                     _("cannot write to the registry: is the disk full, or is another program "
                       "holding it? Nothing was written down, try again"));
}
