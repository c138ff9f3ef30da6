// Reads DER (X.690 clauses 8.1 and 10.1) with bounds by construction.
#include "der.h"

#include <string.h>

// Reads the length octets at `view` (X.690 8.1.3; minimal as 10.1 demands).
static bool read_length(struct der *view, size_t *length)
{
    if (view->left < 1)
        return false;
    unsigned first = view->at[0];
    size_t octets = first & 0x7F;
    if (first < 0x80) {
        *length = first;
        octets = 0;
    } else {
        if (octets < 1 || octets > 4 || view->left - 1 < octets || view->at[1] == 0)
            return false;
        *length = 0;
        for (size_t i = 1; i <= octets; i++)
            *length = *length << 8 | view->at[i];
        if (*length < 0x80)
            return false;
    }
    view->at += 1 + octets;
    view->left -= 1 + octets;
    return *length <= view->left;
}

bool der_any(struct der *from, unsigned *tag, struct der *value, struct der *whole)
{
    struct der rest = *from;
    size_t length = 0;
    if (rest.left < 2 || (rest.at[0] & 0x1F) == 0x1F)
        return false;
    unsigned seen = rest.at[0];
    rest.at++;
    rest.left--;
    if (!read_length(&rest, &length))
        return false;
    *tag = seen;
    *value = der_of(rest.at, length);
    rest.at += length;
    rest.left -= length;
    if (whole != NULL)
        *whole = der_of(from->at, from->left - rest.left);
    *from = rest;
    return true;
}

bool der_next_is(const struct der *from, unsigned tag)
{
    return from->left > 0 && from->at[0] == tag;
}

bool der_tlv(struct der *from, unsigned tag, struct der *value)
{
    unsigned seen = 0;
    return der_next_is(from, tag) && der_any(from, &seen, value, NULL);
}

bool der_small(struct der *from, int *number)
{
    struct der rest = *from;
    struct der value;
    if (!der_tlv(&rest, DER_INTEGER, &value) || value.left < 1 || value.left > 4 || value.at[0] >= 0x80)
        return false;
    if (value.left > 1 && value.at[0] == 0 && value.at[1] < 0x80)
        return false;
    unsigned sum = 0;
    for (size_t i = 0; i < value.left; i++)
        sum = sum << 8 | value.at[i];
    *number = (int)sum;
    *from = rest;
    return true;
}

bool der_equal(const struct der *view, const void *bytes, size_t length)
{
    return view->left == length && (length == 0 || memcmp(view->at, bytes, length) == 0);
}
