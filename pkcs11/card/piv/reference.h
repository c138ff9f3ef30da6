// PINs and PUKs as they travel, and what cards answer to them. Private to piv/.
#pragma once
#include "card/base/wr.h"
#include "card/card.h"

#define PIV_REFERENCE_SIZE 8 // SP 800-73-4 part 2, 2.4.3

// Eight bytes, filled up with FF. false: not 1 to 8 bytes, or with an FF among them; nothing is written.
MUST_USE bool piv_write_reference(struct wr *w, struct rd value);
// E_ARGUMENT, after a value that doesn't fit: wipes what was built.
enum err piv_reference_unfit(struct card *c, const char *step);
// Passes e on; *tries (may be NULL) is what a 63Cx or 6983 said.
enum err piv_reference_result(struct card *c, enum err e, int *tries);
