// Dialogues after SP 800-73-4 part 2, clause 3 (tables 5 to 17) and appendix A: what is sent, and what
// becomes of the answers.
#include <string.h>

#include "dialogue.h"

#define SELECT                                                                                               \
    {                                                                                                        \
        .command = "00A4040009 A00000030800001000 00",                                                       \
        .reply = "61114F0600001000010079074F05A000000308 9000"                                               \
    }
#define SELECT_GONE                                                                                          \
    {                                                                                                        \
        .command = "00A4040009 A00000030800001000 00", .reply = "6A82"                                       \
    }
#define DISCOVERY                                                                                            \
    {                                                                                                        \
        .command = "00CB3FFF03 5C017E 00", .reply = "7E12 4F0BA000000308000010000100 5F2F024000 9000"        \
    }
#define GET_105   "00CB3FFF00 0005 5C035FC105 0000"
#define GET_105_S "00CB3FFF05 5C035FC105 00"

static const struct piv_slot *slot(uint8_t ref)
{
    const struct piv_slot *s = piv_slot_by_ref(ref);
    assert_non_null(s);
    return s;
}

static const struct piv_algorithm *algorithm(uint8_t id)
{
    const struct piv_algorithm *a = piv_algorithm_by_id(id);
    assert_non_null(a);
    return a;
}

static void select_finds_the_applet_or_not(void **unused)
{
    (void)unused;
    struct dialogue d;
    START(&d, SELECT, SELECT_GONE);
    assert_int_equal(piv_select(&d.card), E_OK);
    assert_int_equal(piv_select(&d.card), E_NOT_PRESENT);
    assert_int_equal(d.card.trail.sw, 0x6A82);
    dialogue_end(&d);
}

// 3.1.2. Table 7: 53 around what is stored; Discovery is its own template.
static void get_data_unwraps(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct rd v;
    START(&d, {.command = GET_105, .reply = "5303 0102039000"}, {.command = GET_105, .reply = "6A82"},
          {.command = GET_105, .reply = "5300 9000"}, {.command = GET_105, .reply = "9000"}, DISCOVERY,
          {.command = GET_105, .reply = "5303 010203 00 9000"},
          {.command = GET_105, .reply = "5304 010203 9000"},
          {.command = GET_105, .reply = "7E03 010203 9000"}, {.command = GET_105, .reply = "6982"});
    assert_int_equal(piv_get_data(&d.card, 0x5FC105, &v), E_OK);
    assert_true(rd_is(v, "\x01\x02\x03", 3));
    for (int i = 0; i < 3; i++)
        assert_int_equal(piv_get_data(&d.card, 0x5FC105, &v), E_NOT_FOUND);
    assert_int_equal(piv_get_data(&d.card, PIV_TAG_DISCOVERY, &v), E_OK);
    assert_int_equal(v.n, 18);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(piv_get_data(&d.card, 0x5FC105, &v), E_MALFORMED);
        assert_null(v.p);
    }
    assert_int_equal(piv_get_data(&d.card, 0x5FC105, &v), E_AUTH_NEEDED);
    dialogue_end(&d);
}

// 3.1.2 with ISO/IEC 7816-4 5.1.2: a card without extended length is asked once, then in parts.
static void refusal_of_extended_length_is_remembered(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct rd v;
    START(&d, {.command = GET_105, .reply = "6700"}, {.command = GET_105_S, .reply = "5304 01 6102"},
          {.command = "00C0000002", .reply = "0203 6101"}, {.command = "00C0000001", .reply = "04 9000"},
          {.command = GET_105_S, .reply = "5301 77 9000"});
    assert_int_equal(piv_get_data(&d.card, 0x5FC105, &v), E_OK);
    assert_true(rd_is(v, "\x01\x02\x03\x04", 4));
    assert_int_equal(piv_get_data(&d.card, 0x5FC105, &v), E_OK);
    assert_true(rd_is(v, "\x77", 1));
    dialogue_end(&d);
}

