// The engine of ingam issue, renew and reissue: the request, the certificate written and confirmed, the
// journal at each step.
#include "ask.h"
#include "cmp/client.h"
#include "issue.h"
#include "meet.h"
#include "record.h"
#include "text.h"
#include "x509/name.h"
#include "x509/trust.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

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
    // A signed answer is no reason to trust a new CA.
    const struct trust trust = {.ca_file = run->options.ca,
                                .issuer = issue->issuer,
                                .received = issue->by_key ? NULL : ca,
                                .untrusted = extra};
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

// Has the request protected: by reference and code, or by the key that is renewed.
static enum exit_code protect(struct issue *issue, struct cmp_request *cmp)
{
    struct run *run = issue->run;
    bool pinned, fresh;
    const struct trust trust = {.ca_file = run->options.ca, .issuer = issue->issuer};
    *cmp = (struct cmp_request){.url = issue->issuer,
                                .tls_ca = issue->tls_ca,
                                .timeout = run->options.timeout,
                                .accept = accept_certificate,
                                .arg = issue};
    if (!issue->by_key) {
        cmp->reference = issue->reference;
        cmp->code = run->secrets.code;
        cmp->subject = issue->subject;
        return EXIT_OK;
    }
    if (trust_anchors(&trust, &cmp->trusted, &pinned, &fresh, &run->fault) != EXIT_OK)
        return run->fault.code;
    cmp->signer = issue->replaced;
    cmp->signer_key = keypair_lend(&issue->old_pair, X509_get0_pubkey(issue->replaced));
    if (cmp->signer_key == NULL)
        fault_set(&run->fault, EXIT_UNSUPPORTED,
                  _("The key in slot %s is of a kind that cannot sign for this."), issue->old_place->number);
    return run->fault.code;
}

static void unprotect(struct cmp_request *cmp)
{
    EVP_PKEY_free(cmp->signer_key);
    sk_X509_pop_free(cmp->trusted, X509_free);
}

// The transaction. The token's own failure says more than that of the transaction that it stopped.
static enum exit_code transact(struct issue *issue, struct cmp_request *cmp)
{
    struct run *run = issue->run;
    struct fault failed = {.code = EXIT_OK};
    bool confirmed;
    cmp->key = keypair_lend(&issue->pair, issue->journal.key);
    if (cmp->key == NULL)
        return fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    say(run, _("Requesting the certificate from %s..."), cmp->url);
    issue->pair.last_rv = issue->old_pair.last_rv = CKR_OK;
    cmp_issue(cmp, &confirmed, &failed);
    EVP_PKEY_free(cmp->key);
    if (confirmed && issue->journal.step == JOURNAL_WRITTEN) {
        say(run, "%s", _("The issuer had the confirmation of the last run."));
        return EXIT_OK;
    }
    CK_RV rv = issue->pair.last_rv != CKR_OK ? issue->pair.last_rv : issue->old_pair.last_rv;
    const struct piv_place *place = issue->pair.last_rv != CKR_OK ? issue->place : issue->old_place;
    if (run->fault.code == EXIT_OK && rv != CKR_OK)
        fault_rv(&run->fault, rv, _("The key in slot %s could not sign the request."), place->number);
    if (run->fault.code == EXIT_OK)
        run->fault = failed;
    return run->fault.code;
}

static enum exit_code request(struct issue *issue)
{
    struct run *run = issue->run;
    struct cmp_request cmp = {.url = NULL};
    bool begun = issue_goes_on(issue) && issue->journal.step >= JOURNAL_KEY;
    if (issue_check_slot(issue) != EXIT_OK || (issue->by_key && issue_take_old_key(issue) != EXIT_OK) ||
        protect(issue, &cmp) != EXIT_OK || (!begun && cmp_probe(&cmp, NULL, &run->fault) != EXIT_OK))
        fault_state(&run->fault, _("Nothing on the token was changed."));
    else if (issue_ready_key(issue) == EXIT_OK &&
             (issue->journal.step < JOURNAL_RECEIVED || write_certificate(issue) == EXIT_OK))
        transact(issue, &cmp);
    unprotect(&cmp);
    return run->fault.code;
}

