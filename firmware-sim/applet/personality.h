/* What makes one card different from the next of its kind: its number, and the profile it was made with. */
#ifndef FW_PERSONALITY_H
#define FW_PERSONALITY_H

#include "applet/profile.h"

struct personality {
    uint32_t serial;
    char profile[32];
};

/* Writes the factory state of the card's profile into its empty store, in one transaction. blank: without
 * CHUID and CCC, as a card comes that nobody has given an identity. */
bool personality_make(struct fw_card *card, uint32_t serial, bool blank);

/* Reads what personality_make wrote; false when the store holds no finished card. */
bool personality_read(const struct fw_store *store, struct personality *out);

/* Adds PIN, PUK and management key with their factory values to the open transaction. */
void personality_put_secrets(struct fw_card *card);

/* A factory value as it lies in the card, padded. */
void personality_factory_secret(const char *value, uint8_t out[8]);

#endif
