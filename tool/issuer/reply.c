// Writes error and pkiConf messages: OpenSSL 3.0 makes errors only with failInfo badRequest, and takes a
// certConf only in the same server context that saw the request, which a restart would lose.
#include "reply.h"

#include <openssl/asn1t.h>
#include <openssl/crmf.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

// PKIHeader as far as the desk's own messages need it (RFC 4210 5.1.1).
typedef struct {
    ASN1_INTEGER *pvno;
    GENERAL_NAME *sender;
    GENERAL_NAME *recipient;
    ASN1_GENERALIZEDTIME *time;
    X509_ALGOR *protection;
    ASN1_OCTET_STRING *sender_kid;
    ASN1_OCTET_STRING *transaction_id;
    ASN1_OCTET_STRING *sender_nonce;
    ASN1_OCTET_STRING *recip_nonce;
} REPLY_HEADER;

// ProtectedPart (RFC 4210 5.1.3): what is signed.
typedef struct {
    REPLY_HEADER *header;
    ASN1_TYPE *body;
} REPLY_PART;

// PKIMessage (RFC 4210 5.1).
typedef struct {
    REPLY_HEADER *header;
    ASN1_TYPE *body;
    ASN1_BIT_STRING *protection;
    STACK_OF(X509) * extra;
} REPLY_MESSAGE;

// clang-format off
// NOLINTBEGIN
ASN1_SEQUENCE(REPLY_HEADER) = {
    ASN1_SIMPLE(REPLY_HEADER, pvno, ASN1_INTEGER),
    ASN1_SIMPLE(REPLY_HEADER, sender, GENERAL_NAME),
    ASN1_SIMPLE(REPLY_HEADER, recipient, GENERAL_NAME),
    ASN1_EXP_OPT(REPLY_HEADER, time, ASN1_GENERALIZEDTIME, 0),
    ASN1_EXP_OPT(REPLY_HEADER, protection, X509_ALGOR, 1),
    ASN1_EXP_OPT(REPLY_HEADER, sender_kid, ASN1_OCTET_STRING, 2),
    ASN1_EXP_OPT(REPLY_HEADER, transaction_id, ASN1_OCTET_STRING, 4),
    ASN1_EXP_OPT(REPLY_HEADER, sender_nonce, ASN1_OCTET_STRING, 5),
    ASN1_EXP_OPT(REPLY_HEADER, recip_nonce, ASN1_OCTET_STRING, 6),
} static_ASN1_SEQUENCE_END(REPLY_HEADER)

ASN1_SEQUENCE(REPLY_PART) = {
    ASN1_SIMPLE(REPLY_PART, header, REPLY_HEADER),
    ASN1_SIMPLE(REPLY_PART, body, ASN1_ANY),
} static_ASN1_SEQUENCE_END(REPLY_PART)

ASN1_SEQUENCE(REPLY_MESSAGE) = {
    ASN1_SIMPLE(REPLY_MESSAGE, header, REPLY_HEADER),
    ASN1_SIMPLE(REPLY_MESSAGE, body, ASN1_ANY),
    ASN1_EXP_OPT(REPLY_MESSAGE, protection, ASN1_BIT_STRING, 0),
    ASN1_EXP_SEQUENCE_OF_OPT(REPLY_MESSAGE, extra, X509, 1),
} static_ASN1_SEQUENCE_END(REPLY_MESSAGE)
// NOLINTEND
    // clang-format on

    // Copies an octet string of the request; an absent one stays absent.
    static bool copy(ASN1_OCTET_STRING * *to, const struct der *from)
{
    if (from->left == 0)
        return true;
    *to = ASN1_OCTET_STRING_new();
    return *to != NULL && ASN1_OCTET_STRING_set(*to, from->at, (int)from->left) == 1;
}

static bool set_names(REPLY_HEADER *header, X509 *sender, const struct der *recipient)
{
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(sender));
    if (name == NULL)
        return false;
    GENERAL_NAME_set0_value(header->sender, GEN_DIRNAME, name);
    const unsigned char *at = recipient->at;
    GENERAL_NAME *asked = d2i_GENERAL_NAME(NULL, &at, (long)recipient->left);
    if (asked == NULL)
        return false;
    GENERAL_NAME_free(header->recipient);
    header->recipient = asked;
    return true;
}

