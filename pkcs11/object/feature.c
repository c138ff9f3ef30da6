/* Hardware features (PKCS #11 3.0, 4.3). */
#include "object/rows.h"

#define READ_ONLY (A_NOT_CREATE | A_NOT_GENERATE | A_NOT_UNWRAP)

static const struct attr_row feature[] = {
    ATTR(CKA_HW_FEATURE_TYPE, AK_ULONG, READ_ONLY, 0),
    ATTR(CKA_CHAR_SETS, AK_BYTES, READ_ONLY, 0),
    ATTR(CKA_ENCODING_METHODS, AK_BYTES, READ_ONLY, 0),
    ATTR(CKA_MIME_TYPES, AK_BYTES, READ_ONLY, 0),
};

const struct attr_rows rows_feature[] = {
    {"hardware feature", &rows_object, ROWS(feature), CKO_HW_FEATURE, CKA_CLASS, 0},
    {0},
};
