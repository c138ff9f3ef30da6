// The CMP responder against OpenSSL's own client (RFC 4210): what it grants, and what it goes on with.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "header.h"
#include "issuer_client.h"
#include "reply.h"

static void each_allowed_key_gets_a_certificate_once(void **state)
{
    EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(2048)};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct desk_entitled who;
        struct client client;
        fixture_authorize(*state, "홍길동", 3, &who);
        client_make(&client, *state, &who, keys[i]);
        check_certificate(&client, OSSL_CMP_exec_IR_ses(client.ctx), "홍길동");
        assert_string_equal(client.event.what, "confirmed");
        assert_int_equal(client.sent, 2);
        STACK_OF(X509) *ca = OSSL_CMP_CTX_get1_caPubs(client.ctx);
        assert_int_equal(sk_X509_num(ca), 1);
        assert_int_equal(X509_cmp(sk_X509_value(ca, 0), ((struct fixture *)*state)->desk.ca), 0);
        sk_X509_pop_free(ca, X509_free);
        refused(&client, FAIL_INFO(certConfirmed), "was used");
        client_drop(&client);
    }
}

static void cr_and_p10cr_work_too(void **state)
{
    struct desk_entitled who;
    struct client client;
    fixture_authorize(*state, "A", 3, &who);
    client_new(&client, *state, &who);
    check_certificate(&client, OSSL_CMP_exec_CR_ses(client.ctx), "A");
    client_drop(&client);
    fixture_authorize(*state, "B", 3, &who);
    client_new(&client, *state, &who);
    X509_REQ *csr = X509_REQ_new();
    assert_true(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(csr), "CN", MBSTRING_ASC,
                                           (const unsigned char *)"me", -1, -1, 0));
    assert_true(X509_REQ_set_pubkey(csr, client.key) && X509_REQ_sign(csr, client.key, EVP_sha256()) > 0);
    assert_true(OSSL_CMP_CTX_set1_p10CSR(client.ctx, csr));
    check_certificate(&client, OSSL_CMP_exec_P10CR_ses(client.ctx), "B");
    assert_string_equal(client.event.what, "confirmed");
    X509_REQ_free(csr);
    client_drop(&client);
}

static void after_a_lost_answer_the_same_key_gets_the_same_certificate(void **state)
{
    struct desk_entitled who;
    struct client client;
    char serial[REGISTRY_SERIAL];
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    client.lose = 1;
    assert_null(OSSL_CMP_exec_IR_ses(client.ctx));
    assert_string_equal(client.event.what, "issued");
    memcpy(serial, client.event.serial, sizeof serial);
    fixture_restart(*state);
    client.lose = 3; // now the pkiConf: the client cannot know, but its certificate stands
    assert_null(OSSL_CMP_exec_IR_ses(client.ctx));
    assert_string_equal(client.event.what, "confirmed");
    assert_string_equal(client.event.serial, serial);
    client_drop(&client);
}

static void a_repeated_confirmation_is_answered_again(void **state)
{
    struct fixture *fixture = *state;
    struct desk_entitled who;
    struct client client;
    struct header header;
    unsigned char *answer = NULL;
    size_t length = 0;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    assert_non_null(OSSL_CMP_exec_IR_ses(client.ctx));
    assert_int_equal(
        cmp_answer(&fixture->desk, client.last, client.last_length, &answer, &length, &client.event),
        CMP_ANSWERED);
    assert_true(header_read(answer, length, &header));
    assert_int_equal(header.body, BODY_PKICONF);
    OPENSSL_free(answer);
    fixture_later(3601); // the transaction is forgotten after an hour
    assert_int_equal(
        cmp_answer(&fixture->desk, client.last, client.last_length, &answer, &length, &client.event),
        CMP_ANSWERED);
    assert_int_equal(client.event.reason, REFUSE_TRANSACTION);
    OPENSSL_free(answer);
    client_drop(&client);
}

static void a_restart_between_ip_and_certconf_loses_nothing(void **state)
{
    struct desk_entitled who;
    struct client client;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    client.restart = 2;
    check_certificate(&client, OSSL_CMP_exec_IR_ses(client.ctx), "A");
    assert_string_equal(client.event.what, "confirmed");
    client_drop(&client);
}

static int reject_it(OSSL_CMP_CTX *ctx, X509 *certificate, int fail_info, const char **text)
{
    (void)ctx, (void)certificate, (void)fail_info;
    *text = "not this one";
    return FAIL_INFO(incorrectData);
}

