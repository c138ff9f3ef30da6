/* What has to stay and has no place in PIV: labels, ids, and public keys of keys without a certificate. They
 * stand in one element at the end of the Key History object, which is read anyway (docs/card-facts.md has the
 * format). */
#pragma once
#include "core/core.h"

/* content: of the Key History object, whose own part is read by card/. Broken facts are as none. */
void facts_parse(struct slot *s, struct rd content);
void facts_forget(struct slot *s);
/* Puts labels and ids into the objects of a key slot, and gives a key without certificate its public key. */
CK_RV facts_apply(struct slot *s, struct card_key *k);
/* An id or label that was given, or the slot's own. */
struct rd facts_id(struct slot *s, const struct card_key *k, uint8_t *standard);
struct rd facts_label(const struct slot *s, const struct card_key *k);

/* Changes what is remembered here; facts_write then brings it to the card. Empty values forget. */
CK_RV facts_set_label(struct slot *s, struct card_key *k, struct rd label);
CK_RV facts_set_id(struct slot *s, struct card_key *k, struct rd id);
void facts_set_public(struct slot *s, struct card_key *k, bool keep);
void facts_drop(struct slot *s, struct card_key *k);
bool facts_any(struct slot *s, struct card_key *k);
/* A token's label without the blanks at its end. false: too long, or not a text. */
bool facts_name(struct rd *name);
void facts_set_name(struct slot *s, struct rd name);
/* Inside an admin transaction, with the Key History read. */
CK_RV facts_write(struct slot *s);
