/* Shared by the files of host/ only: the library context and fetched algorithms. */
#ifndef INGAM_HOST_INTERNAL_H
#define INGAM_HOST_INTERNAL_H

#include "host.h"
#include <openssl/evp.h>
#include <openssl/types.h>

/* NULL when there is none (no memory, or the program is exiting). */
OSSL_LIB_CTX *host_ctx(void);
/* Borrowed; fetched once. */
const EVP_MD *host_md(enum host_hash hash);
const char *host_md_name(enum host_hash hash);
const char *host_group_name(enum host_curve curve);

#endif
