// A software key and its R on a token, through PKCS#11: written, found again, removed.
#pragma once

#include "key.h"
#include "p11/object.h"
#include "pfx.h"

// How R stands on a token: a private data object with the OID of randomNum, the pair's CKA_ID where the token
// takes one for data objects, and these texts. What KCAC.TS.HSMU asks for is not known to us, so they can be
// set.
struct npki_random_form {
    const char *label; // tells the slot, for tokens without CKA_ID here
    const char *application;
};

// Writes the private key, and the public key where the token keeps it as an object of its own, and removes
// the keys that were under this id; those stay when the token refuses. Log in as the writer before.
enum exit_code npki_upload_key(struct session *session, const struct piv_place *place, enum npki_use use,
                               EVP_PKEY *key, struct fault *fault);

// Writes R; CKR_OK or what the token says. An R that the token would show without a login is taken back
// (CKR_ATTRIBUTE_VALUE_INVALID).
CK_RV npki_upload_random(struct session *session, const struct piv_place *place,
                         const struct npki_random_form *form, const struct secret *random);

// How many R are there for this place, and whether one has this value. Log in as the user before.
size_t npki_upload_randoms(struct session *session, const struct piv_place *place,
                           const struct npki_random_form *form, const struct secret *random, bool *same);

// The value of one R of this place, the caller's; NULL: there is none.
struct secret *npki_upload_old_random(struct session *session, const struct piv_place *place,
                                      const struct npki_random_form *form);

// Removes the R of this place that have another value than random, or that one (same).
enum exit_code npki_upload_clean_random(struct session *session, const struct piv_place *place,
                                        const struct npki_random_form *form, const struct secret *random,
                                        bool same, struct fault *fault);

// Whether the key under this id decrypts what was encrypted for the public key; for pairs that don't sign.
enum exit_code npki_upload_prove_decrypt(struct session *session, CK_OBJECT_HANDLE key, EVP_PKEY *public_key,
                                         struct fault *fault);
