// What stands in data objects (SP 800-73-4 part 1, appendix A and 3.3), tables, and who a card is.
#include <stdio.h>
#include <string.h>

#include "dialogue.h"

static void certificates(void **unused)
{
    (void)unused;
    struct piv_certificate c;
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct rd all = {NULL, 0};
    assert_true(piv_certificate_build(&w, rd_of("\x30\x01\x05", 3), false) && wr_done(&w, &all));
    assert_true(rd_is(all, "\x70\x03\x30\x01\x05\x71\x01\x00\xFE\x00", 10)); // table 39
    static const struct {
        const char *bytes;
        size_t n;
        bool good, compressed;
    } rows[] = {
        {"\x70\x01\x30\x71\x01\x01\xFE\x00", 8, true, true},
        {"\x70\x01\x30\x71\x01\x00\xFE\x00", 8, true, false},
        {"\x70\x01\x30", 3, true, false},                        // seen in the field
        {"\x70\x01\x30\x72\x01\x01\x71\x01\x01", 9, true, true}, // MSCUID, deprecated
        {"\x70\x00\x71\x01\x00", 5, false, false},
        {"\x71\x01\x00\x70\x01\x30", 6, false, false},
        {"\x70\x01\x30\x71\x05", 5, false, false},
        {"", 0, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(piv_certificate_parse(rd_of(rows[i].bytes, rows[i].n), &c), rows[i].good);
        assert_int_equal(c.compressed, rows[i].compressed);
        assert_int_equal(c.data.n, rows[i].good ? 1 : 0);
    }
}

// `printf ingam | gzip -9n | xxd` and `zlib-flate -compress`: both forms that cards carry.
static void compressed_data_of_foreign_tools(void **unused)
{
    (void)unused;
    static const uint8_t gz[] = {0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xCB, 0xCC, 0x4B,
                                 0x4F, 0xCC, 0x05, 0x00, 0xB7, 0xF8, 0x84, 0x8B, 0x05, 0x00, 0x00, 0x00};
    static const uint8_t zl[] = {0x78, 0xDA, 0xCB, 0xCC, 0x4B, 0x4F, 0xCC,
                                 0x05, 0x00, 0x06, 0x2E, 0x02, 0x0D};
    uint8_t out[16];
    size_t n = sizeof out;
    assert_int_equal(piv_inflate(rd_of(gz, sizeof gz), out, &n), E_OK);
    assert_true(rd_is(rd_of(out, n), "ingam", 5));
    n = sizeof out;
    assert_int_equal(piv_inflate(rd_of(zl, sizeof zl), out, &n), E_OK);
    assert_true(rd_is(rd_of(out, n), "ingam", 5));
    uint8_t bad[sizeof gz];
    memcpy(bad, gz, sizeof gz);
    bad[19] ^= 1; // the check sum
    n = sizeof out;
    assert_int_equal(piv_inflate(rd_of(bad, sizeof bad), out, &n), E_MALFORMED);
    n = 4;
    assert_int_equal(piv_inflate(rd_of(gz, sizeof gz), out, &n), E_BUFFER);
    uint8_t longer[sizeof gz + 1] = {0};
    memcpy(longer, gz, sizeof gz);
    n = sizeof out;
    assert_int_equal(piv_inflate(rd_of(longer, sizeof longer), out, &n), E_MALFORMED);
}

// Appendix A, table 9.
static void chuids(void **unused)
{
    (void)unused;
    struct piv_chuid c;
    uint8_t buf[128];
    uint8_t guid[PIV_GUID_SIZE] = {0xAA};
    struct wr w = wr_of(buf, sizeof buf);
    struct rd all = {NULL, 0};
    assert_true(piv_chuid_build(&w, guid, "20351231") && wr_done(&w, &all));
    assert_int_equal(all.n, 59);
    assert_true(piv_chuid_parse(all, &c));
    assert_true(c.has_guid);
    assert_memory_equal(c.guid, guid, PIV_GUID_SIZE);
    assert_int_equal(c.fascn.n, 25);
    assert_true(rd_is(c.expiry, "20351231", 8));
    // A GUID of zeros, as cards without one carry it, identifies nobody.
    memset(guid, 0, sizeof guid);
    w = wr_of(buf, sizeof buf);
    assert_true(piv_chuid_build(&w, guid, "20351231") && wr_done(&w, &all));
    assert_true(piv_chuid_parse(all, &c));
    assert_false(c.has_guid);
    assert_true(piv_chuid_parse(rd_of("\x34\x03\x01\x02\x03", 5), &c)); // a GUID of another size is none
    assert_false(c.has_guid);
    assert_false(piv_chuid_parse(rd_of(buf, 30), &c));
    assert_null(c.fascn.p);
}

// Part 1, 3.3.3: the URL stands there only when certificates are off the card.
static void key_histories(void **unused)
{
    (void)unused;
    struct piv_key_history h;
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct rd all = {NULL, 0};
    assert_true(piv_key_history_parse(rd_of("\xC1\x01\x03\xC2\x01\x02\xF3\x04http\xFE\x00", 14), &h));
    assert_true(h.on_card == 3 && h.off_card == 2 && rd_is(h.url, "http", 4));
    assert_false(piv_key_history_parse(rd_of("\xC1\x01\x0B\xC2\x01\x0A", 6), &h));
    assert_int_equal(h.on_card, 0);
    assert_false(piv_key_history_parse(rd_of("\xC1\x02\x00\x03", 4), &h));
    h = (struct piv_key_history){.on_card = 5, .url = rd_of("x", 1)};
    assert_true(piv_key_history_build(&w, &h) && wr_done(&w, &all));
    assert_true(rd_is(all, "\xC1\x01\x05\xC2\x01\x00\xFE\x00", 8));
}

// Part 1, 3.3.2.
static void discoveries(void **unused)
{
    (void)unused;
    struct piv_discovery d;
#define AID "\x4F\x0B\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x01\x00\x5F\x2F\x02"
    assert_true(piv_discovery_parse(rd_of(AID "\x40\x00", 18), &d));
    assert_false(d.global_pin || d.global_first || d.occ);
    assert_true(piv_discovery_parse(rd_of(AID "\x60\x10", 18), &d));
    assert_true(d.global_pin && !d.global_first);
    assert_true(piv_discovery_parse(rd_of(AID "\x60\x20", 18), &d));
    assert_true(d.global_pin && d.global_first);
    assert_false(piv_discovery_parse(rd_of("\x4F\x05\xA0\x00\x00\x05\x27\x5F\x2F\x02\x40\x00", 12), &d));
}

static void the_tables_agree_with_themselves(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < PIV_SLOTS; i++) {
        const struct piv_slot *s = piv_slot_at(i);
        assert_ptr_equal(piv_slot_by_ref(s->ref), s);
        assert_ptr_equal(piv_slot_by_object(s->object), s);
        assert_ptr_equal(piv_slot_by_name(s->word), s);
        char hex[5];
        snprintf(hex, sizeof hex, "%02x", s->ref);
        assert_ptr_equal(piv_slot_by_name(hex), s);
        snprintf(hex, sizeof hex, "0x%02X", s->ref);
        assert_ptr_equal(piv_slot_by_name(hex), s);
        const struct piv_object *o = piv_object_by_tag(s->object);
        assert_non_null(o);
        assert_true(o->certificate && o->oid);
    }
    assert_null(piv_slot_at(PIV_SLOTS));
    assert_null(piv_slot_by_name("9"));
    assert_null(piv_slot_by_name(""));
    assert_null(piv_slot_by_name("9b"));
    assert_null(piv_slot_by_name("9a "));
    // Part 1, table 4b and 3.2: the ends of the retired slots.
    assert_int_equal(piv_slot_by_ref(0x82)->object, 0x5FC10D);
    assert_int_equal(piv_slot_by_ref(0x95)->object, 0x5FC120);
    assert_int_equal(piv_slot_by_ref(0x95)->retired, 20);
    const struct piv_algorithm *a;
    for (size_t i = 0; (a = piv_algorithm_at(i)) != NULL; i++) {
        assert_ptr_equal(piv_algorithm_by_id(a->id), a);
        assert_ptr_equal(piv_algorithm_by_name(a->name), a);
        assert_true(a->kind == PIV_ED25519 || a->kind == PIV_X25519 ||
                    piv_algorithm_by(a->kind, a->bits) == a);
    }
    assert_string_equal(piv_object_by_tag(PIV_TAG_CHUID)->oid, "2.16.840.1.101.3.7.48.0");
    assert_true(piv_object_by_tag(PIV_TAG_PRINTED)->pin);
}

