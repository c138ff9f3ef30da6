// The one owner of a PIN or key: locked in memory, left out of core dumps, gone after a fork, wiped on
// release.
#pragma once
#include "card/base/rd.h"

// Opaque; one allocation of whole pages. mlock is tried (a process over its RLIMIT_MEMLOCK still works, its
// secrets could then be swapped); MADV_DONTDUMP and MADV_WIPEONFORK are set: **a child process sees no
// secret** (secret_view gives the empty view there), because a login belongs to the process that made it. Not
// thread-safe: the caller's lock covers it.
struct secret;

// A copy of n bytes (n may be 0: present but empty). NULL: no memory. The caller wipes its own copy.
struct secret *secret_new(const void *p, size_t n);
// A secret of n zero bytes for the caller to fill through secret_bytes.
struct secret *secret_room(size_t n);
uint8_t *secret_bytes(struct secret *s); // NULL when s is NULL or was made in another process
// The bytes; the empty view with p NULL when s is NULL or was made in another process.
struct rd secret_view(const struct secret *s);
// Wipes and releases; s may be NULL.
void secret_free(struct secret *s);

// Wipes n bytes in a way that the compiler can't drop.
void secret_wipe(void *p, size_t n);
// Same length and bytes, in time that depends on the lengths only.
MUST_USE bool secret_equal(struct rd a, struct rd b);

// Whole pages with the protection above for working buffers (zeroed, resident only as far as touched). NULL:
// none.
void *secret_pages(size_t n);
void secret_pages_free(void *p, size_t n); // wipes; p may be NULL
