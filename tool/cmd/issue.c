// ingam issue: a key made on the token and a certificate for it from an issuing desk, over CMP. Journalled:
// the same command, run again, goes on where the last run ended.
#include "issue.h"
#include "ask.h"
#include "cmp/client.h"
#include "meet.h"
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
    {.name = "issuer",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(issuer),
     .value = N_("URL"),
     .help = N_("where the issuing desk answers CMP: http://HOST:PORT/PATH or https://...")},
    {.name = "tls-ca",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(tls_ca),
     .value = N_("FILE"),
     .help = N_("for https: trust the CA certificates in FILE (else the system's)")},
    {.name = "reference",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(reference),
     .value = N_("NUMBER"),
     .help = N_("the reference number that the desk gave")},
    {.name = "code-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(code_file),
     .value = N_("FILE"),
     .help = N_("read the authorization code from the first line of FILE (else asked)")},
    {.name = "key-type",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(key_type),
     .value = N_("TYPE"),
     .help = N_("rsa2048 (if not said), p256 or p384")},
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
    {.name = "ca",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(ca),
     .value = N_("FILE"),
     .help = N_("check the certificate against the CA certificates in FILE")},
    {.name = "timeout",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(timeout),
     .least = 1,
     .most = 3600,
     .value = N_("SECONDS"),
     .help = N_("how long to wait for the desk, each time (30 if not said)")},
    {.name = NULL},
};

static enum exit_code need_option(struct run *run, const char *value, const char *name)
{
    if (value != NULL)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("--%s is missing."), name);
    return fault_todo(&run->fault, _("See the options with: ingam issue --help"));
}

// A request needs a name (RFC 4211 4.1); which one the certificate gets is the desk's to say.
static enum exit_code take_subject(struct issue *issue)
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

static enum exit_code check_options(struct run *run, struct issue *issue)
{
    struct options *options = &run->options;
    if (show_place(run, &issue->place) != EXIT_OK || need_option(run, options->issuer, "issuer") != EXIT_OK ||
        need_option(run, options->reference, "reference") != EXIT_OK)
        return run->fault.code;
    if (options->existing_key && (options->key_type != NULL || options->replace))
        return fault_set(&run->fault, EXIT_USAGE, _("--existing-key excludes --key-type and --replace."));
    issue->kind =
        options->existing_key ? NULL : key_kind_of(options->key_type != NULL ? options->key_type : "rsa2048");
    if (issue->kind == NULL && !options->existing_key) {
        fault_set(&run->fault, EXIT_USAGE, _("There is no key type \"%s\"."), options->key_type);
        return fault_todo(&run->fault, _("Key types are rsa2048, p256 and p384."));
    }
    if (strlen(options->reference) >= sizeof issue->journal.reference ||
        strlen(options->issuer) >= sizeof issue->journal.issuer)
        return fault_set(&run->fault, EXIT_USAGE,
                         _("The reference number or the issuer's address is too long."));
    if (options->public_key != NULL && take_public_key(issue) != EXIT_OK)
        return run->fault.code;
    if (cmp_url_check(options->issuer, options->tls_ca, &run->fault) != EXIT_OK)
        return run->fault.code;
    return take_subject(issue);
}

static enum exit_code issue_check(struct run *run)
{
    static struct issue issue;
    issue.run = run;
    issue.journal.lock = -1;
    run->work = &issue;
    if (check_options(run, &issue) != EXIT_OK)
        return run->fault.code;
    if (run->options.code_file != NULL)
        return ask_file(run, run->options.code_file, &run->secrets.code);
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_USAGE,
                  _("The authorization code is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault, _("Give it with --code-file FILE."));
    }
    return ask_secret(run, _("Authorization code"), EXIT_USAGE, &run->secrets.code);
}

static enum exit_code write_certificate(struct issue *issue)
{
    struct run *run = issue->run;
    X509 *there = NULL;
    if (object_certificate(&run->session, issue->place->id, &there, &run->fault) != EXIT_OK)
        return run->fault.code;
    bool same = there != NULL && X509_cmp(there, issue->journal.certificate) == 0;
    X509_free(there);
    if (!same) {
        say(run, _("Writing the certificate into slot %s..."), issue->place->number);
        if (meet_login_writer(run) != EXIT_OK ||
            object_write_certificate(&run->session, issue->place, issue->journal.certificate, &run->fault) !=
                EXIT_OK ||
            meet_login_user(run) != EXIT_OK || issue_take_key(issue) != EXIT_OK)
            return run->fault.code;
    }
    return journal_write(&issue->journal, JOURNAL_WRITTEN, &run->fault);
}

// Judges what the desk sent: checked, kept in the journal, written and read back before anything is
// confirmed.
static enum cmp_verdict accept_certificate(void *arg, X509 *certificate, STACK_OF(X509) * ca,
                                           STACK_OF(X509) * extra)
{
    struct issue *issue = arg;
    struct run *run = issue->run;
    bool pin = false;
    const struct trust trust = {
        .ca_file = run->options.ca, .issuer = run->options.issuer, .received = ca, .untrusted = extra};
    if (trust_check(&trust, certificate, issue->journal.key, &pin, &run->fault) != EXIT_OK)
        return CMP_REJECT;
    X509_up_ref(certificate);
    X509_free(issue->journal.certificate);
    issue->journal.certificate = certificate;
    if (journal_write(&issue->journal, JOURNAL_RECEIVED, &run->fault) != EXIT_OK ||
        write_certificate(issue) != EXIT_OK || (pin && trust_pin(&trust, &run->fault) != EXIT_OK))
        return CMP_POSTPONE;
    return CMP_ACCEPT;
}

