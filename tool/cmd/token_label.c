// ingam token label: the name by which a PIV token is shown and chosen.
#include "token_label.h"
#include "label.h"
#include "meet.h"
#include "side.h"
#include "text.h"

enum exit_code token_label_check(struct run *run, const char *label)
{
    if (label_fits(label))
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("That is no label for a token."));
    return fault_todo(&run->fault, _("It has at most 32 bytes of UTF-8 (10 Korean letters), no control "
                                     "characters, and no blank at its end."));
}

// With a first session the module reads the card anew, and tells other processes of the label.
static void let_module_see(struct run *run)
{
    struct fault unused = {.code = EXIT_OK};
    CK_OBJECT_HANDLE none;
    size_t count;
    session_close(&run->session);
    if (session_open(&run->session, &run->module, &run->token, &unused) == EXIT_OK)
        object_find(&run->session, CKO_CERTIFICATE, 0, &none, 1, &count, &unused);
}

enum exit_code token_label_set(struct run *run, const char *label)
{
    if (side_label(&run->module, &run->token, run->secrets.admin, label, &run->fault) != EXIT_OK)
        return run->fault.code;
    let_module_see(run);
    answer_text(run, "label", label);
    return EXIT_OK;
}

static enum exit_code label_check(struct run *run)
{
    if (run->options.operands == 1)
        return token_label_check(run, run->options.operand[0]);
    fault_set(&run->fault, EXIT_USAGE, _("The label is missing."));
    return fault_todo(&run->fault, _("Write: ingam token label NAME (\"\" takes it away)"));
}

static enum exit_code token_label(struct run *run)
{
    if (!run->module.ours) {
        fault_set(&run->fault, EXIT_UNSUPPORTED,
                  _("This module gives a token its label only when it is made ready."));
        return fault_todo(&run->fault, _("That empties it: ingam token init --label"));
    }
    if (run->secrets.admin == NULL)
        return fault_set(&run->fault, EXIT_ADMIN, _("The management key is needed: --admin-key-file FILE."));
    const char *label = run->options.operand[0];
    session_close(&run->session);
    if (token_label_set(run, label) != EXIT_OK)
        return run->fault.code;
    answer_text(run, "token", run->token.serial);
    if (label[0] != '\0')
        say(run, _("The token is called \"%s\" now."), label);
    else
        say(run, "%s", _("The token has no label of its own any more."));
    return EXIT_OK;
}

extern const struct command cmd_token_label;

const struct command cmd_token_label = {
    .noun = "token",
    .verb = "label",
    .operands = "NAME",
    .operands_most = 1,
    .summary = N_("give the token a label, to know it and choose it by"),
    .details = N_("At most 32 bytes. \"\" takes it away. Keys and certificates, and their labels, stay."),
    .needs = NEED_TOKEN | NEED_ADMIN,
    .check = label_check,
    .run = token_label,
};
