// GENERAL AUTHENTICATE with private keys: SP 800-73-4 part 2, 3.2.4 and A.4, A.5.
#include "card/base/wr.h"
#include "card/piv/command.h"

#define TAG_CHALLENGE 0x81
#define TAG_RESPONSE  0x82
#define TAG_EXPONENT  0x85

// 7C { 82 empty, tag with `pad` zero bytes and the input }
static enum err exchange(struct card *c, const struct piv_slot *slot, const struct piv_algorithm *algorithm,
                         uint8_t tag, size_t pad, struct rd input, struct rd *output)
{
    struct wr w = chan_body(&c->chan);
    struct rd answer;
    struct rd template;
    struct apdu a = {
        .name = "GENERAL AUTHENTICATE",
        .ins = 0x87,
        .p1 = algorithm->id,
        .p2 = slot->ref,
        .expected = algorithm->kind == PIV_RSA && algorithm->bits > 1024 ? APDU_LE_MAX : 256,
    };
    size_t dynamic = wr_open(&w, 0x7C);
    wr_tlv(&w, TAG_RESPONSE, rd_of(NULL, 0));
    size_t data = wr_open(&w, tag);
    wr_fill(&w, 0, pad);
    wr_rd(&w, input);
    wr_close(&w, data);
    wr_close(&w, dynamic);
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "general authenticate: too long");
    enum err e = chan_send(&c->chan, &a, &answer);
    if (e != E_OK)
        return e;
    struct rd value = {NULL, 0};
    if (!(rd_tlv(&answer, 0x7C, &template) && rd_end(&answer) && rd_tlv(&template, TAG_RESPONSE, &value) &&
          rd_end(&template)))
        return FAIL(&c->trail, E_MALFORMED, "general authenticate: reply");
    *output = value;
    return E_OK;
}

static bool positive_integer(struct rd *r, size_t most)
{
    struct rd v;
    return rd_tlv(r, 0x02, &v) && v.n != 0 && v.n <= most + 1 && !(v.p[0] & 0x80);
}

// SEQUENCE { INTEGER r, INTEGER s } (part 2, A.4.2; RFC 3279 2.2.3).
static bool is_ecdsa(struct rd signature, size_t block)
{
    struct rd pair;
    return rd_tlv(&signature, 0x30, &pair) && rd_end(&signature) && positive_integer(&pair, block) &&
           positive_integer(&pair, block) && rd_end(&pair);
}

static bool input_fits(const struct piv_algorithm *algorithm, size_t n)
{
    switch (algorithm->kind) {
    case PIV_RSA:
        return n == algorithm->block;
    case PIV_EC:
        return n <= algorithm->block;
    case PIV_ED25519:
        return true;
    case PIV_X25519:
        return false;
    }
    return false;
}

static bool output_fits(const struct piv_algorithm *algorithm, struct rd output)
{
    if (algorithm->kind == PIV_EC)
        return is_ecdsa(output, algorithm->block);
    return output.n == (algorithm->kind == PIV_ED25519 ? 64U : algorithm->block);
}

enum err piv_sign(struct card *c, const struct piv_slot *slot, const struct piv_algorithm *algorithm,
                  struct rd input, struct rd *output)
{
    struct rd value = {NULL, 0};
    *output = rd_of(NULL, 0);
    if (!input_fits(algorithm, input.n))
        return FAIL(&c->trail, E_ARGUMENT, "sign: length");
    // A digest shorter than the curve is the same number with zeros in front; some cards insist on the full
    // size.
    size_t pad = algorithm->kind == PIV_EC ? algorithm->block - input.n : 0;
    enum err e = exchange(c, slot, algorithm, TAG_CHALLENGE, pad, input, &value);
    if (e != E_OK)
        return e;
    if (!output_fits(algorithm, value))
        return FAIL(&c->trail, E_MALFORMED, "sign: signature");
    *output = value;
    return E_OK;
}

enum err piv_decrypt(struct card *c, const struct piv_slot *slot, const struct piv_algorithm *algorithm,
                     struct rd input, struct rd *output)
{
    *output = rd_of(NULL, 0);
    if (algorithm->kind != PIV_RSA)
        return FAIL(&c->trail, E_ARGUMENT, "decrypt: not an RSA key");
    return piv_sign(c, slot, algorithm, input, output); // the same operation on the card
}

enum err piv_agree(struct card *c, const struct piv_slot *slot, const struct piv_algorithm *algorithm,
                   struct rd point, struct rd *secret)
{
    struct rd value = {NULL, 0};
    *secret = rd_of(NULL, 0);
    bool fits =
        algorithm->kind == PIV_X25519 || (algorithm->kind == PIV_EC && point.n != 0 && point.p[0] == 0x04);
    if (!fits || point.n != algorithm->point)
        return FAIL(&c->trail, E_ARGUMENT, "key agreement: point");
    enum err e = exchange(c, slot, algorithm, TAG_EXPONENT, 0, point, &value);
    if (e != E_OK)
        return e;
    if (value.n != algorithm->block)
        return FAIL(&c->trail, E_MALFORMED, "key agreement: secret");
    *secret = value;
    return E_OK;
}
