/* What is on the card, as objects: read when something asks for it, and only that. */
#pragma once
#include "core/core.h"

/* Forgets all that was read. Token objects and their handles end. 0 exchanges. */
void content_forget(struct slot *s);
/* Another program wrote to the card: everything is read again when asked for, and handles of what is
 * unchanged stay. */
void content_doubt(struct slot *s);
/* Inside a transaction (TOKEN_TRY will do): the Key History and the facts in it. 0 or 1 exchange. */
CK_RV content_history(struct slot *s);
/* Reads what a search by this template can match and isn't known yet. A template that no object of the card
 * can match reads nothing. */
CK_RV content_prepare(struct slot *s, const CK_ATTRIBUTE *templ, CK_ULONG count);
/* A profile object. */
CK_RV content_profile(struct slot *s, CK_ULONG id);
/* Makes sure that a private key's policies are known: 0 or 1 exchange. */
CK_RV content_policy(struct slot *s, struct card_key *k);
/* Inside a transaction: what the retired slots hold, where metadata tells it. 0 to 20 exchanges. */
CK_RV content_retired(struct slot *s);
/* What a key slot holds now, whatever was known of it. 1 to 3 exchanges, more without extended length. */
CK_RV content_look(struct slot *s, struct card_key *k);
/* CKA_ID of a key slot: 01 to 04 for 9A 9C 9D 9E, then 05.. for 82... */
uint8_t content_id(const struct card_key *k);
struct card_key *content_key_by_id(struct slot *s, struct rd id); /* NULL: no such slot */
struct card_key *content_key_by_ref(struct slot *s, uint8_t ref);
/* After writing: the objects of a new key or certificate (der empty: there is none any more). */
CK_RV content_new_key(struct slot *s, struct card_key *k, const struct piv_public *public_key,
                      enum piv_pin pin, enum piv_touch touch);
CK_RV content_new_certificate(struct slot *s, struct card_key *k, struct rd der);
/* An RSA or EC key that asks for the PIN each time is known, or not yet known not, to be on the card: 0 or
 * few exchanges. */
CK_RV content_always_kinds(struct slot *s, bool *rsa, bool *ec);

/* keyobj.c: the objects of one key slot. */
CK_RV keyobj_certificate(struct slot *s, struct card_key *k, struct rd der);
CK_RV keyobj_keys(struct slot *s, struct card_key *k);
void keyobj_policy(struct card_key *k); /* puts what is known of policies into the private key's attributes */
bool keyobj_public_of(struct rd spki, struct piv_public *out);
/* The slot's key is this one from now on; objects of another one go. keyobj_keys makes the new ones. */
void keyobj_replace(struct slot *s, struct card_key *k, const struct piv_public *p);
void keyobj_build_public(struct wr *w, const struct piv_public *p); /* SubjectPublicKeyInfo */
/* The mechanism engine's view of a key object. */
CK_RV keyobj_mech(const struct object *o, struct mech_key *out);
enum host_curve keyobj_curve(struct rd ec_params);
