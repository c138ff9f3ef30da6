/* Sessions and the store of a slot's objects. */
#include "core/content.h"
#include "core/login.h"
#include "core/message.h"
#include "core/module.h"
#include "core/slot.h"
#include "core/unique.h"
#include <stdlib.h>

CK_RV session_open(struct slot *s, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE *out)
{
    bool rw = (flags & CKF_RW_SESSION) != 0;
    if (!rw && s->login == LOGIN_SO)
        return CKR_SESSION_READ_WRITE_SO_EXISTS;
    struct session *se = calloc(1, sizeof *se);
    if (se == NULL)
        return CKR_HOST_MEMORY;
    /* The first session sees the card as it is now, whoever wrote to it in the meantime. */
    if (s->sessions.count == 0)
        content_forget(s);
    *se = (struct session){
        .handle = module_handle(s), .slot = s, .rw = rw, .notify = notify, .application = application};
    if (!map_put(&s->sessions, se->handle, se)) {
        free(se);
        return CKR_HOST_MEMORY;
    }
    s->rw_sessions += rw;
    s->used = true;
    s->insertion = s->open ? s->card.conn->insertions : (uint32_t)atomic_load(&s->seen);
    *out = se->handle;
    return CKR_OK;
}

static void drop_objects_of(struct slot *s, CK_SESSION_HANDLE session)
{
    for (size_t i = s->list_count; i-- > 0;)
        if (s->list[i]->session == session)
            store_remove(s, s->list[i]);
}

static void free_session(struct session *se)
{
    for (int kind = 0; kind < OP_KINDS; kind++)
        op_end(se, (enum op_kind)kind);
    for (int kind = MESSAGE_SIGN; kind <= MESSAGE_DECRYPT; kind++)
        (void)message_end(se, (enum message_kind)kind);
    if (se->find != NULL)
        free(se->find->handle);
    free(se->find);
    free(se);
}

/* The last session's end is the login's end (2.40, 5.6). */
void session_close(struct session *se)
{
    struct slot *s = se->slot;
    drop_objects_of(s, se->handle);
    map_drop(&s->sessions, se->handle);
    s->rw_sessions -= se->rw;
    free_session(se);
    if (s->sessions.count == 0)
        login_forget(s);
}

void session_close_all(struct slot *s)
{
    for (size_t i = s->list_count; i-- > 0;)
        if (s->list[i]->session != 0)
            store_remove(s, s->list[i]);
    for (size_t i = 0; i < s->sessions.room; i++)
        if (s->sessions.entry[i].handle != 0)
            free_session(s->sessions.entry[i].thing);
    map_free(&s->sessions);
    s->rw_sessions = 0;
    login_forget(s);
}

CK_STATE session_state(const struct session *se)
{
    if (se->slot->login == LOGIN_SO)
        return CKS_RW_SO_FUNCTIONS;
    if (se->slot->login == LOGIN_USER)
        return se->rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
    return se->rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

CK_RV store_add(struct slot *s, struct object *o, CK_OBJECT_HANDLE *handle)
{
    if (s->list_count == s->list_room) {
        size_t room = s->list_room == 0 ? 64 : 2 * s->list_room;
        struct object **more = realloc(s->list, room * sizeof *more);
        if (more == NULL) {
            object_unref(o);
            return CKR_HOST_MEMORY;
        }
        s->list = more;
        s->list_room = room;
    }
    CK_OBJECT_HANDLE h = module_handle(s);
    if (!map_put(&s->objects, h, o)) {
        object_unref(o);
        return CKR_HOST_MEMORY;
    }
    o->handle = h;
    unique_set(o);
    s->list[s->list_count++] = o;
    if (handle != NULL)
        *handle = h;
    return CKR_OK;
}

CK_RV store_made(struct session *se, struct object *o, CK_RV rv, CK_OBJECT_HANDLE *handle)
{
    if (rv != CKR_OK) {
        object_unref(o);
        return rv;
    }
    o->session = se->handle;
    return store_add(se->slot, o, handle);
}

void store_remove(struct slot *s, struct object *o)
{
    for (size_t i = 0; i < s->list_count; i++) {
        if (s->list[i] != o)
            continue;
        for (size_t j = i + 1; j < s->list_count; j++)
            s->list[j - 1] = s->list[j];
        s->list_count--;
        break;
    }
    map_drop(&s->objects, o->handle);
    o->handle = 0;
    o->card_key = NULL;
    o->card_data = NULL;
    object_unref(o);
}

/* The SO sees what it writes to the card, without being able to use keys. */
bool store_visible(const struct slot *s, const struct object *o)
{
    if (!object_bool(o, CKA_PRIVATE) || s->login == LOGIN_USER)
        return true;
    return s->login == LOGIN_SO && (o->card_key != NULL || o->card_data != NULL);
}

struct object *store_get(const struct slot *s, CK_OBJECT_HANDLE handle)
{
    struct object *o = map_get(&s->objects, handle);
    return o != NULL && store_visible(s, o) ? o : NULL;
}
