// The CMP responder against OpenSSL's own client (RFC 4210): what it refuses, and how it says so.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "header.h"
#include "issuer_client.h"

static void weak_and_unknown_keys_are_refused(void **state)
{
    EVP_PKEY *keys[] = {EVP_RSA_gen(1024), EVP_EC_gen("P-521"), EVP_EC_gen("secp256k1")};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct desk_entitled who;
        struct client client;
        fixture_authorize(*state, "A", 3, &who);
        client_make(&client, *state, &who, keys[i]);
        refused(&client, FAIL_INFO(badCertTemplate), "P-256");
        client_drop(&client);
    }
}

static void a_stranger_cannot_tell_a_wrong_code_from_no_reference(void **state)
{
    struct desk_entitled who;
    struct client client;
    char wrong[1024];
    char unknown[1024];
    fixture_authorize(*state, "A", 3, &who);
    strcpy(who.code, "AAAAA-AAAAA-AAAAA-AAAAA");
    client_new(&client, *state, &who);
    refused(&client, FAIL_INFO(badMessageCheck), "not accepted");
    OSSL_CMP_CTX_snprint_PKIStatus(client.ctx, wrong, sizeof wrong);
    client_drop(&client);
    strcpy(who.reference, "999999999999");
    client_new(&client, *state, &who);
    refused(&client, FAIL_INFO(badMessageCheck), "not accepted");
    OSSL_CMP_CTX_snprint_PKIStatus(client.ctx, unknown, sizeof unknown);
    client_drop(&client);
    assert_string_equal(wrong, unknown);
}

static void wrong_codes_lock_the_reference(void **state)
{
    struct desk_entitled who;
    struct desk_entitled wrong;
    struct client client;
    fixture_authorize(*state, "A", 2, &who);
    wrong = who;
    wrong.code[0] ^= 1;
    for (int i = 0; i < 2; i++) {
        client_new(&client, *state, &wrong);
        refused(&client, FAIL_INFO(badMessageCheck), "not accepted");
        client_drop(&client);
    }
    client_new(&client, *state, &who);
    refused(&client, FAIL_INFO(notAuthorized), "locked");
    client_drop(&client);
    client_new(&client, *state, &wrong); // a locked one still tells a stranger nothing
    refused(&client, FAIL_INFO(badMessageCheck), "not accepted");
    client_drop(&client);
}

static void a_code_expires(void **state)
{
    struct desk_entitled who;
    struct client client;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    fixture_later(INT64_C(14) * 86400);
    refused(&client, FAIL_INFO(notAuthorized), "expired");
    fixture_later(-86400);
    assert_non_null(OSSL_CMP_exec_IR_ses(client.ctx));
    client_drop(&client);
}

static void another_key_is_refused(void **state)
{
    struct desk_entitled who;
    struct client first;
    struct client second;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&first, *state, &who);
    first.lose = 1;
    assert_null(OSSL_CMP_exec_IR_ses(first.ctx));
    client_new(&second, *state, &who);
    refused(&second, FAIL_INFO(duplicateCertReq), "another key");
    first.lose = 0;
    assert_non_null(OSSL_CMP_exec_IR_ses(first.ctx));
    client_drop(&first);
    client_drop(&second);
}

static void possession_must_be_proved(void **state)
{
    static const int methods[] = {OSSL_CRMF_POPO_NONE, OSSL_CRMF_POPO_RAVERIFIED};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct desk_entitled who;
        struct client client;
        fixture_authorize(*state, "A", 2, &who);
        client_new(&client, *state, &who);
        OSSL_CMP_CTX_set_option(client.ctx, OSSL_CMP_OPT_POPO_METHOD, methods[i]);
        refused(&client, FAIL_INFO(badPOP), "");
        client_drop(&client);
    }
}