static void a_rejected_certificate_does_not_spend_the_code(void **state)
{
    struct desk_entitled who;
    struct client first;
    struct client second;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&first, *state, &who);
    OSSL_CMP_CTX_set_certConf_cb(first.ctx, reject_it);
    assert_null(OSSL_CMP_exec_IR_ses(first.ctx));
    assert_string_equal(first.event.what, "rejected");
    client_new(&second, *state, &who);
    check_certificate(&second, OSSL_CMP_exec_IR_ses(second.ctx), "A");
    client_drop(&first);
    client_drop(&second);
}

static void a_question_is_answered_with_the_ca_certificate(void **state)
{
    struct fixture *fixture = *state;
    struct desk_entitled who;
    struct client client;
    unsigned char *ca = NULL;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&client, *state, &who);
    STACK_OF(OSSL_CMP_ITAV) *told = OSSL_CMP_exec_GENM_ses(client.ctx);
    assert_int_equal(sk_OSSL_CMP_ITAV_num(told), 1);
    const ASN1_STRING *list = OSSL_CMP_ITAV_get0_value(sk_OSSL_CMP_ITAV_value(told, 0))->value.sequence;
    int length = i2d_X509(fixture->desk.ca, &ca);
    int head = ASN1_STRING_length(list) - length;
    assert_true(length > 0 && head > 0);
    assert_memory_equal(ASN1_STRING_get0_data(list) + head, ca, (size_t)length);
    assert_non_null(OSSL_CMP_exec_IR_ses(client.ctx)); // the code is not spent by it
    OPENSSL_free(ca);
    sk_OSSL_CMP_ITAV_pop_free(told, OSSL_CMP_ITAV_free);
    client_drop(&client);
}

// OpenSSL's client sends no error messages, so this one is made by the desk's writer.
static void an_error_of_the_client_is_a_rejection(void **state)
{
    struct fixture *fixture = *state;
    struct desk_entitled who;
    struct client first;
    struct client second;
    struct header header;
    struct secret code = {0};
    unsigned char *error = NULL;
    unsigned char *answer = NULL;
    size_t length = 0;
    fixture_authorize(*state, "A", 2, &who);
    client_new(&first, *state, &who);
    first.lose = 1;
    assert_null(OSSL_CMP_exec_IR_ses(first.ctx));
    code.length = strlen(who.code);
    memcpy(code.bytes, who.code, code.length);
    assert_true(header_read(first.answer, first.answer_length, &header));
    int size = reply_refusal(&fixture->desk, &header, &code, REFUSE_BROKEN, &error);
    assert_true(size > 0);
    assert_int_equal(cmp_answer(&fixture->desk, error, (size_t)size, &answer, &length, &first.event),
                     CMP_ANSWERED);
    assert_string_equal(first.event.what, "rejected");
    assert_true(header_read(answer, length, &header));
    assert_int_equal(header.body, BODY_PKICONF);
    OPENSSL_free(answer);
    OPENSSL_free(error);
    client_new(&second, *state, &who);
    check_certificate(&second, OSSL_CMP_exec_IR_ses(second.ctx), "A");
    client_drop(&first);
    client_drop(&second);
}

struct racer {
    struct client client;
    bool granted;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    racer->granted = OSSL_CMP_exec_IR_ses(racer->client.ctx) != NULL;
    return NULL;
}

#define RACERS 8

static void of_many_at_once_one_key_wins(void **state)
{
    static struct racer racers[RACERS];
    pthread_t threads[RACERS];
    struct desk_entitled who;
    int granted = 0;
    fixture_authorize(*state, "A", 2, &who);
    for (int i = 0; i < RACERS; i++) {
        client_new(&racers[i].client, *state, &who);
        racers[i].granted = false;
    }
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        granted += racers[i].granted;
        client_drop(&racers[i].client);
    }
    assert_int_equal(granted, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)
    const struct CMUnitTest tests[] = {
        TEST(each_allowed_key_gets_a_certificate_once),
        TEST(cr_and_p10cr_work_too),
        TEST(after_a_lost_answer_the_same_key_gets_the_same_certificate),
        TEST(a_repeated_confirmation_is_answered_again),
        TEST(a_restart_between_ip_and_certconf_loses_nothing),
        TEST(a_rejected_certificate_does_not_spend_the_code),
        TEST(a_question_is_answered_with_the_ca_certificate),
        TEST(an_error_of_the_client_is_a_rejection),
        TEST(of_many_at_once_one_key_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
