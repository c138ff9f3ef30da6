// The PC/SC transport over a double of libpcsclite: readers, failures and lies that no virtual reader shows
// (T=0, keypads, limits, services that refuse, cards that wake up slowly).
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pcsc_double.h"

#include <cmocka.h>

#include "card/piv/sequence.h"

#define READER "Reader 00"

static struct tp *fresh(void)
{
    memset(&pcsc, 0, sizeof pcsc);
    memcpy(pcsc.names, READER "\0", sizeof READER + 1);
    pcsc.names_size = sizeof READER + 1;
    pcsc.event_state = SCARD_STATE_PRESENT | 5 << 16;
    pcsc.protocol = SCARD_PROTOCOL_T1;
    pcsc.reply = "\x90\x00";
    pcsc.reply_size = 2;
    struct tp *tp = tp_pcsc_new();
    assert_non_null(tp);
    assert_int_equal(pcsc.contexts, 0); // nothing is opened before it is needed
    return tp;
}

static void done(struct tp *tp)
{
    tp_close(tp);
    assert_int_equal(pcsc.contexts, 0);
    assert_int_equal(pcsc.cards, 0);
    assert_int_equal(pcsc.transactions, 0);
}

static void fill(LONG *queue, size_t n, LONG rv)
{
    for (size_t i = 0; i < n; i++)
        queue[i] = rv;
}

