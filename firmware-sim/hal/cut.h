/* Storage in front of another one that loses power on request, so that a running card can be cut off. */
#ifndef FW_CUT_H
#define FW_CUT_H

#include "hal/hal.h"

struct cut_storage {
    struct hal_storage inner;
    uint64_t after; /* the write that is torn, counted down; 0: none */
    bool dead;      /* power is gone until cut_restore */
};

struct hal_storage cut_storage(struct cut_storage *cut);
/* The n-th write from now is torn in its middle. */
void cut_arm(struct cut_storage *cut, uint64_t n);
void cut_restore(struct cut_storage *cut);

#endif