// Cards in the field: 61xx after an extended command too, 6Cxx for a wrong Le.
static void answers_in_parts_after_extended_length(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct rd v;
    START(&d, {.command = GET_105, .reply = "5303 6103"}, {.command = "00C0000003", .reply = "010203 9000"},
          {.command = GET_105, .reply = "6C05"},
          {.command = "00CB3FFF00 0005 5C035FC105 0005", .reply = "5303 010203 9000"});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(piv_get_data(&d.card, 0x5FC105, &v), E_OK);
        assert_true(rd_is(v, "\x01\x02\x03", 3));
    }
    dialogue_end(&d);
}

// 3.2.1, tables 8 and 9; 2.4.3: eight bytes, filled up with FF.
static void verify_and_its_answers(void **unused)
{
    (void)unused;
    struct dialogue d;
    int tries;
    struct rd pin = rd_of("123456", 6);
    START(&d, {.command = "0020008008 313233343536FFFF", .reply = "9000"},
          {.command = "0020008008 313233343536FFFF", .reply = "63C2"},
          {.command = "0020008008 313233343536FFFF", .reply = "63C0"},
          {.command = "0020008008 313233343536FFFF", .reply = "6983"},
          {.command = "0020000008 3132333435363738", .reply = "6A88"});
    assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, pin, &tries), E_OK);
    assert_int_equal(tries, -1);
    assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, pin, &tries), E_PIN_WRONG);
    assert_int_equal(tries, 2);
    assert_int_equal(d.card.trail.sw, 0x63C2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, pin, &tries), E_PIN_BLOCKED);
        assert_int_equal(tries, 0);
    }
    assert_int_equal(piv_verify(&d.card, PIV_REF_GLOBAL_PIN, rd_of("12345678", 8), NULL), E_NOT_FOUND);
    // What can't be a PIN isn't sent, so it uses up no try.
    assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, rd_of("", 0), &tries), E_ARGUMENT);
    assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, rd_of("123456789", 9), &tries), E_ARGUMENT);
    assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, rd_of("12345\xFF", 6), &tries), E_ARGUMENT);
    dialogue_end(&d);
}

// 3.2.1: an empty body asks, P1 = FF forgets.
static void tries_and_forgetting(void **unused)
{
    (void)unused;
    struct dialogue d;
    int tries;
    bool verified;
    START(&d, {.command = "00200080", .reply = "63C3"}, {.command = "00200080", .reply = "9000"},
          {.command = "00200080", .reply = "6983"}, {.command = "00200080", .reply = "6A88"},
          {.command = "0020FF80", .reply = "9000"}, {.command = "0020FF80", .reply = "6A86"});
    assert_int_equal(piv_tries(&d.card, PIV_REF_PIN, &tries, &verified), E_OK);
    assert_true(tries == 3 && !verified);
    assert_int_equal(piv_tries(&d.card, PIV_REF_PIN, &tries, &verified), E_OK);
    assert_true(tries == -1 && verified);
    assert_int_equal(piv_tries(&d.card, PIV_REF_PIN, &tries, &verified), E_OK);
    assert_true(tries == 0 && !verified);
    assert_int_equal(piv_tries(&d.card, PIV_REF_PIN, &tries, &verified), E_NOT_FOUND);
    assert_int_equal(piv_unverify(&d.card, PIV_REF_PIN), E_OK);
    assert_int_equal(piv_unverify(&d.card, PIV_REF_PIN), E_UNSUPPORTED);
    dialogue_end(&d);
}

