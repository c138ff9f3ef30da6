// One connection to a card through PC/SC: sharing, resets by others, removal, the end of the service.
#include <reader.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/transport/deadline.h"
#include "card/transport/pcsc.h"

#define PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)
#define PAUSE_MS  5    // between looks at a card that another program holds
#define NOTICE_MS 600  // pcscd looks for cards every 400 ms
#define WAKE_MS   1000 // a card that another program has just powered down needs up to that

// A context of its own: in libpcsclite one call at a time runs in a context, and a key generation takes
// minutes.
struct pcsc_conn {
    struct tp_conn conn;
    struct pcsc *pcsc;
    pid_t owner;
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    bool held;
    bool features_known;
    struct pcsc_features features;
    bool long_worked; // an extended command has gone through this reader
    bool lost_state;  // our own reset: the next begin says so
    enum err dead;    // what to answer from now on; E_OK: alive
    char name[TP_NAME_SIZE];
};

static void take_protocol(struct pcsc_conn *c, DWORD protocol)
{
    c->protocol = protocol;
    c->conn.no_le_case4 = protocol == SCARD_PROTOCOL_T0;
    c->conn.short_only = c->conn.short_only || protocol == SCARD_PROTOCOL_T0;
}

static bool worth_retrying(LONG rv, int64_t busy_until, int64_t wake_until)
{
    switch (rv) {
    case SCARD_E_SHARING_VIOLATION:
        return deadline_left(busy_until, 1) > 0;
    case SCARD_W_UNRESPONSIVE_CARD:
    case SCARD_W_UNPOWERED_CARD:
    case SCARD_W_RESET_CARD:
        return deadline_left(wake_until, 1) > 0;
    default:
        return false;
    }
}

// Gives pcscd the time to notice that the card is gone; at once if it knows by now.
static void let_it_notice(struct pcsc_conn *c)
{
    SCARD_READERSTATE state;
    if (pcsc_state(c->pcsc, c->context, c->name, &state) != SCARD_S_SUCCESS ||
        pcsc_tp_state(state.dwEventState).insertions != c->conn.insertions)
        return;
    state.dwCurrentState = state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    (void)SCardGetStatusChange(c->context, NOTICE_MS, &state, 1);
}

static bool is_gone(struct pcsc_conn *c)
{
    SCARD_READERSTATE state;
    let_it_notice(c);
    if (pcsc_state(c->pcsc, c->context, c->name, &state) != SCARD_S_SUCCESS)
        return true; // with its reader
    struct tp_state now = pcsc_tp_state(state.dwEventState);
    return !now.present || now.insertions != c->conn.insertions;
}

// Connects, and takes ATR and counter that belong to the same insertion.
static LONG connect_once(struct pcsc_conn *c)
{
    SCARD_READERSTATE before;
    SCARD_READERSTATE after;
    DWORD protocol;
    LONG rv = pcsc_state(c->pcsc, c->context, c->name, &before);
    c->conn.insertions = rv == SCARD_S_SUCCESS ? pcsc_tp_state(before.dwEventState).insertions : 0;
    if (rv == SCARD_S_SUCCESS)
        rv = SCardConnect(c->context, c->name, SCARD_SHARE_SHARED, PROTOCOLS, &c->card, &protocol);
    if (rv != SCARD_S_SUCCESS)
        return rv;
    rv = pcsc_state(c->pcsc, c->context, c->name, &after);
    if (rv == SCARD_S_SUCCESS && before.dwEventState >> 16 != after.dwEventState >> 16)
        rv = SCARD_W_RESET_CARD; // exchanged meanwhile: once more
    if (rv != SCARD_S_SUCCESS) {
        SCardDisconnect(c->card, SCARD_LEAVE_CARD);
        return rv;
    }
    take_protocol(c, protocol);
    c->conn.insertions = pcsc_tp_state(after.dwEventState).insertions;
    c->conn.atr_len = (uint8_t)(after.cbAtr < TP_ATR_MAX ? after.cbAtr : TP_ATR_MAX);
    memcpy(c->conn.atr, after.rgbAtr, c->conn.atr_len);
    return rv;
}

