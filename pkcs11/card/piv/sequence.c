// Sequences of commands: selection, forgetting the PIN, identity, certificates.
#include "card/piv/sequence.h"

#include <string.h>

#include "card/driver/driver.h"

// Fatal for a sequence: another command has no sense.
static bool fatal(enum err e)
{
    return tp_gone(e) || e == E_RESET || e == E_IO || e == E_ARGUMENT;
}

enum err piv_ensure(struct card *c)
{
    struct rd content;
    struct piv_discovery discovery;
    if (c->held && c->selected == SELECT_PIV)
        return E_OK;
    if (c->selected == SELECT_MAYBE && c->facts.discovery != KNOWN_NO) {
        enum err e = piv_get_data(c, PIV_TAG_DISCOVERY, &content);
        if (e == E_OK && piv_discovery_parse(content, &discovery)) {
            c->facts.discovery = KNOWN_YES;
            c->selected = SELECT_PIV;
            return E_OK;
        }
        if (fatal(e))
            return FAIL(&c->trail, e, "make sure that PIV is selected");
        // Either something else is selected, or this card has no such object. Once it has answered with one,
        // it has.
        if (c->facts.discovery == KNOWN_NOT)
            c->facts.discovery = KNOWN_NO;
    }
    enum err e = piv_select(c);
    return e == E_OK ? E_OK : FAIL(&c->trail, e, "make sure that PIV is selected");
}

// Applets that are on most cards: the card manager (GlobalPlatform 2.x, ISD), and the management applet of
// Yubico's.
static const struct {
    uint8_t n;
    uint8_t aid[8];
} others[] = {
    {8, {0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00}},
    {8, {0xA0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17}},
};

enum err piv_leave(struct card *c, enum piv_forgot *how)
{
    *how = PIV_FORGOT_RESET_NEEDED;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct apdu a = {
            .name = "SELECT another applet",
            .ins = 0xA4,
            .p1 = 0x04,
            .body = rd_of(others[i].aid, others[i].n),
            .expected = 256,
            .publish = APDU_PUBLIC,
        };
        struct rd ignored;
        if (c->facts.absent & 1U << i)
            continue;
        enum err e = chan_send(&c->chan, &a, &ignored);
        if (e == E_OK) {
            c->selected = SELECT_NONE;
            *how = PIV_FORGOT_SELECT;
            return E_OK;
        }
        if (fatal(e))
            return e;
        c->facts.absent = (uint8_t)(c->facts.absent | 1U << i);
    }
    err_clear(&c->trail);
    return E_OK; // *how says what is left to do
}

enum err piv_forget(struct card *c, enum piv_forgot *how)
{
    *how = PIV_FORGOT_RESET_NEEDED;
    enum err e = piv_unverify(c, PIV_REF_PIN);
    if (e == E_OK)
        *how = PIV_FORGOT_VERIFY;
    return e == E_UNSUPPORTED ? piv_leave(c, how) : e;
}

static enum err by_serial(struct card *c, struct card_identity *out)
{
    uint32_t serial;
    enum err e = driver_serial(c, &serial);
    if (e != E_OK)
        return e;
    struct wr w = wr_of(out->bytes, sizeof out->bytes);
    wr_u32(&w, serial);
    out->kind = IDENTITY_SERIAL;
    out->len = (uint8_t)w.len;
    return E_OK;
}

static enum err by_chuid(struct card *c, struct card_identity *out)
{
    struct rd content;
    struct piv_chuid chuid;
    enum err e = piv_get_data(c, PIV_TAG_CHUID, &content);
    if (e != E_OK)
        return e;
    if (!piv_chuid_parse(content, &chuid) || !chuid.has_guid)
        return FAIL(&c->trail, E_NOT_FOUND, "chuid: no guid");
    memcpy(out->bytes, chuid.guid, PIV_GUID_SIZE);
    out->kind = IDENTITY_GUID;
    out->len = PIV_GUID_SIZE;
    return E_OK;
}

enum err piv_identity(struct card *c, struct card_identity *out)
{
    *out = (struct card_identity){.kind = IDENTITY_NONE};
    bool first_serial = driver_has_serial(c);
    enum err e = first_serial ? by_serial(c, out) : by_chuid(c, out);
    if (e == E_OK || fatal(e))
        return e;
    // The order is the same for one card every time, so its identity doesn't change between connections.
    e = first_serial ? by_chuid(c, out) : by_serial(c, out);
    if (e == E_OK || fatal(e))
        return e;
    err_clear(&c->trail);
    return E_OK;
}

bool card_identity_same(const struct card_identity *a, const struct card_identity *b)
{
    return a->kind != IDENTITY_NONE && a->kind == b->kind && a->len == b->len &&
           memcmp(a->bytes, b->bytes, a->len) == 0;
}

enum err piv_read_certificate(struct card *c, const struct piv_slot *slot, uint8_t *out, size_t *len)
{
    struct rd content;
    enum err e = piv_get_data(c, slot->object, &content);
    if (e == E_OK)
        return piv_unpack_certificate(c, content, out, len);
    *len = 0;
    return e;
}

enum err piv_unpack_certificate(struct card *c, struct rd content, uint8_t *out, size_t *len)
{
    struct piv_certificate certificate;
    enum err e;
    size_t room = *len;
    *len = 0;
    if (!piv_certificate_parse(content, &certificate))
        return FAIL(&c->trail, E_MALFORMED, "certificate object");
    if (!certificate.compressed) {
        *len = room;
        e = rd_store(certificate.data, out, len);
        return e == E_OK ? E_OK : FAIL(&c->trail, e, "certificate: size");
    }
    // The channel's work buffer is free here: the length isn't known before it is unpacked.
    size_t n = APDU_DATA_MAX;
    e = piv_inflate(certificate.data, c->chan.work, &n);
    if (e != E_OK)
        return FAIL(&c->trail, e == E_BUFFER ? E_MALFORMED : e, "certificate: compressed data");
    *len = room;
    e = rd_store(rd_of(c->chan.work, n), out, len);
    return e == E_OK ? E_OK : FAIL(&c->trail, e, "certificate: size");
}

// The packed form stands in the wire buffer, the object in the reply buffer: both are free until PUT DATA,
// whose body is a copy in the work buffer, is sent.
enum err piv_write_certificate(struct card *c, const struct piv_slot *slot, struct rd der, bool compress,
                               size_t plain_max)
{
    struct rd data = der;
    struct rd content;
    bool pack = compress || (plain_max != 0 && der.n > plain_max);
    if (der.n == 0 || der.n > PIV_OBJECT_MAX - 32)
        return FAIL(&c->trail, E_ARGUMENT, "certificate: size");
    chan_wipe(&c->chan);
    if (pack) {
        size_t n = PIV_OBJECT_MAX - 32;
        enum err e = piv_deflate(der, c->chan.wire, &n);
        if (e != E_OK)
            return FAIL(&c->trail, e == E_BUFFER ? E_NO_SPACE : e, "certificate: compress");
        data = rd_of(c->chan.wire, n);
    }
    struct wr w = wr_of(c->chan.reply, CHAN_REPLY_SIZE);
    if (!piv_certificate_build(&w, data, pack) || !wr_done(&w, &content))
        return FAIL(&c->trail, E_ARGUMENT, "certificate: size");
    return piv_put_data(c, slot->object, content);
}

enum err piv_delete_certificate(struct card *c, const struct piv_slot *slot)
{
    return piv_put_data(c, slot->object, rd_of(NULL, 0));
}