// 3.2.2 and 3.2.3, tables 10 to 13.
static void changing_and_unblocking(void **unused)
{
    (void)unused;
    struct dialogue d;
    int tries;
    START(&d, {.command = "0024008010 313233343536FFFF 363534333231FFFF", .reply = "9000"},
          {.command = "0024008110 3132333435363738 3837363534333231", .reply = "63C1"},
          {.command = "002C008010 3132333435363738 313233343536FFFF", .reply = "6983"});
    assert_int_equal(piv_change(&d.card, PIV_REF_PIN, rd_of("123456", 6), rd_of("654321", 6), &tries), E_OK);
    assert_int_equal(piv_change(&d.card, PIV_REF_PUK, rd_of("12345678", 8), rd_of("87654321", 8), &tries),
                     E_PIN_WRONG);
    assert_int_equal(tries, 1);
    assert_int_equal(piv_unblock(&d.card, PIV_REF_PIN, rd_of("12345678", 8), rd_of("123456", 6), &tries),
                     E_PIN_BLOCKED);
    assert_int_equal(piv_change(&d.card, PIV_REF_PIN, rd_of("123456", 6), rd_of("123456789", 9), &tries),
                     E_ARGUMENT);
    dialogue_end(&d);
}

// 3.3.1, tables 14 and 15; over 255 bytes by chaining (2.4, ISO/IEC 7816-4 5.1.1) where extended length is
// refused.
static void put_data_in_one_or_in_parts(void **unused)
{
    (void)unused;
    struct dialogue d;
    uint8_t content[300];
    memset(content, 0xAB, sizeof content);
    START(&d, {.command = "00DB3FFF0A 5C035FC105 5303 010203", .reply = "9000"},
          {.command = "00DB3FFF07 5C035FC105 5300", .reply = "9000"},
          {.command = "00DB3FFF000135 5C035FC105 5382012C *", .reply = "6700"},
          {.command = "10DB3FFFFF 5C035FC105 5382012C *", .reply = "9000"},
          {.command = "00DB3FFF36 ABABAB *", .reply = "9000"}, {.command = "10DB3FFFFF *", .reply = "6A84"},
          {.command = "00DB3FFF05 7E03 010203", .reply = "6982"});
    assert_int_equal(piv_put_data(&d.card, 0x5FC105, rd_of("\x01\x02\x03", 3)), E_OK);
    assert_int_equal(piv_put_data(&d.card, 0x5FC105, rd_of(NULL, 0)), E_OK);
    assert_int_equal(piv_put_data(&d.card, 0x5FC105, rd_of(content, 300)), E_OK);
    assert_int_equal(piv_put_data(&d.card, 0x5FC105, rd_of(content, 300)), E_NO_SPACE);
    assert_int_equal(piv_put_data(&d.card, PIV_TAG_DISCOVERY, rd_of("\x01\x02\x03", 3)), E_AUTH_NEEDED);
    dialogue_end(&d);
}

#define X32 "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
#define Y32 "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"

// 3.3.2, tables 16 and 17.
static void generating(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct piv_public key;
    START(
        &d, {.command = "0047009E05 AC03800111 00", .reply = "7F4943 8641 04" X32 Y32 "9000"},
        {.command = "0047009E05 AC03800111 00",
         .reply = "7F4942 8640 04" X32 "E342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5 9000"},
        {.command = "0047009E05 AC03800111 00", .reply = "7F4943 8641 03" X32 Y32 "9000"},
        {.command = "0047009E05 AC03800111 00", .reply = "6982"},
        {.command = "00FD0000 00", .reply = "6D00"});
    assert_int_equal(
        piv_generate(&d.card, slot(0x9E), algorithm(0x11), PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT, &key), E_OK);
    assert_int_equal(key.point_len, 65);
    assert_int_equal(key.point[0], 4);
    assert_int_equal(key.point[64], 0xF5);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            piv_generate(&d.card, slot(0x9E), algorithm(0x11), PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT, &key),
            E_MALFORMED);
        assert_null(key.algorithm);
    }
    assert_int_equal(
        piv_generate(&d.card, slot(0x9E), algorithm(0x11), PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT, &key),
        E_AUTH_NEEDED);
    // A card without policies isn't sent any.
    assert_int_equal(
        piv_generate(&d.card, slot(0x9E), algorithm(0x11), PIV_PIN_NEVER, PIV_TOUCH_DEFAULT, &key),
        E_UNSUPPORTED);
    dialogue_end(&d);
}

