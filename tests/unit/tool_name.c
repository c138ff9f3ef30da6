// Names from text and back.
#include "tool_cmocka.h"

#include "x509/name.h"

#include <string.h>

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *in, *line; // line NULL: refused
    } rows[] = {
        {"/C=KR/O=Ingam/CN=홍길동", "CN=홍길동,O=Ingam,C=KR"},
        {"/CN=a\\/b", "CN=a/b"},
        {"/CN=a\\\\b", "CN=a\\\\b"},
        {"/CN=a=b", "CN=a=b"},
        {"", NULL},
        {"CN=a", NULL},
        {"/", NULL},
        {"/CN=", NULL},
        {"/CN", NULL},
        {"/=a", NULL},
        {"/NOSUCH=a", NULL},
        {"/C=KOR", NULL},
        {"/CN=a\\", NULL},
        {"/CN=\xff", NULL},
        {"/CN=a//CN=b", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[128];
        X509_NAME *name = x509_name_parse(rows[i].in);
        if (rows[i].line == NULL) {
            assert_null(name);
            continue;
        }
        assert_non_null(name);
        x509_name_line(line, sizeof line, name);
        assert_string_equal(line, rows[i].line);
        X509_NAME_free(name);
    }
}

static void a_short_line_is_terminated(void **state)
{
    (void)state;
    char line[5] = "xxxx";
    X509_NAME *name = x509_name_parse("/CN=abcdefgh");
    x509_name_line(line, sizeof line, name);
    assert_string_equal(line, "CN=a");
    X509_NAME_free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(a_short_line_is_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
