/* The maker's own instructions: version, serial number, metadata, import, retry counters, management key,
 * moving keys and reset, as Yubico documents them for its PIV application. */
#include "applet/personality.h"
#include "applet/piv.h"

#include <string.h>

enum { NO_ALGORITHM = 0xFF, DELETE_KEY = 0xFF, TOUCH_WANTED = 0xFE, NO_TOUCH = 0xFF };

enum fw_status piv_get_version(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    unsigned version = card->kind->version;
    (void)c;
    fw_put_u8(r, version >> 16);
    fw_put_u8(r, version >> 8);
    fw_put_u8(r, version);
    return FW_OK;
}

enum fw_status piv_get_serial(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct personality who;
    (void)c;
    if (!personality_read(&card->store, &who))
        return FW_MEMORY_FAILURE;
    for (int shift = 24; shift >= 0; shift -= 8)
        fw_put_u8(r, who.serial >> shift);
    return FW_OK;
}

/* -- GET METADATA
 * -------------------------------------------------------------------------------------------- */

static void put_u8_tlv(struct fw_reply *r, uint32_t tag, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    fw_put_tlv(r, tag, &byte, 1);
}

static enum fw_status secret_metadata(const struct fw_card *card, uint8_t reference, struct fw_reply *r)
{
    const struct profile *p = profile_of(card);
    struct piv_secret secret;
    uint8_t factory[8];
    if (!piv_secret_read(card, reference, &secret))
        return FW_MEMORY_FAILURE;
    personality_factory_secret(reference == PIV_PIN ? p->pin : p->puk, factory);
    uint8_t tries[] = {secret.tries, secret.left};
    put_u8_tlv(r, 0x01, NO_ALGORITHM);
    put_u8_tlv(r, 0x05, crypto_equal(factory, secret.value, sizeof factory) ? 1 : 0);
    fw_put_tlv(r, 0x06, tries, sizeof tries);
    crypto_wipe(&secret, sizeof secret);
    return FW_OK;
}

static enum fw_status management_metadata(const struct fw_card *card, struct fw_reply *r)
{
    const struct profile *p = profile_of(card);
    struct piv_management management;
    if (!piv_management_read(card, &management))
        return FW_MEMORY_FAILURE;
    uint8_t policy[] = {0, management.touch};
    bool factory = management.algorithm == p->management_algorithm &&
                   crypto_equal(management.key, p->management_key, sizeof management.key);
    put_u8_tlv(r, 0x01, management.algorithm);
    fw_put_tlv(r, 0x02, policy, sizeof policy);
    put_u8_tlv(r, 0x05, factory ? 1 : 0);
    crypto_wipe(&management, sizeof management);
    return FW_OK;
}

enum fw_status piv_get_metadata(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    const struct piv_slot *slot = piv_slot(card, c->p2);
    struct piv_key *key;
    if (c->p2 == PIV_PIN || c->p2 == PIV_PUK)
        return secret_metadata(card, c->p2, r);
    if (c->p2 == PIV_MANAGEMENT)
        return management_metadata(card, r);
    if (slot == NULL)
        return FW_WRONG_P1P2;
    enum fw_status status = piv_key_load(card, slot, &key);
    if (status != FW_OK)
        return status;
    uint8_t policy[] = {key->pin, key->touch};
    put_u8_tlv(r, 0x01, key->algorithm);
    fw_put_tlv(r, 0x02, policy, sizeof policy);
    put_u8_tlv(r, 0x03, key->origin);
    size_t mark = fw_open(r, 0x04);
    piv_put_public(r, key->key);
    fw_close(r, mark);
    return FW_OK;
}

/* -- IMPORT ASYMMETRIC KEY
 * ----------------------------------------------------------------------------------- */

/* RSA comes as its primes 01 and 02 (with 03 to 05, which follow from them), the others as one private value.
 */
static struct crypto_key *read_private(const struct fw_tlv_table *table, enum crypto_kind kind)
{
    const struct fw_tlv *p = fw_tlv_get(table, 0x01), *q = fw_tlv_get(table, 0x02);
    size_t half = crypto_key_size(kind) / 2;
    if (crypto_is_rsa(kind)) {
        if (p == NULL || q == NULL || p->len != half || q->len != half)
            return NULL;
        return crypto_key_from_primes(kind, p->value, q->value, half);
    }
    uint32_t tag = kind == CRYPTO_ED25519 ? 0x07 : kind == CRYPTO_X25519 ? 0x08 : 0x06;
    const struct fw_tlv *value = fw_tlv_get(table, tag);
    return value == NULL ? NULL : crypto_key_from_scalar(kind, value->value, value->len);
}

