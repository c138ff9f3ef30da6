/* Which key slots a search can match, and reading those: Key History, certificates, metadata. */
#include "core/content.h"
#include "core/cache.h"
#include "core/facts.h"
#include "core/gate.h"
#include "core/privdata.h"
#include "core/slot.h"
#include "core/token.h"
#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_MAX 32768 /* bytes of a certificate, decompressed */

void content_forget(struct slot *s)
{
    for (size_t i = s->list_count; i-- > 0;)
        if (s->list[i]->session == 0)
            store_remove(s, s->list[i]);
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        s->key[i] = (struct card_key){.slot = piv_slot_at(i)};
    }
    s->history_read = false;
    s->history_absent = false;
    s->history = (struct piv_key_history){0};
    s->statics = false;
    s->otp_listed = false;
    gates_forget(s);
    facts_forget(s);
    privdata_forget(s);
}

void content_doubt(struct slot *s)
{
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        s->key[i].certificate = s->key[i].key = KNOWN_NOT;
        s->key[i].told = false;
    }
    s->history_read = false;
    s->otp_listed = false;
    s->gate_known = false;
    privdata_forget(s);
}

uint8_t content_id(const struct card_key *k)
{
    for (uint8_t i = 0; i < PIV_SLOTS; i++)
        if (piv_slot_at(i) == k->slot)
            return (uint8_t)(i + 1);
    return 0;
}

struct card_key *content_key_by_id(struct slot *s, struct rd id)
{
    uint8_t standard;
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        struct rd own = facts_id(s, &s->key[i], &standard);
        if (rd_is(id, own.p, own.n))
            return &s->key[i];
    }
    return NULL;
}

struct card_key *content_key_by_ref(struct slot *s, uint8_t ref)
{
    for (size_t i = 0; i < PIV_SLOTS; i++)
        if (s->key[i].slot->ref == ref)
            return &s->key[i];
    return NULL;
}

/* ---- reading ---- */

static void no_certificate(struct slot *s, struct card_key *k)
{
    k->certificate = KNOWN_NO;
    if (k->certificate_object != NULL)
        store_remove(s, k->certificate_object);
    k->certificate_object = NULL;
}

static CK_RV read_certificate(struct slot *s, struct card_key *k)
{
    size_t len = CERTIFICATE_MAX;
    uint8_t *der = malloc(len);
    if (der == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = CKR_OK;
    enum err e;
    do {
        len = CERTIFICATE_MAX;
        e = cache_certificate(s, k->slot, der, &len);
    } while (token_again(s, &e));
    if (e == E_OK)
        rv = keyobj_certificate(s, k, rd_of(der, len));
    else if (e == E_NOT_FOUND || e == E_MALFORMED || e == E_BUFFER || e == E_AUTH_NEEDED)
        no_certificate(s, k); /* one bad object doesn't hide the others */
    else
        rv = token_rv(s, e);
    free(der);
    return rv;
}

static CK_RV read_metadata(struct slot *s, struct card_key *k)
{
    struct driver_metadata m;
    enum err e;
    do
        e = driver_metadata(&s->card, k->slot->ref, &m);
    while (token_again(s, &e));
    if (e == E_NOT_FOUND) {
        k->told = true;
        if (k->certificate != KNOWN_YES)
            k->key = KNOWN_NO;
        return CKR_OK;
    }
    if (e == E_UNSUPPORTED)
        return CKR_OK;
    if (e != E_OK)
        return token_rv(s, e);
    k->told = true;
    k->pin = m.pin;
    k->touch = m.touch;
    k->generated = m.generated;
    if (m.public_key.algorithm != NULL)
        keyobj_replace(s, k, &m.public_key);
    keyobj_policy(k);
    return keyobj_keys(s, k);
}

CK_RV content_history(struct slot *s)
{
    struct rd content;
    if (s->history_read)
        return CKR_OK;
    enum err e;
    do
        e = piv_get_data(&s->card, PIV_TAG_KEY_HISTORY, &content);
    while (token_again(s, &e));
    s->history_absent = e == E_NOT_FOUND;
    if (e == E_OK && !piv_key_history_parse(content, &s->history))
        s->history = (struct piv_key_history){0};
    facts_parse(s, e == E_OK ? content : rd_of(NULL, 0));
    if (e == E_OK || e == E_NOT_FOUND)
        shared_tell_name(s);
    s->history.url = rd_of(NULL, 0);
    s->history_read = e == E_OK || e == E_NOT_FOUND || e == E_UNSUPPORTED;
    CK_RV rv = s->history_read ? CKR_OK : token_rv(s, e);
    for (size_t i = 0; rv == CKR_OK && i < PIV_SLOTS; i++)
        rv = facts_apply(s, &s->key[i]);
    return rv;
}

/* ---- what a template can match ---- */

struct wish {
    bool certificates, keys;
    bool all;              /* no key slot is ruled out */
    struct card_key *only; /* else this one, or none */
    bool facts;            /* which one, only the facts on the card say */
};

static bool says(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type, bool value)
{
    bool v;
    return attr_find_bool(templ, count, type, &v) && v == value;
}

static struct card_key *by_label(struct slot *s, struct rd label)
{
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        struct rd own = facts_label(s, &s->key[i]);
        if (rd_is(label, own.p, own.n))
            return &s->key[i];
    }
    return NULL;
}

