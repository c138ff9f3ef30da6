// Whether a certificate of another institution is a person's: its name, and its VID (KCAC.TS.SIVID 1.21).
#include "der.h"
#include "foreign.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#define IDENTIFY_OID "1.2.410.200004.10.1.1"
#define VID_MOST     64
#define RANDOM_MOST  64

// 1.2.410.200004.10.1.1.1
static const unsigned char vid_oid[] = {0x2A, 0x83, 0x1A, 0x8C, 0x9A, 0x44, 0x0A, 0x01, 0x01, 0x01};

static const struct {
    unsigned char oid[9];
    size_t length;
    const char *name;
} digests[] = {
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}, 9, "SHA256"},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02}, 9, "SHA384"},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}, 9, "SHA512"},
    {{0x2B, 0x0E, 0x03, 0x02, 0x1A}, 5, "SHA1"},
};

struct vid {
    const char *digest; // NULL: one that is not known
    struct der value;
    bool there;
};

// VID ::= SEQUENCE { hashAlg AlgorithmIdentifier, virtualID [0] EXPLICIT OCTET STRING }
static bool read_vid(struct der at, struct vid *vid)
{
    struct der algorithm, oid, tagged;
    if (!der_tlv(&at, DER_SEQUENCE, &algorithm) || !der_tlv(&algorithm, DER_OID, &oid) ||
        !der_tlv(&at, DER_CONTEXT(0u), &tagged) || !der_end(&at) ||
        !der_tlv(&tagged, DER_OCTET_STRING, &vid->value) || !der_end(&tagged))
        return false;
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        if (der_equal(&oid, digests[i].oid, digests[i].length))
            vid->digest = digests[i].name;
    }
    return true;
}

// IdentifyData ::= SEQUENCE { realName UTF8String, userInfo SEQUENCE OF SEQUENCE { type, value } OPTIONAL }
static bool read_identity(struct der at, struct vid *vid)
{
    struct der data, field, list, entry, oid, value;
    unsigned tag = 0;
    if (!der_tlv(&at, DER_SEQUENCE, &data) || !der_any(&data, &tag, &field, NULL))
        return false;
    if (der_end(&data))
        return true;
    if (!der_tlv(&data, DER_SEQUENCE, &list))
        return false;
    while (!der_end(&list)) {
        if (!der_tlv(&list, DER_SEQUENCE, &entry) || !der_tlv(&entry, DER_OID, &oid))
            return false;
        if (!der_equal(&oid, vid_oid, sizeof vid_oid))
            continue;
        vid->there = true;
        if (!der_tlv(&entry, DER_SEQUENCE, &value) || !read_vid(value, vid))
            return false;
    }
    return true;
}

// h(h(SEQUENCE { idn PrintableString, randomNum BIT STRING })): all lengths fit one byte.
static bool compute(const struct vid *vid, const char *number, const void *random, size_t length,
                    unsigned char out[EVP_MAX_MD_SIZE], unsigned *size)
{
    unsigned char content[8 + IDENTITY_DIGITS + RANDOM_MOST];
    size_t digits = strlen(number);
    size_t at = 0;
    if (vid->digest == NULL || digits > IDENTITY_DIGITS || length == 0 || length > RANDOM_MOST)
        return false;
    content[at++] = 0x30;
    content[at++] = (unsigned char)(2 + digits + 3 + length);
    content[at++] = 0x13;
    content[at++] = (unsigned char)digits;
    memcpy(content + at, number, digits);
    at += digits;
    content[at++] = DER_BIT_STRING;
    content[at++] = (unsigned char)(1 + length);
    content[at++] = 0; // no unused bits
    memcpy(content + at, random, length);
    at += length;
    EVP_MD *digest = EVP_MD_fetch(NULL, vid->digest, NULL);
    bool done = digest != NULL && EVP_Digest(content, at, out, size, digest, NULL) == 1 &&
                EVP_Digest(out, *size, out, size, digest, NULL) == 1;
    EVP_MD_free(digest);
    OPENSSL_cleanse(content, sizeof content);
    return done;
}

static bool fits(const struct vid *vid, const char *number, const void *random, size_t length)
{
    unsigned char own[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return compute(vid, number, random, length, own, &size) && vid->value.left == size &&
           CRYPTO_memcmp(vid->value.at, own, size) == 0;
}

// Korean CAs write 홍길동()0088041200 or 홍길동(Hong Gil Dong)...; others the name alone.
static bool same_name(const X509 *certificate, const char *name)
{
    unsigned char *text = NULL;
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    const X509_NAME_ENTRY *entry = at >= 0 ? X509_NAME_get_entry(subject, at) : NULL;
    int length = entry != NULL ? ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry)) : -1;
    size_t wanted = strlen(name);
    bool same = length > 0 && wanted > 0 && (size_t)length >= wanted && memcmp(text, name, wanted) == 0 &&
                ((size_t)length == wanted || text[wanted] == '(');
    OPENSSL_free(text);
    return same;
}

enum foreign_end foreign_match(const X509 *certificate, const char *name, const char *number,
                               const void *random, size_t length)
{
    bool good = same_name(certificate, name);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; good && names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        char oid[80];
        struct vid vid = {0};
        if (one->type != GEN_OTHERNAME || OBJ_obj2txt(oid, sizeof oid, one->d.otherName->type_id, 1) <= 0 ||
            strcmp(oid, IDENTIFY_OID) != 0)
            continue;
        const ASN1_TYPE *value = one->d.otherName->value;
        const ASN1_STRING *bytes = value->type == V_ASN1_SEQUENCE ? value->value.sequence : NULL;
        good = bytes != NULL &&
               read_identity(der_of(ASN1_STRING_get0_data(bytes), (size_t)ASN1_STRING_length(bytes)), &vid) &&
               (!vid.there || fits(&vid, number, random, length));
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return good ? FOREIGN_DONE : FOREIGN_PERSON;
}
