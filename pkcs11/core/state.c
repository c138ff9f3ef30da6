/* Saved operations: { version, session state, { kind, parts, mechanism, parameter, key's mark, what was fed
 * }..., HMAC-SHA-256 }. */
#include "core/state.h"
#include "card/base/secret.h"
#include "card/base/wr.h"
#include "core/slot.h"
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define MOST    65536 /* bytes of input that are kept */
#define CODE    32

void state_begun(struct operation *op, const CK_MECHANISM *m)
{
    bool flat = op->mech.row != NULL && op->mech.row->family->flat && m->pParameter != NULL;
    op->unsaveable = m->ulParameterLen > 0 && (!flat || m->ulParameterLen > sizeof op->param);
    op->param_len = op->unsaveable ? 0 : m->ulParameterLen;
    if (op->param_len > 0)
        memcpy(op->param, m->pParameter, op->param_len);
}

static void give_up(struct operation *op)
{
    if (op->fed != NULL)
        secret_wipe(op->fed, op->fed_len);
    free(op->fed);
    op->fed = NULL;
    op->fed_len = op->fed_room = 0;
    op->unsaveable = true;
}

void state_fed(struct operation *op, struct rd part)
{
    if (op->unsaveable || part.n == 0)
        return;
    if (part.n > MOST - op->fed_len) {
        give_up(op);
        return;
    }
    if (op->fed_len + part.n > op->fed_room) {
        size_t room = op->fed_room == 0 ? 256 : op->fed_room;
        while (room < op->fed_len + part.n)
            room *= 2;
        uint8_t *more = malloc(room);
        if (more == NULL) {
            give_up(op);
            return;
        }
        if (op->fed_len > 0)
            memcpy(more, op->fed, op->fed_len);
        if (op->fed != NULL)
            secret_wipe(op->fed, op->fed_len);
        free(op->fed);
        op->fed = more;
        op->fed_room = room;
    }
    memcpy(op->fed + op->fed_len, part.p, part.n);
    op->fed_len += part.n;
}

/* ---- the code ---- */

static CK_RV code_of(struct slot *s, const struct rd *parts, size_t count, uint8_t code[CODE])
{
    struct host_mac *mac;
    size_t len;
    if (s->state_key == NULL) {
        s->state_key = secret_room(CODE);
        if (s->state_key != NULL && host_random(secret_bytes(s->state_key), CODE) != HOST_OK) {
            secret_free(s->state_key);
            s->state_key = NULL;
        }
    }
    struct rd key = secret_view(s->state_key);
    if (key.p == NULL)
        return CKR_HOST_MEMORY;
    enum host_rc rc = host_mac_new(HOST_HMAC, HOST_SHA256, key.p, key.n, &mac);
    if (rc != HOST_OK)
        return mech_rv(rc, CKR_FUNCTION_FAILED);
    for (size_t i = 0; rc == HOST_OK && i < count; i++) {
        uint8_t size[4] = {(uint8_t)(parts[i].n >> 24), (uint8_t)(parts[i].n >> 16),
                           (uint8_t)(parts[i].n >> 8), (uint8_t)parts[i].n};
        rc = host_mac_update(mac, size, sizeof size);
        if (rc == HOST_OK)
            rc = host_mac_update(mac, parts[i].p, parts[i].n);
    }
    if (rc == HOST_OK)
        rc = host_mac_final(mac, code, CODE, &len);
    host_mac_free(mac);
    return mech_rv(rc, CKR_FUNCTION_FAILED);
}

/* Tells one key from another without telling anything of it. */
static CK_RV mark_of(struct slot *s, const struct object *key, uint8_t mark[CODE])
{
    uint8_t class = (uint8_t)object_class(key);
    struct rd parts[] = {rd_of(&class, 1), object_get(key, CKA_VALUE), object_get(key, CKA_MODULUS),
                         object_get(key, CKA_EC_PARAMS), object_get(key, CKA_EC_POINT)};
    return code_of(s, parts, sizeof parts / sizeof parts[0], mark);
}

/* ---- saving ---- */

static const enum op_kind kinds[] = {OP_DIGEST, OP_SIGN, OP_VERIFY};
#define KINDS (sizeof kinds / sizeof kinds[0])

static bool can_be_saved(const struct session *se)
{
    static const enum op_kind others[] = {OP_ENCRYPT, OP_DECRYPT, OP_SIGN_RECOVER, OP_VERIFY_RECOVER};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (se->op[others[i]] != NULL)
            return false;
    for (size_t i = 0; i < 4; i++)
        if (se->message[i] != NULL)
            return false;
    for (size_t i = 0; i < KINDS; i++) {
        const struct operation *op = se->op[kinds[i]];
        if (op != NULL && (op->unsaveable || op->signature != NULL))
            return false;
    }
    return se->op[OP_SIGN] == NULL || se->op[OP_VERIFY] == NULL; /* one key can be given back */
}

static CK_RV build_one(struct wr *w, struct slot *s, enum op_kind kind, const struct operation *op)
{
    uint8_t mark[CODE] = {0};
    CK_RV rv = op->key != NULL ? mark_of(s, op->key, mark) : CKR_OK;
    wr_u8(w, (uint8_t)kind);
    wr_u8(w, op->parts);
    wr_u32(w, (uint32_t)op->mech.row->type);
    wr_u8(w, (uint8_t)op->param_len);
    wr_bytes(w, op->param, op->param_len);
    wr_bytes(w, mark, sizeof mark);
    wr_u32(w, (uint32_t)op->fed_len);
    wr_bytes(w, op->fed, op->fed_len);
    return rv;
}

