// ingam otp access set, change, remove: the access code of the card's OATH applet. The card gets a key made
// from it, never the code itself (YKOATH, "Set Code").
#include "ask.h"
#include "otp/applet.h"
#include "text.h"

#include <string.h>

static const struct option_row rows[] = {
    {.name = "new-access-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_access_file),
     .value = N_("FILE"),
     .help = N_("read the new access code from the first line of FILE (else asked)")},
    OTP_ACCESS_ROWS,
    {.name = NULL},
};

// What is done, and whether the applet has a code before.
static const struct action {
    const char *name;
    bool locked, fresh;
    const char *refusal, *done;
} actions[] = {
    {"set", false, true, N_("The one-time passwords have an access code already: ingam otp access change"),
     N_("The one-time passwords now want the access code.")},
    {"change", true, true, N_("The one-time passwords have no access code: ingam otp access set"),
     N_("The access code was changed.")},
    {"remove", true, false, N_("The one-time passwords have no access code."),
     N_("The one-time passwords want no access code any more.")},
};

static enum exit_code access_check(struct run *run)
{
    const char *word = run->options.operands > 0 ? run->options.operand[0] : "";
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, word) == 0) {
            run->work = (void *)(uintptr_t)&actions[i];
            return EXIT_OK;
        }
    fault_set(&run->fault, EXIT_USAGE, _("Say what to do with the access code: set, change or remove."));
    return fault_todo(&run->fault, _("For example: ingam otp access set"));
}

static enum exit_code ask_new(struct run *run, struct secret **out)
{
    struct secret *again = NULL;
    if (run->options.new_access_file != NULL)
        return ask_file(run, run->options.new_access_file, out);
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_PIN,
                  _("The new access code is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault, _("Give it with --new-access-file FILE."));
    }
    if (ask_secret(run, _("New access code"), EXIT_PIN, out) != EXIT_OK ||
        ask_secret(run, _("New access code once more"), EXIT_PIN, &again) != EXIT_OK)
        return run->fault.code;
    if (!secret_equal(secret_view(*out), secret_view(again)))
        fault_set(&run->fault, EXIT_PIN, _("The two entries differ; the access code was not changed."));
    secret_free(again);
    return run->fault.code;
}

static enum exit_code set_access(struct run *run, struct otp_applet *applet, const struct action *action,
                                 const struct secret *fresh)
{
    uint8_t key[OATH_ACCESS_SIZE];
    if (action->fresh && otp_access_key(run, applet, fresh, key) != EXIT_OK)
        return run->fault.code;
    enum err error = oath_set_access(&applet->card, &otp_crypto, rd_of(key, action->fresh ? sizeof key : 0));
    secret_wipe(key, sizeof key);
    if (error != E_OK)
        return otp_fault(run, applet, error, _("The access code could not be set."));
    say(run, "%s", _(action->done));
    return EXIT_OK;
}

static enum exit_code otp_access_command(struct run *run)
{
    const struct action *action = run->work;
    struct otp_applet applet;
    struct secret *fresh = NULL;
    if (action->fresh && ask_new(run, &fresh) != EXIT_OK) {
        secret_free(fresh);
        return run->fault.code;
    }
    if (otp_open(run, &applet) == EXIT_OK) {
        if (applet.info.locked != action->locked) {
            fault_set(&run->fault, EXIT_USAGE, "%s", _(action->refusal));
            fault_state(&run->fault, _("Nothing on the token was changed."));
        } else {
            set_access(run, &applet, action, fresh);
        }
        otp_close(&applet);
    }
    secret_free(fresh);
    return run->fault.code;
}

extern const struct command cmd_otp_access;

const struct command cmd_otp_access = {
    .noun = "otp",
    .verb = "access",
    .operands = "set|change|remove",
    .operands_most = 1,
    .summary = N_("set, change or remove the access code of the one-time passwords"),
    .details = N_("Without its access code the token neither lists nor makes one-time passwords."),
    .needs = NEED_TOKEN_ASKED,
    .options = rows,
    .check = access_check,
    .run = otp_access_command,
};
