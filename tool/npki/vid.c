// Reads the VID of a certificate and computes the one that number and R give.
#include "vid.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#define IDENTIFY_OID "1.2.410.200004.10.1.1"
#define VID_OID      "1.2.410.200004.10.1.1.1"
#define NUMBER_MOST  13
#define RANDOM_MOST  64

// SIVID: VID ::= SEQUENCE { hashAlg AlgorithmIdentifier, virtualID [0] EXPLICIT OCTET STRING }
typedef struct {
    X509_ALGOR *digest;
    ASN1_OCTET_STRING *value;
} VID;

// UserInfo ::= SEQUENCE OF SEQUENCE { type OID, value ANY }
typedef struct {
    ASN1_OBJECT *type;
    ASN1_TYPE *value;
} USER_INFO;

DEFINE_STACK_OF(USER_INFO)

// IdentifyData ::= SEQUENCE { realName UTF8String, userInfo UserInfo OPTIONAL }
typedef struct {
    ASN1_UTF8STRING *name;
    STACK_OF(USER_INFO) * info;
} IDENTIFY_DATA;

// clang-format off
ASN1_SEQUENCE(VID) = {
    ASN1_SIMPLE(VID, digest, X509_ALGOR),
    ASN1_EXP(VID, value, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(VID)

ASN1_SEQUENCE(USER_INFO) = {
    ASN1_SIMPLE(USER_INFO, type, ASN1_OBJECT),
    ASN1_SIMPLE(USER_INFO, value, ASN1_ANY),
} static_ASN1_SEQUENCE_END(USER_INFO)

ASN1_SEQUENCE(IDENTIFY_DATA) = {
    ASN1_SIMPLE(IDENTIFY_DATA, name, ASN1_UTF8STRING),
    ASN1_SEQUENCE_OF_OPT(IDENTIFY_DATA, info, USER_INFO),
} static_ASN1_SEQUENCE_END(IDENTIFY_DATA)
    // clang-format on

    static const char *const digests[] = {"SHA1", "SHA256", "SHA384", "SHA512"};

static const char *digest_of(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    const char *name = OBJ_nid2sn(OBJ_obj2nid(object));
    for (size_t i = 0; name != NULL && i < sizeof digests / sizeof digests[0]; i++)
        if (strcmp(digests[i], name) == 0)
            return digests[i];
    return NULL;
}

static bool is_oid(const ASN1_OBJECT *object, const char *wanted)
{
    char oid[80];
    return OBJ_obj2txt(oid, sizeof oid, object, 1) > 0 && strcmp(oid, wanted) == 0;
}

static bool take_vid(const USER_INFO *entry, struct npki_vid *out)
{
    if (!is_oid(entry->type, VID_OID) || entry->value->type != V_ASN1_SEQUENCE)
        return false;
    VID *vid = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(VID), entry->value);
    bool good = false;
    if (vid != NULL) {
        int length = ASN1_STRING_length(vid->value);
        out->digest = digest_of(vid->digest);
        good = out->digest != NULL && length > 0 && length <= NPKI_VID_MOST;
        if (good) {
            out->length = (size_t)length;
            memcpy(out->value, ASN1_STRING_get0_data(vid->value), out->length);
        }
    }
    ASN1_item_free((ASN1_VALUE *)vid, ASN1_ITEM_rptr(VID));
    return good;
}

static bool take_identity(const ASN1_TYPE *value, struct npki_vid *out)
{
    IDENTIFY_DATA *data = value->type == V_ASN1_SEQUENCE
                              ? ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(IDENTIFY_DATA), value)
                              : NULL;
    bool found = false;
    for (int i = 0; data != NULL && data->info != NULL && !found && i < sk_USER_INFO_num(data->info); i++)
        found = take_vid(sk_USER_INFO_value(data->info, i), out);
    ASN1_item_free((ASN1_VALUE *)data, ASN1_ITEM_rptr(IDENTIFY_DATA));
    return found;
}

bool npki_vid_of(const X509 *certificate, struct npki_vid *out)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    *out = (struct npki_vid){0};
    for (int i = 0; names != NULL && !found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_OTHERNAME && is_oid(name->d.otherName->type_id, IDENTIFY_OID))
            found = take_identity(name->d.otherName->value, out);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return found;
}

struct secret *npki_vid_number(struct rd typed)
{
    struct secret *room = secret_room(NUMBER_MOST), *out = NULL;
    uint8_t *digits = secret_bytes(room);
    size_t n = 0, bad = 0;
    for (size_t i = 0; digits != NULL && i < typed.n; i++) {
        uint8_t c = typed.p[i];
        if (c >= '0' && c <= '9' && n < NUMBER_MOST)
            digits[n++] = c;
        else if (c != '-' && c != ' ')
            bad++;
    }
    if (bad == 0 && (n == 10 || n == 13))
        out = secret_new(digits, n);
    secret_free(room);
    return out;
}

// HashContent ::= SEQUENCE { idn PrintableString, randomNum BIT STRING }: all lengths fit one byte. Returns
// its size.
static size_t hash_content(uint8_t *out, struct rd number, struct rd random)
{
    size_t n = 0;
    out[n++] = 0x30;
    out[n++] = (uint8_t)(2 + number.n + 3 + random.n);
    out[n++] = 0x13;
    out[n++] = (uint8_t)number.n;
    memcpy(out + n, number.p, number.n);
    n += number.n;
    out[n++] = 0x03;
    out[n++] = (uint8_t)(1 + random.n);
    out[n++] = 0x00; // no unused bits
    memcpy(out + n, random.p, random.n);
    return n + random.n;
}

bool npki_vid_compute(struct npki_crypto *crypto, const char *digest, struct rd number, struct rd random,
                      struct npki_vid *out)
{
    uint8_t content[7 + NUMBER_MOST + RANDOM_MOST], once[EVP_MAX_MD_SIZE];
    size_t length = 0;
    *out = (struct npki_vid){.digest = digest};
    if (number.n == 0 || number.n > NUMBER_MOST || random.n == 0 || random.n > RANDOM_MOST)
        return false;
    size_t n = hash_content(content, number, random);
    bool done = EVP_Q_digest(crypto->ctx, digest, NULL, content, n, once, &length) == 1 &&
                EVP_Q_digest(crypto->ctx, digest, NULL, once, length, out->value, &out->length) == 1;
    secret_wipe(content, sizeof content);
    secret_wipe(once, sizeof once);
    ERR_clear_error();
    return done;
}
