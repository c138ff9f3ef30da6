/* The OATH application: its instructions as rows, its credentials, its access code. */
#include "applet/oath_internal.h"

#include "applet/profile.h"

#include <string.h>

static struct oath *state(const struct fw_card *card)
{
    return fw_state(card, &oath_applet);
}

bool oath_hash(uint8_t type_and_hash, enum crypto_hash *hash)
{
    static const enum crypto_hash hashes[] = {CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512};
    unsigned n = type_and_hash & OATH_HASH;
    if (n < 1 || n > 3)
        return false;
    *hash = hashes[n - 1];
    return true;
}

/* -- records
 * --------------------------------------------------------------------------------------------------- */

enum { CREDENTIAL_HEAD = 5 };

bool oath_load(const struct fw_card *card, uint32_t index, struct oath_credential *out)
{
    uint8_t record[CREDENTIAL_HEAD + OATH_NAME_MAX + OATH_KEY_MAX];
    size_t len;
    memset(out, 0, sizeof *out);
    if (!fw_store_get(&card->store, RECORD_OATH | index, record, sizeof record, &len) ||
        len < CREDENTIAL_HEAD || record[3] > OATH_NAME_MAX || record[4] > OATH_KEY_MAX ||
        len != CREDENTIAL_HEAD + (size_t)record[3] + record[4])
        return false;
    out->index = index;
    out->type_and_hash = record[0];
    out->digits = record[1];
    out->property = record[2];
    out->name_len = record[3];
    out->key_len = record[4];
    memcpy(out->name, record + CREDENTIAL_HEAD, out->name_len);
    memcpy(out->key, record + CREDENTIAL_HEAD + out->name_len, out->key_len);
    crypto_wipe(record, sizeof record);
    return true;
}

void oath_put(struct fw_card *card, const struct oath_credential *c)
{
    uint8_t record[CREDENTIAL_HEAD + OATH_NAME_MAX + OATH_KEY_MAX] = {
        c->type_and_hash, c->digits, c->property, (uint8_t)c->name_len, (uint8_t)c->key_len};
    memcpy(record + CREDENTIAL_HEAD, c->name, c->name_len);
    memcpy(record + CREDENTIAL_HEAD + c->name_len, c->key, c->key_len);
    fw_store_put(&card->store, RECORD_OATH | c->index, record, CREDENTIAL_HEAD + c->name_len + c->key_len);
    crypto_wipe(record, sizeof record);
}

bool oath_find(const struct fw_card *card, const uint8_t *name, size_t len, struct oath_credential *out)
{
    for (uint32_t id = RECORD_OATH; fw_store_next(&card->store, &id) && id < RECORD_OATH_MOVING; id++)
        if (oath_load(card, id & ~(uint32_t)RECORD_CLASS, out) && out->name_len == len &&
            memcmp(out->name, name, len) == 0)
            return true;
    crypto_wipe(out, sizeof *out);
    return false;
}

bool oath_moving_load(const struct fw_card *card, uint32_t index, uint64_t *value)
{
    uint8_t record[8];
    *value = 0;
    if (!fw_store_get_exact(&card->store, RECORD_OATH_MOVING | index, record, sizeof record))
        return false;
    for (size_t i = 0; i < sizeof record; i++)
        *value = *value << 8 | record[i];
    return true;
}

void oath_moving_put(struct fw_card *card, uint32_t index, uint64_t value)
{
    uint8_t record[8];
    for (size_t i = 0; i < sizeof record; i++)
        record[i] = (uint8_t)(value >> (56 - 8 * i));
    fw_store_put(&card->store, RECORD_OATH_MOVING | index, record, sizeof record);
}

enum fw_status oath_commit(struct fw_card *card)
{
    static const enum fw_status status[] = {
        [FW_STORE_DONE] = FW_OK, [FW_STORE_NO_SPACE] = FW_NO_SPACE, [FW_STORE_FAILED] = FW_MEMORY_FAILURE};
    return status[fw_store_commit(&card->store, FW_STORE_SURE)];
}

static void delete_all(struct fw_card *card)
{
    for (uint32_t id = RECORD_OATH; fw_store_next(&card->store, &id) && id < RECORD_OATH_END; id++)
        fw_store_delete(&card->store, id);
}

