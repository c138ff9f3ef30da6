// Secrets at rest: AES-256-GCM under a key that is not in the database.
#ifndef INGAM_ISSUER_SEAL_H
#define INGAM_ISSUER_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#define SEAL_KEY  32
#define SEAL_OVER 28 // nonce of 12 bytes before, tag of 16 bytes after

// Seals `length` bytes for the row `label` (so that a sealed value moved to another row does not open).
// `sealed` has room for length + SEAL_OVER bytes.
bool seal_close(const unsigned char key[SEAL_KEY], const char *label, const void *bytes, size_t length,
                unsigned char *sealed);

// Opens it; `bytes` has room for length - SEAL_OVER. False, and nothing usable in `bytes`, if it was altered.
bool seal_open(const unsigned char key[SEAL_KEY], const char *label, const unsigned char *sealed,
               size_t length, void *bytes);

#endif
