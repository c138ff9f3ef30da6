/* Transactions with the OATH applet, its access code, and what C_GetTokenInfo says of it. */
#include "core/otp.h"
#include "card/base/secret.h"
#include "core/content.h"
#include "core/login.h"
#include "core/pin.h"
#include "core/slot.h"
#include "core/token.h"
#include <stdio.h>
#include <string.h>

#define CODE_MAX 64   /* bytes of an access code */
#define ROUNDS   1000 /* YKOATH: the access key is PBKDF2-HMAC-SHA1 of the code, salted by the applet's id */

static enum err hmac_sha1(void *ctx, struct rd key, struct rd data, uint8_t out[20])
{
    struct host_mac *mac = NULL;
    size_t len;
    (void)ctx;
    if (host_mac_new(HOST_HMAC, HOST_SHA1, key.p, key.n, &mac) != HOST_OK)
        return E_MEMORY;
    bool ok =
        host_mac_update(mac, data.p, data.n) == HOST_OK && host_mac_final(mac, out, 20, &len) == HOST_OK;
    host_mac_free(mac);
    return ok ? E_OK : E_MEMORY;
}

static enum err random_bytes(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return host_random(out, n) == HOST_OK ? E_OK : E_MEMORY;
}

static const struct oath_crypto crypto = {NULL, hmac_sha1, random_bytes};

/* NULL: no memory. */
static struct secret *access_key(struct rd code, const struct oath_info *info)
{
    struct secret *key = secret_room(OATH_ACCESS_SIZE);
    struct host_bytes password = {code.p, code.n}, salt = {info->id, info->id_len};
    if (key != NULL &&
        host_pbkdf2(HOST_SHA1, password, salt, ROUNDS, secret_bytes(key), OATH_ACCESS_SIZE) != HOST_OK) {
        secret_free(key);
        return NULL;
    }
    return key;
}

/* ---- transactions ---- */

/* The applet is selected and not yet unlocked. After CKR_OK leave has to follow. */
static CK_RV begin(struct slot *s, struct oath_info *info)
{
    if (!slot_present(s))
        return CKR_TOKEN_NOT_PRESENT;
    CK_RV rv = token_take(s);
    if (rv != CKR_OK)
        return rv;
    /* What the first slot had selected and verified on the card is over. */
    s->piv->card.selected = SELECT_NONE;
    s->piv->verified = false;
    enum err e = oath_select(&s->card, info);
    if (e == E_OK)
        return CKR_OK;
    rv = token_rv(s, e);
    token_end(s, TP_LEAVE);
    if (e == E_NOT_PRESENT) {
        slot_without_oath(s);
        rv = CKR_TOKEN_NOT_PRESENT;
    }
    return rv;
}

/* A card that was unlocked is left with another applet selected, for nobody else to use. */
static enum tp_after withdraw(struct slot *s)
{
    struct oath_info fresh;
    if (s->module->settings.pin_shared)
        return TP_LEAVE;
    enum err e = s->piv->foreign ? E_NOT_PRESENT : piv_select(&s->card);
    if (e == E_NOT_PRESENT)
        e = oath_select(&s->card, &fresh);
    return e == E_OK ? TP_LEAVE : TP_RESET;
}

static CK_RV unlock(struct slot *s, const struct oath_info *info)
{
    struct rd key = secret_view(s->pin);
    if (s->login != LOGIN_USER || key.p == NULL)
        return CKR_USER_NOT_LOGGED_IN;
    enum err e = rd_is(rd_of(info->id, info->id_len), s->otp_id, s->otp_id_len)
                     ? oath_unlock(&s->card, &crypto, info, key)
                     : E_PIN_WRONG; /* another applet than the login was for: nothing is sent */
    if (e != E_PIN_WRONG && e != E_MALFORMED)
        return token_rv(s, e);
    login_forget(s);
    return CKR_USER_NOT_LOGGED_IN;
}

CK_RV otp_enter(struct slot *s, struct oath_info *info)
{
    CK_RV rv = begin(s, info);
    if (rv != CKR_OK || !info->locked)
        return rv;
    rv = unlock(s, info);
    if (rv != CKR_OK)
        token_end(s, TP_LEAVE);
    return rv;
}

void otp_leave(struct slot *s, const struct oath_info *info)
{
    token_end(s, info->locked ? withdraw(s) : TP_LEAVE);
}

/* ---- the token ---- */

/* The first slot knows the serial number, or asks for it: one number for both slots of a card. A card without
 * PIV has the applet's own. */
static CK_RV serial_number(struct slot *s, const struct oath_info *info, char out[17])
{
    struct slot *piv = s->piv;
    out[0] = '\0';
    slot_check(piv);
    if (!piv->identified && !piv->foreign) {
        CK_RV rv = token_begin(piv, TOKEN_PIV);
        if (rv == CKR_OK) {
            rv = token_rv(piv, token_identify(piv));
            token_end(piv, TP_LEAVE);
        }
        if (rv != CKR_OK && rv != CKR_TOKEN_NOT_RECOGNIZED)
            return rv;
    }
    token_serial(&piv->identity, out, 17);
    for (size_t i = 0; out[0] == '\0' && i < info->id_len && i < 8; i++)
        snprintf(out + 2 * i, 17 - 2 * i, "%02X", info->id[i]);
    return CKR_OK;
}

