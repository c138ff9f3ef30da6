/* Credentials of the OATH applet as objects: listed, used, put, renamed and deleted. */
#include "card/base/secret.h"
#include "core/content.h"
#include "core/otp.h"
#include "core/slot.h"
#include "core/token.h"
#include "core/touch.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CREDENTIALS_MAX 256 /* more than any applet has room for */
#define PERIOD          30  /* seconds; another one stands in the name */
#define PERIOD_MAX      86400

static const struct {
    enum oath_hash card;
    CK_MECHANISM_TYPE mechanism;
    enum host_hash host;
} hashes[] = {
    {OATH_SHA1, CKM_SHA_1, HOST_SHA1},
    {OATH_SHA256, CKM_SHA256, HOST_SHA256},
    {OATH_SHA512, CKM_SHA512, HOST_SHA512},
};
#define HASHES (sizeof hashes / sizeof hashes[0])

/* ---- names ---- */

/* What a name on the card says: "issuer:account", and before that "period/" where it isn't 30 seconds. */
struct name {
    unsigned long period;
    struct rd label, issuer, account;
};

static struct name name_of(struct rd card, bool totp)
{
    struct name n = {.period = PERIOD, .label = card};
    unsigned long period = 0;
    size_t i = 0;
    while (totp && i < card.n && i < 6 && card.p[i] >= '0' && card.p[i] <= '9')
        period = period * 10 + (unsigned long)(card.p[i++] - '0');
    if (i > 0 && i + 1 < card.n && card.p[i] == '/' && period > 0 && period <= PERIOD_MAX) {
        n.period = period;
        n.label = rd_of(card.p + i + 1, card.n - i - 1);
    }
    n.account = n.label;
    const uint8_t *colon = n.label.n > 0 ? memchr(n.label.p, ':', n.label.n) : NULL;
    if (colon != NULL && colon != n.label.p && colon + 1 != n.label.p + n.label.n) {
        n.issuer = rd_of(n.label.p, (size_t)(colon - n.label.p));
        n.account = rd_of(colon + 1, n.label.n - n.issuer.n - 1);
    }
    return n;
}

static bool same(struct rd a, struct rd b)
{
    return a.n == b.n && (a.n == 0 || rd_is(a, b.p, b.n));
}

/* The name of these parts; it has to be read back as the same ones. */
static bool make_name(struct name n, bool totp, uint8_t *out, struct rd *name)
{
    char period[16];
    struct wr w = wr_of(out, OATH_NAME_MAX);
    int len = totp && n.period != PERIOD ? snprintf(period, sizeof period, "%lu/", n.period) : 0;
    if (len < 0)
        return false;
    wr_bytes(&w, period, (size_t)len);
    if (n.issuer.n > 0) {
        wr_rd(&w, n.issuer);
        wr_u8(&w, ':');
    }
    wr_rd(&w, n.account);
    if (n.account.n == 0 || !wr_done(&w, name))
        return false;
    struct name back = name_of(*name, totp);
    return back.period == n.period && same(back.issuer, n.issuer) && same(back.account, n.account);
}

static bool set_name(struct object *o, struct rd card, bool totp)
{
    struct name n = name_of(card, totp);
    return object_set(o, CKA_ID, card.p, card.n) && object_set(o, CKA_LABEL, n.label.p, n.label.n) &&
           object_set(o, CKA_OTP_SERVICE_IDENTIFIER, n.issuer.p, n.issuer.n) &&
           object_set(o, CKA_OTP_USER_IDENTIFIER, n.account.p, n.account.n) &&
           (!totp || object_set_ulong(o, CKA_OTP_TIME_INTERVAL, n.period));
}

/* ---- listing ---- */

static bool is_credential(const struct object *o)
{
    return object_class(o) == CKO_OTP_KEY && o->session == 0;
}

static bool is_totp(const struct object *o)
{
    return object_ulong(o, CKA_INGAM_OTP_TYPE) == INGAM_OTP_TOTP;
}

static CK_ULONG mechanism_of(enum oath_hash hash)
{
    for (size_t i = 0; i < HASHES; i++)
        if (hashes[i].card == hash)
            return hashes[i].mechanism;
    return CK_UNAVAILABLE_INFORMATION;
}

