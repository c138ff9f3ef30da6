/* Parses command APDUs, short and extended. */
#include "fw/command.h"

#include <string.h>

static size_t u16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static bool parse_extended(const uint8_t *body, size_t left, struct fw_command *c)
{
    c->extended = true;
    if (left == 3) {
        c->has_le = true;
        c->le = u16(body + 1) == 0 ? 65536 : u16(body + 1);
        return true;
    }
    c->len = u16(body + 1);
    c->data = body + 3;
    if (c->len == 0)
        return false;
    if (left == 3 + c->len)
        return true;
    if (left != 3 + c->len + 2)
        return false;
    c->has_le = true;
    c->le = u16(body + 3 + c->len) == 0 ? 65536 : u16(body + 3 + c->len);
    return true;
}

static bool parse_short(const uint8_t *body, size_t left, struct fw_command *c)
{
    if (left == 1) {
        c->has_le = true;
        c->le = body[0] == 0 ? 256 : body[0];
        return true;
    }
    c->len = body[0];
    c->data = body + 1;
    if (left == 1 + c->len)
        return true;
    if (left != 1 + c->len + 1)
        return false;
    c->has_le = true;
    c->le = body[left - 1] == 0 ? 256 : body[left - 1];
    return true;
}

bool fw_command_parse(const uint8_t *bytes, size_t len, struct fw_command *c)
{
    memset(c, 0, sizeof *c);
    if (len < 4)
        return false;
    c->cla = bytes[0];
    c->ins = bytes[1];
    c->p1 = bytes[2];
    c->p2 = bytes[3];
    c->le = 256;
    c->data = bytes + 4;
    if (len == 4)
        return true;
    if (bytes[4] == 0 && len >= 7)
        return parse_extended(bytes + 4, len - 4, c);
    return parse_short(bytes + 4, len - 4, c);
}
