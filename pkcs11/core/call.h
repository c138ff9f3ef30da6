/* The one shape of every C_ function: enter, do, leave; nothing returns past the lock. */
#pragma once
#include "core/module.h"

struct call {
    CK_RV rv; /* what the function will return */
    const char *name;
    struct module *module;
    struct slot *slot; /* locked */
    struct session *session;
    uint64_t start;
};

/* false: c->rv says why; call_leave has to be called in any case. */
bool call_enter(struct call *c, CK_SESSION_HANDLE session, const char *name);
/* The same, and the card is asked whether it is still in (0 exchanges). */
bool call_enter_checked(struct call *c, CK_SESSION_HANDLE session, const char *name);
bool call_enter_slot(struct call *c, CK_SLOT_ID slot, const char *name);
/* The same, with a look at the readers and the card before (0 exchanges). */
bool call_enter_looking(struct call *c, CK_SLOT_ID slot, const char *name);
bool call_enter_module(struct call *c, const char *name);
/* Lets others at the slot while this call waits for a person; after it the session may be gone (false). */
void call_pause(struct call *c);
bool call_resume(struct call *c, CK_SESSION_HANDLE session);
/* The result of a function that writes: what it made is of no use when the card went at its last step. */
CK_RV call_wrote(const struct call *c, CK_RV rv);
CK_RV call_leave(struct call *c);
