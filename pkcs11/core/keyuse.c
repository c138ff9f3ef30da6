/* A private key at work on the card: which PIN it wants, and how little has to be sent. */
#include "card/base/secret.h"
#include "core/content.h"
#include "core/gate.h"
#include "core/login.h"
#include "core/op.h"
#include "core/token.h"
#include "core/touch.h"
#include <string.h>

static bool wants_pin(const struct card_key *k)
{
    return k->gate != GATE_NONE || piv_pin_of(k->slot, k->pin) != PIV_PIN_NEVER;
}

static bool wants_pin_always(const struct card_key *k)
{
    enum piv_pin pin = piv_pin_of(k->slot, k->pin);
    return pin == PIV_PIN_ALWAYS || pin == PIV_PIN_MATCH_ALWAYS;
}

CK_RV keyuse_allowed(struct slot *s, const struct operation *op, const struct object *key)
{
    const struct card_key *k = key->card_key;
    if (k == NULL || !wants_pin(k))
        return CKR_OK;
    if (s->login != LOGIN_USER || (k->gate == GATE_ONCE && s->ticket == NULL) ||
        (k->gate == GATE_ALWAYS && (op == NULL || op->code == NULL)))
        return CKR_USER_NOT_LOGGED_IN;
    if (wants_pin_always(k) && !s->fresh && (op == NULL || !op->authenticated))
        return CKR_USER_NOT_LOGGED_IN;
    return CKR_OK;
}

static enum err send(struct slot *s, const struct card_key *k, enum key_use use, struct rd in, struct rd *out)
{
    static enum err (*const commands[])(struct card *, const struct piv_slot *, const struct piv_algorithm *,
                                        struct rd, struct rd *) = {
        [USE_SIGN] = piv_sign, [USE_DECRYPT] = piv_decrypt, [USE_AGREE] = piv_agree};
    struct touch t;
    touch_begin(&t, s, k);
    enum err e = commands[use](&s->card, k->slot, k->public_key.algorithm, in, out);
    touch_end(&t);
    return e;
}

static CK_RV use_rv(struct slot *s, enum err e)
{
    switch (e) {
    case E_AUTH_NEEDED: /* the PIN was right: a touch is missing, or a code that wasn't wanted before */
    case E_CONDITIONS:
        s->gate_known = false;
        return CKR_FUNCTION_REJECTED;
    case E_NOT_FOUND:
    case E_UNSUPPORTED:
        (void)token_rv(s, e);
        return CKR_KEY_HANDLE_INVALID;
    default:
        return token_rv(s, e);
    }
}

static CK_RV keep_answer(struct rd answer, uint8_t *out, size_t *len)
{
    if (answer.n > MECH_MAX_BLOCK)
        return CKR_DEVICE_ERROR;
    memcpy(out, answer.p, answer.n);
    *len = answer.n;
    return CKR_OK;
}

/* Without a PIN the command alone is sent; only an error makes sure that PIV is selected, and tries once
 * more. */
static CK_RV use_free(struct slot *s, struct card_key *k, enum key_use use, struct rd in, uint8_t *out,
                      size_t *len)
{
    struct rd answer;
    CK_RV rv = token_begin(s, TOKEN_TRY);
    if (rv != CKR_OK)
        return rv;
    enum err e;
    do
        e = send(s, k, use, in, &answer);
    while (token_again(s, &e));
    rv = e == E_OK ? keep_answer(answer, out, len) : use_rv(s, e);
    token_end(s, TP_LEAVE);
    return rv;
}

/* Presents what the key wants: the PIN, with its ticket, or followed by a code. */
static CK_RV present(struct slot *s, struct operation *op, const struct card_key *k, enum tp_after *after)
{
    CK_RV rv = k->gate == GATE_ONCE ? login_present_ticket(s) : login_present(s);
    if (rv != CKR_OK || k->gate != GATE_ALWAYS)
        return rv;
    rv = gates_permit(s, op);
    if (rv != CKR_OK)
        *after = login_withdraw(s);
    return rv;
}

/* A code is for one command: that can't be the one by which it is found out whether extended length works. */
static enum err send_gated(struct slot *s, const struct card_key *k, enum key_use use, struct rd in,
                           struct rd *out)
{
    enum chan_extended known = s->card.chan.extended;
    if (k->gate == GATE_ALWAYS && known == EXT_UNKNOWN)
        s->card.chan.extended = EXT_REFUSED;
    enum err e = send(s, k, use, in, out);
    s->card.chan.extended = k->gate == GATE_ALWAYS ? known : s->card.chan.extended;
    return e;
}

