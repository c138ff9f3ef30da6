/* How PINs are kept, presented, withdrawn and refused. */
#include "card/base/secret.h"
#include "core/gate.h"
#include "core/keypad.h"
#include "core/otp.h"
#include "core/pin.h"
#include "core/slot.h"
#include "core/token.h"
#include <string.h>

#define STALE_US 5000000 /* a count of tries older than this is read again before a PIN is sent */
#define IDLE_US  1000000 /* a kept PIN unused for this long is presented only after looking at the tries */
#define PIN_MAX  8       /* SP 800-73-4 part 2, 3.2.1 */

void login_forget(struct slot *s)
{
    secret_free(s->pin);
    secret_free(s->ticket);
    s->pin = s->ticket = NULL;
    s->login = LOGIN_NONE;
    s->fresh = false;
    s->by_pad = false;
    s->so_by_puk = false;
}

/* ---- PINs that failed ---- */

static struct rd tag_key(struct slot *s)
{
    if (s->tag_key == NULL) {
        s->tag_key = secret_room(TAG_SIZE);
        if (s->tag_key != NULL && host_random(secret_bytes(s->tag_key), TAG_SIZE) != HOST_OK) {
            secret_free(s->tag_key);
            s->tag_key = NULL;
        }
    }
    return secret_view(s->tag_key);
}

/* What is kept of a failed PIN: nothing that would help to find it without the key, which is as well kept as
 * a PIN. */
bool pin_tag(struct slot *s, uint8_t ref, struct rd pin, uint8_t tag[TAG_SIZE])
{
    struct rd key = tag_key(s);
    struct host_mac *mac = NULL;
    size_t len;
    if (key.p == NULL || host_mac_new(HOST_HMAC, HOST_SHA256, key.p, key.n, &mac) != HOST_OK)
        return false;
    bool ok = host_mac_update(mac, &ref, 1) == HOST_OK && host_mac_update(mac, pin.p, pin.n) == HOST_OK &&
              host_mac_final(mac, tag, TAG_SIZE, &len) == HOST_OK;
    host_mac_free(mac);
    return ok;
}

void pin_remember_failure(struct slot *s, uint8_t ref, struct rd pin)
{
    if (token_identify(s) == E_OK)
        s->failed_identity = s->identity;
    if (!pin_tag(s, ref, pin, s->failed[s->failed_next]))
        return;
    s->failed_next = (s->failed_next + 1) % FAILED_PINS;
    if (s->failed_count < FAILED_PINS)
        s->failed_count++;
}

void pin_forgive(struct slot *s)
{
    s->failed_count = 0;
    s->failed_next = 0;
    s->failed_doubt = false;
}

/* Inside a transaction with PIV selected. */
CK_RV pin_check_failed(struct slot *s, uint8_t ref, struct rd pin)
{
    uint8_t tag[TAG_SIZE];
    if (s->failed_count == 0)
        return CKR_OK;
    if (s->failed_doubt) {
        enum err e = token_identify(s);
        if (e != E_OK)
            return token_rv(s, e);
        if (!card_identity_same(&s->identity, &s->failed_identity))
            pin_forgive(s);
        s->failed_doubt = false;
    }
    if (s->failed_count > 0 && !pin_tag(s, ref, pin, tag))
        return CKR_FUNCTION_FAILED;
    for (size_t i = 0; i < s->failed_count; i++)
        if (memcmp(s->failed[i], tag, TAG_SIZE) == 0) {
            log_line(LOG_PIN, "slot %lu: this PIN failed before; not sent", s->id);
            return CKR_PIN_INCORRECT;
        }
    return CKR_OK;
}

/* ---- presenting ---- */

CK_RV pin_check_tries(struct slot *s)
{
    bool known = s->tries >= 2 && now_us() - s->tries_time <= STALE_US;
    if (shared_pins_moved(s) || (!known && !shared_tries_full(s))) {
        /* A look at the tries is the time to learn who the card is, so that a reset doesn't end the login. */
        enum err e = token_identify(s);
        if (e == E_OK)
            e = token_tries(s);
        if (e != E_OK)
            return token_rv(s, e);
    }
    if (s->tries == 0)
        return CKR_PIN_LOCKED;
    if (s->tries == 1 && !s->module->settings.last_try) {
        log_line(LOG_PIN, "slot %lu: the last try is refused (INGAM_LAST_TRY)", s->id);
        return CKR_FUNCTION_REJECTED;
    }
    return CKR_OK;
}

