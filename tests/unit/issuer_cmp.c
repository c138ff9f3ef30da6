// The CMP responder against OpenSSL's own client (RFC 4210): what it grants, what it refuses and how it says
// so.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/cmp.h>
#include <openssl/err.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cmp.h"
#include "header.h"
#include "issuer_fixture.h"

#define FAIL_INFO(name) (1 << OSSL_CMP_PKIFAILUREINFO_##name)

// One person's client and the way to the desk, which can lose answers.
struct client {
    struct fixture *fixture;
    OSSL_CMP_CTX *ctx;
    EVP_PKEY *key;
    int sent;
    int lose;          // the answer to this message is lost; 0: none
    int restart;       // the desk restarts before this message; 0: never
    const char *spoil; // run on the registry before message 2
    struct cmp_event event;
    unsigned char last[CMP_MAX]; // the last request, as sent
    size_t last_length;
};

static void run_sql(const struct fixture *fixture, const char *sql)
{
    char path[256];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s%s", fixture->dir, DESK_REGISTRY);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static OSSL_CMP_MSG *transfer(OSSL_CMP_CTX *ctx, const OSSL_CMP_MSG *request)
{
    struct client *client = OSSL_CMP_CTX_get_transfer_cb_arg(ctx);
    unsigned char *at = client->last;
    unsigned char *answer = NULL;
    size_t length = 0;
    if (++client->sent == client->restart)
        fixture_restart(client->fixture);
    if (client->sent == 2 && client->spoil != NULL)
        run_sql(client->fixture, client->spoil);
    client->last_length = (size_t)i2d_OSSL_CMP_MSG(request, &at);
    if (cmp_answer(&client->fixture->desk, client->last, client->last_length, &answer, &length,
                   &client->event) != CMP_ANSWERED)
        return NULL;
    const unsigned char *view = answer;
    OSSL_CMP_MSG *message = client->sent == client->lose ? NULL : d2i_OSSL_CMP_MSG(NULL, &view, (long)length);
    OPENSSL_free(answer);
    return message;
}

static int quiet(const char *function, const char *file, int line, OSSL_CMP_severity level, const char *text)
{
    (void)function, (void)file, (void)line, (void)level, (void)text;
    return 1;
}

static void client_make(struct client *client, struct fixture *fixture, const struct desk_entitled *who,
                        EVP_PKEY *key)
{
    memset(client, 0, sizeof *client);
    client->fixture = fixture;
    client->key = key;
    client->ctx = OSSL_CMP_CTX_new(NULL, NULL);
    assert_non_null(client->ctx);
    OSSL_CMP_CTX_set_log_cb(client->ctx, quiet);
    OSSL_CMP_CTX_set_transfer_cb(client->ctx, transfer);
    OSSL_CMP_CTX_set_transfer_cb_arg(client->ctx, client);
    OSSL_CMP_CTX_set_option(client->ctx, OSSL_CMP_OPT_UNPROTECTED_ERRORS, 1);
    // RFC 4211 4.1: without a subject the proof of possession would need a POPOSigningKeyInput.
    X509_NAME *subject = X509_NAME_new();
    assert_true(
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)"me", -1, -1, 0));
    assert_true(OSSL_CMP_CTX_set1_subjectName(client->ctx, subject));
    X509_NAME_free(subject);
    assert_true(EVP_PKEY_up_ref(key));
    OSSL_CMP_CTX_set0_newPkey(client->ctx, 1, key);
    OSSL_CMP_CTX_set1_referenceValue(client->ctx, (const unsigned char *)who->reference,
                                     (int)strlen(who->reference));
    OSSL_CMP_CTX_set1_secretValue(client->ctx, (const unsigned char *)who->code, (int)strlen(who->code));
}

static void client_drop(struct client *client)
{
    OSSL_CMP_CTX_free(client->ctx);
    EVP_PKEY_free(client->key);
    ERR_clear_error();
}

// A fresh client with a fresh P-256 key.
static void client_new(struct client *client, struct fixture *fixture, const struct desk_entitled *who)
{
    client_make(client, fixture, who, EVP_EC_gen("P-256"));
}

