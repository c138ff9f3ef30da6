/* Whether the module is initialised, and who is inside: the gate that every C_ function passes. */
#pragma once
#include "core/core.h"

/* C_Initialize and C_Finalize (2.40, 5.4). 0 exchanges and no I/O in the first; the second waits for calls
 * under way. */
CK_RV module_start(const CK_C_INITIALIZE_ARGS *args);
CK_RV module_stop(void);
/* NULL: not initialised, being finalised, or this is a forked child that hasn't initialised. Otherwise
 * module_leave has to follow. */
struct module *module_enter(void);
void module_leave(void);
/* A handle never given before, which names its slot; 0 never. */
unsigned long module_handle(struct slot *s);
/* A wait that C_Finalize ends. false: too many, or being finalised. */
bool module_wait_add(struct tp_wait *wait);
void module_wait_remove(struct tp_wait *wait);
bool module_stopping(void);
