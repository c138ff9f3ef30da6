// What is written is what other programs wrote for the same key, byte for byte where nothing is random.
#include "npki_samples.h"

#include "npki/write.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct npki_crypto crypto;
static char folder[64];
static PKCS8_PRIV_KEY_INFO *info;
static X509 *certificate;

static int set_up(void **state)
{
    (void)state;
    struct fault fault = {.code = EXIT_OK};
    struct secret *plain = sample("plain-with-R.p8.der");
    info = npki_key_parse(secret_view(plain));
    secret_free(plain);
    certificate = sample_certificate("signCert.der");
    snprintf(folder, sizeof folder, "/tmp/ingam-npki.XXXXXX");
    return npki_crypto_open(&crypto, &fault) == EXIT_OK && mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    npki_key_info_free(info);
    X509_free(certificate);
    npki_crypto_close(&crypto);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static X509_SIG *seal(void)
{
    static const uint8_t salt[NPKI_SALT] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct fault fault = {.code = EXIT_OK};
    X509_SIG *sealed = npki_write_seal(&crypto, info, text_view(SAMPLE_PASSWORD), salt, &fault);
    assert_non_null(sealed);
    return sealed;
}

static void key_like_others(void **state)
{
    (void)state;
    X509_SIG *sealed = seal();
    struct secret *expected = sample("signPri.key");
    unsigned char *der = NULL;
    int n = i2d_X509_SIG(sealed, &der);
    assert_true(n > 0 && rd_is(secret_view(expected), der, (size_t)n));
    OPENSSL_free(der);
    secret_free(expected);
    X509_SIG_free(sealed);
}

static void pfx_for_openssl(void **state)
{
    (void)state;
    struct fault fault = {.code = EXIT_OK};
    EVP_PKEY *key = NULL;
    X509 *back = NULL;
    PKCS12 *pfx = npki_write_pfx(info, certificate, text_view(SAMPLE_PASSWORD), &fault);
    assert_non_null(pfx);
    assert_int_equal(PKCS12_parse(pfx, SAMPLE_PASSWORD, &key, &back, NULL), 1);
    assert_int_equal(X509_cmp(back, certificate), 0);
    assert_int_equal(EVP_PKEY_eq(key, X509_get0_pubkey(certificate)), 1);
    assert_int_equal(PKCS12_verify_mac(pfx, "another", -1), 0);
    EVP_PKEY_free(key);
    X509_free(back);
    PKCS12_free(pfx);
}

static bool same_file(const char *path, const char *name)
{
    struct secret *have = npki_file_read(path), *expected = sample(name);
    bool same = have != NULL && rd_is(secret_view(have), secret_view(expected).p, secret_view(expected).n);
    secret_free(have);
    secret_free(expected);
    return same;
}

static void folder_where_others_look(void **state)
{
    (void)state;
    struct fault fault = {.code = EXIT_OK};
    X509_SIG *sealed = seal();
    struct stat status;
    char expected[PATHS_MAX], path[PATHS_MAX], file[PATHS_MAX + 32];
    assert_int_equal(npki_write_folder(folder, certificate, sealed, NPKI_SIGN, path, &fault), EXIT_OK);
    snprintf(expected, sizeof expected,
             "%s/NPKI/yessign/USER/cn=홍길동()0004049202611220000000001,ou=KMB,ou=personal4IB,o=yessign,c=kr",
             folder);
    assert_string_equal(path, expected);
    snprintf(file, sizeof file, "%s/signPri.key", path);
    assert_true(same_file(file, "signPri.key"));
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    snprintf(file, sizeof file, "%s/signCert.der", path);
    assert_true(same_file(file, "signCert.der"));

    // A second time: refused, and what is there stays.
    assert_int_equal(truncate(file, 5), 0);
    assert_int_equal(npki_write_folder(folder, certificate, sealed, NPKI_SIGN, path, &fault), EXIT_MISMATCH);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_size, 5);
    X509_SIG_free(sealed);
}

static void file_once(void **state)
{
    (void)state;
    struct fault fault = {.code = EXIT_OK};
    char path[128];
    snprintf(path, sizeof path, "%s/x.pfx", folder);
    assert_int_equal(npki_write_file(path, "one", 3, &fault), EXIT_OK);
    assert_int_equal(npki_write_file(path, "two", 3, &fault), EXIT_MISMATCH);
    struct secret *back = npki_file_read(path);
    assert_true(rd_is(secret_view(back), "one", 3));
    secret_free(back);
    fault_clear(&fault);
    snprintf(path, sizeof path, "%s/none/x.pfx", folder);
    assert_int_equal(npki_write_file(path, "one", 3, &fault), EXIT_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_like_others),
        cmocka_unit_test(pfx_for_openssl),
        cmocka_unit_test(folder_where_others_look),
        cmocka_unit_test(file_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
