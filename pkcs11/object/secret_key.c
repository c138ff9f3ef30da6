/* Secret keys, which live in sessions only (PKCS #11 3.0, 4.10). */
#include "object/rows.h"

#define COMPUTED (A_NOT_CREATE | A_NOT_GENERATE | A_NOT_UNWRAP)

static const struct attr_row common[] = {
    ATTR(CKA_PRIVATE, AK_BOOL, A_COPY, 0),
    ATTR(CKA_SENSITIVE, AK_BOOL, A_MODIFY | A_STAYS_TRUE, 0),
    ATTR(CKA_ENCRYPT, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_DECRYPT, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_SIGN, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_VERIFY, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_WRAP, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_UNWRAP, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_EXTRACTABLE, AK_BOOL, A_MODIFY | A_STAYS_FALSE, 1),
    ATTR(CKA_ALWAYS_SENSITIVE, AK_BOOL, COMPUTED, 0),
    ATTR(CKA_NEVER_EXTRACTABLE, AK_BOOL, COMPUTED, 0),
    ATTR(CKA_CHECK_VALUE, AK_BYTES, 0, 0),
    ATTR(CKA_WRAP_WITH_TRUSTED, AK_BOOL, A_MODIFY | A_STAYS_TRUE, 0),
    ATTR(CKA_TRUSTED, AK_BOOL, A_ONLY_SO, 0),
    ATTR(CKA_WRAP_TEMPLATE, AK_TEMPLATE, 0, 0),
    ATTR(CKA_UNWRAP_TEMPLATE, AK_TEMPLATE, 0, 0),
    ATTR(CKA_DERIVE_TEMPLATE, AK_TEMPLATE, 0, 0),
    ATTR(CKA_VALUE, AK_BYTES, A_MUST_CREATE | A_NOT_GENERATE | A_NOT_UNWRAP | A_SECRET, 0),
};
const struct attr_rows rows_secret = {"secret key", &rows_key, ROWS(common), CKO_SECRET_KEY, CKA_KEY_TYPE, 0};

static const struct attr_row length[] = {
    ATTR(CKA_VALUE_LEN, AK_ULONG, A_NOT_CREATE | A_MUST_GENERATE, 0),
};

#define SECRET(name, type)                                                                                   \
    {                                                                                                        \
        name, &rows_secret, ROWS(length), CKO_SECRET_KEY, CKA_KEY_TYPE, type                                 \
    }

const struct attr_rows rows_secret_key[] = {
    SECRET("generic secret key", CKK_GENERIC_SECRET),
    SECRET("AES key", CKK_AES),
    SECRET("HKDF key", CKK_HKDF),
    SECRET("SHA-1 HMAC key", CKK_SHA_1_HMAC),
    SECRET("SHA-224 HMAC key", CKK_SHA224_HMAC),
    SECRET("SHA-256 HMAC key", CKK_SHA256_HMAC),
    SECRET("SHA-384 HMAC key", CKK_SHA384_HMAC),
    SECRET("SHA-512 HMAC key", CKK_SHA512_HMAC),
    SECRET("SHA3-224 HMAC key", CKK_SHA3_224_HMAC),
    SECRET("SHA3-256 HMAC key", CKK_SHA3_256_HMAC),
    SECRET("SHA3-384 HMAC key", CKK_SHA3_384_HMAC),
    SECRET("SHA3-512 HMAC key", CKK_SHA3_512_HMAC),
    {0},
};
