// Writes down the first failure of a command; main prints it.
#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fail_with(struct fail *fail, enum fail_code code, const char *text, ...)
{
    if (fail->code != FAIL_NONE)
        return false;
    va_list args;
    va_start(args, text);
    vsnprintf(fail->text, sizeof fail->text, text, args);
    va_end(args);
    fail->code = code;
    return false;
}

static enum fail_code code_of_errno(int error)
{
    switch (error) {
    case ENOENT:
        return FAIL_NOT_FOUND;
    case EACCES:
    case EPERM:
        return FAIL_PERMISSION;
    case EADDRINUSE:
        return FAIL_BUSY;
    default:
        return FAIL_OTHER;
    }
}

bool fail_errno(struct fail *fail, const char *text, ...)
{
    int error = errno;
    if (fail->code != FAIL_NONE)
        return false;
    va_list args;
    va_start(args, text);
    vsnprintf(fail->text, sizeof fail->text, text, args);
    va_end(args);
    char reason[128];
    size_t used = strlen(fail->text);
    snprintf(fail->text + used, sizeof fail->text - used, ": %s", strerror_r(error, reason, sizeof reason));
    fail->code = code_of_errno(error);
    return false;
}
