// Private keys in every scheme that NPKI files use, and what is refused of them.
#include "npki_samples.h"

#include <openssl/asn1t.h>
#include <openssl/rand.h>
#include <stdlib.h>

static struct npki_crypto crypto;

static int open_crypto(void **state)
{
    (void)state;
    struct fault fault = {.code = EXIT_OK};
    return npki_crypto_open(&crypto, &fault) == EXIT_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
    (void)state;
    npki_crypto_close(&crypto);
    return 0;
}

static void schemes(void **state)
{
    (void)state;
    static const char *const names[] = {"signPri.key", "signPri-oldfixediv.key",
                                        "signPri-pbes2-seed-sha1.key", "signPri-pbes2-seed-sha256.key",
                                        "signPri-pbes2-aria128-sha256.key"};
    X509 *certificate = sample_certificate("signCert.der"), *ca = sample_certificate("ca.der");
    struct secret *plain = sample("plain-with-R.p8.der");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        X509_SIG *sealed = sample_key(names[i]);
        struct npki_key key;
        struct fault fault = {.code = EXIT_OK};
        assert_int_equal(npki_key_open(&crypto, sealed, text_view(SAMPLE_PASSWORD), &key, &fault), EXIT_OK);
        assert_int_equal(npki_key_fits(&key, certificate, &fault), EXIT_OK);
        assert_true(rd_is(secret_view(key.random), sample_random, sizeof sample_random));
        unsigned char *der = NULL;
        int n = i2d_PKCS8_PRIV_KEY_INFO(key.info, &der);
        assert_true(n > 0 && rd_is(secret_view(plain), der, (size_t)n));
        OPENSSL_free(der);
        assert_int_equal(npki_key_fits(&key, ca, &fault), EXIT_MISMATCH);
        npki_key_free(&key);
        X509_SIG_free(sealed);
    }
    secret_free(plain);
    X509_free(certificate);
    X509_free(ca);
}

// PBES2 as OpenSSL itself writes it: a yardstick that is not ours.
static void aes(void **state)
{
    (void)state;
    struct secret *plain = sample("plain-with-R.p8.der");
    PKCS8_PRIV_KEY_INFO *info = npki_key_parse(secret_view(plain));
    struct npki_key key;
    struct fault fault = {.code = EXIT_OK};
    X509_ALGOR *algorithm = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), 2048, NULL, 16, NULL, NID_hmacWithSHA256);
    X509_SIG *sealed = PKCS8_set0_pbe("another", 7, info, algorithm);
    assert_non_null(sealed);
    assert_int_equal(npki_key_open(&crypto, sealed, text_view("another"), &key, &fault), EXIT_OK);
    assert_true(rd_is(secret_view(key.random), sample_random, sizeof sample_random));
    npki_key_free(&key);
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    secret_free(plain);
}

static void wrong_password(void **state)
{
    (void)state;
    static const char *const names[] = {"signPri.key", "signPri-pbes2-seed-sha1.key",
                                        "signPri-pbes2-aria128-sha256.key"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        X509_SIG *sealed = sample_key(names[i]);
        struct npki_key key;
        struct fault fault = {.code = EXIT_OK};
        assert_int_equal(npki_key_open(&crypto, sealed, text_view("test!npki2026"), &key, &fault), EXIT_PIN);
        assert_null(key.info);
        assert_null(key.pkey);
        X509_SIG_free(sealed);
    }
}

// Every cut and many a changed byte: refused or opened, never a crash; a cut one never opens.
static void damaged(void **state)
{
    (void)state;
    struct secret *bytes = sample("signPri.key");
    struct rd whole = secret_view(bytes);
    for (size_t i = 0; i < 64; i++) {
        struct secret *copy = secret_new(whole.p, whole.n);
        secret_bytes(copy)[i] ^= 0x55;
        const unsigned char *p = secret_view(copy).p;
        X509_SIG *sealed = d2i_X509_SIG(NULL, &p, (long)whole.n);
        struct npki_key key;
        struct fault fault = {.code = EXIT_OK};
        if (sealed != NULL &&
            npki_key_open(&crypto, sealed, text_view(SAMPLE_PASSWORD), &key, &fault) == EXIT_OK)
            npki_key_free(&key);
        X509_SIG_free(sealed);
        secret_free(copy);
        crypto.rounds = NPKI_ROUNDS_MOST;
    }
    secret_free(bytes);
}

// DER of EncryptedPrivateKeyInfo with this many rounds and bytes of salt.
static X509_SIG *made(long rounds, int salt)
{
    struct secret *plain = sample("plain-with-R.p8.der");
    PKCS8_PRIV_KEY_INFO *info = npki_key_parse(secret_view(plain));
    X509_SIG *sealed =
        PKCS8_encrypt(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NULL, "x", 1, NULL, salt, 1, info);
    const X509_ALGOR *algorithm;
    assert_non_null(sealed);
    X509_SIG_get0(sealed, &algorithm, NULL);
    PBEPARAM *parameter = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
    ASN1_INTEGER_set(parameter->iter, rounds);
    ASN1_TYPE *type = algorithm->parameter;
    assert_non_null(ASN1_TYPE_pack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter, &type));
    PBEPARAM_free(parameter);
    PKCS8_PRIV_KEY_INFO_free(info);
    secret_free(plain);
    return sealed;
}

