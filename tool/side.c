// Asks the card itself, through the card library.
#include "side.h"
#include "card/driver/driver.h"
#include "card/piv/gate.h"
#include "card/piv/sequence.h"
#include "card/transport/transport.h"
#include "fault_card.h"
#include "text.h"

#include <openssl/err.h>

#include <string.h>

#define WAIT_MS 2000

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

enum err side_hold(struct side *side, const struct module *module, const struct token *token)
{
    char name[TP_NAME_SIZE];
    memset(side, 0, sizeof *side);
    if (!module->ours)
        return E_UNSUPPORTED;
    if ((side->tp = tp_default_new()) == NULL)
        return E_MEMORY;
    enum err error = side_reader(side->tp, token->reader, name) ? E_OK : E_NO_READER;
    if (error == E_OK)
        error = card_open(&side->card, side->tp, name, (struct trace){0});
    if (error == E_OK) {
        error = card_begin(&side->card, WAIT_MS, NULL);
        if (error == E_OK)
            error = piv_ensure(&side->card);
        if (error != E_OK)
            card_close(&side->card);
    }
    if (error != E_OK)
        tp_close(side->tp);
    return error;
}

static bool side_open(struct side *side, const struct module *module, const struct token *token)
{
    return side_hold(side, module, token) == E_OK;
}

void side_release(struct side *side)
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
    side_release(&side);
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
    side_release(&side);
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
    side_release(&side);
}

// The certificate in a data object's content, or NULL.
static X509 *maker_certificate(struct rd content)
{
    struct piv_certificate found;
    if (!piv_certificate_parse(content, &found) || found.compressed)
        return NULL;
    const unsigned char *at = found.data.p;
    X509 *out = d2i_X509(NULL, &at, (long)found.data.n);
    ERR_clear_error();
    return out;
}

enum exit_code side_attest(const struct module *module, const struct token *token,
                           const struct piv_place *place, X509 **attestation, X509 **maker,
                           struct fault *fault)
{
    struct side side;
    struct rd der;
    const struct piv_slot *slot = piv_slot_by_name(place->number);
    *attestation = *maker = NULL;
    enum err error = slot == NULL ? E_UNSUPPORTED : side_hold(&side, module, token);
    if (error != E_OK)
        return fault_card(fault, error, NULL, _("The token could not be asked."));
    error = driver_attest(&side.card, slot, &der);
    if (error == E_OK) {
        const unsigned char *at = der.p;
        *attestation = d2i_X509(NULL, &at, (long)der.n);
        error = *attestation == NULL || at != der.p + der.n ? E_MALFORMED
                                                            : piv_get_data(&side.card, PIV_TAG_ATTEST, &der);
    }
    if (error == E_OK && (*maker = maker_certificate(der)) == NULL)
        error = E_MALFORMED;
    if (error != E_OK) {
        fault_card(fault, error, &side.card.trail, _("The token gives no attestation for this key."));
        X509_free(*attestation);
        *attestation = NULL;
    }
    ERR_clear_error();
    side_release(&side);
    return fault->code;
}

enum exit_code side_has_key(const struct module *module, const struct token *token,
                            const struct piv_place *place, bool *there, struct fault *fault)
{
    struct side side;
    struct driver_metadata told;
    const struct piv_slot *slot = piv_slot_by_name(place->number);
    enum err error = slot == NULL ? E_UNSUPPORTED : side_hold(&side, module, token);
    *there = false;
    if (error != E_OK)
        return fault_card(fault, error, NULL, _("The token could not be asked."));
    error = driver_metadata(&side.card, slot->ref, &told);
    *there = error == E_OK;
    if (error != E_OK && error != E_NOT_FOUND)
        fault_card(fault, error, &side.card.trail, _("The token does not tell which keys it has."));
    side_release(&side);
    return fault->code;
}

bool side_wants_code(const struct module *module, const struct token *token, const struct piv_place *place)
{
    struct side side;
    struct gate_state state;
    const struct piv_slot *slot = piv_slot_by_name(place->number);
    bool wants = false;
    if (slot == NULL || !side_open(&side, module, token))
        return false;
    if (gate_state(&side.card, &state) == E_OK)
        for (size_t i = 0; i < state.count; i++)
            wants = wants || (state.key[i].ref == slot->ref && state.key[i].gate == GATE_ALWAYS);
    side_release(&side);
    return wants;
}
