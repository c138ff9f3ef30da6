/* Mutexes as the application's C_Initialize arguments ask: its own functions, or the system's. */
#pragma once
#include "object/p11.h"

/* Which functions to use from now on. NULL args: the system's. CKR_ARGUMENTS_BAD: some but not all functions
 * given. */
CK_RV lock_choose(const CK_C_INITIALIZE_ARGS *args);

struct lock;
CK_RV lock_new(struct lock **out);
void lock_free(struct lock *l);
void lock_take(struct lock *l);
void lock_give(struct lock *l);
