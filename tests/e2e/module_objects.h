// Session objects for tests of the module's own computing: keys from the hexadecimal of published vectors.
#pragma once
#include "module_world.h"

#include "object/p11.h"

// The list of 3.2, whose members the older ones share; module_load comes before it.
extern CK_FUNCTION_LIST_3_2 *G;
void module_load_newest(void);

size_t hex(const char *text, CK_BYTE *out);
CK_BYTE *hex_of(const char *text); // in one of a few static buffers

// With every right that the class has, in the session; 0 bytes: none.
CK_OBJECT_HANDLE make_secret(CK_SESSION_HANDLE session, CK_KEY_TYPE type, const CK_BYTE *value, CK_ULONG n);
CK_OBJECT_HANDLE make_aes(CK_SESSION_HANDLE session, const char *value);
enum made_curve { MADE_P256, MADE_P384, MADE_ED25519, MADE_X25519, MADE_CURVES };
CK_OBJECT_HANDLE make_ec_private(CK_SESSION_HANDLE session, enum made_curve curve, const char *scalar);
// point: as the standard's vectors have it, without its DER header.
CK_OBJECT_HANDLE make_ec_public(CK_SESSION_HANDLE session, enum made_curve curve, const char *point);
CK_MECHANISM mechanism(CK_MECHANISM_TYPE type, void *param, CK_ULONG n);
