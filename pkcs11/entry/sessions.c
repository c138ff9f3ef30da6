/* Session management (2.40, 5.6; 3.0: C_LoginUser, C_SessionCancel). */
#include "core/ask.h"
#include "core/find.h"
#include "core/keypad.h"
#include "core/login.h"
#include "core/message.h"
#include "core/slot.h"
#include "core/state.h"
#include "entry/entry.h"

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *session)
{
    struct call c;
    if (call_enter_looking(&c, slot, __func__)) {
        if (session == NULL)
            c.rv = CKR_ARGUMENTS_BAD;
        else if ((flags & CKF_SERIAL_SESSION) == 0)
            c.rv = CKR_SESSION_PARALLEL_NOT_SUPPORTED;
        else if (flags & CKF_ASYNC_SESSION)
            c.rv = CKR_SESSION_ASYNC_NOT_SUPPORTED;
        else if (!slot_present(c.slot))
            c.rv = CKR_TOKEN_NOT_PRESENT;
        else
            c.rv = session_open(c.slot, flags, application, notify, session);
    }
    return call_leave(&c);
}

CK_RV C_CloseSession(CK_SESSION_HANDLE session)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        if (c.slot->sessions.count == 1)
            login_release(c.slot);
        session_close(c.session);
    }
    return call_leave(&c);
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
    struct call c;
    if (call_enter_slot(&c, slot, __func__)) {
        login_release(c.slot);
        session_close_all(c.slot);
    }
    return call_leave(&c);
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    struct call c;
    if (call_enter_checked(&c, session, __func__)) {
        if (info == NULL)
            c.rv = CKR_ARGUMENTS_BAD;
        else
            *info = (CK_SESSION_INFO){.slotID = c.slot->id,
                                      .state = session_state(c.session),
                                      .flags = CKF_SERIAL_SESSION | (c.session->rw ? CKF_RW_SESSION : 0)};
    }
    return call_leave(&c);
}

/* The operation that a context login is for. */
static CK_RV context_of(struct session *se, struct operation **found)
{
    struct slot *s = se->slot;
    if (s->login == LOGIN_SO)
        return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    for (int kind = 0; kind < OP_KINDS; kind++) {
        struct operation *op = se->op[kind];
        if (op != NULL && op->key != NULL && object_bool(op->key, CKA_ALWAYS_AUTHENTICATE)) {
            *found = op;
            return s->login == LOGIN_USER ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
        }
    }
    return CKR_OPERATION_NOT_INITIALIZED;
}

static bool has_read_only(const struct slot *s)
{
    return s->sessions.count > s->rw_sessions;
}

/* Everything that forbids a login before its PIN is looked at. */
static CK_RV may_login(struct session *se, CK_USER_TYPE user, struct operation **op)
{
    struct slot *s = se->slot;
    if (user == CKU_CONTEXT_SPECIFIC)
        return context_of(se, op);
    if (user != CKU_USER && user != CKU_SO)
        return CKR_USER_TYPE_INVALID;
    if (s->login != LOGIN_NONE)
        return (s->login == LOGIN_USER) == (user == CKU_USER) ? CKR_USER_ALREADY_LOGGED_IN
                                                              : CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    return user == CKU_SO && has_read_only(s) ? CKR_SESSION_READ_ONLY_EXISTS : CKR_OK;
}

static CK_RV login(struct session *se, CK_USER_TYPE user, struct rd pin)
{
    struct operation *op = NULL;
    CK_RV rv = may_login(se, user, &op);
    if (rv != CKR_OK)
        return rv;
    if (user == CKU_CONTEXT_SPECIFIC)
        return login_context(se->slot, op, pin);
    return user == CKU_USER ? login_user(se->slot, pin) : login_so(se->slot, pin);
}

/* C_Login without a PIN: a person is asked, at the reader or by a pinentry. */
static CK_RV login_asking(struct call *c, CK_SESSION_HANDLE session, CK_USER_TYPE user)
{
    struct operation *op = NULL;
    struct secret *pin = NULL;
    CK_RV rv = may_login(c->session, user, &op);
    if (rv == CKR_OK && user != CKU_SO && keypad_here(c->slot))
        return user == CKU_USER ? login_user_at_pad(c->slot) : login_context_at_pad(c->slot, op);
    if (rv == CKR_OK)
        rv = ask_begin(c, session);
    if (rv != CKR_OK)
        return rv;
    rv = may_login(c->session, user, &op);
    if (rv == CKR_OK)
        rv = ask_login(c, session, user, &pin);
    if (rv == CKR_OK)
        rv = login(c->session, user, secret_view(pin));
    secret_free(pin);
    ask_end(c);
    return rv;
}

static CK_RV login_either(struct call *c, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin,
                          CK_ULONG pin_len)
{
    if (pin != NULL)
        return login(c->session, user, rd_of(pin, pin_len));
    return pin_len != 0 ? CKR_ARGUMENTS_BAD : login_asking(c, session, user);
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = login_either(&c, session, user, pin, pin_len);
    return call_leave(&c);
}

CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
                  CK_UTF8CHAR_PTR username, CK_ULONG username_len)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        if (!in_ok(username, username_len))
            c.rv = CKR_ARGUMENTS_BAD;
        else if (username_len != 0)
            c.rv = CKR_USER_TYPE_INVALID; /* a card knows no user names */
        else
            c.rv = login_either(&c, session, user, pin, pin_len);
    }
    return call_leave(&c);
}

CK_RV C_Logout(CK_SESSION_HANDLE session)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        if (c.slot->login == LOGIN_NONE)
            c.rv = CKR_USER_NOT_LOGGED_IN;
        else
            login_release(c.slot);
    }
    return call_leave(&c);
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    static const struct {
        CK_FLAGS flags;
        enum op_kind kind;
    } kinds[] = {
        {CKF_SIGN, OP_SIGN},
        {CKF_VERIFY, OP_VERIFY},
        {CKF_ENCRYPT, OP_ENCRYPT},
        {CKF_DECRYPT, OP_DECRYPT},
        {CKF_DIGEST, OP_DIGEST},
        {CKF_SIGN_RECOVER, OP_SIGN_RECOVER},
        {CKF_VERIFY_RECOVER, OP_VERIFY_RECOVER},
    };
    struct call c;
    if (call_enter(&c, session, __func__)) {
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            if (flags & kinds[i].flags)
                op_end(c.session, kinds[i].kind);
        static const CK_FLAGS messages[] = {CKF_MESSAGE_SIGN, CKF_MESSAGE_VERIFY, CKF_MESSAGE_ENCRYPT,
                                            CKF_MESSAGE_DECRYPT};
        for (int kind = MESSAGE_SIGN; kind <= MESSAGE_DECRYPT; kind++)
            if (flags & messages[kind])
                (void)message_end(c.session, (enum message_kind)kind);
        if ((flags & CKF_FIND_OBJECTS) && c.session->find != NULL)
            c.rv = find_end(c.session);
    }
    return call_leave(&c);
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG *len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = state_get(c.session, OUT(state, len));
    return call_leave(&c);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG len,
                          CK_OBJECT_HANDLE encryption, CK_OBJECT_HANDLE authentication)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(state, len) ? CKR_ARGUMENTS_BAD
                                  : state_set(c.session, rd_of(state, len), encryption, authentication);
    return call_leave(&c);
}

CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type,
                                  CK_FLAGS *flags)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        if (flags == NULL || type != CKS_LAST_VALIDATION_OK)
            c.rv = CKR_ARGUMENTS_BAD;
        else
            *flags = 0; /* no validation is claimed */
    }
    return call_leave(&c);
}
