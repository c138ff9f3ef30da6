// The access key of the OATH applet: YKOATH, "Validate" and "Set Code".
#include "card/base/secret.h"
#include "card/oath/wire.h"

#define CHALLENGE_SIZE 8
#define PROOF_SIZE     20

enum err oath_unlock(struct card *c, const struct oath_crypto *crypto, const struct oath_info *info,
                     struct rd access)
{
    uint8_t ours[CHALLENGE_SIZE];
    uint8_t answer[PROOF_SIZE];
    uint8_t expected[PROOF_SIZE];
    struct wr w = chan_body(&c->chan);
    const struct apdu a = {.name = "OATH VALIDATE", .ins = 0xA3, .expected = 256, .publish = APDU_PUBLIC};
    struct rd reply;
    struct rd proof;
    if (access.n != OATH_ACCESS_SIZE || !info->locked)
        return FAIL(&c->trail, E_ARGUMENT, "oath unlock");
    enum err e = crypto->random(crypto->ctx, ours, sizeof ours);
    if (e == E_OK)
        e = crypto->hmac_sha1(crypto->ctx, access, rd_of(info->challenge, CHALLENGE_SIZE), answer);
    if (e == E_OK)
        e = crypto->hmac_sha1(crypto->ctx, access, rd_of(ours, sizeof ours), expected);
    if (e != E_OK)
        return FAIL(&c->trail, e, "oath unlock: cipher");
    wr_tlv(&w, OATH_TAG_RESPONSE, rd_of(answer, sizeof answer));
    wr_tlv(&w, OATH_TAG_CHALLENGE, rd_of(ours, sizeof ours));
    e = oath_send(c, a, &w, &reply);
    if (e == E_REFUSED || e == E_AUTH_NEEDED)
        return FAIL(&c->trail, E_PIN_WRONG, "oath unlock: refused");
    if (e != E_OK)
        return e;
    if (!(rd_tlv(&reply, OATH_TAG_RESPONSE, &proof) && rd_end(&reply)) ||
        !secret_equal(proof, rd_of(expected, sizeof expected)))
        return FAIL(&c->trail, E_MALFORMED, "oath unlock: the card's proof");
    return E_OK;
}

enum err oath_set_access(struct card *c, const struct oath_crypto *crypto, struct rd access)
{
    uint8_t challenge[CHALLENGE_SIZE];
    uint8_t answer[PROOF_SIZE];
    struct wr w = chan_body(&c->chan);
    const struct apdu a = {.name = "OATH SET CODE", .ins = 0x03};
    if (access.n != 0 && access.n != OATH_ACCESS_SIZE)
        return FAIL(&c->trail, E_ARGUMENT, "oath set access: length");
    if (access.n != 0) {
        enum err e = crypto->random(crypto->ctx, challenge, sizeof challenge);
        if (e == E_OK)
            e = crypto->hmac_sha1(crypto->ctx, access, rd_of(challenge, sizeof challenge), answer);
        if (e != E_OK)
            return FAIL(&c->trail, e, "oath set access: cipher");
        size_t key = wr_open(&w, OATH_TAG_KEY);
        wr_u8(&w, OATH_TOTP | OATH_SHA1);
        wr_rd(&w, access);
        wr_close(&w, key);
        wr_tlv(&w, OATH_TAG_CHALLENGE, rd_of(challenge, sizeof challenge));
        wr_tlv(&w, OATH_TAG_RESPONSE, rd_of(answer, sizeof answer));
    } else {
        wr_tlv(&w, OATH_TAG_KEY, rd_of(NULL, 0));
    }
    return oath_send(c, a, &w, NULL);
}
