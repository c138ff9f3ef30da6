/* How PINs are kept, presented, withdrawn and refused. */
#include "core/login.h"
#include "card/base/secret.h"
#include "card/piv/admin.h"
#include "core/slot.h"
#include "core/token.h"
#include <string.h>

#define STALE_US 5000000 /* a count of tries older than this is read again before a PIN is sent */
#define IDLE_US  1000000 /* a kept PIN unused for this long is presented only after looking at the tries */
#define PIN_MAX  8       /* SP 800-73-4 part 2, 3.2.1 */

void login_forget(struct slot *s)
{
    secret_free(s->pin);
    s->pin = NULL;
    s->login = LOGIN_NONE;
    s->fresh = false;
    s->so_by_puk = false;
}

/* ---- PINs that failed ---- */

static struct rd tag_key(struct module *m)
{
    if (m->tag_key == NULL) {
        m->tag_key = secret_room(TAG_SIZE);
        if (m->tag_key != NULL && host_random(secret_bytes(m->tag_key), TAG_SIZE) != HOST_OK) {
            secret_free(m->tag_key);
            m->tag_key = NULL;
        }
    }
    return secret_view(m->tag_key);
}

/* What is kept of a failed PIN: nothing that would help to find it without the key, which is as well kept as
 * a PIN. */
static bool tag_of(struct slot *s, uint8_t ref, struct rd pin, uint8_t tag[TAG_SIZE])
{
    struct rd key = tag_key(s->module);
    struct host_mac *mac = NULL;
    size_t len;
    if (key.p == NULL || host_mac_new(HOST_HMAC, HOST_SHA256, key.p, key.n, &mac) != HOST_OK)
        return false;
    bool ok = host_mac_update(mac, &ref, 1) == HOST_OK && host_mac_update(mac, pin.p, pin.n) == HOST_OK &&
              host_mac_final(mac, tag, TAG_SIZE, &len) == HOST_OK;
    host_mac_free(mac);
    return ok;
}

static void remember_failure(struct slot *s, uint8_t ref, struct rd pin)
{
    if (token_identify(s) == E_OK)
        s->failed_identity = s->identity;
    if (!tag_of(s, ref, pin, s->failed[s->failed_next]))
        return;
    s->failed_next = (s->failed_next + 1) % FAILED_PINS;
    if (s->failed_count < FAILED_PINS)
        s->failed_count++;
}

static void forgive(struct slot *s)
{
    s->failed_count = 0;
    s->failed_next = 0;
    s->failed_doubt = false;
}

/* Inside a transaction with PIV selected. */
static CK_RV check_failed(struct slot *s, uint8_t ref, struct rd pin)
{
    uint8_t tag[TAG_SIZE];
    if (s->failed_count == 0)
        return CKR_OK;
    if (s->failed_doubt) {
        enum err e = token_identify(s);
        if (e != E_OK)
            return token_rv(s, e);
        if (!card_identity_same(&s->identity, &s->failed_identity))
            forgive(s);
        s->failed_doubt = false;
    }
    if (s->failed_count > 0 && !tag_of(s, ref, pin, tag))
        return CKR_FUNCTION_FAILED;
    for (size_t i = 0; i < s->failed_count; i++)
        if (memcmp(s->failed[i], tag, TAG_SIZE) == 0) {
            log_line(LOG_PIN, "slot %lu: this PIN failed before; not sent", s->id);
            return CKR_PIN_INCORRECT;
        }
    return CKR_OK;
}

/* ---- presenting ---- */

