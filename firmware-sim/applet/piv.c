/* The PIV card application: its instructions as rows, its selection and what it forgets. */
#include "applet/piv.h"

#include <string.h>

/* SP 800-73-4 part 2 table 2. */
static const struct fw_instruction instructions[] = {
    {"GET DATA", 0xCB, 0x3F, 0xFF, .show = true, .run = piv_get_data},
    {"PUT DATA", 0xDB, 0x3F, 0xFF, .chain = true, .needs = PIV_ADMIN, .run = piv_put_data},
    {"VERIFY", 0x20, -1, PIV_OTP, .extension = PIV_EXTENSION_OTP, .run = piv_otp_verify},
    {"VERIFY", 0x20, -1, -1, .run = piv_verify},
    {"CHANGE REFERENCE DATA", 0x24, 0x00, -1, .run = piv_change_reference},
    {"RESET RETRY COUNTER", 0x2C, 0x00, PIV_PIN, .run = piv_reset_retry},
    {"GENERAL AUTHENTICATE", 0x87, -1, PIV_MANAGEMENT, .run = piv_authenticate_admin},
    {"GENERAL AUTHENTICATE", 0x87, -1, -1, .chain = true, .run = piv_use_key},
    {"GENERATE ASYMMETRIC KEY PAIR", 0x47, 0x00, -1, .chain = true, .show = true, .answer = true,
     .needs = PIV_ADMIN, .run = piv_generate},
    /* the maker's own */
    {"GET VERSION", 0xFD, 0x00, 0x00, .answer = true, .since = 0x010000, .run = piv_get_version},
    {"GET SERIAL", 0xF8, 0x00, 0x00, .answer = true, .since = 0x050000, .run = piv_get_serial},
    {"GET METADATA", 0xF7, 0x00, -1, .answer = true, .since = 0x050300, .run = piv_get_metadata},
    {"ATTEST", 0xF9, -1, 0x00, .answer = true, .since = 0x040300, .run = piv_attest},
    {"IMPORT ASYMMETRIC KEY", 0xFE, -1, -1, .chain = true, .needs = PIV_ADMIN, .since = 0x010000,
     .run = piv_import},
    {"MOVE KEY", 0xF6, -1, -1, .needs = PIV_ADMIN, .since = 0x050700, .run = piv_move_key},
    {"SET MANAGEMENT KEY", 0xFF, 0xFF, -1, .needs = PIV_ADMIN, .since = 0x010000, .run = piv_set_management},
    {"SET PIN RETRIES", 0xFA, -1, -1, .needs = PIV_ADMIN | PIV_VERIFIED, .since = 0x010000,
     .run = piv_set_retries},
    {"RESET", 0xFB, 0x00, 0x00, .since = 0x010000, .run = piv_reset},
    /* docs/otp-card.md */
    {"RESET", 0xFB, 0x00, 0x00, .extension = PIV_EXTENSION_OTP, .run = piv_reset},
    {"GET OTP STATE", 0xF1, 0x00, 0x00, .answer = true, .extension = PIV_EXTENSION_OTP, .run = piv_otp_state},
    {"INSTALL OTP SECRET", 0xF1, 0x01, 0x00, .needs = PIV_ADMIN, .extension = PIV_EXTENSION_OTP,
     .run = piv_otp_install},
    {"SET OTP GATES", 0xF1, 0x02, 0x00, .show = true, .needs = PIV_ADMIN, .extension = PIV_EXTENSION_OTP,
     .run = piv_otp_set_gates},
    {"UNBLOCK OTP", 0xF1, 0x03, 0x00, .needs = PIV_ADMIN, .extension = PIV_EXTENSION_OTP,
     .run = piv_otp_unblock},
    {"REMOVE OTP SECRET", 0xF1, 0x04, 0x00, .needs = PIV_ADMIN, .extension = PIV_EXTENSION_OTP,
     .run = piv_otp_remove},
};

