// Work in a child process with little time: for libraries that read what strangers made, or that free secrets
// without wiping them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APART_SECONDS 15

// Runs work(arg, fd) in a child for these seconds at most; what it writes to fd lands in out (at most cap
// bytes). Returns what work returned (0 to 100), or -1 when the child could not be made, died, took too long
// or wrote more than fits. A struct secret is empty in the child.
int apart_run(int (*work)(void *arg, int fd), void *arg, unsigned seconds, uint8_t *out, size_t cap,
              size_t *length);
