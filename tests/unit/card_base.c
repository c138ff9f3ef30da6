// The reader and the writer keep their promises for all input: whole or nothing, and what one writes the
// other reads.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "card/base/secret.h"
#include "card/base/wr.h"

static uint32_t state = 1;

// A small generator of our own: every run tries the same values.
static uint32_t next(uint32_t below)
{
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % below;
}

static void same_view(struct rd a, struct rd b)
{
    assert_ptr_equal(a.p, b.p);
    assert_int_equal(a.n, b.n);
}

static void integers_are_big_endian_and_whole(void **unused)
{
    (void)unused;
    const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A};
    struct rd r = rd_of(bytes, sizeof bytes);
    uint8_t a = 0;
    uint16_t b = 0;
    uint32_t c = 0;
    uint32_t d = 0;
    assert_true(rd_u8(&r, &a) && rd_u16(&r, &b) && rd_u24(&r, &c) && rd_u32(&r, &d));
    assert_int_equal(a, 0x01);
    assert_int_equal(b, 0x0203);
    assert_int_equal(c, 0x040506);
    assert_int_equal(d, 0x0708090A);
    assert_true(rd_end(&r));

    struct rd three = rd_of(bytes, 3);
    struct rd before = three;
    d = 77;
    assert_false(rd_u32(&three, &d));
    assert_int_equal(d, 77);
    same_view(three, before);
}

// ISO/IEC 7816-4 5.2.2: examples of each form of tag and length.
static void tlv_forms(void **unused)
{
    (void)unused;
    static const struct {
        uint8_t bytes[12];
        size_t n;
        uint32_t tag;
        size_t value;
        bool good;
    } rows[] = {
        {{0x53, 0x00}, 2, 0x53, 0, true},
        {{0x53, 0x01, 0xAA}, 3, 0x53, 1, true},
        {{0x53, 0x81, 0x01, 0xAA}, 4, 0x53, 1, true},
        {{0x53, 0x82, 0x00, 0x01, 0xAA}, 5, 0x53, 1, true},
        {{0x53, 0x83, 0x00, 0x00, 0x01, 0xAA}, 6, 0x53, 1, true},
        {{0x53, 0x84, 0x00, 0x00, 0x00, 0x01, 0xAA}, 7, 0x53, 1, true},
        {{0x7F, 0x49, 0x01, 0xAA}, 4, 0x7F49, 1, true},
        {{0x5F, 0x2F, 0x02, 0x40, 0x00}, 5, 0x5F2F, 2, true},
        {{0x5F, 0xC1, 0x05, 0x01, 0xAA}, 5, 0x5FC105, 1, true},
        {{0}, 0, 0, 0, false},
        {{0x53}, 1, 0, 0, false},
        {{0x53, 0x01}, 2, 0, 0, false},
        {{0x53, 0x80, 0x00, 0x00}, 4, 0, 0, false},
        {{0x53, 0x85, 0, 0, 0, 0, 1, 0xAA}, 8, 0, 0, false},
        {{0x53, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1}, 7, 0, 0, false},
        {{0x53, 0x82, 0x01}, 3, 0, 0, false},
        {{0x7F}, 1, 0, 0, false},
        {{0x5F, 0x81, 0x81, 0x01, 0x00}, 5, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rd r = rd_of(rows[i].bytes, rows[i].n);
        struct rd before = r;
        struct rd value = {NULL, 99};
        uint32_t tag = 99;
        assert_int_equal(rd_tlv_any(&r, &tag, &value), rows[i].good);
        assert_int_equal(tag, rows[i].good ? rows[i].tag : 99);
        assert_int_equal(value.n, rows[i].good ? rows[i].value : 99);
        if (rows[i].good)
            assert_true(rd_end(&r));
        else
            same_view(r, before);
    }
}

static void optional_elements(void **unused)
{
    (void)unused;
    const uint8_t bytes[] = {0x81, 0x01, 0xAA, 0x82, 0x00};
    struct rd r = rd_of(bytes, sizeof bytes);
    struct rd v;
    assert_true(rd_tlv_opt(&r, 0x80, &v));
    assert_null(v.p);
    assert_true(rd_tlv_opt(&r, 0x81, &v));
    assert_true(rd_is(v, "\xAA", 1));
    assert_true(rd_tlv_opt(&r, 0x82, &v));
    assert_non_null(v.p);
    assert_true(rd_end(&r));
    assert_true(rd_tlv_opt(&r, 0x83, &v));
    assert_null(v.p);
    const uint8_t broken[] = {0x81, 0x05, 0x00};
    r = rd_of(broken, sizeof broken);
    assert_false(rd_tlv_opt(&r, 0x81, &v));
    assert_int_equal(r.n, 3);
}

// A nested structure of random shape.
static void write_random(struct wr *w, unsigned depth)
{
    static const uint32_t tags[] = {0x53, 0x7C, 0x7F49, 0x5FC105, 0x81, 0xAC};
    static uint8_t filler[70000];
    for (uint32_t i = next(4); i > 0; i--) {
        uint32_t tag = tags[next(6)];
        if (depth > 0 && next(2)) {
            size_t mark = wr_open(w, tag);
            write_random(w, depth - 1);
            wr_close(w, mark);
        } else {
            static const uint32_t sizes[] = {2, 128, 256, 257, 66000};
            wr_tlv(w, tag, rd_of(filler, next(sizes[next(5)])));
        }
    }
}

static void walk(struct rd r, unsigned depth)
{
    while (!rd_end(&r)) {
        uint32_t tag;
        struct rd value;
        assert_true(rd_tlv_any(&r, &tag, &value));
        if (depth > 0 && value.n != 0 && value.p[0] != 0)
            walk(value, depth - 1);
    }
}

static void what_is_written_is_read(void **unused)
{
    (void)unused;
    static uint8_t buf[1 << 22];
    for (int i = 0; i < 300; i++) {
        struct wr w = wr_of(buf, sizeof buf);
        struct rd all;
        write_random(&w, 3);
        assert_true(wr_done(&w, &all));
        assert_int_equal(all.n, w.len);
        walk(all, 3);
    }
}

static void a_full_writer_stays_failed(void **unused)
{
    (void)unused;
    uint8_t buf[9];
    memset(buf, 0xEE, sizeof buf);
    for (size_t cap = 0; cap < 8; cap++) {
        struct wr w = wr_of(buf, cap);
        struct rd out = {buf, 42};
        size_t mark = wr_open(&w, 0x7F49);
        wr_tlv(&w, 0x81, rd_of("abc", 3));
        wr_close(&w, mark);
        wr_u8(&w, 0);
        assert_false(wr_done(&w, &out));
        assert_int_equal(out.n, 42);
        assert_true(w.len <= cap);
        for (size_t i = cap; i < sizeof buf; i++)
            assert_int_equal(buf[i], 0xEE);
        memset(buf, 0xEE, sizeof buf);
    }
    struct wr w = wr_of(buf, 9);
    struct rd out;
    size_t mark = wr_open(&w, 0x7F49);
    wr_tlv(&w, 0x81, rd_of("abc", 3));
    wr_close(&w, mark);
    wr_u8(&w, 0x55);
    assert_true(wr_done(&w, &out));
    assert_true(rd_is(out,
                      "\x7F\x49\x05\x81\x03"
                      "abc\x55",
                      9));
}

// Every reading function, on every cut of random bytes.
static void reads_change_nothing_when_they_fail(void **unused)
{
    (void)unused;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[24];
        uint8_t out[32];
        size_t n = next(sizeof bytes + 1);
        uint8_t *exact = malloc(n + 1); // so that a sanitizer sees a step too far
        assert_non_null(exact);
        for (size_t i = 0; i < n; i++)
            exact[i] = (uint8_t)(next(3) ? next(256) : 0x5F);
        struct rd r = rd_of(exact, n);
        struct rd before = r;
        struct rd v = {NULL, 0};
        uint32_t tag;
        size_t want = next(32);
        bool good = false;
        switch (next(4)) {
        case 0:
            good = rd_tlv_any(&r, &tag, &v);
            break;
        case 1:
            good = rd_take(&r, want, &v);
            break;
        case 2:
            good = rd_copy(&r, out, want);
            break;
        default:
            good = rd_tlv(&r, 0x5F2F, &v);
        }
        if (!good)
            same_view(r, before);
        else
            assert_true(r.n <= before.n && r.p + r.n == before.p + before.n);
        if (good && v.p)
            assert_true(v.p >= exact && v.p + v.n <= exact + n);
        free(exact);
    }
}