/* The index of the object of this name among the first `count`; count: there is none. */
static size_t find_name(const struct slot *s, size_t count, struct rd name)
{
    size_t i = 0;
    while (i < count && !(is_credential(s->list[i]) && same(object_get(s->list[i], CKA_ID), name)))
        i++;
    return i;
}

static CK_RV add(struct slot *s, const struct oath_credential *c, bool locked, CK_OBJECT_HANDLE *handle)
{
    bool totp = c->type == OATH_TOTP;
    struct object *o = object_new(attr_rows_of(CKO_OTP_KEY, CKK_HOTP));
    if (o == NULL || !set_name(o, c->name, totp) || !object_set_bool(o, CKA_TOKEN, true) ||
        !object_set_bool(o, CKA_PRIVATE, locked) ||
        !object_set_ulong(o, CKA_INGAM_OTP_TYPE, totp ? INGAM_OTP_TOTP : INGAM_OTP_HOTP) ||
        !object_set_ulong(o, CKA_INGAM_OTP_HASH, mechanism_of(c->hash)) ||
        !object_set_ulong(o, CKA_OTP_TIME_REQUIREMENT, totp ? CK_OTP_PARAM_OPTIONAL : CK_OTP_PARAM_IGNORED)) {
        object_unref(o);
        return CKR_HOST_MEMORY;
    }
    return store_add(s, o, handle);
}

static bool is_as(const struct object *o, const struct oath_credential *c)
{
    return is_totp(o) == (c->type == OATH_TOTP) &&
           object_ulong(o, CKA_INGAM_OTP_HASH) == mechanism_of(c->hash);
}

/* Objects of what is unchanged stay, with their handles. */
static CK_RV read_list(struct slot *s, bool locked)
{
    struct rd list;
    struct oath_credential c;
    bool stays[CREDENTIALS_MAX] = {false};
    size_t before = s->list_count, n = 0;
    enum err e = oath_list(&s->card, &list);
    CK_RV rv = token_rv(s, e);
    while (rv == CKR_OK && n++ < CREDENTIALS_MAX && oath_list_next(&list, &c)) {
        size_t i = find_name(s, before, c.name);
        if (i < before && i < CREDENTIALS_MAX && is_as(s->list[i], &c))
            stays[i] = true;
        else
            rv = add(s, &c, locked, NULL);
    }
    for (size_t i = before; rv == CKR_OK && i-- > 0;)
        if (is_credential(s->list[i]) && (i >= CREDENTIALS_MAX || !stays[i]))
            store_remove(s, s->list[i]);
    return rv;
}

/* Digits, and whether a TOTP wants a touch, are told beside the codes alone: of a time that is long past. */
static CK_RV read_more(struct slot *s)
{
    struct rd list;
    struct oath_calculated c;
    enum err e = oath_calculate_all(&s->card, 1, &list);
    if (e != E_OK && (tp_gone(e) || e == E_RESET || e == E_IO))
        return token_rv(s, e);
    while (e == E_OK && oath_calculated_next(&list, &c)) {
        size_t i = find_name(s, s->list_count, c.name);
        if (i == s->list_count)
            continue;
        struct object *o = s->list[i];
        if ((c.digits != 0 && !object_set_ulong(o, CKA_OTP_LENGTH, c.digits)) ||
            (c.when != OATH_IS_HOTP && !object_set_bool(o, CKA_INGAM_OTP_TOUCH, c.when == OATH_NEEDS_TOUCH)))
            return CKR_HOST_MEMORY;
    }
    return CKR_OK;
}

static CK_RV list_all(struct slot *s)
{
    struct oath_info info;
    CK_RV rv = otp_enter(s, &info);
    if (rv != CKR_OK)
        return rv;
    rv = read_list(s, info.locked);
    if (rv == CKR_OK)
        rv = read_more(s);
    s->otp_listed = rv == CKR_OK;
    otp_leave(s, &info);
    return rv;
}

static bool can_match(const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    const struct attr_rows *rows = attr_rows_of(CKO_OTP_KEY, CKK_HOTP);
    CK_ULONG class;
    bool token;
    if (attr_find_ulong(templ, count, CKA_CLASS, &class) && class != CKO_OTP_KEY)
        return false;
    if (attr_find_bool(templ, count, CKA_TOKEN, &token) && !token)
        return false;
    for (CK_ULONG i = 0; i < count; i++)
        if (attr_row(rows, templ[i].type) == NULL)
            return false;
    return true;
}

