/* What the OpenSSL side of the crypto header shares among its own files. */
#ifndef FW_CRYPTO_INTERNAL_H
#define FW_CRYPTO_INTERNAL_H

#include "hal/crypto.h"

#include <openssl/evp.h>

/* Stays the key's. */
EVP_PKEY *crypto_key_pkey(const struct crypto_key *key);

#endif
