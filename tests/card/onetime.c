// One-time passwords made on a card: the vectors of RFC 4226 appendix D and RFC 6238 appendix B, and the
// applet's access key.
#include <openssl/hmac.h>

#include "card/oath/oath.h"
#include "live.h"

static enum err hmac_sha1(void *ctx, struct rd key, struct rd data, uint8_t out[20])
{
    unsigned n = 20;
    (void)ctx;
    return HMAC(EVP_sha1(), key.p, (int)key.n, data.p, data.n, out, &n) ? E_OK : E_ARGUMENT;
}

static const struct oath_crypto crypto = {NULL, hmac_sha1, live_random};

static struct rd text(const char *s)
{
    return rd_of(s, strlen(s));
}

static uint32_t shown(struct oath_code code)
{
    static const uint32_t powers[] = {1000000, 10000000, 100000000};
    CHECK(code.digits >= 6 && code.digits <= 8);
    return code.value % powers[code.digits - 6];
}

// RFC 4226 appendix D: the counter goes on by itself.
static void hotp(struct card *c)
{
    static const uint32_t want[] = {755224, 287082, 359152, 969429, 338314,
                                    254676, 287922, 162583, 399871, 520489};
    struct oath_new n = {.type = OATH_HOTP,
                         .hash = OATH_SHA1,
                         .digits = 6,
                         .name = text("rfc:4226"),
                         .secret = text("12345678901234567890")};
    struct oath_code code;
    IS(oath_put(c, &n), E_OK);
    for (size_t i = 0; i < 10; i++) {
        IS(oath_calculate(c, n.name, OATH_HOTP, 0, &code), E_OK);
        CHECK(shown(code) == want[i]);
    }
    n.name = text("rfc:4226 later");
    n.counter = 7;
    IS(oath_put(c, &n), E_OK);
    IS(oath_calculate(c, n.name, OATH_HOTP, 0, &code), E_OK);
    CHECK(shown(code) == want[7]);
}

// RFC 6238 appendix B, whose secrets are 20, 32 and 64 bytes long (erratum 2866).
static void totp(struct card *c)
{
    static const struct {
        const char *name;
        enum oath_hash hash;
        const char *secret;
        uint32_t at59, at20000000000;
    } rows[] = {
        {"rfc:sha1", OATH_SHA1, "12345678901234567890", 94287082, 65353130},
        {"rfc:sha256", OATH_SHA256, "12345678901234567890123456789012", 46119246, 77737706},
        {"rfc:sha512", OATH_SHA512, "1234567890123456789012345678901234567890123456789012345678901234",
         90693936, 47863826},
    };
    for (size_t i = 0; i < 3; i++) {
        struct oath_new n = {.type = OATH_TOTP,
                             .hash = rows[i].hash,
                             .digits = 8,
                             .name = text(rows[i].name),
                             .secret = text(rows[i].secret)};
        struct oath_code code;
        IS(oath_put(c, &n), E_OK);
        IS(oath_calculate(c, n.name, OATH_TOTP, 59 / 30, &code), E_OK);
        CHECK(shown(code) == rows[i].at59);
        IS(oath_calculate(c, n.name, OATH_TOTP, 20000000000 / 30, &code), E_OK);
        CHECK(shown(code) == rows[i].at20000000000);
    }
}

static void lists(struct card *c)
{
    struct rd list;
    struct oath_credential one;
    struct oath_calculated calculated;
    char name[32];
    size_t count = 0;
    size_t now = 0;
    size_t later = 0;
    for (int i = 0; i < 20; i++) { // enough for several parts
        snprintf(name, sizeof name, "a long issuer:account %d", i);
        struct oath_new n = {
            .type = OATH_TOTP, .hash = OATH_SHA1, .digits = 6, .name = text(name), .secret = text("12345")};
        IS(oath_put(c, &n), E_OK);
    }
    IS(oath_list(c, &list), E_OK);
    while (oath_list_next(&list, &one))
        count++;
    CHECK(count == 25);
    IS(oath_calculate_all(c, 59 / 30, &list), E_OK);
    while (oath_calculated_next(&list, &calculated)) {
        now += calculated.when == OATH_NOW;
        later += calculated.when == OATH_IS_HOTP;
        if (rd_is(calculated.name, "rfc:sha1", 8))
            CHECK(shown(calculated.code) == 94287082);
    }
    CHECK(now == 23 && later == 2);
    IS(oath_rename(c, text("rfc:sha1"), text("renamed")), E_OK);
    struct oath_code code;
    IS(oath_calculate(c, text("rfc:sha1"), OATH_TOTP, 1, &code), E_NOT_FOUND);
    IS(oath_calculate(c, text("renamed"), OATH_TOTP, 1, &code), E_OK);
    IS(oath_delete(c, text("renamed")), E_OK);
    IS(oath_delete(c, text("renamed")), E_NOT_FOUND);
}

static void again(struct card *c, struct oath_info *info)
{
    card_end(c, TP_RESET);
    IS(card_begin(c, 2000, NULL), E_OK);
    IS(oath_select(c, info), E_OK);
}

static void access_key(struct card *c)
{
    struct oath_info info;
    struct rd list;
    struct rd key = text("0123456789ABCDEF");
    IS(oath_set_access(c, &crypto, key), E_OK);
    again(c, &info);
    CHECK(info.locked);
    IS(oath_list(c, &list), E_AUTH_NEEDED);
    IS(oath_unlock(c, &crypto, &info, text("0123456789ABCDEX")), E_PIN_WRONG);
    IS(oath_list(c, &list), E_AUTH_NEEDED);
    again(c, &info);
    IS(oath_unlock(c, &crypto, &info, key), E_OK);
    IS(oath_list(c, &list), E_OK);
    IS(oath_set_access(c, &crypto, rd_of(NULL, 0)), E_OK);
    again(c, &info);
    CHECK(!info.locked);
}

int main(void)
{
    struct tp *tp = tp_default_new();
    struct card c;
    struct oath_info info;
    struct rd list;
    struct oath_credential one;
    CHECK(tp);
    live_open(&c, tp);
    IS(card_begin(&c, 2000, NULL), E_OK);
    IS(oath_list(&c, &list), E_ARGUMENT); // not selected: nothing is sent
    CHECK(c.chan.exchanges == 0);
    IS(oath_select(&c, &info), E_OK);
    CHECK(!info.locked && info.id_len == 8);
    printf("transport %s, OATH applet %d.%d.%d\n", tp->ops->name, info.version[0], info.version[1],
           info.version[2]);
    hotp(&c);
    totp(&c);
    lists(&c);
    access_key(&c);
    // PIV is found again, and the applet keeps what it had.
    IS(piv_ensure(&c), E_OK);
    IS(oath_list(&c, &list), E_ARGUMENT);
    IS(oath_select(&c, &info), E_OK);
    IS(oath_reset(&c), E_OK);
    IS(oath_list(&c, &list), E_OK);
    CHECK(!oath_list_next(&list, &one));
    card_close(&c);
    tp_close(tp);
    printf("ok\n");
    return 0;
}
