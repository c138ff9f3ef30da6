/* C_WaitForSlotEvent (2.40, 5.5): insertions, removals and new readers, each told once. */
#include "core/wait.h"
#include "core/module.h"
#include "core/slot.h"
#include <stdlib.h>

/* A slot whose state is another than when it was last told; 0 exchanges. */
static bool changed_slot(struct module *m, CK_SLOT_ID *slot)
{
    for (size_t i = 0; i < slots_count(m); i++) {
        struct slot *s = slot_at(m, i);
        uint64_t seen = atomic_load(&s->seen), told = atomic_load(&s->told);
        if (seen != told && atomic_compare_exchange_strong(&s->told, &told, seen)) {
            *slot = i;
            return true;
        }
    }
    return false;
}

/* The readers as they are now are looked at before the slots are, so that nothing that happens between is
 * missed. */
static CK_RV wait_once(struct module *m, struct tp_wait *wait, CK_SLOT_ID *slot, bool *found)
{
    struct tp_reader *known = calloc(TP_READERS_MAX, sizeof *known);
    size_t n = 0;
    if (known == NULL)
        return CKR_HOST_MEMORY;
    if (tp_list(m->tp, known, TP_READERS_MAX, &n) != E_OK)
        n = 0; /* a service that is absent is waited for */
    (void)slots_refresh(m);
    *found = changed_slot(m, slot);
    enum err e = *found ? E_OK : tp_wait(wait, known, n, -1);
    free(known);
    return e == E_CANCELLED ? CKR_CRYPTOKI_NOT_INITIALIZED : rv_of(e);
}

CK_RV wait_for_event(struct module *m, bool block, CK_SLOT_ID *slot)
{
    struct tp_wait *wait = NULL;
    bool found = false;
    if (!block) {
        (void)slots_refresh(m);
        return changed_slot(m, slot) ? CKR_OK : CKR_NO_EVENT;
    }
    enum err e = tp_wait_open(m->tp, &wait);
    if (e != E_OK)
        return rv_of(e);
    if (!module_wait_add(wait)) {
        tp_wait_close(wait);
        return module_stopping() ? CKR_CRYPTOKI_NOT_INITIALIZED : CKR_FUNCTION_FAILED;
    }
    CK_RV rv = CKR_OK;
    while (rv == CKR_OK && !found)
        rv = wait_once(m, wait, slot, &found);
    module_wait_remove(wait);
    tp_wait_close(wait);
    return rv;
}
