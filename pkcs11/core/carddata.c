/* The card's data objects (SP 800-73-4 part 1, table 2) as CKO_DATA; read only when a search asks for that
 * class. */
#include "core/admin.h"
#include "core/import.h"
#include "core/login.h"
#include "core/privdata.h"
#include "core/slot.h"
#include "core/token.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "2.16.840.1.101.3.7.1.219.0" -> DER, with its header. 0: no room, or not an OID. */
static size_t oid_der(const char *dotted, uint8_t *out, size_t size)
{
    struct wr w = wr_of(out, size);
    struct rd done;
    size_t mark = wr_open(&w, 0x06);
    unsigned long first = 0;
    for (size_t n = 0; dotted != NULL && *dotted != '\0'; n++) {
        char *end;
        unsigned long arc = strtoul(dotted, &end, 10);
        dotted = *end == '.' ? end + 1 : end;
        if (n == 0) {
            first = arc;
            continue;
        }
        arc += n == 1 ? first * 40 : 0;
        for (int shift = 28; shift >= 0; shift -= 7)
            if (shift == 0 || arc >> shift != 0)
                wr_u8(&w, (uint8_t)((arc >> shift & 0x7F) | (shift > 0 ? 0x80 : 0)));
    }
    wr_close(&w, mark);
    return wr_done(&w, &done) ? done.n : 0;
}

static struct object *find_made(const struct slot *s, const struct piv_object *row)
{
    for (size_t i = 0; i < s->list_count; i++)
        if (s->list[i]->card_data == row)
            return s->list[i];
    return NULL;
}

static CK_RV add(struct slot *s, const struct piv_object *row, struct rd content)
{
    uint8_t oid[32];
    size_t oid_len = oid_der(row->oid, oid, sizeof oid);
    struct object *old = find_made(s, row);
    if (old != NULL) {
        if (!object_set(old, CKA_VALUE, content.p, content.n))
            return CKR_HOST_MEMORY;
        return CKR_OK;
    }
    struct object *o = object_new(attr_rows_of(CKO_DATA, 0));
    if (o == NULL || !object_set_bool(o, CKA_TOKEN, true) || !object_set_bool(o, CKA_PRIVATE, row->pin) ||
        !object_set(o, CKA_LABEL, row->name, strlen(row->name)) ||
        !object_set(o, CKA_APPLICATION, "PIV", 3) ||
        !object_set(o, CKA_OBJECT_ID, oid, row->oid != NULL ? oid_len : 0) ||
        !object_set(o, CKA_VALUE, content.p, content.n) || !object_set_bool(o, CKA_COPYABLE, false)) {
        object_unref(o);
        return CKR_HOST_MEMORY;
    }
    o->card_data = row;
    return store_add(s, o, NULL);
}

static bool is_asked_for(const struct piv_object *row, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    uint8_t oid[32];
    const CK_ATTRIBUTE *label = attr_find(templ, count, CKA_LABEL),
                       *id = attr_find(templ, count, CKA_OBJECT_ID);
    if (row->certificate)
        return false;
    if (row->tag == PRIVDATA_TAG && (label != NULL || id != NULL))
        return true; /* its entries have labels and OIDs of their own */
    if (label != NULL && !rd_is(rd_of(label->pValue, label->ulValueLen), row->name, strlen(row->name)))
        return false;
    return id == NULL || (row->oid != NULL &&
                          rd_is(rd_of(id->pValue, id->ulValueLen), oid, oid_der(row->oid, oid, sizeof oid)));
}

static CK_RV read_one(struct slot *s, const struct piv_object *row)
{
    struct rd content;
    enum err e = piv_get_data(&s->card, row->tag, &content);
    CK_RV rv;
    if (row->tag == PRIVDATA_TAG && e == E_OK && privdata_take(s, content, &rv))
        return rv;
    if (row->tag == PRIVDATA_TAG && e == E_NOT_FOUND)
        privdata_absent(s);
    if (e == E_OK)
        return add(s, row, content);
    struct object *old = find_made(s, row);
    if (old != NULL)
        store_remove(s, old);
    return e == E_NOT_FOUND || e == E_AUTH_NEEDED || e == E_UNSUPPORTED || e == E_MALFORMED || e == E_CARD
               ? CKR_OK
               : token_rv(s, e);
}

