// A whole life of keys and certificates on a real card or simulator; signatures are judged by OpenSSL.
#include "live_key.h"

static uint64_t count;

static void costs(const struct card *c, const char *what)
{
    printf("  %-50s %llu\n", what, (unsigned long long)(c->chan.exchanges - count));
    count = c->chan.exchanges;
}

static void one_key(struct card *c, uint8_t ref, uint8_t id)
{
    const struct piv_slot *slot = piv_slot_by_ref(ref);
    const struct piv_algorithm *algorithm = piv_algorithm_by_id(id);
    struct piv_public key;
    enum piv_forgot how;
    char what[80];
    snprintf(what, sizeof what, "generate %s in %02X", algorithm->name, ref);
    IS(piv_generate(c, slot, algorithm, PIV_PIN_DEFAULT, PIV_TOUCH_DEFAULT, &key), E_OK);
    costs(c, what);
    if (slot->pin != PIV_PIN_NEVER) {
        struct rd output;
        uint8_t zero[512] = {0};
        zero[algorithm->block - 1] = 1;
        IS(piv_sign(c, slot, algorithm, rd_of(zero, algorithm->block), &output), E_AUTH_NEEDED);
        count = c->chan.exchanges;
        IS(piv_verify(c, PIV_REF_PIN, rd_of("123456", 6), NULL), E_OK);
        costs(c, "verify");
    }
    live_sign_and_verify(c, slot, &key);
    costs(c, "sign");
    if (slot->pin != PIV_PIN_NEVER) {
        int tries;
        bool verified;
        IS(piv_forget(c, &how), E_OK);
        costs(c, "forget");
        CHECK(how == PIV_FORGOT_VERIFY);
        IS(piv_tries(c, PIV_REF_PIN, &tries, &verified), E_OK);
        CHECK(!verified && tries == 3);
    }
    count = c->chan.exchanges;
}

static void certificates(struct card *c)
{
    const struct piv_slot *slot = piv_slot_by_ref(0x9A);
    uint8_t der[1500];
    uint8_t back[2000];
    size_t n = sizeof back;
    for (size_t i = 0; i < sizeof der; i++)
        der[i] = (uint8_t)(i * i >> 3);
    struct rd whole = rd_of(der, sizeof der);
    IS(piv_write_certificate(c, slot, whole, false, 0), E_OK);
    costs(c, "write a certificate of 1,500 bytes");
    IS(piv_read_certificate(c, slot, back, &n), E_OK);
    CHECK(rd_is(whole, back, n));
    costs(c, "read it");
    IS(piv_write_certificate(c, slot, whole, true, 0), E_OK);
    costs(c, "write it compressed");
    n = 10;
    IS(piv_read_certificate(c, slot, back, &n), E_BUFFER);
    CHECK(n == sizeof der);
    n = sizeof back;
    IS(piv_read_certificate(c, slot, back, &n), E_OK);
    CHECK(rd_is(whole, back, n));
    IS(piv_delete_certificate(c, slot), E_OK);
    n = sizeof back;
    IS(piv_read_certificate(c, slot, back, &n), E_NOT_FOUND);
    CHECK(n == 0);
    count = c->chan.exchanges;
}

static void write_down_who_it_is(struct card *c)
{
    struct card_identity before;
    struct card_identity after;
    uint8_t guid[PIV_GUID_SIZE] = {1, 2, 3};
    uint8_t buf[128];
    struct wr w = wr_of(buf, sizeof buf);
    struct rd chuid;
    IS(piv_identity(c, &before), E_OK);
    costs(c, "identity");
    CHECK(piv_chuid_build(&w, guid, "20351231") && wr_done(&w, &chuid));
    IS(piv_put_data(c, PIV_TAG_CHUID, chuid), E_OK);
    IS(piv_identity(c, &after), E_OK);
    CHECK(after.kind == (driver_has_serial(c) ? IDENTITY_SERIAL : IDENTITY_GUID));
    CHECK(card_identity_same(&after, &after));
    count = c->chan.exchanges;
}

int main(void)
{
    struct tp *tp = tp_default_new();
    struct card c;
    int tries;
    bool verified;
    CHECK(tp);
    live_open(&c, tp);
    printf("transport %s, driver %s, exchanges:\n", tp->ops->name, c.driver->name);
    IS(card_begin(&c, 1000, NULL), E_OK);
    IS(piv_ensure(&c), E_OK);
    costs(&c, "select");
    IS(piv_tries(&c, PIV_REF_PIN, &tries, &verified), E_OK);
    CHECK(tries == 3 && !verified);
    costs(&c, "tries");
    IS(piv_admin_any(&c, &live_crypto, rd_of("\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7", 24), NULL),
       E_ADMIN_WRONG);
    count = c.chan.exchanges;
    IS(piv_admin_any(&c, &live_crypto, rd_of(live_admin, sizeof live_admin), NULL), E_OK);
    costs(&c, "management key");
    write_down_who_it_is(&c);
    one_key(&c, 0x9A, 0x07);
    one_key(&c, 0x9C, 0x11);
    one_key(&c, 0x9D, 0x14);
    one_key(&c, 0x9E, 0x11);
    certificates(&c);
    card_end(&c, TP_LEAVE);
    IS(card_begin(&c, 1000, NULL), E_OK);
    IS(piv_ensure(&c), E_OK);
    costs(&c, "make sure, in a later transaction");
    card_end(&c, TP_LEAVE);
    card_close(&c);
    tp_close(tp);
    printf("ok\n");
    return 0;
}
