/* Slots and the readers behind them; sessions and the store of objects of a slot. */
#pragma once
#include "core/core.h"

/* The fixed slots and everything the module needs; no I/O. After failure slots_free. */
CK_RV slots_make(struct module *m);
/* forked: nothing may be sent. */
void slots_free(struct module *m, bool forked);
struct slot *slot_at(struct module *m, CK_SLOT_ID id); /* NULL: no such slot */
size_t slots_count(struct module *m);

/* Looks at the readers: binds those that are new to slots, notes which cards are in, and drops what belonged
 * to a card that is gone. 0 exchanges. No slot's lock may be held. */
/* The first look after C_Initialize is no event (C_WaitForSlotEvent). */
enum err slots_refresh(struct module *m);
/* A card is in (in a second slot: one with an OATH applet), as of the last look. */
bool slot_present(const struct slot *s);
/* The card that is in has no OATH applet after all. Of a second slot, its lock held. */
void slot_without_oath(struct slot *s);
/* What this slot's mechanisms are: the two slots of a card have none in common. */
bool slot_has(const struct slot *s, const struct mech_row *row);
/* Notes what was just seen of the slot's reader. */
void slot_saw(struct slot *s, bool listed, const struct tp_state *state);
/* Drops what belongs to a card that was seen to be gone. Slot's lock held, no session in use. */
void slot_settle(struct slot *s);
/* Asks whether the card is still in and settles. 0 exchanges. Slot's lock held, no session in use. */
void slot_check(struct slot *s);
/* The card is gone or another: sessions, objects, login and connection end. */
void slot_drop(struct slot *s);

/* Sessions. */
CK_RV session_open(struct slot *s, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE *out);
void session_close(struct session *se);
void session_close_all(struct slot *s);
CK_STATE session_state(const struct session *se);

/* Objects. store_add takes over the reference. */
CK_RV store_add(struct slot *s, struct object *o, CK_OBJECT_HANDLE *handle);
/* The end of making an object that lives in the session: rv says whether it worked so far; takes it over in
 * any case. */
CK_RV store_made(struct session *se, struct object *o, CK_RV rv, CK_OBJECT_HANDLE *handle);
void store_remove(struct slot *s, struct object *o);
struct object *store_get(const struct slot *s,
                         CK_OBJECT_HANDLE handle); /* NULL: none, or hidden without login */
bool store_visible(const struct slot *s, const struct object *o);