/* SP 800-73-4 part 1 table 3 and part 2 table 4b; retired keys 82 to 95 follow the four of today. */
static const struct piv_slot slots[PIV_SLOTS] = {
    {0x9A, 0x5FC105, PIV_PIN_ONCE},  {0x9C, 0x5FC10A, PIV_PIN_ALWAYS}, {0x9D, 0x5FC10B, PIV_PIN_ONCE},
    {0x9E, 0x5FC101, PIV_PIN_NEVER}, {0x82, 0x5FC10D, PIV_PIN_ONCE},   {0x83, 0x5FC10E, PIV_PIN_ONCE},
    {0x84, 0x5FC10F, PIV_PIN_ONCE},  {0x85, 0x5FC110, PIV_PIN_ONCE},   {0x86, 0x5FC111, PIV_PIN_ONCE},
    {0x87, 0x5FC112, PIV_PIN_ONCE},  {0x88, 0x5FC113, PIV_PIN_ONCE},   {0x89, 0x5FC114, PIV_PIN_ONCE},
    {0x8A, 0x5FC115, PIV_PIN_ONCE},  {0x8B, 0x5FC116, PIV_PIN_ONCE},   {0x8C, 0x5FC117, PIV_PIN_ONCE},
    {0x8D, 0x5FC118, PIV_PIN_ONCE},  {0x8E, 0x5FC119, PIV_PIN_ONCE},   {0x8F, 0x5FC11A, PIV_PIN_ONCE},
    {0x90, 0x5FC11B, PIV_PIN_ONCE},  {0x91, 0x5FC11C, PIV_PIN_ONCE},   {0x92, 0x5FC11D, PIV_PIN_ONCE},
    {0x93, 0x5FC11E, PIV_PIN_ONCE},  {0x94, 0x5FC11F, PIV_PIN_ONCE},   {0x95, 0x5FC120, PIV_PIN_ONCE},
    {0xF9, 0x5FFF01, PIV_PIN_NEVER},
};

/* SP 800-78-4 table 6-2; 05, 16, E0 and E1 are additions of SP 800-78-5 and of the maker. */
static const struct piv_algorithm algorithms[] = {
    {0x06, CRYPTO_RSA_1024, false}, {0x07, CRYPTO_RSA_2048, true}, {0x05, CRYPTO_RSA_3072, true},
    {0x16, CRYPTO_RSA_4096, true},  {0x11, CRYPTO_P256, true},     {0x14, CRYPTO_P384, true},
    {0xE0, CRYPTO_ED25519, true},   {0xE1, CRYPTO_X25519, true},
};

struct piv *piv_state(const struct fw_card *card)
{
    return fw_state(card, &piv_applet);
}

const struct piv_slot *piv_slot(const struct fw_card *card, uint8_t reference)
{
    for (size_t i = 0; i < PIV_SLOTS; i++)
        if (slots[i].reference == reference)
            return reference == PIV_ATTESTATION && card->kind->version == 0 ? NULL : &slots[i];
    return NULL;
}

static struct piv_key *key_of(struct fw_card *card, const struct piv_slot *slot)
{
    return &piv_state(card)->key[slot - slots];
}

const struct piv_algorithm *piv_algorithm(const struct fw_card *card, uint8_t id)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (algorithms[i].id == id)
            return (profile_of(card)->algorithms >> algorithms[i].kind & 1) != 0 ? &algorithms[i] : NULL;
    return NULL;
}

enum fw_status piv_commit(struct fw_card *card)
{
    static const enum fw_status status[] = {
        [FW_STORE_DONE] = FW_OK, [FW_STORE_NO_SPACE] = FW_NO_SPACE, [FW_STORE_FAILED] = FW_MEMORY_FAILURE};
    return status[fw_store_commit(&card->store, FW_STORE_SURE)];
}

enum fw_status piv_touch(struct fw_card *card, uint8_t policy)
{
    struct piv *piv = piv_state(card);
    if (policy != PIV_TOUCH_ALWAYS && policy != PIV_TOUCH_CACHED)
        return FW_OK;
    uint64_t now = card->hal->clock.now_us(card->hal->clock.world);
    if (policy == PIV_TOUCH_CACHED && piv->touched_us != 0 && now - piv->touched_us < PIV_TOUCH_CACHE_US)
        return FW_OK;
    enum hal_touched touched = card->hal->touch.ask(card->hal->touch.world);
    if (touched == HAL_TOUCH_LATER)
        return FW_WAIT;
    if (touched == HAL_TOUCH_NO)
        return FW_SECURITY_STATUS;
    piv->touched_us = now;
    return FW_OK;
}

static bool has(const struct fw_card *card, unsigned needs)
{
    const struct piv *piv = piv_state(card);
    return ((needs & PIV_ADMIN) == 0 || piv->admin) && ((needs & PIV_VERIFIED) == 0 || piv->pin_verified);
}

