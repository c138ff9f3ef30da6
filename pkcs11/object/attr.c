/* Objects as bags of attributes: building from templates, reading, matching and changing by the rows'
 * footnotes. */
#include "object/attr.h"
#include "card/base/secret.h"
#include <stdlib.h>
#include <string.h>

#define MAX_VALUE ((CK_ULONG)1 << 24) /* no attribute of a card or session comes near */

const struct attr_row *attr_row(const struct attr_rows *rows, CK_ATTRIBUTE_TYPE type)
{
    for (; rows != NULL; rows = rows->base)
        for (size_t i = 0; i < rows->count; i++)
            if (rows->row[i].type == type)
                return &rows->row[i];
    return NULL;
}

static struct attr *find(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->attr[i].type == type)
            return &o->attr[i];
    return NULL;
}

static void drop_value(struct attr *a)
{
    if (a->value != NULL)
        secret_wipe(a->value, a->len);
    free(a->value);
    a->value = NULL;
    a->len = 0;
}

bool object_set(struct object *o, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    struct attr *a = find(o, type);
    uint8_t *copy = NULL;
    if (len > 0 && (copy = malloc(len)) == NULL)
        return false;
    if (a == NULL) {
        if (o->count == o->room) {
            size_t room = o->room == 0 ? 32 : 2 * o->room;
            struct attr *more = realloc(o->attr, room * sizeof *more);
            if (more == NULL) {
                free(copy);
                return false;
            }
            o->attr = more;
            o->room = room;
        }
        a = &o->attr[o->count++];
        *a = (struct attr){.type = type};
    }
    if (len > 0)
        memcpy(copy, value, len);
    drop_value(a);
    a->value = copy;
    a->len = len;
    return true;
}

bool object_set_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool value)
{
    CK_BBOOL b = value ? CK_TRUE : CK_FALSE;
    return object_set(o, type, &b, sizeof b);
}

bool object_set_ulong(struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    return object_set(o, type, &value, sizeof value);
}

struct rd object_get(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    const struct attr *a = find(o, type);
    return a == NULL ? rd_of(NULL, 0) : rd_of(a->value, a->len);
}

struct rd object_number(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    struct rd v = object_get(o, type);
    while (v.n > 0 && v.p[0] == 0)
        v = rd_of(v.p + 1, v.n - 1);
    return v;
}

bool object_bool(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    struct rd v = object_get(o, type);
    return v.n == sizeof(CK_BBOOL) && *v.p != CK_FALSE;
}

CK_ULONG object_ulong(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
    struct rd v = object_get(o, type);
    CK_ULONG value;
    if (v.n != sizeof value)
        return CK_UNAVAILABLE_INFORMATION;
    memcpy(&value, v.p, sizeof value);
    return value;
}

CK_OBJECT_CLASS object_class(const struct object *o)
{
    return o->rows->class;
}

static bool set_default(struct object *o, const struct attr_row *row)
{
    if (row->notes & A_ABSENT)
        return true;
    if (row->kind == AK_BOOL)
        return object_set_bool(o, row->type, row->value != 0);
    if (row->kind == AK_ULONG)
        return object_set_ulong(o, row->type, row->value);
    return object_set(o, row->type, NULL, 0);
}

struct object *object_new(const struct attr_rows *rows)
{
    struct object *o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->rows = rows;
    o->refs = 1;
    bool ok = object_set_ulong(o, CKA_CLASS, rows->class);
    if (ok && rows->kind_type != CKA_CLASS)
        ok = object_set_ulong(o, rows->kind_type, rows->kind);
    for (; ok && rows != NULL; rows = rows->base)
        for (size_t i = 0; ok && i < rows->count; i++)
            if (find(o, rows->row[i].type) == NULL)
                ok = set_default(o, &rows->row[i]);
    if (!ok) {
        object_unref(o);
        return NULL;
    }
    return o;
}

struct object *object_ref(struct object *o)
{
    o->refs++;
    return o;
}

void object_unref(struct object *o)
{
    if (o == NULL || --o->refs > 0)
        return;
    for (size_t i = 0; i < o->count; i++)
        drop_value(&o->attr[i]);
    free(o->attr);
    free(o);
}

struct object *object_copy(const struct object *o)
{
    struct object *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        return NULL;
    copy->rows = o->rows;
    copy->refs = 1;
    for (size_t i = 0; i < o->count; i++) {
        if (!object_set(copy, o->attr[i].type, o->attr[i].value, o->attr[i].len)) {
            object_unref(copy);
            return NULL;
        }
    }
    return copy;
}

const CK_ATTRIBUTE *attr_find(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (templ[i].type == type)
            return &templ[i];
    return NULL;
}

bool attr_find_ulong(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type, CK_ULONG *value)
{
    const CK_ATTRIBUTE *a = attr_find(templ, count, type);
    if (a == NULL || a->pValue == NULL || a->ulValueLen != sizeof *value)
        return false;
    memcpy(value, a->pValue, sizeof *value);
    return true;
}

