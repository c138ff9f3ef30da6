/* The SO: the management key in hex, or the PUK; and the changing of PINs, PUKs and management keys. */
#include "card/base/secret.h"
#include "card/piv/admin.h"
#include "card/piv/adminpin.h"
#include "core/content.h"
#include "core/facts.h"
#include "core/keypad.h"
#include "core/otp.h"
#include "core/pin.h"
#include "core/slot.h"
#include "core/token.h"
#include <string.h>

#define PIN_MAX 8 /* SP 800-73-4 part 2, 3.2.1 */

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

/* A user's login is enough on a card whose management key is kept behind the PIN, as ykman does it. */
static CK_RV admin_by_pin(struct slot *s)
{
    struct secret *key = NULL;
    CK_RV rv = login_present(s);
    if (rv != CKR_OK)
        return rv;
    enum err e = piv_adminpin_key(&s->card, &key);
    if (e == E_OK)
        e = piv_admin_any(&s->card, &crypto, secret_view(key), NULL);
    secret_free(key);
    rv = e == E_NOT_FOUND || e == E_AUTH_NEEDED ? CKR_USER_NOT_LOGGED_IN : token_rv(s, e);
    if (rv != CKR_OK)
        s->admin_after = login_leave(s);
    return rv;
}

/* A card that nothing identifies is reset by ourselves where it has no other applet: within one insertion it
 * is the same. The key is not shown to it but proved, and no try is used up. */
static CK_RV same_card(struct slot *s)
{
    bool nameless = !s->identified || s->identity.kind == IDENTITY_NONE;
    if (s->own_reset && nameless)
        s->identity_due = false;
    s->own_reset = false;
    return pin_same_card(s);
}

CK_RV login_admin(struct slot *s)
{
    struct rd key = secret_view(s->pin);
    s->admin_after = TP_LEAVE;
    if (s->login == LOGIN_USER)
        return admin_by_pin(s);
    if (s->login != LOGIN_SO || s->so_by_puk || key.p == NULL)
        return CKR_USER_NOT_LOGGED_IN;
    CK_RV rv = same_card(s);
    if (rv != CKR_OK)
        return rv;
    rv = token_rv(s, piv_admin_any(&s->card, &crypto, key, NULL));
    if (rv != CKR_OK)
        s->admin_after = login_leave(s);
    return rv;
}

static CK_RV so_by_key(struct slot *s, struct rd hex)
{
    struct secret *key = from_hex(hex);
    if (key == NULL)
        return CKR_PIN_INCORRECT;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv == CKR_OK) {
        enum err e = token_identify(s); /* so that a reset by others doesn't end the login */
        if (e == E_OK)
            e = piv_admin_any(&s->card, &crypto, secret_view(key), NULL);
        rv = token_rv(s, e);
        token_end(s, login_leave(s));
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
    rv = pin_check_failed(s, PIV_REF_PUK, puk);
    if (rv == CKR_OK) {
        enum err e = piv_change(&s->card, PIV_REF_PUK, puk, puk, &tries);
        if (e == E_PIN_WRONG)
            pin_remember_failure(s, PIV_REF_PUK, puk);
        rv = token_rv(s, e);
    }
    token_end(s, TP_LEAVE);
    if (rv == CKR_OK)
        rv = pin_keep(s, puk);
    if (rv == CKR_OK)
        s->so_by_puk = true;
    return rv;
}