static void bounds(void **state)
{
    (void)state;
    static const struct {
        long rounds;
        int salt;
        enum exit_code code;
    } rows[] = {{1, 8, EXIT_OK},
                {0, 8, EXIT_MISMATCH},
                {-5, 8, EXIT_MISMATCH},
                {1, 128, EXIT_OK},
                {1, 129, EXIT_MISMATCH},
                {NPKI_ROUNDS_MOST + 1, 8, EXIT_MISMATCH},
                {0x7FFFFFFF, 8, EXIT_MISMATCH}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        X509_SIG *sealed = made(rows[i].rounds, rows[i].salt);
        struct npki_key key;
        struct fault fault = {.code = EXIT_OK};
        crypto.rounds = NPKI_ROUNDS_MOST;
        enum exit_code got = npki_key_open(&crypto, sealed, text_view("x"), &key, &fault);
        // The derivation changes with the number of rounds: what is within bounds and was made with one
        // opens.
        assert_int_equal(got, rows[i].code);
        if (got == EXIT_OK)
            npki_key_free(&key);
        X509_SIG_free(sealed);
    }
    crypto.rounds = NPKI_ROUNDS_MOST;
}

// OpenSSL's encoder of bit strings drops trailing zero bits, as some programs that wrote keys did.
static void random_with_lost_zeros(void **state)
{
    (void)state;
    static const uint8_t with_zeros[20] = {[0] = 0xA1, [18] = 0x78};
    struct secret *plain = sample("plain-with-R.p8.der");
    PKCS8_PRIV_KEY_INFO *info = npki_key_parse(secret_view(plain));
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.410.200004.10.1.1.3", 1);
    STACK_OF(X509_ATTRIBUTE) *all = (STACK_OF(X509_ATTRIBUTE) *)(uintptr_t)PKCS8_pkey_get0_attrs(info);
    X509_ATTRIBUTE_free(sk_X509_ATTRIBUTE_delete(all, 0));
    assert_int_equal(PKCS8_pkey_add1_attr_by_OBJ(info, oid, V_ASN1_BIT_STRING, with_zeros, 20), 1);
    unsigned char *der = NULL;
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    struct npki_key key;
    struct fault fault = {.code = EXIT_OK};
    assert_int_equal(npki_key_take(&crypto, npki_key_parse(rd_of(der, (size_t)n)), &key, &fault), EXIT_OK);
    assert_true(rd_is(secret_view(key.random), with_zeros, 20));
    npki_key_free(&key);
    OPENSSL_free(der);
    ASN1_OBJECT_free(oid);
    PKCS8_PRIV_KEY_INFO_free(info);
    secret_free(plain);
}

// Kinds that no such certificate has are not even decoded: with numbers of any size that would take hours.
static void other_kinds(void **state)
{
    (void)state;
    static const int kinds[] = {NID_dsa, NID_dhKeyAgreement, NID_dhpublicnumber, NID_ED25519};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        PKCS8_PRIV_KEY_INFO *info = PKCS8_PRIV_KEY_INFO_new();
        struct npki_key key;
        struct fault fault = {.code = EXIT_OK};
        unsigned char *octets = OPENSSL_malloc(34);
        memset(octets, 0x20, 34);
        octets[0] = 0x04;
        assert_int_equal(PKCS8_pkey_set0(info, OBJ_nid2obj(kinds[i]), 0, V_ASN1_UNDEF, NULL, octets, 34), 1);
        assert_int_equal(npki_key_take(&crypto, info, &key, &fault), EXIT_UNSUPPORTED);
    }
}

static void no_legacy_provider(void **state)
{
    (void)state;
    struct npki_crypto poor;
    struct npki_key key;
    struct fault fault = {.code = EXIT_OK};
    assert_int_equal(setenv("OPENSSL_MODULES", "/nonexistent", 1), 0);
    assert_int_equal(npki_crypto_open(&poor, &fault), EXIT_OK);
    unsetenv("OPENSSL_MODULES");
    X509_SIG *sealed = sample_key("signPri.key");
    assert_int_equal(npki_key_open(&poor, sealed, text_view(SAMPLE_PASSWORD), &key, &fault),
                     EXIT_UNSUPPORTED);
    assert_non_null(strstr(fault.todo, "libssl3"));
    X509_SIG_free(sealed);
    fault_clear(&fault);
    sealed = sample_key("signPri-pbes2-aria128-sha256.key");
    assert_int_equal(npki_key_open(&poor, sealed, text_view(SAMPLE_PASSWORD), &key, &fault), EXIT_OK);
    npki_key_free(&key);
    X509_SIG_free(sealed);
    npki_crypto_close(&poor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemes),        cmocka_unit_test(aes),
        cmocka_unit_test(wrong_password), cmocka_unit_test(damaged),
        cmocka_unit_test(bounds),         cmocka_unit_test(random_with_lost_zeros),
        cmocka_unit_test(other_kinds),    cmocka_unit_test(no_legacy_provider),
    };
    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
