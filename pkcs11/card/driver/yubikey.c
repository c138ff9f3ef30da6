// YubiKeys, and what speaks as they do: Yubico's public PIV pages ("PIV commands").
#include <string.h>

#include "card/base/wr.h"
#include "card/driver/kinds.h"

#define ADMIN_TOUCH    0xFE
#define ADMIN_NO_TOUCH 0xFF

// Since which firmware: Yubico's pages, "Introduced in".
static const struct {
    uint8_t since[3];
    uint32_t caps;
} history[] = {
    {{1, 0, 0}, CAP_VERSION | CAP_IMPORT | CAP_SET_TRIES | CAP_RESET | CAP_SET_ADMIN},
    {{4, 0, 0}, CAP_POLICY},
    {{4, 3, 0}, CAP_ATTEST | CAP_TOUCH_CACHED},
    {{5, 0, 0}, CAP_SERIAL},
    {{5, 3, 0}, CAP_METADATA},
    {{5, 4, 2}, CAP_ADMIN_AES},
    {{5, 7, 0}, CAP_MOVE | CAP_RSA_LARGE | CAP_CURVE25519},
};

// The historical bytes of every YubiKey since the 4 end so (also over NFC).
static bool knows_atr(struct rd atr)
{
    static const char name[] = "YubiKey";
    for (size_t i = 0; i + sizeof name - 1 <= atr.n; i++)
        if (memcmp(atr.p + i, name, sizeof name - 1) == 0)
            return true;
    return false;
}

// A command without body whose answer is `expected` bytes at most.
static enum err ask(struct card *c, const char *name, uint8_t ins, uint8_t p1, uint8_t p2, uint32_t expected,
                    struct rd *answer)
{
    const struct apdu a = {
        .name = name, .ins = ins, .p1 = p1, .p2 = p2, .expected = expected, .publish = APDU_PUBLIC};
    return chan_send(&c->chan, &a, answer);
}

static enum err learn(struct card *c)
{
    struct rd answer;
    enum err e = ask(c, "GET VERSION", 0xFD, 0, 0, 256, &answer);
    if (tp_gone(e) || e == E_RESET || e == E_IO)
        return e;
    uint8_t version[3];
    if (e != E_OK || !rd_copy(&answer, version, 3) || !rd_end(&answer))
        return E_UNSUPPORTED; // any refusal: another kind of card
    memcpy(c->facts.version, version, 3);
    c->facts.caps = 0;
    for (size_t i = 0; i < sizeof history / sizeof *history; i++)
        if (memcmp(version, history[i].since, 3) >= 0)
            c->facts.caps |= history[i].caps;
    return E_OK;
}

static enum err serial(struct card *c, uint32_t *out)
{
    struct rd answer;
    enum err e = ask(c, "GET SERIAL", 0xF8, 0, 0, 256, &answer);
    if (e != E_OK)
        return e;
    if (!(rd_u32(&answer, out) && rd_end(&answer)))
        return FAIL(&c->trail, E_MALFORMED, "get serial: reply");
    return E_OK;
}

// One element of the metadata; unknown ones are skipped. false: it has a wrong size or value.
static bool element(uint32_t tag, struct rd v, struct driver_metadata *out, struct rd *key)
{
    switch (tag) {
    case 0x01:
        out->algorithm = v.n == 1 ? v.p[0] : 0;
        return v.n == 1;
    case 0x02:
        if (v.n != 2 || v.p[0] > PIV_PIN_MATCH_ALWAYS || v.p[1] > PIV_TOUCH_CACHED)
            return false;
        out->pin = (enum piv_pin)v.p[0];
        out->touch = (enum piv_touch)v.p[1];
        return true;
    case 0x03:
        out->generated = v.n == 1 && v.p[0] == 1;
        return v.n == 1;
    case 0x04:
        *key = v;
        return true;
    case 0x05:
        out->is_default = v.n == 1 && v.p[0] == 1;
        return v.n == 1;
    case 0x06:
        if (v.n != 2)
            return false;
        out->tries_total = v.p[0];
        out->tries_left = v.p[1];
        return true;
    default:
        return true;
    }
}