CK_RV login_so(struct slot *s, struct rd pin)
{
    bool key = pin.n == 32 || pin.n == 48 || pin.n == 64;
    if (s->piv != NULL)
        return CKR_USER_TYPE_INVALID;
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
    rv = pin_check_failed(s, ref, old);
    if (rv == CKR_OK && ref == PIV_REF_PIN)
        rv = pin_check_tries(s);
    if (rv == CKR_OK) {
        enum err e = piv_change(&s->card, ref, old, fresh, &tries);
        if (e == E_PIN_WRONG)
            pin_remember_failure(s, ref, old);
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
        pin_forgive(s);
    return rv;
}

/* Which cipher a new management key is for: the card's own when the length fits, else AES of that length. */
static const struct piv_cipher *cipher_for(const struct piv_cipher *now, size_t len)
{
    const struct piv_cipher *c;
    if (now != NULL && now->key == len)
        return now;
    for (size_t i = 0; (c = piv_cipher_at(i)) != NULL; i++)
        if (c->key == len && c->block == 16)
            return c;
    return NULL;
}

static CK_RV change_key(struct slot *s, struct rd old_hex, struct rd fresh_hex)
{
    const struct piv_cipher *now = NULL;
    struct secret *old = from_hex(old_hex), *fresh = from_hex(fresh_hex);
    CK_RV rv = old == NULL || !secret_equal(secret_view(old), secret_view(s->pin)) ? CKR_PIN_INCORRECT
               : fresh == NULL                                                     ? CKR_PIN_INVALID
                                                                                   : CKR_OK;
    if (rv == CKR_OK)
        rv = token_begin(s, TOKEN_PIV);
    if (rv == CKR_OK) {
        rv = token_rv(s, piv_admin_any(&s->card, &crypto, secret_view(old), &now));
        const struct piv_cipher *cipher = cipher_for(now, secret_view(fresh).n);
        if (rv == CKR_OK)
            rv = cipher == NULL ? CKR_PIN_LEN_RANGE
                                : token_rv(s, driver_set_admin(&s->card, cipher, secret_view(fresh), false));
        token_end(s, login_leave(s));
    }
    secret_free(old);
    if (rv != CKR_OK) {
        secret_free(fresh);
        return rv;
    }
    secret_free(s->pin);
    s->pin = fresh;
    return CKR_OK;
}

static bool is_key_hex(struct rd pin)
{
    return pin.n == 32 || pin.n == 48 || pin.n == 64;
}

CK_RV login_set_pin(struct slot *s, struct rd old, struct rd fresh)
{
    bool so = s->login == LOGIN_SO;
    if (s->piv != NULL)
        return otp_set_code(s, old, fresh);
    if (so && !s->so_by_puk && is_key_hex(old))
        return is_key_hex(fresh) ? change_key(s, old, fresh) : CKR_PIN_LEN_RANGE;
    if (old.n == 0 || old.n > PIN_MAX || fresh.n < 6 || fresh.n > PIN_MAX)
        return CKR_PIN_LEN_RANGE;
    CK_RV rv = change(s, so ? PIV_REF_PUK : PIV_REF_PIN, old, fresh);
    if (rv == CKR_OK && (so ? s->so_by_puk : s->login == LOGIN_USER))
        rv = pin_keep(s, fresh);
    return rv;
}

CK_RV login_set_pin_at_pad(struct slot *s)
{
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    enum tp_after after = TP_LEAVE;
    rv = pin_check_tries(s);
    if (rv == CKR_OK)
        rv = keypad_change(s);
    if (rv == CKR_OK) {
        after = login_withdraw(s);
        shared_tell_pin(s, false, true);
        pin_forgive(s);
    }
    token_end(s, after);
    /* A PIN that was kept is the old one. */
    if (rv == CKR_OK && s->login == LOGIN_USER) {
        secret_free(s->pin);
        s->pin = NULL;
        s->by_pad = true;
    }
    return rv;
}

CK_RV login_may_init_pin(const struct slot *s)
{
    if (s->piv != NULL)
        return CKR_OK; /* otp_init_code asks the card */
    return s->login != LOGIN_SO ? CKR_USER_NOT_LOGGED_IN : s->so_by_puk ? CKR_OK : CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV login_init_pin(struct slot *s, struct rd fresh)
{
    int tries;
    if (s->piv != NULL)
        return otp_init_code(s, fresh);
    CK_RV rv = login_may_init_pin(s);
    if (rv == CKR_OK && (fresh.n < 6 || fresh.n > PIN_MAX))
        rv = CKR_PIN_LEN_RANGE;
    if (rv == CKR_OK)
        rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    rv = pin_same_card(s);
    if (rv == CKR_OK) {
        enum err e = piv_unblock(&s->card, PIV_REF_PIN, secret_view(s->pin), fresh, &tries);
        rv = e == E_REFUSED || e == E_CONDITIONS ? CKR_PIN_INVALID : token_rv(s, e);
        shared_tell_pin(s, false, true);
        s->info_time = 0;
        s->tries = -1;
    }
    token_end(s, TP_LEAVE);
    if (rv == CKR_OK)
        pin_forgive(s);
    return rv;
}

/* ---- C_InitToken ---- */

/* Wrong values that nobody chose use the tries up: a card is reset only when PIN and PUK are blocked. */
static CK_RV block(struct slot *s, uint8_t ref)
{
    enum err e = E_PIN_WRONG;
    int tries;
    for (int i = 0; i < 256 && e == E_PIN_WRONG; i++) {
        uint8_t wrong[PIN_MAX];
        if (host_random(wrong, sizeof wrong) != HOST_OK)
            return CKR_FUNCTION_FAILED;
        for (size_t j = 0; j < sizeof wrong; j++)
            wrong[j] = (uint8_t)('A' + wrong[j] % 26);
        struct rd value = rd_of(wrong, sizeof wrong);
        e = ref == PIV_REF_PIN ? piv_verify(&s->card, ref, value, &tries)
                               : piv_change(&s->card, ref, value, value, &tries);
    }
    return e == E_PIN_BLOCKED ? CKR_OK : e == E_PIN_WRONG ? CKR_DEVICE_ERROR : token_rv(s, e);
}

/* Inside a transaction, on a card just reset: its factory management key writes the label. */
static CK_RV write_name(struct slot *s, struct rd label)
{
    static const uint8_t factory[] = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    CK_RV rv = token_rv(s, token_identify(s));
    if (rv == CKR_OK)
        rv = content_history(s);
    if (rv != CKR_OK || label.n == 0)
        return rv;
    rv = token_rv(s, piv_admin_any(&s->card, &crypto, rd_of(factory, sizeof factory), NULL));
    if (rv != CKR_OK)
        return rv;
    facts_set_name(s, label);
    rv = facts_write(s);
    if (rv == CKR_OK)
        shared_tell_name(s);
    return rv;
}

static CK_RV reset_card(struct slot *s, struct rd key)
{
    enum err e = driver_needs(&s->card, CAP_RESET);
    CK_RV rv = e == E_UNSUPPORTED ? CKR_FUNCTION_NOT_SUPPORTED : token_rv(s, e);
    if (rv == CKR_OK)
        rv = token_rv(s, piv_admin_any(&s->card, &crypto, key, NULL));
    if (rv == CKR_OK)
        rv = block(s, PIV_REF_PIN);
    if (rv == CKR_OK)
        rv = block(s, PIV_REF_PUK);
    return rv == CKR_OK ? token_rv(s, driver_reset(&s->card)) : rv;
}

CK_RV login_init_token(struct slot *s, struct rd so_pin, struct rd label)
{
    if (s->piv != NULL)
        return CKR_FUNCTION_NOT_SUPPORTED;
    if (!facts_name(&label))
        return CKR_ARGUMENTS_BAD;
    struct secret *key = is_key_hex(so_pin) ? from_hex(so_pin) : NULL;
    if (key == NULL)
        return CKR_PIN_INCORRECT;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv == CKR_OK) {
        rv = reset_card(s, secret_view(key));
        content_forget(s);
        token_forget_identity(s);
        if (rv == CKR_OK)
            rv = write_name(s, label);
        shared_tell_pin(s, false, true);
        shared_tell_written(s);
        token_end(s, login_leave(s));
    }
    secret_free(key);
    if (rv == CKR_OK) {
        pin_forgive(s);
        s->tries = -1;
    }
    return rv;
}
