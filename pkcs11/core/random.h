/* Random numbers, from this computer's generator: PIV cards have none to give. */
#pragma once
#include "card/base/rd.h"
#include "object/p11.h"

CK_RV random_fill(uint8_t *out, size_t len); /* 0 bytes is CKR_OK */
CK_RV random_seed(struct rd seed);
