// Parsing of public keys: 7F49 with 81 and 82 (RSA) or 86 (point).
#include "card/piv/public.h"

#include <string.h>

static bool unsigned_number(struct rd r, uint8_t *out, size_t cap, size_t *len)
{
    while (r.n != 0 && r.p[0] == 0 && rd_take(&r, 1, &(struct rd){0}))
        ;
    if (r.n == 0 || r.n > cap || !(r.p[r.n - 1] & 1))
        return false;
    memcpy(out, r.p, r.n);
    *len = r.n;
    return true;
}

static bool rsa(struct rd content, struct piv_public *out)
{
    struct rd modulus;
    struct rd exponent;
    return rd_tlv(&content, 0x81, &modulus) && rd_tlv(&content, 0x82, &exponent) && rd_end(&content) &&
           unsigned_number(modulus, out->modulus, sizeof out->modulus, &out->modulus_len) &&
           out->modulus_len == out->algorithm->block && (out->modulus[0] & 0x80) &&
           unsigned_number(exponent, out->exponent, sizeof out->exponent, &out->exponent_len) &&
           (out->exponent_len > 1 || out->exponent[0] > 1);
}

static bool point(struct rd content, struct piv_public *out)
{
    struct rd p;
    if (!(rd_tlv(&content, 0x86, &p) && rd_end(&content)) || p.n != out->algorithm->point)
        return false;
    if (out->algorithm->kind == PIV_EC && p.p[0] != 0x04)
        return false; // uncompressed, SP 800-73-4 part 2, table 11
    memcpy(out->point, p.p, p.n);
    out->point_len = p.n;
    return true;
}

bool piv_public_parse(struct rd content, const struct piv_algorithm *algorithm, struct piv_public *out)
{
    *out = (struct piv_public){.algorithm = algorithm};
    if (algorithm && (algorithm->kind == PIV_RSA ? rsa(content, out) : point(content, out)))
        return true;
    *out = (struct piv_public){0};
    return false;
}
