/* Profile objects, by which a token says which of the standard's profiles it meets (PKCS #11 3.0, 4.13). */
#include "object/rows.h"

#define READ_ONLY (A_NOT_CREATE | A_NOT_GENERATE | A_NOT_UNWRAP)

/* The standard derives profiles from bare objects; browsers search them with CKA_TOKEN, so they have storage
 * rows. */
static const struct attr_row profile[] = {
    ATTR(CKA_PROFILE_ID, AK_ULONG, READ_ONLY, 0),
};

const struct attr_rows rows_profile[] = {
    {"profile", &rows_storage, ROWS(profile), CKO_PROFILE, CKA_CLASS, 0},
    {0},
};
