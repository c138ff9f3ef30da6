/* Which reader belongs to which slot. Slots are never taken away and a slot's id is never given to another.
 */
#include "core/slot.h"
#include "card/base/secret.h"
#include "core/cache.h"
#include "core/content.h"
#include "core/login.h"
#include "core/module.h"
#include <stdlib.h>
#include <string.h>

/* piv: the first slot of the same card; NULL: this is one. */
static CK_RV add_slot(struct module *m, struct slot *piv)
{
    struct slot *s = m->slots < MAX_SLOTS ? calloc(1, sizeof *s) : NULL;
    if (s == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = CKR_OK;
    if (piv == NULL)
        rv = lock_new(&s->lock);
    else
        s->lock = piv->lock;
    if (rv != CKR_OK) {
        free(s);
        return rv;
    }
    s->piv = piv;
    if (piv != NULL) {
        memcpy(s->reader, piv->reader, sizeof s->reader);
        piv->otp = s;
    }
    s->id = m->slots;
    s->module = m;
    s->tries = -1;
    s->shared.fd = -1;
    content_forget(s);
    m->slot[m->slots] = s;
    __atomic_store_n(&m->slots, m->slots + 1, __ATOMIC_RELEASE);
    return CKR_OK;
}

CK_RV slots_make(struct module *m)
{
    m->tp = tp_default_new();
    if (m->tp == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = lock_new(&m->readers);
    if (rv == CKR_OK)
        rv = lock_new(&m->dialogue);
    while (rv == CKR_OK && m->slots < m->settings.slots)
        rv = add_slot(m, NULL);
    return rv;
}

void slots_free(struct module *m, bool forked)
{
    for (size_t i = m->slots; i-- > 0;) { /* second slots before the first, whose locks they use */
        struct slot *s = m->slot[i];
        if (!forked)
            login_release(s);
        slot_drop(s);
        map_free(&s->sessions);
        map_free(&s->objects);
        free(s->list);
        cache_free(s);
        secret_free(s->state_key);
        secret_free(s->tag_key);
        if (!forked && s->piv == NULL)
            lock_free(s->lock);
        free(s);
    }
    if (!forked) {
        lock_free(m->readers);
        lock_free(m->dialogue);
    }
    tp_close(m->tp);
    free(m);
}

size_t slots_count(struct module *m)
{
    return __atomic_load_n(&m->slots, __ATOMIC_ACQUIRE);
}

struct slot *slot_at(struct module *m, CK_SLOT_ID id)
{
    return id < slots_count(m) ? m->slot[id] : NULL;
}

#define SEEN_LISTED  (UINT64_C(1) << 32)
#define SEEN_PRESENT (UINT64_C(1) << 33)

bool slot_present(const struct slot *s)
{
    uint64_t seen = atomic_load(&s->seen);
    return (seen & SEEN_PRESENT) != 0 && seen != atomic_load(&s->without_oath);
}

void slot_without_oath(struct slot *s)
{
    atomic_store(&s->without_oath, atomic_load(&s->seen));
}

bool slot_has(const struct slot *s, const struct mech_row *row)
{
    return row != NULL && (s->piv != NULL) == (row->place == MECH_OATH);
}

void slot_saw(struct slot *s, bool listed, const struct tp_state *state)
{
    uint64_t seen = listed ? SEEN_LISTED | state->insertions | (state->present ? SEEN_PRESENT : 0) : 0;
    atomic_store(&s->seen, seen);
}

void slot_settle(struct slot *s)
{
    uint64_t seen = atomic_load(&s->seen);
    bool here = (seen & SEEN_PRESENT) != 0 && (uint32_t)seen == s->insertion;
    if (s->gone || (s->used && !here)) {
        log_line(LOG_READER, "slot %lu: the card is gone", s->id);
        slot_drop(s);
    }
}

void slot_drop(struct slot *s)
{
    session_close_all(s);
    login_forget(s);
    content_forget(s);
    if (s->open)
        card_close(&s->card);
    shared_close(s);
    s->info_time = 0;
    s->open = false;
    s->used = false;
    s->identified = false;
    s->identity_due = false;
    s->own_reset = false;
    s->foreign = false;
    s->gone = false;
    s->verified = false;
    s->identity = (struct card_identity){0};
    s->otp_listed = false;
    s->tries = -1;
    s->failed_doubt = s->failed_count > 0;
}

void slot_check(struct slot *s)
{
    struct tp_state state = {0};
    bool same = false;
    if (s->open) {
        if (card_status(&s->card, &state, &same) == E_OK && (same || s->piv == NULL))
            slot_saw(s, true, &state);
        if (!same)
            s->gone = true;
    }
    slot_settle(s);
}

static struct slot *slot_of_reader(struct module *m, const char *name)
{
    for (size_t i = 0; i < m->slots; i++)
        if (strcmp(m->slot[i]->reader, name) == 0)
            return m->slot[i];
    return NULL;
}

static bool is_listed(const struct tp_reader *r, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(r[i].name, name) == 0)
            return true;
    return false;
}

static void name_slot(struct slot *s, const char *name)
{
    lock_take(s->lock);
    slot_drop(s);
    memcpy(s->reader, name, strlen(name) + 1);
    lock_give(s->lock);
    log_line(LOG_READER, "slot %lu: reader %s", s->id, name);
}

/* A reader keeps its slot for good; a new one gets the first fixed slot whose reader is away, else a new
 * slot. */
static void bind(struct module *m, const struct tp_reader *r, size_t n, const char *name)
{
    struct slot *s = NULL;
    for (size_t i = 0; s == NULL && i < m->slots && i < m->settings.slots; i++)
        if (!is_listed(r, n, m->slot[i]->reader))
            s = m->slot[i];
    if (s == NULL) {
        if (add_slot(m, NULL) != CKR_OK)
            return;
        s = m->slot[m->slots - 1];
    }
    name_slot(s, name);
    if (s->otp != NULL)
        name_slot(s->otp, name);
}

/* The card's ATR tells that it has an OATH applet, without asking it. */
static bool has_oath(const struct tp_reader *r)
{
    return r->state.present && (driver_atr_caps(rd_of(r->atr, r->atr_len)) & CAP_OATH) != 0;
}

/* The first card with an OATH applet in a reader brings the second slot, which stays for good. */
static void add_second(struct module *m, const struct tp_reader *r)
{
    struct slot *s = slot_of_reader(m, r->name);
    if (s != NULL && s->otp == NULL && m->settings.otp_slot && has_oath(r) && add_slot(m, s) == CKR_OK)
        log_line(LOG_READER, "slot %lu: one-time passwords of slot %lu", s->otp->id, s->id);
}

static void look_at(struct slot *s, const struct tp_reader *mine)
{
    struct tp_state state = mine != NULL ? mine->state : (struct tp_state){0};
    if (mine != NULL && s->piv != NULL)
        state.present = has_oath(mine);
    slot_saw(s, mine != NULL, &state);
}

enum err slots_refresh(struct module *m)
{
    struct tp_reader *r = calloc(TP_READERS_MAX, sizeof *r);
    size_t n = 0;
    if (r == NULL)
        return E_MEMORY;
    lock_take(m->readers);
    enum err e = tp_list(m->tp, r, TP_READERS_MAX, &n);
    for (size_t i = 0; i < n; i++) {
        r[i].name[TP_NAME_SIZE - 1] = '\0';
        if (slot_of_reader(m, r[i].name) == NULL)
            bind(m, r, n, r[i].name);
        add_second(m, &r[i]);
    }
    for (size_t i = 0; i < m->slots; i++) {
        struct slot *s = m->slot[i];
        const struct tp_reader *mine = NULL;
        for (size_t j = 0; s != NULL && j < n; j++)
            if (strcmp(r[j].name, s->reader) == 0)
                mine = &r[j];
        if (s == NULL)
            continue; /* never: slots are filled from the front */
        look_at(s, mine);
        if (!m->looked)
            atomic_store(&s->told, atomic_load(&s->seen));
    }
    m->looked = true;
    lock_give(m->readers);
    free(r);
    if (e != E_OK)
        log_line(LOG_READER, "readers: %s", err_name(e));
    return e;
}