CK_RV carddata_prepare(struct slot *s, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    CK_ULONG class = CK_UNAVAILABLE_INFORMATION;
    bool token = true, with_pin = s->login == LOGIN_USER, presented = false;
    enum tp_after after = TP_LEAVE;
    (void)attr_find_bool(templ, count, CKA_TOKEN, &token);
    if (!attr_find_ulong(templ, count, CKA_CLASS, &class) || class != CKO_DATA || !token)
        return CKR_OK;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv == CKR_TOKEN_NOT_RECOGNIZED ? CKR_OK : rv;
    const struct piv_object *row;
    for (size_t i = 0; rv == CKR_OK && (row = piv_object_at(i)) != NULL; i++) {
        if (!is_asked_for(row, templ, count) || (row->pin && !with_pin))
            continue;
        if (row->pin && !presented) {
            presented = with_pin = login_present(s) == CKR_OK;
            if (!presented)
                continue;
        }
        rv = read_one(s, row);
    }
    if (presented)
        after = login_withdraw(s);
    token_end(s, after);
    return rv;
}

/* Which object a template means: by its OID, or by the name that we give it. */
static const struct piv_object *row_of(const struct object *o)
{
    struct rd id = object_get(o, CKA_OBJECT_ID), label = object_get(o, CKA_LABEL);
    CK_ATTRIBUTE templ = id.n > 0 ? (CK_ATTRIBUTE){CKA_OBJECT_ID, (void *)(uintptr_t)id.p, id.n}
                                  : (CK_ATTRIBUTE){CKA_LABEL, (void *)(uintptr_t)label.p, label.n};
    const struct piv_object *row;
    for (size_t i = 0; (row = piv_object_at(i)) != NULL; i++)
        if (row->tag != PRIVDATA_TAG && is_asked_for(row, &templ, 1))
            return row;
    return NULL;
}

/* These are kept by the module or tell what the card is; writing over them would break it. */
static bool is_protected(const struct piv_object *row)
{
    return row->tag == PIV_TAG_KEY_HISTORY || row->tag == PIV_TAG_DISCOVERY;
}

static CK_RV put(struct session *se, const struct piv_object *row, struct rd content)
{
    struct slot *s = se->slot;
    if (row == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (is_protected(row))
        return CKR_ACTION_PROHIBITED;
    CK_RV rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    enum err e = piv_put_data(&s->card, row->tag, content);
    rv = e == E_REFUSED || e == E_BUFFER ? CKR_DEVICE_MEMORY : token_rv(s, e);
    if (row->tag == PIV_TAG_CHUID)
        token_forget_identity(s);
    admin_end(s, e == E_OK);
    return rv;
}

CK_RV carddata_write(struct session *se, struct object *o, CK_OBJECT_HANDLE *out)
{
    const struct piv_object *row = row_of(o);
    struct rd content = object_get(o, CKA_VALUE);
    if (row == NULL)
        return privdata_write(se, o, out);
    CK_RV rv = content.n == 0 ? CKR_ATTRIBUTE_VALUE_INVALID : put(se, row, content);
    if (rv == CKR_OK)
        rv = add(se->slot, row, content);
    if (rv == CKR_OK)
        *out = find_made(se->slot, row)->handle;
    return rv;
}

CK_RV carddata_destroy(struct session *se, struct object *o)
{
    if (privdata_is(o))
        return privdata_destroy(se, o);
    CK_RV rv = put(se, o->card_data, rd_of(NULL, 0));
    if (rv == CKR_OK)
        store_remove(se->slot, o);
    return rv;
}
