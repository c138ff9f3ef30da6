// Where the Korean PKI's software keeps certificates on this machine, and what is there.
#pragma once

#include "source.h"

#define NPKI_ROOTS_MOST 32

struct npki_root {
    char path[PATHS_MAX];
};

struct npki_found {
    char path[PATHS_MAX]; // of the folder (NPKI_FOLDER) or the file (NPKI_PFX)
    enum npki_kind kind;
    enum npki_use use;
    X509 *certificate; // NULL: a PFX that keeps it encrypted; lent for the call
    bool key;          // its private key is there
};

typedef void npki_found_fn(void *arg, const struct npki_found *found);

// The NPKI folders: below home, below home's .pki, and at the top of every mounted disk that mounts (a file
// as /proc/self/mounts) names. Each folder once. Returns how many were stored.
size_t npki_find_roots(const char *home, const char *mounts, struct npki_root *out, size_t room);

// The NPKI folder that folder is or holds. False: there is none.
bool npki_find_root_in(const char *folder, struct npki_root *out);

// Calls found for each certificate below an NPKI folder, in the order of their names. Links are not followed,
// and no more than some thousand entries are looked at.
void npki_find(const struct npki_root *root, npki_found_fn *found, void *arg);