bool attr_find_bool(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type, bool *value)
{
    const CK_ATTRIBUTE *a = attr_find(templ, count, type);
    if (a == NULL || a->pValue == NULL || a->ulValueLen != sizeof(CK_BBOOL))
        return false;
    *value = *(const CK_BBOOL *)a->pValue != CK_FALSE;
    return true;
}

CK_RV attr_template_check(const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    if (templ == NULL && count != 0)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < count; i++)
        if (templ[i].ulValueLen > MAX_VALUE || (templ[i].pValue == NULL && templ[i].ulValueLen != 0))
            return CKR_ATTRIBUTE_VALUE_INVALID;
    return CKR_OK;
}

static bool all_digits(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    return true;
}

static bool value_fits(const struct attr_row *row, const CK_ATTRIBUTE *a)
{
    switch (row->kind) {
    case AK_BOOL:
        return a->ulValueLen == sizeof(CK_BBOOL) && *(const CK_BBOOL *)a->pValue <= CK_TRUE;
    case AK_ULONG:
        return a->ulValueLen == sizeof(CK_ULONG);
    case AK_DATE:
        return a->ulValueLen == 0 ||
               (a->ulValueLen == sizeof(CK_DATE) && all_digits(a->pValue, sizeof(CK_DATE)));
    case AK_MECHANISMS:
        return a->ulValueLen % sizeof(CK_MECHANISM_TYPE) == 0;
    case AK_TEMPLATE:
        return a->ulValueLen == 0; /* nested templates: none is kept */
    case AK_BYTES:
        return true;
    }
    return false;
}

static CK_RV check_entry(const struct attr_rows *rows, const CK_ATTRIBUTE *a, unsigned forbidden, bool is_so)
{
    const struct attr_row *row = attr_row(rows, a->type);
    if (row == NULL)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (!value_fits(row, a))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (row->notes & forbidden)
        return CKR_ATTRIBUTE_READ_ONLY;
    if ((row->notes & A_ONLY_SO) && *(const CK_BBOOL *)a->pValue != CK_FALSE && !is_so)
        return CKR_ATTRIBUTE_READ_ONLY;
    return CKR_OK;
}

static bool given_once(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ULONG i)
{
    return attr_find(templ, count, templ[i].type) == &templ[i];
}

static CK_RV find_rows(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_CLASS class, CK_ULONG kind,
                       const struct attr_rows **rows)
{
    CK_ULONG said;
    if (attr_find_ulong(templ, count, CKA_CLASS, &said)) {
        if (class != CK_UNAVAILABLE_INFORMATION && said != class)
            return CKR_TEMPLATE_INCONSISTENT;
        class = said;
    }
    if (class == CK_UNAVAILABLE_INFORMATION)
        return CKR_TEMPLATE_INCOMPLETE;
    *rows = attr_rows_of(class, CK_UNAVAILABLE_INFORMATION);
    if (*rows == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    CK_ATTRIBUTE_TYPE by = (*rows)->kind_type;
    if (by == CKA_CLASS)
        return CKR_OK;
    if (attr_find_ulong(templ, count, by, &said)) {
        if (kind != CK_UNAVAILABLE_INFORMATION && said != kind)
            return CKR_TEMPLATE_INCONSISTENT;
        kind = said;
    }
    if (kind == CK_UNAVAILABLE_INFORMATION)
        return CKR_TEMPLATE_INCOMPLETE;
    *rows = attr_rows_of(class, kind);
    return *rows == NULL ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
}

static CK_RV check_musts(const struct attr_rows *rows, const CK_ATTRIBUTE *templ, CK_ULONG count,
                         unsigned must)
{
    for (; rows != NULL; rows = rows->base)
        for (size_t i = 0; i < rows->count; i++)
            if ((rows->row[i].notes & must) && attr_find(templ, count, rows->row[i].type) == NULL)
                return CKR_TEMPLATE_INCOMPLETE;
    return CKR_OK;
}

CK_RV attr_build(const CK_ATTRIBUTE *templ, CK_ULONG count, enum attr_how how, CK_OBJECT_CLASS class,
                 CK_ULONG kind, bool is_so, struct object **out)
{
    static const unsigned must[] = {A_MUST_CREATE, A_MUST_GENERATE, A_MUST_UNWRAP};
    static const unsigned not [] = {A_NOT_CREATE, A_NOT_GENERATE, A_NOT_UNWRAP};
    const struct attr_rows *rows;
    *out = NULL;
    CK_RV rv = attr_template_check(templ, count);
    if (rv == CKR_OK)
        rv = find_rows(templ, count, class, kind, &rows);
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        rv = check_entry(rows, &templ[i], not [how], is_so);
        if (rv == CKR_OK && !given_once(templ, count, i))
            rv = CKR_TEMPLATE_INCONSISTENT;
    }
    if (rv == CKR_OK)
        rv = check_musts(rows, templ, count, must[how]);
    if (rv != CKR_OK)
        return rv;
    struct object *o = object_new(rows);
    bool ok = o != NULL;
    for (CK_ULONG i = 0; ok && i < count; i++)
        ok = object_set(o, templ[i].type, templ[i].pValue, templ[i].ulValueLen);
    if (!ok) {
        object_unref(o);
        return CKR_HOST_MEMORY;
    }
    *out = o;
    return CKR_OK;
}

