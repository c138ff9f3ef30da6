// The needs of a command, met in a fixed order before it runs.
#pragma once

#include "p11/keypair.h"
#include "run.h"

// Meets what the command's row declares; the first need that can't be met is the fault. Nothing on any token
// or at any desk has been changed then.
enum exit_code meet_needs(struct run *run);

// The module loaded, for a command that says itself what is wrong with it.
enum exit_code meet_module(struct run *run);

// The module loaded and one token chosen, for a command that needs them only at times.
enum exit_code meet_token(struct run *run);

// Opens the session with the chosen token and logs in as run->needs says, the secrets at hand or asked for. A
// management key that is at hand is used again.
enum exit_code meet_login(struct run *run);

// A token pulled out in the middle of an exchange first shows as a broken exchange; the reader notices a
// little later. Finds out (for two seconds at most) and says so in the fault.
void meet_look_again(struct run *run);

// Releases what meet_needs brought, and wipes the secrets.
void meet_release(struct run *run);

// Logs in as the one who may change keys and certificates on this token: with the management key if it is at
// hand, otherwise as the user. as_user logs in with the PIN.
enum exit_code meet_login_writer(struct run *run);
enum exit_code meet_login_user(struct run *run);

// Readies this private key to sign: the PIN with each signature if it wants that, and "touch the token now"
// said before each one that waits for a touch.
void meet_keypair(struct run *run, struct keypair *keypair, CK_OBJECT_HANDLE key,
                  const struct piv_place *place);

// The pkcs11: URI of the token, for the person to choose it by.
void meet_token_uri(const struct token *token, char *out, size_t size);
