/* A transaction in which the card may be written to. */
#include "core/admin.h"
#include "core/login.h"
#include "core/shared.h"
#include "core/token.h"

CK_RV admin_begin(struct session *se)
{
    struct slot *s = se->slot;
    if (!se->rw)
        return CKR_SESSION_READ_ONLY;
    if (s->login == LOGIN_NONE || s->so_by_puk)
        return CKR_USER_NOT_LOGGED_IN;
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    rv = login_admin(s);
    if (rv != CKR_OK)
        token_end(s, s->admin_after);
    else if (shared_noted(s))
        s->history_read = false; /* or what they noted would be written over */
    return rv;
}

void admin_end(struct slot *s, bool wrote)
{
    if (wrote)
        shared_tell_written(s);
    token_end(s, login_leave(s));
}
