// The desk's readers: DER, PKIMessage headers, UTF-8 and names, right and wrong.
// Vectors: X.690 8.1.3 and 10.1 (lengths), RFC 4210 5.1 (header), RFC 3629 clauses 3 and 10 (UTF-8).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dn.h"
#include "header.h"
#include "utf8.h"

struct element {
    const char *bytes;
    size_t length;
    bool good;
};

static void lengths_must_be_definite_minimal_and_inside(void **state)
{
    static const struct element rows[] = {
        {"\x04\x01\x41", 3, true},
        {"\x04\x00", 2, true},
        {"\x04\x02\x41", 3, false},
        {"\x04\x80\x41\x00\x00", 5, false},
        {"\x04\x81\x01\x41", 4, false},
        {"\x04\x82\x00\x81", 4, false},
        {"\x04\x84\xFF\xFF\xFF\xFF", 6, false},
        {"\x04\x85\x00\x00\x00\x00\x01\x41", 8, false},
        {"\x1F\x81\x01\x00", 4, false},
        {"\x04", 1, false},
        {"", 0, false},
        {"\x04\x83\x01", 3, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct der view = der_of(rows[i].bytes, rows[i].length);
        struct der value;
        unsigned tag = 0;
        assert_int_equal(der_any(&view, &tag, &value, NULL), rows[i].good);
        // Whole, or nothing changed.
        assert_int_equal(view.left, rows[i].good ? 0 : rows[i].length);
        assert_ptr_equal(view.at, rows[i].bytes + (rows[i].good ? rows[i].length : 0));
    }
}

static void integers_must_be_small_and_minimal(void **state)
{
    int number = -7;
    struct der view = der_of("\x02\x02\x00\x80", 4);
    (void)state;
    assert_true(der_small(&view, &number));
    assert_int_equal(number, 128);
    static const struct element bad[] = {
        {"\x02\x00", 2, false},         {"\x02\x01\xFF", 3, false},
        {"\x02\x02\x00\x7F", 4, false}, {"\x02\x05\x00\x80\x00\x00\x00", 7, false},
        {"\x04\x01\x01", 3, false},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        view = der_of(bad[i].bytes, bad[i].length);
        assert_false(der_small(&view, &number));
        assert_int_equal(number, 128);
    }
}

// A PKIMessage by hand: pvno 2, NULL-DN sender and recipient, PBM, senderKID "77", transactionID, nonce,
// body genm [21] with an empty SEQUENCE, protection.
#define NAME    0xA4, 0x02, 0x30, 0x00
#define PBM     0xA1, 0x0D, 0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF6, 0x7D, 0x07, 0x42, 0x0D
#define KID     0xA2, 0x04, 0x04, 0x02, 0x37, 0x37
#define ID      0xA4, 0x03, 0x04, 0x01, 0x55
#define NONCE   0xA5, 0x03, 0x04, 0x01, 0x66
#define BODY    0xB5, 0x02, 0x30, 0x00
#define PROTECT 0xA0, 0x04, 0x03, 0x02, 0x00, 0xAA

static const unsigned char message[] = {0x30, 0x36, 0x30, 0x2A,  0x02, 0x01,    0x02, NAME, NAME,
                                        PBM,  KID,  ID,   NONCE, BODY, PROTECT, 0x00, 0x00};
#define MESSAGE (sizeof message - 2)

static void a_header_is_read(void **state)
{
    struct header header;
    (void)state;
    assert_true(header_read(message, MESSAGE, &header));
    assert_int_equal(header.pvno, 2);
    assert_int_equal(header.protection, HEADER_BY_MAC);
    assert_true(der_equal(&header.sender_kid, "77", 2));
    assert_true(der_equal(&header.transaction_id, "\x55", 1));
    assert_true(der_equal(&header.sender_nonce, "\x66", 1));
    assert_int_equal(header.recip_nonce.left, 0);
    assert_int_equal(header.body, 21);
    assert_true(der_equal(&header.content, "\x30\x00", 2));
}

static void a_cut_or_longer_message_is_refused(void **state)
{
    struct header header;
    static const struct header nothing;
    (void)state;
    for (size_t length = 0; length < MESSAGE; length++) {
        assert_false(header_read(message, length, &header));
        assert_memory_equal(&header, &nothing, sizeof header);
    }
    assert_false(header_read(message, MESSAGE + 1, &header));
}

static void fields_out_of_order_or_twice_are_refused(void **state)
{
    struct header header;
    static const unsigned char swapped[] = {0x30, 0x22, 0x30, 0x1C, 0x02,  0x01, 0x02,
                                            NAME, NAME, ID,   KID,  NONCE, BODY, 0x00};
    static const unsigned char twice[] = {0x30, 0x1B, 0x30, 0x15, 0x02, 0x01, 0x02, NAME, NAME, ID, ID, BODY};
    static const unsigned char once[] = {0x30, 0x16, 0x30, 0x10, 0x02, 0x01, 0x02, NAME, NAME, ID, BODY};
    static const unsigned char no_such[] = {0x30, 0x16, 0x30, 0x10, 0x02, 0x01, 0x02,
                                            NAME, NAME, ID,   0xBB, 0x02, 0x30, 0x00};
    static const unsigned char more[] = {0x30, 0x18, 0x30, 0x10, 0x02, 0x01, 0x02,
                                         NAME, NAME, ID,   BODY, 0x05, 0x00};
    (void)state;
    assert_false(header_read(swapped, sizeof swapped - 1, &header));
    assert_false(header_read(twice, sizeof twice, &header));
    assert_false(header_read(no_such, sizeof no_such, &header));
    assert_false(header_read(more, sizeof more, &header));
    assert_true(header_read(once, sizeof once, &header));
    assert_int_equal(header.protection, HEADER_UNPROTECTED);
}

static void text_must_be_well_formed(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"", true},
        {"Hong Gildong", true},
        {"홍길동", true},
        {"\xF0\x9F\x94\x91", true},
        {"\xC0\x80", false},
        {"\xED\xA0\x80", false},
        {"\xF4\x90\x80\x80", false},
        {"\xE2\x82", false},
        {"\xFF", false},
        {"a\nb", false},
        {"\x7F", false},
        {"\xC2\x9B", false},
        {"\xEF\xBF\xBF", false},
        {"\x80", false},
        {"\xE0\x80\xAF", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(utf8_is_text(rows[i].text), rows[i].good);
}

static void a_name_is_read(void **state)
{
    X509_NAME *name = NULL;
    struct fail fail = {0};
    char line[256];
    (void)state;
    assert_true(dn_parse("/C=KR/O=A\\/B/CN=홍길동", &name, &fail));
    dn_line(name, line, sizeof line);
    assert_string_equal(line, "CN=홍길동,O=A/B,C=KR");
    const ASN1_STRING *common = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, 2));
    assert_int_equal(ASN1_STRING_type(common), V_ASN1_UTF8STRING);
    assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, 0))),
                     V_ASN1_PRINTABLESTRING);
    X509_NAME_free(name);
}

static void bad_names_say_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"CN=x", "begin with '/'"},      {"", "begin with '/'"},
        {"/CN", "without '='"},          {"/CN=", "is empty"},
        {"/XX=y", "unknown attribute"},  {"/C=KOR", "cannot be"},
        {"/CN=\xFF", "not valid UTF-8"}, {"/CN=a//O=b", "without '='"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        X509_NAME *name = NULL;
        struct fail fail = {0};
        assert_false(dn_parse(rows[i].text, &name, &fail));
        assert_null(name);
        assert_int_equal(fail.code, FAIL_USAGE);
        assert_non_null(strstr(fail.text, rows[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_must_be_definite_minimal_and_inside),
        cmocka_unit_test(integers_must_be_small_and_minimal),
        cmocka_unit_test(a_header_is_read),
        cmocka_unit_test(a_cut_or_longer_message_is_refused),
        cmocka_unit_test(fields_out_of_order_or_twice_are_refused),
        cmocka_unit_test(text_must_be_well_formed),
        cmocka_unit_test(a_name_is_read),
        cmocka_unit_test(bad_names_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
