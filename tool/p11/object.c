// Finds, reads and writes objects, each value bounded.
#include "object.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CERTIFICATES_MOST 16
#define CERTIFICATE_MOST  65536

static const struct piv_place places[] = {
    {"auth", "PIV Authentication", "9a", 1}, {"sign", "Digital Signature", "9c", 2},
    {"kem", "Key Management", "9d", 3},      {"card", "Card Authentication", "9e", 4},
    {NULL, "Retired Key 1", "82", 5},        {NULL, "Retired Key 2", "83", 6},
    {NULL, "Retired Key 3", "84", 7},        {NULL, "Retired Key 4", "85", 8},
    {NULL, "Retired Key 5", "86", 9},        {NULL, "Retired Key 6", "87", 10},
    {NULL, "Retired Key 7", "88", 11},       {NULL, "Retired Key 8", "89", 12},
    {NULL, "Retired Key 9", "8a", 13},       {NULL, "Retired Key 10", "8b", 14},
    {NULL, "Retired Key 11", "8c", 15},      {NULL, "Retired Key 12", "8d", 16},
    {NULL, "Retired Key 13", "8e", 17},      {NULL, "Retired Key 14", "8f", 18},
    {NULL, "Retired Key 15", "90", 19},      {NULL, "Retired Key 16", "91", 20},
    {NULL, "Retired Key 17", "92", 21},      {NULL, "Retired Key 18", "93", 22},
    {NULL, "Retired Key 19", "94", 23},      {NULL, "Retired Key 20", "95", 24},
};

#define PLACES (sizeof places / sizeof places[0])

const struct piv_place *place_of(const char *word)
{
    for (size_t i = 0; i < PLACES; i++)
        if (strcasecmp(word, places[i].number) == 0 ||
            (places[i].name != NULL && strcasecmp(word, places[i].name) == 0))
            return &places[i];
    return NULL;
}

const struct piv_place *place_of_id(CK_BYTE id)
{
    for (size_t i = 0; i < PLACES; i++)
        if (places[i].id == id)
            return &places[i];
    return NULL;
}

enum exit_code object_find(struct session *session, CK_OBJECT_CLASS class, int id, CK_OBJECT_HANDLE *out,
                           size_t room, size_t *count, struct fault *fault)
{
    CK_FUNCTION_LIST *f = session->module->f;
    CK_BYTE wanted = (CK_BYTE)id;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &wanted, sizeof wanted}};
    *count = 0;
    CK_RV rv = f->C_FindObjectsInit(session->handle, template, id < 0 ? 1 : 2);
    while (rv == CKR_OK && *count < room) {
        CK_ULONG got = 0;
        rv = f->C_FindObjects(session->handle, out + *count, room - *count, &got);
        if (rv != CKR_OK || got == 0 || got > room - *count)
            break;
        *count += got;
    }
    CK_RV end = f->C_FindObjectsFinal(session->handle);
    if (rv == CKR_OK)
        rv = end;
    return rv == CKR_OK ? EXIT_OK : fault_rv(fault, rv, _("The token's objects could not be listed."));
}

enum exit_code object_read(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                           size_t most, unsigned char **out, size_t *length, struct fault *fault)
{
    CK_FUNCTION_LIST *f = session->module->f;
    CK_ATTRIBUTE attribute = {type, NULL, 0};
    *out = NULL;
    *length = 0;
    CK_RV rv = f->C_GetAttributeValue(session->handle, object, &attribute, 1);
    if (rv == CKR_OK && (attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION || attribute.ulValueLen > most))
        rv = CKR_ATTRIBUTE_TYPE_INVALID;
    if (rv == CKR_OK && (attribute.pValue = malloc(attribute.ulValueLen + 1)) == NULL)
        rv = CKR_HOST_MEMORY;
    CK_ULONG room = attribute.ulValueLen;
    if (rv == CKR_OK)
        rv = f->C_GetAttributeValue(session->handle, object, &attribute, 1);
    if (rv == CKR_OK && attribute.ulValueLen > room)
        rv = CKR_GENERAL_ERROR;
    if (rv == CKR_OK) {
        *out = attribute.pValue;
        *length = attribute.ulValueLen;
        return EXIT_OK;
    }
    free(attribute.pValue);
    if (fault == NULL)
        return EXIT_NOT_FOUND;
    return fault_rv(fault, rv, _("An object on the token could not be read."));
}

