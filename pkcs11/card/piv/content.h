// What stands in PIV's data objects: parsers and builders without a card (SP 800-73-4 part 1, appendix A).
#pragma once
#include "card/base/wr.h"
#include "card/piv/table.h"

#define PIV_GUID_SIZE 16

// A certificate's object: 70 certificate, 71 CertInfo, FE (empty).
struct piv_certificate {
    struct rd data; // the 70's bytes: DER, or gzip when compressed
    bool compressed;
};
// Unknown elements after the 70 are skipped as cards in the field have them. false: *out is empty.
MUST_USE bool piv_certificate_parse(struct rd content, struct piv_certificate *out);
// data as it is to stand in the 70. false: doesn't fit.
MUST_USE bool piv_certificate_build(struct wr *w, struct rd data, bool compressed);

// Limits of both ways, so that a hostile object costs bounded work.
#define PIV_COMPRESSED_MAX 65536
#define PIV_INFLATED_MAX   131072
// gzip (RFC 1952), or the zlib format that some cards carry. *len is in: size of out, out: size of the
// result. E_BUFFER when larger (nothing beyond out is made: a hostile object costs at most that much work),
// E_MALFORMED, E_MEMORY. Uses zlib.
MUST_USE enum err piv_inflate(struct rd data, uint8_t *out, size_t *len);
// gzip at the highest level. E_BUFFER when it doesn't fit.
MUST_USE enum err piv_deflate(struct rd data, uint8_t *out, size_t *len);

// CHUID: what identifies a card.
struct piv_chuid {
    struct rd fascn;             // 30, 25 bytes as a rule
    uint8_t guid[PIV_GUID_SIZE]; // 34
    bool has_guid;               // there and not all zero
    struct rd expiry;            // 35, YYYYMMDD
    struct rd signature;         // 3E, DER CMS
};
MUST_USE bool piv_chuid_parse(struct rd content, struct piv_chuid *out);
// An unsigned CHUID with this GUID and expiry (8 digits), as personal tokens carry it.
MUST_USE bool piv_chuid_build(struct wr *w, const uint8_t guid[PIV_GUID_SIZE], const char *expiry);

// Key History (5FC10C). Counts above 20 together are refused.
struct piv_key_history {
    uint8_t on_card;  // retired keys whose certificates are on the card: slots 82, 83...
    uint8_t off_card; // and those whose certificates are at the URL: slots 95, 94... downwards
    struct rd url;
};
MUST_USE bool piv_key_history_parse(struct rd content, struct piv_key_history *out);
MUST_USE bool piv_key_history_build(struct wr *w, const struct piv_key_history *history);

// Discovery (7E).
struct piv_discovery {
    bool global_pin;   // the global PIN may serve instead of 80
    bool global_first; // and is the one to ask for
    bool occ;          // on-card biometric comparison
};
// false: not a Discovery object of a PIV applet.
MUST_USE bool piv_discovery_parse(struct rd content, struct piv_discovery *out);
