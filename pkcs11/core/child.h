/* Programs that the module starts: they inherit no descriptor but the one given, and are ended and reaped in
 * bounded time. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int fd; /* a pidfd; -1: none, then it can only be killed */
};

/* argv[0]: an absolute path. fd: its standard input and output, above 2; -1: /dev/null. Standard error is
 * /dev/null. 0, or why it can't be started (errno). */
int child_start(struct child *c, char *const argv[], int fd);
/* Lets it end by itself for own_ms, asks it to by SIGTERM, and after term_ms more kills it. */
void child_end(const struct child *c, int own_ms, int term_ms);
