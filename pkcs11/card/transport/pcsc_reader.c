// What a reader can do by itself: its limits and its keypad (PC/SC part 10, 2.2, 2.6.8, 2.6.9 and 2.6.14).
#include <reader.h>

#include "card/base/wr.h"
#include "card/transport/pcsc.h"

#define FEATURES_SIZE      256
#define MAX_APDU_DATA_SIZE 0x0A // of the TLV properties: dwMaxAPDUDataSize

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

// Sends a control code and gives what came back; empty after failure.
static struct rd control(SCARDHANDLE card, uint32_t code, uint8_t *answer)
{
    DWORD n = 0;
    LONG rv = SCardControl(card, code, NULL, 0, answer, FEATURES_SIZE, &n);
    return rv == SCARD_S_SUCCESS && n <= FEATURES_SIZE ? rd_of(answer, n) : rd_of(NULL, 0);
}

// The control code of a feature; 0: the reader hasn't got it.
static uint32_t code_of(struct rd features, uint8_t feature)
{
    struct rd value;
    uint32_t code;
    return record(features, feature, &value) && rd_u32(&value, &code) && rd_end(&value) ? code : 0;
}

void pcsc_ask_features(SCARDHANDLE card, struct pcsc_features *out)
{
    uint8_t answer[FEATURES_SIZE];
    uint8_t properties[FEATURES_SIZE];
    struct rd value;
    *out = (struct pcsc_features){0};
    struct rd features = control(card, CM_IOCTL_GET_FEATURE_REQUEST, answer);
    out->verify_pin = code_of(features, FEATURE_VERIFY_PIN_DIRECT);
    out->modify_pin = code_of(features, FEATURE_MODIFY_PIN_DIRECT);
    uint32_t code = code_of(features, FEATURE_GET_TLV_PROPERTIES);
    if (code == 0 || !record(control(card, code, properties), MAX_APDU_DATA_SIZE, &value) || value.n != 4)
        return;
    // Values are little-endian; 0 means that the reader sets no limit.
    out->data_max =
        value.p[0] | (uint32_t)value.p[1] << 8 | (uint32_t)value.p[2] << 16 | (uint32_t)value.p[3] << 24;
}

// Integers of these structures are the host's.
static void write_host(struct wr *w, const void *v, size_t n)
{
    wr_bytes(w, v, n);
}

// PIN_VERIFY_STRUCTURE, or PIN_MODIFY_STRUCTURE, which has five fields more.
static bool write_pad(struct wr *w, const struct tp_pad *pad)
{
    const uint16_t sizes = (uint16_t)(pad->least << 8 | pad->most);
    const uint16_t language = 0x0409;
    const uint8_t body = (uint8_t)(pad->change ? 2 * pad->size : pad->size);
    const uint32_t length = 5U + body;
    wr_u8(w, pad->seconds);
    wr_u8(w, pad->seconds);
    wr_u8(w, 0x82);      // bmFormatString: bytes, from the left, ASCII
    wr_u8(w, pad->size); // bmPINBlockString: the block's size, no length in it
    wr_u8(w, 0x00);      // bmPINLengthFormat
    if (pad->change) {
        wr_u8(w, 0);         // bInsertionOffsetOld
        wr_u8(w, pad->size); // bInsertionOffsetNew
    }
    write_host(w, &sizes, 2);
    if (pad->change)
        wr_u8(w, 0x03);                  // bConfirmPIN: the old one is asked for, the new one twice
    wr_u8(w, 0x02);                      // bEntryValidationCondition: the validation key
    wr_u8(w, pad->change ? 0x03 : 0x01); // bNumberMessage
    write_host(w, &language, 2);
    wr_u8(w, 0x00); // bMsgIndex: "enter PIN", "new PIN", "confirm"
    if (pad->change)
        wr_bytes(w, (uint8_t[]){0x01, 0x02}, 2);
    wr_fill(w, 0x00, 3); // bTeoPrologue
    write_host(w, &length, 4);
    wr_bytes(w, (uint8_t[]){pad->cla, pad->ins, pad->p1, pad->p2, body}, 5);
    wr_fill(w, 0xFF, body);
    return pad->size <= 16;
}

LONG pcsc_pad(SCARDHANDLE card, uint32_t code, const struct tp_pad *pad, uint16_t *sw)
{
    uint8_t buf[80];
    uint8_t answer[FEATURES_SIZE];
    struct wr w = wr_of(buf, sizeof buf);
    struct rd all;
    DWORD n = 0;
    if (!write_pad(&w, pad) || !wr_done(&w, &all))
        return SCARD_E_INVALID_PARAMETER;
    LONG rv = SCardControl(card, code, all.p, all.n, answer, sizeof answer, &n);
    if (rv != SCARD_S_SUCCESS)
        return rv;
    if (n != 2)
        return SCARD_E_INSUFFICIENT_BUFFER;
    *sw = (uint16_t)(answer[0] << 8 | answer[1]);
    return SCARD_S_SUCCESS;
}
