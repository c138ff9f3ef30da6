/* Public keys (PKCS #11 3.0, 4.8; key types in chapter 2 of the mechanisms). */
#include "object/rows.h"

static const struct attr_row common[] = {
    ATTR(CKA_SUBJECT, AK_BYTES, A_MODIFY, 0),   ATTR(CKA_ENCRYPT, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_VERIFY, AK_BOOL, A_MODIFY, 0),     ATTR(CKA_VERIFY_RECOVER, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_WRAP, AK_BOOL, A_MODIFY, 0),       ATTR(CKA_TRUSTED, AK_BOOL, A_ONLY_SO, 0),
    ATTR(CKA_WRAP_TEMPLATE, AK_TEMPLATE, 0, 0), ATTR(CKA_PUBLIC_KEY_INFO, AK_BYTES, 0, 0),
};
static const struct attr_rows base = {"public key", &rows_key, ROWS(common), CKO_PUBLIC_KEY, CKA_KEY_TYPE, 0};

static const struct attr_row rsa[] = {
    ATTR(CKA_MODULUS, AK_BYTES, A_MUST_CREATE | A_NOT_GENERATE, 0),
    ATTR(CKA_MODULUS_BITS, AK_ULONG, A_NOT_CREATE | A_MUST_GENERATE, 0),
    ATTR(CKA_PUBLIC_EXPONENT, AK_BYTES, A_MUST_CREATE, 0),
};

static const struct attr_row ec[] = {
    ATTR(CKA_EC_PARAMS, AK_BYTES, A_MUST_CREATE | A_MUST_GENERATE, 0),
    ATTR(CKA_EC_POINT, AK_BYTES, A_MUST_CREATE | A_NOT_GENERATE, 0),
};

const struct attr_rows rows_public_key[] = {
    {"RSA public key", &base, ROWS(rsa), CKO_PUBLIC_KEY, CKA_KEY_TYPE, CKK_RSA},
    {"EC public key", &base, ROWS(ec), CKO_PUBLIC_KEY, CKA_KEY_TYPE, CKK_EC},
    {"Edwards public key", &base, ROWS(ec), CKO_PUBLIC_KEY, CKA_KEY_TYPE, CKK_EC_EDWARDS},
    {"Montgomery public key", &base, ROWS(ec), CKO_PUBLIC_KEY, CKA_KEY_TYPE, CKK_EC_MONTGOMERY},
    {0},
};
