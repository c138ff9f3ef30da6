// Writing a software key back: signPri.key (seedCBCWithSHA1) in an NPKI folder, or a PFX, both with R.
#pragma once

#include "source.h"

#define NPKI_SALT 8

// The encrypted key as the other programs write it: seedCBCWithSHA1, 2,048 rounds, this salt. NULL with a
// fault. The caller frees.
X509_SIG *npki_write_seal(struct npki_crypto *crypto, const PKCS8_PRIV_KEY_INFO *info, struct rd password,
                          const uint8_t salt[NPKI_SALT], struct fault *fault);

// A PFX as the other programs read it: certificate in clear, key with R under 3DES, MAC with SHA-1. NULL with
// a fault. The caller frees.
PKCS12 *npki_write_pfx(const PKCS8_PRIV_KEY_INFO *info, X509 *certificate, struct rd password,
                       struct fault *fault);

// Writes the pair into below/NPKI/CA/USER/NAME, both files or none, mode 0600; the folder's path goes to out.
// EXIT_MISMATCH: that folder is there already; nothing in it is changed.
enum exit_code npki_write_folder(const char *below, X509 *certificate, const X509_SIG *sealed,
                                 enum npki_use use, char out[PATHS_MAX], struct fault *fault);

// Writes a new file, whole or not at all, mode 0600. EXIT_MISMATCH: it is there already.
enum exit_code npki_write_file(const char *path, const void *bytes, size_t length, struct fault *fault);
