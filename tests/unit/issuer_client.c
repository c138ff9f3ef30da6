// Drives OpenSSL's CMP client against a desk in the same process.
#include "issuer_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

void run_sql(const struct fixture *fixture, const char *sql)
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
    assert_true(length <= sizeof client->answer);
    memcpy(client->answer, answer, length);
    client->answer_length = length;
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

void client_make(struct client *client, struct fixture *fixture, const struct desk_entitled *who,
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

void client_drop(struct client *client)
{
    OSSL_CMP_CTX_free(client->ctx);
    EVP_PKEY_free(client->key);
    ERR_clear_error();
}

void client_new(struct client *client, struct fixture *fixture, const struct desk_entitled *who)
{
    client_make(client, fixture, who, EVP_EC_gen("P-256"));
}

void refused(struct client *client, int fail_info, const char *words)
{
    char text[2048] = "";
    assert_null(OSSL_CMP_exec_IR_ses(client->ctx));
    assert_int_equal(OSSL_CMP_CTX_get_status(client->ctx), OSSL_CMP_PKISTATUS_rejection);
    assert_int_equal(OSSL_CMP_CTX_get_failInfoCode(client->ctx), fail_info);
    assert_non_null(OSSL_CMP_CTX_snprint_PKIStatus(client->ctx, text, sizeof text));
    if (strstr(text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, text);
}

void check_certificate(struct client *client, X509 *certificate, const char *name)
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