// 3.2.4 and A.4: 7C with an empty 82 and the challenge in 81.
static void signing_with_a_curve(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct rd s;
    uint8_t digest[33];
    memset(digest, 0x5A, sizeof digest);
#define ASK "0087119C26 7C24 8200 8120 5A5A5A*"
    START(&d, {.command = ASK, .reply = "7C0A 8208 3006 020101 020102 9000"},
          {.command = "0087119C26 7C24 8200 8120 0000000000000000000000005A5A5A*",
           .reply = "7C0A 8208 3006 020101 020102 9000"},
          {.command = ASK, .reply = "7C0A 8108 3006 020101 020102 9000"},
          {.command = ASK, .reply = "7C0B 8208 3006 020101 020102 00 9000"},
          {.command = ASK, .reply = "7C0A 8208 3006 0201FF 020102 9000"},
          {.command = ASK, .reply = "7C0B 8209 3006 020101 020102 00 9000"},
          {.command = ASK, .reply = "7C07 8205 3003 020101 9000"}, {.command = ASK, .reply = "6982"},
          {.command = ASK, .reply = "6A88"});
    assert_int_equal(piv_sign(&d.card, slot(0x9C), algorithm(0x11), rd_of(digest, 32), &s), E_OK);
    assert_true(rd_is(s, "\x30\x06\x02\x01\x01\x02\x01\x02", 8));
    assert_int_equal(piv_sign(&d.card, slot(0x9C), algorithm(0x11), rd_of(digest, 20), &s), E_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(piv_sign(&d.card, slot(0x9C), algorithm(0x11), rd_of(digest, 32), &s), E_MALFORMED);
        assert_null(s.p);
    }
    assert_int_equal(piv_sign(&d.card, slot(0x9C), algorithm(0x11), rd_of(digest, 32), &s), E_AUTH_NEEDED);
    assert_int_equal(piv_sign(&d.card, slot(0x9C), algorithm(0x11), rd_of(digest, 32), &s), E_NOT_FOUND);
    assert_int_equal(piv_sign(&d.card, slot(0x9C), algorithm(0x11), rd_of(digest, 33), &s), E_ARGUMENT);
    dialogue_end(&d);
}

#define A16  "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
#define A64  A16 A16 A16 A16
#define A256 A64 A64 A64 A64

// 3.2.4: an RSA-2048 block is 266 bytes in its template; table 17's sizes.
static void signing_with_rsa(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct rd s;
    uint8_t block[256];
    memset(block, 0x5A, sizeof block);
    START(
        &d,
        {.command = "0087079A00010A 7C820106 8200 81820100 5A5A *", .reply = "7C820104 82820100" A256 "9000"},
        {.command = "0087079A00010A *",
         .reply = "7C8200FF 828200FB" A64 A64 A64 A16 A16 A16 "A0A1A2A3A4A5A6A7A8A9AA 9000"});
    assert_int_equal(piv_sign(&d.card, slot(0x9A), algorithm(0x07), rd_of(block, 256), &s), E_OK);
    assert_int_equal(s.n, 256);
    assert_int_equal(piv_sign(&d.card, slot(0x9A), algorithm(0x07), rd_of(block, 256), &s), E_MALFORMED);
    assert_int_equal(piv_sign(&d.card, slot(0x9A), algorithm(0x07), rd_of(block, 255), &s), E_ARGUMENT);
    assert_int_equal(piv_decrypt(&d.card, slot(0x9A), algorithm(0x11), rd_of(block, 32), &s), E_ARGUMENT);
    dialogue_end(&d);

    // Chained: 255 and 11 bytes, the answer in two parts.
    START(&d, {.command = "0087079A00010A *", .reply = "6700"},
          {.command = "1087079AFF 7C820106 *", .reply = "9000"},
          {.command = "0087079A0B 5A5A5A5A5A5A5A5A5A5A5A 00",
           .reply = "7C820104 82820100" A64 A64 A64 A16 A16 A16 "A0A1A2A3A4A5A6A7 6108"},
          {.command = "00C0000008", .reply = "A8A9AAABACADAEAF 9000"});
    assert_int_equal(piv_sign(&d.card, slot(0x9A), algorithm(0x07), rd_of(block, 256), &s), E_OK);
    assert_int_equal(s.p[255], 0xAF);
    dialogue_end(&d);
}

