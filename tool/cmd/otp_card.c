// ingam otp gate, secret, unblock, resync: cards whose keys want a code beside the PIN (docs/otp-card.md).
#include "ask.h"
#include "card/piv/sequence.h"
#include "card/piv/table.h"
#include "meet.h"
#include "otp/gatecard.h"
#include "otp/recipe.h"
#include "show.h"
#include "side.h"
#include "text.h"

#include <string.h>

static const struct option_row secret_rows[] = {
    RECIPE_SECRET_ROWS,
    RECIPE_CODE_ROWS,
    {.name = "look-ahead",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(look_ahead),
     .least = 1,
     .most = 50,
     .value = N_("NUMBER"),
     .help = N_("how many codes may have been made and not used (10 if not said)")},
    {.name = "resync-window",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(resync_window),
     .given_at = OPTION_AT(resync_given),
     .most = 255,
     .value = N_("NUMBER"),
     .help = N_("how many, when two in a row are given (100 if not said; 0: never)")},
    {.name = "tries",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(tries),
     .least = 1,
     .most = 15,
     .value = N_("NUMBER"),
     .help = N_("how many wrong codes block the code (5 if not said)")},
    {.name = "ticket-seconds",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(ticket_seconds),
     .least = 1,
     .most = 65535,
     .value = N_("SECONDS"),
     .help = N_("how long a code of a key with the gate \"once\" is good (3600 if not said)")},
    {.name = NULL},
};

static const struct option_row resync_rows[] = {
    {.name = "codes-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(codes_file),
     .value = N_("FILE"),
     .help = N_("read both codes, with a blank between them, from the first line of FILE (else asked)")},
    {.name = NULL},
};

// The management key at hand, then the card; the two in this order, so that the card is not held meanwhile.
static enum exit_code open_as_issuer(struct run *run, struct gatecard *gatecard)
{
    if (run->secrets.admin == NULL && ask_admin(run, &run->secrets.admin) != EXIT_OK)
        return run->fault.code;
    if (gatecard_open(run, gatecard) != EXIT_OK)
        return run->fault.code;
    if (gatecard_admin(run, gatecard) != EXIT_OK)
        gatecard_close(gatecard);
    return run->fault.code;
}

static enum exit_code issuer_fault(struct run *run, struct gatecard *gatecard, enum err error,
                                   const char *what)
{
    if (error == E_NOT_FOUND) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no secret for codes on the token."));
        return fault_todo(&run->fault, _("Put one there with: ingam otp secret set"));
    }
    return gatecard_fault(run, gatecard, error, what);
}

struct gate_wish {
    const struct piv_slot *slot; // NULL: only show
    enum gate gate;
};

static enum exit_code gate_check(struct run *run)
{
    static struct gate_wish wish;
    const struct options *options = &run->options;
    run->work = &wish;
    if (options->operands == 0)
        return EXIT_OK;
    wish.slot = piv_slot_by_name(options->operand[0]);
    if (wish.slot == NULL || wish.slot->ref == PIV_REF_ATTEST) {
        fault_set(&run->fault, EXIT_USAGE, _("There is no slot \"%s\"."), options->operand[0]);
        return fault_todo(&run->fault, _("Slots are 9a, 9c, 9d, 9e and 82 to 95, or auth, sign, kem, card."));
    }
    for (int gate = GATE_NONE; options->operands == 2 && gate <= GATE_ALWAYS; gate++)
        if (strcmp(options->operand[1], gatecard_gate_name((enum gate)gate)) == 0) {
            wish.gate = (enum gate)gate;
            return EXIT_OK;
        }
    fault_set(&run->fault, EXIT_USAGE, _("Say when the key wants a code: none, once or always."));
    return fault_todo(&run->fault, _("For example: ingam otp gate 9c always"));
}

static enum exit_code set_gate(struct run *run, const struct gate_wish *wish)
{
    struct gatecard gatecard;
    const struct gate_key key = {wish->slot->ref, wish->gate};
    if (open_as_issuer(run, &gatecard) != EXIT_OK)
        return run->fault.code;
    enum err error = gate_set(&gatecard.card, &key, 1);
    if (error == E_CONDITIONS && !gatecard.state.secret)
        error = E_NOT_FOUND;
    if (error != E_OK)
        issuer_fault(run, &gatecard, error, _("The gate could not be set."));
    gatecard_close(&gatecard);
    return run->fault.code;
}

