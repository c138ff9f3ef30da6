// GET OTP STATE, INSTALL OTP SECRET, SET OTP GATES, UNBLOCK OTP, REMOVE OTP SECRET, VERIFY with a code
// (docs/otp-card.md, "Instructions").
#include "card/piv/gate.h"

#include <string.h>

#include "card/base/secret.h"
#include "card/piv/reference.h"
#include "card/piv/table.h"

#define INS_VERIFY 0x20
#define INS_OTP    0xF1
#define REF_CODE   0x9F
#define VERSION    0x01

static bool u8_of(struct rd *r, uint32_t tag, uint8_t *out)
{
    struct rd v;
    return rd_tlv(r, tag, &v) && rd_u8(&v, out) && rd_end(&v);
}

static bool two_of(struct rd *r, uint32_t tag, uint8_t *a, uint8_t *b)
{
    struct rd v;
    return rd_tlv(r, tag, &v) && rd_u8(&v, a) && rd_u8(&v, b) && rd_end(&v);
}

static bool u16_of(struct rd *r, uint32_t tag, uint16_t *out)
{
    struct rd v;
    return rd_tlv(r, tag, &v) && rd_u16(&v, out) && rd_end(&v);
}

static bool keys_of(struct rd *r, struct gate_state *out)
{
    struct rd v;
    uint8_t gate;
    if (!rd_tlv(r, 0x86, &v))
        return false;
    while (!rd_end(&v)) {
        struct gate_key *key = &out->key[out->count];
        if (out->count == GATE_KEYS_MAX || !rd_u8(&v, &key->ref) || !rd_u8(&v, &gate) || gate > GATE_ALWAYS)
            return false;
        key->gate = (enum gate)gate;
        out->count++;
    }
    return true;
}

// Elements behind these are a later version's.
static bool parse(struct rd answer, struct gate_state *out)
{
    uint32_t tag;
    struct rd ignored;
    if (!two_of(&answer, 0x81, &out->tries_left, &out->tries_total) || !u8_of(&answer, 0x82, &out->digits) ||
        !two_of(&answer, 0x83, &out->ahead, &out->resync) || !u16_of(&answer, 0x84, &out->lifetime) ||
        !u16_of(&answer, 0x85, &out->ticket_left) || !keys_of(&answer, out))
        return false;
    while (!rd_end(&answer))
        if (!rd_tlv_any(&answer, &tag, &ignored))
            return false;
    out->secret = out->digits != 0;
    return out->digits == 0 || (out->digits >= GATE_CODE_MIN && out->digits <= GATE_CODE_MAX &&
                                out->tries_left <= out->tries_total);
}

enum err gate_state(struct card *c, struct gate_state *out)
{
    const struct apdu a = {
        .name = "GET OTP STATE", .ins = INS_OTP, .expected = 256, .publish = APDU_PUBLIC_REPLY};
    struct rd answer;
    uint8_t version;
    *out = (struct gate_state){0};
    enum err e = chan_send(&c->chan, &a, &answer);
    if (e != E_OK)
        return e;
    if (!u8_of(&answer, 0x80, &version))
        return FAIL(&c->trail, E_MALFORMED, "get otp state: reply");
    if (version != VERSION)
        return FAIL(&c->trail, E_UNSUPPORTED, "get otp state: version");
    if (parse(answer, out))
        return E_OK;
    *out = (struct gate_state){0};
    return FAIL(&c->trail, E_MALFORMED, "get otp state: reply");
}

static void put_u8(struct wr *w, uint32_t tag, uint8_t value)
{
    wr_tlv(w, tag, rd_of(&value, 1));
}

enum err gate_install(struct card *c, const struct gate_secret *secret)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {.name = "INSTALL OTP SECRET", .ins = INS_OTP, .p1 = 0x01};
    if (secret->key.n < GATE_SECRET_MIN || secret->key.n > GATE_SECRET_MAX)
        return FAIL(&c->trail, E_ARGUMENT, "install otp secret: length");
    wr_tlv(&w, 0x80, secret->key);
    if (secret->digits != 0)
        put_u8(&w, 0x81, secret->digits);
    if (secret->counter != 0) {
        size_t counter = wr_open(&w, 0x82);
        wr_u32(&w, (uint32_t)(secret->counter >> 32));
        wr_u32(&w, (uint32_t)secret->counter);
        wr_close(&w, counter);
    }
    if (secret->ahead != 0)
        put_u8(&w, 0x83, secret->ahead);
    if (secret->resync != 0 || secret->resync_off)
        put_u8(&w, 0x84, secret->resync);
    if (secret->tries != 0)
        put_u8(&w, 0x85, secret->tries);
    if (secret->lifetime != 0) {
        size_t lifetime = wr_open(&w, 0x86);
        wr_u16(&w, secret->lifetime);
        wr_close(&w, lifetime);
    }
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "install otp secret");
    return chan_send(&c->chan, &a, NULL);
}

