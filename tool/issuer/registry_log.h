// The registry's log: append-only, each entry bound to the one before by a key that is not in the database.
#ifndef INGAM_ISSUER_REGISTRY_LOG_H
#define INGAM_ISSUER_REGISTRY_LOG_H

#include "registry_db.h"

#define LOG_KEY  32
#define LOG_HASH 32
#define LOG_TEXT 512 // bytes of a field

// Who writes, and with which key. desk_open fills it.
struct registry_writer {
    unsigned char key[LOG_KEY];
    char actor[64];
};
struct registry_writer *registry_writer(struct registry *registry);

// Appends an entry in the transaction of the caller: it stands exactly when what it tells of stands. No field
// ever carries a secret or a resident number.
bool log_append(struct registry *registry, struct db *db, int64_t now, const char *event, const char *subject,
                const char *detail);

// How far the chain is whole.
struct log_state {
    int64_t entries;
    int64_t broken; // number of the first entry that was changed, or that is missing; 0: none
    unsigned char head[LOG_HASH];
    bool anchored; // the entry `anchor_n` is there and has the hash `anchor`
};

// Reads the whole log. `anchor_n` 0: no anchor is looked for. An earlier head that an operator noted shows
// that nothing was cut off since.
enum registry_end log_verify(struct registry *registry, int64_t anchor_n,
                             const unsigned char anchor[LOG_HASH], struct log_state *state);

#endif
