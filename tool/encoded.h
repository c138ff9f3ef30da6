// DER inside JSON, in base64.
#pragma once

#include <jansson.h>
#include <openssl/x509.h>

// Nothing is put for NULL, or for no bytes.
void encoded_put(json_t *object, const char *key, const unsigned char *der, int length);
void encoded_put_certificate(json_t *object, const char *key, const X509 *certificate);

// What was put, the caller's (free, X509_free). NULL: absent or broken.
unsigned char *encoded_take(const json_t *object, const char *key, size_t *length);
X509 *encoded_certificate(const json_t *object, const char *key);
