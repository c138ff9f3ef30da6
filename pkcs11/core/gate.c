/* Codes and tickets of a card that wants them. */
#include "core/gate.h"
#include "card/base/secret.h"
#include "core/content.h"
#include "core/pin.h"
#include "core/slot.h"
#include "core/token.h"
#include <string.h>

#define PIN_LEAST 6 /* SP 800-73-4 part 2, 2.4.3 */
#define PIN_MOST  8
#define REF_CODE  0x9F

/* ---- what the card says ---- */

void gates_forget(struct slot *s)
{
    s->gate_known = false;
    s->gate = (struct gate_state){0};
    for (size_t i = 0; i < PIV_SLOTS; i++)
        s->key[i].gate = GATE_NONE;
}

static void spread(struct slot *s)
{
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        struct card_key *k = &s->key[i];
        k->gate = GATE_NONE;
        for (size_t j = 0; j < s->gate.count; j++)
            if (s->gate.key[j].ref == k->slot->ref)
                k->gate = s->gate.key[j].gate;
        if (k->key == KNOWN_YES)
            keyobj_policy(k);
    }
}

CK_RV gates_read(struct slot *s)
{
    enum err e;
    if (!s->open || !driver_wants_codes(&s->card))
        return CKR_OK;
    do
        e = gate_state(&s->card, &s->gate);
    while (token_again(s, &e));
    s->gate_known = e == E_OK;
    if (e == E_OK)
        spread(s);
    return token_rv(s, e);
}

bool gates_due(const struct slot *s)
{
    return !s->gate_known && s->open && driver_wants_codes(&s->card);
}

CK_RV gates_learn(struct slot *s)
{
    return s->gate_known ? CKR_OK : gates_read(s);
}

CK_FLAGS gates_flags(const struct slot *s)
{
    if (!s->gate_known || !s->gate.secret)
        return 0;
    return (s->gate.tries_left < s->gate.tries_total ? CKF_USER_PIN_COUNT_LOW : 0) |
           (s->gate.tries_left == 1 ? CKF_USER_PIN_FINAL_TRY : 0);
}

bool gates_any_once(const struct slot *s)
{
    bool any = false;
    for (size_t i = 0; i < s->gate.count; i++)
        any = any || s->gate.key[i].gate == GATE_ONCE;
    return any;
}

bool gates_wants_code(const struct session *se)
{
    for (int kind = 0; kind < OP_KINDS; kind++) {
        const struct operation *op = se->op[kind];
        const struct card_key *k = op != NULL && op->key != NULL ? op->key->card_key : NULL;
        if (k != NULL && object_bool(op->key, CKA_ALWAYS_AUTHENTICATE)) /* as C_Login chooses it */
            return k->gate == GATE_ALWAYS;
    }
    return false;
}

/* ---- codes ---- */

/* One code, or two in a row where the card takes them. */
static CK_RV code_fits(const struct slot *s, struct rd code)
{
    size_t digits = s->gate.digits;
    if (!s->gate.secret || (code.n != digits && (code.n != 2 * digits || s->gate.resync == 0)))
        return CKR_PIN_LEN_RANGE;
    for (size_t i = 0; i < code.n; i++)
        if (code.p[i] < '0' || code.p[i] > '9')
            return CKR_PIN_INCORRECT;
    return CKR_OK;
}

/* A code that this process sent isn't sent again, whatever the card said to it. */
static bool was_sent(struct slot *s, struct rd code)
{
    uint8_t tag[TAG_SIZE];
    bool sent = !pin_tag(s, REF_CODE, code, tag);
    for (size_t i = 0; i < s->codes_sent && i < FAILED_PINS; i++)
        sent = sent || memcmp(s->code_sent[i], tag, TAG_SIZE) == 0;
    return sent;
}

static CK_RV code_may_go(struct slot *s, struct rd code)
{
    if (was_sent(s, code)) {
        log_line(LOG_PIN, "slot %lu: this code was used before; not sent", s->id);
        return CKR_PIN_INCORRECT;
    }
    if (s->gate.tries_left == 0)
        return CKR_PIN_LOCKED;
    if (s->gate.tries_left == 1 && !s->module->settings.last_try) {
        log_line(LOG_PIN, "slot %lu: the last try of the code is refused (INGAM_LAST_TRY)", s->id);
        return CKR_FUNCTION_REJECTED;
    }
    return CKR_OK;
}

/* Once and never again, whatever comes of it. */
static CK_RV send_code(struct slot *s, struct rd code, uint8_t *ticket)
{
    int tries = -1;
    if (pin_tag(s, REF_CODE, code, s->code_sent[s->codes_sent % FAILED_PINS]))
        s->codes_sent++;
    enum err e = gate_code(&s->card, code, ticket, &tries);
    s->info_time = 0;
    if (e == E_OK)
        s->gate.tries_left = s->gate.tries_total;
    if (e != E_PIN_WRONG && e != E_PIN_BLOCKED)
        return e == E_REFUSED ? CKR_PIN_INCORRECT : token_rv(s, e);
    s->gate.tries_left = (uint8_t)(e == E_PIN_WRONG && tries > 0 ? tries : 0);
    log_line(LOG_PIN, "slot %lu: wrong code, %d tries left", s->id, s->gate.tries_left);
    return s->gate.tries_left == 0 ? CKR_PIN_LOCKED : CKR_PIN_INCORRECT;
}

