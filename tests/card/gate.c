// The dialogue of docs/otp-card.md, "An example", and its table of status words.
#include <string.h>

#include "card/piv/gate.h"
#include "dialogue.h"

#define STATE "00F1000000"

static struct rd text(const char *s)
{
    return rd_of(s, strlen(s));
}

static void the_issuer_installs(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct gate_secret secret = {.key = text("12345678901234567890")};
    const struct gate_key keys[] = {{0x9A, GATE_ONCE}, {0x9C, GATE_ALWAYS}};
    START(&d, {.command = "00F1010016 8014 3132333435363738393031323334353637383930", .reply = "9000"},
          {.command = "00F1020004 9A019C02", .reply = "9000"},
          {.command = "00F1010030 8014 3132333435363738393031323334353637383930 810108 82080000000100000002"
                      "830105 840100 850103 86020E10",
           .reply = "9000"},
          {.command = "00F1020002 9E01", .reply = "6985"}, {.command = "00F10300", .reply = "6A88"},
          {.command = "00F10400", .reply = "9000"}, {.command = "00F10300", .reply = "6982"});
    assert_int_equal(gate_install(&d.card, &secret), E_OK);
    assert_int_equal(gate_set(&d.card, keys, 2), E_OK);
    secret = (struct gate_secret){.key = text("12345678901234567890"),
                                  .digits = 8,
                                  .counter = 0x100000002,
                                  .ahead = 5,
                                  .resync_off = true,
                                  .tries = 3,
                                  .lifetime = 3600};
    assert_int_equal(gate_install(&d.card, &secret), E_OK);
    secret.key.n = 15;
    assert_int_equal(gate_install(&d.card, &secret), E_ARGUMENT);
    assert_int_equal(gate_set(&d.card, &(struct gate_key){0x9E, GATE_ONCE}, 1), E_CONDITIONS);
    assert_int_equal(gate_set(&d.card, keys, 0), E_ARGUMENT);
    assert_int_equal(gate_unblock(&d.card), E_NOT_FOUND);
    assert_int_equal(gate_remove(&d.card), E_OK);
    assert_int_equal(gate_unblock(&d.card), E_AUTH_NEEDED);
    dialogue_end(&d);
}

static void anyone_asks(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct gate_state state;
    START(&d,
          {.command = STATE, .reply = "800101 81020505 820106 83020A64 84020E10 85020000 86049A019C02 9000"},
          {.command = STATE, .reply = "800101 81020000 820100 83020000 84020000 85020000 8600 9000"},
          {.command = STATE, .reply = "800101 81020505 820106 83020A64 84020E10 85020000 8600 8701AA 9000"},
          {.command = STATE, .reply = "800102 81020505 9000"},
          {.command = STATE, .reply = "800101 81020605 820106 83020A64 84020E10 85020000 8600 9000"},
          {.command = STATE, .reply = "800101 81020505 820109 83020A64 84020E10 85020000 8600 9000"},
          {.command = STATE, .reply = "800101 81020505 820106 83020A64 84020E10 85020000 86039A019C 9000"},
          {.command = STATE, .reply = "800101 81020505 820106 83020A64 84020E10 85020000 86029A03 9000"},
          {.command = STATE, .reply = "800101 81020505 820106 83020A64 84020E10 9000"},
          {.command = STATE, .reply = "9000"}, {.command = STATE, .reply = "6D00"});
    assert_int_equal(gate_state(&d.card, &state), E_OK);
    assert_true(state.secret && state.tries_left == 5 && state.tries_total == 5 && state.digits == 6);
    assert_true(state.ahead == 10 && state.resync == 100 && state.lifetime == 3600 && state.ticket_left == 0);
    assert_int_equal(state.count, 2);
    assert_true(state.key[1].ref == 0x9C && state.key[1].gate == GATE_ALWAYS);
    assert_int_equal(gate_state(&d.card, &state), E_OK);
    assert_false(state.secret);
    assert_int_equal(gate_state(&d.card, &state), E_OK);
    assert_int_equal(gate_state(&d.card, &state), E_UNSUPPORTED);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(gate_state(&d.card, &state), E_MALFORMED);
        assert_int_equal(state.count, 0);
    }
    assert_int_equal(gate_state(&d.card, &state), E_UNSUPPORTED);
    dialogue_end(&d);
}

