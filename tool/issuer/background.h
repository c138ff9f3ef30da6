// Going on in the background once the desk is ready, so that a script needs no waiting of its own.
#ifndef INGAM_ISSUER_BACKGROUND_H
#define INGAM_ISSUER_BACKGROUND_H

#include "fail.h"

// Forks. In the caller's process it returns only on failure to fork: it waits until the child is ready (exits
// 0) or has ended before (exits with the child's code; the child said why). Returns true in the child. Call
// it before any thread is made.
bool background_start(struct fail *fail);

// In the child, after the ready line was printed: lets the parent go, leaves the terminal, and sends what is
// written on standard error to LOG from now on. Does nothing in a process that did not call background_start.
bool background_ready(const char *log, struct fail *fail);

// Writes the process number as one line; removed by whoever reads it.
bool background_pid_file(const char *path, struct fail *fail);

#endif