static struct wish wish_of(struct slot *s, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    struct wish w = {.certificates = true, .keys = true, .all = true};
    CK_ULONG class;
    const CK_ATTRIBUTE *a;
    if (says(templ, count, CKA_TOKEN, false))
        return (struct wish){0};
    if (attr_find_ulong(templ, count, CKA_CLASS, &class)) {
        w.certificates = class == CKO_CERTIFICATE;
        w.keys = class == CKO_PUBLIC_KEY || class == CKO_PRIVATE_KEY;
    }
    if (says(templ, count, CKA_PRIVATE, true))
        w.certificates = false;
    if ((a = attr_find(templ, count, CKA_ID)) != NULL) {
        w.all = false;
        w.only = content_key_by_id(s, rd_of(a->pValue, a->ulValueLen));
    }
    if ((a = attr_find(templ, count, CKA_LABEL)) != NULL) {
        struct card_key *k = by_label(s, rd_of(a->pValue, a->ulValueLen));
        w.only = w.all || w.only == k ? k : NULL;
        w.all = false;
    }
    /* An id or label that no slot has by itself may have been given to one. */
    w.facts = !w.all && w.only == NULL && !s->history_read && (w.certificates || w.keys);
    return w;
}

/* Retired keys are looked for in the metadata where there is any, unless the user knows better: other
 * programs write no Key History, or no true one. */
static bool asks_retired(const struct slot *s)
{
    return s->open && token_has_metadata(s) && !s->module->settings.retired_history;
}

static bool wanted(struct slot *s, const struct wish *w, size_t i)
{
    const struct card_key *k = &s->key[i];
    if (!w->all)
        return w->only == k;
    if (k->slot->retired != 0 && asks_retired(s))
        return true;
    return k->slot->retired == 0 || k->slot->retired <= s->history.on_card ||
           k->slot->retired > PIV_RETIRED_SLOTS - s->history.off_card;
}

static bool is_due(const struct slot *s, const struct wish *w, const struct card_key *k)
{
    if (w->certificates && k->certificate == KNOWN_NOT)
        return true;
    if (!w->keys || k->key != KNOWN_NOT)
        return false;
    return k->certificate == KNOWN_NOT || (!k->told && s->open && token_has_metadata(s));
}

/* One key slot. Metadata is the shorter answer when the certificate isn't asked for. */
static CK_RV read_slot(struct slot *s, const struct wish *w, struct card_key *k)
{
    CK_RV rv = CKR_OK;
    bool metadata = token_has_metadata(s);
    bool probe = w->all && k->slot->retired != 0 && asks_retired(s);
    if (probe && !k->told)
        rv = read_metadata(s, k);
    if (probe && rv == CKR_OK && k->key == KNOWN_NO)
        k->certificate = KNOWN_NO;
    if (rv == CKR_OK && w->certificates && k->certificate == KNOWN_NOT)
        rv = read_certificate(s, k);
    if (rv == CKR_OK && w->keys && k->key == KNOWN_NOT && metadata && !k->told)
        rv = read_metadata(s, k);
    if (rv == CKR_OK && w->keys && k->key == KNOWN_NOT && k->certificate == KNOWN_NOT &&
        !(k->told && token_has_metadata(s)))
        rv = read_certificate(s, k);
    /* A key without certificate on a card without metadata: its public key may stand among the facts. */
    if (rv == CKR_OK && w->keys && k->key == KNOWN_NOT && k->certificate == KNOWN_NO && !metadata)
        rv = content_history(s);
    if (rv == CKR_OK && w->keys && k->key == KNOWN_NOT && k->certificate == KNOWN_NO)
        k->key = KNOWN_NO;
    return rv;
}

static bool anything_due(struct slot *s, const struct wish *w)
{
    if (!w->certificates && !w->keys)
        return false;
    if (((w->all || w->facts) && !s->history_read) || (w->keys && gates_due(s)))
        return true;
    for (size_t i = 0; i < PIV_SLOTS; i++)
        if (wanted(s, w, i) && is_due(s, w, &s->key[i]))
            return true;
    return false;
}

CK_RV content_profile(struct slot *s, CK_ULONG id)
{
    struct object *o = object_new(attr_rows_of(CKO_PROFILE, 0));
    if (o == NULL || !object_set_ulong(o, CKA_PROFILE_ID, id) || !object_set_bool(o, CKA_TOKEN, true) ||
        !object_set_bool(o, CKA_MODIFIABLE, false) || !object_set_bool(o, CKA_DESTROYABLE, false)) {
        object_unref(o);
        return CKR_HOST_MEMORY;
    }
    return store_add(s, o, NULL);
}

