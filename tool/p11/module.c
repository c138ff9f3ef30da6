// Loads the PKCS#11 module as any program would: dlopen, C_GetFunctionList, C_Initialize.
#include "text.h"
#include "token.h"

#include <dlfcn.h>
#include <string.h>

// Modules for PIV cards: changing keys and certificates takes the management key there, not the PIN.
static const char *const piv_libraries[] = {"Ingam", "PKCS#11 PIV Library", "OpenSC"};

static bool begins_with_one(const CK_UTF8CHAR *text)
{
    for (size_t i = 0; i < sizeof piv_libraries / sizeof piv_libraries[0]; i++)
        if (strncmp((const char *)text, piv_libraries[i], strlen(piv_libraries[i])) == 0)
            return true;
    return false;
}

static enum exit_code initialize(struct module *module, const char *path, struct fault *fault)
{
    CK_C_GetFunctionList get = NULL;
    *(void **)&get = dlsym(module->library, "C_GetFunctionList"); // POSIX's way to write this
    CK_RV rv = get != NULL ? get(&module->f) : CKR_FUNCTION_NOT_SUPPORTED;
    if (rv != CKR_OK || module->f == NULL) {
        fault_set(fault, EXIT_OTHER, _("%s is not a PKCS#11 module."), path);
        return fault_todo(fault, _("Name another one with --module or INGAM_MODULE."));
    }
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    rv = module->f->C_Initialize(&args);
    if (rv == CKR_OK)
        rv = module->f->C_GetInfo(&module->info);
    if (rv != CKR_OK)
        return fault_rv(fault, rv, _("The PKCS#11 module %s could not be initialized."), path);
    module->ours = strncmp((const char *)module->info.manufacturerID, "Ingam ", 6) == 0;
    module->officer_writes =
        begins_with_one(module->info.libraryDescription) || begins_with_one(module->info.manufacturerID);
    return EXIT_OK;
}

enum exit_code module_load(struct module *module, const char *path, struct fault *fault)
{
    memset(module, 0, sizeof *module);
    module->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module->library == NULL) {
        fault_set(fault, EXIT_OTHER, _("The PKCS#11 module could not be loaded."));
        fault_why(fault, "%s", dlerror());
        return fault_todo(fault, _("Name another one with --module or INGAM_MODULE."));
    }
    if (initialize(module, path, fault) != EXIT_OK)
        module_unload(module);
    return fault->code;
}

// The library itself stays: OpenSSL objects and exit handlers may still point into it.
void module_unload(struct module *module)
{
    if (module->library != NULL && module->f != NULL)
        module->f->C_Finalize(NULL);
    memset(module, 0, sizeof *module);
}
