// The desk's keys: made, kept as encrypted PKCS#8 (RFC 5958) under a passphrase if there is one, read again.
#ifndef INGAM_ISSUER_KEYS_H
#define INGAM_ISSUER_KEYS_H

#include "files.h"

#include <openssl/evp.h>

// Makes a key of a kind named by a row of keys.c ("p256", "p384", "rsa3072", "rsa4096"). The caller owns it.
EVP_PKEY *keys_make(const char *kind, struct fail *fail);

// Writes a key to a new file that only its owner may read. `passphrase` of length 0: not encrypted.
bool keys_write(const char *path, EVP_PKEY *key, const struct secret *passphrase, struct fail *fail);

// Reads it again. A file that others can read is refused. The caller owns the key.
EVP_PKEY *keys_read(const char *path, const struct secret *passphrase, struct fail *fail);

// The key that seals secrets in the registry: 32 random bytes, kept as a private key of X25519 so that one
// passphrase and one format protect all keys of a desk.
#define KEYS_SEAL 32
EVP_PKEY *keys_make_seal(struct fail *fail);
bool keys_seal_bytes(EVP_PKEY *seal, unsigned char bytes[KEYS_SEAL], struct fail *fail);

#endif
