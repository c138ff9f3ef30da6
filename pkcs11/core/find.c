/* Searches over a slot's objects. */
#include "core/find.h"
#include "core/content.h"
#include "core/import.h"
#include "core/otp.h"
#include "core/slot.h"
#include <stdlib.h>
#include <string.h>

CK_RV find_begin(struct session *se, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
    struct slot *s = se->slot;
    if (se->find != NULL)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = attr_template_check(templ, count);
    if (rv == CKR_OK && s->open && shared_written(s))
        content_doubt(s);
    if (rv == CKR_OK)
        rv = s->piv != NULL ? otp_prepare(s, templ, count) : content_prepare(s, templ, count);
    if (rv == CKR_OK && s->piv == NULL)
        rv = carddata_prepare(s, templ, count);
    if (rv != CKR_OK)
        return rv;
    struct finding *f = calloc(1, sizeof *f);
    if (f == NULL)
        return CKR_HOST_MEMORY;
    f->handle = malloc((s->list_count + 1) * sizeof *f->handle);
    if (f->handle == NULL) {
        free(f);
        return CKR_HOST_MEMORY;
    }
    /* Hardware features are found only when asked for (2.40, 4.3.1). */
    CK_ULONG class = CK_UNAVAILABLE_INFORMATION;
    (void)attr_find_ulong(templ, count, CKA_CLASS, &class);
    for (size_t i = 0; i < s->list_count; i++) {
        const struct object *o = s->list[i];
        if (object_class(o) == CKO_HW_FEATURE && class != CKO_HW_FEATURE)
            continue;
        if (store_visible(s, o) && attr_match(o, templ, count))
            f->handle[f->count++] = o->handle;
    }
    se->find = f;
    return CKR_OK;
}

CK_RV find_next(struct session *se, CK_OBJECT_HANDLE *out, CK_ULONG most, CK_ULONG *count)
{
    struct finding *f = se->find;
    if (f == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_ULONG n = f->count - f->next;
    if (n > most)
        n = most;
    if (n > 0)
        memcpy(out, f->handle + f->next, n * sizeof *out);
    f->next += n;
    *count = n;
    return CKR_OK;
}

CK_RV find_end(struct session *se)
{
    if (se->find == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    free(se->find->handle);
    free(se->find);
    se->find = NULL;
    return CKR_OK;
}
