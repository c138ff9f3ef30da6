/* General purpose functions (2.40, 5.4) and the parallel functions of old (5.16). */
#include "core/token.h"
#include "entry/entry.h"

CK_RV C_Initialize(void *args)
{
    return module_start(args);
}

CK_RV C_Finalize(void *reserved)
{
    return reserved != NULL ? CKR_ARGUMENTS_BAD : module_stop();
}

CK_RV C_GetInfo(CK_INFO *info)
{
    struct call c;
    if (call_enter_module(&c, __func__)) {
        if (info == NULL) {
            c.rv = CKR_ARGUMENTS_BAD;
        } else {
            *info = (CK_INFO){.cryptokiVersion = entry_version, .libraryVersion = {0, 1}};
            text_fill(info->manufacturerID, sizeof info->manufacturerID, "Ingam");
            text_fill(info->libraryDescription, sizeof info->libraryDescription, "Ingam PKCS#11 module");
        }
    }
    return call_leave(&c);
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = CKR_FUNCTION_NOT_PARALLEL;
    return call_leave(&c);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = CKR_FUNCTION_NOT_PARALLEL;
    return call_leave(&c);
}
