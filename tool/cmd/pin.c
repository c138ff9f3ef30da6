// ingam pin change, ingam pin unblock: C_SetPIN, and C_InitPIN after a login with the PUK.
#include "ask.h"
#include "fresh.h"
#include "meet.h"
#include "side.h"
#include "text.h"

static const struct option_row new_pin_rows[] = {
    {.name = "new-pin-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_pin_file),
     .value = N_("FILE"),
     .help = N_("read the new PIN from the first line of FILE (else asked)")},
    {.name = NULL},
};

static const struct option_row unblock_rows[] = {
    {.name = "puk-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(puk_file),
     .value = N_("FILE"),
     .help = N_("read the PUK from the first line of FILE (else asked)")},
    {.name = "new-pin-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_pin_file),
     .value = N_("FILE"),
     .help = N_("read the new PIN from the first line of FILE (else asked)")},
    {.name = NULL},
};

// What is said when a new PIN or PUK is asked for.
struct fresh_words {
    const char *needed, *give, *prompt, *again, *differ;
};
static const struct fresh_words fresh_pin = {
    N_("The new PIN is needed, and there is no terminal to ask for it."),
    N_("Give it with --new-pin-file FILE."),
    N_("New PIN"),
    N_("New PIN once more"),
    N_("The two entries differ; the PIN was not changed."),
};
static const struct fresh_words fresh_puk = {
    N_("The new PUK is needed, and there is no terminal to ask for it."),
    N_("Give it with --new-puk-file FILE."),
    N_("New PUK"),
    N_("New PUK once more"),
    N_("The two entries differ; the PUK was not changed."),
};

// Whether everything is at hand is known before anything is sent.
static enum exit_code ask_fresh(struct run *run, const struct fresh_words *words, const char *file,
                                struct secret **out)
{
    struct secret *again = NULL;
    if (file != NULL)
        return ask_file(run, file, out);
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_PIN, "%s", _(words->needed));
        return fault_todo(&run->fault, "%s", _(words->give));
    }
    if (ask_secret(run, _(words->prompt), EXIT_PIN, out) != EXIT_OK ||
        ask_secret(run, _(words->again), EXIT_PIN, &again) != EXIT_OK)
        return run->fault.code;
    if (!secret_equal(secret_view(*out), secret_view(again)))
        fault_set(&run->fault, EXIT_PIN, "%s", _(words->differ));
    secret_free(again);
    return run->fault.code;
}

enum exit_code fresh_pin_ask(struct run *run, struct secret **out)
{
    return ask_fresh(run, &fresh_pin, run->options.new_pin_file, out);
}

enum exit_code fresh_puk_ask(struct run *run, struct secret **out)
{
    return ask_fresh(run, &fresh_puk, run->options.new_puk_file, out);
}

static CK_UTF8CHAR *bytes_of(struct rd view)
{
    return (CK_UTF8CHAR *)(uintptr_t)view.p;
}

// The old PIN or the PUK was wrong or is blocked: what is left to do.
static enum exit_code secret_fault(struct run *run, CK_RV rv, bool puk)
{
    struct fault unused = {.code = EXIT_OK};
    token_refresh(&run->module, &run->token, &unused);
    side_tries(&run->module, &run->token);
    int tries = puk ? run->token.puk_tries : run->token.pin_tries;
    bool blocked = tries == 0 || (run->token.flags & (puk ? CKF_SO_PIN_LOCKED : CKF_USER_PIN_LOCKED)) != 0;
    if (rv == CKR_PIN_LOCKED)
        fault_set(&run->fault, EXIT_BLOCKED, "%s", puk ? _("The PUK is blocked.") : _("The PIN is blocked."));
    else if (rv == CKR_PIN_INCORRECT)
        fault_set(&run->fault, EXIT_PIN, "%s",
                  puk ? _("The PUK was not accepted.") : _("The PIN was not accepted."));
    else
        return fault_rv(&run->fault, rv, _("The PIN could not be set."));
    run->fault.rv_name = fault_rv_name(rv);
    fault_tries(&run->fault, tries);
    fault_why(&run->fault,
              puk ? _("it is wrong or blocked (%s)") : _("the PIN given is wrong or blocked (%s)"),
              run->fault.rv_name);
    if (puk && (blocked || rv == CKR_PIN_LOCKED))
        return fault_todo(&run->fault,
                          _("With PIN and PUK blocked the token can only be reset, which destroys what is "
                            "on it."));
    if (blocked || rv == CKR_PIN_LOCKED)
        return fault_todo(&run->fault, _("Unblock it with the PUK: ingam pin unblock"));
    if (tries >= 0)
        return fault_todo(&run->fault, _("Tries left: %d. Try again with the right one."), tries);
    return fault_todo(&run->fault, _("Try again with the right one; each wrong try counts."));
}