/* {PIV is selected, VERIFY, operation, VERIFY with P1 = FF} */
static CK_RV use_isolated(struct slot *s, struct operation *op, struct card_key *k, enum key_use use,
                          struct rd in, uint8_t *out, size_t *len)
{
    struct rd answer;
    CK_RV rv = token_begin(s, s->open && token_has_metadata(s) ? TOKEN_TRY : TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    enum tp_after after = TP_LEAVE;
    if (wants_pin_always(k) || k->gate != GATE_NONE)
        s->verified = false;
    rv = present(s, op, k, &after);
    if (rv == CKR_OK) {
        enum err e = send_gated(s, k, use, in, &answer);
        rv = e == E_OK ? keep_answer(answer, out, len) : use_rv(s, e);
        after = login_withdraw(s);
    }
    token_end(s, after);
    return rv;
}

/* Shared PINs: the card is still verified from the login, unless somebody changed that. */
static CK_RV use_shared(struct slot *s, struct operation *op, struct card_key *k, enum key_use use,
                        struct rd in, uint8_t *out, size_t *len)
{
    CK_RV rv = use_free(s, k, use, in, out, len);
    if (rv != CKR_FUNCTION_REJECTED)
        return rv;
    s->verified = false;
    return use_isolated(s, op, k, use, in, out, len);
}

static CK_RV use_card(struct slot *s, struct operation *op, struct card_key *k, enum key_use use,
                      struct rd in, uint8_t *out, size_t *len)
{
    CK_RV rv = touch_prepare(s, k);
    if (rv != CKR_OK)
        return rv;
    if (!wants_pin(k))
        return use_free(s, k, use, in, out, len);
    bool shared =
        s->module->settings.pin_shared && s->verified && !wants_pin_always(k) && k->gate != GATE_ALWAYS;
    rv = shared ? use_shared(s, op, k, use, in, out, len) : use_isolated(s, op, k, use, in, out, len);
    s->fresh = false;
    return rv;
}

static struct host_bytes bytes(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    struct rd r = type == CKA_VALUE ? object_get(o, type) : object_number(o, type);
    return (struct host_bytes){r.p, r.n};
}

/* A private key that lives in the session. */
static CK_RV use_session_key(const struct object *key, enum key_use use, struct rd in, uint8_t *out,
                             size_t *len)
{
    CK_KEY_TYPE type = object_ulong(key, CKA_KEY_TYPE);
    enum host_curve curve = keyobj_curve(object_get(key, CKA_EC_PARAMS));
    struct host_bytes scalar = bytes(key, CKA_VALUE), input = {in.p, in.n};
    if (type == CKK_RSA) {
        struct host_rsa_key rsa = {bytes(key, CKA_MODULUS),          bytes(key, CKA_PUBLIC_EXPONENT),
                                   bytes(key, CKA_PRIVATE_EXPONENT), bytes(key, CKA_PRIME_1),
                                   bytes(key, CKA_PRIME_2),          bytes(key, CKA_EXPONENT_1),
                                   bytes(key, CKA_EXPONENT_2),       bytes(key, CKA_COEFFICIENT)};
        *len = rsa.n.n;
        return mech_rv(host_rsa_private(&rsa, in.p, out), CKR_FUNCTION_FAILED);
    }
    if (use == USE_AGREE) {
        *len = host_curve_size(curve);
        return mech_rv(host_ecdh(curve, scalar, input, out), CKR_MECHANISM_PARAM_INVALID);
    }
    *len = 2 * host_curve_size(curve);
    return mech_rv(type == CKK_EC_EDWARDS ? host_eddsa_sign(scalar, input, out)
                                          : host_ecdsa_sign(curve, scalar, input, out),
                   CKR_FUNCTION_FAILED);
}

CK_RV keyuse_apply(struct slot *s, struct operation *op, const struct object *key, enum key_use use,
                   struct rd in, uint8_t *out, size_t *len)
{
    struct card_key *k = key->card_key;
    if (k == NULL)
        return key->handle == 0 ? CKR_KEY_HANDLE_INVALID : use_session_key(key, use, in, out, len);
    CK_RV rv = keyuse_allowed(s, op, key);
    return rv == CKR_OK ? use_card(s, op, k, use, in, out, len) : rv;
}
