// Keeps the first fault of a run.
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fault_clear(struct fault *fault)
{
    memset(fault, 0, sizeof *fault);
}

enum exit_code fault_set(struct fault *fault, enum exit_code code, const char *format, ...)
{
    if (fault->code != EXIT_OK)
        return fault->code;
    va_list args;
    va_start(args, format);
    vsnprintf(fault->what, sizeof fault->what, format, args);
    va_end(args);
    fault->why[0] = fault->todo[0] = fault->state[0] = '\0';
    fault->rv_name = NULL;
    fault->tries_known = false;
    return fault->code = code;
}

enum exit_code fault_why(struct fault *fault, const char *format, ...)
{
    if (fault->why[0] == '\0') {
        va_list args;
        va_start(args, format);
        vsnprintf(fault->why, sizeof fault->why, format, args);
        va_end(args);
    }
    return fault->code;
}

enum exit_code fault_todo(struct fault *fault, const char *format, ...)
{
    if (fault->todo[0] == '\0') {
        va_list args;
        va_start(args, format);
        vsnprintf(fault->todo, sizeof fault->todo, format, args);
        va_end(args);
    }
    return fault->code;
}

enum exit_code fault_state(struct fault *fault, const char *format, ...)
{
    if (fault->state[0] == '\0') {
        va_list args;
        va_start(args, format);
        vsnprintf(fault->state, sizeof fault->state, format, args);
        va_end(args);
    }
    return fault->code;
}

void fault_tries(struct fault *fault, int tries)
{
    fault->tries_known = tries >= 0;
    fault->tries = tries;
}