static enum err connect_patiently(struct pcsc_conn *c)
{
    int64_t busy_until = deadline_in(TP_CALL_MS);
    int64_t wake_until = deadline_in(WAKE_MS);
    LONG rv;
    while ((rv = connect_once(c)) != SCARD_S_SUCCESS && worth_retrying(rv, busy_until, wake_until))
        deadline_pause(PAUSE_MS);
    enum err e = pcsc_error(rv);
    // A card just pulled fails in its own ways until pcscd sees that it is gone.
    return e == E_IO && is_gone(c) ? E_NO_CARD : e;
}

enum err pcsc_connect(struct tp *tp, const char *reader, struct tp_conn **out)
{
    struct pcsc *p = (struct pcsc *)tp;
    if (p->owner != getpid())
        return E_FORKED;
    if (strlen(reader) >= TP_NAME_SIZE)
        return E_NO_READER;
    struct pcsc_conn *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    c->conn.ops = tp->ops;
    c->pcsc = p;
    c->owner = p->owner;
    memcpy(c->name, reader, strlen(reader));
    enum err e = pcsc_context(&c->context);
    if (e == E_OK && (e = connect_patiently(c)) == E_OK) {
        *out = &c->conn;
        return E_OK;
    }
    if (c->context != 0)
        SCardReleaseContext(c->context);
    free(c);
    return e;
}

void pcsc_disconnect(struct tp_conn *conn)
{
    struct pcsc_conn *c = (struct pcsc_conn *)conn;
    // In a child nothing may be said: the connection to pcscd is the parent's.
    if (c->owner == getpid()) {
        if (c->held)
            SCardEndTransaction(c->card, SCARD_LEAVE_CARD);
        SCardDisconnect(c->card, SCARD_LEAVE_CARD);
        SCardReleaseContext(c->context);
    }
    free(c);
}

static enum err usable(const struct pcsc_conn *c)
{
    return c->owner != getpid() ? E_FORKED : c->dead;
}

// After a failure: is it the service, the card's absence, or only this exchange?
static enum err diagnose(struct pcsc_conn *c, LONG rv)
{
    if (rv == SCARD_W_REMOVED_CARD || rv == SCARD_E_NO_SMARTCARD || rv == SCARD_E_READER_UNAVAILABLE)
        return c->dead = E_EXCHANGED;
    SCARD_READERSTATE state;
    LONG now = pcsc_state(c->pcsc, c->context, c->name, &state);
    if (pcsc_service_lost(now))
        return c->dead = E_NO_SERVICE;
    if (now != SCARD_S_SUCCESS)
        return c->dead = E_EXCHANGED; // the reader is gone
    struct tp_state s = pcsc_tp_state(state.dwEventState);
    if (!s.present || s.insertions != c->conn.insertions)
        return c->dead = E_EXCHANGED;
    if (rv == SCARD_E_INVALID_HANDLE)
        return c->dead = E_NO_SERVICE;
    enum err e = pcsc_error(rv);
    return tp_gone(e) ? E_IO : e;
}

// SCardBeginTransaction and SCardReconnect wait without end inside libpcsclite while another program holds
// the card. Asking for an attribute answers at once, so it shows when they won't.
static LONG wait_until_free(const struct pcsc_conn *c, int64_t deadline)
{
    for (;;) {
        uint8_t atr[MAX_ATR_SIZE];
        DWORD n = sizeof atr;
        LONG rv = SCardGetAttrib(c->card, SCARD_ATTR_ATR_STRING, atr, &n);
        if (rv != SCARD_E_SHARING_VIOLATION || deadline_left(deadline, 1) == 0)
            return rv;
        deadline_pause(PAUSE_MS);
    }
}

static bool was_reset_by_others(LONG rv)
{
    return rv == SCARD_W_RESET_CARD || rv == SCARD_W_UNPOWERED_CARD || rv == SCARD_W_UNRESPONSIVE_CARD;
}

static LONG begin_once(struct pcsc_conn *c, int64_t deadline, bool *reset)
{
    LONG rv = wait_until_free(c, deadline);
    if (rv == SCARD_E_SHARING_VIOLATION)
        return rv;
    rv = SCardBeginTransaction(c->card);
    if (!was_reset_by_others(rv))
        return rv;
    DWORD protocol;
    LONG again = SCardReconnect(c->card, SCARD_SHARE_SHARED, PROTOCOLS, SCARD_LEAVE_CARD, &protocol);
    if (again != SCARD_S_SUCCESS)
        return again;
    take_protocol(c, protocol);
    *reset = true;
    return rv;
}