static enum exit_code otp_gate(struct run *run)
{
    const struct gate_wish *wish = run->work;
    struct gatecard gatecard;
    if (wish->slot != NULL && set_gate(run, wish) != EXIT_OK)
        return run->fault.code;
    if (gatecard_open(run, &gatecard) != EXIT_OK)
        return run->fault.code;
    gatecard_tell_state(run, &gatecard.state, run->answer);
    gatecard_close(&gatecard);
    return EXIT_OK;
}

static enum exit_code secret_check(struct run *run)
{
    static struct otp_recipe recipe;
    const struct options *options = &run->options;
    const char *word = options->operands > 0 ? options->operand[0] : "";
    if (strcmp(word, "remove") == 0)
        return EXIT_OK;
    if (strcmp(word, "set") != 0) {
        fault_set(&run->fault, EXIT_USAGE, _("Say what to do with the secret: set or remove."));
        return fault_todo(&run->fault, _("For example: ingam otp secret set --generate --qr"));
    }
    if (options->generate && (options->secret_file != NULL || !options->qr))
        return fault_set(&run->fault, EXIT_USAGE,
                         _("--generate goes with --qr, which shows the secret, and not with --secret-file."));
    if (options->qr && !ask_possible())
        return fault_set(&run->fault, EXIT_USAGE, _("There is no terminal to show a QR code on."));
    recipe = (struct otp_recipe){
        .type = OATH_HOTP,
        .hash = OATH_SHA1,
        .digits = options->digits != 0 ? options->digits : 6,
        .counter = options->counter,
    };
    run->work = &recipe;
    if (recipe_ask_secret(run, &recipe) != EXIT_OK)
        return run->fault.code;
    if (secret_view(recipe.secret).n >= GATE_SECRET_MIN)
        return EXIT_OK;
    secret_free(recipe.secret);
    return fault_set(&run->fault, EXIT_USAGE, _("The secret is too short: it has at least %d bytes."),
                     GATE_SECRET_MIN);
}

static enum err install(struct run *run, struct gatecard *gatecard, const struct otp_recipe *recipe)
{
    const struct options *options = &run->options;
    const struct gate_secret secret = {
        .key = secret_view(recipe->secret),
        .digits = (uint8_t)recipe->digits,
        .counter = recipe->counter,
        .ahead = (uint8_t)options->look_ahead,
        .resync = (uint8_t)options->resync_window,
        .resync_off = options->resync_given && options->resync_window == 0,
        .tries = (uint8_t)options->tries,
        .lifetime = (uint16_t)options->ticket_seconds,
    };
    return gate_install(&gatecard->card, &secret);
}

// A secret that is there is given up only when the serial number is typed.
static enum exit_code confirm_loss(struct run *run)
{
    struct gatecard gatecard;
    if (gatecard_open(run, &gatecard) != EXIT_OK)
        return run->fault.code;
    bool there = gatecard.state.secret;
    gatecard_close(&gatecard);
    if (!there)
        return EXIT_OK;
    return ask_destroy(run, _("The token will not accept the codes of its present generator any more."),
                       run->token.serial);
}

static enum exit_code set_secret(struct run *run, struct otp_recipe *recipe)
{
    struct gatecard gatecard;
    if (confirm_loss(run) != EXIT_OK || open_as_issuer(run, &gatecard) != EXIT_OK)
        return run->fault.code;
    enum err error = install(run, &gatecard, recipe);
    if (error != E_OK)
        issuer_fault(run, &gatecard, error, _("The secret could not be put onto the token."));
    gatecard_close(&gatecard);
    if (run->fault.code != EXIT_OK)
        return run->fault.code;
    say(run, "%s", _("The secret is on the token. Choose the keys that want codes with: ingam otp gate"));
    if (!run->options.qr)
        return EXIT_OK;
    snprintf(recipe->issuer, sizeof recipe->issuer, "Ingam");
    snprintf(recipe->account, sizeof recipe->account, "%s", run->token.serial);
    return recipe_show_picture(run, recipe);
}