bool oath_put_factory(struct fw_card *card)
{
    uint8_t id[OATH_ID];
    if (!card->hal->random.fill(card->hal->random.world, id, sizeof id))
        return false;
    delete_all(card);
    fw_store_delete(&card->store, RECORD_OATH_CODE);
    fw_store_put(&card->store, RECORD_OATH_ID, id, sizeof id);
    return true;
}

/* -- reading requests
 * --------------------------------------------------------------------------------------------- */

/* The next data object, which must have that tag. */
static bool take(const struct fw_command *c, size_t *at, uint32_t tag, struct fw_tlv *row)
{
    size_t start = *at;
    if (fw_tlv_take(c->data, c->len, at, row) && row->tag == tag)
        return true;
    *at = start;
    return false;
}

static bool take_name(const struct fw_command *c, size_t *at, struct fw_tlv *name)
{
    return take(c, at, OATH_TAG_NAME, name) && name->len >= 1 && name->len <= OATH_NAME_MAX;
}

/* -- PUT, DELETE, RENAME, LIST, RESET
 * --------------------------------------------------------------------------- */

/* 73: type and hash, digits, key. */
static bool read_key(const struct fw_tlv *key, struct oath_credential *out)
{
    enum crypto_hash hash;
    if (key->len < 3 || key->len > 2 + OATH_KEY_MAX)
        return false;
    out->type_and_hash = key->value[0];
    out->digits = key->value[1];
    unsigned type = out->type_and_hash & OATH_TYPE;
    if ((type != OATH_HOTP && type != OATH_TOTP) || !oath_hash(out->type_and_hash, &hash) ||
        out->digits < 6 || out->digits > 8)
        return false;
    out->key_len = key->len - 2;
    memcpy(out->key, key->value + 2, out->key_len);
    return true;
}

/* The optional rest: 78 is a tag and one byte without length, 7A the first value of an HOTP counter. */
static bool read_rest(const struct fw_command *c, size_t at, struct oath_credential *out, uint64_t *counter)
{
    struct fw_tlv imf;
    *counter = 0;
    if (c->len - at >= 2 && c->data[at] == OATH_TAG_PROPERTY) {
        out->property = c->data[at + 1];
        at += 2;
    }
    if (at < c->len) {
        if (!take(c, &at, OATH_TAG_IMF, &imf) || imf.len != 4 ||
            (out->type_and_hash & OATH_TYPE) != OATH_HOTP)
            return false;
        for (size_t i = 0; i < imf.len; i++)
            *counter = *counter << 8 | imf.value[i];
    }
    return at == c->len && (out->property & ~(OATH_INCREASING | OATH_TOUCH)) == 0;
}

/* The place of a name: its own, or the first one that is free; false when all are taken. */
static bool place_for(const struct fw_card *card, const struct fw_tlv *name, uint32_t *index)
{
    struct oath_credential present;
    bool found = oath_find(card, name->value, name->len, &present);
    *index = present.index;
    crypto_wipe(&present, sizeof present);
    if (found)
        return true;
    for (*index = 0; *index < profile_of(card)->oath_max; (*index)++)
        if (!fw_store_has(&card->store, RECORD_OATH | *index))
            return true;
    return false;
}

static enum fw_status put(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct oath_credential credential = {0};
    struct fw_tlv name, key;
    uint64_t counter;
    size_t at = 0;
    (void)r;
    if (!take_name(c, &at, &name) || !take(c, &at, OATH_TAG_KEY, &key) || !read_key(&key, &credential) ||
        !read_rest(c, at, &credential, &counter)) {
        crypto_wipe(&credential, sizeof credential);
        return FW_WRONG_DATA;
    }
    credential.name_len = name.len;
    memcpy(credential.name, name.value, name.len);
    enum fw_status status = FW_NO_SPACE;
    if (place_for(card, &name, &credential.index)) {
        fw_store_begin(&card->store);
        oath_put(card, &credential);
        oath_moving_put(card, credential.index, counter);
        status = oath_commit(card);
    }
    crypto_wipe(&credential, sizeof credential);
    return status;
}

