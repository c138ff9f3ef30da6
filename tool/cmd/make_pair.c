// Making a key takes an RSA token up to minutes.
#include "make_pair.h"
#include "progress.h"
#include "text.h"

enum exit_code make_pair(struct run *run, const struct piv_place *place, const struct key_kind *kind,
                         bool *always, EVP_PKEY **out)
{
    char text[256];
    snprintf(text, sizeof text, _("Making a key (%s) in slot %s..."), kind->name, place->number);
    struct progress *progress = progress_begin(run, text);
    enum exit_code code = keypair_generate(&run->session, place, kind, always, out, &run->fault);
    progress_end(progress);
    return code;
}