static void the_callers_buffer_rule(void **unused)
{
    (void)unused;
    uint8_t out[4] = {9, 9, 9, 9};
    struct rd r = rd_of("abc", 3);
    size_t n = 0;
    assert_int_equal(rd_store(r, NULL, &n), E_OK);
    assert_int_equal(n, 3);
    n = 2;
    assert_int_equal(rd_store(r, out, &n), E_BUFFER);
    assert_int_equal(n, 3);
    assert_int_equal(out[0], 9);
    n = 4;
    assert_int_equal(rd_store(r, out, &n), E_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(out, "abc\x09", 4);
}

// A login belongs to the process that made it: the child of a fork finds nothing.
static void a_child_sees_no_secret(void **unused)
{
    (void)unused;
    struct secret *s = secret_new("123456", 6);
    uint8_t *page = secret_pages(100);
    assert_non_null(s);
    assert_non_null(page);
    page[0] = 0x77;
    pid_t child = fork();
    if (child == 0) {
        struct rd v = secret_view(s);
        _exit(v.p != NULL || v.n != 0 || page[0] != 0 || secret_bytes(s) != NULL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(rd_is(secret_view(s), "123456", 6));
    secret_free(s);
    secret_pages_free(page, 100);
}

static void secrets_compare_by_content(void **unused)
{
    (void)unused;
    assert_true(secret_equal(rd_of("abc", 3), rd_of("abc", 3)));
    assert_false(secret_equal(rd_of("abc", 3), rd_of("abd", 3)));
    assert_false(secret_equal(rd_of("abc", 3), rd_of("ab", 2)));
    assert_true(secret_equal(rd_of(NULL, 0), rd_of(NULL, 0)));
}

static void the_trail_keeps_the_innermost_steps(void **unused)
{
    (void)unused;
    struct err_trail t;
    err_clear(&t);
    assert_int_equal(t.tries, -1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(FAIL(&t, E_IO, "outer"), E_IO);
    assert_int_equal(t.steps, ERR_STEPS);
    assert_int_equal(err_fail(NULL, E_BUSY, "nobody listens"), E_BUSY);
    for (int e = 0; e < ERR_COUNT; e++)
        assert_string_not_equal(err_name((enum err)e), "unknown");
    assert_string_equal(err_name(ERR_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian_and_whole),
        cmocka_unit_test(tlv_forms),
        cmocka_unit_test(optional_elements),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_full_writer_stays_failed),
        cmocka_unit_test(reads_change_nothing_when_they_fail),
        cmocka_unit_test(the_callers_buffer_rule),
        cmocka_unit_test(a_child_sees_no_secret),
        cmocka_unit_test(secrets_compare_by_content),
        cmocka_unit_test(the_trail_keeps_the_innermost_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
