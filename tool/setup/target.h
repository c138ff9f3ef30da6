// The user's own settings files in which programs find their PKCS#11 modules: found, read, changed.
#pragma once

#include "fault.h"
#include "paths.h"

#include <stdbool.h>
#include <stddef.h>

#define TARGETS_MOST 24

enum target_state {
    TARGET_THERE,   // the module is registered
    TARGET_MISSING, // it is not
    TARGET_OTHER,   // an Ingam module at another path is
};

struct target_program;

// One file of one program.
struct target {
    const struct target_program *program;
    char path[PATHS_MAX];
    enum target_state state;
    bool busy; // the program runs, and would write over a change
};

// The programs that are known, in order; NULL after the last.
const char *target_word(size_t n);
// What a program of that number is called for people, and whether "ingam setup" alone means it.
const char *target_name(size_t n);
bool target_usual(size_t n);
// Why a program of that number can't be served for this user; NULL: it can.
const char *target_never(size_t n);
size_t target_number(const struct target *target);

// The files of this user in which that program looks for the module at this path; at most room. Those that
// "ingam setup" would make count as well. *count 0: the program has no settings of this user yet.
enum exit_code target_find(size_t n, const char *module, struct target *out, size_t room, size_t *count,
                           struct fault *fault);

// Puts the module in, or takes every Ingam module out. Nothing else in the file is changed; after a crash it
// is the old one or the new one.
enum exit_code target_change(const struct target *target, const char *module, bool in, struct fault *fault);