static bool hidden(const struct object *o, const struct attr_row *row)
{
    return (row->notes & A_SECRET) && (object_bool(o, CKA_SENSITIVE) || !object_bool(o, CKA_EXTRACTABLE));
}

static CK_RV read_one(const struct object *o, CK_ATTRIBUTE *a)
{
    const struct attr_row *row = attr_row(o->rows, a->type);
    const struct attr *have = find(o, a->type);
    CK_RV rv = CKR_OK;
    if (row != NULL && hidden(o, row))
        rv = CKR_ATTRIBUTE_SENSITIVE;
    else if (have == NULL)
        rv = CKR_ATTRIBUTE_TYPE_INVALID;
    else if (a->pValue != NULL && a->ulValueLen < have->len)
        rv = CKR_BUFFER_TOO_SMALL;
    if (rv != CKR_OK) {
        a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return rv;
    }
    if (a->pValue != NULL && have->len > 0)
        memcpy(a->pValue, have->value, have->len);
    a->ulValueLen = have->len;
    return CKR_OK;
}

CK_RV attr_read(const struct object *o, CK_ATTRIBUTE *templ, CK_ULONG count)
{
    CK_RV rv = CKR_OK;
    if (templ == NULL && count != 0)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV one = read_one(o, &templ[i]);
        if (rv == CKR_OK)
            rv = one;
    }
    return rv;
}

/* NSS looks a certificate up by its serial number's DER and again by the bare number. */
static bool same_serial(struct rd have, const CK_ATTRIBUTE *a)
{
    struct rd all = have, bare;
    return rd_tlv(&all, 0x02, &bare) && rd_is(bare, a->pValue, a->ulValueLen);
}

bool attr_match(const struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        const struct attr_row *row = attr_row(o->rows, templ[i].type);
        const struct attr *have = find(o, templ[i].type);
        if (row == NULL || have == NULL || hidden(o, row))
            return false;
        if (have->len == templ[i].ulValueLen &&
            (have->len == 0 || memcmp(have->value, templ[i].pValue, have->len) == 0))
            continue;
        if (templ[i].type != CKA_SERIAL_NUMBER || !same_serial(rd_of(have->value, have->len), &templ[i]))
            return false;
    }
    return true;
}

static bool allowed_change(const struct object *o, const struct attr_row *row, const CK_ATTRIBUTE *a,
                           bool copying)
{
    const struct attr *have = find(o, a->type);
    if (have != NULL && have->len == a->ulValueLen &&
        (have->len == 0 || memcmp(have->value, a->pValue, have->len) == 0))
        return true; /* no change at all */
    if ((row->notes & A_STAYS_TRUE) && object_bool(o, a->type))
        return false;
    if ((row->notes & A_STAYS_FALSE) && !object_bool(o, a->type))
        return false;
    return (row->notes & A_MODIFY) || (copying && (row->notes & A_COPY));
}

CK_RV attr_may_set(const struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count, bool is_so,
                   bool copying)
{
    CK_RV rv = attr_template_check(templ, count);
    if (rv == CKR_OK && !copying && !object_bool(o, CKA_MODIFIABLE))
        return CKR_ACTION_PROHIBITED;
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        rv = check_entry(o->rows, &templ[i], 0, is_so);
        if (rv == CKR_OK && !given_once(templ, count, i))
            rv = CKR_TEMPLATE_INCONSISTENT;
        if (rv == CKR_OK && !allowed_change(o, attr_row(o->rows, templ[i].type), &templ[i], copying))
            rv = CKR_ATTRIBUTE_READ_ONLY;
    }
    return rv;
}

CK_RV attr_set(struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    struct object *copy = object_copy(o);
    bool ok = copy != NULL;
    for (CK_ULONG i = 0; ok && i < count; i++)
        ok = object_set(copy, templ[i].type, templ[i].pValue, templ[i].ulValueLen);
    if (!ok) {
        object_unref(copy);
        return CKR_HOST_MEMORY;
    }
    struct attr *attrs = o->attr;
    size_t used = o->count, room = o->room;
    o->attr = copy->attr;
    o->count = copy->count;
    o->room = copy->room;
    copy->attr = attrs;
    copy->count = used;
    copy->room = room;
    object_unref(copy);
    return CKR_OK;
}
