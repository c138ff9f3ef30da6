// Files of the desk: written whole and flushed, or not there.
#ifndef INGAM_ISSUER_FILES_H
#define INGAM_ISSUER_FILES_H

#include "fail.h"

#include <stddef.h>
#include <sys/types.h>

// A passphrase or an authorization code. Wipe it when done.
struct secret {
    size_t length;
    char bytes[256];
};

void secret_wipe(struct secret *secret);

// Creates the file, which must not exist yet, with these rights; its bytes are on the disk on success.
// On failure no file is left.
bool file_write_new(const char *path, mode_t rights, const void *bytes, size_t length, struct fail *fail);

// Flushes the directory itself, so that names made in it survive a power failure.
bool file_flush_directory(const char *path, struct fail *fail);

// Reads the first line of a file as a passphrase, without its line end. Empty or too long is a failure.
bool file_read_secret(const char *path, struct secret *secret, struct fail *fail);

// Reads a file of at most `size` bytes; a longer one is a failure.
bool file_read_bytes(const char *path, unsigned char *bytes, size_t size, size_t *length, struct fail *fail);

// Puts DIR/NAME together; false when it is too long.
bool file_path(char *path, size_t size, const char *dir, const char *name, struct fail *fail);

#endif
