// Options: by rows, in any order, with clear refusals.
#include "tool_cmocka.h"

#include "help.h"
#include "options.h"
#include "run.h"

#include <string.h>

static const struct option_row *const lists[] = {options_pin, options_admin, options_token, options_any,
                                                 NULL};

static enum exit_code parse(struct options *out, struct fault *fault, const char *const *words)
{
    int n = 0;
    memset(out, 0, sizeof *out);
    fault_clear(fault);
    while (words[n] != NULL)
        n++;
    return options_parse(out, n, (char *const *)(uintptr_t)words, lists, fault);
}

#define PARSE(...) parse(&options, &fault, (const char *const[]){__VA_ARGS__, NULL})

static void both_forms_of_a_value(void **state)
{
    (void)state;
    struct options options;
    struct fault fault;
    assert_int_equal(PARSE("--token", "one", "9a", "--pin-file=pin", "--yes"), EXIT_OK);
    assert_string_equal(options.token, "one");
    assert_string_equal(options.pin_file, "pin");
    assert_true(options.yes);
    assert_int_equal(options.operands, 1);
    assert_string_equal(options.operand[0], "9a");
    assert_false(options.json);
}

static void serial_is_token(void **state)
{
    (void)state;
    struct options options;
    struct fault fault;
    assert_int_equal(PARSE("--serial", "77"), EXIT_OK);
    assert_string_equal(options.token, "77");
}

static void after_two_dashes_all_are_operands(void **state)
{
    (void)state;
    struct options options;
    struct fault fault;
    assert_int_equal(PARSE("--", "--yes", "-x"), EXIT_OK);
    assert_false(options.yes);
    assert_int_equal(options.operands, 2);
    assert_string_equal(options.operand[1], "-x");
}

static void numbers_have_bounds(void **state)
{
    (void)state;
    struct options options;
    struct fault fault;
    assert_int_equal(PARSE("--pin-fd", "3"), EXIT_OK);
    assert_int_equal(options.pin_fd, 3);
    assert_true(options.pin_fd_given);
    static const char *const bad[] = {"", "-1", "+1", "1024", "3x", "x", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(PARSE("--pin-fd", bad[i]), EXIT_USAGE);
        assert_int_equal(fault.code, EXIT_USAGE);
    }
}

static void refusals_are_usage(void **state)
{
    (void)state;
    struct options options;
    struct fault fault;
    assert_int_equal(PARSE("--pin", "123456"), EXIT_USAGE);
    assert_non_null(strstr(fault.what, "--pin "));
    assert_null(strstr(fault.what, "123456"));
    assert_int_equal(PARSE("--pin=123456"), EXIT_USAGE);
    assert_null(strstr(fault.what, "123456")); // a secret that went astray is not repeated
    assert_int_equal(PARSE("--yes=no"), EXIT_USAGE);
    assert_int_equal(PARSE("--token"), EXIT_USAGE);
    assert_int_equal(PARSE("--token="), EXIT_USAGE);
    assert_int_equal(PARSE("-y"), EXIT_USAGE);
    assert_int_equal(PARSE("a", "b", "c", "d", "e"), EXIT_USAGE);
}

// A name that stands for two things would be read as the first row's.
static void rows_name_each_option_once(void **state)
{
    (void)state;
    for (size_t c = 0; commands[c] != NULL; c++) {
        const struct option_row *all[HELP_LISTS];
        const char *seen[128];
        size_t n = 0;
        help_lists(commands[c], all);
        for (size_t i = 0; all[i] != NULL; i++)
            for (const struct option_row *row = all[i]; row->name != NULL; row++) {
                for (size_t k = 0; k < n; k++)
                    assert_string_not_equal(seen[k], row->name);
                assert_true(n < 128);
                seen[n++] = row->name;
                assert_non_null(row->help);
                assert_int_equal(row->kind == OPTION_FLAG, row->value == NULL);
            }
    }
}

// No option takes a secret itself: where one is needed, a file or a descriptor is named.
static void no_option_takes_a_secret(void **state)
{
    (void)state;
    static const char *const secrets[] = {"pin", "puk", "code", "admin-key", "new-pin", "password"};
    for (size_t c = 0; commands[c] != NULL; c++) {
        const struct option_row *all[HELP_LISTS];
        help_lists(commands[c], all);
        for (size_t i = 0; all[i] != NULL; i++)
            for (const struct option_row *row = all[i]; row->name != NULL; row++)
                for (size_t k = 0; k < sizeof secrets / sizeof secrets[0]; k++)
                    assert_string_not_equal(row->name, secrets[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_a_value),
        cmocka_unit_test(serial_is_token),
        cmocka_unit_test(after_two_dashes_all_are_operands),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(refusals_are_usage),
        cmocka_unit_test(rows_name_each_option_once),
        cmocka_unit_test(no_option_takes_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
