/* Key derivation: Diffie-Hellman with a card's key, HKDF from a session's (3.0, 2.3.16 and 2.58). */
#include "mech/families.h"

static const struct mech_family ecdh = {.name = "ECDH"};
static const struct mech_family hkdf = {.name = "HKDF"};

static const struct mech_row rows[] = {
    ROW(CKM_ECDH1_DERIVE, CKK_EC, 256, 384, CKF_DERIVE | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS,
        MECH_CARD, HOST_NONE, &ecdh),
    ROW(CKM_HKDF_DERIVE, CKK_HKDF, 1, 512, CKF_DERIVE, MECH_SOFTWARE, HOST_NONE, &hkdf),
};
const struct mech_rows mech_derive = {rows, sizeof rows / sizeof rows[0]};
