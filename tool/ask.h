// Secrets and confirmations from the person or from where the options say. Prompts appear only on a terminal;
// without one the answer is a fault at once, never a wait.
#pragma once

#include "run.h"

// Whether somebody can be asked.
bool ask_possible(void);

// The PIN: --pin-file, --pin-fd, INGAM_PIN, else asked for (with what is known about the tries left).
// Fault: EXIT_PIN when there is none, EXIT_BLOCKED, EXIT_USAGE. The caller frees.
enum exit_code ask_pin(struct run *run, struct secret **pin);

// The management key, as the module wants it (hex): --admin-key-file, --default-admin, else asked for.
// Fault: EXIT_ADMIN.
enum exit_code ask_admin(struct run *run, struct secret **key);

// The first line of a file ("-": standard input), as a secret; never longer than 1,024 bytes.
enum exit_code ask_file(struct run *run, const char *path, struct secret **out);

// The same from a descriptor; name is the option that gave it.
enum exit_code ask_fd(struct run *run, int fd, const char *name, struct secret **out);

// Asks for a secret with this prompt, not shown. The answer is never empty.
enum exit_code ask_secret(struct run *run, const char *prompt, enum exit_code without, struct secret **out);

// A line that may be shown. The answer may be empty; one that does not fit is a fault.
enum exit_code ask_line(struct run *run, const char *prompt, char *out, size_t size);

// Before something is destroyed: --yes, or the word typed (the token's serial number). Without both a fault.
enum exit_code ask_destroy(struct run *run, const char *what, const char *word);

// The same for another word than the token's serial number; prompt says which.
enum exit_code ask_word(struct run *run, const char *what, const char *prompt, const char *word);
