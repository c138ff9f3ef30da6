// Session objects for tests of the module's own computing: keys from the hexadecimal of published vectors.
#pragma once
#include "module_world.h"

#include "object/p11.h"

// The list of 3.2, whose members the older ones share; module_load comes before it.
extern CK_FUNCTION_LIST_3_2 *G;
void module_load_newest(void);

// One card for all tests of a program, and a read/write session for each of them.
extern struct card_process card;
extern CK_SESSION_HANDLE session;
void one_card(const char *name);
int one_card_stop(void **state);
int session_begin(void **state);
int session_end(void **state);
#define IN_SESSION(test) cmocka_unit_test_setup_teardown(test, session_begin, session_end)

CK_BYTE *bytes(const char *text);
size_t hex(const char *text, CK_BYTE *out);
CK_BYTE *hex_of(const char *text); // in one of a few static buffers

// Key and text of SP 800-38A and RFC 4493.
#define KEY128 "2b7e151628aed2a6abf7158809cf4f3c"
#define PLAIN                                                                                                \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                                       \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

// With every right that the class has, in the session; 0 bytes: none.
CK_OBJECT_HANDLE make_secret(CK_SESSION_HANDLE in, CK_KEY_TYPE type, const CK_BYTE *value, CK_ULONG n);
CK_OBJECT_HANDLE make_aes(CK_SESSION_HANDLE in, const char *value);
enum made_curve { MADE_P256, MADE_P384, MADE_ED25519, MADE_X25519, MADE_CURVES };
CK_OBJECT_HANDLE make_ec_private(CK_SESSION_HANDLE in, enum made_curve curve, const char *scalar);
// point: as the standard's vectors have it, without its DER header.
CK_OBJECT_HANDLE make_ec_public(CK_SESSION_HANDLE in, enum made_curve curve, const char *point);
CK_MECHANISM mechanism(CK_MECHANISM_TYPE type, void *param, CK_ULONG n);
