// Making a key with a line that tells how long it takes.
#pragma once

#include "p11/keypair.h"
#include "run.h"

// keypair_generate for the run's session, and what the person sees meanwhile.
enum exit_code make_pair(struct run *run, const struct piv_place *place, const struct key_kind *kind,
                         bool *always, EVP_PKEY **out);
