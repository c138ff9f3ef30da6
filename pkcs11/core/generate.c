/* C_GenerateKeyPair on the card and C_GenerateKey in the session. */
#include "card/base/secret.h"
#include "core/admin.h"
#include "core/content.h"
#include "core/facts.h"
#include "core/import.h"
#include "core/slot.h"
#include "core/token.h"
#include "core/write.h"
#include "object/x509.h"
#include <stdlib.h>

static CK_RV algorithm_for(CK_KEY_TYPE type, const struct object *public, const struct piv_algorithm **out)
{
    static const struct {
        enum host_curve curve;
        enum piv_kind kind;
        unsigned bits;
        CK_KEY_TYPE type;
    } curves[] = {{HOST_P256, PIV_EC, 256, CKK_EC},
                  {HOST_P384, PIV_EC, 384, CKK_EC},
                  {HOST_ED25519, PIV_ED25519, 0, CKK_EC_EDWARDS},
                  {HOST_X25519, PIV_X25519, 0, CKK_EC_MONTGOMERY}};
    *out = NULL;
    if (type == CKK_RSA) {
        struct rd e = object_get(public, CKA_PUBLIC_EXPONENT);
        static const uint8_t f4[] = {1, 0, 1};
        while (e.n > 0 && e.p[0] == 0)
            e = rd_of(e.p + 1, e.n - 1);
        if (e.n > 0 && !rd_is(e, f4, sizeof f4))
            return CKR_ATTRIBUTE_VALUE_INVALID; /* the card chooses 65537 */
        *out = piv_algorithm_by(PIV_RSA, (unsigned)object_ulong(public, CKA_MODULUS_BITS));
        return *out == NULL ? CKR_KEY_SIZE_RANGE : CKR_OK;
    }
    enum host_curve curve = keyobj_curve(object_get(public, CKA_EC_PARAMS));
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        const struct piv_algorithm *a;
        for (size_t j = 0;
             curves[i].curve == curve && curves[i].type == type && (a = piv_algorithm_at(j)) != NULL; j++)
            if (a->kind == curves[i].kind && (curves[i].bits == 0 || a->bits == curves[i].bits))
                *out = a;
    }
    return *out == NULL ? CKR_CURVE_NOT_SUPPORTED : CKR_OK;
}

static CK_RV which_slot(struct slot *s, const struct object *public, const struct object *private,
                        struct card_key **out)
{
    struct rd a = object_get(public, CKA_ID), b = object_get(private, CKA_ID);
    if (a.n > 0 && b.n > 0 && !rd_is(a, b.p, b.n))
        return CKR_TEMPLATE_INCONSISTENT;
    return import_slot_for(s, a.n > 0 ? a : b, out);
}

/* CKA_ALWAYS_AUTHENTICATE in the template asks for the PIN policy; leaving it out leaves it to the slot. */
static enum piv_pin policy_of(struct card_key *k, struct key_template t)
{
    bool always;
    if (!attr_find_bool(t.attr, t.count, CKA_ALWAYS_AUTHENTICATE, &always))
        return PIV_PIN_DEFAULT;
    bool usual = piv_pin_of(k->slot, PIV_PIN_DEFAULT) == PIV_PIN_ALWAYS;
    return always == usual ? PIV_PIN_DEFAULT : always ? PIV_PIN_ALWAYS : PIV_PIN_ONCE;
}

/* A card that can't tell a key's public half later gets it written down, as far as there is room. */
static void note_key(struct slot *s, struct card_key *k, struct rd id, struct rd label)
{
    if (content_history(s) != CKR_OK)
        return;
    bool due = facts_any(s, k) || k->slot->retired > s->history.on_card;
    facts_drop(s, k); /* those of the key before */
    facts_set_public(s, k, !token_has_metadata(s));
    if (id.n > 0 && facts_set_id(s, k, id) != CKR_OK)
        log_line(LOG_OBJECT, "slot %lu: the id can't be kept", s->id);
    if (label.n > 0 && facts_set_label(s, k, label) != CKR_OK)
        log_line(LOG_OBJECT, "slot %lu: the label can't be kept", s->id);
    if ((due || facts_any(s, k)) && facts_write(s) != CKR_OK)
        log_line(LOG_OBJECT, "slot %lu: no room on the card to note the key in %02X", s->id, k->slot->ref);
}

/* What the card didn't take: a policy, the slot (SP 800-73-4 part 2, 3.3.2 makes no keys in the retired ones,
 * only some makers do), or this size of key. */
static CK_RV refusal(const struct slot *s, const struct card_key *k, enum piv_pin pin, struct rd id)
{
    if (pin != PIV_PIN_DEFAULT)
        return CKR_TEMPLATE_INCONSISTENT;
    if (k->slot->retired == 0 || s->card.driver->import != NULL)
        return CKR_KEY_SIZE_RANGE;
    return id.n > 0 ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_DEVICE_MEMORY;
}

