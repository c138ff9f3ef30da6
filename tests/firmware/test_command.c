/* Command APDUs: the cases of ISO/IEC 7816-4:2013 5.1, short and extended, and what is none of them. */
#include "fw/command.h"
#include "hex.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct expected {
    const char *hex;
    bool valid;
    size_t len, le;
    bool has_le, extended;
};

static const struct expected cases[] = {
    {"00A40400", true, 0, 256, false, false},               /* case 1 */
    {"00CB3FFF00", true, 0, 256, true, false},              /* case 2 */
    {"00CB3FFF08", true, 0, 8, true, false},                /* case 2 */
    {"00DB3FFF02AABB", true, 2, 256, false, false},         /* case 3 */
    {"00DB3FFF02AABB10", true, 2, 16, true, false},         /* case 4 */
    {"00CB3FFF000000", true, 0, 65536, true, true},         /* case 2E */
    {"00CB3FFF000100", true, 0, 256, true, true},           /* case 2E */
    {"00DB3FFF000002AABB", true, 2, 256, false, true},      /* case 3E */
    {"00DB3FFF000002AABB0010", true, 2, 16, true, true},    /* case 4E */
    {"00DB3FFF000002AABB0000", true, 2, 65536, true, true}, /* case 4E */
    {"", false, 0, 0, false, false},
    {"00A404", false, 0, 0, false, false},
    {"00DB3FFF03AABB", false, 0, 0, false, false},
    {"00DB3FFF01AABBCC", false, 0, 0, false, false},
    {"00DB3FFF000000AABB", false, 0, 0, false, false},
    {"00DB3FFF000003AABB", false, 0, 0, false, false},
    {"00DB3FFF000001AABBCCDD", false, 0, 0, false, false},
};

static void parsed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[32];
        struct fw_command c;
        size_t len = hex_parse(cases[i].hex, bytes, sizeof bytes);
        assert_int_equal(fw_command_parse(bytes, len, &c), cases[i].valid);
        if (!cases[i].valid)
            continue;
        assert_int_equal(c.len, cases[i].len);
        assert_int_equal(c.le, cases[i].le);
        assert_int_equal(c.has_le, cases[i].has_le);
        assert_int_equal(c.extended, cases[i].extended);
        assert_ptr_equal(c.data + c.len <= bytes + len ? bytes : NULL, bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parsed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
