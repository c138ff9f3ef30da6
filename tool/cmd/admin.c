// ingam admin change, ingam token reset, ingam key delete: what only the holder of the management key may do.
#include "ask.h"
#include "fresh.h"
#include "meet.h"
#include "p11/keypair.h"
#include "show.h"
#include "side.h"
#include "text.h"

#include <string.h>

static const struct option_row change_rows[] = {
    {.name = "new-admin-key-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_admin_key_file),
     .value = N_("FILE"),
     .help = N_("read the new management key, in hex, from FILE (else asked)")},
    {.name = NULL},
};

static CK_UTF8CHAR *bytes_of(struct rd view)
{
    return (CK_UTF8CHAR *)(uintptr_t)view.p;
}

// 16, 24 or 32 bytes in hex, as 3DES and AES want them.
static bool is_key(struct rd hex)
{
    if (hex.n != 32 && hex.n != 48 && hex.n != 64)
        return false;
    for (size_t i = 0; i < hex.n; i++)
        if (hex.p[i] == '\0' || strchr("0123456789abcdefABCDEF", hex.p[i]) == NULL)
            return false;
    return true;
}

enum exit_code fresh_admin_ask(struct run *run, struct secret **out)
{
    struct secret *again = NULL;
    if (run->options.new_admin_key_file != NULL) {
        if (ask_file(run, run->options.new_admin_key_file, out) != EXIT_OK)
            return run->fault.code;
    } else if (!ask_possible()) {
        fault_set(&run->fault, EXIT_ADMIN,
                  _("The new management key is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault, _("Give it with --new-admin-key-file FILE."));
    } else if (ask_secret(run, _("New management key (hex)"), EXIT_ADMIN, out) != EXIT_OK ||
               ask_secret(run, _("New management key once more"), EXIT_ADMIN, &again) != EXIT_OK) {
        return run->fault.code;
    } else if (!secret_equal(secret_view(*out), secret_view(again))) {
        fault_set(&run->fault, EXIT_ADMIN, _("The two entries differ; the management key was not changed."));
    }
    secret_free(again);
    if (run->fault.code == EXIT_OK && run->module.officer_writes && !is_key(secret_view(*out))) {
        fault_set(&run->fault, EXIT_USAGE, _("That is no management key."));
        fault_todo(&run->fault, _("It has 32, 48 or 64 hexadecimal digits."));
    }
    return run->fault.code;
}

static enum exit_code admin_change(struct run *run)
{
    struct secret *fresh = NULL;
    if (run->secrets.admin == NULL)
        return fault_set(&run->fault, EXIT_ADMIN, _("The management key is needed: --admin-key-file FILE."));
    if (fresh_admin_ask(run, &fresh) == EXIT_OK && meet_login_writer(run) == EXIT_OK) {
        struct rd old = secret_view(run->secrets.admin), new = secret_view(fresh);
        CK_RV rv = run->module.f->C_SetPIN(run->session.handle, bytes_of(old), old.n, bytes_of(new), new.n);
        if (rv != CKR_OK)
            fault_rv(&run->fault, rv, _("The management key could not be changed."));
        else
            say(run, "%s", _("The management key was changed. Keep it: without it nothing can be changed."));
        // What the card keeps behind the PIN would be of no use any more.
        if (rv == CKR_OK && side_protected(&run->module, &run->token))
            side_protect(&run->module, &run->token, fresh, true, &run->fault);
    }
    secret_free(fresh);
    return run->fault.code;
}

static const struct option_row reset_rows[] = {
    {.name = "without-admin",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(without_admin),
     .help = N_("the management key is lost: block PIN and PUK on purpose, which lets the token be erased")},
    {.name = NULL},
};

static enum exit_code reset_check(struct run *run)
{
    if (!run->options.without_admin)
        return EXIT_OK;
    run->needs &= ~(unsigned)NEED_ADMIN;
    if (run->options.admin_key_file != NULL || run->options.default_admin)
        return fault_set(&run->fault, EXIT_USAGE, _("--without-admin excludes a management key."));
    return EXIT_OK;
}

static enum exit_code reset_done(struct run *run)
{
    say(run, "%s", _("The token is empty. Set PIN, PUK and management key anew before it is used."));
    answer_text(run, "token", run->token.serial);
    return EXIT_OK;
}

static enum exit_code token_reset(struct run *run)
{
    char what[FAULT_TEXT];
    CK_UTF8CHAR label[32];
    if (!run->options.without_admin && run->secrets.admin == NULL &&
        ask_admin(run, &run->secrets.admin) != EXIT_OK)
        return run->fault.code;
    snprintf(what, sizeof what, _("Everything on token %s will be destroyed: all keys and certificates."),
             run->token.serial);
    if (ask_destroy(run, what, run->token.serial) != EXIT_OK)
        return run->fault.code;
    if (run->session.open)
        session_logout(&run->session);
    session_close(&run->session);
    if (run->options.without_admin)
        return side_reset(&run->module, &run->token, &run->fault) == EXIT_OK ? reset_done(run)
                                                                             : run->fault.code;
    size_t length = strnlen(run->token.label, sizeof label);
    memset(label, ' ', sizeof label);
    memcpy(label, run->token.label, length);
    struct rd key = secret_view(run->secrets.admin);
    CK_RV rv = run->module.f->C_InitToken(run->token.slot, bytes_of(key), key.n, label);
    if (rv != CKR_OK)
        return fault_rv(&run->fault, rv, _("The token could not be reset."));
    return reset_done(run);
}

static enum exit_code delete_check(struct run *run)
{
    const struct piv_place *place;
    return show_place(run, &place);
}

static enum exit_code key_delete(struct run *run)
{
    const struct piv_place *place;
    CK_OBJECT_HANDLE key;
    bool there = false;
    char what[FAULT_TEXT];
    if (show_place(run, &place) != EXIT_OK || meet_login_writer(run) != EXIT_OK ||
        keypair_private(&run->session, place->id, &key, &there, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (!there)
        return fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no key in slot %s."), place->number);
    snprintf(what, sizeof what,
             _("The key in slot %s of token %s will be lost, with what only it can decrypt."), place->number,
             run->token.serial);
    if (ask_destroy(run, what, run->token.serial) != EXIT_OK ||
        keypair_remove(&run->session, place->id, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (run->module.officer_writes && object_destroy(&run->session, key, &run->fault) != EXIT_OK)
        return fault_todo(&run->fault, _("Tokens without a command for it keep a key until another is made "
                                         "in its place: ingam key generate --replace"));
    say(run, _("The key in slot %s was deleted; a certificate that was beside it stays."), place->number);
    answer_text(run, "slot", place->number);
    return EXIT_OK;
}

static enum exit_code protect(struct run *run, bool keep)
{
    if (run->secrets.admin == NULL)
        return fault_set(&run->fault, EXIT_ADMIN, _("The management key is needed: --admin-key-file FILE."));
    session_close(&run->session);
    if (side_protect(&run->module, &run->token, run->secrets.admin, keep, &run->fault) == EXIT_OK)
        say(run, "%s",
            keep ? _("The token keeps its management key behind the PIN: whoever has the PIN may change keys "
                     "and "
                     "certificates.")
                 : _("The token does not keep its management key any more: it has to be given again."));
    answer_text(run, "token", run->token.serial);
    json_object_set_new(run->answer, "protected", json_boolean(keep == (run->fault.code == EXIT_OK)));
    return run->fault.code;
}

static enum exit_code admin_protect(struct run *run)
{
    return protect(run, true);
}

static enum exit_code admin_unprotect(struct run *run)
{
    return protect(run, false);
}

extern const struct command cmd_admin_protect, cmd_admin_unprotect;

extern const struct command cmd_admin_change, cmd_token_reset, cmd_key_delete;

const struct command cmd_admin_change = {
    .noun = "admin",
    .verb = "change",
    .summary = N_("change the management key"),
    .needs = NEED_TOKEN | NEED_ADMIN,
    .options = change_rows,
    .run = admin_change,
};

const struct command cmd_token_reset = {
    .noun = "token",
    .verb = "reset",
    .summary = N_("erase everything on the token"),
    .details =
        N_("Keys and certificates are destroyed, PIN, PUK and management key are as from the factory."),
    .needs = NEED_TOKEN | NEED_ADMIN,
    .options = reset_rows,
    .check = reset_check,
    .run = token_reset,
};

const struct command cmd_key_delete = {
    .noun = "key",
    .verb = "delete",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("delete the key in a slot, where the token can"),
    .needs = NEED_TOKEN | NEED_WRITER,
    .options = show_slot_rows,
    .check = delete_check,
    .run = key_delete,
};

const struct command cmd_admin_protect = {
    .noun = "admin",
    .verb = "protect",
    .summary = N_("keep the management key on the token, behind the PIN"),
    .details = N_("As ykman does it. Commands that change keys and certificates then want the PIN only, and "
                  "ask for no\n"
                  "management key. It takes the place of the printed information on the card."),
    .needs = NEED_TOKEN | NEED_ADMIN,
    .run = admin_protect,
};

const struct command cmd_admin_unprotect = {
    .noun = "admin",
    .verb = "unprotect",
    .summary = N_("keep the management key on the token no more"),
    .needs = NEED_TOKEN | NEED_ADMIN | NEED_PIN_ASKED,
    .run = admin_unprotect,
};
