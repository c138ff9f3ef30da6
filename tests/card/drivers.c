// Dialogues after Yubico's public PIV pages ("PIV commands", "GET METADATA", "Import", "Attest"), and the
// management key after SP 800-73-4 part 2, A.1.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card/apdu/atr.h"
#include "dialogue.h"

#define VERSION(v)                                                                                           \
    {                                                                                                        \
        .command = "00FD000000", .reply = v " 9000"                                                          \
    }
#define NO_VERSION                                                                                           \
    {                                                                                                        \
        .command = "00FD000000", .reply = "6D00"                                                             \
    }

static const struct piv_slot *slot(uint8_t ref)
{
    const struct piv_slot *s = piv_slot_by_ref(ref);
    assert_non_null(s);
    return s;
}

static void what_each_firmware_can_do(void **unused)
{
    (void)unused;
    static const struct {
        const char *version;
        uint32_t has, has_not;
    } rows[] = {
        {"010005", CAP_IMPORT | CAP_RESET | CAP_SET_TRIES,
         CAP_POLICY | CAP_ATTEST | CAP_SERIAL | CAP_METADATA},
        {"040305", CAP_POLICY | CAP_ATTEST, CAP_SERIAL | CAP_METADATA},
        {"050204", CAP_SERIAL, CAP_METADATA | CAP_ADMIN_AES},
        {"050300", CAP_METADATA, CAP_ADMIN_AES | CAP_MOVE},
        {"050402", CAP_ADMIN_AES, CAP_MOVE | CAP_RSA_LARGE | CAP_CURVE25519},
        {"050700", CAP_MOVE | CAP_RSA_LARGE | CAP_CURVE25519 | CAP_METADATA | CAP_ATTEST, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dialogue d;
        char reply[16];
        uint32_t caps;
        uint8_t version[3];
        snprintf(reply, sizeof reply, "%s9000", rows[i].version);
        const struct script_step step = {.command = "00FD000000", .reply = reply};
        dialogue_start(&d, &step, 1, NULL);
        assert_string_equal(d.card.driver->name, "PIV");
        assert_int_equal(driver_caps(&d.card, &caps), E_OK);
        assert_int_equal(caps & rows[i].has, rows[i].has);
        assert_int_equal(caps & rows[i].has_not, 0);
        assert_string_equal(d.card.driver->name, "YubiKey");
        assert_int_equal(driver_version(&d.card, version), E_OK); // known by now
        assert_int_equal(version[0], rows[i].version[1] - '0');
        dialogue_end(&d);
    }
}

static void a_plain_card_is_asked_once_and_sent_nothing_else(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct driver_metadata m;
    uint8_t number[32] = {1};
    struct rd v;
    const struct driver_private key = {.algorithm = piv_algorithm_by_id(0x11), .secret = rd_of(number, 32)};
    START(&d, NO_VERSION);
    assert_int_equal(driver_metadata(&d.card, 0x9A, &m), E_UNSUPPORTED);
    assert_int_equal(driver_import(&d.card, slot(0x9A), &key, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT),
                     E_UNSUPPORTED);
    assert_int_equal(driver_attest(&d.card, slot(0x9A), &v), E_UNSUPPORTED);
    assert_int_equal(driver_move(&d.card, slot(0x9A), slot(0x82)), E_UNSUPPORTED);
    assert_int_equal(driver_delete(&d.card, slot(0x9A)), E_UNSUPPORTED);
    assert_int_equal(driver_set_tries(&d.card, 3, 3), E_UNSUPPORTED);
    assert_int_equal(driver_reset(&d.card), E_UNSUPPORTED);
    assert_int_equal(driver_set_admin(&d.card, piv_cipher_by_id(0x03), rd_of(number, 24), false),
                     E_UNSUPPORTED);
    dialogue_end(&d);
    // A card that goes away isn't a plain card.
    uint32_t caps;
    START(&d, {.command = "00FD000000", .error = E_NO_CARD}, VERSION("050700"));
    assert_int_equal(driver_caps(&d.card, &caps), E_NO_CARD);
    assert_int_equal(driver_caps(&d.card, &caps), E_OK);
    dialogue_end(&d);
}

#define X32     "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
#define Y32     "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
#define META_9A "00F7009A00 0000"

static void metadata(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct driver_metadata m;
    dialogue_start(&d,
                   STEPS({.command = "00F7008000", .reply = "0101FF 050101 06020302 9000"},
                         {.command = "00F7009B00", .reply = "01010A 02020001 050100 9000"},
                         {.command = META_9A, .reply = "010111 02020301 030101 0443 8641 04" X32 Y32 "9000"},
                         {.command = META_9A, .reply = "010199 02020202 030102 0403 860104 DF010107 9000"},
                         {.command = META_9A, .reply = "6A88"}, {.command = META_9A, .reply = "6A80"},
                         {.command = META_9A, .reply = "010111 0201 9000"},
                         {.command = META_9A, .reply = "010111 02020901 9000"},
                         {.command = META_9A, .reply = "010111 0442 8640 04" X32 Y32 "9000"},
                         {.command = META_9A, .reply = "0102 9000"}),
                   YUBIKEY_ATR);
    assert_int_equal(driver_metadata(&d.card, PIV_REF_PIN, &m), E_OK);
    assert_true(m.algorithm == 0xFF && m.is_default && m.tries_total == 3 && m.tries_left == 2);
    assert_int_equal(driver_metadata(&d.card, PIV_REF_ADMIN, &m), E_OK);
    assert_true(m.algorithm == 0x0A && !m.is_default && m.tries_left == -1);
    assert_int_equal(driver_metadata(&d.card, 0x9A, &m), E_OK);
    assert_true(m.pin == PIV_PIN_ALWAYS && m.touch == PIV_TOUCH_NEVER && m.generated);
    assert_int_equal(m.public_key.algorithm->id, 0x11);
    // An algorithm that this library doesn't know, and an element that nobody knows yet.
    assert_int_equal(driver_metadata(&d.card, 0x9A, &m), E_OK);
    assert_true(m.algorithm == 0x99 && !m.public_key.algorithm && !m.generated);
    for (int i = 0; i < 2; i++)
        assert_int_equal(driver_metadata(&d.card, 0x9A, &m), E_NOT_FOUND);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(driver_metadata(&d.card, 0x9A, &m), E_MALFORMED);
        assert_null(m.public_key.algorithm);
    }
    dialogue_end(&d);
}

