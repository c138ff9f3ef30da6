// The registry as lines of JSON, the same from SQLite and from PostgreSQL: for backup and restore.
#ifndef INGAM_ISSUER_DUMP_H
#define INGAM_ISSUER_DUMP_H

#include "desk.h"

// Writes all rows, as they are at one moment, to a new file; its last line has their number and a MAC under
// `seal`.
bool dump_write(struct registry *registry, const unsigned char seal[KEYS_SEAL], const char *path,
                struct fail *fail);

// Checks the file and writes its rows into a registry that was just made. All or nothing.
bool dump_read(struct registry *registry, const unsigned char seal[KEYS_SEAL], const char *path,
               struct fail *fail);

#endif