static enum exit_code remove_secret(struct run *run)
{
    struct gatecard gatecard;
    if (confirm_loss(run) != EXIT_OK || open_as_issuer(run, &gatecard) != EXIT_OK)
        return run->fault.code;
    enum err error = gate_remove(&gatecard.card);
    if (error == E_CONDITIONS) {
        fault_set(&run->fault, EXIT_MISMATCH, _("Keys of the token still want codes."));
        fault_todo(&run->fault, _("Open each gate first: ingam otp gate SLOT none"));
    } else if (error != E_OK) {
        issuer_fault(run, &gatecard, error, _("The secret could not be removed."));
    } else {
        say(run, "%s", _("The secret was removed."));
    }
    gatecard_close(&gatecard);
    return run->fault.code;
}

static enum exit_code otp_secret(struct run *run)
{
    struct otp_recipe *recipe = run->work;
    if (recipe == NULL)
        return remove_secret(run);
    set_secret(run, recipe);
    secret_free(recipe->secret);
    return run->fault.code;
}

static enum exit_code otp_unblock(struct run *run)
{
    struct gatecard gatecard;
    if (open_as_issuer(run, &gatecard) != EXIT_OK)
        return run->fault.code;
    enum err error = gate_unblock(&gatecard.card);
    if (error != E_OK)
        issuer_fault(run, &gatecard, error, _("The code could not be unblocked."));
    else
        say(run, _("The code has all its tries again: %d."), gatecard.state.tries_total);
    gatecard_close(&gatecard);
    return run->fault.code;
}

// Both codes as one text of digits.
static enum exit_code ask_codes(struct run *run, char out[2 * GATE_CODE_MAX + 1])
{
    struct secret *line[2] = {NULL, NULL};
    size_t n = 0;
    if (run->options.codes_file != NULL) {
        ask_file(run, run->options.codes_file, &line[0]);
    } else if (!ask_possible()) {
        fault_set(&run->fault, EXIT_PIN,
                  _("Two codes are needed, and there is no terminal to ask for them."));
        fault_todo(&run->fault, _("Give them with --codes-file FILE."));
    } else if (ask_secret(run, _("Code of the generator"), EXIT_PIN, &line[0]) == EXIT_OK) {
        ask_secret(run, _("The next code"), EXIT_PIN, &line[1]);
    }
    bool fits = true;
    for (int i = 0; i < 2; i++) {
        struct rd text = secret_view(line[i]);
        uint8_t c;
        while (rd_u8(&text, &c)) {
            fits = fits && (c == ' ' || (c >= '0' && c <= '9')) && n < 2 * GATE_CODE_MAX;
            if (fits && c != ' ')
                out[n++] = (char)c;
        }
        secret_free(line[i]);
    }
    out[n] = '\0';
    if (run->fault.code == EXIT_OK && (!fits || n < 2 * GATE_CODE_MIN || n % 2 != 0)) {
        fault_set(&run->fault, EXIT_USAGE, _("These are not two codes of the same length."));
        fault_state(&run->fault, _("Nothing was sent to the token."));
    }
    return run->fault.code;
}

static enum exit_code resync_fault(struct run *run, struct gatecard *gatecard, enum err error, int tries)
{
    switch (error) {
    case E_PIN_WRONG:
        fault_set(&run->fault, EXIT_PIN, _("The codes were not accepted."));
        fault_tries(&run->fault, tries);
        return fault_todo(&run->fault, _("Tries left: %d. Take two codes that follow each other."), tries);
    case E_PIN_BLOCKED:
        fault_set(&run->fault, EXIT_BLOCKED, _("The code of this token is blocked."));
        fault_tries(&run->fault, 0);
        return fault_todo(&run->fault, _("Its issuer unblocks it: ingam otp unblock"));
    case E_REFUSED:
        fault_set(&run->fault, EXIT_UNSUPPORTED, _("The token does not take these codes."));
        return fault_why(&run->fault,
                         _("they are of another length than its own, or its resynchronisation is off"));
    default:
        return issuer_fault(run, gatecard, error, _("The codes could not be given to the token."));
    }
}

