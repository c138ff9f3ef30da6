/* Certificates (PKCS #11 3.0, 4.6). */
#include "object/rows.h"

static const struct attr_row common[] = {
    ATTR(CKA_CERTIFICATE_TYPE, AK_ULONG, A_MUST_CREATE | A_ABSENT, 0),
    ATTR(CKA_TRUSTED, AK_BOOL, A_ONLY_SO, 0),
    ATTR(CKA_CERTIFICATE_CATEGORY, AK_ULONG, 0, CK_CERTIFICATE_CATEGORY_UNSPECIFIED),
    ATTR(CKA_CHECK_VALUE, AK_BYTES, 0, 0),
    ATTR(CKA_START_DATE, AK_DATE, 0, 0),
    ATTR(CKA_END_DATE, AK_DATE, 0, 0),
    ATTR(CKA_PUBLIC_KEY_INFO, AK_BYTES, 0, 0),
};
static const struct attr_rows base = {"certificate",   &rows_storage,        ROWS(common),
                                      CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE, 0};

static const struct attr_row x509[] = {
    ATTR(CKA_SUBJECT, AK_BYTES, 0,
         0), /* footnote 1 in the standard; taken from the value when it isn't given */
    ATTR(CKA_ID, AK_BYTES, A_MODIFY, 0),
    ATTR(CKA_ISSUER, AK_BYTES, A_MODIFY, 0),
    ATTR(CKA_SERIAL_NUMBER, AK_BYTES, A_MODIFY, 0),
    ATTR(CKA_VALUE, AK_BYTES, A_MUST_CREATE, 0),
    ATTR(CKA_URL, AK_BYTES, 0, 0),
    ATTR(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, AK_BYTES, 0, 0),
    ATTR(CKA_HASH_OF_ISSUER_PUBLIC_KEY, AK_BYTES, 0, 0),
    ATTR(CKA_JAVA_MIDP_SECURITY_DOMAIN, AK_ULONG, 0, 0),
    ATTR(CKA_NAME_HASH_ALGORITHM, AK_ULONG, 0, CKM_SHA_1),
};

const struct attr_rows rows_certificate[] = {
    {"X.509 certificate", &base, ROWS(x509), CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE, CKC_X_509},
    {0},
};
