/* C_CreateObject, C_CopyObject, C_DestroyObject and C_SetAttributeValue. */
#include "core/write.h"
#include "core/admin.h"
#include "core/content.h"
#include "core/facts.h"
#include "core/import.h"
#include "core/slot.h"
#include "core/token.h"
#include "object/x509.h"
#include <string.h>

/* ---- on the card ---- */

/* Which key slot a template means: by CKA_ID; else the one whose key fits the certificate. */
static struct card_key *key_for(struct slot *s, const struct object *o)
{
    struct rd id = object_get(o, CKA_ID);
    if (id.n > 0)
        return content_key_by_id(s, id);
    struct rd info = object_get(o, CKA_PUBLIC_KEY_INFO);
    for (size_t i = 0; info.n > 0 && i < PIV_SLOTS; i++) {
        const struct object *key = s->key[i].public_object;
        struct rd have = key != NULL ? object_get(key, CKA_PUBLIC_KEY_INFO) : rd_of(NULL, 0);
        if (have.n > 0 && rd_is(have, info.p, info.n))
            return &s->key[i];
    }
    return NULL;
}

/* What the template says of the certificate has to be what stands in it. */
static CK_RV agree(const struct object *o, CK_ATTRIBUTE_TYPE type, struct rd real)
{
    struct rd said = object_get(o, type);
    return said.n == 0 || rd_is(said, real.p, real.n) ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

/* A key of the slot that is known not to be the certificate's. */
static bool is_foreign(const struct card_key *k, const struct x509 *x)
{
    struct piv_public p;
    if (k->key != KNOWN_YES || !k->told || !keyobj_public_of(x->spki, &p))
        return false;
    const struct piv_public *have = &k->public_key;
    return have->algorithm != p.algorithm || have->modulus_len != p.modulus_len ||
           have->point_len != p.point_len || memcmp(have->modulus, p.modulus, p.modulus_len) != 0 ||
           memcmp(have->point, p.point, p.point_len) != 0;
}

/* The certificate tells the public key from now on; a label that was given stays. */
static void note_certificate(struct slot *s, struct card_key *k, struct rd label)
{
    if (content_history(s) != CKR_OK)
        return;
    const struct fact *f = &s->fact[content_id(k) - 1];
    bool due = f->has_public || (label.n > 0 && !rd_is(facts_label(s, k), label.p, label.n)) ||
               (k->slot->retired > s->history.on_card && !(s->history_absent && token_has_metadata(s)));
    if (!due)
        return;
    facts_set_public(s, k, false);
    if (label.n > 0 && facts_set_label(s, k, label) != CKR_OK)
        log_line(LOG_OBJECT, "slot %lu: the label is too long to be kept", s->id);
    if (facts_write(s) != CKR_OK || facts_apply(s, k) != CKR_OK)
        log_line(LOG_OBJECT, "slot %lu: no room on the card for the label of %02X", s->id, k->slot->ref);
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
    struct card_key *k = key_for(s, o);
    if (k == NULL)
        return object_get(o, CKA_ID).n > 0 ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_TEMPLATE_INCOMPLETE;
    if (is_foreign(k, &x))
        return CKR_TEMPLATE_INCONSISTENT;
    rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    /* Plain as long as that fits the usual 3 KB of an object, else compressed. */
    enum err e = piv_write_certificate(&s->card, k->slot, der, false, 3000);
    rv = e == E_REFUSED || e == E_BUFFER ? CKR_DEVICE_MEMORY : token_rv(s, e);
    if (rv == CKR_OK)
        rv = content_new_certificate(s, k, der);
    if (rv == CKR_OK)
        note_certificate(s, k, object_get(o, CKA_LABEL));
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
        return n == 0 || n > host_curve_size(key.curve) ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
    return mech_rv(host_point_check(key.curve, (struct host_bytes){key.point.p, key.point.n}),
                   CKR_ATTRIBUTE_VALUE_INVALID);
}

static CK_RV complete(struct object *o)
{
    struct rd value = object_get(o, CKA_VALUE), modulus = object_get(o, CKA_MODULUS);
    bool ok = true;
    if (object_class(o) == CKO_SECRET_KEY)
        ok = object_set_ulong(o, CKA_VALUE_LEN, value.n);
    if (object_class(o) == CKO_PUBLIC_KEY && modulus.n > 0)
        ok = object_set_ulong(o, CKA_MODULUS_BITS, modulus.n * 8);
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
    else if (object_bool(o, CKA_PRIVATE) && s->login != LOGIN_USER && !object_bool(o, CKA_TOKEN))
        rv = CKR_USER_NOT_LOGGED_IN;
    else
        rv = check_key(o);
    if (rv == CKR_OK && object_bool(o, CKA_TOKEN)) {
        rv = create_on_card(se, o, out);
        object_unref(o);
        return rv;
    }
    if (rv == CKR_OK)
        rv = complete(o);
    if (rv != CKR_OK) {
        object_unref(o);
        return rv;
    }
    o->session = se->handle;
    return store_add(s, o, out);
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
    if (rv != CKR_OK) {
        object_unref(o);
        return rv;
    }
    o->session = se->handle;
    return store_add(s, o, out);
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
    /* The key is still there: on a card that can't tell, its public half has to stand somewhere. */
    if (rv == CKR_OK && k->public_key.algorithm != NULL && !token_has_metadata(s) &&
        content_history(s) == CKR_OK) {
        facts_set_public(s, k, true);
        if (facts_write(s) != CKR_OK)
            log_line(LOG_OBJECT, "slot %lu: no room on the card to note the key in %02X", s->id,
                     k->slot->ref);
    }
    admin_end(s, rv == CKR_OK);
    return rv;
}

/* Only some cards can remove a key; on others it stays until another one replaces it. */
static CK_RV destroy_key(struct session *se, struct card_key *k)
{
    struct slot *s = se->slot;
    CK_RV rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    enum err e = driver_delete(&s->card, k->slot);
    rv = e == E_UNSUPPORTED ? CKR_ACTION_PROHIBITED : token_rv(s, e);
    admin_end(s, e == E_OK);
    if (rv != CKR_OK)
        return rv;
    store_remove(s, k->public_object);
    store_remove(s, k->private_object);
    k->public_object = k->private_object = NULL;
    k->public_key = (struct piv_public){0};
    k->key = KNOWN_NO;
    return CKR_OK;
}

CK_RV write_destroy(struct session *se, CK_OBJECT_HANDLE handle)
{
    struct slot *s = se->slot;
    struct object *o = store_get(s, handle);
    if (o == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    if (o->session == 0 && !se->rw)
        return CKR_SESSION_READ_ONLY;
    if (!object_bool(o, CKA_DESTROYABLE))
        return CKR_ACTION_PROHIBITED;
    struct card_key *k = o->card_key;
    if (o->card_data != NULL)
        return carddata_destroy(se, o);
    if (k == NULL) {
        store_remove(s, o);
        return CKR_OK;
    }
    switch (object_class(o)) {
    case CKO_CERTIFICATE:
        return destroy_certificate(se, k);
    case CKO_PRIVATE_KEY:
        return destroy_key(se, k);
    default: /* a public key is a view of its private key or certificate */
        return CKR_ACTION_PROHIBITED;
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
            return CKR_ACTION_PROHIBITED;
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
    struct slot *s = se->slot;
    struct object *o = store_get(s, handle);
    if (o == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    if (o->session == 0 && !se->rw)
        return CKR_SESSION_READ_ONLY;
    CK_RV rv = attr_may_set(o, templ, count, s->login == LOGIN_SO, false);
    if (rv != CKR_OK)
        return rv;
    return o->card_key != NULL ? set_on_card(se, o->card_key, templ, count)
           : o->session == 0   ? CKR_ACTION_PROHIBITED
                               : attr_set(o, templ, count);
}