enum err gate_set(struct card *c, const struct gate_key *keys, size_t count)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {.name = "SET OTP GATES", .ins = INS_OTP, .p1 = 0x02, .publish = APDU_PUBLIC_COMMAND};
    for (size_t i = 0; i < count; i++) {
        wr_u8(&w, keys[i].ref);
        wr_u8(&w, (uint8_t)keys[i].gate);
    }
    if (count == 0 || count > GATE_KEYS_MAX || !wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "set otp gates");
    return chan_send(&c->chan, &a, NULL);
}

enum err gate_unblock(struct card *c)
{
    const struct apdu a = {.name = "UNBLOCK OTP", .ins = INS_OTP, .p1 = 0x03, .publish = APDU_PUBLIC};
    return chan_send(&c->chan, &a, NULL);
}

enum err gate_remove(struct card *c)
{
    const struct apdu a = {.name = "REMOVE OTP SECRET", .ins = INS_OTP, .p1 = 0x04, .publish = APDU_PUBLIC};
    return chan_send(&c->chan, &a, NULL);
}

static bool is_code(struct rd code)
{
    uint8_t digit;
    if (code.n < GATE_CODE_MIN || code.n > 2 * GATE_CODE_MAX || (code.n > GATE_CODE_MAX && code.n % 2 != 0) ||
        (code.n > GATE_CODE_MAX && code.n < 2 * GATE_CODE_MIN))
        return false;
    while (rd_u8(&code, &digit))
        if (digit < '0' || digit > '9')
            return false;
    return true;
}

enum err gate_code(struct card *c, struct rd code, uint8_t ticket[GATE_TICKET_SIZE], int *tries)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {.name = "VERIFY (code)", .ins = INS_VERIFY, .p2 = REF_CODE};
    struct rd answer;
    if (tries)
        *tries = -1;
    if (ticket)
        memset(ticket, 0, GATE_TICKET_SIZE);
    if (!is_code(code))
        return FAIL(&c->trail, E_ARGUMENT, "verify code: length");
    if (ticket) {
        a.p1 = 0x01;
        a.expected = GATE_TICKET_SIZE;
    }
    wr_rd(&w, code);
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "verify code");
    enum err e = piv_reference_result(c, chan_send(&c->chan, &a, ticket ? &answer : NULL), tries);
    if (e != E_OK || !ticket)
        return e;
    if (answer.n != GATE_TICKET_SIZE || !rd_copy(&answer, ticket, GATE_TICKET_SIZE))
        return FAIL(&c->trail, E_MALFORMED, "verify code: reply");
    return E_OK;
}

enum err gate_verify(struct card *c, struct rd pin, struct rd ticket, int *tries)
{
    struct wr w = chan_body(&c->chan);
    struct apdu a = {.name = "VERIFY (ticket)", .ins = INS_VERIFY, .p2 = PIV_REF_PIN};
    if (tries)
        *tries = -1;
    if (ticket.n != GATE_TICKET_SIZE || !piv_write_reference(&w, pin))
        return piv_reference_unfit(c, "verify with a ticket: length");
    wr_rd(&w, ticket);
    if (!wr_done(&w, &a.body))
        return piv_reference_unfit(c, "verify with a ticket");
    return piv_reference_result(c, chan_send(&c->chan, &a, NULL), tries);
}

enum err gate_logout(struct card *c)
{
    const struct apdu a = {.name = "VERIFY (code logout)",
                           .ins = INS_VERIFY,
                           .p1 = 0xFF,
                           .p2 = REF_CODE,
                           .publish = APDU_PUBLIC};
    return chan_send(&c->chan, &a, NULL);
}