/* The profile keeps browsers from asking for a PIN: there are no certificates to be seen only after login. */
CK_RV otp_prepare(struct slot *s, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    CK_RV rv = s->statics ? CKR_OK : content_profile(s, CKP_PUBLIC_CERTIFICATES_TOKEN);
    if (rv != CKR_OK)
        return rv;
    s->statics = true;
    if (s->otp_listed || !can_match(templ, count))
        return CKR_OK;
    rv = list_all(s);
    return rv == CKR_USER_NOT_LOGGED_IN ? CKR_OK : rv;
}

/* ---- passwords ---- */

static CK_RV use_rv(struct slot *s, enum err e)
{
    if (e == E_AUTH_NEEDED || e == E_CONDITIONS) { /* the touch didn't come */
        (void)token_rv(s, e);
        return CKR_FUNCTION_REJECTED;
    }
    if (e == E_NOT_FOUND || e == E_REFUSED) {
        (void)token_rv(s, e);
        s->otp_listed = false;
        return CKR_KEY_HANDLE_INVALID;
    }
    return token_rv(s, e);
}

static CK_RV when(const struct operation *op, const struct object *key, uint64_t *seconds, uint64_t *moment)
{
    struct timespec now;
    CK_ULONG period = object_ulong(key, CKA_OTP_TIME_INTERVAL);
    *seconds = *moment = 0;
    if (!is_totp(key))
        return op->mech.otp.next ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
    if (period == 0 || period > PERIOD_MAX || clock_gettime(CLOCK_REALTIME, &now) != 0)
        return CKR_FUNCTION_FAILED;
    *seconds = op->mech.otp.timed ? op->mech.otp.time : (uint64_t)now.tv_sec;
    if (op->mech.otp.next)
        *seconds += period;
    *moment = *seconds / period;
    return CKR_OK;
}

CK_RV otp_sign(struct session *se, struct operation *op, struct rd data, struct out out)
{
    static const uint32_t modulus[] = {1000000, 10000000, 100000000};
    struct slot *s = se->slot;
    struct object *key = op->key;
    struct oath_info info;
    struct oath_code code;
    struct touch t;
    uint64_t seconds, moment;
    size_t len;
    char text[16];
    if (data.n != 0)
        return CKR_DATA_LEN_RANGE;
    if (key->handle == 0)
        return CKR_KEY_HANDLE_INVALID;
    CK_RV rv = when(op, key, &seconds, &moment);
    if (rv == CKR_OK)
        rv = otp_enter(s, &info);
    if (rv != CKR_OK)
        return rv;
    /* Of a HOTP the applet doesn't say whether it wants a touch: then it may. */
    bool touch = object_bool(key, CKA_INGAM_OTP_TOUCH) || object_get(key, CKA_INGAM_OTP_TOUCH).n == 0;
    if (touch)
        touch_tell(&t, s->piv, object_get(key, CKA_LABEL));
    rv = use_rv(s, oath_calculate(&s->card, object_get(key, CKA_ID), is_totp(key) ? OATH_TOTP : OATH_HOTP,
                                  moment, &code));
    if (touch)
        touch_end(&t);
    otp_leave(s, &info);
    if (rv != CKR_OK)
        return rv;
    (void)object_set_ulong(key, CKA_OTP_LENGTH, code.digits); /* without memory it stays unknown */
    unsigned digits = op->mech.otp.length != 0 ? op->mech.otp.length : code.digits;
    snprintf(text, sizeof text, "%0*u", (int)digits, (unsigned)(code.value % modulus[digits - 6]));
    otp_answer(text, digits, seconds, out.p, &len);
    *out.len = len;
    secret_wipe(text, sizeof text);
    secret_wipe(&code, sizeof code);
    return CKR_OK;
}

/* ---- writing ---- */

static CK_RV done(struct slot *s, enum err e)
{
    s->info_time = 0;
    if (e == E_OK)
        shared_tell_written(s);
    return e == E_UNSUPPORTED ? CKR_ACTION_PROHIBITED : token_rv(s, e);
}