// A.5: the peer's point in 85, the x coordinate in 82.
static void agreeing_on_a_key(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct rd z;
    uint8_t point[65] = {4};
    START(&d, {.command = "0087119D47 7C45 8200 8541 04 *", .reply = "7C22 8220" X32 "9000"},
          {.command = "0087119D47 *",
           .reply = "7C21 821F"
                    "17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296 9000"});
    assert_int_equal(piv_agree(&d.card, slot(0x9D), algorithm(0x11), rd_of(point, 65), &z), E_OK);
    assert_int_equal(z.n, 32);
    assert_int_equal(piv_agree(&d.card, slot(0x9D), algorithm(0x11), rd_of(point, 65), &z), E_MALFORMED);
    assert_int_equal(piv_agree(&d.card, slot(0x9D), algorithm(0x11), rd_of(point, 64), &z), E_ARGUMENT);
    point[0] = 2;
    assert_int_equal(piv_agree(&d.card, slot(0x9D), algorithm(0x11), rd_of(point, 65), &z), E_ARGUMENT);
    dialogue_end(&d);
}

// How much "make sure that PIV is selected" costs in each situation.
static void ensuring_selection(void **unused)
{
    (void)unused;
    struct dialogue d;
    bool was_reset;
    START(&d, SELECT, DISCOVERY, {.command = "00CB3FFF03 5C017E 00", .reply = "6A82"}, SELECT,
          {.command = "00A4*", .reply = "9000", .reset = true});
    assert_int_equal(piv_ensure(&d.card), E_OK);
    assert_int_equal(script_exchanges(d.tp), 1);
    assert_int_equal(piv_ensure(&d.card), E_OK); // known in this transaction
    assert_int_equal(script_exchanges(d.tp), 1);
    card_end(&d.card, TP_LEAVE);
    assert_int_equal(card_begin(&d.card, 0, &was_reset), E_OK);
    assert_false(was_reset);
    assert_int_equal(piv_ensure(&d.card), E_OK); // still: one look
    assert_int_equal(script_exchanges(d.tp), 2);
    card_end(&d.card, TP_LEAVE);
    assert_int_equal(card_begin(&d.card, 0, NULL), E_OK);
    assert_int_equal(piv_ensure(&d.card), E_OK); // another applet meanwhile
    assert_int_equal(script_exchanges(d.tp), 4);
    card_end(&d.card, TP_LEAVE);
    assert_int_equal(card_begin(&d.card, 0, &was_reset), E_OK);
    assert_true(was_reset);
    assert_int_equal(piv_ensure(&d.card), E_OK); // nothing is selected after a reset
    assert_int_equal(script_exchanges(d.tp), 5);
    dialogue_end(&d);
}

static void a_card_without_discovery_is_selected_anew(void **unused)
{
    (void)unused;
    struct dialogue d;
    START(&d, SELECT, {.command = "00CB3FFF03 5C017E 00", .reply = "6A82"}, SELECT, SELECT);
    assert_int_equal(piv_ensure(&d.card), E_OK);
    for (int i = 0; i < 2; i++) {
        card_end(&d.card, TP_LEAVE);
        assert_int_equal(card_begin(&d.card, 0, NULL), E_OK);
        assert_int_equal(piv_ensure(&d.card), E_OK);
    }
    dialogue_end(&d);
}