static enum exit_code request(struct issue *issue)
{
    struct run *run = issue->run;
    struct cmp_request cmp = {.url = run->options.issuer,
                              .tls_ca = run->options.tls_ca,
                              .reference = run->options.reference,
                              .code = run->secrets.code,
                              .subject = issue->subject,
                              .timeout = run->options.timeout,
                              .accept = accept_certificate,
                              .arg = issue};
    bool begun = issue_goes_on(issue) && issue->journal.step >= JOURNAL_KEY;
    if (issue_check_slot(issue) != EXIT_OK || (!begun && cmp_probe(&cmp, NULL, &run->fault) != EXIT_OK))
        return fault_state(&run->fault, _("Nothing on the token was changed."));
    if (issue_ready_key(issue) != EXIT_OK)
        return run->fault.code;
    if (issue->journal.step >= JOURNAL_RECEIVED && write_certificate(issue) != EXIT_OK)
        return run->fault.code;
    cmp.key = keypair_lend(&issue->pair, issue->journal.key);
    if (cmp.key == NULL)
        return fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    say(run, _("Requesting the certificate from %s..."), cmp.url);
    issue->pair.last_rv = CKR_OK;
    struct fault failed = {.code = EXIT_OK};
    bool confirmed;
    cmp_issue(&cmp, &confirmed, &failed);
    EVP_PKEY_free(cmp.key);
    if (confirmed && issue->journal.step == JOURNAL_WRITTEN) {
        say(run, "%s", _("The issuer had the confirmation of the last run."));
        return EXIT_OK;
    }
    // The token's own failure says more than that of the transaction that it stopped.
    if (run->fault.code == EXIT_OK && issue->pair.last_rv != CKR_OK)
        fault_rv(&run->fault, issue->pair.last_rv, _("The key in slot %s could not sign the request."),
                 issue->place->number);
    if (run->fault.code == EXIT_OK)
        run->fault = failed;
    return run->fault.code;
}

// How things stand after a failure, and that the same command goes on.
static void say_state(struct issue *issue)
{
    struct fault *fault = &issue->run->fault;
    switch (issue->journal.step) {
    case JOURNAL_NONE:
        fault_state(fault, _("Nothing on the token was changed."));
        break;
    case JOURNAL_MAKING:
        fault_state(fault, _("The token may have made a key in slot %s; the same command goes on."),
                    issue->place->number);
        break;
    case JOURNAL_KEY:
        fault_state(fault, _("The key is in slot %s, without a certificate; the same command uses it again."),
                    issue->place->number);
        break;
    case JOURNAL_RECEIVED:
        fault_state(fault, _("The certificate is kept in %s; the same command writes it into slot %s."),
                    issue->journal.path, issue->place->number);
        break;
    case JOURNAL_WRITTEN:
        fault_state(
            fault,
            _("The certificate is in slot %s, but the issuer was not told; the same command tells it."),
            issue->place->number);
        break;
    }
}

static void report(struct issue *issue)
{
    struct run *run = issue->run;
    X509 *certificate = issue->journal.certificate;
    char subject[512], issuer[512], serial[128], to[32];
    x509_name_line(subject, sizeof subject, X509_get_subject_name(certificate));
    x509_name_line(issuer, sizeof issuer, X509_get_issuer_name(certificate));
    x509_serial_line(serial, sizeof serial, certificate);
    x509_time_line(to, sizeof to, X509_get0_notAfter(certificate));
    say(run, _("The certificate is on the token, in slot %s."), issue->place->number);
    tell(run, "%s: %s", _("subject"), subject);
    tell(run, "%s: %s", _("issuer"), issuer);
    tell(run, "%s: %s", _("serial number"), serial);
    tell(run, "%s: %s", _("valid until"), to);
    answer_text(run, "token", run->token.serial);
    answer_text(run, "slot", issue->place->number);
    answer_text(run, "subject", subject);
    answer_text(run, "issuer", issuer);
    answer_text(run, "serial_number", serial);
    answer_text(run, "not_after", to);
}

static enum exit_code issue_run(struct run *run)
{
    struct issue *issue = run->work;
    const char *name = run->token.serial[0] != '\0' ? run->token.serial : run->token.label;
    if (journal_open(&issue->journal, name, issue->place->number, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (issue_look(issue) == EXIT_OK && request(issue) == EXIT_OK &&
        journal_finish(&issue->journal, &run->fault) == EXIT_OK)
        report(issue);
    else {
        struct fault unused = {.code = EXIT_OK};
        if (issue->journal.step < JOURNAL_RECEIVED)
            issue_conceal(issue);
        // The same command finds a key that was there before without a journal.
        if (run->options.existing_key && issue->journal.step == JOURNAL_KEY)
            journal_finish(&issue->journal, &unused);
        say_state(issue);
    }
    journal_close(&issue->journal);
    EVP_PKEY_free(issue->shown);
    EVP_PKEY_free(issue->known);
    X509_free(issue->old);
    X509_NAME_free(issue->subject);
    return run->fault.code;
}

extern const struct command cmd_issue;

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