static enum exit_code pin_change(struct run *run)
{
    struct secret *fresh = NULL;
    side_tries(&run->module, &run->token);
    if (ask_pin(run, &run->secrets.pin) == EXIT_OK && fresh_pin_ask(run, &fresh) == EXIT_OK &&
        session_open(&run->session, &run->module, &run->token, &run->fault) == EXIT_OK) {
        struct rd old = secret_view(run->secrets.pin), new = secret_view(fresh);
        CK_RV rv = run->module.f->C_SetPIN(run->session.handle, bytes_of(old), old.n, bytes_of(new), new.n);
        if (rv != CKR_OK)
            secret_fault(run, rv, false);
        else
            say(run, "%s", _("The PIN was changed."));
    }
    secret_free(fresh);
    return run->fault.code;
}

static enum exit_code ask_puk(struct run *run, struct secret **puk)
{
    if (run->options.puk_file != NULL)
        return ask_file(run, run->options.puk_file, puk);
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_PIN, _("The PUK is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault, _("Give it with --puk-file FILE."));
    }
    char prompt[64];
    side_tries(&run->module, &run->token);
    if (run->token.puk_tries >= 0)
        snprintf(prompt, sizeof prompt, _("PUK (tries left: %d)"), run->token.puk_tries);
    else
        snprintf(prompt, sizeof prompt, "%s", _("PUK"));
    return ask_secret(run, prompt, EXIT_PIN, puk);
}

// After a login with the PUK: a new PIN is set, or the PUK itself is changed.
static enum exit_code set_by_puk(struct run *run, bool pin, struct rd puk, struct rd fresh)
{
    CK_FUNCTION_LIST *f = run->module.f;
    if (session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    CK_SESSION_HANDLE session = run->session.handle;
    CK_RV rv = f->C_Login(session, CKU_SO, bytes_of(puk), puk.n);
    if (rv != CKR_OK)
        return secret_fault(run, rv, true);
    rv = pin ? f->C_InitPIN(session, bytes_of(fresh), fresh.n)
             : f->C_SetPIN(session, bytes_of(puk), puk.n, bytes_of(fresh), fresh.n);
    if (rv != CKR_OK)
        return fault_rv(&run->fault, rv,
                        pin ? _("The PIN could not be set.") : _("The PUK could not be changed."));
    say(run, "%s", pin ? _("The PIN is set and no longer blocked.") : _("The PUK was changed."));
    return EXIT_OK;
}

static enum exit_code ask_and_set(struct run *run, bool pin)
{
    struct secret *puk = NULL, *fresh = NULL;
    if (ask_puk(run, &puk) == EXIT_OK &&
        (pin ? fresh_pin_ask(run, &fresh) : fresh_puk_ask(run, &fresh)) == EXIT_OK)
        set_by_puk(run, pin, secret_view(puk), secret_view(fresh));
    secret_free(puk);
    secret_free(fresh);
    return run->fault.code;
}

static enum exit_code pin_unblock(struct run *run)
{
    return ask_and_set(run, true);
}

static enum exit_code puk_change(struct run *run)
{
    return ask_and_set(run, false);
}

static const struct option_row puk_rows[] = {
    {.name = "puk-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(puk_file),
     .value = N_("FILE"),
     .help = N_("read the PUK from the first line of FILE (else asked)")},
    {.name = "new-puk-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_puk_file),
     .value = N_("FILE"),
     .help = N_("read the new PUK from the first line of FILE (else asked)")},
    {.name = NULL},
};

extern const struct command cmd_pin_change, cmd_pin_unblock, cmd_puk_change;

const struct command cmd_puk_change = {
    .noun = "puk",
    .verb = "change",
    .summary = N_("change the PUK"),
    .needs = NEED_TOKEN,
    .options = puk_rows,
    .run = puk_change,
};

const struct command cmd_pin_change = {
    .noun = "pin",
    .verb = "change",
    .summary = N_("change the PIN"),
    .needs = NEED_TOKEN | NEED_PIN_ASKED,
    .options = new_pin_rows,
    .run = pin_change,
};

const struct command cmd_pin_unblock = {
    .noun = "pin",
    .verb = "unblock",
    .summary = N_("set a new PIN with the PUK"),
    .needs = NEED_TOKEN,
    .options = unblock_rows,
    .run = pin_unblock,
};
