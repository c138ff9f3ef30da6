/* What the module needs to know of a certificate or a public key, read from its DER (RFC 5280, 4.1; RFC 5480;
 * RFC 8410). */
#pragma once
#include "card/base/wr.h"

struct x509 {
    struct rd subject, issuer, serial; /* each with its header */
    struct rd spki;                    /* SubjectPublicKeyInfo, with its header */
    struct rd not_before, not_after;   /* the contents of the Time */
    bool short_years;                  /* not_before is a UTCTime */
    bool short_years_end;              /* not_after is one */
    bool authority;                    /* basic constraints say CA */
};
/* Views into der. false: not a certificate; *out is then empty. */
MUST_USE bool x509_parse(struct rd der, struct x509 *out);
/* A Time as YYYYMMDD. */
MUST_USE bool x509_date(struct rd time, bool short_years, uint8_t out[8]);

enum spki_kind { SPKI_NONE, SPKI_RSA, SPKI_P256, SPKI_P384, SPKI_P521, SPKI_ED25519, SPKI_X25519 };
struct spki {
    enum spki_kind kind;
    struct rd n, e;  /* RSA, without leading zeros */
    struct rd point; /* as it stands in the bit string */
};
/* false: a kind of key that isn't known here, or broken. */
MUST_USE bool spki_parse(struct rd der, struct spki *out);
void spki_build(struct wr *w, const struct spki *key);
/* DER of the curve's OID, as in CKA_EC_PARAMS; {NULL, 0} for RSA. */
struct rd spki_curve(enum spki_kind kind);
/* Which curve an ECParameters names (its OID, or a 25519 curve's name); SPKI_NONE: another. */
enum spki_kind spki_of_curve(struct rd params);
