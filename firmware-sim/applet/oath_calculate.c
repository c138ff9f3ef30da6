/* CALCULATE and CALCULATE ALL (YKOATH): HMAC of a challenge, whole or cut to a code (RFC 4226, 5.3). */
#include "applet/oath_internal.h"

#include <string.h>

enum { WHOLE = 0x00, TRUNCATED = 0x01 };

static bool is_hotp(const struct oath_credential *c)
{
    return (c->type_and_hash & OATH_TYPE) == OATH_HOTP;
}

/* 75 or 76: digits, then the HMAC or its 31 bits at the offset that its last four bits name. */
static enum fw_status put_code(struct fw_reply *r, const struct oath_credential *c, const uint8_t *challenge,
                               size_t len, uint8_t form)
{
    enum crypto_hash hash;
    uint8_t mac[1 + 64];
    if (!oath_hash(c->type_and_hash, &hash) ||
        !crypto_hmac(hash, c->key, c->key_len, challenge, len, mac + 1))
        return FW_FAILURE;
    size_t size = crypto_hash_size(hash);
    if (form == TRUNCATED) {
        const uint8_t *at = mac + 1 + (mac[size] & 0x0F);
        uint8_t code[5] = {c->digits, at[0] & 0x7F, at[1], at[2], at[3]};
        fw_put_tlv(r, OATH_TAG_TRUNCATED, code, sizeof code);
    } else {
        mac[0] = c->digits;
        fw_put_tlv(r, OATH_TAG_FULL, mac, 1 + size);
    }
    crypto_wipe(mac, sizeof mac);
    return FW_OK;
}

/* The counter moves on storage before its code leaves the card, so no code is ever given twice. */
static enum fw_status next_hotp(struct fw_card *card, const struct oath_credential *c, uint8_t form,
                                struct fw_reply *r)
{
    uint64_t counter;
    uint8_t challenge[8];
    if (!oath_moving_load(card, c->index, &counter))
        return FW_MEMORY_FAILURE;
    fw_store_begin(&card->store);
    oath_moving_put(card, c->index, counter + 1);
    enum fw_status status = oath_commit(card);
    if (status != FW_OK)
        return status;
    for (size_t i = 0; i < sizeof challenge; i++)
        challenge[i] = (uint8_t)(counter >> (56 - 8 * i));
    return put_code(r, c, challenge, sizeof challenge, form);
}

/* "Only increasing": a challenge that is not above the last one is refused. */
static enum fw_status advance(struct fw_card *card, const struct oath_credential *c,
                              const struct fw_tlv *challenge)
{
    uint64_t last, now = 0;
    if ((c->property & OATH_INCREASING) == 0)
        return FW_OK;
    if (challenge->len > sizeof now || !oath_moving_load(card, c->index, &last))
        return FW_WRONG_DATA;
    for (size_t i = 0; i < challenge->len; i++)
        now = now << 8 | challenge->value[i];
    if (now <= last)
        return FW_CONDITIONS_OF_USE;
    fw_store_begin(&card->store);
    oath_moving_put(card, c->index, now);
    return oath_commit(card);
}

static enum fw_status touch(struct fw_card *card, const struct oath_credential *c)
{
    if ((c->property & OATH_TOUCH) == 0)
        return FW_OK;
    switch (card->hal->touch.ask(card->hal->touch.world)) {
    case HAL_TOUCH_YES:
        return FW_OK;
    case HAL_TOUCH_LATER:
        return FW_WAIT;
    default:
        return FW_SECURITY_STATUS;
    }
}

static enum fw_status calculate(struct fw_card *card, const struct oath_credential *c,
                                const struct fw_tlv *challenge, uint8_t form, struct fw_reply *r)
{
    enum fw_status status = touch(card, c);
    if (status != FW_OK)
        return status;
    if (is_hotp(c))
        return next_hotp(card, c, form, r);
    status = advance(card, c, challenge);
    return status == FW_OK ? put_code(r, c, challenge->value, challenge->len, form) : status;
}

enum fw_status oath_calculate(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct oath_credential credential;
    struct fw_tlv name, challenge;
    size_t at = 0;
    if (c->p2 != WHOLE && c->p2 != TRUNCATED)
        return FW_WRONG_P1P2;
    if (!fw_tlv_take(c->data, c->len, &at, &name) || name.tag != OATH_TAG_NAME ||
        !fw_tlv_take(c->data, c->len, &at, &challenge) || challenge.tag != OATH_TAG_CHALLENGE ||
        challenge.len > OATH_CHALLENGE_MAX || at != c->len)
        return FW_WRONG_DATA;
    if (!oath_find(card, name.value, name.len, &credential))
        return FW_DATA_INVALID;
    enum fw_status status = calculate(card, &credential, &challenge, c->p2, r);
    crypto_wipe(&credential, sizeof credential);
    return status;
}

enum fw_status oath_calculate_all(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct oath_credential credential;
    struct fw_tlv challenge;
    size_t at = 0;
    enum fw_status status = FW_OK;
    if (c->p2 != WHOLE && c->p2 != TRUNCATED)
        return FW_WRONG_P1P2;
    if (!fw_tlv_take(c->data, c->len, &at, &challenge) || challenge.tag != OATH_TAG_CHALLENGE ||
        challenge.len > OATH_CHALLENGE_MAX || at != c->len)
        return FW_WRONG_DATA;
    for (uint32_t id = RECORD_OATH; fw_store_next(&card->store, &id) && id < RECORD_OATH_MOVING; id++) {
        if (!oath_load(card, id & ~(uint32_t)RECORD_CLASS, &credential))
            return FW_MEMORY_FAILURE;
        fw_put_tlv(r, OATH_TAG_NAME, credential.name, credential.name_len);
        if (is_hotp(&credential))
            fw_put_tlv(r, OATH_TAG_HOTP, &credential.digits, 1);
        else if ((credential.property & (OATH_TOUCH | OATH_INCREASING)) != 0)
            fw_put_tlv(r, OATH_TAG_TOUCH, &credential.digits, 1);
        else
            status = put_code(r, &credential, challenge.value, challenge.len, c->p2);
        crypto_wipe(&credential, sizeof credential);
        if (status != FW_OK)
            return status;
    }
    return FW_OK;
}
