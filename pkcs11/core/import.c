/* C_CreateObject of a private key: import, where the card has a command for it. */
#include "core/import.h"
#include "card/base/secret.h"
#include "core/admin.h"
#include "core/content.h"
#include "core/facts.h"
#include "core/login.h"
#include "core/slot.h"
#include "core/token.h"
#include <string.h>

#define ROOM (5 * MECH_MAX_BLOCK / 2) /* bytes of an RSA key's five numbers */

CK_RV import_free_slot(struct slot *s, struct card_key **out)
{
    *out = NULL;
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        struct card_key *k = &s->key[i];
        if (k->public_object != NULL || k->certificate_object != NULL)
            continue;
        CK_RV rv =
            content_look(s, k); /* a list may be old: nothing is ever put over a key that wasn't named */
        if (rv != CKR_OK)
            return rv;
        if (k->key != KNOWN_YES && k->certificate != KNOWN_YES && k->public_object == NULL) {
            *out = k;
            return CKR_OK;
        }
    }
    return CKR_DEVICE_MEMORY;
}

CK_RV import_slot_for(struct slot *s, struct rd id, struct card_key **out)
{
    CK_ATTRIBUTE templ = {CKA_ID, (void *)(uintptr_t)id.p, id.n};
    *out = NULL;
    if (id.n > 0) {
        CK_RV rv = content_prepare(s, &templ, 1); /* an id that was given to a slot stands among the facts */
        if (rv != CKR_OK)
            return rv;
        *out = content_key_by_id(s, id);
    }
    return *out != NULL ? CKR_OK : import_free_slot(s, out);
}

void import_note(struct slot *s, struct card_key *k, struct rd id, struct rd label)
{
    uint8_t standard;
    if (content_history(s) != CKR_OK)
        return;
    struct rd own = facts_id(s, k, &standard), name = facts_label(s, k);
    bool new_id = id.n > 0 && !rd_is(own, id.p, id.n),
         new_label = label.n > 0 && !rd_is(name, label.p, label.n);
    if (!new_id && !new_label && k->slot->retired <= s->history.on_card)
        return;
    if ((new_id && facts_set_id(s, k, id) != CKR_OK) ||
        (new_label && facts_set_label(s, k, label) != CKR_OK) || facts_write(s) != CKR_OK)
        log_line(LOG_OBJECT, "slot %lu: id and label of %02X can't be kept", s->id, k->slot->ref);
}

/* The five numbers, each as long as half the modulus: shorter ones are filled up. */
static CK_RV take_rsa(const struct object *o, struct driver_private *key, uint8_t room[ROOM])
{
    const struct {
        CK_ATTRIBUTE_TYPE type;
        struct rd *part;
    } parts[] = {{CKA_PRIME_1, &key->p},
                 {CKA_PRIME_2, &key->q},
                 {CKA_EXPONENT_1, &key->dp},
                 {CKA_EXPONENT_2, &key->dq},
                 {CKA_COEFFICIENT, &key->qinv}};
    size_t half = object_number(o, CKA_MODULUS).n / 2;
    key->algorithm = piv_algorithm_by(PIV_RSA, (unsigned)(half * 16));
    if (key->algorithm == NULL)
        return CKR_KEY_SIZE_RANGE;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct rd v = object_number(o, parts[i].type);
        uint8_t *at = room + i * half;
        if (v.n == 0)
            return CKR_TEMPLATE_INCOMPLETE;
        if (v.n > half)
            return CKR_ATTRIBUTE_VALUE_INVALID;
        memset(at, 0, half - v.n);
        memcpy(at + half - v.n, v.p, v.n);
        *parts[i].part = rd_of(at, half);
    }
    return CKR_OK;
}

/* A scalar as long as the curve's coordinates; shorter ones are filled up. */
static CK_RV take_ec(const struct object *o, struct driver_private *key, uint8_t room[ROOM])
{
    static const struct {
        enum host_curve curve;
        enum piv_kind kind;
        unsigned bits;
    } curves[] = {{HOST_P256, PIV_EC, 256},
                  {HOST_P384, PIV_EC, 384},
                  {HOST_ED25519, PIV_ED25519, 0},
                  {HOST_X25519, PIV_X25519, 0}};
    enum host_curve curve = keyobj_curve(object_get(o, CKA_EC_PARAMS));
    struct rd v = object_get(o, CKA_VALUE);
    const struct piv_algorithm *a;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        for (size_t j = 0; curves[i].curve == curve && (a = piv_algorithm_at(j)) != NULL; j++)
            if (a->kind == curves[i].kind && (curves[i].bits == 0 || a->bits == curves[i].bits))
                key->algorithm = a;
    size_t size = host_curve_size(curve);
    if (key->algorithm == NULL || size > ROOM)
        return CKR_CURVE_NOT_SUPPORTED;
    while (v.n > size && v.p[0] == 0)
        v = rd_of(v.p + 1, v.n - 1);
    if (v.n == 0 || v.n > size)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    memset(room, 0, size);
    memcpy(room + size - v.n, v.p, v.n);
    key->secret = rd_of(room, size);
    return CKR_OK;
}

static CK_RV send(struct session *se, struct card_key *k, const struct driver_private *key, enum piv_pin pin,
                  struct rd id, struct rd label)
{
    struct slot *s = se->slot;
    CK_RV rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    enum err e = driver_import(&s->card, k->slot, key, pin, PIV_TOUCH_DEFAULT);
    rv = e == E_UNSUPPORTED                  ? CKR_ACTION_PROHIBITED
         : e == E_REFUSED || e == E_ARGUMENT ? CKR_ATTRIBUTE_VALUE_INVALID
                                             : token_rv(s, e);
    if (rv == CKR_OK) {
        k->told = false; /* what was in the slot is gone */
        k->key = KNOWN_NOT;
        import_note(s, k, id, label);
    }
    admin_end(s, e == E_OK);
    return rv == CKR_OK ? content_policy(s, k) : rv;
}

CK_RV import_key(struct session *se, struct object *o, CK_OBJECT_HANDLE *out)
{
    struct slot *s = se->slot;
    struct driver_private key = {0};
    struct card_key *k = NULL;
    uint8_t room[ROOM];
    struct rd id = object_get(o, CKA_ID);
    CK_RV rv = object_ulong(o, CKA_KEY_TYPE) == CKK_RSA ? take_rsa(o, &key, room) : take_ec(o, &key, room);
    if (rv == CKR_OK && object_bool(o, CKA_EXTRACTABLE))
        rv = CKR_TEMPLATE_INCONSISTENT; /* what is on the card stays there */
    if (rv == CKR_OK)
        rv = import_slot_for(s, id, &k);
    if (rv == CKR_OK) {
        bool always = object_bool(o, CKA_ALWAYS_AUTHENTICATE);
        rv = send(se, k, &key, always ? PIV_PIN_ALWAYS : PIV_PIN_DEFAULT, id, object_get(o, CKA_LABEL));
    }
    secret_wipe(room, sizeof room);
    if (rv != CKR_OK)
        return rv;
    if (k->private_object == NULL)
        return CKR_DEVICE_ERROR;
    *out = k->private_object->handle;
    return CKR_OK;
}
