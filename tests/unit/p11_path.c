// Removing a padding takes the same path through the code whatever the padding is. The object under test is
// compiled to call us at every branch target; a version that looks at the bytes one by one and stops is seen
// to differ.
#include "mech/mech.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t trace;
static bool tracing;

void __sanitizer_cov_trace_pc(void);
__attribute__((no_sanitize("all"), noinline)) void __sanitizer_cov_trace_pc(void)
{
    if (tracing)
        trace = (trace ^ (uint64_t)(uintptr_t)__builtin_return_address(0)) * UINT64_C(0x100000001B3);
}

CK_RV leaky_decrypt(const uint8_t *block, size_t len, uint8_t *out, size_t *out_len);

typedef CK_RV remove_padding(const uint8_t *block, size_t len, uint8_t *out, size_t *out_len);

static uint64_t path_of(remove_padding *f, const uint8_t *block)
{
    uint8_t out[256];
    size_t n = sizeof out;
    trace = UINT64_C(0xCBF29CE484222325);
    tracing = true;
    (void)f(block, 256, out, &n);
    tracing = false;
    return trace;
}

// Good ones of several lengths, and bad ones of several kinds.
static size_t different_paths(remove_padding *f)
{
    uint64_t seen[16];
    size_t different = 0;
    for (size_t i = 0; i < 16; i++) {
        uint8_t block[256];
        memset(block, 0x55, sizeof block);
        block[0] = i == 1;
        block[1] = i == 2 ? 3 : 2;
        if (i != 3)
            block[i == 4 ? 5 : 11 + 16 * i - (i == 15)] = 0;
        uint64_t path = path_of(f, block);
        bool known = false;
        for (size_t j = 0; j < different; j++)
            known = known || seen[j] == path;
        if (!known)
            seen[different++] = path;
    }
    return different;
}

static void test_constant_path(void **state)
{
    (void)state;
    assert_int_equal(different_paths(pad_pkcs1_decrypt), 1);
}

static void test_a_leaky_one_is_seen(void **state)
{
    (void)state;
    assert_true(different_paths(leaky_decrypt) > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_constant_path),
                                       cmocka_unit_test(test_a_leaky_one_is_seen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
