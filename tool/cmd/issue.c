// ingam issue: a key made on the token and a certificate for it from an issuing desk, over CMP. Journalled:
// the same command, run again, goes on where the last run ended.
#include "issue.h"
#include "apply/rows.h"
#include "ask.h"
#include "cmp/client.h"
#include "issue_apply.h"
#include "issue_rows.h"
#include "meet.h"
#include "otp/applet.h"
#include "show.h"
#include "text.h"
#include "x509/name.h"
#include "x509/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

static const struct option_row issue_options[] = {
    {.name = "slot",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(slot),
     .value = N_("SLOT"),
     .help = N_("where key and certificate go: 9a, 9c, 9d, 9e, 82 to 95, or auth, sign, kem, card")},
    ISSUE_ROW_ISSUER,
    ISSUE_ROW_TLS_CA,
    ISSUE_ROW_REFERENCE,
    ISSUE_ROW_CODE_FILE,
    ISSUE_ROW_KEY_TYPE,
    {.name = "existing-key",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(existing_key),
     .help = N_("use the key that is in the slot")},
    {.name = "public-key",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(public_key),
     .value = N_("FILE"),
     .help = N_("its public half (PEM), for tokens that show no key without a certificate")},
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("give up the key and certificate that are in the slot")},
    {.name = "subject",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(subject),
     .value = N_("NAME"),
     .help = N_("the name to ask for, as /C=KR/CN=NAME (if not said, the reference number stands there); "
                "the desk decides")},
    ISSUE_ROW_CA,
    ISSUE_ROW_TIMEOUT,
    APPLY_ROWS,
    OTP_ACCESS_ROWS,
    {.name = NULL},
};

static enum exit_code need_option(struct run *run, const char *value, const char *name)
{
    if (value != NULL)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("--%s is missing."), name);
    return fault_todo(&run->fault, _("See the options with: ingam %s --help"), run->command->noun);
}

// A request needs a name (RFC 4211 4.1); which one the certificate gets is the desk's to say.
enum exit_code issue_name_subject(struct issue *issue)
{
    const struct options *options = &issue->run->options;
    if (options->subject != NULL) {
        issue->subject = x509_name_parse(options->subject);
        if (issue->subject != NULL)
            return EXIT_OK;
        fault_set(&issue->run->fault, EXIT_USAGE, _("\"%s\" is no name."), options->subject);
        return fault_todo(&issue->run->fault, _("Write it as /C=KR/O=EXAMPLE/CN=NAME."));
    }
    issue->subject = X509_NAME_new();
    if (issue->subject == NULL ||
        !X509_NAME_add_entry_by_txt(issue->subject, "CN", MBSTRING_UTF8,
                                    (const unsigned char *)options->reference, -1, -1, 0))
        return fault_set(&issue->run->fault, EXIT_USAGE,
                         _("The reference number cannot stand in a request."));
    return EXIT_OK;
}

static enum exit_code take_public_key(struct issue *issue)
{
    const struct options *options = &issue->run->options;
    if (!options->existing_key)
        return fault_set(&issue->run->fault, EXIT_USAGE, _("--public-key belongs to --existing-key."));
    BIO *file = BIO_new_file(options->public_key, "r");
    issue->known = file != NULL ? PEM_read_bio_PUBKEY(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    ERR_clear_error();
    if (issue->known != NULL && key_kind_of_public(issue->known) != NULL)
        return EXIT_OK;
    return fault_set(&issue->run->fault, EXIT_USAGE,
                     _("No public key of a known type could be read from %s."), options->public_key);
}

enum exit_code issue_check_kind(struct run *run, const struct key_kind **kind)
{
    const char *name = run->options.key_type;
    *kind = name != NULL ? key_kind_of(name) : NULL;
    if (name == NULL || *kind != NULL)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("There is no key type \"%s\"."), name);
    return fault_todo(&run->fault, _("Key types are rsa2048, rsa3072, rsa4096, p256 and p384."));
}

enum exit_code issue_check_issuer(struct run *run)
{
    const struct options *options = &run->options;
    if (need_option(run, options->issuer, "issuer") != EXIT_OK)
        return run->fault.code;
    if (strlen(options->issuer) >= sizeof((struct issue *)NULL)->journal.issuer)
        return fault_set(&run->fault, EXIT_USAGE,
                         _("The reference number or the issuer's address is too long."));
    return cmp_url_check(options->issuer, options->tls_ca, &run->fault);
}

enum exit_code issue_check_code(struct run *run)
{
    const struct options *options = &run->options;
    if (need_option(run, options->reference, "reference") != EXIT_OK)
        return run->fault.code;
    if (strlen(options->reference) >= sizeof((struct issue *)NULL)->journal.reference)
        return fault_set(&run->fault, EXIT_USAGE,
                         _("The reference number or the issuer's address is too long."));
    if (options->code_file != NULL)
        return ask_file(run, options->code_file, &run->secrets.code);
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_USAGE,
                  _("The authorization code is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault, _("Give it with --code-file FILE."));
    }
    return ask_secret(run, _("Authorization code"), EXIT_USAGE, &run->secrets.code);
}

static enum exit_code check_options(struct run *run, struct issue *issue)
{
    struct options *options = &run->options;
    if (show_place(run, &issue->place) != EXIT_OK || need_option(run, options->issuer, "issuer") != EXIT_OK ||
        need_option(run, options->reference, "reference") != EXIT_OK)
        return run->fault.code;
    if (options->existing_key && (options->key_type != NULL || options->replace))
        return fault_set(&run->fault, EXIT_USAGE, _("--existing-key excludes --key-type and --replace."));
    if (issue_check_kind(run, &issue->kind) != EXIT_OK)
        return run->fault.code;
    if (issue->kind == NULL && !options->existing_key)
        issue->kind = key_kind_of("rsa2048");
    if (options->public_key != NULL && take_public_key(issue) != EXIT_OK)
        return run->fault.code;
    if (issue_check_issuer(run) != EXIT_OK)
        return run->fault.code;
    return issue_name_subject(issue);
}

static enum exit_code issue_check(struct run *run)
{
    static struct issue issue;
    issue = (struct issue){.run = run, .journal.lock = -1};
    run->work = &issue;
    if (issue_apply_wanted(run) && issue_apply(run) != EXIT_OK)
        return run->fault.code;
    return check_options(run, &issue) == EXIT_OK ? issue_check_code(run) : run->fault.code;
}

static enum exit_code issue_run(struct run *run)
{
    struct issue *issue = run->work;
    issue->issuer = run->options.issuer;
    issue->reference = run->options.reference;
    issue->tls_ca = run->options.tls_ca;
    issue_work(issue);
    issue_apply_end(run);
    return run->fault.code;
}

const struct command cmd_issue = {
    .noun = "issue",
    .operands = "[SLOT]",
    .operands_most = 1,
    .summary = N_("get a certificate onto the token from an issuing desk"),
    .details = N_(
        "The key is made on the token and never leaves it. The request is protected by reference number and\n"
        "code; the certificate is checked against key and CA, written, read back, and then confirmed.\n"
        "If it is interrupted, the same command goes on."),
    .needs = NEED_TOKEN | NEED_PIN | NEED_ADMIN | NEED_ISSUER,
    .options = issue_options,
    .check = issue_check,
    .run = issue_run,
};
