/* The management application of YubiKeys: what the device is and can do. */
#ifndef FW_MANAGEMENT_H
#define FW_MANAGEMENT_H

#include "fw/card.h"

extern const struct fw_applet management_applet;

enum management_application { MANAGEMENT_PIV = 0x10, MANAGEMENT_OATH = 0x20 };

#endif
