// DER inside JSON: base64 in, base64 out.
#include "encoded.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void encoded_put(json_t *object, const char *key, const unsigned char *der, int length)
{
    if (der == NULL || length <= 0)
        return;
    char *text = malloc((size_t)length / 3 * 4 + 5);
    if (text != NULL) {
        EVP_EncodeBlock((unsigned char *)text, der, length);
        json_object_set_new(object, key, json_string(text));
    }
    free(text);
}

void encoded_put_certificate(json_t *object, const char *key, const X509 *certificate)
{
    unsigned char *der = NULL;
    int length = certificate != NULL ? i2d_X509(certificate, &der) : 0;
    encoded_put(object, key, der, length);
    OPENSSL_free(der);
}

unsigned char *encoded_take(const json_t *object, const char *key, size_t *length)
{
    const char *text = json_string_value(json_object_get(object, key));
    size_t n = text != NULL ? strlen(text) : 0;
    unsigned char *out = n > 0 && n % 4 == 0 && n < 1 << 20 ? malloc(n / 4 * 3) : NULL;
    int got = out != NULL ? EVP_DecodeBlock(out, (const unsigned char *)text, (int)n) : -1;
    if (got < 0) {
        free(out);
        return NULL;
    }
    *length = (size_t)got - (text[n - 1] == '=') - (n > 1 && text[n - 2] == '=');
    return out;
}

X509 *encoded_certificate(const json_t *object, const char *key)
{
    size_t length = 0;
    unsigned char *der = encoded_take(object, key, &length);
    const unsigned char *at = der;
    X509 *out = der != NULL ? d2i_X509(NULL, &at, (long)length) : NULL;
    free(der);
    ERR_clear_error();
    return out;
}
