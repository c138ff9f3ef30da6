/* C_CreateObject, C_CopyObject, C_DestroyObject and C_SetAttributeValue. */
#include "core/write.h"
#include "core/admin.h"
#include "core/content.h"
#include "core/facts.h"
#include "core/import.h"
#include "core/otp.h"
#include "core/slot.h"
#include "core/token.h"
#include "object/x509.h"
#include <string.h>

/* ---- on the card ---- */

/* Which key slot a template means: by CKA_ID; else the one whose key fits the certificate; else a free one.
 */
static CK_RV slot_for(struct slot *s, const struct object *o, struct card_key **out)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE keys = {CKA_CLASS, &class, sizeof class};
    struct rd id = object_get(o, CKA_ID), info = object_get(o, CKA_PUBLIC_KEY_INFO);
    CK_ATTRIBUTE by_id = {CKA_ID, (void *)(uintptr_t)id.p, id.n};
    *out = NULL;
    CK_RV rv = content_prepare(s, id.n > 0 ? &by_id : &keys, 1);
    if (rv == CKR_OK && id.n > 0 && (*out = content_key_by_id(s, id)) == NULL)
        rv = content_prepare(s, &keys, 1);
    for (size_t i = 0; rv == CKR_OK && *out == NULL && i < PIV_SLOTS; i++) {
        const struct object *key = s->key[i].public_object;
        struct rd have = key != NULL ? object_get(key, CKA_PUBLIC_KEY_INFO) : rd_of(NULL, 0);
        if (have.n > 0 && rd_is(have, info.p, info.n))
            *out = &s->key[i];
    }
    return rv != CKR_OK || *out != NULL ? rv : import_free_slot(s, out);
}