static enum err metadata(struct card *c, uint8_t ref, struct driver_metadata *out)
{
    struct rd answer;
    struct rd key = rd_of(NULL, 0);
    struct driver_metadata m = {.tries_total = -1, .tries_left = -1};
    bool reference = ref == PIV_REF_PIN || ref == PIV_REF_PUK || ref == PIV_REF_ADMIN;
    enum err e = ask(c, "GET METADATA", 0xF7, 0, ref, reference ? 256 : APDU_LE_MAX, &answer);
    if (e == E_REFUSED || e == E_CARD)
        return FAIL(&c->trail, E_NOT_FOUND, "get metadata: empty slot");
    if (e != E_OK)
        return e;
    while (!rd_end(&answer)) {
        uint32_t tag;
        struct rd value;
        if (!rd_tlv_any(&answer, &tag, &value) || !element(tag, value, &m, &key))
            return FAIL(&c->trail, E_MALFORMED, "get metadata: reply");
    }
    // A kind of key that this library doesn't know is no error: its public key stays untold.
    const struct piv_algorithm *algorithm = piv_algorithm_by_id(m.algorithm);
    if (algorithm && key.n != 0 && !piv_public_parse(key, algorithm, &m.public_key))
        return FAIL(&c->trail, E_MALFORMED, "get metadata: public key");
    *out = m;
    return E_OK;
}

static enum err import(struct card *c, const struct piv_slot *slot, const struct driver_private *key,
                       enum piv_pin pin, enum piv_touch touch)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {.name = "IMPORT KEY", .ins = 0xFE, .p1 = key->algorithm->id, .p2 = slot->ref};
    static const uint8_t secret_tag[] = {[PIV_EC] = 0x06, [PIV_ED25519] = 0x07, [PIV_X25519] = 0x08};
    if (key->algorithm->kind == PIV_RSA) {
        const struct rd parts[] = {key->p, key->q, key->dp, key->dq, key->qinv};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            wr_tlv(&w, (uint32_t)i + 1, parts[i]);
    } else {
        wr_tlv(&w, secret_tag[key->algorithm->kind], key->secret);
    }
    if (pin != PIV_PIN_DEFAULT)
        wr_tlv(&w, 0xAA, rd_of(&(uint8_t){(uint8_t)pin}, 1));
    if (touch != PIV_TOUCH_DEFAULT)
        wr_tlv(&w, 0xAB, rd_of(&(uint8_t){(uint8_t)touch}, 1));
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "import: too long");
    return chan_send(&c->chan, &a, NULL);
}

static enum err attest(struct card *c, const struct piv_slot *slot, struct rd *certificate)
{
    struct rd answer;
    struct rd all;
    struct rd body;
    enum err e = ask(c, "ATTEST", 0xF9, slot->ref, 0, APDU_LE_MAX, &answer);
    if (e != E_OK)
        return e;
    all = answer;
    if (!(rd_tlv(&answer, 0x30, &body) && rd_end(&answer)))
        return FAIL(&c->trail, E_MALFORMED, "attest: reply");
    *certificate = all;
    return E_OK;
}

// P1 is where to, P2 where from.
static enum err move(struct card *c, uint8_t from, uint8_t to)
{
    return ask(c, to == DRIVER_MOVE_NOWHERE ? "DELETE KEY" : "MOVE KEY", 0xF6, to, from, 0, NULL);
}

static enum err set_tries(struct card *c, uint8_t pin, uint8_t puk)
{
    return ask(c, "SET PIN RETRIES", 0xFA, pin, puk, 0, NULL);
}

static enum err reset(struct card *c)
{
    return ask(c, "RESET", 0xFB, 0, 0, 0, NULL);
}

static enum err set_admin(struct card *c, const struct piv_cipher *cipher, struct rd key, bool touch)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {
        .name = "SET MANAGEMENT KEY", .ins = 0xFF, .p1 = 0xFF, .p2 = touch ? ADMIN_TOUCH : ADMIN_NO_TOUCH};
    wr_u8(&w, cipher->id);
    wr_tlv(&w, PIV_REF_ADMIN, key);
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "set management key");
    return chan_send(&c->chan, &a, NULL);
}

const struct driver driver_yubikey = {
    .name = "YubiKey",
    .knows_atr = knows_atr,
    .atr_caps = CAP_SERIAL | CAP_OATH,
    .learn = learn,
    .serial = serial,
    .metadata = metadata,
    .import = import,
    .attest = attest,
    .move = move,
    .set_tries = set_tries,
    .reset = reset,
    .set_admin = set_admin,
};
