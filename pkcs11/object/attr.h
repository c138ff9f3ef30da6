/* The attribute engine: objects as bags of attributes, governed by rows that carry the standard's footnotes
 * as flags. */
#pragma once
#include "card/base/rd.h"
#include "object/p11.h"

/* Footnotes of PKCS #11 2.40, table 10 (4.2), by their numbers. */
enum attr_note {
    A_MUST_CREATE = 1 << 0,   /*  1: has to be given to C_CreateObject */
    A_NOT_CREATE = 1 << 1,    /*  2: must not be */
    A_MUST_GENERATE = 1 << 2, /*  3: has to be given when the object is generated */
    A_NOT_GENERATE = 1 << 3,  /*  4 */
    A_MUST_UNWRAP = 1 << 4,   /*  5 */
    A_NOT_UNWRAP = 1 << 5,    /*  6 */
    A_SECRET = 1 << 6,        /*  7: not revealed when sensitive or not extractable */
    A_MODIFY = 1 << 7,        /*  8: may be changed by C_SetAttributeValue */
    A_ONLY_SO = 1 << 9,       /* 10: only the SO sets it to true */
    A_STAYS_TRUE = 1 << 10,   /* 11: once true, not changed */
    A_STAYS_FALSE = 1 << 11,  /* 12: once false, not changed */
    A_COPY = 1 << 12,         /* may be changed by C_CopyObject besides those of footnote 8 */
    A_ABSENT = 1 << 13,       /* no default: unknown to an object that wasn't given it */
};

enum attr_kind { AK_BOOL, AK_ULONG, AK_BYTES, AK_DATE, AK_MECHANISMS, AK_TEMPLATE };

struct attr_row {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    enum attr_kind kind;
    unsigned notes;
    CK_ULONG value; /* default of AK_BOOL and AK_ULONG */
};
#define ATTR(type, kind, notes, value)                                                                       \
    {                                                                                                        \
        type, #type, kind, notes, value                                                                      \
    }

/* The attributes of a class (and kind of key): its own rows and those of what it specialises. */
struct attr_rows {
    const char *name; /* "RSA private key" */
    const struct attr_rows *base;
    const struct attr_row *row;
    size_t count;
    CK_OBJECT_CLASS class;
    CK_ATTRIBUTE_TYPE kind_type; /* CKA_KEY_TYPE, CKA_CERTIFICATE_TYPE...; CKA_CLASS: none */
    CK_ULONG kind;
};

/* How an object comes to be: which footnotes count. */
enum attr_how { ATTR_CREATE, ATTR_GENERATE, ATTR_UNWRAP };

struct attr {
    CK_ATTRIBUTE_TYPE type;
    size_t len;
    uint8_t *value; /* NULL when len is 0 */
};

/* Owns its values, which are wiped when they go. Belongs to the slot's lock. */
struct object {
    CK_OBJECT_HANDLE handle; /* 0: not yet, or no longer, in a store */
    const struct attr_rows *rows;
    struct attr *attr;
    size_t count, room;
    unsigned refs;
    CK_SESSION_HANDLE session; /* its owner; 0: a token object */
    void *card_key;            /* core's: the key slot it stands for; NULL: none */
    const void *card_data;     /* core's: the card's data object it stands for; NULL: none */
};

/* NULL: no such kind. Every class has rows with CKA_CLASS as kind_type, used while its kind isn't known. */
const struct attr_rows *attr_rows_of(CK_OBJECT_CLASS class, CK_ULONG kind);
const struct attr_rows *attr_rows_at(size_t index); /* NULL past the end */
const struct attr_row *attr_row(const struct attr_rows *rows, CK_ATTRIBUTE_TYPE type);

/* A bare object of these rows: class, kind and defaults are set. NULL: no memory. One reference. */
struct object *object_new(const struct attr_rows *rows);
struct object *object_ref(struct object *o);
void object_unref(struct object *o); /* NULL: nothing */

/* Sets without asking the rows; false: no memory, o unchanged. */
bool object_set(struct object *o, CK_ATTRIBUTE_TYPE type, const void *value, size_t len);
bool object_set_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool value);
bool object_set_ulong(struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
/* The empty view with p NULL when it isn't there. */
struct rd object_get(const struct object *o, CK_ATTRIBUTE_TYPE type);
/* A big integer, without the zeros that it may begin with. */
struct rd object_number(const struct object *o, CK_ATTRIBUTE_TYPE type);
bool object_bool(const struct object *o, CK_ATTRIBUTE_TYPE type);
CK_ULONG object_ulong(const struct object *o,
                      CK_ATTRIBUTE_TYPE type); /* CK_UNAVAILABLE_INFORMATION: absent */
CK_OBJECT_CLASS object_class(const struct object *o);

/* A new object from a template, by the footnotes of `how`. class and kind: what the function implies (a
 * generated key); CK_UNAVAILABLE_INFORMATION: they have to stand in the template. is_so: the SO is logged in.
 * *out is NULL after failure. */
CK_RV attr_build(const CK_ATTRIBUTE *templ, CK_ULONG count, enum attr_how how, CK_OBJECT_CLASS class,
                 CK_ULONG kind, bool is_so, struct object **out);
/* C_GetAttributeValue's rules (2.40, 5.7): every entry is worked through. */
CK_RV attr_read(const struct object *o, CK_ATTRIBUTE *templ, CK_ULONG count);
/* Whether o has every attribute of the template with that value. Secret values never match. */
bool attr_match(const struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count);
/* C_SetAttributeValue (copying: C_CopyObject) allows this template for o; nothing is changed. */
CK_RV attr_may_set(const struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count, bool is_so,
                   bool copying);
/* Does it: all or nothing. Call attr_may_set before. */
CK_RV attr_set(struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG count);
/* A copy with the same values. NULL: no memory. */
struct object *object_copy(const struct object *o);

/* Looks an attribute up in a template. NULL: not there. */
const CK_ATTRIBUTE *attr_find(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type);
/* false: not there or not of that size; *value is then unchanged. */
bool attr_find_ulong(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type, CK_ULONG *value);
bool attr_find_bool(const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type, bool *value);
/* The template itself is sound: no value without bytes, no impossible length. */
CK_RV attr_template_check(const CK_ATTRIBUTE *templ, CK_ULONG count);
