/* Random numbers, from this computer's generator. */
#include "core/random.h"
#include "mech/mech.h"

CK_RV random_fill(uint8_t *out, size_t len)
{
    return mech_rv(host_random(out, len), CKR_FUNCTION_FAILED);
}

CK_RV random_seed(struct rd seed)
{
    return mech_rv(host_random_seed(seed.p, seed.n), CKR_FUNCTION_FAILED);
}
