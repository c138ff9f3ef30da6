/* The facts element: DA { 01 version, 84 the token's label, E0 { 80 key reference, 81 label, 82 id, 83
 * SubjectPublicKeyInfo }... }.
 */
#include "core/facts.h"
#include "core/content.h"
#include "core/token.h"
#include "object/x509.h"
#include <stdlib.h>
#include <string.h>

#define TAG_FACTS  0xDA
#define TAG_KEY    0xE0
#define TAG_NAME   0x84
#define VERSION    1
#define OBJECT_MAX 12000 /* bytes of the whole Key History object */

void facts_forget(struct slot *s)
{
    for (size_t i = 0; i < PIV_SLOTS; i++)
        s->fact[i] = (struct fact){0};
    s->url_len = 0;
    s->name_len = 0;
}

static struct fact *fact_of(struct slot *s, const struct card_key *k)
{
    return &s->fact[content_id(k) - 1];
}

static bool take(struct rd from, uint8_t *to, size_t room, size_t *len)
{
    if (from.n > room)
        return false;
    if (from.n > 0)
        memcpy(to, from.p, from.n);
    *len = from.n;
    return true;
}

static bool parse_key(struct slot *s, struct rd body)
{
    struct rd ref, label, id, spki;
    if (!rd_tlv(&body, 0x80, &ref) || ref.n != 1 || !rd_tlv_opt(&body, 0x81, &label) ||
        !rd_tlv_opt(&body, 0x82, &id) || !rd_tlv_opt(&body, 0x83, &spki))
        return false;
    const struct card_key *k = content_key_by_ref(s, ref.p[0]);
    if (k == NULL)
        return false;
    struct fact *f = fact_of(s, k);
    if (!take(label, f->label, sizeof f->label, &f->label_len) || !take(id, f->id, sizeof f->id, &f->id_len))
        return false;
    f->has_public = spki.p != NULL && keyobj_public_of(spki, &f->public_key);
    return true;
}

/* It is shown in places where control characters do harm. */
static bool is_name(struct rd name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < ' ' || name.p[i] == 0x7F)
            return false;
    return true;
}

bool facts_name(struct rd *name)
{
    while (name->n > 0 && (name->p[name->n - 1] == ' ' || name->p[name->n - 1] == 0))
        name->n--;
    return name->n <= sizeof((struct slot *)0)->name && is_name(*name);
}

void facts_set_name(struct slot *s, struct rd name)
{
    (void)take(name, s->name, sizeof s->name, &s->name_len);
}

void facts_parse(struct slot *s, struct rd content)
{
    uint32_t tag;
    struct rd value, key;
    uint8_t version;
    facts_forget(s);
    while (rd_tlv_any(&content, &tag, &value)) {
        if (tag == 0xF3 && !take(value, s->url, sizeof s->url, &s->url_len))
            s->url_len = 0;
        if (tag != TAG_FACTS || !rd_u8(&value, &version) || version != VERSION)
            continue;
        if (!rd_tlv_opt(&value, TAG_NAME, &key) || !is_name(key) ||
            !take(key, s->name, sizeof s->name, &s->name_len))
            continue;
        while (rd_tlv(&value, TAG_KEY, &key))
            if (!parse_key(s, key))
                break;
    }
}

struct rd facts_id(struct slot *s, const struct card_key *k, uint8_t *standard)
{
    const struct fact *f = fact_of(s, k);
    *standard = content_id(k);
    return f->id_len > 0 ? rd_of(f->id, f->id_len) : rd_of(standard, 1);
}

struct rd facts_label(const struct slot *s, const struct card_key *k)
{
    const struct fact *f = &s->fact[content_id(k) - 1];
    return f->label_len > 0 ? rd_of(f->label, f->label_len) : rd_of(k->slot->name, strlen(k->slot->name));
}

CK_RV facts_apply(struct slot *s, struct card_key *k)
{
    uint8_t standard;
    const struct fact *f = fact_of(s, k);
    if (f->has_public && k->public_key.algorithm == NULL) {
        k->public_key = f->public_key;
        k->key = KNOWN_YES;
        CK_RV rv = keyobj_keys(s, k);
        if (rv != CKR_OK)
            return rv;
    }
    struct rd id = facts_id(s, k, &standard), label = facts_label(s, k);
    struct object *objects[] = {k->certificate_object, k->public_object, k->private_object};
    for (size_t i = 0; i < 3; i++)
        if (objects[i] != NULL && !(object_set(objects[i], CKA_ID, id.p, id.n) &&
                                    object_set(objects[i], CKA_LABEL, label.p, label.n)))
            return CKR_HOST_MEMORY;
    return CKR_OK;
}

