// Says what is being done while the token is busy; on a terminal with the seconds that have passed.
#pragma once

#include "run.h"

struct progress;

// Begins the line. Nothing else may be said until progress_end. Without a terminal, or without memory, it is
// one line at once and NULL.
struct progress *progress_begin(const struct run *run, const char *text);

// Ends the line; progress may be NULL.
void progress_end(struct progress *progress);
