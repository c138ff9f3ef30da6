// The rows of PIV: key slots, data objects, algorithms and ciphers (SP 800-73-4 part 1 and 2, SP 800-78-4,
// Yubico's PIV pages).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIV_ACTIVE_SLOTS  4
#define PIV_RETIRED_SLOTS 20
#define PIV_SLOTS         (PIV_ACTIVE_SLOTS + PIV_RETIRED_SLOTS)

// Key references of the commands' P2 (SP 800-73-4 part 1, table 4b).
enum piv_ref {
    PIV_REF_GLOBAL_PIN = 0x00,
    PIV_REF_PIN = 0x80,
    PIV_REF_PUK = 0x81,
    PIV_REF_AUTH = 0x9A,
    PIV_REF_ADMIN = 0x9B,
    PIV_REF_SIGN = 0x9C,
    PIV_REF_KEM = 0x9D,
    PIV_REF_CARD = 0x9E,
    PIV_REF_RETIRED_FIRST = 0x82,
    PIV_REF_RETIRED_LAST = 0x95,
    PIV_REF_ATTEST = 0xF9, // Yubico
};

// Data objects that code speaks of by name.
enum piv_tag {
    PIV_TAG_DISCOVERY = 0x7E,
    PIV_TAG_BIT_GROUP = 0x7F61,
    PIV_TAG_CHUID = 0x5FC102,
    PIV_TAG_CCC = 0x5FC107,
    PIV_TAG_PRINTED = 0x5FC109,
    PIV_TAG_KEY_HISTORY = 0x5FC10C,
    PIV_TAG_ATTEST = 0x5FFF01,     // Yubico: the attestation certificate
    PIV_TAG_ADMIN_DATA = 0x5FFF00, // Yubico: ykman's flags, salt and time stamp
    PIV_TAG_MSROOTS = 0x5FFF11,
};

// PIN policies and touch policies as Yubico numbers them; 0: the slot's own.
enum piv_pin {
    PIV_PIN_DEFAULT,
    PIV_PIN_NEVER,
    PIV_PIN_ONCE,
    PIV_PIN_ALWAYS,
    PIV_PIN_MATCH_ONCE,
    PIV_PIN_MATCH_ALWAYS
};
enum piv_touch { PIV_TOUCH_DEFAULT, PIV_TOUCH_NEVER, PIV_TOUCH_ALWAYS, PIV_TOUCH_CACHED };

struct piv_slot {
    uint8_t ref;      // P2 of GENERATE and GENERAL AUTHENTICATE
    uint32_t object;  // its certificate's object
    enum piv_pin pin; // SP 800-73-4 part 1, table 5 (never DEFAULT)
    uint8_t retired;  // 1..20; 0: an active slot
    const char *word; // "auth", "sign", "kem", "card", "retired1"...: what people type
    const char *name; // "PIV Authentication"...
};

// Rows in the order 9A 9C 9D 9E 82..95. NULL: no such slot. F9 is found by ref and by object, but has no
// index.
const struct piv_slot *piv_slot_at(size_t index); // 0..PIV_SLOTS-1
const struct piv_slot *piv_slot_by_ref(uint8_t ref);
const struct piv_slot *piv_slot_by_object(uint32_t object);
const struct piv_slot *piv_slot_by_name(const char *text); // "9a", "9A", "0x9a" or the word

struct piv_object {
    uint32_t tag;     // of GET DATA
    const char *name; // SP 800-73-4 part 1, table 2
    const char *oid;  // dotted; NULL: none (Yubico's)
    bool pin;         // reading needs the PIN
    bool certificate; // belongs to a key slot
};

const struct piv_object *piv_object_at(size_t index); // NULL past the end
const struct piv_object *piv_object_by_tag(uint32_t tag);

enum piv_kind { PIV_RSA, PIV_EC, PIV_ED25519, PIV_X25519 };

struct piv_algorithm {
    uint8_t id; // P1 of GENERAL AUTHENTICATE (SP 800-78-4 table 6-2; Yubico)
    enum piv_kind kind;
    uint16_t bits;
    uint16_t block;    // bytes of an RSA block, of a coordinate, of a key
    uint16_t point;    // bytes of a public point; 0 for RSA
    uint32_t cap;      // the CAP_ of driver.h that a card must have; 0: every PIV card
    const char *name;  // "RSA2048", "ECCP256"...
    const char *curve; // dotted OID; NULL for RSA
};

const struct piv_algorithm *piv_algorithm_at(size_t index); // NULL past the end
const struct piv_algorithm *piv_algorithm_by_id(uint8_t id);
const struct piv_algorithm *piv_algorithm_by(enum piv_kind kind, unsigned bits);
const struct piv_algorithm *piv_algorithm_by_name(const char *name); // any case

// Ciphers of the management key.
struct piv_cipher {
    uint8_t id; // 03, 08, 0A, 0C
    uint8_t key;
    uint8_t block;
    const char *name; // "3DES", "AES128"...
};

const struct piv_cipher *piv_cipher_at(size_t index); // NULL past the end
const struct piv_cipher *piv_cipher_by_id(uint8_t id);
const struct piv_cipher *piv_cipher_by_name(const char *name); // any case

// What to expect of the card's own default for the PIN of a key in slot, when nothing better is known.
enum piv_pin piv_pin_of(const struct piv_slot *slot, enum piv_pin policy);
