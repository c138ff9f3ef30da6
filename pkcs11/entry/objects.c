/* Object management (2.40, 5.7). */
#include "core/find.h"
#include "core/slot.h"
#include "core/write.h"
#include "entry/entry.h"

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = object == NULL || !in_ok(templ, count)
                   ? CKR_ARGUMENTS_BAD
                   : call_wrote(&c, write_create(c.session, templ, count, object));
    return call_leave(&c);
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ, CK_ULONG count,
                   CK_OBJECT_HANDLE *copy)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = copy == NULL || !in_ok(templ, count) ? CKR_ARGUMENTS_BAD
                                                    : write_copy(c.session, object, templ, count, copy);
    return call_leave(&c);
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = call_wrote(&c, write_destroy(c.session, object));
    return call_leave(&c);
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        const struct object *o = store_get(c.slot, object);
        c.rv = size == NULL ? CKR_ARGUMENTS_BAD : o == NULL ? CKR_OBJECT_HANDLE_INVALID : CKR_OK;
        if (c.rv == CKR_OK) {
            *size = 0;
            for (size_t i = 0; i < o->count; i++)
                *size += sizeof(CK_ATTRIBUTE) + o->attr[i].len;
        }
    }
    return call_leave(&c);
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ,
                          CK_ULONG count)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        const struct object *o = store_get(c.slot, object);
        c.rv = o == NULL ? CKR_OBJECT_HANDLE_INVALID : attr_read(o, templ, count);
    }
    return call_leave(&c);
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ,
                          CK_ULONG count)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(templ, count) ? CKR_ARGUMENTS_BAD
                                    : call_wrote(&c, write_set(c.session, object, templ, count));
    return call_leave(&c);
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG count)
{
    struct call c;
    if (call_enter_checked(&c, session, __func__))
        c.rv = !in_ok(templ, count) ? CKR_ARGUMENTS_BAD : find_begin(c.session, templ, count);
    return call_leave(&c);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *object, CK_ULONG most, CK_ULONG *count)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = count == NULL || !in_ok(object, most) ? CKR_ARGUMENTS_BAD
                                                     : find_next(c.session, object, most, count);
    return call_leave(&c);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE session)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = find_end(c.session);
    return call_leave(&c);
}
