// A PIV token's label in the content of its Key History (docs/card-facts.md).
#pragma once

#include "card/base/wr.h"

#define LABEL_MOST 32 // bytes, as CK_TOKEN_INFO has them

// At most LABEL_MOST bytes of UTF-8 without what steers a terminal, and without a blank at the end. Empty: no
// label.
bool label_fits(const char *label);

// The content with this label (empty: none) instead of the one in it; every other byte of its elements stays.
// false: it is not what the module writes, or doesn't fit.
MUST_USE bool label_build(struct wr *w, struct rd content, struct rd label);