static void listing(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct tp_reader list[TP_READERS_MAX];
    size_t n;
    static const struct {
        LONG rv;
        enum err error;
    } rows[] = {
        {SCARD_E_NO_SERVICE, E_NO_SERVICE},     {SCARD_E_SERVICE_STOPPED, E_NO_SERVICE},
        {SCARD_W_SECURITY_VIOLATION, E_DENIED}, {SCARD_E_NO_MEMORY, E_MEMORY},
        {SCARD_F_INTERNAL_ERROR, E_NO_SERVICE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pcsc.establish_at = 0;
        pcsc.establish[0] = rows[i].rv;
        assert_int_equal(tp_list(tp, list, TP_READERS_MAX, &n), rows[i].error);
        assert_int_equal(n, 0);
    }
    pcsc.list[0] = SCARD_E_NO_READERS_AVAILABLE;
    assert_int_equal(tp_list(tp, list, TP_READERS_MAX, &n), E_OK);
    assert_int_equal(n, 0);
    // Started anew since: the old context is unknown there.
    pcsc.list_at = 0;
    pcsc.list[0] = SCARD_E_INVALID_HANDLE;
    assert_int_equal(tp_list(tp, list, TP_READERS_MAX, &n), E_OK);
    assert_int_equal(n, 1);
    assert_int_equal(pcsc.established, 2);
    assert_string_equal(list[0].name, READER);
    assert_true(list[0].state.present && list[0].state.insertions == 5);
    assert_int_equal(pcsc.contexts, 1);
    // A reader leaves between the two calls.
    pcsc.state_at = 0;
    pcsc.state[0] = SCARD_E_UNKNOWN_READER;
    assert_int_equal(tp_list(tp, list, TP_READERS_MAX, &n), E_OK);
    // More readers than the caller has room for, and than PC/SC allows.
    DWORD at = 0;
    for (int i = 0; i < 30; i++)
        at += (DWORD)snprintf(pcsc.names + at, 20, "R%d", i) + 1;
    pcsc.names[at] = 0;
    pcsc.names_size = at + 1;
    pcsc.event_state = SCARD_STATE_PRESENT | SCARD_STATE_MUTE | SCARD_STATE_EXCLUSIVE;
    assert_int_equal(tp_list(tp, list, 2, &n), E_OK);
    assert_int_equal(n, 2);
    assert_true(list[1].state.mute && list[1].state.taken);
    assert_int_equal(tp_list(tp, list, TP_READERS_MAX, &n), E_OK);
    assert_int_equal(n, PCSCLITE_MAX_READERS_CONTEXTS);
    done(tp);
}

static void connecting(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct tp_conn *conn;
    // Used exclusively for a while; asleep for a while.
    fill(pcsc.connect, 5, SCARD_E_SHARING_VIOLATION);
    fill(pcsc.connect + 5, 5, SCARD_W_UNRESPONSIVE_CARD);
    assert_int_equal(tp_connect(tp, READER, &conn), E_OK);
    assert_int_equal(conn->atr_len, TP_ATR_MAX);
    assert_int_equal(conn->insertions, 5);
    tp_disconnect(conn);
    static const struct {
        LONG rv;
        enum err error;
    } rows[] = {
        {SCARD_E_NO_SMARTCARD, E_NO_CARD},         {SCARD_E_UNKNOWN_READER, E_NO_READER},
        {SCARD_E_READER_UNAVAILABLE, E_NO_READER}, {SCARD_E_NO_SERVICE, E_NO_SERVICE},
        {SCARD_W_SECURITY_VIOLATION, E_DENIED},    {SCARD_W_UNSUPPORTED_CARD, E_NO_CARD},
        {SCARD_E_PROTO_MISMATCH, E_NO_CARD},       {SCARD_W_UNRESPONSIVE_CARD, E_NO_CARD},
        {SCARD_E_SHARING_VIOLATION, E_BUSY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pcsc.connect_at = 0;
        fill(pcsc.connect, 500, rows[i].rv);
        assert_int_equal(tp_connect(tp, READER, &conn), rows[i].error);
        assert_null(conn);
        assert_int_equal(pcsc.contexts, 0);
    }
    char name[300];
    memset(name, 'x', sizeof name);
    name[299] = 0;
    assert_int_equal(tp_connect(tp, name, &conn), E_NO_READER);
    done(tp);
}

static struct tp_conn *connected(struct tp *tp)
{
    struct tp_conn *conn = NULL;
    assert_int_equal(tp_connect(tp, READER, &conn), E_OK);
    return conn;
}

static void transactions(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct tp_conn *conn = connected(tp);
    bool reset;
    // Reset by others twice in a row, powered down, then ours.
    pcsc.begin[0] = SCARD_W_RESET_CARD;
    pcsc.begin[1] = SCARD_W_RESET_CARD;
    pcsc.begin[2] = SCARD_W_UNPOWERED_CARD;
    assert_int_equal(tp_begin(conn, 1000, &reset), E_OK);
    assert_true(reset);
    assert_int_equal(tp_end(conn, TP_UNPOWER), E_OK);
    assert_int_equal(pcsc.disposition, SCARD_UNPOWER_CARD);
    assert_int_equal(tp_begin(conn, 1000, &reset), E_OK);
    assert_true(reset);
    assert_int_equal(tp_end(conn, TP_LEAVE), E_OK);
    assert_int_equal(tp_begin(conn, 1000, &reset), E_OK);
    assert_false(reset);
    assert_int_equal(tp_end(conn, TP_LEAVE), E_OK);
    // Held by others for ever: bounded, and a reset in between isn't forgotten.
    pcsc.begin_at = 0;
    fill(pcsc.begin, 8, 0);
    pcsc.begin[0] = SCARD_W_RESET_CARD;
    pcsc.attrib_at = 1;
    fill(pcsc.attrib, 500, SCARD_E_SHARING_VIOLATION);
    pcsc.attrib[1] = SCARD_S_SUCCESS;
    assert_int_equal(tp_begin(conn, 100, &reset), E_BUSY);
    assert_false(reset);
    fill(pcsc.attrib, 500, 0);
    assert_int_equal(tp_begin(conn, 100, &reset), E_OK);
    assert_true(reset);
    assert_int_equal(tp_end(conn, TP_LEAVE), E_OK);
    // Reconnecting finds nothing any more.
    pcsc.begin_at = 0;
    pcsc.begin[0] = SCARD_W_RESET_CARD;
    pcsc.reconnect_at = 0;
    pcsc.reconnect[0] = SCARD_E_NO_SMARTCARD;
    assert_int_equal(tp_begin(conn, 1000, &reset), E_EXCHANGED);
    assert_int_equal(tp_begin(conn, 1000, &reset), E_EXCHANGED); // for good
    tp_disconnect(conn);
    done(tp);
}

static void exchanges(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct tp_conn *conn = connected(tp);
    bool reset;
    uint8_t reply[10];
    size_t n;
    struct rd command = rd_of("\x00\x20\x00\x80", 4);
    assert_int_equal(tp_transmit(conn, command, reply, sizeof reply, &n),
                     E_ARGUMENT); // outside a transaction
    assert_int_equal(tp_begin(conn, 1000, &reset), E_OK);
    assert_int_equal(tp_transmit(conn, command, reply, sizeof reply, &n), E_OK);
    assert_int_equal(n, 2);
    static const struct {
        LONG rv;
        enum err error;
    } rows[] = {
        {SCARD_E_NOT_TRANSACTED, E_IO},    {SCARD_F_COMM_ERROR, E_IO},
        {SCARD_W_RESET_CARD, E_RESET},     {SCARD_E_INSUFFICIENT_BUFFER, E_MALFORMED},
        {SCARD_E_SHARING_VIOLATION, E_IO}, {SCARD_F_INTERNAL_ERROR, E_IO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pcsc.transmit_at = 0;
        pcsc.transmit[0] = rows[i].rv;
        assert_int_equal(tp_transmit(conn, command, reply, sizeof reply, &n), rows[i].error);
        assert_int_equal(n, 0);
        assert_int_equal(tp_transmit(conn, command, reply, sizeof reply, &n), E_OK); // it may go on
    }
    // The same failure, and this time the card has gone.
    pcsc.transmit_at = 0;
    pcsc.transmit[0] = SCARD_E_NOT_TRANSACTED;
    pcsc.event_state = SCARD_STATE_EMPTY | 6 << 16;
    assert_int_equal(tp_transmit(conn, command, reply, sizeof reply, &n), E_EXCHANGED);
    assert_int_equal(tp_transmit(conn, command, reply, sizeof reply, &n), E_EXCHANGED);
    tp_disconnect(conn);
    // And the service.
    pcsc.event_state = SCARD_STATE_PRESENT | 5 << 16;
    conn = connected(tp);
    assert_int_equal(tp_begin(conn, 1000, &reset), E_OK);
    pcsc.transmit_at = 0;
    pcsc.transmit[0] = SCARD_F_COMM_ERROR;
    pcsc.state_at = 0;
    fill(pcsc.state, 8, SCARD_E_NO_SERVICE);
    assert_int_equal(tp_transmit(conn, command, reply, sizeof reply, &n), E_NO_SERVICE);
    struct tp_state state;
    assert_int_equal(tp_status(conn, &state), E_NO_SERVICE);
    tp_disconnect(conn);
    done(tp);
}

// Just after a pull pcscd doesn't know of it yet, and every call fails in its own way.
static void a_card_just_pulled(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct tp_conn *conn = connected(tp);
    bool reset;
    pcsc.begin_at = 0;
    pcsc.begin[0] = SCARD_E_NOT_TRANSACTED;
    assert_int_equal(tp_begin(conn, 1000, &reset), E_IO); // it is there after all
    pcsc.begin_at = 0;
    pcsc.after_wait = SCARD_STATE_EMPTY | 6 << 16;
    assert_int_equal(tp_begin(conn, 1000, &reset), E_EXCHANGED);
    tp_disconnect(conn);
    pcsc.event_state = SCARD_STATE_PRESENT | 5 << 16;
    pcsc.connect_at = 0;
    pcsc.connect[0] = SCARD_E_NOT_TRANSACTED;
    assert_int_equal(tp_connect(tp, READER, &conn), E_NO_CARD);
    pcsc.event_state = SCARD_STATE_PRESENT | 5 << 16;
    pcsc.after_wait = 0;
    pcsc.connect_at = 0;
    assert_int_equal(tp_connect(tp, READER, &conn), E_IO);
    done(tp);
}

// A library that claims more bytes than there was room for.
static void claimed_length(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct card c;
    struct rd v;
    assert_int_equal(card_open(&c, tp, READER, (struct trace){0}), E_OK);
    assert_int_equal(card_begin(&c, 1000, NULL), E_OK);
    pcsc.reply_size = 70000;
    assert_int_equal(piv_get_data(&c, PIV_TAG_CHUID, &v), E_MALFORMED);
    pcsc.reply_size = 1;
    assert_int_equal(piv_get_data(&c, PIV_TAG_CHUID, &v), E_MALFORMED);
    pcsc.reply_size = 0;
    assert_int_equal(piv_get_data(&c, PIV_TAG_CHUID, &v), E_MALFORMED);
    card_close(&c);
    done(tp);
}

#define FEATURES(text)                                                                                       \
    do {                                                                                                     \
        pcsc.features = text;                                                                                \
        pcsc.features_size = sizeof(text) - 1;                                                               \
    } while (0)
#define PROPERTIES(text)                                                                                     \
    do {                                                                                                     \
        pcsc.properties = text;                                                                              \
        pcsc.properties_size = sizeof(text) - 1;                                                             \
    } while (0)

static struct tp_conn *first_transaction(struct tp *tp)
{
    bool reset;
    struct tp_conn *conn = connected(tp);
    assert_int_equal(tp_begin(conn, 1000, &reset), E_OK);
    return conn;
}

// PC/SC part 10, 2.2: tag, length 4, control code big-endian; 2.6.14: properties, values little-endian.
static void what_readers_say_of_themselves(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    static const struct {
        const char *properties;
        size_t size;
        uint32_t most;
        bool short_only;
    } rows[] = {
        {"\x0A\x04\x00\x00\x01\x00", 6, 0x10000, false},
        {"\x01\x02\x05\x04\x0A\x04\x05\x01\x00\x00", 10, 261, false},
        {"\x0A\x04\x00\x01\x00\x00", 6, 256, true},
        {"\x0A\x04\x00\x00\x00\x00", 6, 0, false},
        {"\x0A\x02\x00\x01", 4, 0, false},
        {"\x0A\x04\x00", 3, 0, false},
        {"", 0, 0, false},
    };
    FEATURES("\x06\x04\x55\x66\x77\x88\x12\x04\x11\x22\x33\x44");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pcsc.properties = rows[i].properties;
        pcsc.properties_size = rows[i].size;
        struct tp_conn *conn = first_transaction(tp);
        assert_int_equal(conn->data_max, rows[i].most);
        assert_int_equal(conn->short_only, rows[i].short_only);
        assert_true(conn->pad);
        tp_disconnect(conn);
    }
    // Lies: cut, too long a claim, no such feature.
    static const struct {
        const char *features;
        size_t size;
    } lies[] = {{"\x06\x04\x55\x66", 4},
                {"\x06\x05\x55\x66\x77\x88\x99", 7},
                {"\x06", 1},
                {"\x06\x00", 2},
                {"", 5000}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        static char room[5000];
        memcpy(room, lies[i].features, lies[i].size < 16 ? lies[i].size : 0);
        pcsc.features = room;
        pcsc.features_size = lies[i].size;
        struct tp_conn *conn = first_transaction(tp);
        assert_false(conn->pad);
        assert_int_equal(conn->data_max, 0);
        tp_disconnect(conn);
    }
    done(tp);
}

static void a_pin_typed_at_the_reader(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct card c;
    int tries;
    assert_int_equal(card_open(&c, tp, READER, (struct trace){0}), E_OK);
    FEATURES("\x06\x04\x55\x66\x77\x88");
    assert_int_equal(piv_verify_pad(&c, PIV_REF_PIN, 30, &tries), E_ARGUMENT); // outside a transaction
    assert_int_equal(card_begin(&c, 1000, NULL), E_OK);
    static const struct {
        const char *answer;
        enum err error;
        int tries;
    } rows[] = {
        {"\x90\x00", E_OK, -1},      {"\x63\xC2", E_PIN_WRONG, 2},  {"\x69\x83", E_PIN_BLOCKED, 0},
        {"\x64\x00", E_TIMEOUT, -1}, {"\x64\x01", E_CANCELLED, -1}, {"\x64\x03", E_ARGUMENT, -1},
        {"\x6B\x80", E_CARD, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pcsc.pad_answer = rows[i].answer;
        assert_int_equal(piv_verify_pad(&c, PIV_REF_PIN, 30, &tries), rows[i].error);
        assert_int_equal(tries, rows[i].tries);
    }
    // PC/SC part 10, 2.6.8.
    static const uint8_t want[] = {30,   30,   0x82, 0x08, 0x00, 0x08, 0x06, 0x02, 0x01, 0x09, 0x04,
                                   0x00, 0x00, 0x00, 0x00, 13,   0,    0,    0,    0x00, 0x20, 0x00,
                                   0x80, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    assert_int_equal(pcsc.pad_sent_size, sizeof want);
    assert_memory_equal(pcsc.pad_sent, want, sizeof want);
    // A keypad that can't change PINs is known before it is asked.
    assert_int_equal(piv_change_pad(&c, PIV_REF_PIN, 30, &tries), E_UNSUPPORTED);
    card_close(&c);
    // A reader without a keypad.
    pcsc.features = NULL;
    assert_int_equal(card_open(&c, tp, READER, (struct trace){0}), E_OK);
    assert_int_equal(card_begin(&c, 1000, NULL), E_OK);
    assert_int_equal(piv_verify_pad(&c, PIV_REF_PIN, 30, &tries), E_UNSUPPORTED);
    card_close(&c);
    done(tp);
}

static void a_pin_changed_at_the_reader(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct card c;
    int tries;
    assert_int_equal(card_open(&c, tp, READER, (struct trace){0}), E_OK);
    FEATURES("\x06\x04\x55\x66\x77\x99\x07\x04\x55\x66\x77\x88");
    assert_int_equal(card_begin(&c, 1000, NULL), E_OK);
    static const struct {
        const char *answer;
        enum err error;
        int tries;
    } rows[] = {
        {"\x90\x00", E_OK, -1},        {"\x63\xC2", E_PIN_WRONG, 2}, {"\x64\x00", E_TIMEOUT, -1},
        {"\x64\x01", E_CANCELLED, -1}, {"\x64\x02", E_REFUSED, -1},  {"\x64\x03", E_ARGUMENT, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pcsc.pad_answer = rows[i].answer;
        assert_int_equal(piv_change_pad(&c, PIV_REF_PIN, 20, &tries), rows[i].error);
        assert_int_equal(tries, rows[i].tries);
    }
    // PC/SC part 10, 2.6.9.
    static const uint8_t want[] = {20,   20,   0x82, 0x08, 0x00, 0x00, 0x08, 0x08, 0x06, 0x03, 0x02, 0x03,
                                   0x09, 0x04, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 21,   0,    0,    0,
                                   0x00, 0x24, 0x00, 0x80, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                   0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    assert_int_equal(pcsc.pad_sent_size, sizeof want);
    assert_memory_equal(pcsc.pad_sent, want, sizeof want);
    card_close(&c);
    done(tp);
}

static void a_t0_card(void **unused)
{
    (void)unused;
    struct tp *tp = fresh();
    struct card c;
    pcsc.protocol = SCARD_PROTOCOL_T0;
    assert_int_equal(card_open(&c, tp, READER, (struct trace){0}), E_OK);
    assert_int_equal(card_begin(&c, 1000, NULL), E_OK);
    assert_int_equal(piv_select(&c), E_OK);
    assert_int_equal(pcsc.sent_size, 14); // no Le
    struct rd v;
    assert_int_equal(piv_get_data(&c, PIV_TAG_CHUID, &v), E_NOT_FOUND);
    assert_int_equal(pcsc.sent_size, 10); // and no extended length
    card_close(&c);
    done(tp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing),
        cmocka_unit_test(connecting),
        cmocka_unit_test(transactions),
        cmocka_unit_test(exchanges),
        cmocka_unit_test(a_card_just_pulled),
        cmocka_unit_test(claimed_length),
        cmocka_unit_test(what_readers_say_of_themselves),
        cmocka_unit_test(a_pin_typed_at_the_reader),
        cmocka_unit_test(a_pin_changed_at_the_reader),
        cmocka_unit_test(a_t0_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