static void a_csr_of_another_key_is_refused(void **state)
{
    struct desk_entitled who;
    struct client client;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    EVP_PKEY *other = EVP_EC_gen("P-256");
    X509_REQ *csr = X509_REQ_new();
    assert_true(X509_REQ_set_pubkey(csr, client.key) && X509_REQ_sign(csr, other, EVP_sha256()) > 0);
    assert_true(OSSL_CMP_CTX_set1_p10CSR(client.ctx, csr));
    assert_null(OSSL_CMP_exec_P10CR_ses(client.ctx));
    assert_int_equal(OSSL_CMP_CTX_get_failInfoCode(client.ctx), FAIL_INFO(badPOP));
    X509_REQ_free(csr);
    EVP_PKEY_free(other);
    client_drop(&client);
}

static void what_the_desk_does_not_do_is_refused_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct desk_entitled who;
    struct client client;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    X509 *certificate = OSSL_CMP_exec_IR_ses(client.ctx);
    assert_non_null(certificate);
    assert_true(OSSL_CMP_CTX_set1_oldCert(client.ctx, certificate));
    // A key update needs the old key, and this reference number is not for a revocation.
    assert_null(OSSL_CMP_exec_KUR_ses(client.ctx));
    assert_int_equal(client.event.body, 7);
    assert_int_equal(client.event.reason, REFUSE_PROTECTION);
    assert_int_equal(OSSL_CMP_exec_RR_ses(client.ctx), 0);
    assert_int_equal(client.event.body, 11);
    assert_int_equal(client.event.reason, REFUSE_PURPOSE);
    client_drop(&client);
    // Protected by a signature instead of the code.
    client_new(&client, *state, &who);
    OSSL_CMP_CTX_set1_secretValue(client.ctx, NULL, 0);
    assert_true(OSSL_CMP_CTX_set1_cert(client.ctx, fixture->desk.cmp));
    assert_true(OSSL_CMP_CTX_set1_pkey(client.ctx, fixture->desk.cmp_key));
    refused(&client, FAIL_INFO(wrongIntegrity), "authorization code");
    client_drop(&client);
}

static void a_question_is_refused_as_a_request_is(void **state)
{
    struct desk_entitled who;
    struct client client;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    OSSL_CMP_CTX_set1_secretValue(client.ctx, (const unsigned char *)"wrong", 5);
    assert_null(OSSL_CMP_exec_GENM_ses(client.ctx));
    assert_int_equal(OSSL_CMP_CTX_get_failInfoCode(client.ctx), FAIL_INFO(badMessageCheck));
    client_drop(&client);
    client_new(&client, *state, &who);
    assert_non_null(OSSL_CMP_exec_IR_ses(client.ctx));
    assert_null(OSSL_CMP_exec_GENM_ses(client.ctx));
    assert_int_equal(OSSL_CMP_CTX_get_failInfoCode(client.ctx), FAIL_INFO(certConfirmed));
    client_drop(&client);
}

static void errors_to_strangers_are_signed_by_the_desk(void **state)
{
    struct fixture *fixture = *state;
    struct desk_entitled who;
    struct client client;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    X509_STORE *trusted = X509_STORE_new();
    assert_true(X509_STORE_add_cert(trusted, fixture->desk.ca));
    OSSL_CMP_CTX_set0_trustedStore(client.ctx, trusted);
    OSSL_CMP_CTX_set1_secretValue(client.ctx, (const unsigned char *)"wrong", 5);
    OSSL_CMP_CTX_set_option(client.ctx, OSSL_CMP_OPT_UNPROTECTED_ERRORS, 0);
    refused(&client, FAIL_INFO(badMessageCheck), "not accepted");
    client_drop(&client);
}

static void a_transaction_of_another_is_not_taken_over(void **state)
{
    struct desk_entitled one;
    struct desk_entitled two;
    struct client first;
    struct client second;
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    assert_true(ASN1_OCTET_STRING_set(id, (const unsigned char *)"0123456789ABCDEF", 16));
    fixture_authorize(*state, "A", 2, &one);
    fixture_authorize(*state, "B", 2, &two);
    client_new(&first, *state, &one);
    client_new(&second, *state, &two);
    OSSL_CMP_CTX_set1_transactionID(first.ctx, id);
    OSSL_CMP_CTX_set1_transactionID(second.ctx, id);
    first.lose = 1;
    assert_null(OSSL_CMP_exec_IR_ses(first.ctx));
    refused(&second, FAIL_INFO(transactionIdInUse), "in use");
    ASN1_OCTET_STRING_free(id);
    client_drop(&first);
    client_drop(&second);
}