/* An applet without credentials and code is like a token that nobody initialised: programs that look for one
 * that is don't find two on a card that is used for PIV alone. */
static CK_RV is_empty(struct slot *s, const struct oath_info *applet, bool *empty)
{
    struct rd list;
    struct oath_credential first;
    *empty = false;
    if (applet->locked)
        return CKR_OK;
    CK_RV rv = token_rv(s, oath_list(&s->card, &list));
    *empty = rv == CKR_OK && !oath_list_next(&list, &first);
    return rv;
}

CK_RV otp_info(struct slot *s, CK_TOKEN_INFO *info)
{
    struct oath_info applet;
    char serial[17], label[33];
    bool empty;
    CK_RV rv = begin(s, &applet);
    if (rv != CKR_OK)
        return rv;
    rv = is_empty(s, &applet, &empty);
    token_end(s, TP_LEAVE);
    if (rv == CKR_OK)
        rv = serial_number(s, &applet, serial);
    if (rv != CKR_OK)
        return rv;
    snprintf(label, sizeof label, "Ingam %s (OTP)", serial);
    *info = (CK_TOKEN_INFO){
        .flags = (empty ? 0 : CKF_TOKEN_INITIALIZED) |
                 (applet.locked ? CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED : 0) |
                 (s->module->settings.pin_entry[0] != '\0' ? CKF_PROTECTED_AUTHENTICATION_PATH : 0),
        .ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulMaxPinLen = CODE_MAX,
        .ulMinPinLen = 1,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .firmwareVersion = {applet.version[0], applet.version[1]},
    };
    text_fill(info->label, sizeof info->label, label);
    text_fill(info->manufacturerID, sizeof info->manufacturerID, s->card.driver->name);
    text_fill(info->model, sizeof info->model, "OATH");
    text_fill(info->serialNumber, sizeof info->serialNumber, serial);
    text_fill(info->utcTime, sizeof info->utcTime, "");
    return CKR_OK;
}

/* ---- the access code ---- */

static CK_RV fits(struct rd code)
{
    return code.n == 0 || code.n > CODE_MAX ? CKR_PIN_LEN_RANGE : CKR_OK;
}

/* Proves the code to the selected applet, and the applet to us. *key is the caller's after CKR_OK. */
static CK_RV prove(struct slot *s, const struct oath_info *info, struct rd code, struct secret **key)
{
    *key = access_key(code, info);
    if (*key == NULL)
        return CKR_HOST_MEMORY;
    enum err e = oath_unlock(&s->card, &crypto, info, secret_view(*key));
    if (e == E_OK)
        return CKR_OK;
    secret_free(*key);
    *key = NULL;
    return token_rv(s, e);
}

static CK_RV keep(struct slot *s, const struct oath_info *info, struct secret *key)
{
    secret_free(s->pin);
    s->pin = key;
    memcpy(s->otp_id, info->id, info->id_len);
    s->otp_id_len = info->id_len;
    return CKR_OK;
}

CK_RV otp_login(struct slot *s, struct rd code)
{
    struct oath_info info;
    struct secret *key;
    CK_RV rv = fits(code);
    if (rv == CKR_OK)
        rv = begin(s, &info);
    if (rv != CKR_OK)
        return rv;
    rv = info.locked ? prove(s, &info, code, &key) : CKR_USER_PIN_NOT_INITIALIZED;
    token_end(s, rv == CKR_OK ? withdraw(s) : TP_LEAVE);
    if (rv != CKR_OK)
        return rv;
    s->login = LOGIN_USER;
    return keep(s, &info, key);
}

/* With the applet selected and, where it is locked, unlocked. */
static CK_RV set_code(struct slot *s, const struct oath_info *info, struct rd fresh)
{
    struct secret *key = access_key(fresh, info);
    if (key == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = token_rv(s, oath_set_access(&s->card, &crypto, secret_view(key)));
    s->info_time = 0;
    if (rv != CKR_OK) {
        secret_free(key);
        return rv;
    }
    shared_tell_written(s);
    content_forget(s); /* what was there for everybody isn't any more */
    if (s->login == LOGIN_USER)
        return keep(s, info, key);
    secret_free(key);
    return CKR_OK;
}

CK_RV otp_set_code(struct slot *s, struct rd old, struct rd fresh)
{
    struct oath_info info;
    struct secret *key = NULL;
    CK_RV rv = old.n > CODE_MAX ? CKR_PIN_LEN_RANGE : fits(fresh);
    if (rv == CKR_OK)
        rv = begin(s, &info);
    if (rv != CKR_OK)
        return rv;
    if (info.locked)
        rv = old.n == 0 ? CKR_PIN_INCORRECT : prove(s, &info, old, &key);
    else if (old.n != 0)
        rv = CKR_USER_PIN_NOT_INITIALIZED;
    bool unlocked = rv == CKR_OK;
    secret_free(key);
    if (rv == CKR_OK)
        rv = set_code(s, &info, fresh);
    token_end(s, unlocked ? withdraw(s) : TP_LEAVE);
    return rv;
}

CK_RV otp_init_code(struct slot *s, struct rd fresh)
{
    struct oath_info info;
    CK_RV rv = fits(fresh);
    if (rv == CKR_OK)
        rv = otp_enter(s, &info);
    if (rv != CKR_OK)
        return rv;
    rv = set_code(s, &info, fresh);
    token_end(s, withdraw(s));
    return rv;
}
