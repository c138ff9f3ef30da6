// Erases a card whose management key is lost: PIN and PUK are blocked on purpose, then it lets itself be
// reset.
#include "card/driver/driver.h"
#include "card/piv/command.h"
#include "fault_card.h"
#include "side.h"
#include "text.h"

#include <openssl/rand.h>

#define TRIES_MOST 256 // more than any card has
#define VALUE_SIZE 8

// Values that nobody chose, each another one, use the tries up.
static enum err block(struct card *card, uint8_t ref)
{
    enum err error = E_PIN_WRONG;
    int tries;
    for (int i = 0; i < TRIES_MOST && error == E_PIN_WRONG; i++) {
        uint8_t wrong[VALUE_SIZE];
        if (RAND_bytes(wrong, sizeof wrong) != 1)
            return E_MEMORY;
        for (size_t k = 0; k < sizeof wrong; k++)
            wrong[k] = (uint8_t)('A' + wrong[k] % 26);
        struct rd value = rd_of(wrong, sizeof wrong);
        error = ref == PIV_REF_PIN ? piv_verify(card, ref, value, &tries)
                                   : piv_change(card, ref, value, value, &tries);
    }
    return error == E_PIN_BLOCKED ? E_OK : error;
}

enum exit_code side_reset(const struct module *module, const struct token *token, struct fault *fault)
{
    struct side side;
    enum err error = side_hold(&side, module, token);
    if (error != E_OK)
        return fault_card(fault, error, NULL, _("The token could not be asked."));
    error = driver_needs(&side.card, CAP_RESET);
    if (error != E_OK)
        fault_card(fault, error, &side.card.trail, _("The token could not be reset."));
    else if ((error = block(&side.card, PIV_REF_PIN)) != E_OK ||
             (error = block(&side.card, PIV_REF_PUK)) != E_OK || (error = driver_reset(&side.card)) != E_OK) {
        fault_card(fault, error, &side.card.trail, _("The token could not be reset."));
        fault_state(fault, _("PIN and PUK may be blocked; the same command goes on."));
    }
    side_release(&side);
    return fault->code;
}