/* ---- once ---- */

bool gates_is_both(struct rd entry)
{
    return entry.n > PIN_MOST;
}

/* The code is the end of the entry. A PIN has 6 to 8 characters, so the length says whether it is one code or
 * two. */
static CK_RV split(const struct slot *s, struct rd entry, struct rd *pin, struct rd *code)
{
    for (size_t n = s->gate.digits; n > 0 && n <= 2U * s->gate.digits; n += s->gate.digits) {
        if (entry.n < n + PIN_LEAST || entry.n > n + PIN_MOST)
            continue;
        *pin = rd_of(entry.p, entry.n - n);
        *code = rd_of(entry.p + pin->n, n);
        return code_fits(s, *code);
    }
    return CKR_PIN_LEN_RANGE;
}

static CK_RV keep_ticket(struct slot *s, const uint8_t *ticket)
{
    secret_free(s->ticket);
    s->ticket = secret_new(ticket, GATE_TICKET_SIZE);
    s->ticket_time = now_us();
    return s->ticket != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

/* The PIN goes first: without it the card doesn't look at the code, and a wrong PIN costs no code. */
static CK_RV present_both(struct slot *s, struct rd entry, struct rd *pin, enum tp_after *after)
{
    struct rd code;
    uint8_t ticket[GATE_TICKET_SIZE];
    CK_RV rv = gates_read(s);
    if (rv == CKR_OK)
        rv = split(s, entry, pin, &code);
    if (rv == CKR_OK)
        rv = code_may_go(s, code);
    if (rv == CKR_OK)
        rv = pin_check_failed(s, PIV_REF_PIN, *pin);
    if (rv == CKR_OK)
        rv = pin_check_tries(s);
    if (rv == CKR_OK)
        rv = pin_verify(s, *pin);
    if (rv != CKR_OK)
        return rv;
    rv = send_code(s, code, ticket);
    if (rv == CKR_OK)
        rv = keep_ticket(s, ticket);
    secret_wipe(ticket, sizeof ticket);
    *after = login_withdraw(s);
    return rv;
}

CK_RV gates_login(struct slot *s, struct rd entry, struct rd *pin)
{
    enum tp_after after = TP_LEAVE;
    if (entry.n < PIN_LEAST + GATE_CODE_MIN || entry.n > PIN_MOST + 2 * GATE_CODE_MAX)
        return CKR_PIN_LEN_RANGE;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    rv = present_both(s, entry, pin, &after);
    s->verified = rv == CKR_OK && s->module->settings.pin_shared;
    token_end(s, after);
    return rv;
}

/* Another program's ticket, which took the place of ours, is left alone: it lives longer than ours could. */
static bool is_ours(const struct slot *s)
{
    uint64_t age = (now_us() - s->ticket_time) / 1000000;
    return s->gate.ticket_left != 0 && age + s->gate.ticket_left <= s->gate.lifetime + UINT64_C(1);
}

void gates_release(struct slot *s)
{
    if (s->ticket == NULL || s->piv != NULL || token_begin(s, TOKEN_PIV) != CKR_OK)
        return;
    if (gates_read(s) == CKR_OK && is_ours(s) && gate_logout(&s->card) != E_OK)
        log_line(LOG_PIN, "slot %lu: the ticket can't be given back", s->id);
    token_end(s, TP_LEAVE);
}

/* ---- always ---- */

CK_RV gates_context(struct slot *s, struct operation *op, struct rd code)
{
    /* Programs that give the PIN again for each use would spend the code's tries with it. */
    if (secret_equal(secret_view(s->pin), code)) {
        log_line(LOG_PIN, "slot %lu: the PIN is no code; not sent", s->id);
        return CKR_PIN_INCORRECT;
    }
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    rv = gates_read(s);
    if (rv == CKR_OK)
        rv = code_fits(s, code);
    if (rv == CKR_OK)
        rv = code_may_go(s, code);
    token_end(s, TP_LEAVE);
    if (rv != CKR_OK)
        return rv;
    secret_free(op->code);
    op->code = secret_new(code.p, code.n);
    op->authenticated = op->code != NULL;
    return op->code != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV gates_permit(struct slot *s, struct operation *op)
{
    struct secret *code = op != NULL ? op->code : NULL;
    if (code == NULL)
        return CKR_USER_NOT_LOGGED_IN;
    op->code = NULL;
    op->authenticated = false;
    CK_RV rv = send_code(s, secret_view(code), NULL);
    secret_free(code);
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED ? CKR_USER_NOT_LOGGED_IN : rv;
}
