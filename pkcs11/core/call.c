/* Entering and leaving a C_ function. */
#include "core/call.h"
#include "core/slot.h"

bool call_enter_module(struct call *c, const char *name)
{
    *c = (struct call){.rv = CKR_OK, .name = name};
    c->module = module_enter();
    if (c->module == NULL)
        c->rv = CKR_CRYPTOKI_NOT_INITIALIZED;
    else if (log_wants(LOG_CALL))
        c->start = now_us();
    return c->module != NULL;
}

static bool take_slot(struct call *c, CK_SLOT_ID id, CK_RV otherwise)
{
    c->slot = slot_at(c->module, id);
    if (c->slot == NULL) {
        c->rv = otherwise;
        return false;
    }
    lock_take(c->slot->lock);
    slot_settle(c->slot);
    return true;
}

bool call_enter_slot(struct call *c, CK_SLOT_ID slot, const char *name)
{
    return call_enter_module(c, name) && take_slot(c, slot, CKR_SLOT_ID_INVALID);
}

bool call_enter_looking(struct call *c, CK_SLOT_ID slot, const char *name)
{
    if (!call_enter_module(c, name))
        return false;
    (void)slots_refresh(c->module);
    if (!take_slot(c, slot, CKR_SLOT_ID_INVALID))
        return false;
    slot_check(c->slot);
    return true;
}

static bool find_session(struct call *c, CK_SESSION_HANDLE session)
{
    c->session = map_get(&c->slot->sessions, session);
    if (c->session == NULL)
        c->rv = CKR_SESSION_HANDLE_INVALID;
    return c->session != NULL;
}

bool call_enter(struct call *c, CK_SESSION_HANDLE session, const char *name)
{
    return call_enter_module(c, name) && take_slot(c, session & 0xFF, CKR_SESSION_HANDLE_INVALID) &&
           find_session(c, session);
}

bool call_enter_checked(struct call *c, CK_SESSION_HANDLE session, const char *name)
{
    if (!call_enter_module(c, name) || !take_slot(c, session & 0xFF, CKR_SESSION_HANDLE_INVALID))
        return false;
    slot_check(c->slot);
    return find_session(c, session);
}

void call_pause(struct call *c)
{
    slot_settle(c->slot);
    lock_give(c->slot->lock);
}

bool call_resume(struct call *c, CK_SESSION_HANDLE session)
{
    lock_take(c->slot->lock);
    slot_settle(c->slot);
    return find_session(c, session);
}

CK_RV call_wrote(const struct call *c, CK_RV rv)
{
    return rv == CKR_OK && c->slot->gone ? CKR_DEVICE_REMOVED : rv;
}

CK_RV call_leave(struct call *c)
{
    if (c->slot != NULL) {
        slot_settle(c->slot);
        lock_give(c->slot->lock);
    }
    if (c->start != 0)
        log_line(LOG_CALL, "%s = 0x%lX %llu us", c->name, c->rv, (unsigned long long)(now_us() - c->start));
    if (c->module != NULL)
        module_leave();
    return c->rv;
}
