/* Going on in the background once everything is ready, so that a script needs no waiting of its own. */
#ifndef FW_DETACH_H
#define FW_DETACH_H

#include <stdbool.h>

/* In the parent: waits until the child is ready or has ended, and gives the exit code in *code; true.
 * In the child: false; detach_ready lets the parent go. */
bool detach_start(int *code);
void detach_ready(void);

#endif
