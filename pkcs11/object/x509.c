/* A careful look into a certificate: every view is checked, whatever stands behind is refused. */
#include "object/x509.h"
#include <string.h>

/* The next element with its header. */
static bool whole(struct rd *r, uint32_t tag, struct rd *out)
{
    struct rd before = *r, value;
    if (!rd_tlv(r, tag, &value))
        return false;
    *out = rd_of(before.p, before.n - r->n);
    return true;
}

static bool take_time(struct rd *r, struct rd *time, bool *short_years)
{
    uint32_t tag;
    if (!rd_tlv_any(r, &tag, time))
        return false;
    *short_years = tag == 0x17;
    return tag == 0x17 || tag == 0x18;
}

static const uint8_t basic_constraints[] = {0x55, 0x1D, 0x13};

/* Extensions ::= SEQUENCE OF SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING } */
static bool says_ca(struct rd extensions)
{
    struct rd list, one, oid, critical, value, constraints, ca;
    if (!rd_tlv(&extensions, 0x30, &list))
        return false;
    while (rd_tlv(&list, 0x30, &one)) {
        if (!rd_tlv(&one, 0x06, &oid) || !rd_tlv_opt(&one, 0x01, &critical) || !rd_tlv(&one, 0x04, &value))
            return false;
        if (rd_is(oid, basic_constraints, sizeof basic_constraints))
            return rd_tlv(&value, 0x30, &constraints) && rd_tlv(&constraints, 0x01, &ca) && ca.n == 1 &&
                   ca.p[0] != 0;
    }
    return false;
}

bool x509_parse(struct rd der, struct x509 *out)
{
    struct rd cert, tbs, skip, validity, extensions;
    struct x509 x = {0};
    *out = x;
    if (!rd_tlv(&der, 0x30, &cert) || !rd_end(&der) || !rd_tlv(&cert, 0x30, &tbs))
        return false;
    if (!rd_tlv_opt(&tbs, 0xA0, &skip) || !whole(&tbs, 0x02, &x.serial) || !rd_tlv(&tbs, 0x30, &skip) ||
        !whole(&tbs, 0x30, &x.issuer) || !rd_tlv(&tbs, 0x30, &validity) || !whole(&tbs, 0x30, &x.subject) ||
        !whole(&tbs, 0x30, &x.spki))
        return false;
    if (!take_time(&validity, &x.not_before, &x.short_years) ||
        !take_time(&validity, &x.not_after, &x.short_years_end))
        return false;
    if (rd_tlv_opt(&tbs, 0x81, &skip) && rd_tlv_opt(&tbs, 0x82, &skip) && rd_tlv(&tbs, 0xA3, &extensions))
        x.authority = says_ca(extensions);
    *out = x;
    return true;
}

bool x509_date(struct rd time, bool short_years, uint8_t out[8])
{
    size_t digits = short_years ? 6 : 8;
    if (time.n < digits)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (time.p[i] < '0' || time.p[i] > '9')
            return false;
    if (short_years)
        memcpy(out, time.p[0] < '5' ? "20" : "19", 2);
    memcpy(out + (short_years ? 2 : 0), time.p, digits);
    return true;
}

