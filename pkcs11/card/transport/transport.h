// A way to readers and their cards: PC/SC, a simulator's socket, or a test's script, as one table of
// functions.
//
// E_EXCHANGED, E_NO_CARD, E_NO_SERVICE and E_FORKED from a connection's function say that it is dead
// (tp_gone).
//
// Thread rules. A struct tp may be used by any number of threads. A struct tp_conn, and a struct tp_wait,
// belongs to one thread at a time (the caller's lock), except tp_wait_cancel, which any thread may call while
// another waits. Connections don't hold each other up: a key generation on one card leaves the others free.
// No threads are made, no signal is raised (SIGPIPE), no descriptor is inherited by exec.
//
// Fork. Everything made before a fork answers E_FORKED in the child and sends nothing, so the parent's card
// isn't disturbed; the child closes it (which frees memory only) and makes its own.
//
// Time. Nothing is opened before a function needs it: tp_*_new does no I/O. Each call returns within the time
// it names; without one, within TP_CALL_MS. PC/SC itself gives no bound for a card that computes
// (tp_transmit).
#pragma once
#include "card/base/rd.h"

#define TP_NAME_SIZE   128    // bytes of a reader's name with its NUL
#define TP_ATR_MAX     33     // ISO/IEC 7816-3
#define TP_READERS_MAX 64     // more readers are left out of the list
#define TP_REPLY_MAX   65538  // response data and status word, extended
#define TP_CALL_MS     2000   // listing, connecting, ending
#define TP_EXCHANGE_MS 180000 // one exchange with a simulator: RSA-4096 key generation, a touch

struct tp_state {
    bool present;        // a card is in
    bool mute;           // it is in and doesn't answer a reset
    bool taken;          // another program uses it exclusively
    uint32_t insertions; // changes with every insertion and removal
};

struct tp_reader {
    char name[TP_NAME_SIZE];
    struct tp_state state;
    uint8_t atr[TP_ATR_MAX]; // of the card that is in; atr_len 0: none, or it isn't known
    uint8_t atr_len;
};

// What becomes of the card when a transaction ends.
enum tp_after { TP_LEAVE, TP_RESET, TP_UNPOWER };

struct tp {
    const struct tp_ops *ops;
};

// Constant after tp_connect; data_max, short_only, pad and pad_change after the first tp_begin.
struct tp_conn {
    const struct tp_ops *ops;
    uint8_t atr[TP_ATR_MAX];
    uint8_t atr_len;
    uint32_t insertions; // the counter at tp_connect
    uint32_t data_max;   // the largest body of a command that the reader takes; 0: it doesn't say
    bool short_only;     // T=0 or a reader without extended length
    bool pad;            // the reader has a keypad of its own for PINs (tp_use_pad)
    bool pad_change;     // which can change one, too
    bool no_le_case4;    // T=0: case 4 commands go without Le
};

// Only tp_disconnect may follow on that connection.
static inline bool tp_gone(enum err e)
{
    return e == E_EXCHANGED || e == E_NO_CARD || e == E_NO_SERVICE || e == E_FORKED;
}

struct tp_wait {
    const struct tp_ops *ops;
};

// A PIN that is typed at the reader and never seen by this computer (PC/SC part 10, 2.6.8 and 2.6.9).
struct tp_pad {
    uint8_t cla, ins, p1, p2;
    bool change;         // the old one, the new one and the new one again: two blocks
    uint8_t size;        // of the PIN's block, filled up with FF; at most 16
    uint8_t least, most; // characters of a PIN
    uint8_t seconds;     // how long the reader waits for the first one
};

struct tp_ops {
    const char *name; // "pcsc", "sim", "script"
    void (*close)(struct tp *tp);
    enum err (*list)(struct tp *tp, struct tp_reader *out, size_t cap, size_t *count);
    enum err (*connect)(struct tp *tp, const char *reader, struct tp_conn **out);
    void (*disconnect)(struct tp_conn *conn);
    enum err (*begin)(struct tp_conn *conn, int timeout_ms, bool *was_reset);
    enum err (*end)(struct tp_conn *conn, enum tp_after after);
    enum err (*transmit)(struct tp_conn *conn, struct rd command, uint8_t *reply, size_t cap, size_t *len);
    enum err (*status)(struct tp_conn *conn, struct tp_state *state);
    enum err (*use_pad)(struct tp_conn *conn, const struct tp_pad *pad,
                        uint16_t *sw); // NULL: no readers with one
    enum err (*wait_open)(struct tp *tp, struct tp_wait **out);
    enum err (*wait)(struct tp_wait *wait, const struct tp_reader *known, size_t count, int timeout_ms);
    void (*wait_cancel)(struct tp_wait *wait);
    void (*wait_close)(struct tp_wait *wait);
};

