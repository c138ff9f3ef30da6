/* Transactions with a card, and the answers of C_GetTokenInfo and C_GetSlotInfo. */
#include "core/token.h"
#include "core/gate.h"
#include "core/otp.h"
#include "core/slot.h"
#include <stdio.h>
#include <string.h>

#define INFO_US 1000000

static bool is_removal(enum err e)
{
    return e == E_EXCHANGED || e == E_NO_CARD || e == E_NO_READER || e == E_NO_SERVICE;
}

CK_RV token_rv(struct slot *s, enum err e)
{
    if (e == E_OK)
        return CKR_OK;
    const struct err_trail *t = &s->card.trail;
    log_line(LOG_READER, "slot %lu: %s, sw %04X, in %s", s->id, err_name(e), t->sw,
             t->steps > 0 ? t->step[0] : "?");
    if (is_removal(e)) {
        s->gone = true;
        return CKR_DEVICE_REMOVED;
    }
    return rv_of(e);
}

static enum err connect_card(struct slot *s)
{
    if (s->open)
        return E_OK;
    if (s->reader[0] == '\0')
        return E_NO_READER;
    enum err e = card_open(&s->card, s->module->tp, s->reader, log_trace());
    if (e != E_OK)
        return e;
    uint32_t insertions = s->card.conn->insertions;
    if (s->used && s->insertion != insertions) {
        card_close(&s->card);
        return E_EXCHANGED;
    }
    s->open = true;
    s->used = true;
    s->insertion = insertions;
    shared_open(s);
    slot_saw(s, true, &(struct tp_state){.present = true, .insertions = insertions});
    return E_OK;
}

static enum err begin(struct slot *s)
{
    bool was_reset = false;
    enum err e = connect_card(s);
    if (e == E_OK)
        e = card_begin(&s->card, s->module->settings.busy_ms, &was_reset);
    if (was_reset) {
        log_line(LOG_READER, "slot %lu: the card was reset", s->id);
        s->verified = false;
        s->info_time = 0;
        s->identity_due = s->login != LOGIN_NONE;
    }
    return e;
}

static CK_RV select_piv(struct slot *s)
{
    enum err e = piv_ensure(&s->card);
    if (e == E_OK)
        return CKR_OK;
    s->foreign = e == E_NOT_PRESENT;
    CK_RV rv = token_rv(s, e);
    token_end(s, TP_LEAVE);
    return rv;
}

CK_RV token_take(struct slot *s)
{
    enum err e = begin(s);
    if (is_removal(e) && s->sessions.count == 0) {
        slot_drop(s); /* nobody depends on the card that was here: take the one that is */
        e = begin(s);
        if (is_removal(e))
            return CKR_TOKEN_NOT_PRESENT;
    }
    return token_rv(s, e);
}

CK_RV token_begin(struct slot *s, enum token_start start)
{
    if (s->foreign)
        return CKR_TOKEN_NOT_RECOGNIZED;
    CK_RV rv = token_take(s);
    if (rv != CKR_OK)
        return rv;
    s->sure = start == TOKEN_PIV || s->card.selected != SELECT_MAYBE;
    return s->sure ? select_piv(s) : CKR_OK;
}

/* Errors that another applet might have answered with. */
static bool perhaps_deselected(enum err e)
{
    return e == E_AUTH_NEEDED || e == E_UNSUPPORTED || e == E_NOT_FOUND || e == E_REFUSED ||
           e == E_CONDITIONS || e == E_CARD || e == E_MALFORMED;
}

bool token_again(struct slot *s, enum err *e)
{
    if (s->sure || (*e != E_OK && !perhaps_deselected(*e)))
        return false;
    s->sure = true;
    if (*e == E_OK)
        return false;
    uint64_t before = s->card.chan.exchanges;
    enum err ensured = piv_ensure(&s->card);
    if (ensured != E_OK) {
        *e = ensured;
        return false;
    }
    /* One exchange and a Discovery object: PIV was selected all the time, so the answer was PIV's. */
    return s->card.chan.exchanges - before != 1 || s->card.facts.discovery != KNOWN_YES;
}

void token_end(struct slot *s, enum tp_after after)
{
    card_end(&s->card, after);
    if (after != TP_LEAVE) {
        s->verified = false;
        s->own_reset = true;
    }
}

enum err token_identify(struct slot *s)
{
    if (s->identified)
        return E_OK;
    enum err e = piv_identity(&s->card, &s->identity);
    s->identified = e == E_OK;
    if (s->identified)
        shared_tell_identity(s);
    return e;
}

bool token_has_metadata(const struct slot *s)
{
    return s->card.driver->metadata != NULL &&
           (s->card.facts.caps_known != KNOWN_YES || (s->card.facts.caps & CAP_METADATA) != 0);
}

enum err token_tries(struct slot *s)
{
    bool verified = false;
    int left = -1;
    enum err e = E_UNSUPPORTED;
    if (token_has_metadata(s)) {
        struct driver_metadata m;
        e = driver_metadata(&s->card, PIV_REF_PIN, &m);
        if (e == E_OK) {
            left = m.tries_left;
            s->tries_total = m.tries_total;
        }
    }
    if (e == E_UNSUPPORTED)
        e = piv_tries(&s->card, PIV_REF_PIN, &left, &verified);
    if (e != E_OK)
        return e;
    s->tries = left;
    s->tries_time = now_us();
    if (left > s->tries_total)
        s->tries_total = left;
    if (left >= 0)
        shared_tell_pin(s, left >= 3 && left == s->tries_total, false);
    return E_OK;
}

