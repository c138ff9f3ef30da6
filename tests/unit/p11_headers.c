// The interface that the module declares, against the headers of NSS and pkcs11-helper: values, sizes,
// offsets.
#include "p11_values.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void compare(const struct p11_fact *ours, const struct p11_fact *theirs)
{
    size_t n = 0;
    for (; ours[n].name != NULL; n++) {
        assert_string_equal(ours[n].name, theirs[n].name);
        if (ours[n].value != theirs[n].value)
            fail_msg("%s is %#lx here and %#lx there", ours[n].name, ours[n].value, theirs[n].value);
    }
    print_message("%zu facts agree\n", n);
}

static void test_nss(void **state)
{
    (void)state;
    compare(ours_both, nss_both);
    compare(ours_nss, nss_only);
}

static void test_helper(void **state)
{
    (void)state;
    compare(ours_both, helper_both);
    compare(ours_helper, helper_only);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nss), cmocka_unit_test(test_helper)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
