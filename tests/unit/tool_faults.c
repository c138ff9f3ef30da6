// Exit codes as documented, and faults that keep the first word.
#include "tool_cmocka.h"

#include "fault.h"

#include <p11-kit/pkcs11.h>
#include <string.h>

// From the table that users read (docs/ingam.1), not from the tool's.
static void documented_codes(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *name;
    } rows[] = {
        {0, "ok"},       {1, "other"},     {2, "usage"},       {3, "token"},           {4, "pin"},
        {5, "blocked"},  {6, "admin"},     {7, "unsupported"}, {8, "not_found"},       {9, "mismatch"},
        {10, "busy"},    {11, "pcsc"},     {12, "touch"},      {13, "ca_unreachable"}, {14, "ca_refused"},
        {15, "pending"}, {16, "expiring"}, {17, "partly"},     {130, "interrupted"},
    };
    enum exit_code code;
    unsigned n = 0;
    for (; exit_meaning(n, &code) != NULL; n++) {
        assert_true(n < sizeof rows / sizeof rows[0]);
        assert_int_equal(code, rows[n].number);
        assert_string_equal(exit_name(code), rows[n].name);
    }
    assert_int_equal(n, sizeof rows / sizeof rows[0]);
}

static void return_values(void **state)
{
    (void)state;
    static const struct {
        CK_RV rv;
        enum exit_code code;
        const char *name;
    } rows[] = {
        {CKR_PIN_INCORRECT, EXIT_PIN, "CKR_PIN_INCORRECT"},
        {CKR_PIN_LEN_RANGE, EXIT_PIN, "CKR_PIN_LEN_RANGE"},
        {CKR_PIN_LOCKED, EXIT_BLOCKED, "CKR_PIN_LOCKED"},
        {CKR_DEVICE_REMOVED, EXIT_TOKEN, "CKR_DEVICE_REMOVED"},
        {CKR_TOKEN_NOT_PRESENT, EXIT_TOKEN, "CKR_TOKEN_NOT_PRESENT"},
        {CKR_MECHANISM_INVALID, EXIT_UNSUPPORTED, "CKR_MECHANISM_INVALID"},
        {CKR_DEVICE_MEMORY, EXIT_UNSUPPORTED, "CKR_DEVICE_MEMORY"},
        {CKR_GENERAL_ERROR, EXIT_OTHER, "CKR_GENERAL_ERROR"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault fault = {.code = EXIT_OK};
        assert_int_equal(fault_rv(&fault, rows[i].rv, "What %d", 7), rows[i].code);
        assert_string_equal(fault.what, "What 7");
        assert_string_equal(fault.rv_name, rows[i].name);
        assert_non_null(strstr(fault.why, rows[i].name));
    }
    struct fault fault = {.code = EXIT_OK};
    assert_int_equal(fault_rv(&fault, 0x80000001UL, "What"), EXIT_OTHER);
    assert_non_null(strstr(fault.why, "0x80000001"));
    assert_null(fault.rv_name);
}

static void the_first_fault_stands(void **state)
{
    (void)state;
    struct fault fault = {.code = EXIT_OK};
    fault_set(&fault, EXIT_PIN, "first");
    fault_why(&fault, "because");
    assert_int_equal(fault_set(&fault, EXIT_OTHER, "second"), EXIT_PIN);
    assert_int_equal(fault_rv(&fault, CKR_GENERAL_ERROR, "third"), EXIT_PIN);
    fault_why(&fault, "other");
    assert_string_equal(fault.what, "first");
    assert_string_equal(fault.why, "because");
    fault_clear(&fault);
    assert_int_equal(fault.code, EXIT_OK);
    assert_string_equal(fault.what, "");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char text[2 * FAULT_TEXT];
    struct fault fault = {.code = EXIT_OK};
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fault_set(&fault, EXIT_OTHER, "%s", text);
    fault_why(&fault, "%s", text);
    fault_todo(&fault, "%s", text);
    fault_state(&fault, "%s", text);
    assert_int_equal(strlen(fault.what), FAULT_TEXT - 1);
    assert_int_equal(strlen(fault.state), FAULT_TEXT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_codes),
        cmocka_unit_test(return_values),
        cmocka_unit_test(the_first_fault_stands),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