static const uint8_t oid_rsa[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01};
static const uint8_t oid_ec[] = {0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
static const uint8_t oid_p521[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23};
static const uint8_t oid_ed25519[] = {0x06, 0x03, 0x2B, 0x65, 0x70};
static const uint8_t oid_x25519[] = {0x06, 0x03, 0x2B, 0x65, 0x6E};
/* PKCS #11 3.0, 2.3.5 and 2.3.7: these curves may also be named by PrintableStrings. */
static const uint8_t name_ed25519[] = "\x13\x0C"
                                      "edwards25519";
static const uint8_t name_x25519[] = "\x13\x0A"
                                     "curve25519";

static const struct {
    enum spki_kind kind;
    const uint8_t *oid;
    size_t n;
    size_t point;
    bool own; /* the algorithm's OID is the curve's */
} curves[] = {
    {SPKI_P256, oid_p256, sizeof oid_p256, 65, false},
    {SPKI_P384, oid_p384, sizeof oid_p384, 97, false},
    {SPKI_P521, oid_p521, sizeof oid_p521, 133, false},
    {SPKI_ED25519, oid_ed25519, sizeof oid_ed25519, 32, true},
    {SPKI_X25519, oid_x25519, sizeof oid_x25519, 32, true},
    {SPKI_ED25519, name_ed25519, sizeof name_ed25519 - 1, 32, true},
    {SPKI_X25519, name_x25519, sizeof name_x25519 - 1, 32, true},
};
#define CURVES (sizeof curves / sizeof curves[0])

struct rd spki_curve(enum spki_kind kind)
{
    for (size_t i = 0; i < CURVES; i++)
        if (curves[i].kind == kind)
            return rd_of(curves[i].oid, curves[i].n);
    return rd_of(NULL, 0);
}

enum spki_kind spki_of_curve(struct rd params)
{
    for (size_t i = 0; i < CURVES; i++)
        if (rd_is(params, curves[i].oid, curves[i].n))
            return curves[i].kind;
    return SPKI_NONE;
}

static bool positive(struct rd *r, struct rd *out)
{
    if (!rd_tlv(r, 0x02, out) || out->n == 0 || (out->p[0] & 0x80) != 0)
        return false;
    while (out->n > 1 && out->p[0] == 0)
        *out = rd_of(out->p + 1, out->n - 1);
    return true;
}

static bool parse_rsa(struct rd bits, struct spki *out)
{
    struct rd seq;
    out->kind = SPKI_RSA;
    return rd_tlv(&bits, 0x30, &seq) && rd_end(&bits) && positive(&seq, &out->n) && positive(&seq, &out->e) &&
           rd_end(&seq);
}

static bool parse_point(struct rd oid, struct rd params, struct rd bits, struct spki *out)
{
    struct rd curve = rd_is(oid, oid_ec, sizeof oid_ec) ? params : oid;
    for (size_t i = 0; i < CURVES; i++) {
        if (!rd_is(curve, curves[i].oid, curves[i].n) || curves[i].own != rd_is(oid, curve.p, curve.n))
            continue;
        out->kind = curves[i].kind;
        out->point = bits;
        return bits.n == curves[i].point && (curves[i].own || bits.p[0] == 0x04);
    }
    return false;
}

bool spki_parse(struct rd der, struct spki *out)
{
    struct rd spki, algorithm, oid, bits;
    struct spki key = {0};
    uint8_t unused;
    *out = key;
    if (!rd_tlv(&der, 0x30, &spki) || !rd_end(&der) || !rd_tlv(&spki, 0x30, &algorithm) ||
        !rd_tlv(&spki, 0x03, &bits) || !rd_end(&spki) || !rd_u8(&bits, &unused) || unused != 0 ||
        !whole(&algorithm, 0x06, &oid))
        return false;
    bool ok =
        rd_is(oid, oid_rsa, sizeof oid_rsa) ? parse_rsa(bits, &key) : parse_point(oid, algorithm, bits, &key);
    if (ok)
        *out = key;
    return ok;
}

static void integer(struct wr *w, struct rd n)
{
    size_t mark = wr_open(w, 0x02);
    if (n.n == 0 || (n.p[0] & 0x80) != 0)
        wr_u8(w, 0);
    wr_rd(w, n);
    wr_close(w, mark);
}

void spki_build(struct wr *w, const struct spki *key)
{
    struct rd curve = spki_curve(key->kind);
    size_t all = wr_open(w, 0x30), algorithm = wr_open(w, 0x30);
    bool own = key->kind == SPKI_ED25519 || key->kind == SPKI_X25519;
    if (key->kind == SPKI_RSA) {
        wr_bytes(w, oid_rsa, sizeof oid_rsa);
        wr_u16(w, 0x0500);
    } else {
        if (!own)
            wr_bytes(w, oid_ec, sizeof oid_ec);
        wr_rd(w, curve);
    }
    wr_close(w, algorithm);
    size_t bits = wr_open(w, 0x03);
    wr_u8(w, 0);
    if (key->kind == SPKI_RSA) {
        size_t seq = wr_open(w, 0x30);
        integer(w, key->n);
        integer(w, key->e);
        wr_close(w, seq);
    } else {
        wr_rd(w, key->point);
    }
    wr_close(w, bits);
    wr_close(w, all);
}