static size_t size_of(const struct session *se)
{
    size_t n = 2 + CODE;
    for (size_t i = 0; i < KINDS; i++) {
        const struct operation *op = se->op[kinds[i]];
        if (op != NULL)
            n += 1 + 1 + 4 + 1 + op->param_len + CODE + 4 + op->fed_len;
    }
    return n;
}

CK_RV state_get(struct session *se, struct out out)
{
    bool active = false, done;
    for (int kind = 0; kind < OP_KINDS; kind++)
        active = active || se->op[kind] != NULL;
    for (size_t i = 0; i < 4; i++)
        active = active || se->message[i] != NULL;
    if (out.len == NULL)
        return CKR_ARGUMENTS_BAD;
    if (!active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (!can_be_saved(se))
        return CKR_STATE_UNSAVEABLE;
    size_t size = size_of(se);
    CK_RV rv = out_room(out, size, &done);
    if (done)
        return rv;
    struct wr w = wr_of(out.p, size - CODE);
    struct rd all;
    wr_u8(&w, VERSION);
    wr_u8(&w, (uint8_t)session_state(se));
    for (size_t i = 0; rv == CKR_OK && i < KINDS; i++)
        if (se->op[kinds[i]] != NULL)
            rv = build_one(&w, se->slot, kinds[i], se->op[kinds[i]]);
    if (rv == CKR_OK && !wr_done(&w, &all))
        rv = CKR_FUNCTION_FAILED;
    if (rv == CKR_OK)
        rv = code_of(se->slot, &all, 1, out.p + size - CODE);
    if (rv == CKR_OK)
        *out.len = size;
    return rv;
}

/* ---- restoring ---- */

struct saved {
    uint8_t kind, parts;
    uint32_t mechanism;
    struct rd param, mark, fed;
};

static bool parse_one(struct rd *all, struct saved *one)
{
    uint8_t n;
    uint32_t fed;
    return rd_u8(all, &one->kind) && rd_u8(all, &one->parts) && rd_u32(all, &one->mechanism) &&
           rd_u8(all, &n) && rd_take(all, n, &one->param) && rd_take(all, CODE, &one->mark) &&
           rd_u32(all, &fed) && rd_take(all, fed, &one->fed);
}

static CK_RV check_key(struct session *se, const struct saved *one, CK_OBJECT_HANDLE handle)
{
    uint8_t mark[CODE];
    const struct object *key = store_get(se->slot, handle);
    if (handle == CK_INVALID_HANDLE)
        return CKR_KEY_NEEDED;
    if (key == NULL)
        return CKR_KEY_HANDLE_INVALID;
    CK_RV rv = mark_of(se->slot, key, mark);
    return rv != CKR_OK ? rv : secret_equal(rd_of(mark, CODE), one->mark) ? CKR_OK : CKR_KEY_CHANGED;
}

static CK_RV restore_one(struct session *se, const struct saved *one, CK_OBJECT_HANDLE key)
{
    uint8_t param[sizeof se->op[0]->param];
    if (one->param.n > sizeof param)
        return CKR_SAVED_STATE_INVALID;
    if (one->param.n > 0)
        memcpy(param, one->param.p, one->param.n);
    CK_MECHANISM m = {one->mechanism, one->param.n > 0 ? param : NULL, one->param.n};
    CK_RV rv = op_begin(se, (enum op_kind)one->kind, &m, one->kind == OP_DIGEST ? CK_INVALID_HANDLE : key);
    return rv == CKR_OK && one->parts ? op_feed(se, (enum op_kind)one->kind, one->fed) : rv;
}

CK_RV state_set(struct session *se, struct rd state, CK_OBJECT_HANDLE encryption,
                CK_OBJECT_HANDLE authentication)
{
    struct saved one[KINDS];
    size_t count = 0;
    bool keyed = false;
    uint8_t code[CODE], version, session;
    if (state.n < CODE)
        return CKR_SAVED_STATE_INVALID;
    struct rd all = rd_of(state.p, state.n - CODE);
    CK_RV rv = code_of(se->slot, &all, 1, code);
    if (rv != CKR_OK)
        return rv;
    if (!secret_equal(rd_of(code, CODE), rd_of(state.p + all.n, CODE)) || !rd_u8(&all, &version) ||
        version != VERSION || !rd_u8(&all, &session) || session != session_state(se))
        return CKR_SAVED_STATE_INVALID;
    for (; !rd_end(&all); count++) {
        if (count == KINDS || !parse_one(&all, &one[count]))
            return CKR_SAVED_STATE_INVALID;
        if (one[count].kind == OP_DIGEST)
            continue;
        keyed = true;
        rv = check_key(se, &one[count], authentication);
        if (rv != CKR_OK)
            return rv;
    }
    if (encryption != CK_INVALID_HANDLE || (!keyed && authentication != CK_INVALID_HANDLE))
        return CKR_KEY_NOT_NEEDED;
    for (int kind = 0; kind < OP_KINDS; kind++)
        op_end(se, (enum op_kind)kind);
    for (size_t i = 0; rv == CKR_OK && i < count; i++)
        rv = restore_one(se, &one[i], authentication);
    for (int kind = 0; rv != CKR_OK && kind < OP_KINDS; kind++)
        op_end(se, (enum op_kind)kind);
    return rv;
}
