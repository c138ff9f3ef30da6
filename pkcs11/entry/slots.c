/* Slot and token management (2.40, 5.5). */
#include "core/ask.h"
#include "core/content.h"
#include "core/keypad.h"
#include "core/login.h"
#include "core/slot.h"
#include "core/token.h"
#include "core/wait.h"
#include "entry/entry.h"

static CK_RV slot_list(struct module *m, bool present, CK_SLOT_ID *list, CK_ULONG *count)
{
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    (void)slots_refresh(m); /* no readers is no error: the fixed slots are there */
    CK_ULONG room = *count, n = 0;
    for (size_t i = 0; i < slots_count(m); i++) {
        const struct slot *s = slot_at(m, i);
        if (present && !slot_present(s))
            continue;
        if (list != NULL && n < room)
            list[n] = s->id;
        n++;
    }
    *count = n;
    return list != NULL && room < n ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
    struct call c;
    if (call_enter_module(&c, __func__))
        c.rv = slot_list(c.module, present != CK_FALSE, list, count);
    return call_leave(&c);
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    struct call c;
    if (call_enter_looking(&c, slot, __func__))
        c.rv = info == NULL ? CKR_ARGUMENTS_BAD : slot_info(c.slot, info);
    return call_leave(&c);
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    struct call c;
    if (call_enter_looking(&c, slot, __func__))
        c.rv = info == NULL            ? CKR_ARGUMENTS_BAD
               : !slot_present(c.slot) ? CKR_TOKEN_NOT_PRESENT
                                       : token_info(c.slot, info);
    return call_leave(&c);
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    struct call c;
    if (call_enter_module(&c, __func__))
        c.rv = slot == NULL || reserved != NULL
                   ? CKR_ARGUMENTS_BAD
                   : wait_for_event(c.module, (flags & CKF_DONT_BLOCK) == 0, slot);
    return call_leave(&c);
}

/* Digests before a context login break Firefox with TLS 1.3, so that mechanisms which take the message itself
 * aren't listed for a kind of key that asks for the PIN each time; they work all the same. */
static bool is_listed(const struct mech_row *row, bool rsa, bool ec)
{
    if (row->place != MECH_CARD || row->hash == HOST_NONE)
        return true;
    return row->key == CKK_RSA ? !rsa : !ec;
}

static CK_RV mechanism_list(struct slot *s, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    bool rsa = false, ec = false;
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    if (!slot_present(s))
        return CKR_TOKEN_NOT_PRESENT;
    CK_RV rv = s->piv != NULL ? CKR_OK : content_always_kinds(s, &rsa, &ec);
    if (rv != CKR_OK)
        return rv;
    CK_ULONG room = *count, n = 0;
    const struct mech_row *row;
    for (size_t i = 0; (row = mech_row_at(i)) != NULL; i++) {
        if (!slot_has(s, row) || !is_listed(row, rsa, ec))
            continue;
        if (list != NULL && n < room)
            list[n] = row->type;
        n++;
    }
    *count = n;
    return list != NULL && room < n ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    struct call c;
    if (call_enter_looking(&c, slot, __func__))
        c.rv = mechanism_list(c.slot, list, count);
    return call_leave(&c);
}

static CK_RV mechanism_info(struct slot *s, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    const struct mech_row *row = mech_row(type);
    bool rsa = false, ec = false;
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    if (!slot_present(s))
        return CKR_TOKEN_NOT_PRESENT;
    CK_RV rv = s->piv != NULL ? CKR_OK : content_always_kinds(s, &rsa, &ec);
    if (rv != CKR_OK)
        return rv;
    if (!slot_has(s, row) || !is_listed(row, rsa, ec))
        return CKR_MECHANISM_INVALID;
    *info = (CK_MECHANISM_INFO){row->min, row->max, row->flags | (row->place == MECH_SOFTWARE ? 0 : CKF_HW)};
    return CKR_OK;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    struct call c;
    if (call_enter_looking(&c, slot, __func__))
        c.rv = mechanism_info(c.slot, type, info);
    return call_leave(&c);
}

CK_RV C_InitToken(CK_SLOT_ID slot, CK_BYTE *pin, CK_ULONG pin_len, CK_BYTE *label)
{
    struct call c;
    if (call_enter_looking(&c, slot, __func__))
        c.rv = label == NULL || !in_ok(pin, pin_len) ? CKR_ARGUMENTS_BAD
               : !slot_present(c.slot)               ? CKR_TOKEN_NOT_PRESENT
               : c.slot->sessions.count > 0          ? CKR_SESSION_EXISTS
                                            : login_init_token(c.slot, rd_of(pin, pin_len), rd_of(label, 32));
    return call_leave(&c);
}

static CK_RV asking(struct call *c, CK_SESSION_HANDLE session,
                    CK_RV (*what)(struct call *c, CK_SESSION_HANDLE session))
{
    CK_RV rv = ask_begin(c, session);
    if (rv != CKR_OK)
        return rv;
    rv = what(c, session);
    ask_end(c);
    return rv;
}

/* Without PINs: a person is asked, at the reader or by a pinentry. */
static CK_RV set_pin_asking(struct call *c, CK_SESSION_HANDLE session)
{
    bool pad = c->slot->login != LOGIN_SO && keypad_here(c->slot);
    if (pad && keypad_changes(c->slot))
        return login_set_pin_at_pad(c->slot);
    CK_RV rv = asking(c, session, ask_set_pin);
    return pad && rv == CKR_ARGUMENTS_BAD ? CKR_FUNCTION_NOT_SUPPORTED : rv;
}

CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_BYTE *pin, CK_ULONG pin_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(pin, pin_len) ? CKR_ARGUMENTS_BAD
               : pin == NULL        ? asking(&c, session, ask_init_pin)
                                    : login_init_pin(c.slot, rd_of(pin, pin_len));
    return call_leave(&c);
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_BYTE *old, CK_ULONG old_len, CK_BYTE *fresh, CK_ULONG fresh_len)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        if (!in_ok(old, old_len) || !in_ok(fresh, fresh_len))
            c.rv = CKR_ARGUMENTS_BAD;
        else if (!c.session->rw)
            c.rv = CKR_SESSION_READ_ONLY;
        else if (old == NULL && fresh == NULL)
            c.rv = set_pin_asking(&c, session);
        else
            c.rv = login_set_pin(c.slot, rd_of(old, old_len), rd_of(fresh, fresh_len));
    }
    return call_leave(&c);
}
