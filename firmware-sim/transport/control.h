/* The control socket: one line asks, lines answer, the last of them is "ok" or "error REASON". */
#ifndef FW_CONTROL_H
#define FW_CONTROL_H

#include "fleet.h"

#include <stdio.h>

enum { CONTROL_LINE = 4096 };

struct control;

/* Listens at a path. NULL and errno after failure. The fleet must outlive it. */
struct control *control_new(struct fleet *fleet, const char *path);
void control_free(struct control *control);

/* The list of commands, for people. */
void control_help(FILE *out);

#endif
