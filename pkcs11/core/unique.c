/* A digest of what an object on the card is: its class, its place, and what doesn't change while it is there.
 */
#include "core/unique.h"
#include <stdio.h>

#define BYTES 16 /* of the digest */

/* Labels and ids of a key slot's objects can be changed; those of data are what tells one from another. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    bool keys; /* also of keys and certificates */
} parts[] = {
    {CKA_CLASS, true},    {CKA_PROFILE_ID, true}, {CKA_MODULUS, true},    {CKA_EC_PARAMS, true},
    {CKA_EC_POINT, true}, {CKA_VALUE, true},      {CKA_OBJECT_ID, false}, {CKA_APPLICATION, false},
    {CKA_LABEL, false},   {CKA_ID, false},
};

static bool is_part(const struct object *o, size_t i)
{
    bool key = o->card_key != NULL;
    return key ? parts[i].keys : parts[i].type != CKA_VALUE; /* what a data object holds can be changed */
}

static enum host_rc add(struct host_digest *d, struct rd value)
{
    uint8_t len[4] = {(uint8_t)(value.n >> 24), (uint8_t)(value.n >> 16), (uint8_t)(value.n >> 8),
                      (uint8_t)value.n};
    enum host_rc rc = host_digest_update(d, len, sizeof len);
    return rc == HOST_OK && value.n > 0 ? host_digest_update(d, value.p, value.n) : rc;
}

static bool digest(const struct object *o, uint8_t out[HOST_MAX_HASH])
{
    struct host_digest *d;
    if (host_digest_new(HOST_SHA256, &d) != HOST_OK)
        return false;
    const struct card_key *k = o->card_key;
    const uint8_t ref = k != NULL ? k->slot->ref : 0;
    enum host_rc rc = add(d, rd_of(&ref, 1));
    for (size_t i = 0; rc == HOST_OK && i < sizeof parts / sizeof parts[0]; i++)
        if (is_part(o, i))
            rc = add(d, object_get(o, parts[i].type));
    if (rc == HOST_OK)
        rc = host_digest_final(d, out);
    host_digest_free(d);
    return rc == HOST_OK;
}

void unique_set(struct object *o)
{
    char text[2 * BYTES + 1];
    uint8_t sum[HOST_MAX_HASH];
    int n = 0;
    if (o->session != 0 || !digest(o, sum)) {
        n = snprintf(text, sizeof text, "%lx", o->handle);
    } else {
        for (size_t i = 0; i < BYTES; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%02x", sum[i]);
    }
    (void)object_set(o, CKA_UNIQUE_ID, text, (size_t)n);
}
