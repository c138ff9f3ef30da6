/* GENERAL AUTHENTICATE with the management key, by challenge or mutually (SP 800-73-4 part 2, 3.2.4, A.1,
 * A.3). */
#include "applet/piv.h"

#include <string.h>

static const struct {
    uint8_t id; /* SP 800-78-4 table 6-2; 00 is another name for 03 */
    enum crypto_cipher cipher;
} ciphers[] = {{0x00, CRYPTO_3DES},
               {0x03, CRYPTO_3DES},
               {0x08, CRYPTO_AES128},
               {0x0A, CRYPTO_AES192},
               {0x0C, CRYPTO_AES256}};

enum { MANAGEMENT_RECORD = 34 };

bool piv_cipher(uint8_t algorithm, enum crypto_cipher *cipher)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
        if (ciphers[i].id == algorithm) {
            *cipher = ciphers[i].cipher;
            return true;
        }
    return false;
}

bool piv_management_read(const struct fw_card *card, struct piv_management *out)
{
    uint8_t record[MANAGEMENT_RECORD];
    if (!fw_store_get_exact(&card->store, RECORD_SECRET | PIV_MANAGEMENT, record, sizeof record))
        return false;
    out->algorithm = record[0];
    out->touch = record[1];
    memcpy(out->key, record + 2, sizeof out->key);
    crypto_wipe(record, sizeof record);
    return true;
}

void piv_management_put(struct fw_card *card, const struct piv_management *management)
{
    uint8_t record[MANAGEMENT_RECORD] = {management->algorithm, management->touch};
    memcpy(record + 2, management->key, sizeof management->key);
    fw_store_put(&card->store, RECORD_SECRET | PIV_MANAGEMENT, record, sizeof record);
    crypto_wipe(record, sizeof record);
}

struct exchange {
    struct fw_card *card;
    struct piv *piv;
    enum crypto_cipher cipher;
    size_t block;
    const uint8_t *key;
    uint8_t touch; /* policy */
};

/* A random block that the other side has to transform; what is expected back stays in the card. */
static enum fw_status give_challenge(const struct exchange *x, struct fw_reply *r)
{
    const struct hal_random *random = &x->card->hal->random;
    if (!random->fill(random->world, x->piv->challenge, x->block))
        return FW_FAILURE;
    size_t mark = fw_open(r, 0x7C);
    fw_put_tlv(r, 0x81, x->piv->challenge, x->block);
    fw_close(r, mark);
    x->piv->challenged = true;
    return FW_OK;
}

static enum fw_status give_witness(const struct exchange *x, struct fw_reply *r)
{
    uint8_t encrypted[16];
    const struct hal_random *random = &x->card->hal->random;
    if (!random->fill(random->world, x->piv->witness, x->block) ||
        !crypto_block(x->cipher, x->key, true, x->piv->witness, encrypted))
        return FW_FAILURE;
    size_t mark = fw_open(r, 0x7C);
    fw_put_tlv(r, 0x80, encrypted, x->block);
    fw_close(r, mark);
    x->piv->witnessed = true;
    return FW_OK;
}

static enum fw_status take_response(const struct exchange *x, const struct fw_tlv *response)
{
    uint8_t expected[16];
    bool asked = x->piv->challenged;
    x->piv->challenged = false;
    if (response->len != x->block)
        return FW_WRONG_DATA;
    if (!asked || !crypto_block(x->cipher, x->key, true, x->piv->challenge, expected) ||
        !crypto_equal(expected, response->value, x->block))
        return FW_SECURITY_STATUS;
    x->piv->admin = true;
    return FW_OK;
}

static enum fw_status take_witness(const struct exchange *x, const struct fw_tlv *witness,
                                   const struct fw_tlv *challenge, struct fw_reply *r)
{
    uint8_t encrypted[16];
    bool asked = x->piv->witnessed;
    x->piv->witnessed = false;
    if (witness->len != x->block || challenge->len != x->block)
        return FW_WRONG_DATA;
    if (!asked || !crypto_equal(x->piv->witness, witness->value, x->block))
        return FW_SECURITY_STATUS;
    if (!crypto_block(x->cipher, x->key, true, challenge->value, encrypted))
        return FW_FAILURE;
    size_t mark = fw_open(r, 0x7C);
    fw_put_tlv(r, 0x82, encrypted, x->block);
    fw_close(r, mark);
    x->piv->admin = true;
    return FW_OK;
}

/* Which of the four steps the template asks for; an empty element asks, a filled one tells. */
static enum fw_status step(const struct exchange *x, const struct fw_tlv_table *t, struct fw_reply *r)
{
    enum fw_status status;
    const struct fw_tlv *witness = fw_tlv_get(t, 0x80), *challenge = fw_tlv_get(t, 0x81),
                        *response = fw_tlv_get(t, 0x82);
    bool proves = response != NULL && response->len != 0 && witness == NULL && challenge == NULL;
    bool mutual = witness != NULL && witness->len != 0 && challenge != NULL && challenge->len != 0;
    if ((proves || mutual) && (status = piv_touch(x->card, x->touch)) != FW_OK)
        return status;
    if (mutual)
        return take_witness(x, witness, challenge, r);
    x->piv->witnessed = false;
    if (proves)
        return take_response(x, response);
    x->piv->challenged = false;
    if (witness != NULL && witness->len == 0 && challenge == NULL)
        return give_witness(x, r);
    if (challenge != NULL && challenge->len == 0 && witness == NULL)
        return give_challenge(x, r);
    return FW_WRONG_DATA;
}

enum fw_status piv_authenticate_admin(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct piv_management management;
    struct fw_tlv_table table;
    struct exchange x = {.card = card, .piv = piv_state(card), .key = management.key};
    enum crypto_cipher named;
    if (!piv_management_read(card, &management) || !piv_cipher(management.algorithm, &x.cipher))
        return FW_MEMORY_FAILURE;
    x.block = crypto_cipher_block(x.cipher);
    x.touch = management.touch;
    enum fw_status status = FW_WRONG_P1P2;
    if (piv_cipher(c->p1, &named) && named == x.cipher)
        status = fw_tlv_inside(c->data, c->len, 0x7C, &table) ? FW_OK : FW_WRONG_DATA;
    if (status == FW_OK)
        status = step(&x, &table, r);
    crypto_wipe(&management, sizeof management);
    return status;
}
