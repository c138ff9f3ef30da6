// VID against a vector of a CA's own client and against a certificate that was not made here.
#include "npki_samples.h"

#include "npki/policy.h"
#include "npki/vid.h"

static const uint8_t expected[32] = {0x17, 0x69, 0x2C, 0x8D, 0xD0, 0x0E, 0xAD, 0x33, 0x79, 0x1D, 0xE0,
                                     0xA6, 0x4A, 0x93, 0x7C, 0x60, 0x79, 0x96, 0x34, 0xC6, 0x4A, 0xC5,
                                     0x6F, 0xA5, 0x75, 0x70, 0xC0, 0xE0, 0x52, 0x52, 0xAB, 0x35};

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

static void vector(void **state)
{
    (void)state;
    struct npki_vid vid;
    assert_true(npki_vid_compute(&crypto, "SHA256", text_view(SAMPLE_NUMBER),
                                 rd_of(sample_random, sizeof sample_random), &vid));
    assert_int_equal(vid.length, sizeof expected);
    assert_memory_equal(vid.value, expected, sizeof expected);
    assert_true(npki_vid_compute(&crypto, "SHA256", text_view("1234561234568"),
                                 rd_of(sample_random, sizeof sample_random), &vid));
    assert_memory_not_equal(vid.value, expected, sizeof expected);
    assert_false(npki_vid_compute(&crypto, "SHA256", text_view("12345612345678"),
                                  rd_of(sample_random, sizeof sample_random), &vid));
    assert_false(npki_vid_compute(&crypto, "no such digest", text_view(SAMPLE_NUMBER),
                                  rd_of(sample_random, sizeof sample_random), &vid));
}

static void of_certificate(void **state)
{
    (void)state;
    struct npki_vid vid;
    X509 *certificate = sample_certificate("signCert.der"), *ca = sample_certificate("ca.der");
    assert_true(npki_vid_of(certificate, &vid));
    assert_string_equal(vid.digest, "SHA256");
    assert_int_equal(vid.length, sizeof expected);
    assert_memory_equal(vid.value, expected, sizeof expected);
    assert_false(npki_vid_of(ca, &vid));
    X509_free(certificate);
    X509_free(ca);
}

// Each byte of the extension changed in turn: never a crash.
static void hostile_certificates(void **state)
{
    (void)state;
    struct secret *bytes = sample("signCert.der");
    struct rd whole = secret_view(bytes);
    unsigned read = 0;
    for (size_t i = 0; i < whole.n; i++) {
        uint8_t copy[4096];
        struct npki_vid vid;
        char oid[80];
        memcpy(copy, whole.p, whole.n);
        copy[i] = (uint8_t)(copy[i] + 1);
        const unsigned char *p = copy;
        X509 *certificate = d2i_X509(NULL, &p, (long)whole.n);
        if (certificate != NULL) {
            read += npki_vid_of(certificate, &vid);
            npki_policy_of(certificate, oid, sizeof oid);
        }
        X509_free(certificate);
    }
    assert_true(read > 0);
    secret_free(bytes);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *digits;
    } rows[] = {{"1234561234567", "1234561234567"},
                {"123456-1234567", "1234561234567"},
                {" 123-45-67890 ", "1234567890"},
                {"", NULL},
                {"123456-123456", NULL},
                {"12345612345678", NULL},
                {"123456-123456a", NULL},
                {"1234561234567\xEF\xBC\x91", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct secret *number = npki_vid_number(text_view(rows[i].typed));
        if (rows[i].digits == NULL)
            assert_null(number);
        else
            assert_true(rd_is(secret_view(number), rows[i].digits, strlen(rows[i].digits)));
        secret_free(number);
    }
}

static void policies(void **state)
{
    (void)state;
    char oid[80];
    X509 *certificate = sample_certificate("signCert.der");
    const struct npki_policy *row = npki_policy_of(certificate, oid, sizeof oid);
    assert_string_equal(oid, "1.2.410.200005.1.1.4");
    assert_non_null(row);
    assert_string_equal(row->oid, oid);
    assert_string_equal(row->ca, "yessign");
    assert_non_null(strstr(row->words, "personal, banks"));
    X509_free(certificate);
    certificate = sample_certificate("ca.der");
    assert_null(npki_policy_of(certificate, oid, sizeof oid));
    assert_string_equal(oid, "");
    X509_free(certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector),  cmocka_unit_test(of_certificate), cmocka_unit_test(hostile_certificates),
        cmocka_unit_test(numbers), cmocka_unit_test(policies),
    };
    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
