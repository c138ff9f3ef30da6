// A world for tests of the module: a simulator of its own with a log that counts exchanges, and the module
// loaded as programs load it.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>
#include <sys/types.h>

#define PIN    "123456"
#define PUK    "12345678"
#define SO_PIN "010203040506070801020304050607080102030405060708"

struct card_process {
    pid_t pid;
    char image[200], socket[200], log[200];
};

// Starts a simulator in the test's private directory and waits for its ready line. name: of its files.
void card_start(struct card_process *c, const char *name, const char *profile);
void card_stop(struct card_process *c); // as pulling the card; the image stays
void card_again(struct card_process *c, const char *profile);
unsigned card_exchanges(const struct card_process *c);              // commands so far in its log
unsigned card_count(const struct card_process *c, const char *ins); // of them, with this "ins"

// The world's directory; removed at the end of the program.
const char *world_dir(void);
// Points INGAM_SIM at these cards (ended by NULL).
void world_use(const struct card_process *first, ...);

// The module, loaded by dlopen from the build tree.
extern CK_FUNCTION_LIST *F;
extern void *module_handle;
void module_load(void);
CK_SESSION_HANDLE open_session(CK_SLOT_ID slot, bool rw);
CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, const char *pin);
// The first object of this class and id (id 0: any); 0: none.
CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_BYTE id);
size_t find_count(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG n);

enum key_kind { KEY_RSA2048, KEY_P256, KEY_P384 };
// With the SO logged in: makes a key; its SubjectPublicKeyInfo into spki (malloc).
void make_key(CK_SESSION_HANDLE session, CK_BYTE id, enum key_kind kind);
// With the SO logged in: writes a certificate of about `size` bytes for the key, signed by a CA made for the
// test.
void make_certificate(CK_SESSION_HANDLE session, CK_BYTE id, size_t size);
// Keys in 9A (RSA), 9C (P-256), 9D (RSA), 9E (P-256) and P-256 in the retired slots, as far as `keys` goes,
// each with a certificate of 1000 bytes; of a plain card's retired slots certificate and Key History alone.
void furnish(unsigned keys);
// Signs 32 bytes with the key's mechanism and verifies with OpenSSL by the object's public key info.
CK_RV sign_once(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism,
                CK_BYTE *signature, CK_ULONG *len);
void check_signature(CK_SESSION_HANDLE session, CK_BYTE id, CK_MECHANISM_TYPE mechanism,
                     const CK_BYTE *signature, CK_ULONG len);
extern const CK_BYTE sample[32];
