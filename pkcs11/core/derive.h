/* Keys from keys: derivation, wrapping and unwrapping. What comes out lives in the session. */
#pragma once
#include "core/op.h"

CK_RV derive_key(struct session *se, const CK_MECHANISM *m, CK_OBJECT_HANDLE base, const CK_ATTRIBUTE *templ,
                 CK_ULONG count, CK_OBJECT_HANDLE *out);
CK_RV wrap_key(struct session *se, const CK_MECHANISM *m, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
               struct out out);
CK_RV unwrap_key(struct session *se, const CK_MECHANISM *m, CK_OBJECT_HANDLE unwrapping, struct rd wrapped,
                 const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *out);
/* A secret key of the session from a template and its value; origin: CKA_LOCAL and what follows from it are
 * false. */
CK_RV secret_from(struct session *se, const CK_ATTRIBUTE *templ, CK_ULONG count, enum attr_how how,
                  const struct object *base, struct rd value, CK_OBJECT_HANDLE *out);