static enum fw_status delete (struct fw_card *card, const struct fw_command *c, struct fw_reply *r) {
    struct oath_credential credential; struct fw_tlv name; size_t at = 0; (void)r;
    if (!take_name(c, &at, &name) || at != c->len) return FW_WRONG_DATA;
    if (!oath_find(card, name.value, name.len, &credential)) return FW_DATA_INVALID;
    fw_store_begin(&card->store);
    fw_store_delete(&card->store, RECORD_OATH | credential.index);
    fw_store_delete(&card->store, RECORD_OATH_MOVING | credential.index);
    crypto_wipe(&credential, sizeof credential);
    return oath_commit(card);
}

static enum fw_status rename_credential(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct oath_credential credential;
    struct fw_tlv from, to;
    size_t at = 0;
    (void)r;
    if (!take_name(c, &at, &from) || !take_name(c, &at, &to) || at != c->len)
        return FW_WRONG_DATA;
    if (oath_find(card, to.value, to.len, &credential)) {
        crypto_wipe(&credential, sizeof credential);
        return FW_DATA_INVALID;
    }
    if (!oath_find(card, from.value, from.len, &credential))
        return FW_DATA_INVALID;
    credential.name_len = to.len;
    memcpy(credential.name, to.value, to.len);
    fw_store_begin(&card->store);
    oath_put(card, &credential);
    crypto_wipe(&credential, sizeof credential);
    return oath_commit(card);
}

static enum fw_status list(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct oath_credential credential;
    (void)c;
    for (uint32_t id = RECORD_OATH; fw_store_next(&card->store, &id) && id < RECORD_OATH_MOVING; id++) {
        if (!oath_load(card, id & ~(uint32_t)RECORD_CLASS, &credential))
            return FW_MEMORY_FAILURE;
        size_t mark = fw_open(r, OATH_TAG_LIST);
        fw_put_u8(r, credential.type_and_hash);
        fw_put(r, credential.name, credential.name_len);
        fw_close(r, mark);
    }
    crypto_wipe(&credential, sizeof credential);
    return FW_OK;
}

static enum fw_status reset(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    (void)c;
    (void)r;
    fw_store_begin(&card->store);
    if (!oath_put_factory(card))
        return FW_FAILURE;
    enum fw_status status = oath_commit(card);
    if (status == FW_OK)
        state(card)->unlocked = true;
    return status;
}

/* -- the access code
 * ------------------------------------------------------------------------------------------------ */

struct access_code {
    uint8_t algorithm, key[OATH_KEY_MAX];
    size_t key_len;
};

static bool read_code(const struct fw_card *card, struct access_code *code)
{
    uint8_t record[1 + OATH_KEY_MAX];
    size_t len;
    if (!fw_store_get(&card->store, RECORD_OATH_CODE, record, sizeof record, &len) || len < 2)
        return false;
    code->algorithm = record[0];
    code->key_len = len - 1;
    memcpy(code->key, record + 1, code->key_len);
    crypto_wipe(record, sizeof record);
    return true;
}

/* response is the HMAC of challenge under the code's key. */
static bool proves(const struct access_code *code, const uint8_t *challenge, size_t len,
                   const struct fw_tlv *response)
{
    enum crypto_hash hash;
    uint8_t mac[64];
    return oath_hash(code->algorithm, &hash) && response->len == crypto_hash_size(hash) &&
           crypto_hmac(hash, code->key, code->key_len, challenge, len, mac) &&
           crypto_equal(mac, response->value, response->len);
}

static enum fw_status set_code(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct fw_tlv key, challenge, response;
    struct access_code code = {0};
    size_t at = 0;
    (void)r;
    if (!take(c, &at, OATH_TAG_KEY, &key) || key.len > 1 + OATH_KEY_MAX || key.len == 1)
        return FW_WRONG_DATA;
    fw_store_begin(&card->store);
    if (key.len == 0) {
        fw_store_delete(&card->store, RECORD_OATH_CODE);
        return at == c->len ? oath_commit(card) : FW_WRONG_DATA;
    }
    if (!take(c, &at, OATH_TAG_CHALLENGE, &challenge) || !take(c, &at, OATH_TAG_FULL, &response) ||
        at != c->len)
        return FW_WRONG_DATA;
    code.algorithm = key.value[0];
    code.key_len = key.len - 1;
    memcpy(code.key, key.value + 1, code.key_len);
    bool proved = proves(&code, challenge.value, challenge.len, &response);
    crypto_wipe(&code, sizeof code);
    if (!proved)
        return FW_DATA_INVALID;
    fw_store_put(&card->store, RECORD_OATH_CODE, key.value, key.len);
    return oath_commit(card);
}

