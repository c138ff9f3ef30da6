/* A token in a reader of vpcd, the virtual driver of pcscd (length and payload over TCP). */
#ifndef FW_VPCD_H
#define FW_VPCD_H

#include "transport/token.h"

struct vpcd;

/* Connects to where vpcd listens, and again whenever that connection ends. connected is called each time that
 * the reader asks for the ATR: from then on its users see the card. NULL when HOST:PORT can't be resolved.
 * The token must outlive it. */
struct vpcd *vpcd_new(struct loop *loop, struct token *token, const char *host_port,
                      void (*connected)(void *who), void *who);
void vpcd_free(struct vpcd *vpcd);

#endif