static void learn_features(struct pcsc_conn *c)
{
    const struct pcsc_features *f = &c->features;
    pcsc_ask_features(c->card, &c->features);
    c->features_known = true;
    c->conn.data_max = f->data_max;
    c->conn.short_only = c->conn.short_only || (f->data_max != 0 && f->data_max <= 256);
    c->conn.pad = f->verify_pin != 0;
    c->conn.pad_change = f->modify_pin != 0;
}

enum err pcsc_begin(struct tp_conn *conn, int timeout_ms, bool *was_reset)
{
    struct pcsc_conn *c = (struct pcsc_conn *)conn;
    enum err e = usable(c);
    if (e != E_OK)
        return e;
    int64_t deadline = deadline_in(timeout_ms);
    bool reset = c->lost_state;
    LONG rv;
    while ((rv = begin_once(c, deadline, &reset)) != SCARD_S_SUCCESS) {
        if (!was_reset_by_others(rv) || deadline_left(deadline, 1) == 0)
            break;
    }
    c->lost_state = reset; // until a transaction could tell
    if (rv == SCARD_E_SHARING_VIOLATION || was_reset_by_others(rv))
        return E_BUSY;
    if (pcsc_error(rv) == E_IO)
        let_it_notice(c);
    if (rv != SCARD_S_SUCCESS)
        return diagnose(c, rv);
    c->held = true;
    c->lost_state = false;
    *was_reset = reset;
    if (!c->features_known)
        learn_features(c);
    return E_OK;
}

enum err pcsc_end(struct tp_conn *conn, enum tp_after after)
{
    static const DWORD disposition[] = {SCARD_LEAVE_CARD, SCARD_RESET_CARD, SCARD_UNPOWER_CARD};
    struct pcsc_conn *c = (struct pcsc_conn *)conn;
    enum err e = usable(c);
    if (e != E_OK)
        return e;
    c->held = false;
    c->lost_state = c->lost_state || after != TP_LEAVE;
    LONG rv = SCardEndTransaction(c->card, disposition[after]);
    if (rv == SCARD_S_SUCCESS || was_reset_by_others(rv))
        return E_OK;
    return diagnose(c, rv);
}

enum err pcsc_transmit(struct tp_conn *conn, struct rd command, uint8_t *reply, size_t cap, size_t *len)
{
    struct pcsc_conn *c = (struct pcsc_conn *)conn;
    enum err e = usable(c);
    if (e != E_OK)
        return e;
    if (!c->held)
        return E_ARGUMENT;
    DWORD n = cap;
    LONG rv = SCardTransmit(c->card, c->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1,
                            command.p, command.n, NULL, reply, &n);
    bool is_long = command.n > 5 && command.p[4] == 0; // ISO/IEC 7816-4 5.1: extended length
    if (rv == SCARD_S_SUCCESS) {
        c->long_worked = c->long_worked || is_long;
        *len = n;
        return E_OK;
    }
    if (was_reset_by_others(rv))
        return E_RESET;
    // A reader that can't carry extended length fails alike: there the caller tries again without waiting.
    if (!is_long || c->long_worked)
        let_it_notice(c);
    e = diagnose(c, rv);
    return e == E_BUSY ? E_IO : e;
}

enum err pcsc_status(struct tp_conn *conn, struct tp_state *state)
{
    struct pcsc_conn *c = (struct pcsc_conn *)conn;
    enum err e = usable(c);
    SCARD_READERSTATE now;
    if (e != E_OK)
        return e;
    LONG rv = pcsc_state(c->pcsc, c->context, c->name, &now);
    if (pcsc_service_lost(rv))
        return c->dead = E_NO_SERVICE;
    if (rv == SCARD_S_SUCCESS)
        *state = pcsc_tp_state(now.dwEventState);
    return rv == SCARD_E_UNKNOWN_READER ? E_NO_READER : pcsc_error(rv);
}

enum err pcsc_use_pad(struct tp_conn *conn, const struct tp_pad *pad, uint16_t *sw)
{
    struct pcsc_conn *c = (struct pcsc_conn *)conn;
    enum err e = usable(c);
    if (e != E_OK)
        return e;
    if (!c->held)
        return E_ARGUMENT;
    LONG rv = pcsc_pad(c->card, pad->change ? c->features.modify_pin : c->features.verify_pin, pad, sw);
    if (rv == SCARD_S_SUCCESS)
        return E_OK;
    return was_reset_by_others(rv) ? E_RESET : diagnose(c, rv);
}