// 3.2.1 P1 = FF; 3.1.1: selecting another application ends the security status.
static void making_the_card_forget(void **unused)
{
    (void)unused;
    struct dialogue d;
    enum piv_forgot how;
    START(&d, {.command = "0020FF80", .reply = "9000"});
    assert_int_equal(piv_forget(&d.card, &how), E_OK);
    assert_int_equal(how, PIV_FORGOT_VERIFY);
    dialogue_end(&d);

    START(&d, SELECT, {.command = "0020FF80", .reply = "6A86"},
          {.command = "00A4040008 A000000151000000 00", .reply = "6F10 9000"},
          {.command = "00A4040008 A000000151000000 00", .reply = "6A82"},
          {.command = "00A4040008 A000000527471117 00", .reply = "6A82"});
    assert_int_equal(piv_ensure(&d.card), E_OK);
    assert_int_equal(piv_forget(&d.card, &how), E_OK);
    assert_int_equal(how, PIV_FORGOT_SELECT);
    assert_int_equal(d.card.selected, SELECT_NONE);
    assert_int_equal(piv_forget(&d.card, &how), E_OK); // its refusal is remembered
    assert_int_equal(how, PIV_FORGOT_RESET_NEEDED);
    dialogue_end(&d);
}

static void nothing_is_sent_outside_a_transaction(void **unused)
{
    (void)unused;
    struct dialogue d;
    int tries;
    dialogue_start(&d, NULL, 0, NULL);
    assert_int_equal(card_begin(&d.card, 0, NULL), E_ARGUMENT); // not to be nested
    card_end(&d.card, TP_LEAVE);
    assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, rd_of("123456", 6), &tries), E_ARGUMENT);
    assert_int_equal(script_exchanges(d.tp), 0);
    dialogue_end(&d);
}

static void a_pulled_card_ends_the_connection(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct tp_state state;
    bool same;
    START(&d, SELECT);
    assert_int_equal(piv_ensure(&d.card), E_OK);
    script_pull(d.tp, false);
    assert_int_equal(card_status(&d.card, &state, &same), E_OK);
    assert_false(same);
    assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, rd_of("123456", 6), NULL), E_EXCHANGED);
    script_pull(d.tp, true); // another card, perhaps: it sees nothing
    assert_int_equal(piv_verify(&d.card, PIV_REF_PIN, rd_of("123456", 6), NULL), E_EXCHANGED);
    card_end(&d.card, TP_LEAVE);
    assert_int_equal(card_begin(&d.card, 0, NULL), E_EXCHANGED);
    dialogue_end(&d);
}

static void t0_sends_no_le_in_case_4(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct rd v;
    START(&d, {.command = "00A4040009 A00000030800001000", .reply = "6113"},
          {.command = "00C0000013", .reply = "61114F0600001000010079074F05A000000308 9000"},
          {.command = "00CB3FFF05 5C035FC105", .reply = "6105"},
          {.command = "00C0000005", .reply = "5303010203 9000"}, {.command = "0020008000", .reply = "63C3"});
    d.card.conn->no_le_case4 = d.card.conn->short_only = true;
    int tries;
    bool verified;
    assert_int_equal(piv_ensure(&d.card), E_OK);
    assert_int_equal(piv_get_data(&d.card, 0x5FC105, &v), E_OK);
    assert_int_equal(piv_tries(&d.card, PIV_REF_PIN, &tries, &verified), E_OK);
    dialogue_end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(select_finds_the_applet_or_not),
        cmocka_unit_test(get_data_unwraps),
        cmocka_unit_test(refusal_of_extended_length_is_remembered),
        cmocka_unit_test(answers_in_parts_after_extended_length),
        cmocka_unit_test(verify_and_its_answers),
        cmocka_unit_test(tries_and_forgetting),
        cmocka_unit_test(changing_and_unblocking),
        cmocka_unit_test(put_data_in_one_or_in_parts),
        cmocka_unit_test(generating),
        cmocka_unit_test(signing_with_a_curve),
        cmocka_unit_test(signing_with_rsa),
        cmocka_unit_test(agreeing_on_a_key),
        cmocka_unit_test(ensuring_selection),
        cmocka_unit_test(a_card_without_discovery_is_selected_anew),
        cmocka_unit_test(making_the_card_forget),
        cmocka_unit_test(nothing_is_sent_outside_a_transaction),
        cmocka_unit_test(a_pulled_card_ends_the_connection),
        cmocka_unit_test(t0_sends_no_le_in_case_4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
