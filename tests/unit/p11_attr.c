// The attribute engine by the standard's footnotes: building, reading, matching and changing objects.
#include "object/attr.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static CK_OBJECT_CLASS secret = CKO_SECRET_KEY, data = CKO_DATA, public = CKO_PUBLIC_KEY;
static CK_KEY_TYPE aes = CKK_AES, rsa = CKK_RSA;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE value[16] = "0123456789abcde";

#define UNKNOWN CK_UNAVAILABLE_INFORMATION
#define BUILD(templ, how, so, out)                                                                           \
    attr_build(templ, sizeof(templ) / sizeof((templ)[0]), how, UNKNOWN, UNKNOWN, so, out)

static struct object *make_secret(CK_BBOOL sensitive, CK_BBOOL extractable)
{
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret, sizeof secret},
                            {CKA_KEY_TYPE, &aes, sizeof aes},
                            {CKA_VALUE, value, sizeof value},
                            {CKA_SENSITIVE, &sensitive, 1},
                            {CKA_EXTRACTABLE, &extractable, 1}};
    struct object *o;
    assert_int_equal(BUILD(templ, ATTR_CREATE, false, &o), CKR_OK);
    return o;
}

static void test_missing(void **state)
{
    (void)state;
    struct object *o = (void *)1;
    CK_ATTRIBUTE no_class[] = {{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE, value, sizeof value}};
    assert_int_equal(BUILD(no_class, ATTR_CREATE, false, &o), CKR_TEMPLATE_INCOMPLETE);
    assert_null(o);
    CK_ATTRIBUTE no_type[] = {{CKA_CLASS, &secret, sizeof secret}, {CKA_VALUE, value, sizeof value}};
    assert_int_equal(BUILD(no_type, ATTR_CREATE, false, &o), CKR_TEMPLATE_INCOMPLETE);
    CK_ATTRIBUTE no_value[] = {{CKA_CLASS, &secret, sizeof secret}, {CKA_KEY_TYPE, &aes, sizeof aes}};
    assert_int_equal(BUILD(no_value, ATTR_CREATE, false, &o), CKR_TEMPLATE_INCOMPLETE);
    CK_ATTRIBUTE no_exponent[] = {{CKA_CLASS, &public, sizeof public},
                                  {CKA_KEY_TYPE, &rsa, sizeof rsa},
                                  {CKA_MODULUS, value, sizeof value}};
    assert_int_equal(BUILD(no_exponent, ATTR_CREATE, false, &o), CKR_TEMPLATE_INCOMPLETE);
}

