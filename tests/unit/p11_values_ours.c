// The interface as the module declares it.
#include "object/p11.h"
#include "p11_values.h"

const struct p11_fact ours_both[] = {VALUES_BOTH(FACT_VALUE) SIZES_BOTH(FACT_SIZE)
                                         OFFSETS_BOTH(FACT_OFFSET){0}};
const struct p11_fact ours_nss[] = {VALUES_NSS(FACT_VALUE) SIZES_NSS(FACT_SIZE) OFFSETS_NSS(FACT_OFFSET){0}};
const struct p11_fact ours_helper[] = {VALUES_HELPER(FACT_VALUE){0}};