static CK_RV generate(struct session *se, struct card_key *k, const struct piv_algorithm *a, enum piv_pin pin,
                      struct rd id, struct rd label)
{
    struct slot *s = se->slot;
    struct piv_public *public = calloc(1, sizeof *public);
    if (public == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = admin_begin(se);
    if (rv != CKR_OK) {
        free(public);
        return rv;
    }
    enum err e = piv_generate(&s->card, k->slot, a, pin, PIV_TOUCH_DEFAULT, public);
    bool refused = e == E_UNSUPPORTED || e == E_NOT_FOUND || e == E_REFUSED;
    rv = refused ? refusal(s, k, pin, id) : token_rv(s, e);
    if (rv == CKR_OK)
        rv = content_new_key(s, k, public, pin, PIV_TOUCH_DEFAULT);
    if (rv == CKR_OK) {
        note_key(s, k, id, label);
        rv = facts_apply(s, k);
    }
    admin_end(s, e == E_OK);
    free(public);
    return rv;
}

static CK_RV build_pair(struct session *se, CK_KEY_TYPE type, struct key_template public_key,
                        struct key_template private_key, struct object **public, struct object **private)
{
    bool so = se->slot->login == LOGIN_SO;
    *private = NULL;
    CK_RV rv = attr_build(public_key.attr, public_key.count, ATTR_GENERATE, CKO_PUBLIC_KEY, type, so, public);
    if (rv != CKR_OK)
        return rv;
    rv = attr_build(private_key.attr, private_key.count, ATTR_GENERATE, CKO_PRIVATE_KEY, type, so, private);
    if (rv == CKR_OK && (!object_bool(*private, CKA_TOKEN) || object_bool(*private, CKA_EXTRACTABLE)))
        rv = CKR_TEMPLATE_INCONSISTENT; /* keys are made on the card, and stay there */
    if (rv != CKR_OK) {
        object_unref(*public);
        object_unref(*private);
    }
    return rv;
}

CK_RV write_generate_pair(struct session *se, const CK_MECHANISM *m, struct key_template public_key,
                          struct key_template private_key, CK_OBJECT_HANDLE *public_out,
                          CK_OBJECT_HANDLE *private_out)
{
    const struct mech_row *row = mech_row(m->mechanism);
    struct object *public, *private;
    const struct piv_algorithm *a = NULL;
    struct card_key *k = NULL;
    if (!slot_has(se->slot, row) || (row->flags & CKF_GENERATE_KEY_PAIR) == 0)
        return CKR_MECHANISM_INVALID;
    if (m->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    if (!se->rw)
        return CKR_SESSION_READ_ONLY;
    CK_RV rv = build_pair(se, row->key, public_key, private_key, &public, &private);
    if (rv != CKR_OK)
        return rv;
    rv = algorithm_for(row->key, public, &a);
    if (rv == CKR_OK)
        rv = which_slot(se->slot, public, private, &k);
    if (rv == CKR_OK) {
        struct rd id = object_get(private, CKA_ID), label = object_get(private, CKA_LABEL);
        rv = generate(se, k, a, policy_of(k, private_key), id.n > 0 ? id : object_get(public, CKA_ID),
                      label.n > 0 ? label : object_get(public, CKA_LABEL));
    }
    object_unref(public);
    object_unref(private);
    if (rv == CKR_OK) {
        *public_out = k->public_object->handle;
        *private_out = k->private_object->handle;
    }
    return rv;
}

static CK_RV fill_random(struct object *o, size_t len)
{
    uint8_t value[512];
    if (len > sizeof value)
        return CKR_KEY_SIZE_RANGE;
    CK_RV rv = mech_rv(host_random(value, len), CKR_FUNCTION_FAILED);
    if (rv == CKR_OK && !object_set(o, CKA_VALUE, value, len))
        rv = CKR_HOST_MEMORY;
    secret_wipe(value, sizeof value);
    return rv;
}

CK_RV write_generate(struct session *se, const CK_MECHANISM *m, const CK_ATTRIBUTE *templ, CK_ULONG count,
                     CK_OBJECT_HANDLE *out)
{
    struct slot *s = se->slot;
    const struct mech_row *row = mech_row(m->mechanism);
    struct object *o;
    if (!slot_has(s, row) || (row->flags & CKF_GENERATE) == 0)
        return CKR_MECHANISM_INVALID;
    CK_RV rv = attr_build(templ, count, ATTR_GENERATE, CKO_SECRET_KEY, row->key, s->login == LOGIN_SO, &o);
    if (rv != CKR_OK)
        return rv;
    CK_ULONG len = object_ulong(o, CKA_VALUE_LEN);
    if (object_bool(o, CKA_TOKEN))
        rv = CKR_ACTION_PROHIBITED; /* a card keeps no secret keys */
    else if (len < row->min || len > row->max || (row->key == CKK_AES && len % 8 != 0))
        rv = CKR_KEY_SIZE_RANGE;
    else if (object_bool(o, CKA_PRIVATE) && s->login != LOGIN_USER)
        rv = CKR_USER_NOT_LOGGED_IN;
    else
        rv = fill_random(o, len);
    if (rv == CKR_OK &&
        !(object_set_bool(o, CKA_LOCAL, true) && object_set_ulong(o, CKA_KEY_GEN_MECHANISM, m->mechanism) &&
          object_set_bool(o, CKA_ALWAYS_SENSITIVE, object_bool(o, CKA_SENSITIVE)) &&
          object_set_bool(o, CKA_NEVER_EXTRACTABLE, !object_bool(o, CKA_EXTRACTABLE))))
        rv = CKR_HOST_MEMORY;
    return store_made(se, o, rv, out);
}
