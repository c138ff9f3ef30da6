/* The function lists of 2.40, 3.0 and 3.2 and the ways to them (C_GetFunctionList, C_GetInterface). */
#include "entry/entry.h"
#include <string.h>

#define ENTRY_2_40(name)    .name = name,
#define ENTRY_3(name, args) .name = name,

const CK_VERSION entry_version = {2, 40};

static CK_FUNCTION_LIST list_2_40 = {.version = {2, 40}, P11_FUNCTIONS_2_40(ENTRY_2_40)};
static CK_FUNCTION_LIST_3_0 list_3_0 = {.version = {3, 0},
                                        P11_FUNCTIONS_2_40(ENTRY_2_40) P11_FUNCTIONS_3_0(ENTRY_3)};
static CK_FUNCTION_LIST_3_2 list_3_2 = {
    .version = {3, 2}, P11_FUNCTIONS_2_40(ENTRY_2_40) P11_FUNCTIONS_3_0(ENTRY_3) P11_FUNCTIONS_3_2(ENTRY_3)};

static CK_UTF8CHAR interface_name[] = "PKCS 11";
/* The default comes first. A forked child only has to call C_Initialize, which is what FORK_SAFE promises. */
static CK_INTERFACE interfaces[] = {
    {interface_name, &list_3_2, CKF_INTERFACE_FORK_SAFE},
    {interface_name, &list_3_0, CKF_INTERFACE_FORK_SAFE},
    {interface_name, &list_2_40, CKF_INTERFACE_FORK_SAFE},
};
#define INTERFACES (sizeof interfaces / sizeof interfaces[0])

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    *list = &list_2_40;
    return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count)
{
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = INTERFACES;
    if (list == NULL)
        return CKR_OK;
    if (room < INTERFACES)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof interfaces);
    return CKR_OK;
}

static bool version_is(const CK_INTERFACE *i, const CK_VERSION *wanted)
{
    const CK_VERSION *have = i->pFunctionList; /* every list begins with it */
    return wanted == NULL || (have->major == wanted->major && have->minor == wanted->minor);
}

CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface,
                     CK_FLAGS flags)
{
    if (interface == NULL)
        return CKR_ARGUMENTS_BAD;
    if (name != NULL && strcmp((const char *)name, (const char *)interface_name) != 0)
        return CKR_FUNCTION_FAILED;
    for (size_t i = 0; i < INTERFACES; i++) {
        if (version_is(&interfaces[i], version) && (interfaces[i].flags & flags) == flags) {
            *interface = &interfaces[i];
            return CKR_OK;
        }
    }
    return CKR_FUNCTION_FAILED;
}
