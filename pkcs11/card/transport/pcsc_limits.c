// What a reader says about the APDUs that it can carry (PC/SC part 10, 2.6.14, and part 10 amendment: TLV
// properties).
#include <reader.h>

#include "card/transport/pcsc.h"

#define FEATURES_SIZE      256
#define MAX_APDU_DATA_SIZE 0x0A // PCSCv2_PART10_PROPERTY_dwMaxAPDUDataSize

// Records of one byte tag, one byte length, value.
static bool record(struct rd list, uint8_t tag, struct rd *value)
{
    uint8_t t;
    uint8_t n;
    while (rd_u8(&list, &t) && rd_u8(&list, &n) && rd_take(&list, n, value))
        if (t == tag)
            return true;
    return false;
}

void pcsc_limits(SCARDHANDLE card, struct tp_conn *conn)
{
    uint8_t answer[FEATURES_SIZE];
    DWORD n = 0;
    struct rd value;
    uint32_t code;
    if (SCardControl(card, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, answer, sizeof answer, &n) !=
        SCARD_S_SUCCESS)
        return;
    if (n > sizeof answer || !record(rd_of(answer, n), FEATURE_GET_TLV_PROPERTIES, &value) ||
        !rd_u32(&value, &code))
        return;
    if (SCardControl(card, code, NULL, 0, answer, sizeof answer, &n) != SCARD_S_SUCCESS || n > sizeof answer)
        return;
    if (!record(rd_of(answer, n), MAX_APDU_DATA_SIZE, &value) || value.n != 4)
        return;
    // Values are little-endian. 0 means that there is no limit but the standard's short form.
    uint32_t most =
        value.p[0] | (uint32_t)value.p[1] << 8 | (uint32_t)value.p[2] << 16 | (uint32_t)value.p[3] << 24;
    conn->data_max = most;
    if (most <= 256)
        conn->short_only = true;
}
