// Nothing that comes from a card steers the terminal, and nothing harmless is changed.
#include "tool_cmocka.h"

#include "output.h"
#include "run.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void escapes(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"card one", "card one"},
        {"홍길동 é 𝄞", "홍길동 é 𝄞"},
        {"\x1b[2Jgone", "\\x1B[2Jgone"},
        {"a\tb\r\n", "a\\x09b\\x0D\\x0A"},
        {"\x7f", "\\x7F"},
        {"\xc2\x9b"
         "31m",
         "\\u{009B}31m"}, // C1: CSI
        {"a\xe2\x80\xae"
         "b",
         "a\\u{202E}b"},                    // right-to-left override
        {"\xe2\x80\xa8", "\\u{2028}"},      // line separator
        {"\xef\xbb\xbf", "\\u{FEFF}"},      // byte order mark
        {"\xf3\xa0\x81\x81", "\\u{E0041}"}, // a tag character
        {"\xff\xfe", "\\xFF\\xFE"},
        {"\xc0\xaf", "\\xC0\\xAF"},                   // overlong
        {"\xed\xa0\x80", "\\xED\\xA0\\x80"},          // surrogate
        {"\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"}, // beyond Unicode
        {"\xe2\x82", "\\xE2\\x82"},                   // cut short
        {"\x80", "\\x80"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[64];
        assert_int_equal(text_escape(out, sizeof out, rows[i].in), strlen(rows[i].out));
        assert_string_equal(out, rows[i].out);
    }
}

// Every size of buffer: terminated, within bounds, never half a character.
static void bounded(void **state)
{
    (void)state;
    static const char in[] = "홍\x1b길";
    char whole[32];
    size_t all = text_escape(whole, sizeof whole, in);
    for (size_t size = 0; size <= all + 1; size++) {
        char *out = malloc(size + 1);
        assert_non_null(out);
        memset(out, 0x55, size + 1);
        assert_int_equal(text_escape(out, size, in), all);
        assert_int_equal(out[size], 0x55);
        if (size > 0) {
            assert_true(strlen(out) < size);
            assert_memory_equal(out, whole, strlen(out));
            unsigned long point;
            for (const char *p = out; *p != '\0'; p += text_decode(p, &point))
                assert_int_not_equal(text_decode(p, &point), 0);
        }
        free(out);
    }
}

static void json_is_utf8(void **state)
{
    (void)state;
    json_t *string = json_text("a\xff\xc2\x9b홍");
    assert_non_null(string);
    assert_string_equal(json_string_value(string), "a\xef\xbf\xbd\xc2\x9b홍");
    json_decref(string);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(bounded),
        cmocka_unit_test(json_is_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
