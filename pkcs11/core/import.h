/* Private keys brought to the card, and the card's data objects. */
#pragma once
#include "core/core.h"

CK_RV import_key(struct session *se, struct object *o, CK_OBJECT_HANDLE *out);
/* The first key slot without key and certificate, in the order 9A 9C 9D 9E 82...; *out NULL: none. Reads what
 * it has to. */
CK_RV import_free_slot(struct slot *s, struct card_key **out);

/* Card data objects: found only by a search for their class. */
CK_RV carddata_prepare(struct slot *s, const CK_ATTRIBUTE *templ, CK_ULONG count);
CK_RV carddata_write(struct session *se, struct object *o, CK_OBJECT_HANDLE *out);
CK_RV carddata_destroy(struct session *se, struct object *o);