static CK_RV check_tries(struct slot *s)
{
    bool known = s->tries >= 2 && now_us() - s->tries_time <= STALE_US;
    if (shared_pins_moved(s) || (!known && !shared_tries_full(s))) {
        enum err e = token_tries(s);
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

/* Sends the PIN once. */
static CK_RV verify(struct slot *s, struct rd pin)
{
    int tries = -1;
    enum err e = piv_verify(&s->card, PIV_REF_PIN, pin, &tries);
    if (e == E_OK) {
        s->tries = s->tries_total > 0 ? s->tries_total : -1;
        s->tries_time = s->pin_time = now_us();
        return CKR_OK;
    }
    if (e == E_PIN_WRONG || e == E_PIN_BLOCKED) {
        s->tries = e == E_PIN_BLOCKED ? 0 : tries;
        s->tries_time = now_us();
        s->info_time = 0;
        shared_tell_pin(s, false, true);
        remember_failure(s, PIV_REF_PIN, pin);
        log_line(LOG_PIN, "slot %lu: wrong PIN, %d tries left", s->id, s->tries);
        return s->tries == 0 ? CKR_PIN_LOCKED : CKR_PIN_INCORRECT;
    }
    return token_rv(s, e);
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

static CK_RV verify_once(struct slot *s, struct rd pin)
{
    if (pin.n == 0 || pin.n > PIN_MAX)
        return CKR_PIN_LEN_RANGE;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    enum tp_after after = TP_LEAVE;
    rv = check_failed(s, PIV_REF_PIN, pin);
    if (rv == CKR_OK)
        rv = check_tries(s);
    if (rv == CKR_OK) {
        rv = verify(s, pin);
        if (rv == CKR_OK)
            after = login_withdraw(s);
    }
    s->verified = rv == CKR_OK && s->module->settings.pin_shared;
    token_end(s, after);
    return rv;
}

static CK_RV keep(struct slot *s, struct rd pin)
{
    struct secret *copy = secret_new(pin.p, pin.n);
    if (copy == NULL)
        return CKR_HOST_MEMORY;
    secret_free(s->pin);
    s->pin = copy;
    return CKR_OK;
}

CK_RV login_user(struct slot *s, struct rd pin)
{
    CK_RV rv = verify_once(s, pin);
    if (rv == CKR_OK)
        rv = keep(s, pin);
    if (rv == CKR_OK) {
        s->login = LOGIN_USER;
        s->fresh = true;
        s->identity_due = false;
        forgive(s);
    }
    return rv;
}

/* The PIN that is kept and known to be right needs no second journey; any other one is tried on the card. */
CK_RV login_context(struct slot *s, struct operation *op, struct rd pin)
{
    CK_RV rv = CKR_OK;
    if (!secret_equal(secret_view(s->pin), pin)) {
        rv = verify_once(s, pin);
        if (rv == CKR_OK)
            rv = keep(s, pin);
    }
    op->authenticated = rv == CKR_OK;
    return rv;
}

/* After a reset the card could be another one: only its identity tells. */
static CK_RV same_card(struct slot *s)
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
    int left = s->tries_total;
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

CK_RV login_present(struct slot *s)
{
    struct rd pin = secret_view(s->pin);
    bool was_reset = s->identity_due;
    if (s->login != LOGIN_USER || pin.p == NULL)
        return CKR_USER_NOT_LOGGED_IN;
    if (s->module->settings.pin_shared && s->verified)
        return CKR_OK;
    /* After a reset the card's identity comes before anything else. */
    CK_RV rv = was_reset && !s->sure ? token_rv(s, piv_ensure(&s->card)) : CKR_OK;
    s->sure = s->sure || was_reset;
    if (rv == CKR_OK)
        rv = same_card(s);
    if (rv == CKR_OK)
        rv = tries_unmoved(s, was_reset);
    if (rv == CKR_OK)
        rv = verify(s, pin);
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_USER_NOT_LOGGED_IN) {
        login_forget(s);
        rv = CKR_USER_NOT_LOGGED_IN;
    }
    s->verified = rv == CKR_OK && s->module->settings.pin_shared;
    return rv;
}

void login_release(struct slot *s)
{
    if (s->verified && token_begin(s, TOKEN_PIV) == CKR_OK) {
        enum piv_forgot how = PIV_FORGOT_VERIFY;
        enum err e = piv_forget(&s->card, &how);
        token_end(s, e != E_OK || how == PIV_FORGOT_RESET_NEEDED ? TP_RESET : TP_LEAVE);
    }
    s->verified = false;
    login_forget(s);
}

/* ---- the SO ---- */

static enum err crypt(bool encrypt, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                      uint8_t *out)
{
    static const struct {
        uint8_t id;
        enum host_block block;
    } ciphers[] = {{0x03, HOST_3DES}, {0x08, HOST_AES128}, {0x0A, HOST_AES192}, {0x0C, HOST_AES256}};
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
        if (ciphers[i].id == cipher->id)
            return host_block_crypt(ciphers[i].block, encrypt, key.p, in, out, cipher->block) == HOST_OK
                       ? E_OK
                       : E_MEMORY;
    return E_UNSUPPORTED;
}

static enum err encrypt(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                        uint8_t *out)
{
    (void)ctx;
    return crypt(true, cipher, key, in, out);
}

static enum err decrypt(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                        uint8_t *out)
{
    (void)ctx;
    return crypt(false, cipher, key, in, out);
}

static enum err random_bytes(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return host_random(out, n) == HOST_OK ? E_OK : E_MEMORY;
}

static const struct piv_crypto crypto = {NULL, encrypt, decrypt, random_bytes};

static int nibble(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* NULL: no memory, or not hex. */
static struct secret *from_hex(struct rd hex)
{
    struct secret *s = secret_room(hex.n / 2);
    uint8_t *out = secret_bytes(s);
    for (size_t i = 0; out != NULL && i + 1 < hex.n; i += 2) {
        int high = nibble(hex.p[i]), low = nibble(hex.p[i + 1]);
        if (high < 0 || low < 0) {
            secret_free(s);
            return NULL;
        }
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return s;
}

CK_RV login_admin(struct slot *s)
{
    struct rd key = secret_view(s->pin);
    if (s->login != LOGIN_SO || s->so_by_puk || key.p == NULL)
        return CKR_USER_NOT_LOGGED_IN;
    CK_RV rv = same_card(s);
    return rv != CKR_OK ? rv : token_rv(s, piv_admin_any(&s->card, &crypto, key, NULL));
}

static CK_RV so_by_key(struct slot *s, struct rd hex)
{
    struct secret *key = from_hex(hex);
    if (key == NULL)
        return CKR_PIN_INCORRECT;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv == CKR_OK) {
        rv = token_rv(s, piv_admin_any(&s->card, &crypto, secret_view(key), NULL));
        token_end(s, TP_LEAVE);
    }
    if (rv != CKR_OK) {
        secret_free(key);
        return rv;
    }
    secret_free(s->pin);
    s->pin = key;
    return CKR_OK;
}

/* A PUK is proved by changing it to itself: PIV has no other way. */
static CK_RV so_by_puk(struct slot *s, struct rd puk)
{
    int tries = -1;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    rv = check_failed(s, PIV_REF_PUK, puk);
    if (rv == CKR_OK) {
        enum err e = piv_change(&s->card, PIV_REF_PUK, puk, puk, &tries);
        if (e == E_PIN_WRONG)
            remember_failure(s, PIV_REF_PUK, puk);
        rv = token_rv(s, e);
    }
    token_end(s, TP_LEAVE);
    if (rv == CKR_OK)
        rv = keep(s, puk);
    if (rv == CKR_OK)
        s->so_by_puk = true;
    return rv;
}

CK_RV login_so(struct slot *s, struct rd pin)
{
    bool key = pin.n == 32 || pin.n == 48 || pin.n == 64;
    if (!key && (pin.n == 0 || pin.n > PIN_MAX))
        return CKR_PIN_LEN_RANGE;
    CK_RV rv = key ? so_by_key(s, pin) : so_by_puk(s, pin);
    if (rv == CKR_OK) {
        s->login = LOGIN_SO;
        s->identity_due = false;
    }
    return rv;
}

/* ---- changing ---- */

static CK_RV change(struct slot *s, uint8_t ref, struct rd old, struct rd fresh)
{
    int tries = -1;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    enum tp_after after = TP_LEAVE;
    rv = check_failed(s, ref, old);
    if (rv == CKR_OK && ref == PIV_REF_PIN)
        rv = check_tries(s);
    if (rv == CKR_OK) {
        enum err e = piv_change(&s->card, ref, old, fresh, &tries);
        if (e == E_PIN_WRONG)
            remember_failure(s, ref, old);
        if (ref == PIV_REF_PIN && (e == E_PIN_WRONG || e == E_PIN_BLOCKED))
            s->tries = e == E_PIN_BLOCKED ? 0 : tries;
        rv = e == E_REFUSED || e == E_CONDITIONS ? CKR_PIN_INVALID : token_rv(s, e);
        if (ref == PIV_REF_PIN) {
            shared_tell_pin(s, false, true);
            s->info_time = 0;
        }
        if (rv == CKR_OK && ref == PIV_REF_PIN)
            after = login_withdraw(s);
    }
    token_end(s, after);
    if (rv == CKR_OK)
        forgive(s);
    return rv;
}

CK_RV login_set_pin(struct slot *s, struct rd old, struct rd fresh)
{
    bool puk = s->login == LOGIN_SO;
    if (old.n == 0 || old.n > PIN_MAX || fresh.n < 6 || fresh.n > PIN_MAX)
        return CKR_PIN_LEN_RANGE;
    CK_RV rv = change(s, puk ? PIV_REF_PUK : PIV_REF_PIN, old, fresh);
    if (rv == CKR_OK && (puk ? s->so_by_puk : s->login == LOGIN_USER))
        rv = keep(s, fresh);
    return rv;
}

CK_RV login_init_pin(struct slot *s, struct rd fresh)
{
    int tries;
    if (s->login != LOGIN_SO)
        return CKR_USER_NOT_LOGGED_IN;
    if (!s->so_by_puk)
        return CKR_FUNCTION_NOT_SUPPORTED;
    if (fresh.n < 6 || fresh.n > PIN_MAX)
        return CKR_PIN_LEN_RANGE;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    rv = same_card(s);
    if (rv == CKR_OK) {
        enum err e = piv_unblock(&s->card, PIV_REF_PIN, secret_view(s->pin), fresh, &tries);
        rv = e == E_REFUSED || e == E_CONDITIONS ? CKR_PIN_INVALID : token_rv(s, e);
        shared_tell_pin(s, false, true);
        s->info_time = 0;
        s->tries = -1;
    }
    token_end(s, TP_LEAVE);
    if (rv == CKR_OK)
        forgive(s);
    return rv;
}