static bool set_header(const struct desk *desk, const struct header *request, X509 *sender,
                       REPLY_HEADER *header)
{
    unsigned char nonce[16];
    struct der fresh = der_of(nonce, sizeof nonce);
    return RAND_bytes(nonce, sizeof nonce) == 1 && ASN1_INTEGER_set(header->pvno, OSSL_CMP_PVNO) == 1 &&
           set_names(header, sender, &request->sender) &&
           (header->time = ASN1_GENERALIZEDTIME_set(NULL, (time_t)desk->now())) != NULL &&
           copy(&header->transaction_id, &request->transaction_id) && copy(&header->sender_nonce, &fresh) &&
           copy(&header->recip_nonce, &request->sender_nonce);
}

static bool put_bits(REPLY_MESSAGE *message, const unsigned char *bits, size_t length)
{
    message->protection = ASN1_BIT_STRING_new();
    if (message->protection == NULL ||
        ASN1_BIT_STRING_set(message->protection, (unsigned char *)bits, (int)length) != 1)
        return false;
    // Otherwise the encoder would drop zero bits at the end.
    message->protection->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
    message->protection->flags |= ASN1_STRING_FLAG_BITS_LEFT;
    return true;
}

static int encode_part(REPLY_MESSAGE *message, unsigned char **part)
{
    REPLY_PART view = {message->header, message->body};
    *part = NULL;
    return ASN1_item_i2d((ASN1_VALUE *)&view, part, ASN1_ITEM_rptr(REPLY_PART));
}

// id-PasswordBasedMac with SHA-256 and HMAC-SHA-256 (RFC 4210 5.1.3.1, RFC 9481 6.1.1).
static bool set_mac_algorithm(REPLY_HEADER *header, const OSSL_CRMF_PBMPARAMETER *parameter)
{
    ASN1_STRING *value = ASN1_STRING_new();
    unsigned char *der = NULL;
    int length = i2d_OSSL_CRMF_PBMPARAMETER(parameter, &der);
    if (value == NULL || length < 0 || (header->protection = X509_ALGOR_new()) == NULL) {
        ASN1_STRING_free(value);
        OPENSSL_free(der);
        return false;
    }
    ASN1_STRING_set0(value, der, length);
    if (X509_ALGOR_set0(header->protection, OBJ_nid2obj(NID_id_PasswordBasedMAC), V_ASN1_SEQUENCE, value) ==
        1)
        return true;
    ASN1_STRING_free(value);
    return false;
}

static bool protect_by_secret(REPLY_MESSAGE *message, const struct header *request,
                              const struct secret *secret)
{
    unsigned char *part = NULL;
    unsigned char *mac = NULL;
    size_t length = 0;
    OSSL_CRMF_PBMPARAMETER *parameter = OSSL_CRMF_pbmp_new(NULL, 16, NID_sha256, 500, NID_hmacWithSHA256);
    int size = parameter != NULL && set_mac_algorithm(message->header, parameter) &&
                       copy(&message->header->sender_kid, &request->sender_kid)
                   ? encode_part(message, &part)
                   : -1;
    bool done = size > 0 &&
                OSSL_CRMF_pbm_new(NULL, NULL, parameter, part, (size_t)size,
                                  (const unsigned char *)secret->bytes, secret->length, &mac, &length) == 1 &&
                put_bits(message, mac, length);
    OSSL_CRMF_PBMPARAMETER_free(parameter);
    OPENSSL_free(part);
    OPENSSL_free(mac);
    return done;
}

// ecdsa-with-SHA256 (RFC 5758 3.2): init makes the CMP key on P-256. RSA: sha256WithRSAEncryption.
static int signature_nid(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "EC") ? NID_ecdsa_with_SHA256 : NID_sha256WithRSAEncryption;
}

static bool sign_part(EVP_PKEY *key, const unsigned char *part, size_t size, REPLY_MESSAGE *message)
{
    unsigned char signature[1024];
    size_t length = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(context, signature, &length, part, size) == 1 &&
                put_bits(message, signature, length);
    EVP_MD_CTX_free(context);
    return done;
}

