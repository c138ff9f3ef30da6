// Objects on a token: finding them, reading them, writing certificates.
#pragma once

#include "token.h"

#include <openssl/x509.h>

// The slots of a PIV token, by number and by name, and the CKA_ID under which PKCS#11 shows them.
struct piv_place {
    const char *name;  // "auth"; NULL for the retired slots
    const char *label; // what its certificate is for, in English
    char number[3];    // "9a"
    CK_BYTE id;
};

// The place meant by "9a", "9A" or "auth"; NULL if there is none such. By id likewise.
const struct piv_place *place_of(const char *word);
const struct piv_place *place_of_id(CK_BYTE id);

// Finds the objects of a class with this CKA_ID (id < 0: any). At most room handles are stored; *count is how
// many there are, counting stops beyond room.
enum exit_code object_find(struct session *session, CK_OBJECT_CLASS class, int id, CK_OBJECT_HANDLE *out,
                           size_t room, size_t *count, struct fault *fault);

// Reads one attribute of at most most bytes; the caller frees *out. Missing or longer: EXIT_NOT_FOUND, and no
// fault is set when fault is NULL.
enum exit_code object_read(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                           size_t most, unsigned char **out, size_t *length, struct fault *fault);

// A CK_BBOOL attribute; false when it can't be read.
bool object_true(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

// The certificate under this id: *out is NULL if there is none. A value that is no certificate is a fault.
enum exit_code object_certificate(struct session *session, CK_BYTE id, X509 **out, struct fault *fault);

// Writes it under this id; certificates that were there are removed first. Afterwards it is read again and
// compared: a difference is a fault (EXIT_MISMATCH).
enum exit_code object_write_certificate(struct session *session, const struct piv_place *place,
                                        X509 *certificate, struct fault *fault);

// Removes the certificates under this id; none is no fault.
enum exit_code object_remove_certificates(struct session *session, CK_BYTE id, struct fault *fault);

enum exit_code object_destroy(struct session *session, CK_OBJECT_HANDLE object, struct fault *fault);
