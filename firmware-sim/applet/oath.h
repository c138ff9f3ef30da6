/* The OATH application of YubiKeys (Yubico's YKOATH protocol): HOTP (RFC 4226) and TOTP (RFC 6238) codes. */
#ifndef FW_OATH_H
#define FW_OATH_H

#include "fw/card.h"
#include "hal/crypto.h"

extern const struct fw_applet oath_applet;

enum {
    OATH_NAME_MAX = 64,
    OATH_KEY_MAX = 64, /* longer ones come hashed (RFC 2104) */
    OATH_CHALLENGE_MAX = 64,
    OATH_CREDENTIALS_MAX = 64,
};

/* Adds the factory state to the open transaction: no credentials, no access code, a new device identifier. */
bool oath_put_factory(struct fw_card *card);

#endif
