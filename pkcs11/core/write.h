/* Making, changing and removing objects, on the card and in the session. */
#pragma once
#include "core/core.h"

CK_RV write_create(struct session *se, const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *out);
CK_RV write_copy(struct session *se, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *templ, CK_ULONG count,
                 CK_OBJECT_HANDLE *out);
CK_RV write_destroy(struct session *se, CK_OBJECT_HANDLE object);
CK_RV write_set(struct session *se, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *templ, CK_ULONG count);

struct key_template {
    const CK_ATTRIBUTE *attr;
    CK_ULONG count;
};
CK_RV write_generate_pair(struct session *se, const CK_MECHANISM *mechanism, struct key_template public_key,
                          struct key_template private_key, CK_OBJECT_HANDLE *public_out,
                          CK_OBJECT_HANDLE *private_out);
CK_RV write_generate(struct session *se, const CK_MECHANISM *mechanism, const CK_ATTRIBUTE *templ,
                     CK_ULONG count, CK_OBJECT_HANDLE *out);