/* What the template says of the certificate has to be what stands in it. */
static CK_RV agree(const struct object *o, CK_ATTRIBUTE_TYPE type, struct rd real)
{
    struct rd said = object_get(o, type);
    return said.n == 0 || rd_is(said, real.p, real.n) ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static bool differs(const struct piv_public *a, const struct piv_public *b)
{
    return a->algorithm != b->algorithm || a->modulus_len != b->modulus_len || a->point_len != b->point_len ||
           memcmp(a->modulus, b->modulus, a->modulus_len) != 0 ||
           memcmp(a->point, b->point, a->point_len) != 0;
}

/* The slot's key is known not to be the certificate's: by the metadata, by what was noted when it was made,
 * or by the certificate that is there (deleting that one first allows it). */
static bool is_foreign(const struct slot *s, const struct card_key *k, const struct x509 *x)
{
    struct piv_public p;
    const struct fact *f = &s->fact[content_id(k) - 1];
    if (!keyobj_public_of(x->spki, &p))
        return false;
    if (f->has_public && !k->told)
        return differs(&f->public_key, &p);
    return k->key == KNOWN_YES && k->public_key.algorithm != NULL && differs(&k->public_key, &p);
}

/* The certificate tells the public key from now on; a label that was given stays. */
static void note_certificate(struct slot *s, struct card_key *k, struct rd id, struct rd label)
{
    const struct fact *f = &s->fact[content_id(k) - 1];
    bool due = f->has_public || k->slot->retired > s->history.on_card;
    facts_set_public(s, k, false);
    if (due && facts_write(s) != CKR_OK)
        log_line(LOG_OBJECT, "slot %lu: the Key History can't be written", s->id);
    import_note(s, k, id, label);
    if (facts_apply(s, k) != CKR_OK)
        log_line(LOG_OBJECT, "slot %lu: no memory for the label of %02X", s->id, k->slot->ref);
}

static CK_RV write_certificate(struct session *se, struct object *o, CK_OBJECT_HANDLE *out)
{
    struct slot *s = se->slot;
    struct rd der = object_get(o, CKA_VALUE);
    struct x509 x;
    if (!x509_parse(der, &x))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    CK_RV rv = agree(o, CKA_SUBJECT, x.subject);
    if (rv == CKR_OK)
        rv = agree(o, CKA_ISSUER, x.issuer);
    if (rv == CKR_OK && !object_set(o, CKA_PUBLIC_KEY_INFO, x.spki.p, x.spki.n))
        rv = CKR_HOST_MEMORY;
    if (rv != CKR_OK)
        return rv;
    struct card_key *k;
    rv = slot_for(s, o, &k);
    if (rv == CKR_OK)
        rv = content_policy(s, k);
    if (rv == CKR_OK)
        rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    rv = content_history(s);
    if (rv == CKR_OK && is_foreign(s, k, &x))
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    if (rv != CKR_OK) {
        admin_end(s, false);
        return rv;
    }
    /* Plain as long as that fits the usual 3 KB of an object, else compressed. */
    enum err e = piv_write_certificate(&s->card, k->slot, der, false, 3000);
    rv = e == E_REFUSED || e == E_BUFFER ? CKR_DEVICE_MEMORY : token_rv(s, e);
    if (rv == CKR_OK)
        rv = content_new_certificate(s, k, der);
    if (rv == CKR_OK)
        note_certificate(s, k, object_get(o, CKA_ID), object_get(o, CKA_LABEL));
    admin_end(s, e == E_OK);
    if (rv == CKR_OK)
        *out = k->certificate_object->handle;
    return rv;
}

/* A public key needs no place of its own on a PIV card: it is there as soon as its certificate is. Writing
 * one that fits a key slot gives that slot's object. */
static CK_RV write_public_key(struct session *se, struct object *o, CK_OBJECT_HANDLE *out)
{
    struct card_key *k = content_key_by_id(se->slot, object_get(o, CKA_ID));
    const struct object *have = k != NULL ? k->public_object : NULL;
    CK_ATTRIBUTE_TYPE parts[] = {CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS, CKA_EC_POINT};
    if (have == NULL)
        return CKR_ACTION_PROHIBITED;
    for (size_t i = 0; i < 4; i++) {
        struct rd a = object_get(o, parts[i]), b = object_get(have, parts[i]);
        if (!rd_is(a, b.p, b.n))
            return CKR_ACTION_PROHIBITED;
    }
    *out = have->handle;
    return CKR_OK;
}

static CK_RV create_on_card(struct session *se, struct object *o, CK_OBJECT_HANDLE *out)
{
    static const struct {
        CK_OBJECT_CLASS class;
        CK_RV (*write)(struct session *, struct object *, CK_OBJECT_HANDLE *);
    } classes[] = {
        {CKO_CERTIFICATE, write_certificate},
        {CKO_PUBLIC_KEY, write_public_key},
        {CKO_PRIVATE_KEY, import_key},
        {CKO_DATA, carddata_write},
    };
    if (!se->rw)
        return CKR_SESSION_READ_ONLY;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (classes[i].class == object_class(o))
            return classes[i].write(se, o, out);
    return CKR_ACTION_PROHIBITED;
}

/* ---- in the session ---- */

/* A scalar is a big integer, which may begin with zeros; the two 25519 curves have strings of their length.
 */
static bool fits_curve(CK_KEY_TYPE type, enum host_curve curve, struct rd value)
{
    if (type != CKK_EC)
        return value.n == host_curve_size(curve);
    while (value.n > host_curve_size(curve) && value.p[0] == 0)
        value = rd_of(value.p + 1, value.n - 1);
    return value.n != 0 && value.n <= host_curve_size(curve);
}

static CK_RV check_key(const struct object *o)
{
    CK_KEY_TYPE type = object_ulong(o, CKA_KEY_TYPE);
    CK_OBJECT_CLASS class = object_class(o);
    size_t n = object_get(o, CKA_VALUE).n;
    struct mech_key key;
    if (class == CKO_SECRET_KEY)
        return n == 0 || (type == CKK_AES && n != 16 && n != 24 && n != 32) ? CKR_ATTRIBUTE_VALUE_INVALID
                                                                            : CKR_OK;
    if (class != CKO_PUBLIC_KEY && class != CKO_PRIVATE_KEY)
        return CKR_OK;
    CK_RV rv = keyobj_mech(o, &key);
    if (rv != CKR_OK || type == CKK_RSA)
        return rv != CKR_OK || key.n.n == 0 || key.n.n > MECH_MAX_BLOCK ? CKR_ATTRIBUTE_VALUE_INVALID
                                                                        : CKR_OK;
    if (key.curve == HOST_NO_CURVE)
        return CKR_CURVE_NOT_SUPPORTED;
    if (class == CKO_PRIVATE_KEY)
        return fits_curve(type, key.curve, object_get(o, CKA_VALUE)) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
    return mech_rv(host_point_check(key.curve, (struct host_bytes){key.point.p, key.point.n}),
                   CKR_ATTRIBUTE_VALUE_INVALID);
}

/* Of a number that doesn't begin with a zero byte. */
static CK_ULONG bits_of(struct rd number)
{
    CK_ULONG bits = number.n * 8;
    for (unsigned top = number.p[0]; (top & 0x80) == 0; top <<= 1)
        bits--;
    return bits;
}

static CK_RV complete(struct object *o)
{
    struct rd value = object_get(o, CKA_VALUE), modulus = object_number(o, CKA_MODULUS);
    bool ok = true;
    if (object_class(o) == CKO_SECRET_KEY)
        ok = object_set_ulong(o, CKA_VALUE_LEN, value.n);
    if (object_class(o) == CKO_PUBLIC_KEY && modulus.n > 0)
        ok = object_set_ulong(o, CKA_MODULUS_BITS, bits_of(modulus));
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV write_create(struct session *se, const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
    struct slot *s = se->slot;
    struct object *o;
    CK_RV rv = attr_build(templ, count, ATTR_CREATE, CK_UNAVAILABLE_INFORMATION, CK_UNAVAILABLE_INFORMATION,
                          s->login == LOGIN_SO, &o);
    if (rv != CKR_OK)
        return rv;
    if (object_class(o) == CKO_PROFILE || object_class(o) == CKO_HW_FEATURE)
        rv = CKR_ATTRIBUTE_READ_ONLY;
    else if ((s->piv != NULL) != (object_class(o) == CKO_OTP_KEY) ||
             (s->piv != NULL && !object_bool(o, CKA_TOKEN)))
        rv = CKR_ATTRIBUTE_VALUE_INVALID; /* a slot of one-time passwords has those alone, and on the card */
    else if (object_bool(o, CKA_PRIVATE) && s->login != LOGIN_USER && !object_bool(o, CKA_TOKEN))
        rv = CKR_USER_NOT_LOGGED_IN;
    else
        rv = check_key(o);
    if (rv == CKR_OK && object_bool(o, CKA_TOKEN)) {
        rv = s->piv != NULL ? otp_create(se, o, out) : create_on_card(se, o, out);
        object_unref(o);
        return rv;
    }
    if (rv == CKR_OK)
        rv = complete(o);
    return store_made(se, o, rv, out);
}

CK_RV write_copy(struct session *se, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *templ, CK_ULONG count,
                 CK_OBJECT_HANDLE *out)
{
    struct slot *s = se->slot;
    const struct object *from = store_get(s, handle);
    bool token;
    if (from == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    if (from->card_key != NULL || !object_bool(from, CKA_COPYABLE))
        return CKR_ACTION_PROHIBITED;
    CK_RV rv = attr_may_set(from, templ, count, s->login == LOGIN_SO, true);
    if (rv == CKR_OK && attr_find_bool(templ, count, CKA_TOKEN, &token) && token)
        rv = CKR_ACTION_PROHIBITED;
    if (rv != CKR_OK)
        return rv;
    struct object *o = object_copy(from);
    rv = o == NULL ? CKR_HOST_MEMORY : attr_set(o, templ, count);
    return store_made(se, o, rv, out);
}

static CK_RV destroy_certificate(struct session *se, struct card_key *k)
{
    struct slot *s = se->slot;
    CK_RV rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    rv = token_rv(s, piv_delete_certificate(&s->card, k->slot));
    if (rv == CKR_OK)
        rv = content_new_certificate(s, k, rd_of(NULL, 0));
    /* The key is still there: on a card that can't tell, its public half has to stand somewhere, unless a
     * newer key's does already. */
    if (rv == CKR_OK && k->public_key.algorithm != NULL && !token_has_metadata(s) &&
        content_history(s) == CKR_OK && !s->fact[content_id(k) - 1].has_public) {
        facts_set_public(s, k, true);
        if (facts_write(s) != CKR_OK)
            log_line(LOG_OBJECT, "slot %lu: no room on the card to note the key in %02X", s->id,
                     k->slot->ref);
    }
    admin_end(s, rv == CKR_OK);
    return rv;
}

/* Only some cards can remove a key; on others it stays until another one replaces it. The public key's object
 * goes when it is destroyed itself, or read again. */
static CK_RV destroy_key(struct session *se, struct card_key *k)
{
    struct slot *s = se->slot;
    CK_RV rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    enum err e = driver_delete(&s->card, k->slot);
    rv = e == E_UNSUPPORTED ? CKR_ACTION_PROHIBITED : token_rv(s, e);
    if (rv == CKR_OK) {
        store_remove(s, k->private_object);
        k->private_object = NULL;
        k->key = KNOWN_NO;
        if (k->certificate != KNOWN_YES && content_history(s) == CKR_OK && facts_any(s, k)) {
            facts_drop(s, k); /* label and id go with the last thing that had them */
            if (facts_write(s) != CKR_OK)
                log_line(LOG_OBJECT, "slot %lu: the facts of %02X can't be removed", s->id, k->slot->ref);
        }
    }
    admin_end(s, e == E_OK);
    return rv;
}

/* A public key is a view of its private key or certificate: it can only go after those. */
static CK_RV destroy_public(struct slot *s, struct card_key *k)
{
    if (k->private_object != NULL || k->certificate_object != NULL)
        return CKR_ACTION_PROHIBITED;
    store_remove(s, k->public_object);
    k->public_object = NULL;
    k->public_key = (struct piv_public){0};
    return CKR_OK;
}

/* The object of a handle, if this session may change or destroy it. */
static CK_RV writable(const struct session *se, CK_OBJECT_HANDLE handle, struct object **o)
{
    *o = store_get(se->slot, handle);
    if (*o == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    return (*o)->session == 0 && !se->rw ? CKR_SESSION_READ_ONLY : CKR_OK;
}

CK_RV write_destroy(struct session *se, CK_OBJECT_HANDLE handle)
{
    struct slot *s = se->slot;
    struct object *o;
    CK_RV rv = writable(se, handle, &o);
    if (rv != CKR_OK)
        return rv;
    if (!object_bool(o, CKA_DESTROYABLE))
        return CKR_ACTION_PROHIBITED;
    struct card_key *k = o->card_key;
    if (o->card_data != NULL)
        return carddata_destroy(se, o);
    if (object_class(o) == CKO_OTP_KEY)
        return otp_destroy(se, o);
    if (k == NULL) {
        store_remove(s, o);
        return CKR_OK;
    }
    switch (object_class(o)) {
    case CKO_CERTIFICATE:
        return destroy_certificate(se, k);
    case CKO_PRIVATE_KEY:
        return destroy_key(se, k);
    default:
        return destroy_public(s, k);
    }
}

/* Labels and ids can be changed; they are the same for a key slot's certificate and keys, so that programs
 * pair them. */
static CK_RV set_on_card(struct session *se, struct card_key *k, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    struct slot *s = se->slot;
    const CK_ATTRIBUTE *label = attr_find(templ, count, CKA_LABEL), *id = attr_find(templ, count, CKA_ID);
    for (CK_ULONG i = 0; i < count; i++)
        if (&templ[i] != label && &templ[i] != id)
            return templ[i].type == CKA_SUBJECT && count == 1 ? CKR_OK
                                                              : CKR_ACTION_PROHIBITED; /* the certificate's */
    CK_RV rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    rv = content_history(s);
    struct fact old = s->fact[content_id(k) - 1];
    if (rv == CKR_OK && label != NULL)
        rv = facts_set_label(s, k, rd_of(label->pValue, label->ulValueLen));
    if (rv == CKR_OK && id != NULL)
        rv = facts_set_id(s, k, rd_of(id->pValue, id->ulValueLen));
    if (rv == CKR_OK)
        rv = facts_write(s);
    if (rv != CKR_OK)
        s->fact[content_id(k) - 1] = old;
    else
        rv = facts_apply(s, k);
    admin_end(s, rv == CKR_OK);
    return rv;
}

CK_RV write_set(struct session *se, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    struct object *o;
    CK_RV rv = writable(se, handle, &o);
    if (rv == CKR_OK)
        rv = attr_may_set(o, templ, count, se->slot->login == LOGIN_SO, false);
    if (rv != CKR_OK)
        return rv;
    if (object_class(o) == CKO_OTP_KEY)
        return otp_rename(se, o, templ, count);
    return o->card_key != NULL ? set_on_card(se, o->card_key, templ, count)
           : o->session == 0   ? CKR_ACTION_PROHIBITED
                               : attr_set(o, templ, count);
}
