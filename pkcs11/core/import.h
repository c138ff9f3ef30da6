/* Private keys brought to the card, and the card's data objects. */
#pragma once
#include "core/core.h"

CK_RV import_key(struct session *se, struct object *o, CK_OBJECT_HANDLE *out);
/* The first key slot without key and certificate, in the order 9A 9C 9D 9E 82..., as the card says now.
 * CKR_DEVICE_MEMORY: none. */
CK_RV import_free_slot(struct slot *s, struct card_key **out);
/* The slot that an id names, else the first free one. */
CK_RV import_slot_for(struct slot *s, struct rd id, struct card_key **out);
/* Inside an admin transaction: an id and label (empty: none) that are not the slot's own stay, as far as
 * there is room. */
void import_note(struct slot *s, struct card_key *k, struct rd id, struct rd label);

/* Card data objects: found only by a search for their class. */
CK_RV carddata_prepare(struct slot *s, const CK_ATTRIBUTE *templ, CK_ULONG count);
CK_RV carddata_write(struct session *se, struct object *o, CK_OBJECT_HANDLE *out);
CK_RV carddata_destroy(struct session *se, struct object *o);
