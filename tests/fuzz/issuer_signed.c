// Fuzzes CMP requests that a certificate's key signs: header and body of each input are signed anew by the
// key of a certificate that stands, so that what lies behind the signature is reached (kur, rr, genm,
// certConf, pollReq).
#include "cmp.h"
#include "dn.h"
#include "header.h"
#include "issuer_fixture.h"
#include "profile.h"

#include <openssl/err.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 8192

static struct fixture *fixture;
static sqlite3 *db;
static EVP_PKEY *key;
static unsigned char *certificate;
static int certificate_length;

static void must(bool done)
{
    if (!done)
        abort();
}

static void finish(void)
{
    void *state = fixture;
    sqlite3_close(db);
    EVP_PKEY_free(key);
    OPENSSL_free(certificate);
    fixture_remove(&state);
}

static void begin(void)
{
    void *state = NULL;
    char path[256];
    struct fail fail = {0};
    struct desk_entitled who;
    struct registry_certificate issued;
    unsigned char hash[REGISTRY_HASH] = {0};
    must(fixture_make(&state) == 0);
    fixture = state;
    fixture_authorize(fixture, "x", 9, &who);
    X509_NAME *subject = NULL; // the sender of the seeds
    must(dn_parse("/C=KR/O=S/CN=x", &subject, &fail));
    key = keys_make("p256", &fail);
    struct profile_ask ask = {.kind = PROFILE_PERSON,
                              .subject = subject,
                              .key = key,
                              .now = fixture->desk.now(),
                              .days = 10,
                              .issuer = fixture->desk.ca,
                              .issuer_key = fixture->desk.ca_key};
    ask.serial[0] = 0x41;
    X509 *made = profile_certificate(&ask, &fail);
    X509_NAME_free(subject);
    must(made != NULL);
    certificate_length = i2d_X509(made, &certificate);
    struct registry *registry = fixture->desk.registry;
    const char *serial = "41000000000000000000000000000000";
    must(registry_reserve(registry, who.reference, hash, serial, 1, &issued) == REGISTRY_DONE &&
         registry_record(registry, serial, certificate, (size_t)certificate_length, profile_not_after(made),
                         1, 1) == REGISTRY_DONE &&
         registry_confirm(registry, serial, 1) == REGISTRY_DONE);
    X509_free(made);
    snprintf(path, sizeof path, "%s%s", fixture->dir, DESK_REGISTRY);
    must(sqlite3_open(path, &db) == SQLITE_OK);
    atexit(finish);
}

// The same state before each input.
static void reset(void)
{
    must(sqlite3_exec(
             db,
             "BEGIN; DELETE FROM exchange; DELETE FROM poll; DELETE FROM certificate WHERE serial NOT LIKE"
             " '4100%'; UPDATE certificate SET status = 'valid', reason = 0, replaced_by = '';"
             " DELETE FROM fee; DELETE FROM person WHERE kind = 'renew'; COMMIT",
             NULL, NULL, NULL) == SQLITE_OK);
}

static size_t put(unsigned char *to, int tag, int class, const unsigned char *bytes, size_t length)
{
    unsigned char *at = to;
    ASN1_put_object(&at, 1, (int)length, tag, class);
    memmove(at, bytes, length);
    return (size_t)(at - to) + length;
}

// Header and body with a signature that is right, and the certificate in extraCerts.
static size_t protect(const struct header *header, unsigned char *out)
{
    static unsigned char part[MOST + 4096], extra[4096];
    unsigned char bits[160] = {V_ASN1_BIT_STRING, 0, 0};
    size_t length = sizeof bits - 3;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = put(part, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, header->parts.at, header->parts.left);
    must(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(context, bits + 3, &length, part, size) == 1);
    EVP_MD_CTX_free(context);
    bits[1] = (unsigned char)(length + 1);
    memcpy(part, header->parts.at, header->parts.left);
    size = header->parts.left + put(part + header->parts.left, 0, V_ASN1_CONTEXT_SPECIFIC, bits, length + 3);
    size_t list = put(extra, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, certificate, (size_t)certificate_length);
    size += put(part + size, 1, V_ASN1_CONTEXT_SPECIFIC, extra, list);
    return put(out, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, part, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char request[2 * MOST];
    struct header header;
    struct header read;
    struct cmp_event event;
    unsigned char *answer = NULL;
    size_t length = 0;
    if (fixture == NULL)
        begin();
    if (size > MOST || !header_read(data, size, &header))
        return 0;
    reset();
    size_t whole = protect(&header, request);
    enum cmp_end end = cmp_answer(&fixture->desk, request, whole, &answer, &length, &event);
    must((end == CMP_ANSWERED) == (length > 0));
    must(end != CMP_ANSWERED || header_read(answer, length, &read));
    OPENSSL_free(answer);
    must(ERR_peek_error() == 0);
    return 0;
}
