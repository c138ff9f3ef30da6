// The table of status words.
#include "card/apdu/sw.h"

struct row {
    uint16_t mask, value;
    enum err error;
    const char *text;
};

// First match wins. ISO/IEC 7816-4 tables 5 and 6; SP 800-73-4 part 2, table 6.
static const struct row rows[] = {
    {0xFFFF, 0x9000, E_OK, "success"},
    {0xFFFF, 0x63C0, E_PIN_BLOCKED, "wrong value, no tries left"},
    {0xFFF0, 0x63C0, E_PIN_WRONG, "wrong value"},
    {0xFFFF, 0x6300, E_PIN_WRONG, "verification failed"},
    {0xFFFF, 0x6581, E_NO_SPACE, "memory failure"},
    {0xFFFF, 0x6700, E_UNSUPPORTED, "wrong length"},
    {0xFFFF, 0x6882, E_UNSUPPORTED, "secure messaging not supported"},
    {0xFFFF, 0x6883, E_CARD, "last command of the chain expected"},
    {0xFFFF, 0x6884, E_UNSUPPORTED, "command chaining not supported"},
    {0xFFFF, 0x6982, E_AUTH_NEEDED, "security status not satisfied"},
    {0xFFFF, 0x6983, E_PIN_BLOCKED, "authentication method blocked"},
    {0xFFFF, 0x6984, E_NOT_FOUND, "referenced data not usable"},
    {0xFFFF, 0x6985, E_CONDITIONS, "conditions of use not satisfied"},
    {0xFFFF, 0x6987, E_AUTH_NEEDED, "expected secure messaging data missing"},
    {0xFFFF, 0x6A80, E_REFUSED, "incorrect parameter in the data"},
    {0xFFFF, 0x6A81, E_UNSUPPORTED, "function not supported"},
    {0xFFFF, 0x6A82, E_NOT_FOUND, "object or application not found"},
    {0xFFFF, 0x6A84, E_NO_SPACE, "not enough memory"},
    {0xFFFF, 0x6A86, E_UNSUPPORTED, "incorrect parameter P1 or P2"},
    {0xFFFF, 0x6A88, E_NOT_FOUND, "referenced data or key not found"},
    {0xFFFF, 0x6D00, E_UNSUPPORTED, "instruction not supported"},
    {0xFFFF, 0x6E00, E_UNSUPPORTED, "class not supported"},
};

static const struct row *find(uint16_t sw)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((sw & rows[i].mask) == rows[i].value)
            return &rows[i];
    return NULL;
}

enum err sw_error(uint16_t sw)
{
    const struct row *row = find(sw);
    return row ? row->error : E_CARD;
}

int sw_tries(uint16_t sw)
{
    if (sw == 0x6983)
        return 0;
    return (sw & 0xFFF0) == 0x63C0 ? sw & 0xF : -1;
}

const char *sw_text(uint16_t sw)
{
    const struct row *row = find(sw);
    return row ? row->text : "unknown status word";
}
