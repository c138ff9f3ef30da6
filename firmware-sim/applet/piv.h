/* The PIV card application, as its files share it (SP 800-73-4 part 2; SP 800-78-4). */
#ifndef FW_PIV_H
#define FW_PIV_H

#include "applet/profile.h"
#include "applet/records.h"

extern const struct fw_applet piv_applet;

enum piv_needs { PIV_ADMIN = 1 << 0, PIV_VERIFIED = 1 << 1 };

/* Instructions beyond those that a version brings. */
enum piv_extension { PIV_EXTENSION_OTP = 1 << 0 }; /* keys that want a code */

enum piv_reference {
    PIV_PIN = 0x80,
    PIV_PUK = 0x81,
    PIV_MANAGEMENT = 0x9B,
    PIV_OTP = 0x9F,
    PIV_ATTESTATION = 0xF9,
};

enum piv_pin_policy { PIV_PIN_DEFAULT, PIV_PIN_NEVER, PIV_PIN_ONCE, PIV_PIN_ALWAYS };
enum piv_touch_policy { PIV_TOUCH_DEFAULT, PIV_TOUCH_NEVER, PIV_TOUCH_ALWAYS, PIV_TOUCH_CACHED };
enum piv_origin { PIV_GENERATED = 1, PIV_IMPORTED = 2 };

enum { PIV_SLOTS = 25, PIV_TOUCH_CACHE_US = 15 * 1000000, PIV_TICKET = 16 };

/* A place for a key. */
struct piv_slot {
    uint8_t reference;
    uint32_t object; /* of its certificate */
    uint8_t pin;     /* the policy that "default" means there */
};
/* NULL when the reference names no such place on this card. */
const struct piv_slot *piv_slot(const struct fw_card *card, uint8_t reference);

struct piv_algorithm {
    uint8_t id; /* SP 800-78-4 table 6-2, and the maker's additions */
    enum crypto_kind kind;
    bool generates;
};
/* NULL when the card's profile has no such algorithm. */
const struct piv_algorithm *piv_algorithm(const struct fw_card *card, uint8_t id);

struct piv_key {
    struct crypto_key *key;                /* NULL: not loaded */
    uint8_t algorithm, origin, pin, touch; /* policies with "default" resolved */
};

/* What accepted codes gave (piv_otp.c). */
struct piv_otp {
    bool alive, ticketed;   /* the ticket; the PIN was verified with it */
    bool permit, permitted; /* an accepted code stands for the next use of a key; for the command that runs */
    uint8_t ticket[PIV_TICKET];
    uint64_t until_us;
};

/* Volatile; what lasts is in the store. */
struct piv {
    bool pin_verified, pin_fresh, admin;
    uint8_t challenge[16], witness[16];
    bool challenged, witnessed;
    uint64_t touched_us; /* when the last touch was given, 0: none */
    struct piv_otp otp;
    struct piv_key key[PIV_SLOTS];
};
struct piv *piv_state(const struct fw_card *card);

/* Commits what was put into the store, as a status word. */
enum fw_status piv_commit(struct fw_card *card);

/* Keys (piv_key.c). The key stays the card's. */
enum fw_status piv_key_load(struct fw_card *card, const struct piv_slot *slot, struct piv_key **key);
/* Adds the key's record to the open transaction. */
bool piv_key_put(struct fw_card *card, uint8_t reference, const struct piv_key *key);
enum fw_status piv_key_save(struct fw_card *card, const struct piv_slot *slot, const struct piv_key *key);
void piv_key_forget(struct fw_card *card, const struct piv_slot *slot);
void piv_keys_forget(struct fw_card *card);
void piv_put_public(struct fw_reply *r, const struct crypto_key *key);
/* Fills in the policies that AA and AB name, or the defaults; false when they are not to be had. */
bool piv_read_policies(const struct fw_card *card, const struct piv_slot *slot,
                       const struct fw_tlv_table *table, struct piv_key *key);

/* PIN and PUK (piv_pin.c): how they lie in the store. */
struct piv_secret {
    uint8_t left, tries, value[8];
};
bool piv_secret_read(const struct fw_card *card, uint8_t reference, struct piv_secret *out);
/* Adds the record to the open transaction. */
void piv_secret_put(struct fw_card *card, uint8_t reference, const struct piv_secret *secret);

/* The management key (piv_admin.c). */
struct piv_management {
    uint8_t algorithm, touch, key[32];
};
bool piv_management_read(const struct fw_card *card, struct piv_management *out);
void piv_management_put(struct fw_card *card, const struct piv_management *management);
/* The cipher of an algorithm identifier; false when it is none. */
bool piv_cipher(uint8_t algorithm, enum crypto_cipher *cipher);

/* Keys that want a code (piv_otp.c). All of these say nothing on a card without the extension. */
void piv_otp_announce(struct fw_reply *r); /* in the answer to SELECT */
void piv_otp_before(struct fw_card *card, const struct fw_command *c);
/* Ticket and permit end. */
void piv_otp_forget(struct fw_card *card);
/* Adds the end of secret and gates to the open transaction. */
void piv_otp_erase(struct fw_card *card);
bool piv_otp_is_ticket(struct fw_card *card, const uint8_t given[PIV_TICKET]);
/* What the key reference's gate says to its use now. */
enum fw_status piv_otp_permit(struct fw_card *card, uint8_t reference);

/* Asks for a touch as a key's policy says. FW_OK, FW_WAIT or FW_SECURITY_STATUS. */
enum fw_status piv_touch(struct fw_card *card, uint8_t policy);

fw_run piv_get_data, piv_put_data;
fw_run piv_verify, piv_change_reference, piv_reset_retry;
fw_run piv_generate, piv_authenticate_admin, piv_use_key;
fw_run piv_get_version, piv_get_serial, piv_get_metadata, piv_attest, piv_import, piv_move_key;
fw_run piv_otp_verify, piv_otp_state, piv_otp_install, piv_otp_set_gates, piv_otp_unblock, piv_otp_remove;
fw_run piv_set_management, piv_set_retries, piv_reset;

#endif