static enum fw_status validate(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct fw_tlv response, challenge;
    struct access_code code;
    enum crypto_hash hash;
    uint8_t mac[64];
    size_t at = 0;
    if (!take(c, &at, OATH_TAG_FULL, &response) || !take(c, &at, OATH_TAG_CHALLENGE, &challenge) ||
        at != c->len)
        return FW_WRONG_DATA;
    if (!read_code(card, &code))
        return FW_DATA_INVALID;
    bool proved = proves(&code, state(card)->challenge, OATH_CHALLENGE, &response) &&
                  oath_hash(code.algorithm, &hash) &&
                  crypto_hmac(hash, code.key, code.key_len, challenge.value, challenge.len, mac);
    crypto_wipe(&code, sizeof code);
    if (!proved)
        return FW_WRONG_DATA;
    state(card)->unlocked = true;
    fw_put_tlv(r, OATH_TAG_FULL, mac, crypto_hash_size(hash));
    return FW_OK;
}

/* -- the application
 * ---------------------------------------------------------------------------------------------- */

static enum fw_status answer_select(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    unsigned version = card->kind->version;
    uint8_t number[] = {(uint8_t)(version >> 16), (uint8_t)(version >> 8), (uint8_t)version};
    struct oath *oath = state(card);
    struct access_code code;
    uint8_t id[OATH_ID];
    (void)c;
    if (!fw_store_get_exact(&card->store, RECORD_OATH_ID, id, sizeof id) ||
        !card->hal->random.fill(card->hal->random.world, oath->challenge, sizeof oath->challenge))
        return FW_MEMORY_FAILURE;
    fw_put_tlv(r, OATH_TAG_VERSION, number, sizeof number);
    fw_put_tlv(r, OATH_TAG_NAME, id, sizeof id);
    oath->unlocked = !read_code(card, &code);
    if (!oath->unlocked) {
        fw_put_tlv(r, OATH_TAG_CHALLENGE, oath->challenge, sizeof oath->challenge);
        fw_put_tlv(r, OATH_TAG_ALGORITHM, &code.algorithm, 1);
        crypto_wipe(&code, sizeof code);
    }
    return FW_OK;
}

static void forget(struct fw_card *card)
{
    memset(state(card), 0, sizeof(struct oath));
}

static bool has(const struct fw_card *card, unsigned needs)
{
    return (needs & OATH_UNLOCKED) == 0 || state(card)->unlocked;
}

static const struct fw_instruction instructions[] = {
    {"PUT", 0x01, 0x00, 0x00, .chain = true, .needs = OATH_UNLOCKED, .run = put},
    {"DELETE", 0x02, 0x00, 0x00, .chain = true, .needs = OATH_UNLOCKED, .run = delete},
    {"SET CODE", 0x03, 0x00, 0x00, .chain = true, .needs = OATH_UNLOCKED, .run = set_code},
    {"RESET", 0x04, 0xDE, 0xAD, .run = reset},
    {"RENAME", 0x05, 0x00, 0x00, .chain = true, .needs = OATH_UNLOCKED, .since = 0x050301,
     .run = rename_credential},
    {"LIST", 0xA1, 0x00, 0x00, .needs = OATH_UNLOCKED, .run = list},
    {"CALCULATE", 0xA2, 0x00, -1, .chain = true, .needs = OATH_UNLOCKED, .run = oath_calculate},
    {"VALIDATE", 0xA3, 0x00, 0x00, .chain = true, .run = validate},
    {"CALCULATE ALL", 0xA4, 0x00, -1, .chain = true, .needs = OATH_UNLOCKED, .run = oath_calculate_all},
};

const struct fw_applet oath_applet = {
    .name = "OATH",
    .aid = {0xA0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01},
    .aid_len = 7,
    .aid_least = 7,
    .state_size = sizeof(struct oath),
    .instruction = instructions,
    .instructions = sizeof instructions / sizeof instructions[0],
    .more_ins = 0xA5,
    .has = has,
    .select = answer_select,
    .deselect = forget,
};