#define CHUID_WITH_GUID                                                                                      \
    {                                                                                                        \
        .command = "00CB3FFF00 0005 5C035FC102 0000",                                                        \
        .reply = "5312 3410 000102030405060708090A0B0C0D0E0F 9000"                                           \
    }
#define NO_CHUID                                                                                             \
    {                                                                                                        \
        .command = "00CB3FFF00 0005 5C035FC102 0000", .reply = "6A82"                                        \
    }
#define SERIAL                                                                                               \
    {                                                                                                        \
        .command = "00F8000000", .reply = "00989680 9000"                                                    \
    }

static void who_a_card_is(void **unused)
{
    (void)unused;
    struct dialogue d;
    struct card_identity a;
    struct card_identity b;
    START(&d, CHUID_WITH_GUID);
    assert_int_equal(piv_identity(&d.card, &a), E_OK);
    assert_true(a.kind == IDENTITY_GUID && a.len == 16 && a.bytes[15] == 15);
    dialogue_end(&d);

    dialogue_start(&d, STEPS(SERIAL), YUBIKEY_ATR);
    assert_int_equal(piv_identity(&d.card, &b), E_OK);
    assert_true(b.kind == IDENTITY_SERIAL && b.len == 4 && b.bytes[3] == 0x80);
    dialogue_end(&d);
    assert_true(card_identity_same(&b, &b));
    assert_false(card_identity_same(&a, &b));

    // Neither: nobody, not even itself; and the serial isn't asked for twice.
    START(&d, NO_CHUID, {.command = "00F8000000", .reply = "6D00"}, NO_CHUID);
    assert_int_equal(piv_identity(&d.card, &a), E_OK);
    assert_int_equal(a.kind, IDENTITY_NONE);
    assert_false(card_identity_same(&a, &a));
    assert_int_equal(piv_identity(&d.card, &a), E_OK);
    dialogue_end(&d);

    // A card that goes away in the middle is no blank card.
    START(&d, {.command = "00CB*", .error = E_EXCHANGED});
    assert_int_equal(piv_identity(&d.card, &a), E_EXCHANGED);
    assert_int_equal(a.kind, IDENTITY_NONE);
    dialogue_end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates),  cmocka_unit_test(compressed_data_of_foreign_tools),
        cmocka_unit_test(chuids),        cmocka_unit_test(key_histories),
        cmocka_unit_test(discoveries),   cmocka_unit_test(the_tables_agree_with_themselves),
        cmocka_unit_test(who_a_card_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