void token_forget_identity(struct slot *s)
{
    s->identity = (struct card_identity){0};
    s->identified = false;
    s->info_time = 0;
    shared_tell_identity(s);
}

void text_fill(CK_UTF8CHAR *field, size_t size, const char *text)
{
    size_t n = strlen(text);
    memset(field, ' ', size);
    memcpy(field, text, n < size ? n : size);
}

void token_serial(const struct card_identity *id, char *out, size_t size)
{
    out[0] = '\0';
    if (id->kind == IDENTITY_SERIAL) {
        uint32_t n = 0;
        for (size_t i = 0; i < id->len; i++)
            n = n << 8 | id->bytes[i];
        snprintf(out, size, "%u", n);
    } else if (id->kind == IDENTITY_GUID) {
        for (size_t i = 0; i < 8; i++)
            snprintf(out + 2 * i, size - 2 * i, "%02X", id->bytes[8 + i]);
    }
}

void token_label(const struct slot *s, char out[33])
{
    char serial[17];
    uint8_t name[32];
    size_t len = s->name_len;
    memcpy(name, s->name, sizeof name);
    (void)shared_name(s, name, &len);
    token_serial(&s->identity, serial, sizeof serial);
    if (len > 0)
        snprintf(out, 33, "%.*s", (int)len, (const char *)name);
    else
        snprintf(out, 33, "Ingam %s", serial[0] != '\0' ? serial : "PIV");
}

static CK_FLAGS pin_flags(const struct slot *s)
{
    int total = s->tries_total > 3 ? s->tries_total : 3;
    if (s->tries < 0)
        return 0;
    return (s->tries == 0 ? CKF_USER_PIN_LOCKED : 0) | (s->tries == 1 ? CKF_USER_PIN_FINAL_TRY : 0) |
           (s->tries > 0 && s->tries < total ? CKF_USER_PIN_COUNT_LOW : 0);
}

static bool protected_path(const struct slot *s)
{
    const struct settings *set = &s->module->settings;
    return set->pin_entry[0] != '\0' || (set->pin_pad && s->card.conn->pad);
}

static CK_RV ask_info(struct slot *s, CK_TOKEN_INFO *info)
{
    if (s->piv != NULL)
        return otp_info(s, info);
    CK_RV rv = token_begin(s, TOKEN_PIV);
    if (rv != CKR_OK)
        return rv;
    enum err e = token_identify(s);
    if (e == E_OK)
        e = token_tries(s);
    rv = token_rv(s, e);
    if (rv == CKR_OK)
        rv = gates_read(s);
    token_end(s, TP_LEAVE);
    if (rv != CKR_OK)
        return rv;
    char serial[17], label[33];
    token_serial(&s->identity, serial, sizeof serial);
    token_label(s, label);
    *info = (CK_TOKEN_INFO){
        .flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED |
                 CKF_DUAL_CRYPTO_OPERATIONS | pin_flags(s) | gates_flags(s) |
                 (protected_path(s) ? CKF_PROTECTED_AUTHENTICATION_PATH : 0),
        .ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulSessionCount = s->sessions.count,
        .ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulRwSessionCount = s->rw_sessions,
        .ulMaxPinLen = 64, /* the SO's: a management key in hex */
        .ulMinPinLen = 6,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .firmwareVersion = {s->card.facts.version[0], s->card.facts.version[1]},
    };
    text_fill(info->label, sizeof info->label, label);
    text_fill(info->manufacturerID, sizeof info->manufacturerID, s->card.driver->name);
    text_fill(info->model, sizeof info->model, "PIV");
    text_fill(info->serialNumber, sizeof info->serialNumber, serial);
    text_fill(info->utcTime, sizeof info->utcTime, "");
    return CKR_OK;
}

/* Programs ask twice in a row before they log in; an answer holds for a second unless something happened to
 * the card. */
CK_RV token_info(struct slot *s, CK_TOKEN_INFO *info)
{
    bool moved = shared_pins_moved(s);
    slot_check(s);
    if (s->info_time == 0 || moved || now_us() - s->info_time > INFO_US) {
        CK_RV rv = ask_info(s, &s->told_info);
        if (rv != CKR_OK)
            return rv;
        s->info_time = now_us();
    }
    *info = s->told_info;
    info->ulSessionCount = s->sessions.count;
    info->ulRwSessionCount = s->rw_sessions;
    return CKR_OK;
}

CK_RV slot_info(struct slot *s, CK_SLOT_INFO *info)
{
    *info = (CK_SLOT_INFO){
        .flags = CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | (slot_present(s) ? CKF_TOKEN_PRESENT : 0),
    };
    char name[sizeof info->slotDescription + 1];
    snprintf(name, sizeof name, "%.*s%s", s->piv != NULL ? 58 : 64,
             s->reader[0] != '\0' ? s->reader : "No reader", s->piv != NULL ? " (OTP)" : "");
    text_fill(info->slotDescription, sizeof info->slotDescription, name);
    text_fill(info->manufacturerID, sizeof info->manufacturerID, "Ingam");
    return CKR_OK;
}