// What is known of a certificate that this user has got.
static void describe(const struct issue *issue, struct record_entry *entry)
{
    char path[PATH_MAX];
    memset(entry, 0, sizeof *entry);
    snprintf(entry->slot, sizeof entry->slot, "%s", issue->place->number);
    snprintf(entry->issuer, sizeof entry->issuer, "%s", issue->issuer);
    if (issue->tls_ca != NULL && realpath(issue->tls_ca, path) != NULL)
        snprintf(entry->tls_ca, sizeof entry->tls_ca, "%s", path);
    snprintf(entry->state, sizeof entry->state, "%s", "valid");
    entry->certificate = issue->journal.certificate;
}

// Notes the new certificate, and that the old one is replaced; then the old one may leave its slot.
static enum exit_code settle(struct issue *issue)
{
    struct run *run = issue->run;
    struct record record;
    struct record_entry entry, old;
    if (issue->replaced != NULL && issue->journal.step < JOURNAL_CONFIRMED &&
        journal_write(&issue->journal, JOURNAL_CONFIRMED, &run->fault) != EXIT_OK)
        return run->fault.code;
    describe(issue, &entry);
    if (record_open(&record, issue_token(run), &run->fault) == EXIT_OK) {
        if (issue->replaced != NULL && record_find(&record, issue->replaced, &old)) {
            snprintf(old.state, sizeof old.state, "%s", "replaced");
            old.pending[0] = '\0';
            record_put(&record, &old);
            X509_free(old.certificate);
        }
        record_put(&record, &entry);
        record_save(&record, &run->fault);
    }
    record_close(&record);
    if (run->fault.code == EXIT_OK && run->options.delete_old && issue->replaced != NULL &&
        issue->old_place != issue->place && meet_login_writer(run) == EXIT_OK)
        object_remove_certificates(&run->session, issue->old_place->id, &run->fault);
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
    case JOURNAL_CONFIRMED:
        fault_state(fault, _("The certificate in slot %s is valid; the same command tidies up after it."),
                    issue->place->number);
        break;
    }
}

static void report_replaced(struct issue *issue)
{
    struct run *run = issue->run;
    char serial[128];
    json_t *old = json_object();
    x509_serial_line(serial, sizeof serial, issue->replaced);
    json_object_set_new(old, "slot", json_string(issue->old_place->number));
    json_object_set_new(old, "serial_number", json_text(serial));
    json_object_set_new(run->answer, "replaces", old);
    if (issue->old_place == issue->place)
        return;
    if (run->options.delete_old)
        say(run, _("The old certificate in slot %s is revoked and was deleted; its key is still there."),
            issue->old_place->number);
    else
        say(run,
            _("The old certificate in slot %s is revoked. When nothing needs it any more: ingam cert delete "
              "%s"),
            issue->old_place->number, issue->old_place->number);
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
    if (issue->replaced != NULL)
        report_replaced(issue);
}

const char *issue_token(const struct run *run)
{
    return run->token.serial[0] != '\0' ? run->token.serial : run->token.label;
}

enum exit_code issue_work(struct issue *issue)
{
    struct run *run = issue->run;
    struct journal *journal = &issue->journal;
    if (journal_open(journal, issue_token(run), issue->place->number, &run->fault) != EXIT_OK)
        return run->fault.code;
    bool confirmed = journal->step == JOURNAL_CONFIRMED && issue_goes_on(issue);
    if (issue_look(issue) == EXIT_OK && (confirmed || request(issue) == EXIT_OK) &&
        settle(issue) == EXIT_OK && journal_finish(journal, &run->fault) == EXIT_OK)
        report(issue);
    else {
        struct fault unused = {.code = EXIT_OK};
        if (journal->step < JOURNAL_RECEIVED)
            issue_conceal(issue);
        // The same command finds a key that was there before without a journal.
        if (run->options.existing_key && journal->step == JOURNAL_KEY)
            journal_finish(journal, &unused);
        say_state(issue);
    }
    journal_close(journal);
    EVP_PKEY_free(issue->shown);
    EVP_PKEY_free(issue->known);
    X509_free(issue->old);
    X509_free(issue->replaced);
    X509_NAME_free(issue->subject);
    return run->fault.code;
}
