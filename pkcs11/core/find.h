/* Searches: the handles are taken at C_FindObjectsInit, so that what happens meanwhile doesn't confuse them.
 */
#pragma once
#include "core/core.h"

CK_RV find_begin(struct session *se, const CK_ATTRIBUTE *templ, CK_ULONG count);
CK_RV find_next(struct session *se, CK_OBJECT_HANDLE *out, CK_ULONG most, CK_ULONG *count);
CK_RV find_end(struct session *se);
