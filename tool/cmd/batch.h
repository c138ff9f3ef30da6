// The parts of ingam batch: the list of people, and what has become of each.
#pragma once

#include "run.h"

#define BATCH_MOST 10000 // people in a list

// What is known of a person's row. In the journal by the word.
enum batch_state {
    BATCH_WAITING, // nothing was begun
    BATCH_BEGUN,   // with this token; how far it came stands in the token's own journal
    BATCH_DONE,
    BATCH_FAILED, // the desk or the token said no; nothing of it is left on a token
};

struct batch_person {
    // from the list; NULL: not said
    const char *name, *reference, *code_file, *subject, *slot, *token, *pin_file;
    enum batch_state state;
    char used[64];   // the token's serial number, from BATCH_BEGUN on
    char before[65]; // SHA-256 of the certificate that was in the slot then, in hex; "": none
    char serial_number[128], error[32];
};

struct batch {
    struct batch_person *person;
    size_t count;
    json_t *list; // owns the texts
    char journal[4096];
    int lock;   // -1: not held
    bool found; // a journal of this list was there
};

// Reads the list at path, CSV with a heading or JSON, and checks it: EXIT_USAGE names the row that is wrong.
enum exit_code batch_read(struct run *run, const char *path, struct batch *batch);

// Locks the list's journal against other runs (EXIT_BUSY) and reads it.
enum exit_code batch_open(struct run *run, const char *path, struct batch *batch);
// Makes what is known durable; removes the journal when everybody is done, or nobody begun.
enum exit_code batch_save(struct run *run, struct batch *batch);
void batch_close(struct batch *batch);

const char *batch_state_name(enum batch_state state);
