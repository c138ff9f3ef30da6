// The OpenSSL library context in which key files are opened, apart from the program's own, and the work that
// opening them may cost.
#pragma once

#include "fault.h"

#include <openssl/provider.h>
#include <stdbool.h>

// The rounds of key derivation that all parts of one file may ask for together: some seconds. Files in use
// ask for 1,024 or 2,048.
#define NPKI_ROUNDS_MOST 4000000

struct npki_crypto {
    OSSL_LIB_CTX *ctx;
    OSSL_PROVIDER *standard;
    OSSL_PROVIDER *legacy; // SEED and RC2 live there; NULL where it is not installed
    unsigned long rounds;  // that may still be spent
};

// Fault: no memory, or an OpenSSL without its default provider. To be closed in any case.
enum exit_code npki_crypto_open(struct npki_crypto *crypto, struct fault *fault);
void npki_crypto_close(struct npki_crypto *crypto);

// Takes rounds from what may be spent. EXIT_MISMATCH when a file asks for too many.
enum exit_code npki_crypto_spend(struct npki_crypto *crypto, unsigned long rounds, struct fault *fault);

// EXIT_UNSUPPORTED, with what to install, when there is no legacy provider for what ("SEED").
enum exit_code npki_crypto_want_legacy(const struct npki_crypto *crypto, const char *what,
                                       struct fault *fault);
