/* C_WaitForSlotEvent. */
#pragma once
#include "core/core.h"

CK_RV wait_for_event(struct module *m, bool block, CK_SLOT_ID *slot);
