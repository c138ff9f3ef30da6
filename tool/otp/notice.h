// Says something when what is going on takes longer than expected.
#pragma once

#include "run.h"

struct notice;

// After ms says the text, unless notice_end came first. Nothing else may be said meanwhile. NULL: it was said
// at once, since no thread could be made.
struct notice *notice_begin(const struct run *run, unsigned ms, const char *text);
void notice_end(struct notice *notice); // notice may be NULL
