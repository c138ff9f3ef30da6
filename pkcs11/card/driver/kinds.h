// The kinds of cards that driver.c chooses from. Private to driver/.
#pragma once
#include "card/driver/driver.h"

extern const struct driver driver_plain;
extern const struct driver driver_yubikey;
extern const struct driver driver_otp_card;