CK_RV facts_set_label(struct slot *s, struct card_key *k, struct rd label)
{
    struct fact *f = fact_of(s, k);
    if (rd_is(label, k->slot->name, strlen(k->slot->name)))
        label.n = 0;
    return take(label, f->label, sizeof f->label, &f->label_len) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

CK_RV facts_set_id(struct slot *s, struct card_key *k, struct rd id)
{
    struct fact *f = fact_of(s, k);
    uint8_t standard = content_id(k);
    const struct card_key *other = id.n > 0 ? content_key_by_id(s, id) : NULL;
    if (other != NULL && other != k)
        return CKR_ATTRIBUTE_VALUE_INVALID; /* it is another key's */
    if (rd_is(id, &standard, 1))
        id.n = 0;
    return take(id, f->id, sizeof f->id, &f->id_len) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

void facts_set_public(struct slot *s, struct card_key *k, bool keep)
{
    struct fact *f = fact_of(s, k);
    f->has_public = keep;
    if (keep)
        f->public_key = k->public_key;
}

void facts_drop(struct slot *s, struct card_key *k)
{
    *fact_of(s, k) = (struct fact){0};
}

bool facts_any(struct slot *s, struct card_key *k)
{
    const struct fact *f = fact_of(s, k);
    return f->label_len > 0 || f->id_len > 0 || f->has_public;
}

static void build_key(struct wr *w, const struct slot *s, size_t i)
{
    const struct fact *f = &s->fact[i];
    if (f->label_len == 0 && f->id_len == 0 && !f->has_public)
        return;
    size_t key = wr_open(w, TAG_KEY);
    wr_tlv(w, 0x80, rd_of(&s->key[i].slot->ref, 1));
    if (f->label_len > 0)
        wr_tlv(w, 0x81, rd_of(f->label, f->label_len));
    if (f->id_len > 0)
        wr_tlv(w, 0x82, rd_of(f->id, f->id_len));
    if (f->has_public) {
        size_t spki = wr_open(w, 0x83);
        keyobj_build_public(w, &f->public_key);
        wr_close(w, spki);
    }
    wr_close(w, key);
}

/* Retired slots that are in use, as the Key History counts them: up to the last one. */
static void count_retired(struct slot *s)
{
    uint8_t last = 0;
    for (size_t i = PIV_ACTIVE_SLOTS; i < PIV_SLOTS; i++)
        if (s->key[i].certificate == KNOWN_YES || s->key[i].key == KNOWN_YES)
            last = s->key[i].slot->retired;
    if (s->history_absent || token_has_metadata(s) || last > s->history.on_card)
        s->history.on_card = last;
}

CK_RV facts_write(struct slot *s)
{
    uint8_t *bytes = malloc(OBJECT_MAX);
    struct rd content;
    if (bytes == NULL)
        return CKR_HOST_MEMORY;
    struct wr w = wr_of(bytes, OBJECT_MAX);
    CK_RV known = content_retired(s);
    if (known != CKR_OK) {
        free(bytes);
        return known;
    }
    count_retired(s);
    struct piv_key_history history = s->history;
    history.url = rd_of(s->url, s->url_len);
    bool ok = piv_key_history_build(&w, &history);
    size_t mark = wr_open(&w, TAG_FACTS);
    wr_u8(&w, VERSION);
    if (s->name_len > 0)
        wr_tlv(&w, TAG_NAME, rd_of(s->name, s->name_len));
    for (size_t i = 0; i < PIV_SLOTS; i++)
        build_key(&w, s, i);
    wr_close(&w, mark);
    CK_RV rv = CKR_DEVICE_MEMORY;
    if (ok && wr_done(&w, &content)) {
        enum err e = piv_put_data(&s->card, PIV_TAG_KEY_HISTORY, content);
        rv = e == E_REFUSED || e == E_BUFFER ? CKR_DEVICE_MEMORY : token_rv(s, e);
    }
    free(bytes);
    if (rv == CKR_OK)
        s->history_absent = false;
    return rv;
}
