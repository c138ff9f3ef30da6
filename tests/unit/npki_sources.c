// The kinds of files that a key comes in, told apart by content, and what is refused of them.
#include "npki_samples.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

static struct npki_crypto crypto;
static char folder[64];

static int set_up(void **state)
{
    (void)state;
    struct fault fault = {.code = EXIT_OK};
    snprintf(folder, sizeof folder, "/tmp/ingam-source.XXXXXX");
    return npki_crypto_open(&crypto, &fault) == EXIT_OK && mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    npki_crypto_close(&crypto);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static enum exit_code try(const char *path, const char *certificate, const char *password, bool random)
{
    struct npki_source source;
    struct fault fault = {.code = EXIT_OK};
    crypto.rounds = NPKI_ROUNDS_MOST;
    if (npki_source_read(&source, path, certificate, NPKI_SIGN, &fault) == EXIT_OK &&
        npki_source_open(&source, &crypto, text_view(password), &fault) == EXIT_OK) {
        assert_int_equal(source.key.random != NULL, random);
        assert_int_equal(EVP_PKEY_eq(source.key.pkey, X509_get0_pubkey(source.certificate)), 1);
    }
    npki_source_free(&source);
    return fault.code;
}

static const char *data(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s%s", NPKI_DATA, name);
    return path;
}

// The name of a new file with these bytes.
static const char *file_of(const void *bytes, size_t n)
{
    static char path[128];
    static unsigned count;
    snprintf(path, sizeof path, "%s/%u", folder, count++);
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
    return path;
}

static void kinds(void **state)
{
    (void)state;
    const char *certificate = NPKI_DATA "signCert.der";
    assert_int_equal(try(NPKI_DATA, NULL, SAMPLE_PASSWORD, true), EXIT_OK);
    assert_int_equal(try(data("signPri.key"), NULL, SAMPLE_PASSWORD, true), EXIT_OK);
    assert_int_equal(try(certificate, NULL, SAMPLE_PASSWORD, true), EXIT_OK);
    assert_int_equal(try(data("sign.pfx"), NULL, SAMPLE_PASSWORD, true), EXIT_OK);
    assert_int_equal(try(data("plain-with-R.p8.der"), certificate, "", true), EXIT_OK);
    assert_int_equal(try(data("signPri-oldfixediv.key"), certificate, SAMPLE_PASSWORD, true), EXIT_OK);
}

static void refusals(void **state)
{
    (void)state;
    const char *certificate = NPKI_DATA "signCert.der", *ca = NPKI_DATA "ca.der";
    assert_int_equal(try("/nonexistent", NULL, "x", true), EXIT_NOT_FOUND);
    assert_int_equal(try(folder, NULL, "x", true), EXIT_NOT_FOUND);
    assert_int_equal(try(data("sign.pfx"), NULL, "x", true), EXIT_PIN);
    assert_int_equal(try(data("sign.pfx"), certificate, "x", true), EXIT_USAGE);
    assert_int_equal(try(NPKI_DATA, NULL, "x", true), EXIT_PIN);
    assert_int_equal(try(data("plain-with-R.p8.der"), NULL, "", true), EXIT_NOT_FOUND);
    assert_int_equal(try(data("plain-with-R.p8.der"), ca, "", true), EXIT_MISMATCH);
    assert_int_equal(try(data("plain-with-R.p8.der"), data("README.md"), "", true), EXIT_MISMATCH);
    assert_int_equal(try(data("README.md"), certificate, "", true), EXIT_MISMATCH);
    assert_int_equal(try(ca, certificate, "", true), EXIT_MISMATCH);
    assert_int_equal(try("/dev/zero", certificate, "", true), EXIT_OTHER);
    char *large = calloc(1, NPKI_FILE_MOST + 1);
    assert_int_equal(try(file_of(large, NPKI_FILE_MOST + 1), certificate, "", true), EXIT_OTHER);
    assert_int_equal(try(file_of(large, NPKI_FILE_MOST), certificate, "", true), EXIT_MISMATCH);
    assert_int_equal(try(file_of(large, 0), certificate, "", true), EXIT_MISMATCH);
    free(large);
}

// A PEM file as OpenSSL writes it: one key and its certificate are taken, a second key is not.
static void pem(void **state)
{
    (void)state;
    X509 *certificate = sample_certificate("signCert.der");
    struct secret *plain = sample("plain-with-R.p8.der");
    PKCS8_PRIV_KEY_INFO *info = npki_key_parse(secret_view(plain));
    EVP_PKEY *key = EVP_PKCS82PKEY(info);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    assert_int_equal(PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info), 1);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    long n = BIO_get_mem_data(bio, &text);
    assert_int_equal(try(file_of(text, (size_t)n), NULL, "", true), EXIT_OK);
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    n = BIO_get_mem_data(bio, &text);
    assert_int_equal(try(file_of(text, (size_t)n), NULL, "", true), EXIT_MISMATCH);
    BIO_reset(bio);
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    n = BIO_get_mem_data(bio, &text);
    assert_int_equal(try(file_of(text, (size_t)n), NULL, "", false), EXIT_OK);
    BIO_reset(bio);
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_128_cbc(),
                                                          (const unsigned char *)"x", 1, NULL, NULL),
                     1);
    n = BIO_get_mem_data(bio, &text);
    assert_int_equal(try(file_of(text, (size_t)n), NULL, "x", false), EXIT_UNSUPPORTED);
    BIO_free(bio);
    EVP_PKEY_free(key);
    PKCS8_PRIV_KEY_INFO_free(info);
    secret_free(plain);
    X509_free(certificate);
}

// Every byte of a PFX changed in turn: opened or refused, never a crash, never beyond the rounds allowed.
static void hostile_pfx(void **state)
{
    (void)state;
    struct secret *bytes = sample("sign.pfx");
    struct rd whole = secret_view(bytes);
    for (size_t i = 0; i < whole.n; i += i < 200 || i > whole.n - 120 ? 1 : 7) {
        uint8_t copy[4096];
        memcpy(copy, whole.p, whole.n);
        copy[i] ^= 0x41;
        PKCS12 *pfx = npki_pfx_parse(rd_of(copy, whole.n));
        struct npki_key key = {0};
        struct fault fault = {.code = EXIT_OK};
        X509 *certificate = NULL;
        crypto.rounds = 20000;
        if (pfx != NULL) {
            X509_free(npki_pfx_clear_certificate(pfx, NPKI_SIGN));
            npki_pfx_open(&crypto, pfx, text_view(SAMPLE_PASSWORD), NPKI_SIGN, &key, &certificate, &fault);
        }
        npki_key_free(&key);
        X509_free(certificate);
        PKCS12_free(pfx);
    }
    secret_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(refusals),
        cmocka_unit_test(pem),
        cmocka_unit_test(hostile_pfx),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
