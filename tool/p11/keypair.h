// Key pairs on a token: made there, found there, and lent to OpenSSL.
#pragma once

#include "object.h"

#include <openssl/evp.h>

struct key_kind {
    const char *name; // "rsa2048"
    CK_KEY_TYPE type;
    CK_ULONG bits;              // RSA
    const unsigned char *curve; // EC: DER of the curve's OID
    CK_ULONG curve_length;
    const char *digest; // what its signatures are made over
};

// The kind of this name, or NULL; row by row for the help (NULL at the end); the kind of a public key, or
// NULL.
const struct key_kind *key_kind_of(const char *name);
const struct key_kind *key_kind_row(unsigned row);
const struct key_kind *key_kind_of_public(const EVP_PKEY *key);

// Makes a pair under the place's id. *out is its public key, the caller's. always (may be NULL): whether the
// key is to want the PIN for each use; afterwards false when the token makes no such key there, and made
// another.
enum exit_code keypair_generate(struct session *session, const struct piv_place *place,
                                const struct key_kind *kind, bool *always, EVP_PKEY **out,
                                struct fault *fault);

// Removes the keys under this id before a new one is made there. Most tokens keep what is there beside a new
// key; a PIV slot has room for one, so nothing is done to it.
enum exit_code keypair_remove(struct session *session, CK_BYTE id, struct fault *fault);

// The public key under this id, from the public key object or else the certificate; NULL if the token shows
// none.
enum exit_code keypair_public(struct session *session, CK_BYTE id, EVP_PKEY **out, struct fault *fault);

// Whether the token shows a private key under this id (log in first).
enum exit_code keypair_private(struct session *session, CK_BYTE id, CK_OBJECT_HANDLE *out, bool *found,
                               struct fault *fault);

// What signs for OpenSSL. last_rv is the module's answer to the last signature.
struct keypair {
    struct session *session;
    CK_OBJECT_HANDLE private_key;
    bool always_authenticate;
    const struct secret *pin; // for keys that want it with each signature; the caller's
    void (*touch)(void *arg); // called before each signature that waits for a touch; NULL: none does
    void *touch_arg;
    CK_RV last_rv;
};

// An EVP_PKEY with this public key whose signatures (RSA PKCS#1 v1.5, ECDSA) the token makes. It borrows
// keypair, which must outlive it. NULL: no memory, or a kind of key that can't be lent.
EVP_PKEY *keypair_lend(struct keypair *keypair, EVP_PKEY *public_key);

// Signs and verifies a random message: whether private key and public key belong together.
enum exit_code keypair_prove(struct keypair *keypair, EVP_PKEY *public_key, struct fault *fault);
