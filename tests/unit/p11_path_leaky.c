// How not to do it: stops at the first thing that is wrong, and copies only what there is.
#include "mech/mech.h"
#include <string.h>

CK_RV leaky_decrypt(const uint8_t *block, size_t len, uint8_t *out, size_t *out_len);
CK_RV leaky_decrypt(const uint8_t *block, size_t len, uint8_t *out, size_t *out_len)
{
    size_t i = 2;
    if (block[0] != 0 || block[1] != 2)
        return CKR_ENCRYPTED_DATA_INVALID;
    while (i < len && block[i] != 0)
        i++;
    if (i == len || i < 10)
        return CKR_ENCRYPTED_DATA_INVALID;
    *out_len = len - i - 1;
    memcpy(out, block + i + 1, *out_len);
    return CKR_OK;
}
