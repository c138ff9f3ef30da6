// Asks the card itself, through the card library.
#include "side.h"
#include "card/driver/driver.h"
#include "card/piv/sequence.h"
#include "card/transport/transport.h"

#include <string.h>

#define WAIT_MS 2000

struct side {
    struct tp *tp;
    struct card card;
};

bool side_reader(struct tp *tp, const char *description, char *name)
{
    static struct tp_reader list[TP_READERS_MAX];
    size_t count = 0, fitting = 0, length = strlen(description);
    if (length == 0 || tp_list(tp, list, TP_READERS_MAX, &count) != E_OK)
        return false;
    for (size_t i = 0; i < count; i++) {
        bool whole = strcmp(list[i].name, description) == 0;
        // Blanks at the cut are padding, too.
        bool cut = strlen(list[i].name) > 64 && strncmp(list[i].name, description, length) == 0;
        if (!whole && !cut)
            continue;
        memcpy(name, list[i].name, TP_NAME_SIZE);
        fitting++;
    }
    return fitting == 1;
}

static bool side_open(struct side *side, const struct module *module, const struct token *token)
{
    char name[TP_NAME_SIZE];
    memset(side, 0, sizeof *side);
    if (!module->ours || (side->tp = tp_default_new()) == NULL)
        return false;
    if (side_reader(side->tp, token->reader, name) &&
        card_open(&side->card, side->tp, name, (struct trace){0}) == E_OK) {
        if (card_begin(&side->card, WAIT_MS, NULL) == E_OK && piv_ensure(&side->card) == E_OK)
            return true;
        card_close(&side->card);
    }
    tp_close(side->tp);
    return false;
}

static void side_close(struct side *side)
{
    card_end(&side->card, TP_LEAVE);
    card_close(&side->card);
    tp_close(side->tp);
}

void side_tries(const struct module *module, struct token *token)
{
    struct side side;
    struct driver_metadata told;
    bool verified = false;
    token->pin_tries = token->puk_tries = -1;
    if (!side_open(&side, module, token))
        return;
    if (driver_metadata(&side.card, PIV_REF_PUK, &told) == E_OK)
        token->puk_tries = told.tries_left;
    if (driver_metadata(&side.card, PIV_REF_PIN, &told) == E_OK)
        token->pin_tries = told.tries_left;
    else if (piv_tries(&side.card, PIV_REF_PIN, &token->pin_tries, &verified) != E_OK)
        token->pin_tries = -1;
    side_close(&side);
}

bool side_touch(const struct module *module, const struct token *token, const struct piv_place *place)
{
    struct side side;
    struct driver_metadata told;
    const struct piv_slot *slot = place != NULL ? piv_slot_by_name(place->number) : NULL;
    uint8_t ref = place == NULL ? PIV_REF_ADMIN : slot != NULL ? slot->ref : 0;
    if (ref == 0 || !side_open(&side, module, token))
        return false;
    bool touch = driver_metadata(&side.card, ref, &told) == E_OK &&
                 (told.touch == PIV_TOUCH_ALWAYS || told.touch == PIV_TOUCH_CACHED);
    side_close(&side);
    return touch;
}

static int is_default(struct side *side, uint8_t ref, struct driver_metadata *told)
{
    return driver_metadata(&side->card, ref, told) == E_OK ? told->is_default : -1;
}

void side_factory(const struct module *module, const struct token *token, struct side_factory *out)
{
    struct side side;
    struct driver_metadata told;
    *out = (struct side_factory){-1, -1, -1, NULL};
    if (!side_open(&side, module, token))
        return;
    out->pin = is_default(&side, PIV_REF_PIN, &told);
    out->puk = is_default(&side, PIV_REF_PUK, &told);
    out->admin = is_default(&side, PIV_REF_ADMIN, &told);
    const struct piv_cipher *cipher = out->admin >= 0 ? piv_cipher_by_id(told.algorithm) : NULL;
    out->admin_cipher = cipher != NULL ? cipher->name : NULL;
    side_close(&side);
}
