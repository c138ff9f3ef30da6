/* A token on a socket of its own, which a program reaches without pcscd (direct card socket, version 1). */
#ifndef FW_SOCKET_H
#define FW_SOCKET_H

#include "transport/token.h"

struct card_socket;

/* Listens at a path; a socket file that nobody answers any more is replaced. NULL and errno after failure
 * (EADDRINUSE: somebody does). The token must outlive it. */
struct card_socket *card_socket_new(struct loop *loop, struct token *token, const char *path);
void card_socket_free(struct card_socket *socket);

#endif
