// The interface as NSS declares it.
#include <pkcs11.h>
#include <pkcs11n.h>
#include <stddef.h>

#include "p11_values.h"

const struct p11_fact nss_both[] = {VALUES_BOTH(FACT_VALUE) SIZES_BOTH(FACT_SIZE)
                                        OFFSETS_BOTH(FACT_OFFSET){0}};
const struct p11_fact nss_only[] = {VALUES_NSS(FACT_VALUE) SIZES_NSS(FACT_SIZE) OFFSETS_NSS(FACT_OFFSET){0}};
