// Encoding of reference data.
#include "card/piv/reference.h"

#include <string.h>

#include "card/base/secret.h"

bool piv_write_reference(struct wr *w, struct rd value)
{
    if (value.n == 0 || value.n > PIV_REFERENCE_SIZE || memchr(value.p, 0xFF, value.n))
        return false;
    wr_rd(w, value);
    wr_fill(w, 0xFF, PIV_REFERENCE_SIZE - value.n);
    return true;
}

enum err piv_reference_unfit(struct card *c, const char *step)
{
    secret_wipe(c->chan.work, (size_t)2 * PIV_REFERENCE_SIZE);
    err_clear(&c->trail);
    return err_fail(&c->trail, E_ARGUMENT, step);
}

enum err piv_reference_result(struct card *c, enum err e, int *tries)
{
    if (tries)
        *tries = e == E_PIN_WRONG || e == E_PIN_BLOCKED ? c->trail.tries : -1;
    return e;
}
