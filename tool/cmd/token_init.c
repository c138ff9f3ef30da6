// ingam token init: a new token made ready to be used, with a PIN, PUK and management key of its owner's.
#include "ask.h"
#include "fresh.h"
#include "meet.h"
#include "side.h"
#include "text.h"
#include "token_label.h"

#include <string.h>

#define FACTORY_PUK "12345678"

struct init {
    struct secret *puk, *new_pin, *new_puk, *new_admin;
};

static CK_UTF8CHAR *bytes_of(const struct secret *secret)
{
    return (CK_UTF8CHAR *)(uintptr_t)secret_view(secret).p;
}

static enum exit_code init_check(struct run *run)
{
    static struct init init;
    run->work = &init;
    return run->options.label != NULL ? token_label_check(run, run->options.label) : EXIT_OK;
}

// The PUK of now: from its file, else the factory's.
static enum exit_code old_puk(struct run *run, struct init *init)
{
    if (run->options.puk_file != NULL)
        return ask_file(run, run->options.puk_file, &init->puk);
    init->puk = secret_room(strlen(FACTORY_PUK));
    if (init->puk == NULL)
        return fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    memcpy(secret_bytes(init->puk), FACTORY_PUK, strlen(FACTORY_PUK));
    return EXIT_OK;
}

// All that is needed is at hand before anything is changed.
static enum exit_code gather(struct run *run, struct init *init)
{
    bool keys = run->options.new_admin_key_file != NULL || ask_possible();
    if (run->secrets.admin == NULL && ask_admin(run, &run->secrets.admin) != EXIT_OK)
        return run->fault.code;
    if (old_puk(run, init) != EXIT_OK || fresh_pin_ask(run, &init->new_pin) != EXIT_OK ||
        fresh_puk_ask(run, &init->new_puk) != EXIT_OK)
        return run->fault.code;
    return keys ? fresh_admin_ask(run, &init->new_admin) : EXIT_OK;
}

static enum exit_code change_admin(struct run *run, const struct init *init)
{
    struct rd old = secret_view(run->secrets.admin), new = secret_view(init->new_admin);
    if (init->new_admin == NULL || secret_equal(old, new))
        return EXIT_OK;
    if (meet_login_writer(run) != EXIT_OK)
        return run->fault.code;
    CK_RV rv = run->module.f->C_SetPIN(run->session.handle, bytes_of(run->secrets.admin), old.n,
                                       bytes_of(init->new_admin), new.n);
    if (rv == CKR_OK)
        return EXIT_OK;
    fault_rv(&run->fault, rv, _("The management key could not be changed."));
    return fault_state(&run->fault, _("PIN and PUK are set; the management key is as before."));
}

static enum exit_code init_piv(struct run *run)
{
    struct init *init = run->work;
    if (gather(run, init) != EXIT_OK)
        return run->fault.code;
    const struct side_secrets secrets = {run->secrets.admin, init->puk, init->new_puk, init->new_pin};
    if (side_init(&run->module, &run->token, &secrets, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (run->options.label != NULL && token_label_set(run, run->options.label) != EXIT_OK)
        return fault_state(&run->fault, _("PIN and PUK are set; the management key is as before."));
    if (change_admin(run, init) != EXIT_OK)
        return run->fault.code;
    answer_text(run, "token", run->token.serial);
    json_object_set_new(run->answer, "admin_changed", json_boolean(init->new_admin != NULL));
    say(run, "%s", _("The token has its own PIN and PUK. Keep the PUK: it unblocks the PIN."));
    say(run, "%s",
        init->new_admin != NULL
            ? _("The management key was changed. Keep it: without it nothing can be changed.")
            : _("The management key is as before: ingam admin change"));
    return EXIT_OK;
}

// Other tokens are made empty, with a label and an SO PIN, as PKCS#11 has it.
static enum exit_code init_other(struct run *run)
{
    struct init *init = run->work;
    CK_FUNCTION_LIST *f = run->module.f;
    CK_UTF8CHAR label[32];
    char what[FAULT_TEXT];
    if (run->options.label == NULL)
        return fault_set(&run->fault, EXIT_USAGE, _("--%s is missing."), "label");
    if ((run->secrets.admin == NULL && ask_admin(run, &run->secrets.admin) != EXIT_OK) ||
        fresh_pin_ask(run, &init->new_pin) != EXIT_OK)
        return run->fault.code;
    snprintf(what, sizeof what, _("Everything on token %s will be destroyed: all keys and certificates."),
             run->token.serial);
    if (ask_destroy(run, what, run->token.serial) != EXIT_OK)
        return run->fault.code;
    if (run->session.open)
        session_logout(&run->session);
    session_close(&run->session);
    memset(label, ' ', sizeof label);
    memcpy(label, run->options.label, strlen(run->options.label));
    struct rd officer = secret_view(run->secrets.admin), pin = secret_view(init->new_pin);
    CK_RV rv = f->C_InitToken(run->token.slot, bytes_of(run->secrets.admin), officer.n, label);
    if (rv != CKR_OK)
        return fault_rv(&run->fault, rv, _("The token could not be reset."));
    if (session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    rv = f->C_Login(run->session.handle, CKU_SO, bytes_of(run->secrets.admin), officer.n);
    if (rv == CKR_OK)
        rv = f->C_InitPIN(run->session.handle, bytes_of(init->new_pin), pin.n);
    if (rv != CKR_OK) {
        fault_rv(&run->fault, rv, _("The PIN could not be set."));
        return fault_state(&run->fault, _("The token is empty and has no PIN; the same command goes on."));
    }
    answer_text(run, "token", run->token.serial);
    answer_text(run, "label", run->options.label);
    say(run, "%s", _("The token is empty and has its label and PIN."));
    return EXIT_OK;
}

static enum exit_code token_init(struct run *run)
{
    struct init *init = run->work;
    if (run->module.ours)
        init_piv(run);
    else if (run->module.officer_writes)
        fault_set(&run->fault, EXIT_UNSUPPORTED, _("This module cannot make PIV tokens ready."));
    else
        init_other(run);
    secret_free(init->puk);
    secret_free(init->new_pin);
    secret_free(init->new_puk);
    secret_free(init->new_admin);
    return run->fault.code;
}

static const struct option_row init_rows[] = {
    {.name = "new-pin-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_pin_file),
     .value = N_("FILE"),
     .help = N_("read the new PIN from the first line of FILE (else asked)")},
    {.name = "new-puk-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_puk_file),
     .value = N_("FILE"),
     .help = N_("read the new PUK from the first line of FILE (else asked)")},
    {.name = "puk-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(puk_file),
     .value = N_("FILE"),
     .help = N_("read the PUK of now from the first line of FILE (else the factory's)")},
    {.name = "new-admin-key-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_admin_key_file),
     .value = N_("FILE"),
     .help = N_("read the new management key, in hex, from FILE (else asked)")},
    {.name = "label",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(label),
     .value = N_("TEXT"),
     .help = N_("the token's name, at most 32 bytes")},
    {.name = NULL},
};

extern const struct command cmd_token_init;

const struct command cmd_token_init = {
    .noun = "token",
    .verb = "init",
    .summary = N_("make a new token ready: its own PIN, PUK and management key"),
    .details =
        N_("Keys and certificates on a PIV token stay. A card without an identity gets one (CHUID). Other "
           "tokens are\nemptied first, and want a label."),
    .needs = NEED_TOKEN | NEED_ADMIN,
    .options = init_rows,
    .check = init_check,
    .run = token_init,
};
