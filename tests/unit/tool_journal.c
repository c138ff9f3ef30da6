// The journal: durable states, one run at a time, no trust in what stands in the file.
#include "tool_cmocka.h"

#include "journal.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ingam-journal.XXXXXX");
    return mkdtemp(folder) == NULL || setenv("XDG_STATE_HOME", folder, 1) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); // NOLINT(cert-env33-c): a folder that we named
}

static struct fault fault;

static enum exit_code open_journal(struct journal *journal)
{
    fault_clear(&fault);
    return journal_open(journal, "0102 /ab", "9a", &fault);
}

static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *x = X509_new();
    assert_non_null(x);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 60);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static void states_come_back(void **state)
{
    (void)state;
    struct journal a, b;
    struct stat info;
    assert_int_equal(open_journal(&a), EXIT_OK);
    assert_int_equal(a.step, JOURNAL_NONE);
    snprintf(a.issuer, sizeof a.issuer, "http://desk/cmp");
    snprintf(a.reference, sizeof a.reference, "4711");
    assert_int_equal(journal_write(&a, JOURNAL_MAKING, &fault), EXIT_OK);
    a.key = EVP_EC_gen("P-256");
    assert_int_equal(journal_write(&a, JOURNAL_KEY, &fault), EXIT_OK);
    a.certificate = certificate_of(a.key);
    assert_int_equal(journal_write(&a, JOURNAL_RECEIVED, &fault), EXIT_OK);
    assert_int_equal(stat(a.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_non_null(strstr(a.path, "issue-0102%20%2Fab-9a.json"));
    EVP_PKEY *key = a.key;
    X509 *certificate = a.certificate;
    EVP_PKEY_up_ref(key);
    X509_up_ref(certificate);
    journal_close(&a);

    assert_int_equal(open_journal(&b), EXIT_OK);
    assert_int_equal(b.step, JOURNAL_RECEIVED);
    assert_string_equal(b.issuer, "http://desk/cmp");
    assert_string_equal(b.reference, "4711");
    assert_int_equal(EVP_PKEY_eq(b.key, key), 1);
    assert_int_equal(X509_cmp(b.certificate, certificate), 0);
    assert_int_equal(journal_finish(&b, &fault), EXIT_OK);
    assert_int_not_equal(access(b.path, F_OK), 0);
    journal_close(&b);
    EVP_PKEY_free(key);
    X509_free(certificate);
}

static void one_run_at_a_time(void **state)
{
    (void)state;
    struct journal a, b;
    assert_int_equal(open_journal(&a), EXIT_OK);
    assert_int_equal(open_journal(&b), EXIT_BUSY);
    journal_close(&a);
    assert_int_equal(open_journal(&b), EXIT_OK);
    journal_close(&b);
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"schema\":2,\"step\":\"making\",\"issuer\":\"a\",\"reference\":\"b\"}",
        "{\"schema\":1,\"step\":\"none\",\"issuer\":\"a\",\"reference\":\"b\"}",
        "{\"schema\":1,\"step\":\"key\",\"issuer\":\"a\",\"reference\":\"b\"}",
        "{\"schema\":1,\"step\":\"key\",\"issuer\":\"a\",\"reference\":\"b\",\"public_key\":\"AAAA\"}",
        "{\"schema\":1,\"step\":\"key\",\"issuer\":\"a\",\"reference\":\"b\",\"public_key\":\"=\"}",
        "{\"schema\":1,\"step\":\"making\",\"issuer\":1,\"reference\":\"b\"}",
    };
    struct journal journal;
    assert_int_equal(open_journal(&journal), EXIT_OK);
    char path[sizeof journal.path];
    memcpy(path, journal.path, sizeof path);
    journal_close(&journal);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        assert_int_equal(open_journal(&journal), EXIT_OTHER);
        assert_int_equal(access(path, F_OK), 0); // it is left for the person to look at
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_come_back),
        cmocka_unit_test(one_run_at_a_time),
        cmocka_unit_test(broken_files_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
