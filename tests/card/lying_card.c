// The program of the lying card: shared by the fuzzer and by the test that runs chosen and random lies.
#include "lying_card.h"

#include <stdlib.h>
#include <string.h>

#include "card/driver/driver.h"
#include "card/oath/oath.h"
#include "card/piv/admin.h"
#include "card/piv/adminpin.h"
#include "card/piv/sequence.h"
#include "card/transport/script.h"

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

struct lies {
    struct rd script;
    size_t exchanges;
    bool may_verify; // a PIN may go over the wire now
};

// Two bytes of length (15 bits; the top bit: the transport fails), the data, the status word.
static size_t answer(void *ctx, struct rd command, uint8_t *reply, size_t cap, enum err *error)
{
    struct lies *l = ctx;
    uint16_t n;
    struct rd data;
    uint8_t sw[2];
    l->exchanges++;
    MUST(command.n >= 4 && command.n <= APDU_DATA_MAX + 9);
    bool pin = command.p[1] == 0x20 && command.n > 5;
    MUST(!pin || l->may_verify);
    *error = E_IO;
    if (!rd_u16(&l->script, &n))
        return 0;
    if (n & 0x8000) {
        static const enum err failures[] = {E_IO, E_RESET, E_EXCHANGED, E_NO_CARD, E_NO_SERVICE, E_MALFORMED};
        *error = failures[n % 6];
        return 0;
    }
    size_t size = n % 700;
    if (size > l->script.n)
        size = l->script.n;
    if (!rd_take(&l->script, size, &data) || !rd_copy(&l->script, sw, 2) || size + 2 > cap)
        return 0;
    if (size != 0)
        memcpy(reply, data.p, size);
    memcpy(reply + size, sw, 2);
    return size + 2;
}

// A cipher that a program can undo without keys, so that lies can get past it.
static enum err same_block(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                           uint8_t *out)
{
    (void)ctx;
    (void)key;
    memmove(out, in, cipher->block);
    return E_OK;
}

static enum err zeros(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    memset(out, 0, n);
    return E_OK;
}

static const struct piv_crypto crypto = {NULL, same_block, same_block, zeros};

static volatile uint8_t touched;

static void view(enum err e, struct rd v)
{
    uint8_t sum = 0;
    MUST(e == E_OK || (v.p == NULL && v.n == 0));
    for (size_t i = 0; i < v.n; i++) // under a sanitizer: all of it is really there
        sum ^= v.p[i];
    touched = sum;
}

static void public_key(enum err e, const struct piv_public *k)
{
    MUST((e == E_OK) || k->algorithm == NULL);
    MUST(k->modulus_len <= PIV_MODULUS_MAX && k->exponent_len <= PIV_EXPONENT_MAX &&
         k->point_len <= PIV_POINT_MAX);
    if (k->algorithm && k->algorithm->kind == PIV_RSA)
        MUST(k->modulus_len == k->algorithm->block && k->exponent_len > 0);
    if (k->algorithm && k->algorithm->kind != PIV_RSA)
        MUST(k->point_len == k->algorithm->point);
}

static void objects(struct card *c)
{
    struct rd v;
    struct piv_certificate certificate;
    struct piv_chuid chuid;
    struct piv_key_history history;
    struct piv_discovery discovery;
    static const uint32_t tags[] = {PIV_TAG_DISCOVERY, PIV_TAG_CHUID, PIV_TAG_KEY_HISTORY,
                                    PIV_TAG_PRINTED,   0x7F61,        0x5FC105};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        enum err e = piv_get_data(c, tags[i], &v);
        view(e, v);
        struct rd head;
        size_t total;
        enum err begun = piv_get_data_head(c, tags[i], &head, &total);
        view(begun, head);
        MUST(head.n <= total && head.n <= 256);
        e = piv_get_data(c, tags[i], &v);
        view(e, v);
        if (e != E_OK)
            continue;
        if (piv_certificate_parse(v, &certificate))
            view(E_OK, certificate.data);
        if (piv_chuid_parse(v, &chuid)) {
            view(E_OK, chuid.fascn);
            view(E_OK, chuid.expiry);
            view(E_OK, chuid.signature);
        }
        if (piv_key_history_parse(v, &history))
            MUST(history.on_card + history.off_card <= PIV_RETIRED_SLOTS);
        (void)!piv_discovery_parse(v, &discovery);
    }
    uint8_t der[3000];
    size_t n = sizeof der;
    enum err e = piv_read_certificate(c, piv_slot_by_ref(0x9C), der, &n);
    MUST(e != E_OK || n <= sizeof der);
    MUST(e == E_OK || e == E_BUFFER || n == 0);
}

