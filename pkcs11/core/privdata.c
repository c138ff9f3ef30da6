/* The list of private data: DB { 01 version, E0 { 80 id, 81 object id, 82 label, 83 application, 84 value
 * }... }. */
#include "core/privdata.h"
#include "card/base/secret.h"
#include "core/admin.h"
#include "core/login.h"
#include "core/slot.h"
#include "core/token.h"
#include <stdlib.h>
#include <string.h>

#define TAG_LIST  0xDB
#define TAG_ENTRY 0xE0
#define VERSION   1
#define LIST_MAX  2800 /* bytes: an object of a YubiKey holds 3052 */

static const char marker; /* what card_data of these objects points to */

static const CK_ATTRIBUTE_TYPE fields[] = {CKA_ID, CKA_OBJECT_ID, CKA_LABEL, CKA_APPLICATION, CKA_VALUE};
#define FIELDS (sizeof fields / sizeof fields[0])

bool privdata_is(const struct object *o)
{
    return o->card_data == &marker;
}

static bool parse_entry(struct rd body, struct rd out[FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++)
        if (!rd_tlv(&body, 0x80 + (uint32_t)i, &out[i]))
            return false;
    return rd_end(&body);
}

static CK_RV add_object(struct slot *s, const struct rd field[FIELDS], CK_OBJECT_HANDLE *handle)
{
    struct object *o = object_new(attr_rows_of(CKO_DATA, 0));
    bool ok = o != NULL && object_set_bool(o, CKA_TOKEN, true) && object_set_bool(o, CKA_PRIVATE, true) &&
              object_set_bool(o, CKA_COPYABLE, false);
    for (size_t i = 0; ok && i < FIELDS; i++)
        ok = object_set(o, fields[i], field[i].p, field[i].n);
    if (!ok) {
        object_unref(o);
        return CKR_HOST_MEMORY;
    }
    o->card_data = &marker;
    return store_add(s, o, handle);
}

static void drop_objects(struct slot *s)
{
    for (size_t i = s->list_count; i-- > 0;)
        if (privdata_is(s->list[i]))
            store_remove(s, s->list[i]);
}

void privdata_forget(struct slot *s)
{
    drop_objects(s);
    secret_free(s->private_list);
    s->private_list = NULL;
}

void privdata_absent(struct slot *s)
{
    privdata_forget(s);
    s->private_list = secret_new(NULL, 0); /* known to be empty; without memory it is just not known */
}

static bool same_list(const struct slot *s, struct rd content)
{
    return s->private_list != NULL && secret_equal(secret_view(s->private_list), content);
}

static bool open_list(struct rd content, struct rd *entries)
{
    uint8_t version;
    return rd_tlv(&content, TAG_LIST, entries) && rd_end(&content) && rd_u8(entries, &version) &&
           version == VERSION;
}

bool privdata_take(struct slot *s, struct rd content, CK_RV *rv)
{
    struct rd entries, body, field[FIELDS];
    *rv = CKR_OK;
    if (!open_list(content, &entries))
        return false;
    if (same_list(s, content))
        return true; /* handles stay */
    privdata_forget(s);
    s->private_list = secret_new(content.p, content.n);
    if (s->private_list == NULL)
        *rv = CKR_HOST_MEMORY;
    while (*rv == CKR_OK && rd_tlv(&entries, TAG_ENTRY, &body))
        if (parse_entry(body, field))
            *rv = add_object(s, field, NULL);
    return true;
}

/* Those without an object id are told apart by label and application. */
static bool is_same_entry(const struct rd a[FIELDS], const struct rd b[FIELDS])
{
    size_t names = a[1].n > 0 ? 2 : 4;
    for (size_t i = 0; i < names; i++)
        if (!rd_is(a[i], b[i].p, b[i].n))
            return false;
    return true;
}

static void fields_of(const struct object *o, struct rd out[FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++)
        out[i] = object_get(o, fields[i]);
}

