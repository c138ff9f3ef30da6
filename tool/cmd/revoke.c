// ingam revoke, suspend, resume: what a certificate on a token, or on one that is gone, is worth from now on.
#include "ask.h"
#include "change.h"
#include "issue.h"
#include "issue_rows.h"
#include "show.h"
#include "text.h"

#include <string.h>

#define SIGNER_ROW                                                                                           \
    {                                                                                                        \
        .name = "signer", .kind = OPTION_TEXT, .at = OPTION_AT(signer), .value = N_("SLOT"),                 \
        .help = N_("sign with the key in SLOT, of another valid certificate of the same person")             \
    }

#define WHICH_ROWS                                                                                           \
    SHOW_SLOT_ROW,                                                                                           \
        {.name = "number",                                                                                   \
         .kind = OPTION_TEXT,                                                                                \
         .at = OPTION_AT(number),                                                                            \
         .value = N_("HEX"),                                                                                 \
         .help = N_("the certificate with this serial number, wherever it is")},                             \
        {.name = "cert",                                                                                     \
         .kind = OPTION_TEXT,                                                                                \
         .at = OPTION_AT(certificate_file),                                                                  \
         .value = N_("FILE"),                                                                                \
         .help = N_("the certificate in FILE, wherever its key is")},                                        \
        SIGNER_ROW, ISSUE_ROW_REFERENCE, ISSUE_ROW_CODE_FILE, ISSUE_ROW_ISSUER, ISSUE_ROW_TLS_CA,            \
        ISSUE_ROW_CA, ISSUE_ROW_TIMEOUT

static const struct option_row revoke_rows[] = {
    WHICH_ROWS,
    {.name = "reason",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(reason),
     .value = N_("WORD"),
     .help = N_("why: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, "
                "privilegeWithdrawn")},
    {.name = NULL},
};

static const struct option_row pause_rows[] = {WHICH_ROWS, {.name = NULL}};

// RFC 5280 5.3.1
static const struct {
    const char *word;
    int number;
} reasons[] = {
    {"unspecified", 0}, {"keyCompromise", 1},        {"affiliationChanged", 3},
    {"superseded", 4},  {"cessationOfOperation", 5}, {"privilegeWithdrawn", 9},
};

static enum exit_code read_reason(struct run *run, struct change *change)
{
    const char *word = run->options.reason;
    change->reason = change->deed->reason;
    if (word == NULL || change->deed->reason != 0)
        return EXIT_OK;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(reasons[i].word, word) == 0) {
            change->reason = reasons[i].number;
            return EXIT_OK;
        }
    fault_set(&run->fault, EXIT_USAGE, _("There is no reason \"%s\"."), word);
    return fault_todo(&run->fault,
                      _("Reasons are unspecified, keyCompromise, affiliationChanged, superseded, "
                        "cessationOfOperation and privilegeWithdrawn."));
}

// Exactly one of slot, number and file says which certificate.
static enum exit_code read_which(struct run *run, struct change *change)
{
    struct options *options = &run->options;
    bool slot = options->slot != NULL || options->operands > 0;
    if (slot + (options->number != NULL) + (options->certificate_file != NULL) != 1) {
        fault_set(&run->fault, EXIT_USAGE, _("Which certificate?"));
        return fault_todo(&run->fault,
                          _("Name its slot, or its serial number with --number, or its file with --cert."));
    }
    if (slot)
        return show_place(run, &change->place);
    const char *number = options->number;
    if (number != NULL && (number[0] == '\0' || strlen(number) > 40 ||
                           strspn(number, "0123456789abcdefABCDEF") != strlen(number)))
        return fault_set(&run->fault, EXIT_USAGE, _("\"%s\" is no serial number: it is hexadecimal."),
                         number);
    if (options->certificate_file != NULL &&
        (change->certificate = show_read_certificate(options->certificate_file)) == NULL)
        return fault_set(&run->fault, EXIT_USAGE, _("No certificate could be read from %s."),
                         options->certificate_file);
    return EXIT_OK;
}

