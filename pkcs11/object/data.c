/* Data objects: a session's, or a data object of the card (PKCS #11 3.0, 4.5). */
#include "object/rows.h"

static const struct attr_row data[] = {
    ATTR(CKA_APPLICATION, AK_BYTES, A_MODIFY, 0), ATTR(CKA_OBJECT_ID, AK_BYTES, A_MODIFY, 0),
    ATTR(CKA_VALUE, AK_BYTES, A_MODIFY, 0),
    ATTR(CKA_ID, AK_BYTES, A_MODIFY, 0), /* not the standard's: pairs private data with a certificate */
};

const struct attr_rows rows_data[] = {
    {"data", &rows_storage, ROWS(data), CKO_DATA, CKA_CLASS, 0},
    {0},
};
