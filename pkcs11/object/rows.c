/* What all classes have in common (PKCS #11 3.0, 4.4 and 4.7), and the way from a class to its rows. */
#include "object/rows.h"

static const struct attr_row object[] = {
    ATTR(CKA_CLASS, AK_ULONG, A_MUST_CREATE | A_ABSENT, 0),
};
const struct attr_rows rows_object = {"object", NULL, ROWS(object), CK_UNAVAILABLE_INFORMATION, CKA_CLASS, 0};

static const struct attr_row storage[] = {
    ATTR(CKA_TOKEN, AK_BOOL, A_COPY, 0),
    ATTR(CKA_PRIVATE, AK_BOOL, A_COPY, 0),
    ATTR(CKA_MODIFIABLE, AK_BOOL, A_COPY, 1),
    ATTR(CKA_LABEL, AK_BYTES, A_MODIFY, 0),
    ATTR(CKA_COPYABLE, AK_BOOL, A_MODIFY | A_STAYS_FALSE, 1),
    ATTR(CKA_DESTROYABLE, AK_BOOL, A_MODIFY, 1),
    ATTR(CKA_UNIQUE_ID, AK_BYTES, A_NOT_CREATE | A_NOT_GENERATE | A_NOT_UNWRAP, 0),
};
const struct attr_rows rows_storage = {"storage object",           &rows_object, ROWS(storage),
                                       CK_UNAVAILABLE_INFORMATION, CKA_CLASS,    0};

static const struct attr_row key[] = {
    ATTR(CKA_KEY_TYPE, AK_ULONG, A_MUST_CREATE | A_MUST_UNWRAP | A_ABSENT, 0),
    ATTR(CKA_ID, AK_BYTES, A_MODIFY, 0),
    ATTR(CKA_START_DATE, AK_DATE, A_MODIFY, 0),
    ATTR(CKA_END_DATE, AK_DATE, A_MODIFY, 0),
    ATTR(CKA_DERIVE, AK_BOOL, A_MODIFY, 0),
    ATTR(CKA_LOCAL, AK_BOOL, A_NOT_CREATE | A_NOT_GENERATE | A_NOT_UNWRAP, 0),
    ATTR(CKA_KEY_GEN_MECHANISM, AK_ULONG, A_NOT_CREATE | A_NOT_GENERATE | A_NOT_UNWRAP,
         CK_UNAVAILABLE_INFORMATION),
    ATTR(CKA_ALLOWED_MECHANISMS, AK_MECHANISMS, 0, 0),
};
const struct attr_rows rows_key = {"key", &rows_storage, ROWS(key), CK_UNAVAILABLE_INFORMATION, CKA_KEY_TYPE,
                                   0};

static const struct attr_rows *const classes[] = {
    rows_certificate, rows_public_key, rows_private_key, rows_secret_key,
    rows_otp_key,     rows_data,       rows_profile,     rows_feature,
};
#define CLASSES (sizeof classes / sizeof classes[0])

const struct attr_rows *attr_rows_of(CK_OBJECT_CLASS class, CK_ULONG kind)
{
    for (size_t i = 0; i < CLASSES; i++) {
        if (classes[i]->class != class)
            continue;
        for (const struct attr_rows *r = classes[i]; r->name != NULL; r++)
            if (kind == CK_UNAVAILABLE_INFORMATION || r->kind_type == CKA_CLASS || r->kind == kind)
                return r;
    }
    return NULL;
}

const struct attr_rows *attr_rows_at(size_t index)
{
    for (size_t i = 0; i < CLASSES; i++)
        for (const struct attr_rows *r = classes[i]; r->name != NULL; r++)
            if (index-- == 0)
                return r;
    return NULL;
}