// Who asks: whoever has reference and code, or the key of a certificate on the token.
static enum exit_code read_who(struct run *run, struct change *change)
{
    const struct options *options = &run->options;
    if (options->reference != NULL && options->signer != NULL)
        return fault_set(&run->fault, EXIT_USAGE, _("--signer and --reference exclude each other."));
    change->by_key = options->reference == NULL;
    if (!change->by_key) {
        run->needs &= ~(unsigned)(change->place != NULL ? NEED_PIN : NEED_PIN | NEED_TOKEN);
        return issue_check_code(run);
    }
    change->signer = options->signer != NULL ? place_of(options->signer) : change->place;
    if (options->signer != NULL && change->signer == NULL)
        return fault_set(&run->fault, EXIT_USAGE, _("There is no slot \"%s\"."), options->signer);
    if (change->signer == NULL ||
        (change->deed->reason == CHANGE_RESUME && change->signer == change->place)) {
        fault_set(&run->fault, EXIT_USAGE,
                  change->signer == NULL ? _("Who asks for it?")
                                         : _("A suspended certificate cannot resume itself."));
        return fault_todo(
            &run->fault,
            _("Apply at the desk and give --reference and --code-file; or have it signed by another valid "
              "certificate of the same person, with --signer SLOT."));
    }
    return EXIT_OK;
}

static enum exit_code check(struct run *run, const struct change_deed *deed)
{
    static struct change change;
    change.run = run;
    change.deed = deed;
    run->work = &change;
    if (read_reason(run, &change) != EXIT_OK || read_which(run, &change) != EXIT_OK ||
        (run->options.issuer != NULL && issue_check_issuer(run) != EXIT_OK))
        return run->fault.code;
    if (run->options.issuer == NULL)
        run->needs &= ~(unsigned)NEED_ISSUER;
    return read_who(run, &change);
}

static enum exit_code revoke_check(struct run *run)
{
    return check(run, &change_revoke);
}

static enum exit_code suspend_check(struct run *run)
{
    return check(run, &change_suspend);
}

static enum exit_code resume_check(struct run *run)
{
    return check(run, &change_resume);
}

static enum exit_code change_run(struct run *run)
{
    struct change *change = run->work;
    if (change_find(change) == EXIT_OK && change_confirm(change) == EXIT_OK && change_send(change) == EXIT_OK)
        change_report(change);
    change_free(change);
    return run->fault.code;
}

extern const struct command cmd_revoke, cmd_suspend, cmd_resume;

#define NEEDS (NEED_TOKEN | NEED_PIN | NEED_ISSUER)

const struct command cmd_revoke = {
    .noun = "revoke",
    .operands = "[SLOT]",
    .operands_most = 1,
    .summary = N_("revoke a certificate, for ever"),
    .details = N_("The key of the certificate signs for it, or that of another certificate of the same "
                  "person, or it is\n"
                  "asked for with the reference number and code of an application; then no token is needed."),
    .needs = NEEDS,
    .options = revoke_rows,
    .check = revoke_check,
    .run = change_run,
};

const struct command cmd_suspend = {
    .noun = "suspend",
    .operands = "[SLOT]",
    .operands_most = 1,
    .summary = N_("suspend a certificate until it is resumed"),
    .needs = NEEDS,
    .options = pause_rows,
    .check = suspend_check,
    .run = change_run,
};

const struct command cmd_resume = {
    .noun = "resume",
    .operands = "[SLOT]",
    .operands_most = 1,
    .summary = N_("make a suspended certificate valid again"),
    .details =
        N_("A suspended certificate cannot do it itself: with --reference and --code-file, or --signer."),
    .needs = NEEDS,
    .options = pause_rows,
    .check = resume_check,
    .run = change_run,
};
