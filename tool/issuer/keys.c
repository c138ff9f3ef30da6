// Makes, writes and reads the desk's private keys.
#include "keys.h"

#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct kind {
    const char *name;
    const char *algorithm;
    const char *group;
    unsigned bits;
};

static const struct kind kinds[] = {
    {"p256", "EC", "P-256", 0},
    {"p384", "EC", "P-384", 0},
    {"rsa3072", "RSA", NULL, 3072},
    {"rsa4096", "RSA", NULL, 4096},
};

EVP_PKEY *keys_make(const char *name, struct fail *fail)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct kind *kind = &kinds[i];
        if (strcmp(kind->name, name) != 0)
            continue;
        EVP_PKEY *key = kind->group != NULL ? EVP_EC_gen(kind->group) : EVP_RSA_gen(kind->bits);
        if (key == NULL)
            fail_with(fail, FAIL_OTHER, _("cannot make a key of the kind %s"), name);
        return key;
    }
    fail_with(fail, FAIL_USAGE, _("unknown kind of key '%s': use p256, p384, rsa3072 or rsa4096"), name);
    return NULL;
}

bool keys_write(const char *path, EVP_PKEY *key, const struct secret *passphrase, struct fail *fail)
{
    BIO *text = BIO_new(BIO_s_secmem());
    const EVP_CIPHER *cipher = passphrase->length > 0 ? EVP_aes_256_cbc() : NULL;
    const char *word = passphrase->length > 0 ? passphrase->bytes : NULL;
    if (text == NULL ||
        PEM_write_bio_PKCS8PrivateKey(text, key, cipher, word, (int)passphrase->length, NULL, NULL) != 1) {
        BIO_free(text);
        ERR_clear_error();
        return fail_with(fail, FAIL_OTHER, _("cannot encode the key for %s"), path);
    }
    char *bytes = NULL;
    long length = BIO_get_mem_data(text, &bytes);
    bool done = length > 0 && file_write_new(path, 0600, bytes, (size_t)length, fail);
    if (length > 0)
        OPENSSL_cleanse(bytes, (size_t)length);
    BIO_free(text);
    return done;
}

struct asked {
    const struct secret *passphrase;
    bool asked;
};

static int give_passphrase(char *buffer, int size, int writing, void *data)
{
    struct asked *asked = data;
    (void)writing;
    asked->asked = true;
    size_t length = asked->passphrase->length;
    if (length == 0 || size < 0 || length > (size_t)size)
        return -1;
    memcpy(buffer, asked->passphrase->bytes, length);
    return (int)length;
}

static bool private_file(const char *path, int fd, struct fail *fail)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail_errno(fail, _("cannot examine %s"), path);
    if ((status.st_mode & 077) != 0)
        return fail_with(fail, FAIL_PERMISSION,
                         _("others may read the key %s: chmod 600 it, or make a new desk"), path);
    return true;
}

static EVP_PKEY *decode(const char *path, BIO *text, const struct secret *passphrase, struct fail *fail)
{
    struct asked asked = {passphrase, false};
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, give_passphrase, &asked);
    ERR_clear_error();
    if (key != NULL)
        return key;
    if (asked.asked && passphrase->length == 0)
        fail_with(fail, FAIL_PASSPHRASE, _("the key %s is encrypted: give --passphrase-file FILE"), path);
    else if (asked.asked)
        fail_with(fail, FAIL_PASSPHRASE, _("the passphrase does not open the key %s"), path);
    else
        fail_with(fail, FAIL_OTHER, _("the key %s is damaged: restore it from the backup"), path);
    return NULL;
}

EVP_PKEY *keys_read(const char *path, const struct secret *passphrase, struct fail *fail)
{
    EVP_PKEY *key = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail_errno(fail, _("cannot open the key %s"), path);
        return NULL;
    }
    BIO *text = private_file(path, fd, fail) ? BIO_new_fd(fd, BIO_NOCLOSE) : NULL;
    BIO *lines = text != NULL ? BIO_new(BIO_f_buffer()) : NULL;
    if (lines != NULL)
        key = decode(path, BIO_push(lines, text), passphrase, fail);
    BIO_free(lines);
    BIO_free(text);
    close(fd);
    return key;
}

EVP_PKEY *keys_make_seal(struct fail *fail)
{
    unsigned char bytes[KEYS_SEAL];
    EVP_PKEY *key = NULL;
    if (RAND_priv_bytes(bytes, sizeof bytes) == 1)
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, bytes, sizeof bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    if (key == NULL)
        fail_with(fail, FAIL_OTHER, _("cannot make the registry's key"));
    return key;
}

bool keys_seal_bytes(EVP_PKEY *seal, unsigned char bytes[KEYS_SEAL], struct fail *fail)
{
    size_t length = KEYS_SEAL;
    if (EVP_PKEY_get_raw_private_key(seal, bytes, &length) == 1 && length == KEYS_SEAL)
        return true;
    return fail_with(fail, FAIL_OTHER, _("the registry's key is damaged: restore it from the backup"));
}
