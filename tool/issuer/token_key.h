// A key on a token, behind any PKCS#11 module: an EVP_PKEY whose signatures the token makes.
#ifndef INGAM_ISSUER_TOKEN_KEY_H
#define INGAM_ISSUER_TOKEN_KEY_H

#include "files.h"

#include <openssl/evp.h>

#define TOKEN_URI 512

// The key that a pkcs11: URI names (RFC 7512: token, object, id, ...; module-path or else our own module).
// The URI may not carry a PIN. Nothing is loaded, and no token asked, before the first signature or login.
// `public_key` may be NULL until the token was asked. NULL: *fail says why. EVP_PKEY_free ends it.
EVP_PKEY *token_key(const char *uri, EVP_PKEY *public_key, struct fail *fail);

// The same with the public key that the token shows.
EVP_PKEY *token_key_of(const char *uri, struct fail *fail);

// Logs in, and keeps the PIN in locked memory to do so again when the token was pulled and came back. A PIN
// that failed is forgotten and never sent again (FAIL_PASSPHRASE, FAIL_LOCKED). FAIL_NOT_FOUND: no such token
// or key. True, and nothing done, for a key that is on no token.
bool token_key_login(EVP_PKEY *key, const struct secret *pin, struct fail *fail);

// Is the key on a token? And did its last signature fail for the token's sake?
bool token_key_is(const EVP_PKEY *key);
bool token_key_away(const EVP_PKEY *key);

// Where our own module is, unless a URI names another; main says so at the start.
void token_key_module(const char *path);

#endif