/* Part 2, 3.1.1: application property template (tables 3 and 4): PIX, coexistent tag allocation authority. */
static enum fw_status answer_select(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    static const uint8_t authority[] = {0x4F, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08};
    (void)c;
    size_t mark = fw_open(r, 0x61);
    fw_put_tlv(r, 0x4F, piv_applet.aid + 5, piv_applet.aid_len - 5);
    fw_put_tlv(r, 0x79, authority, sizeof authority);
    if ((card->kind->extensions & PIV_EXTENSION_OTP) != 0)
        piv_otp_announce(r);
    fw_close(r, mark);
    return FW_OK;
}

/* Part 2, 3.1.1 and part 1, 2.4.3: the rights end with the application's turn. */
static void forget(struct fw_card *card)
{
    struct piv *piv = piv_state(card);
    piv_keys_forget(card);
    memset(piv, 0, sizeof *piv);
}

/* "PIN always" (part 1, 5.5 and table 4): the PIN was verified immediately before the operation. A code
 * for the same operation may come in between. */
static void before(struct fw_card *card, const struct fw_command *c)
{
    piv_otp_before(card, c);
    bool code = (card->kind->extensions & PIV_EXTENSION_OTP) != 0 && c->ins == 0x20 && c->p2 == PIV_OTP;
    if ((profile_of(card)->features & PROFILE_STRICT_PIN) != 0 && c->ins != 0x87 && !code)
        piv_state(card)->pin_fresh = false;
}

const struct fw_applet piv_applet = {
    .name = "PIV",
    .aid = {0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00},
    .aid_len = 11,
    .aid_least = 5,
    .state_size = sizeof(struct piv),
    .instruction = instructions,
    .instructions = sizeof instructions / sizeof instructions[0],
    .more_ins = 0xC0,
    .has = has,
    .select = answer_select,
    .deselect = forget,
    .before = before,
};

/* -- keys in their places ----------------------------------------------------------------------------------
 */

enum { KEY_HEADER = 5, KEY_LAYOUT = 1 };

void piv_key_forget(struct fw_card *card, const struct piv_slot *slot)
{
    struct piv_key *key = key_of(card, slot);
    crypto_key_free(key->key);
    memset(key, 0, sizeof *key);
}

void piv_keys_forget(struct fw_card *card)
{
    for (size_t i = 0; i < PIV_SLOTS; i++)
        piv_key_forget(card, &slots[i]);
}

enum fw_status piv_key_load(struct fw_card *card, const struct piv_slot *slot, struct piv_key **out)
{
    struct piv_key *key = key_of(card, slot);
    uint8_t record[KEY_HEADER + CRYPTO_STORED_MAX];
    size_t len;
    *out = key;
    if (key->key != NULL)
        return FW_OK;
    if (!fw_store_has(&card->store, RECORD_KEY | slot->reference))
        return FW_NOT_FOUND;
    if (!fw_store_get(&card->store, RECORD_KEY | slot->reference, record, sizeof record, &len) ||
        len < KEY_HEADER || record[0] != KEY_LAYOUT)
        return FW_MEMORY_FAILURE;
    const struct piv_algorithm *algorithm = piv_algorithm(card, record[1]);
    if (algorithm != NULL)
        key->key = crypto_key_load(algorithm->kind, record + KEY_HEADER, len - KEY_HEADER);
    key->algorithm = record[1];
    key->origin = record[2];
    key->pin = record[3];
    key->touch = record[4];
    crypto_wipe(record, sizeof record);
    return key->key == NULL ? FW_MEMORY_FAILURE : FW_OK;
}

bool piv_key_put(struct fw_card *card, uint8_t reference, const struct piv_key *key)
{
    uint8_t record[KEY_HEADER + CRYPTO_STORED_MAX] = {KEY_LAYOUT, key->algorithm, key->origin, key->pin,
                                                      key->touch};
    size_t len = crypto_key_store(key->key, record + KEY_HEADER, CRYPTO_STORED_MAX);
    if (len != 0)
        fw_store_put(&card->store, RECORD_KEY | reference, record, KEY_HEADER + len);
    crypto_wipe(record, sizeof record);
    return len != 0;
}

enum fw_status piv_key_save(struct fw_card *card, const struct piv_slot *slot, const struct piv_key *key)
{
    piv_key_forget(card, slot);
    fw_store_begin(&card->store);
    return piv_key_put(card, slot->reference, key) ? piv_commit(card) : FW_MEMORY_FAILURE;
}
