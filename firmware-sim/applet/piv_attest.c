/* ATTEST: a certificate, signed by the card's attestation key, that a key was made on it (Yubico's PIV
 * attestation). */
#include "applet/personality.h"
#include "applet/piv.h"

#include "hal/crypto_cert.h"

#include <stdio.h>

/* Everything the certificate says; the extensions' contents are the maker's: 1.3.6.1.4.1.41482.3. */
static void describe(const struct fw_card *card, const struct piv_key *key, uint8_t reference,
                     uint32_t serial, struct crypto_attestation *a)
{
    unsigned version = card->kind->version;
    *a = (struct crypto_attestation){
        .key = key->key,
        .version = {(uint8_t)(version >> 16), (uint8_t)(version >> 8), (uint8_t)version},
        .serial = serial,
        .pin_policy = key->pin,
        .touch_policy = key->touch,
        .form_factor = profile_of(card)->form_factor,
    };
    (void)snprintf(a->subject, sizeof a->subject, "YubiKey PIV Attestation %02x", reference);
}

enum fw_status piv_attest(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    const struct piv_slot *slot = piv_slot(card, c->p1);
    struct piv_key *attestor, *key;
    struct personality who;
    struct crypto_attestation a;
    uint8_t issuer[2048];
    size_t issuer_len;
    if (slot == NULL || slot->reference == PIV_ATTESTATION)
        return FW_WRONG_P1P2;
    enum fw_status status = piv_key_load(card, piv_slot(card, PIV_ATTESTATION), &attestor);
    if (status == FW_OK)
        status = piv_key_load(card, slot, &key);
    if (status != FW_OK)
        return status;
    if (key->origin != PIV_GENERATED)
        return FW_WRONG_DATA;
    if (!personality_read(&card->store, &who) ||
        !fw_store_get(&card->store, RECORD_OBJECT | 0x5FFF01, issuer, sizeof issuer, &issuer_len))
        return FW_NOT_FOUND;
    describe(card, key, slot->reference, who.serial, &a);
    struct fw_tlv_table table;
    const struct fw_tlv *certificate =
        fw_tlv_split(issuer, issuer_len, &table) ? fw_tlv_get(&table, 0x70) : NULL;
    size_t len = certificate == NULL ? 0
                                     : crypto_attest(&a, attestor->key, certificate->value, certificate->len,
                                                     r->bytes + r->len, r->cap - r->len);
    if (len == 0)
        return FW_FAILURE;
    r->len += len;
    return FW_OK;
}