static void importing(void **unused)
{
    (void)unused;
    struct dialogue d;
    uint8_t number[128];
    memset(number, 0xC3, sizeof number);
    struct rd half = rd_of(number, 128);
    const struct driver_private p256 = {.algorithm = piv_algorithm_by_id(0x11), .secret = rd_of(number, 32)};
    const struct driver_private ed = {.algorithm = piv_algorithm_by_id(0xE0), .secret = rd_of(number, 32)};
    const struct driver_private x = {.algorithm = piv_algorithm_by_id(0xE1), .secret = rd_of(number, 32)};
    struct driver_private rsa = {
        .algorithm = piv_algorithm_by_id(0x07), .p = half, .q = half, .dp = half, .dq = half, .qinv = half};
    START(&d, VERSION("050700"), {.command = "00FE119A28 0620 C3C3*", .reply = "9000"},
          {.command = "00FEE09A22 0720 C3C3*", .reply = "9000"},
          {.command = "00FEE19D22 0820 C3C3*", .reply = "9000"},
          {.command = "00FE078200028F 018180 C3*", .reply = "9000"},
          {.command = "00FE119A22 0620*", .reply = "6982"});
    assert_int_equal(driver_import(&d.card, slot(0x9A), &p256, PIV_PIN_NEVER, PIV_TOUCH_CACHED), E_OK);
    assert_int_equal(driver_import(&d.card, slot(0x9A), &ed, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT), E_OK);
    assert_int_equal(driver_import(&d.card, slot(0x9D), &x, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT), E_OK);
    assert_int_equal(driver_import(&d.card, slot(0x82), &rsa, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT), E_OK);
    assert_int_equal(driver_import(&d.card, slot(0x9A), &p256, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT),
                     E_AUTH_NEEDED);
    rsa.qinv.n = 127;
    assert_int_equal(driver_import(&d.card, slot(0x82), &rsa, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT),
                     E_ARGUMENT);
    dialogue_end(&d);
    // Older firmware is sent nothing that it doesn't know.
    START(&d, VERSION("050402"));
    assert_int_equal(driver_import(&d.card, slot(0x9A), &ed, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT),
                     E_UNSUPPORTED);
    dialogue_end(&d);
}

