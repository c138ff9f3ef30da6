/* What makes keys: pairs on the card, secret keys in the session (3.0, 2.1, 2.3, 2.9, 2.11). */
#include "mech/families.h"

static const struct mech_family pair = {.name = "key pair generation"};
static const struct mech_family secret = {.name = "key generation"};

#define CURVES (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const struct mech_row rows[] = {
    ROW(CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, 1024, 4096, CKF_GENERATE_KEY_PAIR, MECH_CARD, HOST_NONE, &pair),
    ROW(CKM_EC_KEY_PAIR_GEN, CKK_EC, 256, 384, CKF_GENERATE_KEY_PAIR | CURVES, MECH_CARD, HOST_NONE, &pair),
    ROW(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS, 255, 255, CKF_GENERATE_KEY_PAIR | CKF_EC_F_P, MECH_CARD,
        HOST_NONE, &pair),
    ROW(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKK_EC_MONTGOMERY, 255, 255, CKF_GENERATE_KEY_PAIR | CKF_EC_F_P,
        MECH_CARD, HOST_NONE, &pair),
    ROW(CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, 1, 512, CKF_GENERATE, MECH_SOFTWARE, HOST_NONE,
        &secret),
    ROW(CKM_AES_KEY_GEN, CKK_AES, 16, 32, CKF_GENERATE, MECH_SOFTWARE, HOST_NONE, &secret),
};
const struct mech_rows mech_generate = {rows, sizeof rows / sizeof rows[0]};