/* A credential of this name is on the card; outside of it all were read. */
static CK_RV is_taken(struct slot *s, struct rd name, bool *taken)
{
    struct rd list;
    struct oath_credential c;
    *taken = false;
    enum err e = oath_list(&s->card, &list);
    while (e == E_OK && oath_list_next(&list, &c))
        *taken = *taken || same(c.name, name);
    return token_rv(s, e);
}

static CK_ULONG given(const struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise)
{
    CK_ULONG v = object_ulong(o, type);
    return v == CK_UNAVAILABLE_INFORMATION ? otherwise : v;
}

/* What can't be promised isn't taken. */
static bool can_be(const struct object *o)
{
    return object_ulong(o, CKA_OTP_FORMAT) == CK_OTP_FORMAT_DECIMAL &&
           object_ulong(o, CKA_OTP_CHALLENGE_REQUIREMENT) == CK_OTP_PARAM_IGNORED &&
           object_ulong(o, CKA_OTP_PIN_REQUIREMENT) == CK_OTP_PARAM_IGNORED &&
           object_ulong(o, CKA_OTP_COUNTER_REQUIREMENT) != CK_OTP_PARAM_MANDATORY &&
           object_bool(o, CKA_SENSITIVE) && !object_bool(o, CKA_EXTRACTABLE) && object_bool(o, CKA_SIGN) &&
           !object_bool(o, CKA_VERIFY);
}

/* CKA_OTP_COUNTER: big-endian, up to 8 bytes; the applet takes 32 bits. */
static bool counter_of(struct rd v, uint32_t *out)
{
    uint64_t n = 0;
    if (v.n > 8)
        return false;
    for (size_t i = 0; i < v.n; i++)
        n = n << 8 | v.p[i];
    *out = (uint32_t)n;
    return n <= UINT32_MAX;
}

/* Secrets longer than the card takes become their hash, as HMAC would do (RFC 2104, 2). */
static bool secret_of(const struct object *o, size_t hash, uint8_t *room, struct rd *out)
{
    struct rd v = object_get(o, CKA_VALUE);
    *out = v;
    if (v.n > OATH_SECRET_MAX && v.n > host_hash_block(hashes[hash].host)) {
        if (host_hash_once(hashes[hash].host, v.p, v.n, room) != HOST_OK)
            return false;
        *out = rd_of(room, host_hash_size(hashes[hash].host));
    }
    return out->n > 0 && out->n <= OATH_SECRET_MAX;
}

/* By its parts, else by its label. */
static struct name wanted_name(const struct object *o)
{
    struct name n = {.issuer = object_get(o, CKA_OTP_SERVICE_IDENTIFIER),
                     .account = object_get(o, CKA_OTP_USER_IDENTIFIER)};
    if (n.issuer.n == 0 && n.account.n == 0)
        n = name_of(object_get(o, CKA_LABEL), false);
    return n;
}

struct wanted {
    struct oath_new new;
    uint8_t name[OATH_NAME_MAX], hashed[HOST_MAX_HASH];
};