static void a_confirmation_must_fit_its_transaction(void **state)
{
    static const struct {
        const char *spoil;
        int fail_info;
    } rows[] = {
        {"UPDATE exchange SET nonce = x'00'", FAIL_INFO(badRecipientNonce)},
        {"UPDATE exchange SET nonce = x''", FAIL_INFO(badRecipientNonce)},
        {"UPDATE exchange SET request_id = 5", FAIL_INFO(badCertId)},
        {"UPDATE certificate SET der = x'3000'", FAIL_INFO(badCertId)},
        {"UPDATE certificate SET der = (SELECT der FROM certificate ORDER BY created LIMIT 1)",
         FAIL_INFO(badCertId)},
        {"UPDATE certificate SET state = 'rejected' WHERE state = 'issued'", FAIL_INFO(badRequest)},
        {"UPDATE exchange SET expires = 1", FAIL_INFO(badRequest)},
        {"DELETE FROM exchange", FAIL_INFO(badRequest)},
    };
    struct registry_person person;
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk_entitled first;
        struct desk_entitled who;
        struct client client;
        fixture_authorize(fixture, "first", 2, &first);
        client_new(&client, fixture, &first);
        assert_non_null(OSSL_CMP_exec_IR_ses(client.ctx));
        client_drop(&client);
        run_sql(fixture, "UPDATE certificate SET created = 1");
        fixture_authorize(fixture, "A", 2, &who);
        client_new(&client, fixture, &who);
        client.spoil = rows[i].spoil;
        refused(&client, rows[i].fail_info, "");
        client_drop(&client);
        assert_int_equal(registry_find(fixture->desk.registry, who.reference, &person), REGISTRY_DONE);
        assert_int_equal(person.spent, 0);
    }
}

// Every cut and every changed byte of a good request: an answer or "malformed", never a crash or a
// certificate.
static void damaged_requests_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct desk_entitled who;
    struct client client;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    client.restart = 0;
    OSSL_CMP_CTX_set_option(client.ctx, OSSL_CMP_OPT_DISABLE_CONFIRM, 1);
    assert_non_null(OSSL_CMP_exec_IR_ses(client.ctx));
    for (size_t cut = 0; cut < client.last_length; cut++) {
        unsigned char *answer = NULL;
        size_t length = 0;
        assert_int_equal(cmp_answer(&fixture->desk, client.last, cut, &answer, &length, &client.event),
                         CMP_MALFORMED);
    }
    for (size_t i = 0; i < client.last_length; i++) {
        unsigned char *answer = NULL;
        size_t length = 0;
        client.last[i] ^= 0x41;
        cmp_answer(&fixture->desk, client.last, client.last_length, &answer, &length, &client.event);
        assert_string_not_equal(client.event.what, "issued");
        assert_string_not_equal(client.event.what, "repeated");
        OPENSSL_free(answer);
        client.last[i] ^= 0x41;
    }
    client_drop(&client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)
    const struct CMUnitTest tests[] = {
        TEST(weak_and_unknown_keys_are_refused),
        TEST(a_stranger_cannot_tell_a_wrong_code_from_no_reference),
        TEST(wrong_codes_lock_the_reference),
        TEST(a_code_expires),
        TEST(another_key_is_refused),
        TEST(possession_must_be_proved),
        TEST(a_csr_of_another_key_is_refused),
        TEST(what_the_desk_does_not_do_is_refused_by_name),
        TEST(a_question_is_refused_as_a_request_is),
        TEST(errors_to_strangers_are_signed_by_the_desk),
        TEST(a_transaction_of_another_is_not_taken_over),
        TEST(a_confirmation_must_fit_its_transaction),
        TEST(damaged_requests_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
