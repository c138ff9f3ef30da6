// A card that lies: lengths, tags, truncations, 61xx without end, and every answer of an honest dialogue cut
// or changed.
#include <string.h>

#include "dialogue.h"
#include "lying_card.h"

static uint32_t state = 7;

static uint32_t next(uint32_t below)
{
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % below;
}

// Answers that begin as good ones do, so that lies get deep.
static const struct {
    const char *bytes;
    size_t n;
} seeds[] = {
#define SEED(text)                                                                                           \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }
    SEED("\x90\x00"),
    SEED("\x61\x00"),
    SEED("\x61\x05"),
    SEED("\x6C\x10"),
    SEED("\x67\x00"),
    SEED("\x63\xC2"),
    SEED("\x69\x83"),
    SEED("\x69\x82"),
    SEED("\x6A\x82"),
    SEED("\x7E\x12\x4F\x0B\xA0\0\0\3\x08\0\0\x10\0\1\0\x5F\x2F\2\x40\0\x90\0"),
    SEED("\x53\x10\x70\x02\x30\x00\x71\x01\x01\xFE\x00\x34\x81\x02\x01\x01\x90\x00"),
    SEED("\x53\x82\x00\x05\x70\x03\x1F\x8B\x08\x90\x00"),
    SEED("\x53\x09\xC1\x01\x14\xC2\x01\x01\xF3\x00\xFE\x90\x00"),
    SEED("\x7C\x0A\x82\x08\x30\x06\x02\x01\x01\x02\x01\x02\x90\x00"),
    SEED("\x7C\x0A\x80\x08\1\2\3\4\5\6\7\x08\x90\x00"),
    SEED("\x7C\x0A\x82\x08\0\0\0\0\0\0\0\0\x90\x00"),
    SEED("\x7C\x12\x82\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x90\x00"),
    SEED("\x7F\x49\x82\x01\x09\x81\x82\x01\x00\xFF\x90\x00"),
    SEED("\x05\x07\x00\x90\x00"),
    SEED("\x00\x98\x96\x80\x90\x00"),
    SEED("\x01\x01\x07\x02\x02\x02\x01\x03\x01\x01\x05\x01\x00\x06\x02\x03\x03\x90\x00"),
    SEED("\x30\x03\x02\x01\x01\x90\x00"),
    SEED("\x79\x03\x05\x04\x03\x71\x08\1\2\3\4\5\6\7\x08\x90\x00"),
    SEED("\x79\x03\x05\x04\x03\x71\x02\1\2\x74\x08\1\2\3\4\5\6\7\x08\x7B\1\1\x90\x00"),
    SEED("\x72\x03\x21\x61\x62\x72\x02\x11\x63\x90\x00"),
    SEED("\x71\x01\x61\x76\x05\x06\1\2\3\4\x71\x01\x62\x77\x00\x90\x00"),
    SEED("\x53\x05\x80\x03\x81\x01\x02\x90\x00"),
    SEED("\x53\x14\x88\x12\x89\x10\1\2\3\4\5\6\7\x08\1\2\3\4\5\6\7\x08\x90\x00"),
};

static size_t one_answer(uint8_t *out, size_t cap)
{
    size_t i = next(sizeof seeds / sizeof *seeds);
    size_t n = seeds[i].n;
    uint8_t body[64];
    memcpy(body, seeds[i].bytes, n);
    uint32_t what = next(8);
    if (what == 0)
        body[next((uint32_t)n)] = (uint8_t)next(256);
    if (what == 1 && n > 2)
        memmove(body, body + 1, --n);
    if (what == 2 && n > 3) { // cut in the middle, the status word stays
        memmove(body + n - 3, body + n - 2, 2);
        n--;
    }
    if (cap < n + 2)
        return 0;
    out[0] = next(200) == 0 ? 0x80 : 0;
    out[1] = (uint8_t)(n - 2);
    memcpy(out + 2, body, n);
    return n + 2;
}

static void random_lies_break_no_promise(void **unused)
{
    (void)unused;
    static uint8_t script[4000];
    for (int round = 0; round < 1500; round++) {
        size_t n = 1;
        script[0] = (uint8_t)next(8);
        size_t more;
        while ((more = one_answer(script + n, sizeof script - n)) != 0)
            n += more;
        lying_card(rd_of(script, n));
    }
}

