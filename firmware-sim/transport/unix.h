/* Listening at a path, for the sockets of cards and of control. */
#ifndef FW_UNIX_H
#define FW_UNIX_H

#include <stdbool.h>
#include <sys/un.h>

/* A socket that only this user can reach. A file that was left behind by a process that ended is replaced.
 * -1 and errno after failure (EADDRINUSE: somebody listens there, or it is another kind of file). */
int unix_listen(const char *path);

#endif