static enum exit_code pin_fault(struct run *run, struct gatecard *gatecard, enum err error, int tries)
{
    if (error != E_PIN_WRONG && error != E_PIN_BLOCKED)
        return gatecard_fault(run, gatecard, error, _("The PIN could not be given to the token."));
    fault_set(&run->fault, error == E_PIN_WRONG ? EXIT_PIN : EXIT_BLOCKED, "%s",
              error == E_PIN_WRONG ? _("The PIN was not accepted.") : _("The PIN is blocked."));
    fault_tries(&run->fault, tries);
    if (error == E_PIN_BLOCKED)
        return fault_todo(&run->fault, _("Unblock it with the PUK: ingam pin unblock"));
    return fault_todo(&run->fault, _("Tries left: %d. Try again with the right one."), tries);
}

static enum exit_code otp_resync(struct run *run)
{
    struct gatecard gatecard;
    char codes[2 * GATE_CODE_MAX + 1] = "";
    int tries = -1;
    side_tries(&run->module, &run->token);
    if (ask_pin(run, &run->secrets.pin) != EXIT_OK || ask_codes(run, codes) != EXIT_OK ||
        gatecard_open(run, &gatecard) != EXIT_OK) {
        secret_wipe(codes, sizeof codes);
        return run->fault.code;
    }
    enum err error = piv_verify(&gatecard.card, PIV_REF_PIN, secret_view(run->secrets.pin), &tries);
    if (error != E_OK) {
        pin_fault(run, &gatecard, error, tries);
    } else {
        error = gate_code(&gatecard.card, rd_of(codes, strlen(codes)), NULL, &tries);
        if (piv_unverify(&gatecard.card, PIV_REF_PIN) != E_OK)
            say(run, "%s", _("The token could not be told to forget the PIN; take it out."));
        if (error != E_OK)
            resync_fault(run, &gatecard, error, tries);
        else
            say(run, "%s", _("Token and generator agree again."));
    }
    gatecard_close(&gatecard);
    secret_wipe(codes, sizeof codes);
    return run->fault.code;
}

extern const struct command cmd_otp_gate, cmd_otp_resync, cmd_otp_secret, cmd_otp_unblock;

const struct command cmd_otp_gate = {
    .noun = "otp",
    .verb = "gate",
    .operands = "[SLOT none|once|always]",
    .operands_most = 2,
    .summary = N_("choose when a key wants a one-time password beside the PIN, or show it"),
    .details =
        N_("For OTP-backed cards. \"once\": a code at each login; \"always\": a code for each signature."),
    .needs = NEED_TOKEN | NEED_ADMIN_ASKED,
    .check = gate_check,
    .run = otp_gate,
};

const struct command cmd_otp_secret = {
    .noun = "otp",
    .verb = "secret",
    .operands = "set|remove",
    .operands_most = 1,
    .summary = N_("put the secret onto the token by which it checks the holder's codes, or remove it"),
    .details = N_(
        "For OTP-backed cards, by their issuer. The holder's generator (a device or a phone) has the same\n"
        "secret; it counts (HOTP). No secret can be read back from the token."),
    .needs = NEED_TOKEN | NEED_ADMIN_ASKED,
    .options = secret_rows,
    .check = secret_check,
    .run = otp_secret,
};

const struct command cmd_otp_unblock = {
    .noun = "otp",
    .verb = "unblock",
    .summary = N_("give the code of an OTP-backed card all its tries again"),
    .needs = NEED_TOKEN | NEED_ADMIN_ASKED,
    .run = otp_unblock,
};

const struct command cmd_otp_resync = {
    .noun = "otp",
    .verb = "resync",
    .summary = N_("bring an OTP-backed card up with its generator, by two codes in a row"),
    .details =
        N_("For a generator that made more codes than the token looks ahead. A wrong pair costs a try."),
    .needs = NEED_TOKEN | NEED_PIN_ASKED,
    .options = resync_rows,
    .run = otp_resync,
};