static CK_RV add_statics(struct slot *s)
{
    static const CK_ULONG profiles[] = {CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER,
                                        CKP_AUTHENTICATION_TOKEN, CKP_PUBLIC_CERTIFICATES_TOKEN};
    CK_RV rv = CKR_OK;
    if (s->statics)
        return CKR_OK;
    for (size_t i = 0; rv == CKR_OK && i < sizeof profiles / sizeof profiles[0]; i++)
        rv = content_profile(s, profiles[i]);
    s->statics = rv == CKR_OK;
    return rv;
}

CK_RV content_prepare(struct slot *s, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    struct wish w = wish_of(s, templ, count);
    CK_RV rv = add_statics(s);
    if (rv != CKR_OK || !anything_due(s, &w))
        return rv;
    rv = token_begin(s, TOKEN_TRY);
    if (rv != CKR_OK)
        return rv == CKR_TOKEN_NOT_RECOGNIZED ? CKR_OK : rv;
    if (w.keys)
        rv = gates_learn(s);
    if (rv == CKR_OK && w.facts) {
        rv = content_history(s);
        w = wish_of(s, templ, count);
    }
    for (size_t i = 0; rv == CKR_OK && i < PIV_SLOTS; i++) {
        /* Active slots come first: an object that exists shows at no cost that PIV is selected. */
        if (w.all && i == PIV_ACTIVE_SLOTS)
            rv = content_history(s);
        if (rv == CKR_OK && wanted(s, &w, i))
            rv = read_slot(s, &w, &s->key[i]);
    }
    token_end(s, TP_LEAVE);
    cache_keep(s);
    return rv;
}

CK_RV content_retired(struct slot *s)
{
    CK_RV rv = CKR_OK;
    for (size_t i = PIV_ACTIVE_SLOTS; rv == CKR_OK && i < PIV_SLOTS; i++)
        if (token_has_metadata(s) && !s->key[i].told)
            rv = read_metadata(s, &s->key[i]);
    return rv;
}

CK_RV content_look(struct slot *s, struct card_key *k)
{
    struct wish w = {.certificates = true, .keys = true, .only = k};
    k->told = false;
    k->certificate = k->key = KNOWN_NOT;
    CK_RV rv = token_begin(s, TOKEN_TRY);
    if (rv != CKR_OK)
        return rv;
    rv = read_slot(s, &w, k);
    if (rv == CKR_OK && token_has_metadata(s) && !k->told)
        rv = read_metadata(s, k);
    token_end(s, TP_LEAVE);
    return rv;
}

CK_RV content_policy(struct slot *s, struct card_key *k)
{
    bool ask = !k->told && s->open && token_has_metadata(s);
    if (!ask && !gates_due(s))
        return CKR_OK;
    CK_RV rv = token_begin(s, TOKEN_TRY);
    if (rv != CKR_OK)
        return rv;
    rv = ask ? read_metadata(s, k) : gates_learn(s);
    token_end(s, TP_LEAVE);
    return rv;
}

CK_RV content_always_kinds(struct slot *s, bool *rsa, bool *ec)
{
    uint8_t id = content_id(content_key_by_ref(s, PIV_REF_SIGN));
    CK_ATTRIBUTE templ = {CKA_ID, &id, 1};
    CK_RV rv = content_prepare(s, &templ, 1);
    *rsa = *ec = false;
    for (size_t i = 0; rv == CKR_OK && i < PIV_SLOTS; i++) {
        id = content_id(&s->key[i]);
        if (s->key[i].gate == GATE_ALWAYS)
            rv = content_prepare(s, &templ, 1);
    }
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        const struct card_key *k = &s->key[i];
        if (k->private_object == NULL || !object_bool(k->private_object, CKA_ALWAYS_AUTHENTICATE))
            continue;
        if (k->public_key.algorithm->kind == PIV_RSA)
            *rsa = true;
        else
            *ec = true;
    }
    return rv;
}

static void drop(struct slot *s, struct object **o)
{
    if (*o != NULL)
        store_remove(s, *o);
    *o = NULL;
}

CK_RV content_new_key(struct slot *s, struct card_key *k, const struct piv_public *public_key,
                      enum piv_pin pin, enum piv_touch touch)
{
    drop(s, &k->public_object);
    drop(s, &k->private_object);
    k->public_key = *public_key;
    k->key = KNOWN_YES;
    k->pin = pin;
    k->touch = touch;
    k->told = true;
    k->generated = true;
    return keyobj_keys(s, k);
}

CK_RV content_new_certificate(struct slot *s, struct card_key *k, struct rd der)
{
    drop(s, &k->certificate_object);
    k->certificate = KNOWN_NO;
    return der.n == 0 ? CKR_OK : keyobj_certificate(s, k, der);
}
