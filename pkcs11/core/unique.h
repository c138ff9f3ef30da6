/* CKA_UNIQUE_ID (3.0, 4.4): of an object on the card the same in every process and after every reinsertion,
 * as long as it is the same object there; of a session's object its handle. */
#pragma once
#include "core/core.h"

/* The object's handle and attributes are set. Without memory it stays empty. */
void unique_set(struct object *o);