static void references(struct card *c, struct lies *l)
{
    int tries;
    bool verified;
    enum piv_forgot how;
    enum err e = piv_tries(c, PIV_REF_PIN, &tries, &verified);
    MUST(tries >= -1 && tries <= 15 && (e == E_OK || (tries == -1 && !verified)));
    l->may_verify = true;
    e = piv_verify(c, PIV_REF_PIN, rd_of("123456", 6), &tries);
    l->may_verify = false;
    MUST(tries >= -1 && tries <= 15 && (tries == -1 || e == E_PIN_WRONG || e == E_PIN_BLOCKED));
    e = piv_change(c, PIV_REF_PIN, rd_of("123456", 6), rd_of("654321", 6), &tries);
    MUST(tries >= -1 && tries <= 15 && (e != E_OK || tries == -1));
    e = piv_unblock(c, PIV_REF_PIN, rd_of("12345678", 8), rd_of("654321", 6), &tries);
    MUST(tries >= -1 && tries <= 15 && (e != E_OK || tries == -1));
    (void)!piv_forget(c, &how);
}

static void keys(struct card *c)
{
    static const uint8_t block[512];
    struct piv_public key;
    struct rd v;
    const struct piv_algorithm *a;
    for (size_t i = 0; (a = piv_algorithm_at(i)) != NULL; i++) {
        const struct piv_slot *slot = piv_slot_at(i);
        enum err e = piv_generate(c, slot, a, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT, &key);
        public_key(e, &key);
        e = piv_sign(c, slot, a, rd_of(block, a->block), &v);
        view(e, v);
        MUST(e != E_OK || a->kind != PIV_RSA || v.n == a->block);
        e = piv_decrypt(c, slot, a, rd_of(block, a->block), &v);
        view(e, v);
        uint8_t point[PIV_POINT_MAX] = {4};
        e = piv_agree(c, slot, a, rd_of(point, a->point), &v);
        view(e, v);
        MUST(e != E_OK || v.n == a->block);
    }
}

static void admin(struct card *c)
{
    static const uint8_t key[32];
    const struct piv_cipher *used;
    static const size_t sizes[] = {16, 24, 32};
    for (size_t i = 0; i < 3; i++)
        (void)!piv_admin_any(c, &crypto, rd_of(key, sizes[i]), &used);
    (void)!piv_put_data(c, PIV_TAG_CHUID, rd_of(key, 32));
    (void)!piv_write_certificate(c, piv_slot_by_ref(0x9A), rd_of(key, 32), true, 0);
}

