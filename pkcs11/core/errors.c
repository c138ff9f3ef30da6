/* The one table from the card library's errors to return values. */
#include "core/core.h"
#include <time.h>

CK_RV rv_of(enum err e)
{
    static const CK_RV table[ERR_COUNT] = {
        [E_OK] = CKR_OK,
        [E_ARGUMENT] = CKR_ARGUMENTS_BAD,
        [E_BUFFER] = CKR_DEVICE_MEMORY,
        [E_MEMORY] = CKR_HOST_MEMORY,
        [E_NO_SERVICE] = CKR_DEVICE_REMOVED,
        [E_DENIED] = CKR_DEVICE_ERROR,
        [E_NO_READER] = CKR_TOKEN_NOT_PRESENT,
        [E_NO_CARD] = CKR_TOKEN_NOT_PRESENT,
        [E_EXCHANGED] = CKR_DEVICE_REMOVED,
        [E_RESET] = CKR_DEVICE_ERROR,
        [E_BUSY] = CKR_FUNCTION_FAILED,
        [E_TIMEOUT] = CKR_FUNCTION_FAILED,
        [E_CANCELLED] = CKR_FUNCTION_CANCELED,
        [E_FORKED] = CKR_CRYPTOKI_NOT_INITIALIZED,
        [E_IO] = CKR_DEVICE_ERROR,
        [E_MALFORMED] = CKR_DEVICE_ERROR,
        [E_NOT_PRESENT] = CKR_TOKEN_NOT_RECOGNIZED,
        [E_PIN_WRONG] = CKR_PIN_INCORRECT,
        [E_PIN_BLOCKED] = CKR_PIN_LOCKED,
        [E_AUTH_NEEDED] = CKR_USER_NOT_LOGGED_IN,
        [E_ADMIN_WRONG] = CKR_PIN_INCORRECT,
        [E_CONDITIONS] = CKR_FUNCTION_REJECTED,
        [E_REFUSED] = CKR_DEVICE_ERROR,
        [E_NOT_FOUND] = CKR_OBJECT_HANDLE_INVALID,
        [E_NO_SPACE] = CKR_DEVICE_MEMORY,
        [E_UNSUPPORTED] = CKR_FUNCTION_NOT_SUPPORTED,
        [E_CARD] = CKR_DEVICE_ERROR,
    };
    return e < ERR_COUNT ? table[e] : CKR_GENERAL_ERROR;
}

uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
