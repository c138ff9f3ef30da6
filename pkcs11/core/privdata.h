/* Private data objects with ids and OIDs of the user's choice: a list in the card's iris images object
 * (5FC121), which only the PIN makes readable and which personal tokens don't use otherwise
 * (docs/card-facts.md has the format). */
#pragma once
#include "core/core.h"

#define PRIVDATA_TAG 0x5FC121

/* content: of the object, as read. false: it isn't ours (then it is shown as what it is). Makes the objects.
 */
bool privdata_take(struct slot *s, struct rd content, CK_RV *rv);
/* What was read is not to be relied on any more: the objects go. */
void privdata_forget(struct slot *s);
/* The card, asked with the PIN, has no such object. */
void privdata_absent(struct slot *s);
bool privdata_is(const struct object *o);
/* Needs the management key, and the list as it is: read in this insertion with a user's login, or found to be
 * absent. */
CK_RV privdata_write(struct session *se, struct object *o, CK_OBJECT_HANDLE *out);
CK_RV privdata_destroy(struct session *se, struct object *o);