static void the_other_commands(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct rd v;
    uint8_t key[32];
    memset(key, 0x4B, sizeof key);
    START(&d, VERSION("050700"), {.command = "00F99A0000 0000", .reply = "3003020105 9000"},
          {.command = "00F99A0000 0000", .reply = "3003020105 00 9000"},
          {.command = "00F99A0000 0000", .reply = "6A88"}, {.command = "00F6829C", .reply = "9000"},
          {.command = "00F6829C", .reply = "6985"}, {.command = "00F6FF82", .reply = "9000"},
          {.command = "00FA0508", .reply = "9000"}, {.command = "00FB0000", .reply = "6985"},
          {.command = "00FB0000", .reply = "9000"}, {.command = "00FFFFFF1B 039B18 4B4B*", .reply = "9000"},
          {.command = "00FFFFFE23 0C9B20 4B4B*", .reply = "9000"});
    assert_int_equal(driver_attest(&d.card, slot(0x9A), &v), E_OK);
    assert_true(rd_is(v, "\x30\x03\x02\x01\x05", 5));
    assert_int_equal(driver_attest(&d.card, slot(0x9A), &v), E_MALFORMED);
    assert_int_equal(driver_attest(&d.card, slot(0x9A), &v), E_NOT_FOUND);
    assert_int_equal(driver_move(&d.card, slot(0x9C), slot(0x82)), E_OK);
    assert_int_equal(driver_move(&d.card, slot(0x9C), slot(0x82)), E_CONDITIONS);
    assert_int_equal(driver_delete(&d.card, slot(0x82)), E_OK);
    assert_int_equal(driver_set_tries(&d.card, 5, 8), E_OK);
    assert_int_equal(driver_set_tries(&d.card, 0, 8), E_ARGUMENT);
    assert_int_equal(driver_reset(&d.card), E_CONDITIONS);
    assert_int_equal(driver_reset(&d.card), E_OK);
    assert_int_equal(driver_set_admin(&d.card, piv_cipher_by_id(0x03), rd_of(key, 24), false), E_OK);
    assert_int_equal(driver_set_admin(&d.card, piv_cipher_by_id(0x0C), rd_of(key, 32), true), E_OK);
    assert_int_equal(driver_set_admin(&d.card, piv_cipher_by_id(0x0C), rd_of(key, 24), true), E_ARGUMENT);
    dialogue_end(&d);
}

// Complements each byte: enough to see which bytes were enciphered and which deciphered.
static enum err complement(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                           uint8_t *out)
{
    (void)ctx;
    assert_int_equal(key.n, cipher->key);
    for (size_t i = 0; i < cipher->block; i++)
        out[i] = (uint8_t)~in[i];
    return E_OK;
}

static enum err elevens(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    memset(out, 0x11, n);
    return E_OK;
}

static const struct piv_crypto crypto = {NULL, complement, complement, elevens};

#define W3      "00 87 03 9B 04 7C 02 80 00 00"
#define WA      "00 87 0A 9B 04 7C 02 80 00 00"
#define ANSWER3 "00 87 03 9B 16 7C14 8008 FEFDFCFBFAF9F8F7 8108 1111111111111111 00"
#define GOOD3   "7C0A 8208 EEEEEEEEEEEEEEEE 9000"

static void the_management_key(void **unused)
{
    (void)unused;
    struct dialogue d;
    uint8_t key[24] = {0};
    const struct piv_cipher *des = piv_cipher_by_id(0x03);
#define WITNESS3 {.command = W3, .reply = "7C0A 8008 0102030405060708 9000"}
    START(&d, WITNESS3, {.command = ANSWER3, .reply = GOOD3}, WITNESS3, {.command = ANSWER3, .reply = "6982"},
          WITNESS3, {.command = ANSWER3, .reply = "7C0A 8208 EEEEEEEEEEEEEEEF 9000"}, WITNESS3,
          {.command = ANSWER3, .reply = "9000"}, {.command = W3, .reply = "6A86"},
          {.command = W3, .reply = "7C12 8010 01020304050607080102030405060708 9000"});
    assert_int_equal(piv_admin(&d.card, &crypto, des, rd_of(key, 24)), E_OK);
    assert_int_equal(piv_admin(&d.card, &crypto, des, rd_of(key, 24)), E_ADMIN_WRONG);
    // A card that can't prove that it has the key is no card to write to.
    for (int i = 0; i < 2; i++)
        assert_int_equal(piv_admin(&d.card, &crypto, des, rd_of(key, 24)), E_MALFORMED);
    for (int i = 0; i < 2; i++)
        assert_int_equal(piv_admin(&d.card, &crypto, des, rd_of(key, 24)), E_UNSUPPORTED);
    assert_int_equal(piv_admin(&d.card, &crypto, des, rd_of(key, 23)), E_ARGUMENT);
    dialogue_end(&d);
}

