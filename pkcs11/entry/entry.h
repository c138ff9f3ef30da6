/* What the files of entry/ share. */
#pragma once
#include "core/call.h"
#include "object/p11.h"

/* The newest list that C_GetFunctionList gives, and its version for C_GetInfo. */
extern const CK_VERSION entry_version;

#define OUT(p, len) ((struct out){(p), (len)})
/* A caller's bytes: NULL with a length is an error that call sites check by in_ok. */
static inline bool in_ok(const void *p, CK_ULONG n)
{
    return p != NULL || n == 0;
}