// The desk refuses with this failInfo and a text that has these words.
static void refused(struct client *client, int fail_info, const char *words)
{
    char text[2048] = "";
    assert_null(OSSL_CMP_exec_IR_ses(client->ctx));
    assert_int_equal(OSSL_CMP_CTX_get_status(client->ctx), OSSL_CMP_PKISTATUS_rejection);
    assert_int_equal(OSSL_CMP_CTX_get_failInfoCode(client->ctx), fail_info);
    assert_non_null(OSSL_CMP_CTX_snprint_PKIStatus(client->ctx, text, sizeof text));
    if (strstr(text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, text);
}

static void check_certificate(struct client *client, X509 *certificate, const char *name)
{
    char common[128] = "";
    assert_non_null(certificate);
    assert_int_equal(X509_verify(certificate, client->fixture->desk.ca_key), 1);
    assert_int_equal(X509_check_private_key(certificate, client->key), 1);
    const X509_NAME *subject = X509_get_subject_name(certificate);
    ASN1_STRING *value = X509_NAME_ENTRY_get_data(
        X509_NAME_get_entry(subject, X509_NAME_get_index_by_NID((X509_NAME *)subject, NID_commonName, -1)));
    assert_int_equal(ASN1_STRING_type(value), V_ASN1_UTF8STRING);
    snprintf(common, sizeof common, "%.*s", ASN1_STRING_length(value),
             (const char *)ASN1_STRING_get0_data(value));
    assert_string_equal(common, name);
    assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
    assert_int_equal(X509_check_ca(certificate), 0);
    // The client asked for another subject, "CN=me".
    assert_int_equal(OSSL_CMP_CTX_get_status(client->ctx), OSSL_CMP_PKISTATUS_grantedWithMods);
}

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
    assert_null(OSSL_CMP_exec_GENM_ses(client.ctx));
    assert_int_equal(client.event.reason, REFUSE_BODY);
    assert_int_equal(OSSL_CMP_CTX_get_failInfoCode(client.ctx), FAIL_INFO(badRequest));
    X509 *certificate = OSSL_CMP_exec_IR_ses(client.ctx);
    assert_non_null(certificate);
    assert_true(OSSL_CMP_CTX_set1_oldCert(client.ctx, certificate));
    assert_null(OSSL_CMP_exec_KUR_ses(client.ctx));
    assert_int_equal(client.event.body, 7);
    assert_int_equal(client.event.reason, REFUSE_BODY);
    assert_int_equal(OSSL_CMP_exec_RR_ses(client.ctx), 0);
    assert_int_equal(client.event.body, 11);
    assert_int_equal(client.event.reason, REFUSE_BODY);
    client_drop(&client);
    // Protected by a signature instead of the code.
    client_new(&client, *state, &who);
    OSSL_CMP_CTX_set1_secretValue(client.ctx, NULL, 0);
    assert_true(OSSL_CMP_CTX_set1_cert(client.ctx, fixture->desk.cmp));
    assert_true(OSSL_CMP_CTX_set1_pkey(client.ctx, fixture->desk.cmp_key));
    refused(&client, FAIL_INFO(wrongIntegrity), "authorization code");
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
        TEST(weak_and_unknown_keys_are_refused),
        TEST(cr_and_p10cr_work_too),
        TEST(a_stranger_cannot_tell_a_wrong_code_from_no_reference),
        TEST(wrong_codes_lock_the_reference),
        TEST(a_code_expires),
        TEST(after_a_lost_answer_the_same_key_gets_the_same_certificate),
        TEST(a_repeated_confirmation_is_answered_again),
        TEST(another_key_is_refused),
        TEST(a_restart_between_ip_and_certconf_loses_nothing),
        TEST(a_rejected_certificate_does_not_spend_the_code),
        TEST(possession_must_be_proved),
        TEST(a_csr_of_another_key_is_refused),
        TEST(what_the_desk_does_not_do_is_refused_by_name),
        TEST(errors_to_strangers_are_signed_by_the_desk),
        TEST(a_transaction_of_another_is_not_taken_over),
        TEST(a_confirmation_must_fit_its_transaction),
        TEST(damaged_requests_do_no_harm),
        TEST(of_many_at_once_one_key_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
