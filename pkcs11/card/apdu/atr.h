// What a card says about itself in its answer to reset (ISO/IEC 7816-3 8.2, 7816-4 8.1.1).
#pragma once
#include "card/base/rd.h"

// The historical bytes have card capabilities, and those leave out extended length. false also when the ATR
// says nothing of it, or makes no sense.
bool atr_refuses_extended(struct rd atr);
