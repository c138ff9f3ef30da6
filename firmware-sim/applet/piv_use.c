/* GENERAL AUTHENTICATE with a private key: signature, decryption, key agreement (SP 800-73-4 part 2, 3.2.4,
 * A.4, A.5). */
#include "applet/piv.h"

#include <string.h>

/* What a kind of key does with which element of the dynamic authentication template (table 7): 81 brings what
 * is signed or decrypted, 85 the other side's point. */
struct operation {
    enum crypto_kind kind;
    uint32_t element;
    size_t least, most; /* bytes of the element */
    size_t (*run)(const struct crypto_key *key, const uint8_t *in, size_t len, uint8_t *out);
};

static const struct operation operations[] = {
    {CRYPTO_RSA_1024, 0x81, 128, 128, crypto_rsa_private},
    {CRYPTO_RSA_2048, 0x81, 256, 256, crypto_rsa_private},
    {CRYPTO_RSA_3072, 0x81, 384, 384, crypto_rsa_private},
    {CRYPTO_RSA_4096, 0x81, 512, 512, crypto_rsa_private},
    {CRYPTO_P256, 0x81, 1, 32, crypto_ecdsa_sign},
    {CRYPTO_P256, 0x85, 65, 65, crypto_agree},
    {CRYPTO_P384, 0x81, 1, 48, crypto_ecdsa_sign},
    {CRYPTO_P384, 0x85, 97, 97, crypto_agree},
    {CRYPTO_ED25519, 0x81, 0, FW_BODY_MAX, crypto_ed25519_sign},
    {CRYPTO_X25519, 0x85, 32, 32, crypto_agree},
};

static const struct operation *read_operation(const struct fw_command *c, enum crypto_kind kind,
                                              struct fw_tlv *input)
{
    struct fw_tlv_table table;
    if (!fw_tlv_inside(c->data, c->len, 0x7C, &table) || table.count != 2)
        return NULL;
    const struct fw_tlv *result = fw_tlv_get(&table, 0x82);
    if (result == NULL || result->len != 0)
        return NULL;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        const struct operation *o = &operations[i];
        const struct fw_tlv *element = o->kind == kind ? fw_tlv_get(&table, o->element) : NULL;
        if (element == NULL)
            continue;
        *input = *element;
        return element->len >= o->least && element->len <= o->most ? o : NULL;
    }
    return NULL;
}

/* The PIN as the key's policy wants it, the code as the gate does, then the touch. */
static enum fw_status permit(struct fw_card *card, uint8_t reference, const struct piv_key *key)
{
    struct piv *piv = piv_state(card);
    if (key->pin == PIV_PIN_ONCE && !piv->pin_verified)
        return FW_SECURITY_STATUS;
    if (key->pin == PIV_PIN_ALWAYS && !(piv->pin_verified && piv->pin_fresh))
        return FW_SECURITY_STATUS;
    enum fw_status status = piv_otp_permit(card, reference);
    if (status == FW_OK)
        status = piv_touch(card, key->touch);
    if (status != FW_WAIT)
        piv->pin_fresh = false;
    return status;
}

enum fw_status piv_use_key(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    const struct piv_slot *slot = piv_slot(card, c->p2);
    const struct piv_algorithm *algorithm = piv_algorithm(card, c->p1);
    struct fw_tlv input;
    struct piv_key *key;
    uint8_t result[CRYPTO_RESULT_MAX];
    if (slot == NULL || slot->reference == PIV_ATTESTATION || algorithm == NULL)
        return FW_WRONG_P1P2;
    enum fw_status status = piv_key_load(card, slot, &key);
    if (status == FW_OK && key->algorithm != algorithm->id)
        status = FW_WRONG_P1P2;
    if (status == FW_OK)
        status = permit(card, slot->reference, key);
    if (status != FW_OK)
        return status;
    const struct operation *operation = read_operation(c, algorithm->kind, &input);
    if (operation == NULL)
        return FW_WRONG_DATA;
    size_t len = operation->run(key->key, input.value, input.len, result);
    if (len == 0)
        return FW_WRONG_DATA;
    size_t mark = fw_open(r, 0x7C);
    fw_put_tlv(r, 0x82, result, len);
    fw_close(r, mark);
    crypto_wipe(result, sizeof result);
    return FW_OK;
}
