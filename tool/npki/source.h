// A certificate with its software key on disk: an NPKI folder, a PFX, or PEM and PKCS#8 files.
#pragma once

#include "files.h"

enum npki_kind { NPKI_FOLDER, NPKI_PFX, NPKI_KEY_FILE };

struct npki_source {
    enum npki_kind kind;
    enum npki_use use;
    bool bare;                        // a key alone will do
    char certificate_path[PATHS_MAX]; // "" when the key's file holds it
    char key_path[PATHS_MAX];
    X509 *certificate; // NULL: encrypted, until it is opened
    X509_SIG *sealed;  // the three forms of a key: one of them, or
    PKCS8_PRIV_KEY_INFO *plain;
    PKCS12 *pfx;
    struct npki_key key; // once it is opened
};

// Reads what can be read without the password. path is a folder, one of the files in it, a PFX, or a file
// with a key (PEM, PKCS#8 DER) whose certificate is beside it in the PEM or in certificate_path (else NULL).
// To be freed in any case.
enum exit_code npki_source_read(struct npki_source *source, const char *path, const char *certificate_path,
                                enum npki_use use, struct fault *fault);

// The same for a key that may be without a certificate.
enum exit_code npki_source_read_bare(struct npki_source *source, const char *path, enum npki_use use,
                                     struct fault *fault);

// Whether opening takes a password.
bool npki_source_sealed(const struct npki_source *source);

// How the key is encrypted, or NULL: it is not, or the PFX will tell; fills lock then.
const struct npki_lock *npki_source_lock(const struct npki_source *source, struct npki_lock *lock);

// Opens the key and checks that the certificate is for it. EXIT_PIN: the password is wrong.
enum exit_code npki_source_open(struct npki_source *source, struct npki_crypto *crypto, struct rd password,
                                struct fault *fault);

void npki_source_free(struct npki_source *source);