bool object_true(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE attribute = {type, &value, sizeof value};
    return session->module->f->C_GetAttributeValue(session->handle, object, &attribute, 1) == CKR_OK &&
           value != 0;
}

enum exit_code object_certificate(struct session *session, CK_BYTE id, X509 **out, struct fault *fault)
{
    CK_OBJECT_HANDLE found;
    size_t count, length;
    unsigned char *der;
    *out = NULL;
    if (object_find(session, CKO_CERTIFICATE, id, &found, 1, &count, fault) != EXIT_OK || count == 0)
        return fault->code;
    if (object_read(session, found, CKA_VALUE, CERTIFICATE_MOST, &der, &length, fault) != EXIT_OK)
        return fault->code;
    const unsigned char *p = der;
    *out = d2i_X509(NULL, &p, (long)length);
    if (*out != NULL && p != der + length) {
        X509_free(*out);
        *out = NULL;
    }
    free(der);
    if (*out == NULL)
        return fault_set(fault, EXIT_MISMATCH, _("What the token holds as a certificate is none."));
    return EXIT_OK;
}

enum exit_code object_destroy(struct session *session, CK_OBJECT_HANDLE object, struct fault *fault)
{
    CK_RV rv = session->module->f->C_DestroyObject(session->handle, object);
    return rv == CKR_OK ? EXIT_OK : fault_rv(fault, rv, _("An object could not be removed from the token."));
}

enum exit_code object_remove_certificates(struct session *session, CK_BYTE id, struct fault *fault)
{
    CK_OBJECT_HANDLE old[CERTIFICATES_MOST];
    size_t count;
    if (object_find(session, CKO_CERTIFICATE, id, old, CERTIFICATES_MOST, &count, fault) != EXIT_OK)
        return fault->code;
    for (size_t i = 0; i < count && fault->code == EXIT_OK; i++)
        object_destroy(session, old[i], fault);
    return fault->code;
}

struct der {
    unsigned char *p;
    int n;
};

static CK_RV create(struct session *session, const struct piv_place *place, X509 *certificate)
{
    struct der value = {NULL, 0}, subject = {NULL, 0}, issuer = {NULL, 0}, serial = {NULL, 0};
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_BYTE id = place->id;
    CK_RV rv = CKR_HOST_MEMORY;
    value.n = i2d_X509(certificate, &value.p);
    subject.n = i2d_X509_NAME(X509_get_subject_name(certificate), &subject.p);
    issuer.n = i2d_X509_NAME(X509_get_issuer_name(certificate), &issuer.p);
    serial.n = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &serial.p);
    if (value.n > 0 && subject.n > 0 && issuer.n > 0 && serial.n > 0) {
        CK_ATTRIBUTE template[] = {
            {CKA_CLASS, &class, sizeof class},
            {CKA_CERTIFICATE_TYPE, &type, sizeof type},
            {CKA_TOKEN, &yes, sizeof yes},
            {CKA_PRIVATE, &no, sizeof no},
            {CKA_ID, &id, sizeof id},
            {CKA_SUBJECT, subject.p, (CK_ULONG)subject.n},
            {CKA_ISSUER, issuer.p, (CK_ULONG)issuer.n},
            {CKA_SERIAL_NUMBER, serial.p, (CK_ULONG)serial.n},
            {CKA_VALUE, value.p, (CK_ULONG)value.n},
        };
        CK_OBJECT_HANDLE made;
        rv = session->module->f->C_CreateObject(session->handle, template,
                                                sizeof template / sizeof template[0], &made);
    }
    OPENSSL_free(value.p);
    OPENSSL_free(subject.p);
    OPENSSL_free(issuer.p);
    OPENSSL_free(serial.p);
    return rv;
}

enum exit_code object_write_certificate(struct session *session, const struct piv_place *place,
                                        X509 *certificate, struct fault *fault)
{
    X509 *back = NULL;
    if (object_remove_certificates(session, place->id, fault) != EXIT_OK)
        return fault->code;
    CK_RV rv = create(session, place, certificate);
    if (rv != CKR_OK)
        return change_fault(fault, rv, _("The certificate could not be written into the slot."));
    if (object_certificate(session, place->id, &back, fault) != EXIT_OK)
        return fault->code;
    if (back == NULL || X509_cmp(back, certificate) != 0)
        fault_set(fault, EXIT_MISMATCH,
                  _("The token gives back another certificate than was written into slot %s."),
                  place->number);
    X509_free(back);
    return fault->code;
}