static bool add_extra(REPLY_MESSAGE *message, X509 *certificate)
{
    return X509_add_cert(message->extra, certificate, X509_ADD_FLAG_UP_REF) == 1;
}

static bool protect_by_signature(const struct desk *desk, REPLY_MESSAGE *message)
{
    unsigned char *part = NULL;
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(desk->cmp);
    message->header->protection = X509_ALGOR_new();
    message->header->sender_kid = id != NULL ? ASN1_OCTET_STRING_dup(id) : NULL;
    message->extra = sk_X509_new_null();
    if (message->header->protection == NULL || message->extra == NULL || !add_extra(message, desk->cmp) ||
        !desk_untrusted(desk, message->extra) ||
        X509_ALGOR_set0(message->header->protection, OBJ_nid2obj(signature_nid(desk->cmp_key)), V_ASN1_UNDEF,
                        NULL) != 1)
        return false;
    int size = encode_part(message, &part);
    bool done = size > 0 && sign_part(desk->cmp_key, part, (size_t)size, message);
    OPENSSL_free(part);
    return done;
}

// Puts bytes inside a constructed tag; the caller frees *der.
static int wrap(int number, int class, const unsigned char *bytes, int length, unsigned char **der)
{
    int size = ASN1_object_size(1, length, number);
    unsigned char *at = *der = size > 0 ? OPENSSL_malloc((size_t)size) : NULL;
    if (at == NULL)
        return -1;
    ASN1_put_object(&at, 1, length, number, class);
    memcpy(at, bytes, (size_t)length);
    return size;
}

// The body under its EXPLICIT tag (RFC 4210 5.1.2), as bytes that the encoder takes as they are.
static bool set_body(REPLY_MESSAGE *message, unsigned number, const unsigned char *content, int length)
{
    unsigned char *der = NULL;
    int size = wrap((int)number, V_ASN1_CONTEXT_SPECIFIC, content, length, &der);
    ASN1_STRING *bytes = size > 0 ? ASN1_STRING_new() : NULL;
    if (bytes == NULL) {
        OPENSSL_free(der);
        return false;
    }
    ASN1_STRING_set0(bytes, der, size);
    ASN1_TYPE_set(message->body, V_ASN1_OTHER, bytes);
    return true;
}

static int reply(const struct desk *desk, const struct header *request, const struct secret *secret,
                 unsigned body, const unsigned char *content, int content_length, unsigned char **der)
{
    int length = -1;
    X509 *sender = secret != NULL ? desk->ca : desk->cmp;
    REPLY_MESSAGE *message = (REPLY_MESSAGE *)ASN1_item_new(ASN1_ITEM_rptr(REPLY_MESSAGE));
    if (message != NULL && set_body(message, body, content, content_length) &&
        set_header(desk, request, sender, message->header) &&
        (secret != NULL ? protect_by_secret(message, request, secret) : protect_by_signature(desk, message)))
        length = ASN1_item_i2d((ASN1_VALUE *)message, der, ASN1_ITEM_rptr(REPLY_MESSAGE));
    ASN1_item_free((ASN1_VALUE *)message, ASN1_ITEM_rptr(REPLY_MESSAGE));
    return length;
}

// ErrorMsgContent (RFC 4210 5.3.21): a SEQUENCE of the PKIStatusInfo alone.
int reply_refusal(const struct desk *desk, const struct header *request, const struct secret *secret,
                  enum refuse_reason reason, unsigned char **der)
{
    unsigned char *status_der = NULL;
    unsigned char *content = NULL;
    *der = NULL;
    OSSL_CMP_PKISI *status = refuse_status(reason);
    int length = status != NULL ? i2d_OSSL_CMP_PKISI(status, &status_der) : -1;
    if (length > 0)
        length = wrap(V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, status_der, length, &content);
    if (length > 0)
        length = reply(desk, request, secret, BODY_ERROR, content, length, der);
    OSSL_CMP_PKISI_free(status);
    OPENSSL_free(status_der);
    OPENSSL_free(content);
    return length;
}

int reply_confirmed(const struct desk *desk, const struct header *request, const struct secret *secret,
                    unsigned char **der)
{
    static const unsigned char null[] = {0x05, 0x00};
    *der = NULL;
    return reply(desk, request, secret, BODY_PKICONF, null, sizeof null, der);
}