enum fw_status piv_import(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    const struct piv_algorithm *algorithm = piv_algorithm(card, c->p1);
    const struct piv_slot *slot = piv_slot(card, c->p2);
    struct fw_tlv_table table;
    (void)r;
    if (algorithm == NULL || slot == NULL)
        return FW_WRONG_P1P2;
    struct piv_key key = {.algorithm = algorithm->id, .origin = PIV_IMPORTED};
    if (!fw_tlv_split(c->data, c->len, &table) || !piv_read_policies(card, slot, &table, &key))
        return FW_WRONG_DATA;
    key.key = read_private(&table, algorithm->kind);
    if (key.key == NULL)
        return FW_WRONG_DATA;
    enum fw_status status = piv_key_save(card, slot, &key);
    crypto_key_free(key.key);
    return status;
}

/* -- MOVE KEY and DELETE KEY
 * --------------------------------------------------------------------------------- */

enum fw_status piv_move_key(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    const struct piv_slot *from = piv_slot(card, c->p2);
    const struct piv_slot *to = c->p1 == DELETE_KEY ? NULL : piv_slot(card, c->p1);
    uint8_t record[CRYPTO_STORED_MAX + 16];
    size_t len;
    (void)r;
    if (from == NULL || (c->p1 != DELETE_KEY && (to == NULL || to == from || c->p1 == PIV_ATTESTATION)))
        return FW_WRONG_P1P2;
    if (!fw_store_has(&card->store, RECORD_KEY | from->reference))
        return FW_NOT_FOUND;
    if (to != NULL && fw_store_has(&card->store, RECORD_KEY | to->reference))
        return FW_WRONG_DATA;
    if (!fw_store_get(&card->store, RECORD_KEY | from->reference, record, sizeof record, &len))
        return FW_MEMORY_FAILURE;
    piv_key_forget(card, from);
    fw_store_begin(&card->store);
    if (to != NULL)
        fw_store_put(&card->store, RECORD_KEY | to->reference, record, len);
    fw_store_delete(&card->store, RECORD_KEY | from->reference);
    crypto_wipe(record, sizeof record);
    return piv_commit(card);
}

/* -- SET PIN RETRIES, SET MANAGEMENT KEY, RESET
 * -------------------------------------------------------------- */

/* PIN and PUK go back to their factory values, as the maker's cards do. */
enum fw_status piv_set_retries(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    const struct profile *p = profile_of(card);
    struct piv_secret pin = {.left = c->p1, .tries = c->p1}, puk = {.left = c->p2, .tries = c->p2};
    (void)r;
    if (c->p1 == 0 || c->p2 == 0)
        return FW_WRONG_P1P2;
    personality_factory_secret(p->pin, pin.value);
    personality_factory_secret(p->puk, puk.value);
    fw_store_begin(&card->store);
    piv_secret_put(card, PIV_PIN, &pin);
    piv_secret_put(card, PIV_PUK, &puk);
    piv_state(card)->pin_verified = piv_state(card)->pin_fresh = false;
    return piv_commit(card);
}

/* FF FF FF or FE: algorithm, 9B, length, key. */
enum fw_status piv_set_management(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct piv_management management = {.touch = c->p2 == TOUCH_WANTED ? PIV_TOUCH_ALWAYS : PIV_TOUCH_NEVER};
    enum crypto_cipher cipher;
    (void)r;
    if (c->p2 != TOUCH_WANTED && c->p2 != NO_TOUCH)
        return FW_WRONG_P1P2;
    if (c->len < 3 || c->data[1] != PIV_MANAGEMENT || c->data[2] != c->len - 3 || c->data[0] == 0 ||
        !piv_cipher(c->data[0], &cipher) || crypto_cipher_key(cipher) != c->data[2])
        return FW_WRONG_DATA;
    management.algorithm = c->data[0];
    memcpy(management.key, c->data + 3, c->data[2]);
    fw_store_begin(&card->store);
    piv_management_put(card, &management);
    crypto_wipe(&management, sizeof management);
    return piv_commit(card);
}

static bool blocked(const struct fw_card *card, uint8_t reference)
{
    struct piv_secret secret;
    bool is = piv_secret_read(card, reference, &secret) && secret.left == 0;
    crypto_wipe(&secret, sizeof secret);
    return is;
}

/* Both PIN and PUK have to be blocked. What attestation needs stays. */
enum fw_status piv_reset(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct piv *piv = piv_state(card);
    (void)c;
    (void)r;
    if (!blocked(card, PIV_PIN) || !blocked(card, PIV_PUK))
        return FW_CONDITIONS_OF_USE;
    fw_store_begin(&card->store);
    for (uint32_t id = RECORD_OBJECT; fw_store_next(&card->store, &id) && id < RECORD_SECRET; id++)
        if (id != (RECORD_KEY | PIV_ATTESTATION) && id != (RECORD_OBJECT | 0x5FFF01))
            fw_store_delete(&card->store, id);
    piv_otp_erase(card);
    personality_put_secrets(card);
    piv_keys_forget(card);
    memset(piv, 0, sizeof *piv);
    return piv_commit(card);
}
