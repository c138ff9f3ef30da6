// The PKCS#11 module, its tokens, and a session with one of them.
#pragma once

#include "card/base/secret.h"
#include "fault.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

struct module {
    void *library; // NULL: not loaded
    CK_FUNCTION_LIST *f;
    CK_INFO info;
    bool ours;           // Ingam's own: the card may be asked beside it (side.h)
    bool officer_writes; // keys and certificates are changed by the security officer (the management key), as
                         // PIV has it
};

// Text fields are without their padding and may hold anything: print them through text.h.
struct token {
    CK_SLOT_ID slot;
    char label[33], maker[33], model[17], serial[17];
    char reader[65];
    CK_FLAGS flags;
    int pin_tries, puk_tries; // tries left; -1: not known (side_tries finds out)
    CK_VERSION hardware, firmware;
};

struct session {
    const struct module *module;
    CK_SESSION_HANDLE handle;
    bool open;
};

// Loads and initializes the module at path. On a fault nothing stays loaded.
enum exit_code module_load(struct module *module, const char *path, struct fault *fault);
void module_unload(struct module *module);

// All tokens that are in: *out is the caller's to free. None is not a fault.
enum exit_code token_all(const struct module *module, struct token **out, size_t *count, struct fault *fault);

// Whether a token is meant by this word: its serial number, its label, or a pkcs11: URI. A URI that can't be
// read is a fault.
enum exit_code token_matches(const struct token *token, const char *word, bool *matches, struct fault *fault);

// Reads the token's flags and texts again.
enum exit_code token_refresh(const struct module *module, struct token *token, struct fault *fault);

// A read/write session (read-only where the module gives no other).
enum exit_code session_open(struct session *session, const struct module *module, const struct token *token,
                            struct fault *fault);
void session_close(struct session *session);

// Logs in, as CKU_USER or CKU_SO; whoever is logged in is logged out first. What a wrong PIN costs is said in
// the fault. The secret is given to the module once.
enum exit_code session_login(struct session *session, struct token *token, CK_USER_TYPE who,
                             const struct secret *secret, struct fault *fault);
void session_logout(struct session *session);

// The fault of a change in this slot that the token refused: "what" is said of it. Where a login is wanted,
// it is the security officer's (EXIT_ADMIN).
enum exit_code change_fault(struct fault *fault, CK_RV rv, const char *what);
