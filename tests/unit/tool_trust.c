// Which certificates may be written: for our key, valid now, under a CA that is trusted, and which CA that
// is.
#include "tool_cmocka.h"

#include "x509/trust.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64], file_a[80];
static EVP_PKEY *key, *other_key, *ca_key_a, *ca_key_b;
static X509 *ca_a, *ca_b, *good, *by_b, *expired;
static STACK_OF(X509) * received_a, *received_b;

static X509 *make(const char *subject, const char *issuer, EVP_PKEY *held, EVP_PKEY *signer, long days,
                  int ca)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)subject,
                               -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)issuer,
                               -1, -1, 0);
    X509_gmtime_adj(X509_getm_notBefore(x), -2 * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(x), days * 86400);
    X509_set_pubkey(x, held);
    if (ca) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(x, signer, EVP_sha256()) > 0);
    return x;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ingam-trust.XXXXXX");
    if (mkdtemp(folder) == NULL || setenv("XDG_DATA_HOME", folder, 1) != 0)
        return -1;
    key = EVP_EC_gen("P-256");
    other_key = EVP_EC_gen("P-256");
    ca_key_a = EVP_EC_gen("P-256");
    ca_key_b = EVP_EC_gen("P-256");
    ca_a = make("A", "A", ca_key_a, ca_key_a, 9, 1);
    ca_b = make("B", "B", ca_key_b, ca_key_b, 9, 1);
    good = make("me", "A", key, ca_key_a, 3, 0);
    by_b = make("me", "B", key, ca_key_b, 3, 0);
    expired = make("me", "A", key, ca_key_a, -1, 0);
    received_a = sk_X509_new_null();
    received_b = sk_X509_new_null();
    sk_X509_push(received_a, ca_a);
    sk_X509_push(received_b, ca_b);
    snprintf(file_a, sizeof file_a, "%s/a.pem", folder);
    FILE *file = fopen(file_a, "w");
    int done = file != NULL && PEM_write_X509(file, ca_a);
    return done && fclose(file) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    X509 *const all[] = {ca_a, ca_b, good, by_b, expired};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        X509_free(all[i]);
    EVP_PKEY *const keys[] = {key, other_key, ca_key_a, ca_key_b};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        EVP_PKEY_free(keys[i]);
    sk_X509_free(received_a);
    sk_X509_free(received_b);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); // NOLINT(cert-env33-c): a folder that we named
}

static enum exit_code check(const char *ca_file, const char *issuer, STACK_OF(X509) * received,
                            X509 *certificate, EVP_PKEY *held, bool *pin)
{
    struct fault fault = {.code = EXIT_OK};
    const struct trust trust = {.ca_file = ca_file, .issuer = issuer, .received = received};
    enum exit_code code = trust_check(&trust, certificate, held, pin, &fault);
    if (code != EXIT_OK)
        assert_true(fault.what[0] != '\0');
    return code;
}

static void a_file_decides(void **state)
{
    (void)state;
    bool pin;
    assert_int_equal(check(file_a, "http://x", NULL, good, key, &pin), EXIT_OK);
    assert_false(pin);
    assert_int_equal(check(file_a, "http://x", received_b, by_b, key, &pin), EXIT_MISMATCH);
    assert_int_equal(check(file_a, "http://x", NULL, expired, key, &pin), EXIT_MISMATCH);
    assert_int_equal(check(file_a, "http://x", NULL, good, other_key, &pin), EXIT_MISMATCH);
    assert_int_equal(check("/nowhere", "http://x", received_a, good, key, &pin), EXIT_USAGE);
    assert_int_equal(check("/dev/null", "http://x", received_a, good, key, &pin), EXIT_USAGE);
}

static void first_use_and_then_the_pin(void **state)
{
    (void)state;
    bool pin;
    struct fault fault = {.code = EXIT_OK};
    assert_int_equal(check(NULL, "http://x", NULL, good, key, &pin), EXIT_MISMATCH);
    assert_int_equal(check(NULL, "http://x", received_a, good, key, &pin), EXIT_OK);
    assert_true(pin);
    assert_int_equal(trust_pin(&(struct trust){.issuer = "http://x", .received = received_a}, &fault),
                     EXIT_OK);
    assert_int_equal(check(NULL, "http://x", NULL, good, key, &pin), EXIT_OK);
    assert_false(pin);
    assert_int_equal(check(NULL, "http://x", received_b, by_b, key, &pin),
                     EXIT_MISMATCH);                                                 // another CA, same desk
    assert_int_equal(check(NULL, "http://y", received_b, by_b, key, &pin), EXIT_OK); // another desk
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_decides),
        cmocka_unit_test(first_use_and_then_the_pin),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
