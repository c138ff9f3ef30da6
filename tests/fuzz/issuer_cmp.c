// Fuzzes the whole path of a CMP request. Each input goes in as it is, and once more with its protection
// computed anew with the right code, so that what lies behind the MAC is reached too.
// The seeds in corpus/issuer_cmp were written by OpenSSL's own client.
#include "cmp.h"
#include "header.h"
#include "issuer_fixture.h"

#include <openssl/crmf.h>
#include <openssl/err.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REFERENCE "123456789012"
#define CODE      "FUZZ"
#define MOST      8192

static const unsigned char transaction[16] = "0123456789abcdef";
static struct fixture *fixture;
static sqlite3 *db;

static void must(bool done)
{
    if (!done)
        abort();
}

static void finish(void)
{
    void *state = fixture;
    sqlite3_close(db);
    fixture_remove(&state);
}

static void begin(void)
{
    void *state = NULL;
    char path[256];
    struct registry_person person = {.reference = REFERENCE, .name = "x", .expires = INT64_MAX, .tries = 9};
    X509_NAME *subject = X509_NAME_new();
    unsigned char *at = person.subject;
    must(fixture_make(&state) == 0);
    fixture = state;
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0);
    person.subject_length = (size_t)i2d_X509_NAME(subject, &at);
    X509_NAME_free(subject);
    person.code_length = sizeof CODE - 1 + SEAL_OVER;
    must(seal_close(fixture->desk.seal, REFERENCE, CODE, sizeof CODE - 1, person.code));
    must(registry_entitle(fixture->desk.registry, &person) == REGISTRY_DONE);
    snprintf(path, sizeof path, "%s%s", fixture->dir, DESK_REGISTRY);
    must(sqlite3_open(path, &db) == SQLITE_OK);
    atexit(finish);
}

// The same state before each input: one issued certificate that waits for a confirmation, for certConf; none
// for the others.
static void reset(bool waiting)
{
    must(sqlite3_exec(db,
                      "BEGIN; DELETE FROM exchange; DELETE FROM certificate; UPDATE person SET spent = 0, "
                      "tries = 9; COMMIT",
                      NULL, NULL, NULL) == SQLITE_OK);
    if (!waiting)
        return;
    struct registry_certificate issued;
    struct registry_exchange exchange = {
        .id_length = 16, .nonce_length = 16, .reference = REFERENCE, .serial = "01", .expires = INT64_MAX};
    unsigned char *der = NULL;
    unsigned char hash[REGISTRY_HASH] = {0};
    int length = i2d_X509(fixture->desk.ca, &der);
    memcpy(exchange.id, transaction, 16);
    memcpy(exchange.nonce, transaction, 16);
    must(registry_reserve(fixture->desk.registry, REFERENCE, hash, "01", 1, &issued) == REGISTRY_DONE &&
         registry_record(fixture->desk.registry, "01", der, (size_t)length, 2000000000, 1, 1) ==
             REGISTRY_DONE &&
         registry_exchange_keep(fixture->desk.registry, &exchange, 1) == REGISTRY_DONE);
    OPENSSL_free(der);
}

// The field as the desk expects it, when it has the right length.
static void overwrite(const struct der *field)
{
    if (field->left == sizeof transaction)
        memcpy((unsigned char *)field->at, transaction, sizeof transaction);
}

static size_t put(unsigned char *to, int tag, int class, const unsigned char *bytes, size_t length)
{
    unsigned char *at = to;
    ASN1_put_object(&at, 1, (int)length, tag, class);
    memmove(at, bytes, length);
    return (size_t)(at - to) + length;
}

static OSSL_CRMF_PBMPARAMETER *parameter_of(const struct header *header)
{
    struct der inside = header->algorithm;
    struct der oid;
    if (!der_tlv(&inside, DER_OID, &oid))
        return NULL;
    const unsigned char *at = inside.at;
    return d2i_OSSL_CRMF_PBMPARAMETER(NULL, &at, (long)inside.left);
}

// Writes header and body again with a MAC that is right; 0 when that can't be.
static size_t protect(const struct header *header, unsigned char *out)
{
    static unsigned char part[MOST + 16];
    unsigned char bits[EVP_MAX_MD_SIZE + 8] = {V_ASN1_BIT_STRING, 0, 0};
    unsigned char *mac = NULL;
    size_t length = 0;
    OSSL_CRMF_PBMPARAMETER *parameter = parameter_of(header);
    size_t size = put(part, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, header->parts.at, header->parts.left);
    bool done =
        parameter != NULL && OSSL_CRMF_pbm_new(NULL, NULL, parameter, part, size, (const unsigned char *)CODE,
                                               sizeof CODE - 1, &mac, &length) == 1;
    OSSL_CRMF_PBMPARAMETER_free(parameter);
    if (!done || length > EVP_MAX_MD_SIZE)
        return 0;
    bits[1] = (unsigned char)(length + 1);
    memcpy(bits + 3, mac, length);
    OPENSSL_free(mac);
    memcpy(part, header->parts.at, header->parts.left);
    size = header->parts.left + put(part + header->parts.left, 0, V_ASN1_CONTEXT_SPECIFIC, bits, length + 3);
    return put(out, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, part, size);
}

static void ask(const unsigned char *request, size_t size)
{
    struct cmp_event event;
    struct header header;
    unsigned char *answer = NULL;
    size_t length = 0;
    enum cmp_end end = cmp_answer(&fixture->desk, request, size, &answer, &length, &event);
    // Whatever came in, what goes out can be read, and refusals say so.
    must((end == CMP_ANSWERED) == (length > 0));
    must(end != CMP_ANSWERED || header_read(answer, length, &header));
    OPENSSL_free(answer);
    must(ERR_peek_error() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char request[MOST];
    static unsigned char protected[2 * MOST];
    struct header header;
    if (fixture == NULL)
        begin();
    if (size > MOST - 256)
        return 0;
    memcpy(request, data, size);
    bool readable = header_read(request, size, &header);
    ask(data, size);
    if (!readable)
        return 0;
    reset(header.body == BODY_CERTCONF);
    if (header.body == BODY_CERTCONF) {
        overwrite(&header.transaction_id);
        overwrite(&header.recip_nonce);
    }
    size = protect(&header, protected);
    ERR_clear_error();
    if (size > 0)
        ask(protected, size);
    return 0;
}