/* The list without the entry of this name, and with `more` at its end unless it is NULL. */
static bool build(struct slot *s, struct wr *w, const struct rd without[FIELDS], const struct rd *more)
{
    struct rd content = secret_view(s->private_list), entries = rd_of(NULL, 0), body, field[FIELDS];
    if (content.n > 0 && !open_list(content, &entries))
        return false;
    size_t list = wr_open(w, TAG_LIST);
    wr_u8(w, VERSION);
    while (rd_tlv(&entries, TAG_ENTRY, &body))
        if (parse_entry(body, field) && !is_same_entry(field, without))
            wr_tlv(w, TAG_ENTRY, body);
    if (more != NULL) {
        size_t entry = wr_open(w, TAG_ENTRY);
        for (size_t i = 0; i < FIELDS; i++)
            wr_tlv(w, 0x80 + (uint32_t)i, more[i]);
        wr_close(w, entry);
    }
    wr_close(w, list);
    return true;
}

/* What is on the card has to be known, or writing would lose it. */
static CK_RV know_list(struct slot *s)
{
    struct rd content;
    CK_RV rv;
    if (s->private_list != NULL)
        return CKR_OK;
    enum err e = piv_get_data(&s->card, PRIVDATA_TAG, &content);
    if (e == E_NOT_FOUND)
        return CKR_OK;
    if (e == E_AUTH_NEEDED)
        return CKR_USER_NOT_LOGGED_IN; /* a user's login has to read it first */
    if (e != E_OK)
        return token_rv(s, e);
    return content.n == 0 || privdata_take(s, content, &rv) ? CKR_OK : CKR_ACTION_PROHIBITED;
}

static CK_RV put(struct session *se, const struct rd without[FIELDS], const struct rd *more)
{
    struct slot *s = se->slot;
    uint8_t bytes[LIST_MAX];
    struct wr w = wr_of(bytes, sizeof bytes);
    struct rd content;
    CK_RV rv = admin_begin(se);
    if (rv != CKR_OK)
        return rv;
    rv = know_list(s);
    if (rv == CKR_OK)
        rv = build(s, &w, without, more) && wr_done(&w, &content) ? CKR_OK : CKR_DEVICE_MEMORY;
    if (rv == CKR_OK) {
        rv = token_rv(s, piv_put_data(&s->card, PRIVDATA_TAG, content));
        struct secret *fresh = rv == CKR_OK ? secret_new(content.p, content.n) : NULL;
        if (fresh != NULL) {
            secret_free(s->private_list);
            s->private_list = fresh;
        }
    }
    admin_end(s, rv == CKR_OK);
    secret_wipe(bytes, sizeof bytes);
    return rv;
}

/* A user's login reads the list even where it can't write: an SO's login that follows then can. */
static void read_as_user(struct slot *s)
{
    struct rd content;
    CK_RV rv;
    if (s->login != LOGIN_USER || s->private_list != NULL || token_begin(s, TOKEN_PIV) != CKR_OK)
        return;
    enum tp_after after = TP_LEAVE;
    if (login_present(s) == CKR_OK) {
        enum err e = piv_get_data(&s->card, PRIVDATA_TAG, &content);
        if (e == E_OK)
            (void)privdata_take(s, content, &rv);
        else if (e == E_NOT_FOUND)
            privdata_absent(s);
        after = login_withdraw(s);
    }
    token_end(s, after);
}

CK_RV privdata_write(struct session *se, struct object *o, CK_OBJECT_HANDLE *out)
{
    struct slot *s = se->slot;
    struct rd field[FIELDS];
    fields_of(o, field);
    if (!object_bool(o, CKA_PRIVATE) || (field[1].n == 0 && field[2].n == 0) || field[4].n == 0)
        return CKR_ATTRIBUTE_VALUE_INVALID; /* what is public has no place on the card */
    read_as_user(s);
    CK_RV rv = put(se, field, field);
    if (rv != CKR_OK)
        return rv;
    for (size_t i = s->list_count; i-- > 0;) {
        struct rd have[FIELDS];
        fields_of(s->list[i], have);
        if (privdata_is(s->list[i]) && is_same_entry(have, field))
            store_remove(s, s->list[i]);
    }
    return add_object(s, field, out);
}

CK_RV privdata_destroy(struct session *se, struct object *o)
{
    struct rd without[FIELDS];
    fields_of(o, without);
    CK_RV rv = put(se, without, NULL);
    if (rv == CKR_OK)
        store_remove(se->slot, o);
    return rv;
}
