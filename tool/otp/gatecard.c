// Opens the card, authenticates its issuer, tells its state.
#include "otp/gatecard.h"
#include "card/piv/sequence.h"
#include "card/piv/table.h"
#include "card/transport/transport.h"
#include "fault_card.h"
#include "side.h"
#include "text.h"

#include <string.h>

#define WAIT_MS 2000

enum exit_code gatecard_fault(struct run *run, const struct gatecard *gatecard, enum err error,
                              const char *what)
{
    return fault_card(&run->fault, error, &gatecard->card.trail, what);
}

void gatecard_close(struct gatecard *gatecard)
{
    card_end(&gatecard->card, TP_LEAVE);
    card_close(&gatecard->card);
    tp_close(gatecard->tp);
    *gatecard = (struct gatecard){0};
}

static enum err open_card(const struct token *token, struct gatecard *gatecard)
{
    char reader[TP_NAME_SIZE];
    *gatecard = (struct gatecard){.tp = tp_default_new()};
    if (gatecard->tp == NULL)
        return E_MEMORY;
    if (!side_reader(gatecard->tp, token->reader, reader))
        return E_NO_READER;
    enum err error = card_open(&gatecard->card, gatecard->tp, reader, (struct trace){0});
    if (error == E_OK)
        error = card_begin(&gatecard->card, WAIT_MS, NULL);
    if (error == E_OK)
        error = piv_ensure(&gatecard->card);
    return error == E_OK ? gate_state(&gatecard->card, &gatecard->state) : error;
}

enum exit_code gatecard_open(struct run *run, struct gatecard *gatecard)
{
    enum err error = open_card(&run->token, gatecard);
    if (error == E_OK)
        return EXIT_OK;
    if (error == E_UNSUPPORTED || error == E_NOT_FOUND || error == E_REFUSED)
        fault_set(&run->fault, EXIT_UNSUPPORTED,
                  _("The keys of this token cannot want one-time passwords: it is no OTP-backed card."));
    else
        gatecard_fault(run, gatecard, error, _("The token could not be asked."));
    gatecard_close(gatecard);
    return run->fault.code;
}

enum exit_code gatecard_admin(struct run *run, struct gatecard *gatecard)
{
    return side_admin(&gatecard->card, run->secrets.admin, &run->fault);
}

const char *gatecard_gate_name(enum gate gate)
{
    static const char *const names[] = {"none", "once", "always"};
    return names[gate];
}

void gatecard_tell_state(struct run *run, const struct gate_state *state, json_t *out)
{
    json_t *gates = json_array();
    json_object_set_new(out, "code_secret", json_boolean(state->secret));
    if (state->secret) {
        tell(run, _("code tries left: %d of %d"), state->tries_left, state->tries_total);
        json_object_set_new(out, "code_tries", json_integer(state->tries_left));
        json_object_set_new(out, "code_tries_total", json_integer(state->tries_total));
        json_object_set_new(out, "code_digits", json_integer(state->digits));
        json_object_set_new(out, "look_ahead", json_integer(state->ahead));
        json_object_set_new(out, "resync_window", json_integer(state->resync));
        json_object_set_new(out, "ticket_seconds", json_integer(state->lifetime));
    } else {
        tell(run, "%s", _("no secret for codes is on the token"));
    }
    for (size_t i = 0; i < state->count; i++) {
        const struct piv_slot *slot = piv_slot_by_ref(state->key[i].ref);
        char number[4];
        snprintf(number, sizeof number, "%02x", state->key[i].ref);
        const char *const fields[] = {number, slot != NULL ? slot->word : "-",
                                      gatecard_gate_name(state->key[i].gate), NULL};
        tell_fields(run, fields);
        json_t *one = json_object();
        json_object_set_new(one, "slot", json_string(number));
        json_object_set_new(one, "gate", json_string(gatecard_gate_name(state->key[i].gate)));
        json_array_append_new(gates, one);
    }
    json_object_set_new(out, "gates", gates);
}

void gatecard_tell(struct run *run, json_t *out)
{
    struct gatecard gatecard;
    gatecard = (struct gatecard){0};
    if (run->module.ours && open_card(&run->token, &gatecard) == E_OK)
        gatecard_tell_state(run, &gatecard.state, out);
    gatecard_close(&gatecard);
}