static void test_refused(void **state)
{
    (void)state;
    struct object *o;
    CK_ULONG bits = 128, strange_class = 0x7777;
    CK_ATTRIBUTE local[] = {{CKA_CLASS, &secret, sizeof secret},
                            {CKA_KEY_TYPE, &aes, sizeof aes},
                            {CKA_VALUE, value, sizeof value},
                            {CKA_LOCAL, &yes, 1}};
    assert_int_equal(BUILD(local, ATTR_CREATE, false, &o), CKR_ATTRIBUTE_READ_ONLY); // footnote 2
    local[3] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits};
    assert_int_equal(BUILD(local, ATTR_CREATE, false, &o), CKR_ATTRIBUTE_TYPE_INVALID);
    local[3] = (CK_ATTRIBUTE){CKA_SIGN, &bits, sizeof bits};
    assert_int_equal(BUILD(local, ATTR_CREATE, false, &o), CKR_ATTRIBUTE_VALUE_INVALID);
    local[3] = (CK_ATTRIBUTE){CKA_SIGN, NULL, 1};
    assert_int_equal(BUILD(local, ATTR_CREATE, false, &o), CKR_ATTRIBUTE_VALUE_INVALID);
    local[3] = (CK_ATTRIBUTE){CKA_VALUE, value, 8};
    assert_int_equal(BUILD(local, ATTR_CREATE, false, &o), CKR_TEMPLATE_INCONSISTENT); // twice
    local[3] = (CK_ATTRIBUTE){CKA_TRUSTED, &yes, 1};
    assert_int_equal(BUILD(local, ATTR_CREATE, false, &o), CKR_ATTRIBUTE_READ_ONLY); // footnote 10
    assert_int_equal(BUILD(local, ATTR_CREATE, true, &o), CKR_OK);
    object_unref(o);
    CK_ATTRIBUTE strange[] = {{CKA_CLASS, &strange_class, sizeof strange_class}};
    assert_int_equal(BUILD(strange, ATTR_CREATE, false, &o), CKR_ATTRIBUTE_VALUE_INVALID);
    CK_ATTRIBUTE huge[] = {{CKA_CLASS, &data, sizeof data}, {CKA_VALUE, value, UNKNOWN}};
    assert_int_equal(BUILD(huge, ATTR_CREATE, false, &o), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void test_generate(void **state)
{
    (void)state;
    struct object *o;
    CK_ULONG len = 16;
    CK_ATTRIBUTE good[] = {{CKA_VALUE_LEN, &len, sizeof len}};
    assert_int_equal(attr_build(good, 1, ATTR_GENERATE, CKO_SECRET_KEY, CKK_AES, false, &o), CKR_OK);
    object_unref(o);
    assert_int_equal(attr_build(NULL, 0, ATTR_GENERATE, CKO_SECRET_KEY, CKK_AES, false, &o),
                     CKR_TEMPLATE_INCOMPLETE);
    CK_ATTRIBUTE with_value[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_VALUE, value, sizeof value}};
    assert_int_equal(attr_build(with_value, 2, ATTR_GENERATE, CKO_SECRET_KEY, CKK_AES, false, &o),
                     CKR_ATTRIBUTE_READ_ONLY); // footnote 4
    CK_ATTRIBUTE other[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_CLASS, &data, sizeof data}};
    assert_int_equal(attr_build(other, 2, ATTR_GENERATE, CKO_SECRET_KEY, CKK_AES, false, &o),
                     CKR_TEMPLATE_INCONSISTENT);
}

static void test_reading(void **state)
{
    (void)state;
    struct object *o = make_secret(CK_FALSE, CK_TRUE);
    CK_BYTE small[4], room[32];
    CK_BBOOL flag = 9;
    CK_ATTRIBUTE templ[] = {{CKA_VALUE, NULL, 0},
                            {CKA_MODULUS, room, sizeof room},
                            {CKA_VALUE, small, sizeof small},
                            {CKA_VALUE, room, sizeof room},
                            {CKA_SENSITIVE, &flag, 1}};
    assert_int_equal(attr_read(o, templ, 1), CKR_OK);
    assert_int_equal(templ[0].ulValueLen, 16);
    assert_int_equal(attr_read(o, templ, 2), CKR_ATTRIBUTE_TYPE_INVALID);
    templ[1].ulValueLen = sizeof room;
    CK_RV rv = attr_read(o, templ, 5);
    assert_true(rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL);
    assert_int_equal(templ[1].ulValueLen, UNKNOWN); // the others are worked through all the same
    assert_int_equal(templ[2].ulValueLen, UNKNOWN);
    assert_int_equal(templ[3].ulValueLen, 16);
    assert_memory_equal(room, value, 16);
    assert_int_equal(flag, CK_FALSE);
    object_unref(o);
}

static void test_secrets(void **state)
{
    (void)state;
    static const CK_BBOOL kinds[][2] = {{CK_TRUE, CK_TRUE}, {CK_FALSE, CK_FALSE}, {CK_TRUE, CK_FALSE}};
    for (size_t i = 0; i < 3; i++) { // footnote 7: sensitive, or not extractable
        struct object *o = make_secret(kinds[i][0], kinds[i][1]);
        CK_BYTE room[32] = "untouched";
        CK_ATTRIBUTE a = {CKA_VALUE, room, sizeof room}, same = {CKA_VALUE, value, sizeof value};
        assert_int_equal(attr_read(o, &a, 1), CKR_ATTRIBUTE_SENSITIVE);
        assert_int_equal(a.ulValueLen, UNKNOWN);
        assert_string_equal((char *)room, "untouched");
        assert_false(attr_match(o, &same, 1)); // or a search would find the value out
        object_unref(o);
    }
}

