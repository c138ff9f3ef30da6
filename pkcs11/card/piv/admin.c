// Mutual authentication of the management key: SP 800-73-4 part 2, 3.2.4 and A.1.
#include "card/piv/admin.h"

#include <string.h>

#include "card/base/secret.h"
#include "card/base/wr.h"
#include "card/driver/driver.h"
#include "card/piv/command.h"

#define TAG_WITNESS   0x80
#define TAG_CHALLENGE 0x81
#define TAG_RESPONSE  0x82
#define BLOCK_MAX     16

struct mutual {
    uint8_t sealed[BLOCK_MAX];    // the card's witness, encrypted
    uint8_t witness[BLOCK_MAX];   // decrypted: our answer
    uint8_t challenge[BLOCK_MAX]; // ours
    uint8_t proof[BLOCK_MAX];     // what the card has to make of it
};

static struct apdu authenticate(const struct piv_cipher *cipher)
{
    return (struct apdu){.name = "GENERAL AUTHENTICATE (9B)",
                         .ins = 0x87,
                         .p1 = cipher->id,
                         .p2 = PIV_REF_ADMIN,
                         .expected = 256};
}

// 7C { tag value }, and nothing else.
static bool only(struct rd answer, uint32_t tag, struct rd *value)
{
    struct rd template;
    return rd_tlv(&answer, 0x7C, &template) && rd_end(&answer) && rd_tlv(&template, tag, value) &&
           rd_end(&template);
}

static enum err ask_witness(struct card *c, const struct piv_cipher *cipher, uint8_t *sealed)
{
    static const uint8_t body[] = {0x7C, 0x02, TAG_WITNESS, 0x00};
    struct apdu a = authenticate(cipher);
    struct rd answer;
    struct rd witness;
    a.body = rd_of(body, sizeof body);
    enum err e = chan_send(&c->chan, &a, &answer);
    // What cards say of a cipher that isn't their key's: 6A86, 6A80, 6A88, 6700 (part 2, table 9).
    if (e == E_REFUSED || e == E_NOT_FOUND || e == E_CARD)
        return FAIL(&c->trail, E_UNSUPPORTED, "management key: cipher");
    if (e != E_OK)
        return e;
    if (!only(answer, TAG_WITNESS, &witness))
        return FAIL(&c->trail, E_MALFORMED, "management key: witness");
    if (witness.n != cipher->block)
        return FAIL(&c->trail, E_UNSUPPORTED, "management key: block size");
    memcpy(sealed, witness.p, witness.n);
    return E_OK;
}

static enum err answer_witness(struct card *c, const struct piv_cipher *cipher, const struct mutual *m)
{
    struct apdu a = authenticate(cipher);
    struct wr w = chan_body(&c->chan);
    struct rd answer;
    struct rd proof;
    size_t template = wr_open(&w, 0x7C);
    wr_tlv(&w, TAG_WITNESS, rd_of(m->witness, cipher->block));
    wr_tlv(&w, TAG_CHALLENGE, rd_of(m->challenge, cipher->block));
    wr_close(&w, template);
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "management key");
    enum err e = chan_send(&c->chan, &a, &answer);
    if (e == E_AUTH_NEEDED || e == E_REFUSED || e == E_PIN_WRONG || e == E_CONDITIONS)
        return FAIL(&c->trail, E_ADMIN_WRONG, "management key: refused");
    if (e != E_OK)
        return e;
    if (!only(answer, TAG_RESPONSE, &proof) || !secret_equal(proof, rd_of(m->proof, cipher->block)))
        return FAIL(&c->trail, E_MALFORMED, "management key: the card's proof");
    return E_OK;
}

enum err piv_admin(struct card *c, const struct piv_crypto *crypto, const struct piv_cipher *cipher,
                   struct rd key)
{
    struct mutual m = {0};
    if (key.n != cipher->key)
        return FAIL(&c->trail, E_ARGUMENT, "management key: length");
    enum err e = ask_witness(c, cipher, m.sealed);
    if (e == E_OK)
        e = crypto->decrypt(crypto->ctx, cipher, key, m.sealed, m.witness);
    if (e == E_OK)
        e = crypto->random(crypto->ctx, m.challenge, cipher->block);
    if (e == E_OK)
        e = crypto->encrypt(crypto->ctx, cipher, key, m.challenge, m.proof);
    if (e == E_OK)
        e = answer_witness(c, cipher, &m);
    secret_wipe(&m, sizeof m);
    return e;
}

// The card's own word, where it is known to give it. NULL: it doesn't.
static const struct piv_cipher *told(struct card *c, enum err *e)
{
    struct driver_metadata metadata;
    *e = E_OK;
    if (c->facts.caps_known != KNOWN_YES || !(c->facts.caps & CAP_METADATA))
        return NULL;
    *e = driver_metadata(c, PIV_REF_ADMIN, &metadata);
    return *e == E_OK ? piv_cipher_by_id(metadata.algorithm) : NULL;
}

enum err piv_admin_any(struct card *c, const struct piv_crypto *crypto, struct rd key,
                       const struct piv_cipher **used)
{
    enum err e;
    if (used)
        *used = NULL;
    const struct piv_cipher *cipher = told(c, &e);
    if (tp_gone(e) || e == E_RESET)
        return e;
    if (cipher) {
        if (used)
            *used = cipher;
        if (cipher->key != key.n)
            return FAIL(&c->trail, E_ADMIN_WRONG, "management key: another length");
        return piv_admin(c, crypto, cipher, key);
    }
    bool fits = false;
    for (size_t i = 0; (cipher = piv_cipher_at(i)) != NULL; i++) {
        if (cipher->key != key.n)
            continue;
        fits = true;
        e = piv_admin(c, crypto, cipher, key);
        if (e == E_UNSUPPORTED)
            continue;
        if (used)
            *used = cipher;
        return e;
    }
    return FAIL(&c->trail, fits ? E_ADMIN_WRONG : E_ARGUMENT, "management key: no cipher of that length");
}
