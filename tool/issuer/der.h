// A view over DER bytes (X.690) that only shrinks: each read succeeds whole or changes nothing.
#ifndef INGAM_ISSUER_DER_H
#define INGAM_ISSUER_DER_H

#include <stdbool.h>
#include <stddef.h>

// Tags of the universal class that the desk reads itself.
enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_SEQUENCE = 0x30,
};

// [n] constructed, as an EXPLICIT tag always is; n below 31.
#define DER_CONTEXT(n) (0xA0 | (n))

struct der {
    const unsigned char *at;
    size_t left;
};

static inline struct der der_of(const void *bytes, size_t length)
{
    return (struct der){bytes, length};
}

// Nothing is left over.
static inline bool der_end(const struct der *view)
{
    return view->left == 0;
}

// Reads the next element whatever its tag. Lengths must be definite, minimal, and within the view;
// tags of more than one byte are refused. `whole`, which may be NULL, receives the element with its tag.
bool der_any(struct der *from, unsigned *tag, struct der *value, struct der *whole);

// Reads the next element if it has this tag.
bool der_tlv(struct der *from, unsigned tag, struct der *value);

// Is the next element's tag this one?
bool der_next_is(const struct der *from, unsigned tag);

// Reads an INTEGER from 0 to 0x7FFFFFFF.
bool der_small(struct der *from, int *number);

// Is the content of the view these bytes?
bool der_equal(const struct der *view, const void *bytes, size_t length);

#endif
