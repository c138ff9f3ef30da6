// A directory that appears whole or not at all: everything is written to DIR.part, which becomes DIR in one
// step.
#ifndef INGAM_ISSUER_PART_H
#define INGAM_ISSUER_PART_H

#include "desk.h"

struct part {
    char dir[DESK_PATH];
    char part[DESK_PATH]; // where to write; mode 0700
    int lock;
};

// Makes DIR.part, or takes the one that a killed call left, emptied. DIR must be missing or empty.
bool part_begin(struct part *part, const char *dir, struct fail *fail);

// `done`: DIR.part becomes DIR. Else it is removed. Returns whether DIR is there now.
bool part_end(struct part *part, bool done, struct fail *fail);

#endif