CK_RV pin_result(struct slot *s, enum err e, int tries)
{
    if (e == E_OK) {
        s->tries = s->tries_total > 0 ? s->tries_total : -1;
        s->tries_time = s->pin_time = now_us();
        s->info_time = 0;
        return CKR_OK;
    }
    if (e == E_PIN_WRONG || e == E_PIN_BLOCKED) {
        s->tries = e == E_PIN_BLOCKED ? 0 : tries;
        s->tries_time = now_us();
        s->info_time = 0;
        shared_tell_pin(s, false, true);
        log_line(LOG_PIN, "slot %lu: wrong PIN, %d tries left", s->id, s->tries);
        return s->tries == 0 ? CKR_PIN_LOCKED : CKR_PIN_INCORRECT;
    }
    s->pin_time = 0; /* nobody knows whether it was taken: before it goes out again the tries are looked at */
    return token_rv(s, e);
}

/* ticket NULL: the PIN alone. */
static CK_RV verify(struct slot *s, struct rd pin, const struct secret *ticket)
{
    int tries = -1;
    enum err e = ticket == NULL ? piv_verify(&s->card, PIV_REF_PIN, pin, &tries)
                                : gate_verify(&s->card, pin, secret_view(ticket), &tries);
    if (ticket != NULL && e == E_NOT_FOUND) {
        log_line(LOG_PIN, "slot %lu: the code's ticket is over", s->id);
        return CKR_USER_NOT_LOGGED_IN;
    }
    CK_RV rv = pin_result(s, e, tries);
    if (e == E_PIN_WRONG || e == E_PIN_BLOCKED)
        pin_remember_failure(s, PIV_REF_PIN, pin);
    return rv;
}

CK_RV pin_verify(struct slot *s, struct rd pin)
{
    return verify(s, pin, NULL);
}

enum tp_after login_withdraw(struct slot *s)
{
    enum piv_forgot how = PIV_FORGOT_VERIFY;
    if (s->module->settings.pin_shared)
        return TP_LEAVE;
    enum err e = piv_forget(&s->card, &how);
    /* A card that can't be told to forget is reset: other programs notice, but none inherits the PIN. */
    return e != E_OK || how == PIV_FORGOT_RESET_NEEDED ? TP_RESET : TP_LEAVE;
}

enum tp_after login_leave(struct slot *s)
{
    enum piv_forgot how = PIV_FORGOT_RESET_NEEDED;
    enum err e = piv_leave(&s->card, &how);
    s->verified = false;
    return e != E_OK || how == PIV_FORGOT_RESET_NEEDED ? TP_RESET : TP_LEAVE;
}

/* pin NULL: it is typed at the reader. */
static CK_RV verify_once(struct slot *s, const struct rd *pin)
{
    if (pin != NULL && (pin->n == 0 || pin->n > PIN_MAX))
        return CKR_PIN_LEN_RANGE;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    enum tp_after after = TP_LEAVE;
    if (pin != NULL)
        rv = pin_check_failed(s, PIV_REF_PIN, *pin);
    if (rv == CKR_OK)
        rv = pin_check_tries(s);
    if (rv == CKR_OK) {
        rv = pin != NULL ? verify(s, *pin, NULL) : keypad_verify(s);
        if (rv == CKR_OK)
            after = login_withdraw(s);
    }
    s->verified = rv == CKR_OK && s->module->settings.pin_shared;
    token_end(s, after);
    return rv;
}

CK_RV pin_keep(struct slot *s, struct rd pin)
{
    struct secret *copy = secret_new(pin.p, pin.n);
    if (copy == NULL)
        return CKR_HOST_MEMORY;
    secret_free(s->pin);
    s->pin = copy;
    s->by_pad = false;
    return CKR_OK;
}

static void begin_login(struct slot *s)
{
    s->login = LOGIN_USER;
    s->fresh = true;
    s->identity_due = false;
    pin_forgive(s);
}

CK_RV login_user(struct slot *s, struct rd pin)
{
    if (s->piv != NULL)
        return otp_login(s, pin);
    struct rd own = pin;
    CK_RV rv = gates_is_both(pin) ? gates_login(s, pin, &own) : verify_once(s, &pin);
    if (rv == CKR_OK)
        rv = pin_keep(s, own);
    if (rv == CKR_OK)
        begin_login(s);
    return rv;
}

CK_RV login_user_at_pad(struct slot *s)
{
    CK_RV rv = verify_once(s, NULL);
    if (rv == CKR_OK) {
        begin_login(s);
        s->by_pad = true;
    }
    return rv;
}

static bool wants_code(const struct operation *op)
{
    const struct card_key *k = op->key->card_key;
    return k != NULL && k->gate == GATE_ALWAYS;
}

