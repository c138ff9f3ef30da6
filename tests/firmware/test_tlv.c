/* The firmware's TLV: what is whole is split, everything else is refused without reading past the end. */
#include "fw/reply.h"
#include "fw/tlv.h"
#include "hex.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool split(const char *hex, struct fw_tlv_table *table)
{
    uint8_t bytes[256];
    size_t len = hex_parse(hex, bytes, sizeof bytes);
    return fw_tlv_split(bytes, len, table);
}

static void whole(void **state)
{
    struct fw_tlv_table t;
    (void)state;
    assert_true(split("", &t));
    assert_int_equal(t.count, 0);
    assert_true(split("5C 03 5FC105 53 00 7F49 81 02 AABB 5FC101 01 00", &t));
    assert_int_equal(t.count, 4);
    assert_int_equal(fw_tlv_get(&t, 0x5C)->len, 3);
    assert_int_equal(fw_tlv_get(&t, 0x53)->len, 0);
    assert_int_equal(fw_tlv_get(&t, 0x7F49)->len, 2);
    assert_int_equal(fw_tlv_get(&t, 0x5FC101)->len, 1);
    assert_null(fw_tlv_get(&t, 0x54));
}

static void broken(void **state)
{
    static const char *const cases[] = {"5C",     "5C 01",        "7F",          "7F49",
                                        "5F C1",  "5C 80 00",     "5C 82 01",    "5C 83 000001 00",
                                        "5C 81",  "5C 02 00",     "5C 00 5C 00", "5FC1C1C101 00",
                                        "1F8181", "53 82 FFFF 00"};
    struct fw_tlv_table t;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(split(cases[i], &t));
        assert_int_equal(t.count, 0);
    }
}

static void written(void **state)
{
    uint8_t bytes[400], value[300] = {0};
    struct fw_reply r = {.bytes = bytes, .cap = sizeof bytes};
    (void)state;
    size_t mark = fw_open(&r, 0x7C);
    fw_put_tlv(&r, 0x82, value, 127);
    fw_put_tlv(&r, 0x5FC105, value, 128);
    fw_close(&r, mark);
    assert_false(r.full);
    assert_int_equal(r.len, 3 + 1 + 2 + 127 + 3 + 2 + 128 - 0 + 0);
    assert_memory_equal(bytes, "\x7C\x82\x01\x06\x82\x7F", 6);
    fw_put_tlv(&r, 0x53, value, 300);
    assert_true(r.full);
    fw_put_u8(&r, 1);
    assert_true(r.full);
    fw_reply_clear(&r);
    fw_put_tlv(&r, 0x53, value, 256);
    assert_memory_equal(bytes, "\x53\x82\x01\x00", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(broken),
                                       cmocka_unit_test(written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