static void extensions(struct card *c)
{
    static const uint8_t number[256];
    struct driver_metadata m;
    struct rd v;
    uint32_t serial;
    uint32_t caps;
    uint8_t version[3];
    static const uint8_t refs[] = {0x80, 0x81, 0x9B, 0x9A, 0x9C, 0x82};
    enum err e = driver_caps(c, &caps);
    MUST(e == E_OK || caps == 0);
    (void)!driver_version(c, version);
    (void)!driver_serial(c, &serial);
    for (size_t i = 0; i < sizeof refs; i++) {
        e = driver_metadata(c, refs[i], &m);
        public_key(m.public_key.algorithm ? e : E_IO, &m.public_key);
        MUST(m.tries_left >= -1 && m.tries_left <= 255);
    }
    e = driver_attest(c, piv_slot_by_ref(0x9A), &v);
    view(e, v);
    const struct piv_algorithm *a = piv_algorithm_by_id(0x07);
    struct rd half = rd_of(number, 128);
    const struct driver_private key = {
        .algorithm = a, .p = half, .q = half, .dp = half, .dq = half, .qinv = half};
    (void)!driver_import(c, piv_slot_by_ref(0x9A), &key, PIV_PIN_ONCE, PIV_TOUCH_NEVER);
    (void)!driver_move(c, piv_slot_by_ref(0x9A), piv_slot_by_ref(0x82));
    (void)!driver_delete(c, piv_slot_by_ref(0x9A));
    (void)!driver_set_tries(c, 3, 3);
    (void)!driver_set_admin(c, piv_cipher_by_id(0x08), rd_of(number, 16), false);
    (void)!driver_reset(c);
}

static enum err zero_hmac(void *ctx, struct rd key, struct rd data, uint8_t out[20])
{
    (void)ctx;
    (void)key;
    (void)data;
    memset(out, 0, 20);
    return E_OK;
}

static const struct oath_crypto oath_crypto = {NULL, zero_hmac, zeros};

static void kept_key(struct card *c)
{
    struct secret *key;
    struct piv_adminpin note;
    enum err e = piv_adminpin_key(c, &key);
    MUST((e == E_OK) == (key != NULL));
    view(E_OK, secret_view(key));
    secret_free(key);
    (void)!piv_adminpin_read(c, &note);
    (void)!piv_adminpin_drop(c);
}

static void one_time(struct card *c)
{
    static const uint8_t access[OATH_ACCESS_SIZE];
    struct oath_info info;
    struct rd list;
    struct oath_credential one;
    struct oath_calculated calculated;
    struct oath_code code;
    if (oath_select(c, &info) != E_OK)
        return;
    MUST(info.id_len <= OATH_ID_MAX);
    if (info.locked)
        (void)!oath_unlock(c, &oath_crypto, &info, rd_of(access, sizeof access));
    enum err e = oath_list(c, &list);
    view(e, list);
    while (oath_list_next(&list, &one))
        view(E_OK, one.name);
    MUST(one.name.p == NULL);
    e = oath_calculate_all(c, 1, &list);
    view(e, list);
    while (oath_calculated_next(&list, &calculated))
        MUST(calculated.code.value <= 0x7FFFFFFF && calculated.code.digits <= 8);
    MUST(rd_end(&list));
    e = oath_calculate(c, rd_of("name", 4), OATH_TOTP, 1, &code);
    MUST(code.digits == 0 || e == E_OK);
}

void lying_card(struct rd script)
{
    struct lies lies = {.script = script};
    struct card c;
    struct card_identity identity;
    uint8_t flags;
    if (!rd_u8(&lies.script, &flags))
        return;
    struct tp *tp = script_new_call(answer, &lies);
    if (!tp)
        return;
    static const char atr[] = "\x3B\x80YubiKey";
    if (flags & 1)
        script_atr(tp, rd_of(atr, sizeof atr - 1));
    if (card_open(&c, tp, "Script", (struct trace){0}) == E_OK) {
        c.conn->short_only = flags & 2;
        c.conn->no_le_case4 = flags & 4;
        for (int round = 0; round < 2 && card_begin(&c, 0, NULL) == E_OK; round++) {
            (void)!piv_ensure(&c);
            enum err e = piv_identity(&c, &identity);
            MUST(identity.len <= PIV_GUID_SIZE && (e == E_OK || identity.kind == IDENTITY_NONE));
            references(&c, &lies);
            objects(&c);
            admin(&c);
            extensions(&c);
            keys(&c);
            kept_key(&c);
            one_time(&c);
            card_end(&c, TP_LEAVE);
        }
        // 61xx at most 600 times an answer, and an answer a few bytes of script: it can't go on for ever.
        MUST(lies.exchanges < 2000 + script.n);
        card_close(&c);
    }
    tp_close(tp);
}