static size_t endless(void *ctx, struct rd command, uint8_t *reply, size_t cap, enum err *error)
{
    const size_t *n = ctx;
    (void)command;
    (void)error;
    if (*n + 2 > cap)
        return 0;
    memset(reply, 0x55, *n);
    reply[*n] = 0x61;
    reply[*n + 1] = 0;
    return *n + 2;
}

// "More is waiting" for ever, with no, little and much data each time.
static void there_is_always_more(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {0, 1, 256};
    for (size_t i = 0; i < 3; i++) {
        size_t n = sizes[i];
        struct tp *tp = script_new_call(endless, &n);
        struct card c;
        struct rd v;
        assert_int_equal(card_open(&c, tp, "Script", (struct trace){0}), E_OK);
        assert_int_equal(card_begin(&c, 0, NULL), E_OK);
        assert_int_equal(piv_get_data(&c, PIV_TAG_CHUID, &v), E_MALFORMED);
        assert_null(v.p);
        assert_true(script_exchanges(tp) <= (n == 0 ? 4 : 1202)); // extended and short
        card_close(&c);
        tp_close(tp);
    }
}

static size_t generous(void *ctx, struct rd command, uint8_t *reply, size_t cap, enum err *error)
{
    static const uint8_t answer[] = {0xDA, 0x7A, 0x90, 0x00};
    (void)ctx;
    (void)command;
    (void)error;
    if (cap < sizeof answer)
        return 0;
    memcpy(reply, answer, sizeof answer);
    return sizeof answer;
}

// Data where the standard has none.
static void data_that_nobody_asked_for(void **unused)
{
    (void)unused;
    struct tp *tp = script_new_call(generous, NULL);
    struct card c;
    assert_int_equal(card_open(&c, tp, "Script", (struct trace){0}), E_OK);
    assert_int_equal(card_begin(&c, 0, NULL), E_OK);
    assert_int_equal(piv_verify(&c, PIV_REF_PIN, rd_of("123456", 6), NULL), E_MALFORMED);
    assert_int_equal(piv_put_data(&c, PIV_TAG_CHUID, rd_of("x", 1)), E_MALFORMED);
    assert_int_equal(piv_unverify(&c, PIV_REF_PIN), E_MALFORMED);
    card_close(&c);
    tp_close(tp);
}

static size_t all_ffs(void *ctx, struct rd command, uint8_t *reply, size_t cap, enum err *error)
{
    const size_t *claim = ctx;
    (void)command;
    (void)error;
    memset(reply, 0xFF, cap);
    return *claim == 0 ? cap : *claim;
}

// A transport that claims more bytes than there is room for, or fewer than a status word.
static void impossible_lengths(void **unused)
{
    (void)unused;
    static const size_t claims[] = {0, 1, 70000, SIZE_MAX};
    for (size_t i = 0; i < 4; i++) {
        size_t n = claims[i];
        struct tp *tp = script_new_call(all_ffs, &n);
        struct card c;
        struct rd v;
        assert_int_equal(card_open(&c, tp, "Script", (struct trace){0}), E_OK);
        assert_int_equal(card_begin(&c, 0, NULL), E_OK);
        assert_int_not_equal(piv_get_data(&c, PIV_TAG_CHUID, &v), E_OK);
        assert_null(v.p);
        card_close(&c);
        tp_close(tp);
    }
}

// Small data that would unpack to a gigabyte: the work is bounded by the buffer.
static void a_bomb_in_a_certificate(void **unused)
{
    (void)unused;
    static uint8_t zeros[131072];
    static uint8_t packed[4000];
    static uint8_t out[1000];
    size_t n = sizeof packed;
    assert_int_equal(piv_deflate(rd_of(zeros, sizeof zeros), packed, &n), E_OK);
    assert_true(n < 300);
    size_t room = sizeof out;
    assert_int_equal(piv_inflate(rd_of(packed, n), out, &room), E_BUFFER);
    assert_int_equal(room, 0);
    for (size_t cut = 0; cut < n; cut++) {
        static uint8_t all[131072];
        room = sizeof all;
        assert_int_not_equal(piv_inflate(rd_of(packed, cut), all, &room), E_OK);
        assert_int_equal(room, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lies_break_no_promise), cmocka_unit_test(there_is_always_more),
        cmocka_unit_test(data_that_nobody_asked_for),   cmocka_unit_test(impossible_lengths),
        cmocka_unit_test(a_bomb_in_a_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
