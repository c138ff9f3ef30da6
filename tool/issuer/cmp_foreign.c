// Registers another institution's certificate over CMP: a genm under an application of kind "register" or
// "unregister" brings one InfoTypeAndValue of our own arc.
#include "cmp_call.h"
#include "foreign.h"

#include <openssl/err.h>
#include <string.h>

#define REGISTER_TYPE   "2.25.305419896.1"
#define UNREGISTER_TYPE "2.25.305419896.2"

// What the wire brings: SEQUENCE { certificate, signatureAlgorithm, signature, R [0] IMPLICIT OPTIONAL }; for
// unregister the certificate may stand alone.
struct message {
    struct der certificate, oid, signature, random;
};

#define RANDOM_TAG 0x80

static bool read_message(const void *value, size_t length, bool possession, struct message *message)
{
    struct der all = der_of(value, length);
    struct der body, inside, algorithm;
    unsigned tag = 0;
    memset(message, 0, sizeof *message);
    if (!der_tlv(&all, DER_SEQUENCE, &body) || !der_end(&all) ||
        !der_any(&body, &tag, &inside, &message->certificate) || tag != DER_SEQUENCE)
        return false;
    if (der_end(&body))
        return !possession;
    if (!der_tlv(&body, DER_SEQUENCE, &algorithm) || !der_tlv(&algorithm, DER_OID, &message->oid) ||
        !der_tlv(&body, DER_BIT_STRING, &message->signature) || message->signature.left < 2 ||
        message->signature.at[0] != 0)
        return false;
    message->signature = der_of(message->signature.at + 1, message->signature.left - 1);
    return (der_end(&body) || der_tlv(&body, RANDOM_TAG, &message->random)) && der_end(&body);
}

static enum foreign_end message_add(struct desk *desk, const struct registry_person *person,
                                    const struct message *message)
{
    char text[FOREIGN_PROOF];
    char id[ACT_ID];
    struct fail ignored = {0};
    foreign_text(person->reference, text);
    if (!foreign_possessed(message->certificate.at, message->certificate.left, text, message->signature.at,
                           message->signature.left, &ignored))
        return FOREIGN_POSSESSION;
    const struct act_foreign_ask ask = {.customer = person->customer,
                                        .reference = person->reference,
                                        .der = message->certificate.at,
                                        .length = message->certificate.left,
                                        .random = message->random.at,
                                        .random_length = message->random.left};
    return foreign_register(desk, &ask, id);
}

static enum foreign_end take(struct desk *desk, const struct registry_person *person, const void *value,
                             size_t length)
{
    struct message message;
    struct act_foreign known;
    bool adding = strcmp(person->kind, "register") == 0;
    if (!read_message(value, length, adding, &message))
        return FOREIGN_UNREADABLE;
    if (adding)
        return message_add(desk, person, &message);
    enum foreign_end end = foreign_row(desk, message.certificate.at, message.certificate.left, &known);
    if (end == FOREIGN_NONE && person->spent != 0)
        return FOREIGN_AGAIN; // the answer was lost
    if (end == FOREIGN_DONE && strcmp(known.customer, person->customer) != 0)
        end = FOREIGN_NONE;
    return end == FOREIGN_DONE ? foreign_end_it(desk, person->customer, known.id, person->reference) : end;
}

bool cmp_is_foreign(const struct registry_person *person)
{
    return strcmp(person->kind, "register") == 0 || strcmp(person->kind, "unregister") == 0;
}

bool cmp_tells_foreign(const STACK_OF(OSSL_CMP_ITAV) * asked)
{
    char type[64];
    const OSSL_CMP_ITAV *item = sk_OSSL_CMP_ITAV_value(asked, 0);
    return item != NULL && OBJ_obj2txt(type, sizeof type, OSSL_CMP_ITAV_get0_type(item), 1) > 0 &&
           (strcmp(type, REGISTER_TYPE) == 0 || strcmp(type, UNREGISTER_TYPE) == 0);
}

enum refuse_reason cmp_foreign(struct cmp_call *call, const STACK_OF(OSSL_CMP_ITAV) * asked)
{
    char type[64];
    const char *wanted = strcmp(call->person.kind, "register") == 0 ? REGISTER_TYPE : UNREGISTER_TYPE;
    if (asked == NULL || sk_OSSL_CMP_ITAV_num(asked) != 1)
        return REFUSE_PURPOSE;
    const OSSL_CMP_ITAV *item = sk_OSSL_CMP_ITAV_value(asked, 0);
    const ASN1_TYPE *value = OSSL_CMP_ITAV_get0_value(item);
    if (OBJ_obj2txt(type, sizeof type, OSSL_CMP_ITAV_get0_type(item), 1) <= 0 || strcmp(type, wanted) != 0)
        return REFUSE_PURPOSE;
    if (value == NULL || value->type != V_ASN1_SEQUENCE)
        return REFUSE_FORMAT;
    const ASN1_STRING *bytes = value->value.sequence;
    enum foreign_end end =
        take(call->desk, &call->person, ASN1_STRING_get0_data(bytes), (size_t)ASN1_STRING_length(bytes));
    ERR_clear_error();
    return foreign_refuse(end);
}
