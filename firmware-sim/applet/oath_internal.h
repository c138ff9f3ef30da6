/* What the files of the OATH application share: credentials as they lie in the store, and the access code. */
#ifndef FW_OATH_INTERNAL_H
#define FW_OATH_INTERNAL_H

#include "applet/oath.h"
#include "applet/records.h"

enum oath_needs { OATH_UNLOCKED = 1 << 0 };
enum oath_type { OATH_HOTP = 0x10, OATH_TOTP = 0x20, OATH_TYPE = 0xF0, OATH_HASH = 0x0F };
enum oath_property { OATH_INCREASING = 1 << 0, OATH_TOUCH = 1 << 1 };
enum { OATH_ID = 8, OATH_CODE_KEY = 16, OATH_CHALLENGE = 8 };

/* The tags of YKOATH. */
enum oath_tag {
    OATH_TAG_NAME = 0x71,
    OATH_TAG_LIST = 0x72,
    OATH_TAG_KEY = 0x73,
    OATH_TAG_CHALLENGE = 0x74,
    OATH_TAG_FULL = 0x75, /* also the response of VALIDATE */
    OATH_TAG_TRUNCATED = 0x76,
    OATH_TAG_HOTP = 0x77,
    OATH_TAG_PROPERTY = 0x78,
    OATH_TAG_VERSION = 0x79,
    OATH_TAG_IMF = 0x7A,
    OATH_TAG_ALGORITHM = 0x7B,
    OATH_TAG_TOUCH = 0x7C,
};

struct oath {
    bool unlocked;
    uint8_t challenge[OATH_CHALLENGE]; /* of the last SELECT */
};

struct oath_credential {
    uint32_t index; /* of its record */
    uint8_t type_and_hash, digits, property;
    size_t name_len, key_len;
    uint8_t name[OATH_NAME_MAX], key[OATH_KEY_MAX];
};

/* What moves: the counter of HOTP, the last challenge of a TOTP credential that only increases. */
struct oath_moving {
    uint64_t value;
};

bool oath_load(const struct fw_card *card, uint32_t index, struct oath_credential *out);
/* The credential of that name; false when there is none. */
bool oath_find(const struct fw_card *card, const uint8_t *name, size_t len, struct oath_credential *out);
/* Adds a credential's record to the open transaction. */
void oath_put(struct fw_card *card, const struct oath_credential *credential);
bool oath_moving_load(const struct fw_card *card, uint32_t index, uint64_t *value);
void oath_moving_put(struct fw_card *card, uint32_t index, uint64_t value);
enum fw_status oath_commit(struct fw_card *card);

/* The hash of a type-and-hash byte; false when it is none. */
bool oath_hash(uint8_t type_and_hash, enum crypto_hash *hash);

fw_run oath_calculate, oath_calculate_all;

#endif
