/* Personalisation: factory secrets, the card's number, and for some profiles a CHUID and a CCC. */
#include "applet/personality.h"

#include "applet/oath.h"
#include "applet/piv.h"
#include "hal/crypto_cert.h"

#include <string.h>

enum { PROFILE_NAME = 32, CARD_RECORD = 4 + PROFILE_NAME };

void personality_factory_secret(const char *value, uint8_t out[8])
{
    memset(out, 0xFF, 8);
    memcpy(out, value, strlen(value));
}

static void put_secret(struct fw_card *card, uint8_t reference, const char *value, uint8_t tries)
{
    struct piv_secret secret = {.left = tries, .tries = tries};
    personality_factory_secret(value, secret.value);
    piv_secret_put(card, reference, &secret);
}

void personality_put_secrets(struct fw_card *card)
{
    const struct profile *p = profile_of(card);
    struct piv_management management = {.algorithm = p->management_algorithm, .touch = PIV_TOUCH_NEVER};
    memcpy(management.key, p->management_key, sizeof management.key);
    put_secret(card, PIV_PIN, p->pin, p->pin_tries);
    put_secret(card, PIV_PUK, p->puk, p->puk_tries);
    piv_management_put(card, &management);
}

/* 16 bytes that are the same for every image of a profile and a number (an RFC 4122 version 8 layout). */
static bool derive(const struct profile *p, uint32_t serial, const char *what, uint8_t out[16])
{
    uint8_t number[4] = {(uint8_t)(serial >> 24), (uint8_t)(serial >> 16), (uint8_t)(serial >> 8),
                         (uint8_t)serial};
    uint8_t digest[32];
    const struct crypto_part part[] = {
        {what, strlen(what)}, {p->name, strlen(p->name)}, {number, sizeof number}};
    if (!crypto_sha256(part, 3, digest))
        return false;
    memcpy(out, digest, 16);
    out[6] = (uint8_t)((out[6] & 0x0F) | 0x80);
    out[8] = (uint8_t)((out[8] & 0x3F) | 0x80);
    return true;
}

/* SP 800-73-4 part 1, 3.1.2 and table 9: FASC-N of a card outside federal agencies, GUID, expiry date. */
static bool put_chuid(struct fw_card *card, uint32_t serial)
{
    static const uint8_t fasc_n[25] = {0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE,
                                       0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10,
                                       0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB};
    uint8_t guid[16], bytes[80];
    struct fw_reply r = {.bytes = bytes, .cap = sizeof bytes};
    if (!derive(profile_of(card), serial, "GUID", guid))
        return false;
    fw_put_tlv(&r, 0x30, fasc_n, sizeof fasc_n);
    fw_put_tlv(&r, 0x34, guid, sizeof guid);
    fw_put_tlv(&r, 0x35, "20991231", 8);
    fw_put_tlv(&r, 0x3E, NULL, 0);
    fw_put_tlv(&r, 0xFE, NULL, 0);
    fw_store_put(&card->store, RECORD_OBJECT | 0x5FC102, r.bytes, r.len);
    return !r.full;
}

/* SP 800-73-4 part 1, table 8: card identifier, capability container and grammar version 2.1, PKCS#15 none.
 */
static bool put_ccc(struct fw_card *card, uint32_t serial)
{
    static const struct {
        uint8_t tag, len, value;
    } rest[] = {{0xF1, 1, 0x21}, {0xF2, 1, 0x21}, {0xF3, 0, 0}, {0xF4, 1, 0x00},
                {0xF5, 1, 0x10}, {0xF6, 0, 0},    {0xF7, 0, 0}, {0xFA, 0, 0},
                {0xFB, 0, 0},    {0xFC, 0, 0},    {0xFD, 0, 0}, {0xFE, 0, 0}};
    uint8_t identifier[21] = {0xA0, 0x00, 0x00, 0x01, 0x16, 0xFF, 0x02}, unique[16], bytes[80];
    struct fw_reply r = {.bytes = bytes, .cap = sizeof bytes};
    if (!derive(profile_of(card), serial, "CCC", unique))
        return false;
    memcpy(identifier + 7, unique, 14);
    fw_put_tlv(&r, 0xF0, identifier, sizeof identifier);
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        fw_put_tlv(&r, rest[i].tag, &rest[i].value, rest[i].len);
    fw_store_put(&card->store, RECORD_OBJECT | 0x5FC107, r.bytes, r.len);
    return !r.full;
}

/* The attestation key and its certificate, which the maker puts into each of its cards. */
static bool put_attestation(struct fw_card *card)
{
    uint8_t der[1024], bytes[1100];
    struct fw_reply r = {.bytes = bytes, .cap = sizeof bytes};
    struct piv_key key = {
        .algorithm = 0x07, .origin = PIV_GENERATED, .pin = PIV_PIN_NEVER, .touch = PIV_TOUCH_NEVER};
    key.key = crypto_attestation_key();
    size_t len = key.key == NULL ? 0 : crypto_attestation_certificate(key.key, der, sizeof der);
    bool put = len != 0 && piv_key_put(card, PIV_ATTESTATION, &key);
    crypto_key_free(key.key);
    fw_put_tlv(&r, 0x70, der, len);
    fw_put_tlv(&r, 0x71, "\0", 1);
    fw_put_tlv(&r, 0xFE, NULL, 0);
    fw_store_put(&card->store, RECORD_OBJECT | 0x5FFF01, r.bytes, r.len);
    return put && !r.full;
}

bool personality_make(struct fw_card *card, uint32_t serial, bool blank)
{
    const struct profile *p = profile_of(card);
    uint8_t record[CARD_RECORD] = {(uint8_t)(serial >> 24), (uint8_t)(serial >> 16), (uint8_t)(serial >> 8),
                                   (uint8_t)serial};
    memcpy(record + 4, p->name, strlen(p->name));
    fw_store_begin(&card->store);
    fw_store_put(&card->store, RECORD_CARD, record, sizeof record);
    personality_put_secrets(card);
    if ((p->features & PROFILE_IDENTIFIED) != 0 && !blank)
        if (!put_chuid(card, serial) || !put_ccc(card, serial))
            return false;
    if (p->oath_max != 0 && !oath_put_factory(card))
        return false;
    if ((p->features & PROFILE_ATTESTS) != 0 && !put_attestation(card))
        return false;
    return fw_store_commit(&card->store, FW_STORE_SURE) == FW_STORE_DONE;
}

bool personality_read(const struct fw_store *store, struct personality *out)
{
    uint8_t record[CARD_RECORD];
    memset(out, 0, sizeof *out);
    if (!fw_store_get_exact(store, RECORD_CARD, record, sizeof record) || record[sizeof record - 1] != 0)
        return false;
    out->serial =
        (uint32_t)record[0] << 24 | (uint32_t)record[1] << 16 | (uint32_t)record[2] << 8 | record[3];
    memcpy(out->profile, record + 4, PROFILE_NAME);
    return true;
}
