// Reads a PKIMessage's header (RFC 4210 5.1.1): OpenSSL 3.0 gives no access to senderKID and the nonces.
#include "header.h"

#include <string.h>

// id-PasswordBasedMac 1.2.840.113533.7.66.13 (RFC 4210 5.1.3.1)
static const unsigned char password_based_mac[] = {0x2A, 0x86, 0x48, 0x86, 0xF6, 0x7D, 0x07, 0x42, 0x0D};

static bool octets(struct der *explicit_tag, struct der *field)
{
    return der_tlv(explicit_tag, DER_OCTET_STRING, field) && field->left <= HEADER_MAX;
}

static bool protection(struct der *explicit_tag, struct header *header)
{
    struct der oid;
    if (!der_tlv(explicit_tag, DER_SEQUENCE, &header->algorithm))
        return false;
    struct der inside = header->algorithm;
    if (!der_tlv(&inside, DER_OID, &oid))
        return false;
    header->protection =
        der_equal(&oid, password_based_mac, sizeof password_based_mac) ? HEADER_BY_MAC : HEADER_BY_OTHER;
    return true;
}

// The optional fields [0] to [8], each EXPLICIT, in ascending order, each at most once.
static bool optional_fields(struct der *view, struct header *header)
{
    struct der *wanted[] = {
        [2] = &header->sender_kid,
        [4] = &header->transaction_id,
        [5] = &header->sender_nonce,
        [6] = &header->recip_nonce,
        [8] = NULL,
    };
    unsigned least = 0;
    while (!der_end(view)) {
        unsigned tag = 0;
        struct der field;
        if (!der_any(view, &tag, &field, NULL) || tag < DER_CONTEXT(least) || tag > DER_CONTEXT(8u))
            return false;
        unsigned number = tag - DER_CONTEXT(0u);
        least = number + 1;
        if (number == 1 && !(protection(&field, header) && der_end(&field)))
            return false;
        if (wanted[number] != NULL && !(octets(&field, wanted[number]) && der_end(&field)))
            return false;
    }
    return true;
}

static bool read_header(struct der *view, struct header *header)
{
    unsigned tag = 0;
    struct der value;
    return der_small(view, &header->pvno) && der_any(view, &tag, &value, &header->sender) &&
           der_any(view, &tag, &value, NULL) && optional_fields(view, header);
}

// extraCerts [1] SEQUENCE SIZE (1..MAX) OF CMPCertificate: the first is the signer's (RFC 4210 5.1).
static bool first_extra(struct der value, struct der *extra)
{
    struct der list;
    struct der inside;
    unsigned tag = 0;
    return der_tlv(&value, DER_SEQUENCE, &list) && der_end(&value) && der_any(&list, &tag, &inside, extra) &&
           tag == DER_SEQUENCE;
}

static bool read_message(struct der all, struct header *header)
{
    struct der message;
    struct der head;
    struct der body;
    struct der value;
    unsigned tag = 0;
    if (!(der_tlv(&all, DER_SEQUENCE, &message) && der_end(&all)))
        return false;
    const unsigned char *start = message.at;
    if (!der_tlv(&message, DER_SEQUENCE, &head) || !read_header(&head, header))
        return false;
    if (!der_any(&message, &tag, &body, NULL) || tag < DER_CONTEXT(0u) ||
        tag > DER_CONTEXT((unsigned)BODY_LAST))
        return false;
    header->body = tag - DER_CONTEXT(0u);
    header->content = body;
    header->parts = der_of(start, (size_t)(message.at - start));
    if (der_next_is(&message, DER_CONTEXT(0)) && !der_tlv(&message, DER_CONTEXT(0), &value))
        return false;
    if (der_next_is(&message, DER_CONTEXT(1)) &&
        !(der_tlv(&message, DER_CONTEXT(1), &value) && first_extra(value, &header->extra)))
        return false;
    return der_end(&message);
}

bool header_read(const void *message, size_t length, struct header *header)
{
    memset(header, 0, sizeof *header);
    if (read_message(der_of(message, length), header))
        return true;
    memset(header, 0, sizeof *header);
    return false;
}