static void finding_the_management_keys_cipher(void **unused)
{
    (void)unused;
    struct dialogue d;
    uint8_t key[32] = {0};
    uint32_t caps;
    const struct piv_cipher *used;
#define WITNESS_A                                                                                            \
    {                                                                                                        \
        .command = WA, .reply = "7C12 8010 01020304050607080102030405060708 9000"                            \
    }
#define ANSWER_A                                                                                             \
    {                                                                                                        \
        .command = "00 87 0A 9B 26 7C24 8010 FEFDFCFBFAF9F8F7FEFDFCFBFAF9F8F7 8110 "                         \
                   "11111111111111111111111111111111 00",                                                    \
        .reply = "7C12 8210 EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE 9000"                                           \
    }
    // Without metadata: the other cipher of that length.
    START(&d, {.command = W3, .reply = "6A86"}, WITNESS_A, ANSWER_A, {.command = W3, .reply = "6A80"},
          {.command = WA, .reply = "6A80"}, WITNESS3, {.command = ANSWER3, .reply = "6982"});
    assert_int_equal(piv_admin_any(&d.card, &crypto, rd_of(key, 24), &used), E_OK);
    assert_int_equal(used->id, 0x0A);
    assert_int_equal(piv_admin_any(&d.card, &crypto, rd_of(key, 24), &used), E_ADMIN_WRONG);
    assert_null(used);
    assert_int_equal(piv_admin_any(&d.card, &crypto, rd_of(key, 24), &used), E_ADMIN_WRONG);
    assert_int_equal(used->id, 0x03); // it was the right cipher
    assert_int_equal(piv_admin_any(&d.card, &crypto, rd_of(key, 20), &used), E_ARGUMENT);
    dialogue_end(&d);
    // With metadata the card says which.
    START(&d, VERSION("050700"), {.command = "00F7009B00", .reply = "01010A 02020001 050101 9000"}, WITNESS_A,
          ANSWER_A, {.command = "00F7009B00", .reply = "01010C 9000"});
    assert_int_equal(driver_caps(&d.card, &caps), E_OK);
    assert_int_equal(piv_admin_any(&d.card, &crypto, rd_of(key, 24), &used), E_OK);
    assert_int_equal(used->id, 0x0A);
    assert_int_equal(piv_admin_any(&d.card, &crypto, rd_of(key, 24), &used), E_ADMIN_WRONG);
    assert_int_equal(used->id, 0x0C); // what the card expects
    dialogue_end(&d);
}

// Answers to reset of cards in the field, and broken ones; ISO/IEC 7816-4 8.1.1.2.7, third byte, bit 7.
static void what_the_atr_says_of_extended_length(void **unused)
{
    (void)unused;
    static const struct {
        const char *what, *atr;
        bool refuses;
    } rows[] = {
        {"YubiKey 5", "3BFD1300008131FE158073C021C057597562694B657940", false},
        {"OpenPGP card 1.1", "3BFA1300FF813180450031C173C00100009000B1", true},
        {"OpenPGP card 2.1", "3BDA18FF81B1FE751F030031C573C001400090000C", false},
        {"no capabilities", "3B7F96000080318065B084413DF6120FFE829000", false},
        {"another category", "3B6500002063CB6800", false},
        {"no historical bytes", "3B00", false},
        {"two bytes of capabilities", "3B8480018072C02100", false},
        {"they end early", "3B8480018073C021", false},
        {"a value longer than the bytes", "3B828001807F00", false},
        {"interface bytes without end", "3BF0F0F0F0F0", false},
        {"empty", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t atr[TP_ATR_MAX];
        size_t n = strlen(rows[i].atr) / 2;
        for (size_t j = 0; j < n; j++) {
            const char digits[] = {rows[i].atr[2 * j], rows[i].atr[2 * j + 1], '\0'};
            char *end;
            unsigned long byte = strtoul(digits, &end, 16);
            assert_true(*end == '\0');
            atr[j] = (uint8_t)byte;
        }
        if (atr_refuses_extended(rd_of(atr, n)) != rows[i].refuses)
            fail_msg("%s", rows[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_each_firmware_can_do),
        cmocka_unit_test(what_the_atr_says_of_extended_length),
        cmocka_unit_test(a_plain_card_is_asked_once_and_sent_nothing_else),
        cmocka_unit_test(metadata),
        cmocka_unit_test(importing),
        cmocka_unit_test(the_other_commands),
        cmocka_unit_test(the_management_key),
        cmocka_unit_test(finding_the_management_keys_cipher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
