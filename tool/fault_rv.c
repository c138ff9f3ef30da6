// The one table from PKCS#11 return values to exit codes, reasons and advice.
#include "fault.h"
#include "text.h"

#include <p11-kit/pkcs11.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#define ROW(rv) rv, #rv

static const char *const todo_insert = N_("Put the token in and run the same command again.");
static const char *const todo_unblock = N_("Unblock it with the PUK: ingam pin unblock");
static const char *const todo_again = N_("Run the same command again.");

static const struct {
    CK_RV rv;
    const char *name;
    enum exit_code code;
    const char *why;
    const char *const *todo; // NULL: nothing in general
} rows[] = {
    {ROW(CKR_PIN_INCORRECT), EXIT_PIN, N_("the PIN is wrong"), NULL},
    {ROW(CKR_PIN_INVALID), EXIT_PIN, N_("the PIN has characters that the token does not take"), NULL},
    {ROW(CKR_PIN_LEN_RANGE), EXIT_PIN, N_("the PIN is too short or too long for this token"), NULL},
    {ROW(CKR_PIN_EXPIRED), EXIT_PIN, N_("the PIN has expired and must be changed"), NULL},
    {ROW(CKR_PIN_LOCKED), EXIT_BLOCKED, N_("the PIN is blocked"), &todo_unblock},
    {ROW(CKR_USER_NOT_LOGGED_IN), EXIT_PIN, N_("the token wants a login first"), NULL},
    {ROW(CKR_USER_PIN_NOT_INITIALIZED), EXIT_PIN, N_("the token has no PIN yet"), NULL},
    {ROW(CKR_USER_TYPE_INVALID), EXIT_UNSUPPORTED, N_("the token knows no such login"), NULL},
    {ROW(CKR_USER_ANOTHER_ALREADY_LOGGED_IN), EXIT_BUSY, N_("somebody else is logged in"), NULL},
    {ROW(CKR_DEVICE_REMOVED), EXIT_TOKEN, N_("the token was pulled out"), &todo_insert},
    {ROW(CKR_TOKEN_NOT_PRESENT), EXIT_TOKEN, N_("there is no token in the reader"), &todo_insert},
    {ROW(CKR_SESSION_HANDLE_INVALID), EXIT_TOKEN, N_("the token was pulled out or exchanged"), &todo_insert},
    {ROW(CKR_SESSION_CLOSED), EXIT_TOKEN, N_("the token was pulled out or exchanged"), &todo_insert},
    {ROW(CKR_TOKEN_NOT_RECOGNIZED), EXIT_TOKEN, N_("the module does not know this kind of card"), NULL},
    {ROW(CKR_SLOT_ID_INVALID), EXIT_TOKEN, N_("the reader is gone"), &todo_insert},
    {ROW(CKR_DEVICE_MEMORY), EXIT_UNSUPPORTED, N_("there is no room left on the token"), NULL},
    {ROW(CKR_DATA_LEN_RANGE), EXIT_UNSUPPORTED, N_("the data are too long for the token"), NULL},
    {ROW(CKR_DEVICE_ERROR), EXIT_OTHER, N_("the token reported an error"), &todo_again},
    {ROW(CKR_TOKEN_WRITE_PROTECTED), EXIT_UNSUPPORTED, N_("the token is write-protected"), NULL},
    {ROW(CKR_SESSION_READ_ONLY), EXIT_UNSUPPORTED, N_("the module opens this token only to read"), NULL},
    {ROW(CKR_SESSION_COUNT), EXIT_BUSY, N_("too many sessions are open"), NULL},
    {ROW(CKR_MECHANISM_INVALID), EXIT_UNSUPPORTED,
     N_("the token does not know this kind of key or signature"), NULL},
    {ROW(CKR_MECHANISM_PARAM_INVALID), EXIT_UNSUPPORTED, N_("the token does not take these parameters"),
     NULL},
    {ROW(CKR_KEY_SIZE_RANGE), EXIT_UNSUPPORTED, N_("the token makes no keys of this size"), NULL},
    {ROW(CKR_CURVE_NOT_SUPPORTED), EXIT_UNSUPPORTED, N_("the token does not know this curve"), NULL},
    {ROW(CKR_KEY_FUNCTION_NOT_PERMITTED), EXIT_UNSUPPORTED, N_("the key may not be used for this"), NULL},
    {ROW(CKR_KEY_TYPE_INCONSISTENT), EXIT_MISMATCH, N_("the key is of another kind"), NULL},
    {ROW(CKR_KEY_HANDLE_INVALID), EXIT_NOT_FOUND, N_("the key is not there any more"), NULL},
    {ROW(CKR_OBJECT_HANDLE_INVALID), EXIT_NOT_FOUND, N_("the object is not there any more"), NULL},
    {ROW(CKR_ACTION_PROHIBITED), EXIT_UNSUPPORTED, N_("the token does not allow it"), NULL},
    {ROW(CKR_ATTRIBUTE_READ_ONLY), EXIT_UNSUPPORTED, N_("the token does not let this be set"), NULL},
    {ROW(CKR_ATTRIBUTE_VALUE_INVALID), EXIT_UNSUPPORTED, N_("the token does not take this value"), NULL},
    {ROW(CKR_TEMPLATE_INCONSISTENT), EXIT_UNSUPPORTED, N_("the token does not take this combination"), NULL},
    {ROW(CKR_FUNCTION_NOT_SUPPORTED), EXIT_UNSUPPORTED, N_("the module cannot do this"), NULL},
    {ROW(CKR_FUNCTION_REJECTED), EXIT_TOUCH, N_("the token was not touched in time"), &todo_again},
    {ROW(CKR_FUNCTION_CANCELED), EXIT_INTERRUPTED, N_("it was cancelled"), &todo_again},
    {ROW(CKR_FUNCTION_FAILED), EXIT_OTHER, N_("the module could not do it"), &todo_again},
    {ROW(CKR_GENERAL_ERROR), EXIT_OTHER, N_("the module failed"), NULL},
    {ROW(CKR_HOST_MEMORY), EXIT_OTHER, N_("out of memory"), NULL},
    {ROW(CKR_ARGUMENTS_BAD), EXIT_OTHER, N_("the module rejected the call"), NULL},
    {ROW(CKR_DATA_INVALID), EXIT_OTHER, N_("the token rejected the data"), NULL},
    {ROW(CKR_RANDOM_NO_RNG), EXIT_UNSUPPORTED, N_("the token makes no random numbers"), NULL},
    {ROW(CKR_CRYPTOKI_NOT_INITIALIZED), EXIT_OTHER, N_("the module is not initialized"), NULL},
};

#define ROWS (sizeof rows / sizeof rows[0])

const char *fault_rv_name(unsigned long rv)
{
    if (rv == CKR_OK)
        return "CKR_OK";
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].rv == rv)
            return rows[i].name;
    return NULL;
}

enum exit_code fault_rv(struct fault *fault, unsigned long rv, const char *format, ...)
{
    if (fault->code != EXIT_OK)
        return fault->code;
    va_list args;
    char what[FAULT_TEXT];
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].rv != rv)
            continue;
        fault_set(fault, rows[i].code, "%s", what);
        fault->rv_name = rows[i].name;
        fault_why(fault, "%s (%s)", _(rows[i].why), rows[i].name);
        if (rows[i].todo != NULL)
            fault_todo(fault, "%s", _(*rows[i].todo));
        return fault->code;
    }
    fault_set(fault, EXIT_OTHER, "%s", what);
    return fault_why(fault, _("the module returned 0x%08lX"), rv);
}
