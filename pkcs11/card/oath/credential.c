// Credentials of the OATH applet: YKOATH, "List", "Put", "Delete" and "Rename".
#include "card/oath/wire.h"

#define SECRET_LEAST 14 // what the card takes; HMAC pads with zeros anyway (RFC 2104, 2)
#define NEEDS_TOUCH  0x02

static bool known(uint8_t kind, struct oath_credential *out)
{
    uint8_t type = kind & 0xF0;
    uint8_t hash = kind & 0x0F;
    if ((type != OATH_HOTP && type != OATH_TOTP) || hash < OATH_SHA1 || hash > OATH_SHA512)
        return false;
    out->type = (enum oath_type)type;
    out->hash = (enum oath_hash)hash;
    return true;
}

// One element; false: broken. *understood false: of a kind that isn't known here, to be left out.
static bool next(struct rd *list, struct oath_credential *out, bool *understood)
{
    struct rd v;
    uint8_t kind;
    if (!rd_tlv(list, OATH_TAG_LISTED, &v) || !rd_u8(&v, &kind) || !oath_is_name(v))
        return false;
    *understood = known(kind, out);
    out->name = v;
    return true;
}

bool oath_list_next(struct rd *list, struct oath_credential *out)
{
    bool understood = false;
    while (next(list, out, &understood))
        if (understood)
            return true;
    *out = (struct oath_credential){0};
    return false;
}

enum err oath_list(struct card *c, struct rd *list)
{
    const struct apdu a = {.name = "OATH LIST", .ins = 0xA1, .expected = APDU_LE_MAX};
    struct rd answer;
    struct oath_credential ignored;
    bool understood;
    *list = rd_of(NULL, 0);
    enum err e = oath_send(c, a, NULL, &answer);
    if (e != E_OK)
        return e;
    struct rd check = answer;
    while (next(&check, &ignored, &understood))
        ;
    if (!rd_end(&check))
        return FAIL(&c->trail, E_MALFORMED, "oath list: reply");
    *list = answer;
    return E_OK;
}

static bool sound(const struct oath_new *n)
{
    struct oath_credential ignored;
    return known((uint8_t)n->type | (uint8_t)n->hash, &ignored) && n->digits >= 6 && n->digits <= 8 &&
           oath_is_name(n->name) && n->secret.n != 0 && n->secret.n <= OATH_SECRET_MAX &&
           (n->type == OATH_HOTP || n->counter == 0);
}

enum err oath_put(struct card *c, const struct oath_new *n)
{
    struct wr w = chan_body(&c->chan);
    const struct apdu a = {.name = "OATH PUT", .ins = 0x01};
    if (!sound(n))
        return FAIL(&c->trail, E_ARGUMENT, "oath put");
    wr_tlv(&w, OATH_TAG_NAME, n->name);
    size_t key = wr_open(&w, OATH_TAG_KEY);
    wr_u8(&w, (uint8_t)n->type | (uint8_t)n->hash);
    wr_u8(&w, n->digits);
    wr_rd(&w, n->secret);
    if (n->secret.n < SECRET_LEAST)
        wr_fill(&w, 0, SECRET_LEAST - n->secret.n);
    wr_close(&w, key);
    if (n->touch) { // a tag and a value, without a length
        wr_u8(&w, OATH_TAG_PROPERTY);
        wr_u8(&w, NEEDS_TOUCH);
    }
    if (n->counter != 0) {
        size_t counter = wr_open(&w, OATH_TAG_COUNTER);
        wr_u32(&w, n->counter);
        wr_close(&w, counter);
    }
    return oath_send(c, a, &w, NULL);
}

enum err oath_delete(struct card *c, struct rd name)
{
    struct wr w = chan_body(&c->chan);
    const struct apdu a = {.name = "OATH DELETE", .ins = 0x02};
    if (!oath_is_name(name))
        return FAIL(&c->trail, E_ARGUMENT, "oath delete: name");
    wr_tlv(&w, OATH_TAG_NAME, name);
    return oath_send(c, a, &w, NULL);
}

enum err oath_rename(struct card *c, struct rd name, struct rd new_name)
{
    struct wr w = chan_body(&c->chan);
    const struct apdu a = {.name = "OATH RENAME", .ins = 0x05};
    if (!oath_is_name(name) || !oath_is_name(new_name))
        return FAIL(&c->trail, E_ARGUMENT, "oath rename: name");
    wr_tlv(&w, OATH_TAG_NAME, name);
    wr_tlv(&w, OATH_TAG_NAME, new_name);
    return oath_send(c, a, &w, NULL);
}
