// No secret is ever shown: every command with marker secrets, under a trace, and a search through all that
// comes out and through the library's buffers afterwards.
#include <string.h>

#include "dialogue.h"

#define PIN_MARK "PiNmArK1"
#define PUK_MARK "pUkMaRk2"
#define KEY_MARK "KeYmArK3KeYmArK3KeYmArK3"
#define OUT_MARK "\x53\x45\x43\x52\x45\x54\x21\x34" // what a card gives away when it decrypts

static struct {
    uint8_t bytes[1 << 20];
    size_t n;
    size_t events;
    size_t shown; // bodies
} seen;

static void emit(void *ctx, const struct trace_event *event)
{
    struct wr w = wr_of(seen.bytes + seen.n, sizeof seen.bytes - seen.n);
    (void)ctx;
    wr_bytes(&w, event->name, strlen(event->name));
    wr_rd(&w, event->body);
    assert_false(w.failed);
    seen.n += w.len;
    seen.events++;
    seen.shown += event->body.p != NULL;
}

static bool found(const uint8_t *bytes, size_t n, const char *mark)
{
    return memmem(bytes, n, mark, 8) != NULL;
}

// Says yes to everything; a decryption gives the marker.
static size_t agree(void *ctx, struct rd command, uint8_t *reply, size_t cap, enum err *error)
{
    (void)ctx;
    (void)error;
    struct wr w = wr_of(reply, cap);
    if (command.p[0] & 0x10) {
        // more of the command is to come
    } else if (command.p[1] == 0x87) {
        size_t template = wr_open(&w, 0x7C);
        size_t response = wr_open(&w, command.p[3] == 0x9B && command.n < 12 ? 0x80 : 0x82);
        size_t n = command.p[3] == 0x9B ? 8 : 256;
        for (size_t i = 0; i < n; i += 8)
            wr_bytes(&w, OUT_MARK, 8);
        wr_close(&w, response);
        wr_close(&w, template);
    } else if (command.p[1] == 0xCB) {
        wr_tlv(&w, 0x53, rd_of(KEY_MARK, 24)); // a protected management key in the printed information
    }
    wr_u16(&w, 0x9000);
    return w.len;
}

static enum err mark_block(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                           uint8_t *out)
{
    (void)ctx;
    (void)key;
    (void)in;
    memcpy(out, OUT_MARK OUT_MARK, cipher->block);
    return E_OK;
}

static enum err mark_random(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    memset(out, 'r', n);
    return E_OK;
}

static void nothing_in(struct card *c, const char *what)
{
    static const char *const marks[] = {PIN_MARK, PUK_MARK, KEY_MARK, OUT_MARK};
    for (size_t i = 0; i < 4; i++) {
        if (found(seen.bytes, seen.n, marks[i]))
            fail_msg("%s: a secret was traced", what);
        if (found(c->chan.work, APDU_DATA_MAX, marks[i]) || found(c->chan.wire, CHAN_WIRE_SIZE, marks[i]) ||
            found(c->chan.reply, CHAN_REPLY_SIZE, marks[i]))
            fail_msg("%s: a secret stayed in a buffer", what);
        if (found((const uint8_t *)c, sizeof *c, marks[i]))
            fail_msg("%s: a secret stayed in the card", what);
    }
}

static void nothing_is_shown(void **unused)
{
    (void)unused;
    const struct piv_crypto crypto = {NULL, mark_block, mark_block, mark_random};
    struct tp *tp = script_new_call(agree, NULL);
    struct card c;
    struct rd v;
    uint8_t block[256];
    const struct piv_algorithm *rsa = piv_algorithm_by_id(0x07);
    const struct piv_slot *slot = piv_slot_by_ref(0x9D);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (uint8_t)KEY_MARK[i % 24];
    assert_int_equal(card_open(&c, tp, "Script", (struct trace){emit, NULL}), E_OK);
#define DURING(call)                                                                                         \
    do {                                                                                                     \
        assert_int_equal(card_begin(&c, 0, NULL), E_OK);                                                     \
        assert_int_equal((call), E_OK);                                                                      \
        card_end(&c, TP_LEAVE);                                                                              \
        nothing_in(&c, #call);                                                                               \
    } while (0)
    for (int chained = 0; chained < 2; chained++) {
        c.conn->short_only = chained;
        DURING(piv_verify(&c, PIV_REF_PIN, rd_of(PIN_MARK, 8), NULL));
        DURING(piv_change(&c, PIV_REF_PIN, rd_of(PIN_MARK, 8), rd_of(PIN_MARK, 8), NULL));
        DURING(piv_unblock(&c, PIV_REF_PIN, rd_of(PUK_MARK, 8), rd_of(PIN_MARK, 8), NULL));
        DURING(piv_sign(&c, slot, rsa, rd_of(block, 256), &v));
        DURING(piv_decrypt(&c, slot, rsa, rd_of(block, 256), &v));
        DURING(piv_admin(&c, &crypto, piv_cipher_by_id(0x03), rd_of(KEY_MARK, 24)));
        DURING(piv_get_data(&c, PIV_TAG_PRINTED, &v));
        DURING(piv_put_data(&c, PIV_TAG_PRINTED, rd_of(KEY_MARK, 24)));
        DURING(piv_put_data(&c, 0x5FFF12, rd_of(KEY_MARK, 24)));
        c.facts.caps = ~0U;
        c.facts.caps_known = KNOWN_YES;
        c.driver = driver_guess(rd_of(YUBIKEY_ATR, strlen(YUBIKEY_ATR)));
        struct rd half = rd_of(block, 128);
        const struct driver_private key = {
            .algorithm = rsa, .p = half, .q = half, .dp = half, .dq = half, .qinv = half};
        DURING(driver_import(&c, slot, &key, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT));
        DURING(driver_set_admin(&c, piv_cipher_by_id(0x0A), rd_of(KEY_MARK, 24), false));
        // What isn't even sent leaves nothing either.
        assert_int_equal(card_begin(&c, 0, NULL), E_OK);
        assert_int_equal(piv_change(&c, PIV_REF_PIN, rd_of(PIN_MARK, 8), rd_of("123456789", 9), NULL),
                         E_ARGUMENT);
        card_end(&c, TP_LEAVE);
        nothing_in(&c, "refused change");
    }
    assert_true(seen.events > 40);
    // The trace does show what is public.
    assert_int_equal(card_begin(&c, 0, NULL), E_OK);
    size_t before = seen.shown;
    assert_int_equal(piv_get_data(&c, PIV_TAG_CHUID, &v), E_OK);
    assert_int_equal(seen.shown, before + 2);
    card_close(&c);
    tp_close(tp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