/* The PIN that is kept and known to be right needs no second journey; any other one is tried on the card. */
CK_RV login_context(struct slot *s, struct operation *op, struct rd pin)
{
    CK_RV rv = CKR_OK;
    if (wants_code(op))
        return gates_context(s, op, pin);
    if (!secret_equal(secret_view(s->pin), pin)) {
        rv = verify_once(s, &pin);
        if (rv == CKR_OK)
            rv = pin_keep(s, pin);
    }
    op->authenticated = rv == CKR_OK;
    return rv;
}

CK_RV login_context_at_pad(struct slot *s, struct operation *op)
{
    if (wants_code(op))
        return CKR_FUNCTION_NOT_SUPPORTED; /* the reader knows PINs only */
    CK_RV rv = s->by_pad ? CKR_OK : verify_once(s, NULL);
    op->authenticated = rv == CKR_OK;
    return rv;
}

/* After a reset the card could be another one: only its identity tells. */
CK_RV pin_same_card(struct slot *s)
{
    struct card_identity now;
    if (!s->identity_due)
        return CKR_OK;
    if (!s->identified)
        return CKR_USER_NOT_LOGGED_IN;
    enum err e = piv_identity(&s->card, &now);
    if (e != E_OK)
        return token_rv(s, e);
    if (!card_identity_same(&now, &s->identity))
        return CKR_USER_NOT_LOGGED_IN;
    s->identity_due = false;
    return CKR_OK;
}

/* The tries have to be where this process left them, or somebody else failed or changed the PIN meanwhile. On
 * a card that tells them by metadata this costs nothing: PIV's answer shows at once that PIV is selected. */
static CK_RV tries_unmoved(struct slot *s, bool was_reset)
{
    bool moved = shared_pins_moved(s);
    if (s->sure && !was_reset && !moved && now_us() - s->pin_time < IDLE_US)
        return CKR_OK;
    enum err e;
    int left = s->tries_total > 0 ? s->tries_total : 3; /* as cards are delivered */
    do
        e = token_tries(s);
    while (token_again(s, &e));
    if (e != E_OK)
        return token_rv(s, e);
    if (s->tries >= 0 && (s->tries < left || s->tries < 2)) {
        log_line(LOG_PIN, "slot %lu: %d tries left instead of %d: the kept PIN is dropped", s->id, s->tries,
                 left);
        return CKR_USER_NOT_LOGGED_IN;
    }
    return CKR_OK;
}

/* What presents the PIN once PIV is selected and the card is known to be the one of the login. */
static CK_RV present(struct slot *s, bool was_reset, const struct secret *ticket)
{
    CK_RV rv = s->by_pad ? pin_check_tries(s) : tries_unmoved(s, was_reset);
    if (rv != CKR_OK)
        return rv;
    if (!s->by_pad)
        return verify(s, secret_view(s->pin), ticket);
    rv = keypad_verify(s);
    return rv == CKR_PIN_LEN_RANGE ? CKR_FUNCTION_CANCELED : rv; /* too short: the reader sent nothing */
}

static CK_RV present_with(struct slot *s, const struct secret *ticket)
{
    bool was_reset = s->identity_due;
    bool select = was_reset || s->by_pad; /* after a reset the card's identity comes before anything else */
    if (s->login != LOGIN_USER || (secret_view(s->pin).p == NULL && !s->by_pad))
        return CKR_USER_NOT_LOGGED_IN;
    if (s->module->settings.pin_shared && s->verified)
        return CKR_OK;
    CK_RV rv = select && !s->sure ? token_rv(s, piv_ensure(&s->card)) : CKR_OK;
    s->sure = s->sure || select;
    if (rv == CKR_OK)
        rv = pin_same_card(s);
    if (rv == CKR_OK)
        rv = present(s, was_reset, ticket);
    bool mistyped = s->by_pad && rv == CKR_PIN_INCORRECT; /* nothing that is kept has turned out wrong */
    if (!mistyped && (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_USER_NOT_LOGGED_IN)) {
        login_forget(s);
        rv = CKR_USER_NOT_LOGGED_IN;
    }
    s->verified = rv == CKR_OK && s->module->settings.pin_shared;
    return rv;
}

CK_RV login_present(struct slot *s)
{
    return present_with(s, NULL);
}

CK_RV login_present_ticket(struct slot *s)
{
    return s->ticket == NULL ? CKR_USER_NOT_LOGGED_IN : present_with(s, s->ticket);
}

void login_release(struct slot *s)
{
    gates_release(s);
    if (s->verified && token_begin(s, TOKEN_PIV) == CKR_OK) {
        enum piv_forgot how = PIV_FORGOT_VERIFY;
        enum err e = piv_forget(&s->card, &how);
        token_end(s, e != E_OK || how == PIV_FORGOT_RESET_NEEDED ? TP_RESET : TP_LEAVE);
    }
    s->verified = false;
    login_forget(s);
}
