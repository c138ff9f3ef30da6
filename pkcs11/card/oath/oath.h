// The OATH applet: one-time passwords of RFC 4226 and RFC 6238 made on the card (Yubico's public YKOATH
// protocol).
//
// Each function sends one command; "n" more where the answer is long (61xx, fetched by SEND REMAINING). The
// applet has to be selected in the same transaction (oath_select; nothing else is selected then: piv_ensure
// selects PIV anew, with 1). Names are the card's ids, bytes: "issuer:account", with "period/" in front when
// a TOTP's period isn't 30 seconds. After failure outputs are empty and card->trail tells more. Views are
// valid until the next call on the card.
#pragma once
#include "card/base/wr.h"
#include "card/card.h"

#define OATH_NAME_MAX   64
#define OATH_SECRET_MAX 64 // longer ones are hashed by the caller first (RFC 2104)
#define OATH_ID_MAX     16
#define OATH_ACCESS_SIZE                                                                                     \
    16 // PBKDF2-HMAC-SHA1(password, salt = the applet's id, 1,000 rounds), made by the caller

enum oath_type { OATH_HOTP = 0x10, OATH_TOTP = 0x20 };
enum oath_hash { OATH_SHA1 = 0x01, OATH_SHA256 = 0x02, OATH_SHA512 = 0x03 };

struct oath_info {
    uint8_t version[3];
    uint8_t id[OATH_ID_MAX]; // stays until the applet is reset; the salt of the access key
    uint8_t id_len;
    bool locked;          // an access key is set: oath_unlock first
    uint8_t challenge[8]; // for oath_unlock, when locked
};

struct oath_credential {
    enum oath_type type;
    enum oath_hash hash;
    struct rd name;
};

struct oath_new {
    enum oath_type type;
    enum oath_hash hash;
    uint8_t digits; // 6 to 8
    bool touch;
    uint32_t counter; // HOTP: the first value
    struct rd name;
    struct rd secret; // 14 to OATH_SECRET_MAX bytes as the card wants them; shorter ones are filled up with
                      // zeros (RFC 2104)
};

// A code. digits 0: there is none (the card wants a touch or a calculation of its own for this one).
struct oath_code {
    uint8_t digits;
    uint32_t value; // the lowest 31 bits (RFC 4226 5.3), not reduced: value mod 10^digits is shown
};

enum oath_when { OATH_NOW, OATH_NEEDS_TOUCH, OATH_IS_HOTP };
struct oath_calculated {
    struct rd name;
    enum oath_when when; // OATH_NOW: code is there
    uint8_t digits;      // also without a code; 0: not told
    struct oath_code code;
};

// What card/ doesn't have: HMAC-SHA-1 of at most 64 bytes, random bytes.
struct oath_crypto {
    void *ctx;
    enum err (*hmac_sha1)(void *ctx, struct rd key, struct rd data, uint8_t out[20]);
    enum err (*random)(void *ctx, uint8_t *out, size_t n);
};

// SELECT. 1. E_NOT_PRESENT: no such applet. PIV is no longer selected, so its PIN is no longer verified.
MUST_USE enum err oath_select(struct card *c, struct oath_info *out);
// VALIDATE: both sides prove that they have the access key. 1. E_PIN_WRONG: the card didn't accept it (there
// is no try counter); E_MALFORMED: the card has another one.
MUST_USE enum err oath_unlock(struct card *c, const struct oath_crypto *crypto, const struct oath_info *info,
                              struct rd access);
// SET CODE: a new access key; empty takes it away. 1.
MUST_USE enum err oath_set_access(struct card *c, const struct oath_crypto *crypto, struct rd access);

// LIST. 1 + n. *list is then walked by oath_list_next, which gives false at its end; it was checked to be
// whole.
MUST_USE enum err oath_list(struct card *c, struct rd *list);
bool oath_list_next(struct rd *list, struct oath_credential *out);

// PUT: replaces one of the same name. 1. E_NO_SPACE. Wrong values: E_ARGUMENT, nothing sent.
MUST_USE enum err oath_put(struct card *c, const struct oath_new *credential);
MUST_USE enum err oath_delete(struct card *c, struct rd name); // 1. E_NOT_FOUND
MUST_USE enum err oath_rename(struct card *c, struct rd name,
                              struct rd new_name); // 1. Firmware 5.3.1 and later

// CALCULATE, truncated. 1. moment: Unix time / period for TOTP; HOTP doesn't use it and counts on by itself.
// Waits for a touch where the credential wants one: E_AUTH_NEEDED when it doesn't come (15 seconds on
// Yubico's).
MUST_USE enum err oath_calculate(struct card *c, struct rd name, enum oath_type type, uint64_t moment,
                                 struct oath_code *out);
// CALCULATE ALL for this moment (period 30 seconds only: the caller asks the others by oath_calculate). 1 +
// n.
MUST_USE enum err oath_calculate_all(struct card *c, uint64_t moment, struct rd *list);
bool oath_calculated_next(struct rd *list, struct oath_calculated *out);

// RESET: everything of the applet is erased. 1.
MUST_USE enum err oath_reset(struct card *c);
