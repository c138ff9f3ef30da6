/* GENERATE ASYMMETRIC KEY PAIR (SP 800-73-4 part 2, 3.3.2) and public keys as it gives them. */
#include "applet/piv.h"

#include <string.h>

/* Table 11: 81 modulus and 82 exponent, or 86 point. */
void piv_put_public(struct fw_reply *r, const struct crypto_key *key)
{
    struct crypto_public public;
    if (!crypto_key_public(key, &public)) {
        r->full = true;
        return;
    }
    if (!crypto_is_rsa(crypto_key_kind(key))) {
        fw_put_tlv(r, 0x86, public.bytes, public.len);
        return;
    }
    fw_put_tlv(r, 0x81, public.bytes, public.len);
    fw_put_tlv(r, 0x82, public.exponent, public.exponent_len);
}

bool piv_read_policies(const struct fw_card *card, const struct piv_slot *slot,
                       const struct fw_tlv_table *table, struct piv_key *key)
{
    const struct fw_tlv *pin = fw_tlv_get(table, 0xAA), *touch = fw_tlv_get(table, 0xAB);
    key->pin = slot->pin;
    key->touch = PIV_TOUCH_NEVER;
    if ((pin != NULL || touch != NULL) && card->kind->version == 0)
        return false;
    if ((pin != NULL && (pin->len != 1 || pin->value[0] > PIV_PIN_ALWAYS)) ||
        (touch != NULL && (touch->len != 1 || touch->value[0] > PIV_TOUCH_CACHED)))
        return false;
    if (pin != NULL && pin->value[0] != PIV_PIN_DEFAULT)
        key->pin = pin->value[0];
    if (touch != NULL && touch->value[0] != PIV_TOUCH_DEFAULT)
        key->touch = touch->value[0];
    return true;
}

/* Retired places are filled by the maker's cards only (part 1, table 4b: "retired" keys are never generated).
 */
static bool generates(const struct fw_card *card, const struct piv_slot *slot)
{
    return slot != NULL && (card->kind->version != 0 || slot->reference >= 0x9A);
}

enum fw_status piv_generate(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    const struct piv_slot *slot = piv_slot(card, c->p2);
    struct fw_tlv_table table;
    if (!generates(card, slot))
        return FW_WRONG_P1P2;
    if (!fw_tlv_inside(c->data, c->len, 0xAC, &table))
        return FW_WRONG_DATA;
    const struct fw_tlv *mechanism = fw_tlv_get(&table, 0x80);
    if (mechanism == NULL || mechanism->len != 1)
        return FW_WRONG_DATA;
    const struct piv_algorithm *algorithm = piv_algorithm(card, mechanism->value[0]);
    if (algorithm == NULL || !algorithm->generates)
        return card->kind->version != 0 ? FW_WRONG_DATA : FW_NOT_SUPPORTED;
    struct piv_key key = {.algorithm = algorithm->id, .origin = PIV_GENERATED};
    if (!piv_read_policies(card, slot, &table, &key))
        return FW_WRONG_DATA;
    if (!card->hal->keys.make(card->hal->keys.world, algorithm->kind, &key.key))
        return FW_WAIT;
    enum fw_status status = key.key == NULL ? FW_FAILURE : piv_key_save(card, slot, &key);
    if (status == FW_OK) {
        size_t mark = fw_open(r, 0x7F49);
        piv_put_public(r, key.key);
        fw_close(r, mark);
    }
    crypto_key_free(key.key);
    return status;
}