static void test_matching(void **state)
{
    (void)state;
    struct object *o = object_new(attr_rows_of(CKO_CERTIFICATE, CKC_X_509));
    CK_BYTE serial[] = {0x02, 0x02, 0x03, 0xE9};
    CK_OBJECT_CLASS certificate = CKO_CERTIFICATE;
    assert_true(object_set(o, CKA_SERIAL_NUMBER, serial, sizeof serial));
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &certificate, sizeof certificate},
                            {CKA_SERIAL_NUMBER, serial, sizeof serial}};
    assert_true(attr_match(o, templ, 2));
    assert_true(attr_match(o, NULL, 0));
    templ[1] = (CK_ATTRIBUTE){CKA_SERIAL_NUMBER, serial + 2, 2}; // NSS asks with the bare number, too
    assert_true(attr_match(o, templ, 2));
    templ[1] = (CK_ATTRIBUTE){CKA_SERIAL_NUMBER, serial + 2, 1};
    assert_false(attr_match(o, templ, 2));
    templ[1] = (CK_ATTRIBUTE){CKA_MODULUS, serial, 2}; // no such attribute
    assert_false(attr_match(o, templ, 2));
    object_unref(o);
}

static void test_changing(void **state)
{
    (void)state;
    struct object *o = make_secret(CK_FALSE, CK_TRUE);
    CK_ATTRIBUTE label = {CKA_LABEL, value, 4}, sensitive = {CKA_SENSITIVE, &yes, 1},
                 back = {CKA_SENSITIVE, &no, 1}, key_type = {CKA_KEY_TYPE, &rsa, sizeof rsa},
                 token = {CKA_TOKEN, &yes, 1};
    assert_int_equal(attr_may_set(o, &label, 1, false, false), CKR_OK);
    assert_int_equal(attr_set(o, &label, 1), CKR_OK);
    assert_int_equal(object_get(o, CKA_LABEL).n, 4);
    assert_int_equal(attr_may_set(o, &key_type, 1, false, false), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(attr_may_set(o, &token, 1, false, false), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(attr_may_set(o, &token, 1, false, true), CKR_OK); // a copy may be another kind of object
    assert_int_equal(attr_may_set(o, &sensitive, 1, false, false), CKR_OK);
    assert_int_equal(attr_set(o, &sensitive, 1), CKR_OK);
    assert_int_equal(attr_may_set(o, &back, 1, false, false), CKR_ATTRIBUTE_READ_ONLY); // footnote 11
    assert_int_equal(attr_may_set(o, &back, 1, false, true), CKR_ATTRIBUTE_READ_ONLY);
    assert_true(object_set_bool(o, CKA_MODIFIABLE, false));
    assert_int_equal(attr_may_set(o, &label, 1, false, false), CKR_ACTION_PROHIBITED);
    object_unref(o);
}

static void test_rows(void **state)
{
    (void)state;
    const struct attr_rows *rows;
    for (size_t i = 0; (rows = attr_rows_at(i)) != NULL; i++) {
        // Clients give up on a certificate or key where one of these is unknown.
        static const CK_ATTRIBUTE_TYPE needed[] = {CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_LABEL,
                                                   CKA_MODIFIABLE};
        for (size_t j = 0; rows->class != CKO_HW_FEATURE && j < 5; j++)
            assert_non_null(attr_row(rows, needed[j]));
        struct object *o = object_new(rows);
        assert_int_equal(object_class(o), rows->class);
        assert_int_equal(object_ulong(o, CKA_CLASS), rows->class);
        object_unref(o);
    }
    assert_null(attr_rows_of(CKO_SECRET_KEY, CKK_DES));
    assert_null(attr_rows_of(CKO_MECHANISM, 0));
    assert_ptr_equal(attr_row(attr_rows_of(CKO_PRIVATE_KEY, CKK_EC), CKA_ALWAYS_AUTHENTICATE)->name,
                     attr_row(attr_rows_of(CKO_PRIVATE_KEY, CKK_RSA), CKA_ALWAYS_AUTHENTICATE)->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),  cmocka_unit_test(test_refused), cmocka_unit_test(test_generate),
        cmocka_unit_test(test_reading),  cmocka_unit_test(test_secrets), cmocka_unit_test(test_matching),
        cmocka_unit_test(test_changing), cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