// PC/SC. NULL: no memory.
struct tp *tp_pcsc_new(void);
// Simulators at "unix:PATH[,unix:PATH...]". A reader is listed while its simulator runs; its name is what the
// simulator says (with " (2)" and so on when two say the same). NULL: no memory or not such a list.
struct tp *tp_sim_new(const char *list);
// The one that this process is to use: simulators when INGAM_SIM is set (secure_getenv), else PC/SC. NULL: as
// above.
struct tp *tp_default_new(void);
// All connections and waits of it have to be closed before. tp may be NULL.
void tp_close(struct tp *tp);

// The readers now, with their states, 0 APDUs, in the service's order. *count is 0 after failure. No reader
// at all: E_OK, 0. pcscd stopped: E_NO_SERVICE, and the next call tries anew.
MUST_USE enum err tp_list(struct tp *tp, struct tp_reader *out, size_t cap, size_t *count);

// 0 APDUs. *out is NULL after failure: E_NO_READER, E_NO_CARD, E_BUSY (used exclusively; retried for
// TP_CALL_MS, as is a card just powered down by another), E_NO_SERVICE, E_DENIED, E_MEMORY, E_IO.
MUST_USE enum err tp_connect(struct tp *tp, const char *reader, struct tp_conn **out);
// Leaves the card as it is. conn may be NULL. An open transaction ends with TP_LEAVE.
void tp_disconnect(struct tp_conn *conn);

// Takes the card for this connection. E_OK: it is held; *was_reset says that since this connection's last
// transaction (or tp_connect) the card lost its volatile state: nothing is selected or verified.
// E_EXCHANGED (removed since tp_connect, or the service was restarted): the connection is dead, only
// tp_disconnect may follow. E_BUSY after timeout_ms; then the card isn't held. Not to be nested.
MUST_USE enum err tp_begin(struct tp_conn *conn, int timeout_ms, bool *was_reset);
// Gives it back. After E_OK with TP_RESET or TP_UNPOWER the next tp_begin says *was_reset. An error means
// that there is nothing to give back any more (card or service gone).
MUST_USE enum err tp_end(struct tp_conn *conn, enum tp_after after);

// One exchange, inside a transaction. The reply is data, SW1, SW2: *len is at least 2 and at most cap after
// E_OK, 0 after failure. E_RESET: the card was reset within this transaction; E_EXCHANGED, E_NO_CARD: it is
// gone.
MUST_USE enum err tp_transmit(struct tp_conn *conn, struct rd command, uint8_t *reply, size_t cap,
                              size_t *len);

// The state of the connection's reader now, 0 APDUs, also outside transactions and while others hold the
// card. The card is the one of tp_connect when present and insertions equals conn->insertions.
MUST_USE enum err tp_status(struct tp_conn *conn, struct tp_state *state);

// Inside a transaction: the reader asks for the PIN and sends the command. *sw is the card's, or the reader's
// own: 6400 nobody typed, 6401 cancelled, 6402 the new PINs differ, 6403 too short or too long.
// E_UNSUPPORTED: no keypad, or none that can change a PIN. 1 APDU at most.
MUST_USE enum err tp_use_pad(struct tp_conn *conn, const struct tp_pad *pad, uint16_t *sw);

// Waiting for events. A wait is an object of its own so that it can be cancelled without a race.
MUST_USE enum err tp_wait_open(struct tp *tp, struct tp_wait **out); // no I/O
// Returns E_OK as soon as the list or a state differs from known (what tp_list gave), at once if it does
// already, or if the service went away; E_TIMEOUT after timeout_ms (-1: never); E_CANCELLED when cancelled
// before or during the call. A service that is absent is waited for.
MUST_USE enum err tp_wait(struct tp_wait *wait, const struct tp_reader *known, size_t count, int timeout_ms);
// Ends this wait for good, from any thread: the call under way and all later ones return E_CANCELLED. Returns
// when no thread is inside tp_wait any more, within TP_CALL_MS.
void tp_wait_cancel(struct tp_wait *wait);
void tp_wait_close(struct tp_wait *wait); // nobody is inside; wait may be NULL
