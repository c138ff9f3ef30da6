// What went wrong, said once: what happened, why, what to do, and the exit code. Nothing secret goes in here.
#pragma once

#include "exit.h"

#include <stdbool.h>

#define FAULT_TEXT 640

struct fault {
    enum exit_code code; // EXIT_OK: nothing went wrong
    bool tries_known;    // tries says how often the PIN or PUK may still be tried
    int tries;
    const char *rv_name; // the PKCS#11 return value that said so, e.g. "CKR_PIN_INCORRECT", or NULL
    char what[FAULT_TEXT];
    char why[FAULT_TEXT];
    char todo[FAULT_TEXT];
    char state[FAULT_TEXT]; // how things stand now: what is on the token, what goes on at the next run
};

// Sets code and "what", empties the rest; returns code. The first fault stands: later calls change nothing.
enum exit_code fault_set(struct fault *fault, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Sets "why", "what to do" or "how things stand", and returns the fault's code. Only where nothing is set
// yet.
enum exit_code fault_why(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum exit_code fault_todo(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum exit_code fault_state(struct fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The same for a PKCS#11 return value (a CK_RV): code, reason and advice come from its row in fault_rv.c.
enum exit_code fault_rv(struct fault *fault, unsigned long rv, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Notes the tries left of the PIN or PUK that the fault is about; nothing when they are not known (-1).
void fault_tries(struct fault *fault, int tries);

// The name of a CK_RV ("CKR_OK"), or NULL when it has no row.
const char *fault_rv_name(unsigned long rv);

void fault_clear(struct fault *fault);
