/* VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (SP 800-73-4 part 2, 3.2.1 to 3.2.3). */
#include "applet/piv.h"

#include <string.h>

enum { SECRET_RECORD = 10 };

bool piv_secret_read(const struct fw_card *card, uint8_t reference, struct piv_secret *out)
{
    uint8_t record[SECRET_RECORD];
    if (!fw_store_get_exact(&card->store, RECORD_SECRET | reference, record, sizeof record))
        return false;
    out->left = record[0];
    out->tries = record[1];
    memcpy(out->value, record + 2, sizeof out->value);
    crypto_wipe(record, sizeof record);
    return true;
}

void piv_secret_put(struct fw_card *card, uint8_t reference, const struct piv_secret *secret)
{
    uint8_t record[SECRET_RECORD] = {secret->left, secret->tries};
    memcpy(record + 2, secret->value, sizeof secret->value);
    fw_store_put(&card->store, RECORD_SECRET | reference, record, sizeof record);
    crypto_wipe(record, sizeof record);
}

static enum fw_status tries_left(const struct piv_secret *secret)
{
    return (enum fw_status)(FW_TRIES + (secret->left > 15 ? 15 : secret->left));
}

/* Part 2, 2.4.3: six to eight digits, then FF. */
static bool is_pin(const struct fw_card *card, const uint8_t value[8])
{
    size_t digits = 0;
    if ((profile_of(card)->features & PROFILE_STRICT_PIN) == 0)
        return true;
    while (digits < 8 && value[digits] >= '0' && value[digits] <= '9')
        digits++;
    for (size_t i = digits; i < 8; i++)
        if (value[i] != 0xFF)
            return false;
    return digits >= 6;
}

/* Compares after the counter went down on storage: a power cut can't give a try back. FW_OK: *secret is the
 * record as it now stands in the store, with the full number of tries. */
static enum fw_status compare(struct fw_card *card, uint8_t reference, const uint8_t given[8],
                              struct piv_secret *secret)
{
    if (!piv_secret_read(card, reference, secret))
        return FW_MEMORY_FAILURE;
    if (secret->left == 0)
        return FW_BLOCKED;
    secret->left--;
    fw_store_begin(&card->store);
    piv_secret_put(card, reference, secret);
    enum fw_status status = piv_commit(card);
    if (status != FW_OK)
        return status;
    if (!crypto_equal(secret->value, given, sizeof secret->value))
        return tries_left(secret);
    secret->left = secret->tries;
    return FW_OK;
}

static void set_verified(struct fw_card *card, bool verified)
{
    struct piv *piv = piv_state(card);
    piv->pin_verified = piv->pin_fresh = verified;
    piv->otp.ticketed = false;
}

/* Without a body: is it verified, how many tries are left. */
static enum fw_status ask(struct fw_card *card)
{
    struct piv_secret secret;
    bool show_zero = (profile_of(card)->features & PROFILE_EMPTY_VERIFY_63C0) != 0;
    if (piv_state(card)->pin_verified)
        return FW_OK;
    if (!piv_secret_read(card, PIV_PIN, &secret))
        return FW_MEMORY_FAILURE;
    return secret.left == 0 && !show_zero ? FW_BLOCKED : tries_left(&secret);
}

enum fw_status piv_verify(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct piv_secret secret;
    (void)r;
    if (c->p1 != 0x00 && c->p1 != 0xFF)
        return FW_WRONG_P1P2;
    if (c->p2 != PIV_PIN)
        return FW_NOT_FOUND;
    if (c->p1 == 0xFF) {
        if (c->len != 0)
            return FW_WRONG_DATA;
        set_verified(card, false);
        return FW_OK;
    }
    if (c->len == 0)
        return ask(card);
    bool ticketed = (card->kind->extensions & PIV_EXTENSION_OTP) != 0 && c->len == 8 + PIV_TICKET;
    if ((c->len != 8 && !ticketed) || !is_pin(card, c->data))
        return FW_WRONG_DATA;
    if (ticketed && !piv_otp_is_ticket(card, c->data + 8)) {
        set_verified(card, false);
        return FW_DATA_INVALID;
    }
    enum fw_status status = compare(card, PIV_PIN, c->data, &secret);
    set_verified(card, status == FW_OK);
    piv_state(card)->otp.ticketed = ticketed && status == FW_OK;
    if (status == FW_OK) {
        fw_store_begin(&card->store);
        piv_secret_put(card, PIV_PIN, &secret);
        if (fw_store_commit(&card->store, FW_STORE_LATER) != FW_STORE_DONE)
            status = FW_MEMORY_FAILURE;
    }
    crypto_wipe(&secret, sizeof secret);
    return status;
}

/* Writes a new value with its full number of tries, and another secret's counter in the same transaction. */
static enum fw_status renew(struct fw_card *card, uint8_t reference, const uint8_t value[8], uint8_t other,
                            const struct piv_secret *proved)
{
    struct piv_secret secret;
    if (!piv_secret_read(card, reference, &secret))
        return FW_MEMORY_FAILURE;
    secret.left = secret.tries;
    memcpy(secret.value, value, sizeof secret.value);
    fw_store_begin(&card->store);
    if (other != reference)
        piv_secret_put(card, other, proved);
    piv_secret_put(card, reference, &secret);
    crypto_wipe(&secret, sizeof secret);
    return piv_commit(card);
}

enum fw_status piv_change_reference(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct piv_secret secret;
    (void)r;
    if (c->p2 != PIV_PIN && c->p2 != PIV_PUK)
        return FW_NOT_FOUND;
    bool pin = c->p2 == PIV_PIN;
    if (c->len != 16 || (pin && !(is_pin(card, c->data) && is_pin(card, c->data + 8))))
        return FW_WRONG_DATA;
    enum fw_status status = compare(card, c->p2, c->data, &secret);
    if (status == FW_OK)
        status = renew(card, c->p2, c->data + 8, c->p2, &secret);
    if (pin)
        set_verified(card, status == FW_OK);
    crypto_wipe(&secret, sizeof secret);
    return status;
}

enum fw_status piv_reset_retry(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct piv_secret puk;
    (void)r;
    if (c->len != 16 || !is_pin(card, c->data + 8))
        return FW_WRONG_DATA;
    enum fw_status status = compare(card, PIV_PUK, c->data, &puk);
    if (status == FW_OK)
        status = renew(card, PIV_PIN, c->data + 8, PIV_PUK, &puk);
    if (status == FW_OK)
        piv_otp_forget(card);
    crypto_wipe(&puk, sizeof puk);
    return status;
}