static CK_RV read_wish(const struct object *o, struct wanted *w)
{
    bool totp = is_totp(o) || object_ulong(o, CKA_OTP_TIME_REQUIREMENT) != CK_OTP_PARAM_IGNORED;
    CK_ULONG type = object_ulong(o, CKA_INGAM_OTP_TYPE), digits = given(o, CKA_OTP_LENGTH, 6),
             period = given(o, CKA_OTP_TIME_INTERVAL, PERIOD);
    struct name n = wanted_name(o);
    size_t hash = 0;
    while (hash < HASHES && hashes[hash].mechanism != object_ulong(o, CKA_INGAM_OTP_HASH))
        hash++;
    n.period = period;
    if (n.account.n == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    if (!can_be(o) || (type != INGAM_OTP_HOTP && type != INGAM_OTP_TOTP) || hash == HASHES || digits < 6 ||
        digits > 8 || period == 0 || period > PERIOD_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (!totp)
        n.period = PERIOD;
    w->new = (struct oath_new){.type = totp ? OATH_TOTP : OATH_HOTP,
                               .hash = hashes[hash].card,
                               .digits = (uint8_t)digits,
                               .touch = object_bool(o, CKA_INGAM_OTP_TOUCH)};
    bool ok = make_name(n, totp, w->name, &w->new.name) &&
              counter_of(object_get(o, CKA_OTP_COUNTER), &w->new.counter) && (!totp || w->new.counter == 0) &&
              secret_of(o, hash, w->hashed, &w->new.secret);
    return ok ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV put(struct slot *s, const struct oath_new *n, bool locked, CK_OBJECT_HANDLE *out)
{
    const struct oath_credential c = {n->type, n->hash, n->name};
    bool taken;
    CK_RV rv = is_taken(s, n->name, &taken);
    if (rv == CKR_OK && taken) /* PUT would replace it */
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    if (rv == CKR_OK)
        rv = done(s, oath_put(&s->card, n));
    if (rv == CKR_OK)
        rv = add(s, &c, locked, out);
    if (rv != CKR_OK)
        return rv;
    struct object *o = s->list[s->list_count - 1];
    return object_set_ulong(o, CKA_OTP_LENGTH, n->digits) && object_set_bool(o, CKA_INGAM_OTP_TOUCH, n->touch)
               ? CKR_OK
               : CKR_HOST_MEMORY;
}

CK_RV otp_create(struct session *se, struct object *o, CK_OBJECT_HANDLE *out)
{
    struct slot *s = se->slot;
    struct oath_info info;
    struct wanted w;
    if (!se->rw)
        return CKR_SESSION_READ_ONLY;
    CK_RV rv = read_wish(o, &w);
    if (rv == CKR_OK)
        rv = otp_enter(s, &info);
    if (rv == CKR_OK) {
        rv = put(s, &w.new, info.locked, out);
        otp_leave(s, &info);
    }
    secret_wipe(&w, sizeof w);
    return rv;
}

CK_RV otp_destroy(struct session *se, struct object *o)
{
    struct slot *s = se->slot;
    struct oath_info info;
    CK_RV rv = otp_enter(s, &info);
    if (rv != CKR_OK)
        return rv;
    enum err e = oath_delete(&s->card, object_get(o, CKA_ID));
    rv = e == E_NOT_FOUND ? CKR_OK : done(s, e); /* gone is gone */
    if (rv == CKR_OK)
        store_remove(s, o);
    otp_leave(s, &info);
    return rv;
}

/* The parts that the template names, and the others as they are. */
static CK_RV new_name(const struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count, uint8_t *room,
                      struct rd *out)
{
    const CK_ATTRIBUTE *label = attr_find(templ, count, CKA_LABEL),
                       *issuer = attr_find(templ, count, CKA_OTP_SERVICE_IDENTIFIER),
                       *account = attr_find(templ, count, CKA_OTP_USER_IDENTIFIER);
    for (CK_ULONG i = 0; i < count; i++)
        if (&templ[i] != label && &templ[i] != issuer && &templ[i] != account)
            return CKR_ACTION_PROHIBITED;
    if (label != NULL && count > 1)
        return CKR_TEMPLATE_INCONSISTENT;
    struct name n = {.issuer = object_get(o, CKA_OTP_SERVICE_IDENTIFIER),
                     .account = object_get(o, CKA_OTP_USER_IDENTIFIER)};
    if (label != NULL)
        n = name_of(rd_of(label->pValue, label->ulValueLen), false);
    if (issuer != NULL)
        n.issuer = rd_of(issuer->pValue, issuer->ulValueLen);
    if (account != NULL)
        n.account = rd_of(account->pValue, account->ulValueLen);
    n.period = given(o, CKA_OTP_TIME_INTERVAL, PERIOD);
    return make_name(n, is_totp(o), room, out) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

CK_RV otp_rename(struct session *se, struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    struct slot *s = se->slot;
    struct oath_info info;
    uint8_t room[OATH_NAME_MAX];
    struct rd name;
    bool taken;
    CK_RV rv = new_name(o, templ, count, room, &name);
    if (rv != CKR_OK || same(name, object_get(o, CKA_ID)))
        return rv;
    rv = otp_enter(s, &info);
    if (rv != CKR_OK)
        return rv;
    rv = is_taken(s, name, &taken);
    if (rv == CKR_OK && taken)
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    if (rv == CKR_OK)
        rv = done(s, oath_rename(&s->card, object_get(o, CKA_ID), name));
    if (rv == CKR_OK && !set_name(o, name, is_totp(o)))
        rv = CKR_HOST_MEMORY;
    otp_leave(s, &info);
    return rv;
}
