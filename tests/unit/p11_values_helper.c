// The interface as pkcs11-helper declares it.
#include <pkcs11-helper-1.0/pkcs11.h>
#include <stddef.h>

#include "p11_values.h"

const struct p11_fact helper_both[] = {VALUES_BOTH(FACT_VALUE) SIZES_BOTH(FACT_SIZE)
                                           OFFSETS_BOTH(FACT_OFFSET){0}};
const struct p11_fact helper_only[] = {VALUES_HELPER(FACT_VALUE){0}};