static void the_holder_gives_codes(void **unused)
{
    (void)unused;
    struct dialogue d;
    uint8_t ticket[GATE_TICKET_SIZE];
    int tries;
    START(&d, {.command = "0020019F06 373535323234 10", .reply = "000102030405060708090A0B0C0D0E0F 9000"},
          {.command = "0020009F06 323837303832", .reply = "9000"},
          {.command = "0020009F06 323837303832", .reply = "63C4"},
          {.command = "0020009F0C 333539313532393639343239", .reply = "9000"},
          {.command = "0020009F06 323837303832", .reply = "6983"},
          {.command = "0020009F06 323837303832", .reply = "6982"},
          {.command = "0020009F07 32383730383231", .reply = "6A80"},
          {.command = "0020009F06 323837303832", .reply = "6A88"},
          {.command = "0020019F06 323837303832 10", .reply = "0001 9000"});
    assert_int_equal(gate_code(&d.card, text("755224"), ticket, NULL), E_OK);
    assert_int_equal(ticket[15], 15);
    assert_int_equal(gate_code(&d.card, text("287082"), NULL, &tries), E_OK);
    assert_int_equal(gate_code(&d.card, text("287082"), NULL, &tries), E_PIN_WRONG);
    assert_int_equal(tries, 4);
    assert_int_equal(gate_code(&d.card, text("359152969429"), NULL, &tries), E_OK);
    assert_int_equal(gate_code(&d.card, text("287082"), NULL, &tries), E_PIN_BLOCKED);
    assert_int_equal(tries, 0);
    assert_int_equal(gate_code(&d.card, text("287082"), NULL, &tries), E_AUTH_NEEDED);
    assert_int_equal(gate_code(&d.card, text("2870821"), NULL, &tries), E_REFUSED);
    assert_int_equal(gate_code(&d.card, text("287082"), NULL, &tries), E_NOT_FOUND);
    assert_int_equal(gate_code(&d.card, text("287082"), ticket, &tries), E_MALFORMED);
    assert_int_equal(ticket[1], 0);
    const char *never[] = {
        "", "12345", "12345x", "123456789", "12345678901", "1234567890123", "12345678901234567"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_int_equal(gate_code(&d.card, text(never[i]), NULL, &tries), E_ARGUMENT);
    dialogue_end(&d);
}

static void a_card_says_that_it_is_one(void **unused)
{
    (void)unused;
    static const struct {
        const char *reply;
        bool is_one;
    } rows[] = {
        {"611A 4F06A00000000001 7310 8009494E47414D2D4F5450 810101 8200 9000", true},
        {"6110 730E 8009494E47414D2D4F5450 810101 9000", true},
        {"6110 730E 810101 8009494E47414D2D4F5450 9000", true},
        {"6110 730E 8009494E47414D2D4F5450 810102 9000", false}, // another version
        {"610D 730B 8009494E47414D2D4F5450 9000", false},
        {"6110 730E 8009494E47414D2D4F5451 810101 9000", false},
        {"6110 740E 8009494E47414D2D4F5450 810101 9000", false},
        {"6111 730F 8009494E47414D2D4F5450 810101 9000", false}, // cut off
        {"6100 9000", false},
        {"9000", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dialogue d;
        uint32_t caps;
        const struct script_step steps[] = {
            {.command = "00A4040009A0000003080000100000", .reply = rows[i].reply},
            {.command = "00FD000000", .reply = "6D00"}};
        dialogue_start(&d, steps, rows[i].is_one ? 1 : 2, NULL);
        assert_int_equal(piv_select(&d.card), E_OK);
        assert_int_equal(driver_wants_codes(&d.card), rows[i].is_one);
        assert_int_equal(driver_caps(&d.card, &caps), E_OK); // known already, or asked for
        assert_int_equal((caps & CAP_CODES) != 0, rows[i].is_one);
        assert_string_equal(d.card.driver->name, rows[i].is_one ? "OTP card" : "PIV");
        dialogue_end(&d);
    }
}

static void the_ticket_goes_with_the_pin(void **unused)
{
    (void)unused;
    struct dialogue d;
    int tries;
    struct rd ticket = text("0123456789abcdef");
#define BOTH "0020008018 313233343536FFFF 30313233343536373839616263646566"
    START(&d, {.command = BOTH, .reply = "9000"}, {.command = BOTH, .reply = "6984"},
          {.command = BOTH, .reply = "63C2"}, {.command = BOTH, .reply = "6983"},
          {.command = "0020FF9F", .reply = "9000"}, {.command = "0020FF9F", .reply = "6A88"});
    assert_int_equal(gate_verify(&d.card, text("123456"), ticket, &tries), E_OK);
    assert_int_equal(gate_verify(&d.card, text("123456"), ticket, &tries), E_NOT_FOUND);
    assert_int_equal(tries, -1);
    assert_int_equal(gate_verify(&d.card, text("123456"), ticket, &tries), E_PIN_WRONG);
    assert_int_equal(tries, 2);
    assert_int_equal(gate_verify(&d.card, text("123456"), ticket, &tries), E_PIN_BLOCKED);
    assert_int_equal(gate_verify(&d.card, text("123456789"), ticket, &tries), E_ARGUMENT);
    assert_int_equal(gate_verify(&d.card, text("123456"), text("short"), &tries), E_ARGUMENT);
    assert_int_equal(gate_logout(&d.card), E_OK);
    assert_int_equal(gate_logout(&d.card), E_NOT_FOUND);
    dialogue_end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_issuer_installs),          cmocka_unit_test(anyone_asks),
        cmocka_unit_test(the_holder_gives_codes),       cmocka_unit_test(a_card_says_that_it_is_one),
        cmocka_unit_test(the_ticket_goes_with_the_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
