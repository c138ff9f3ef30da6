// What the slot holds, whose it is, and the key that the request is for.
#include "ask.h"
#include "issue.h"
#include "make_pair.h"
#include "meet.h"
#include "text.h"

#include <string.h>

enum exit_code issue_look(struct issue *issue)
{
    struct run *run = issue->run;
    struct session *session = &run->session;
    if (object_certificate(session, issue->place->id, &issue->old, &run->fault) == EXIT_OK &&
        keypair_public(session, issue->place->id, &issue->shown, &run->fault) == EXIT_OK)
        keypair_private(session, issue->place->id, &issue->pair.private_key, &issue->key_there, &run->fault);
    if (issue->old != NULL && issue_is_placeholder(issue->old)) {
        X509_free(issue->old);
        issue->old = NULL;
        issue->revealed = true;
    }
    return run->fault.code;
}

enum exit_code issue_take_key(struct issue *issue)
{
    struct run *run = issue->run;
    bool found;
    if (keypair_private(&run->session, issue->place->id, &issue->pair.private_key, &found, &run->fault) !=
        EXIT_OK)
        return run->fault.code;
    if (!found)
        return fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no key in slot %s."), issue->place->number);
    meet_keypair(run, &issue->pair, issue->pair.private_key, issue->place);
    return issue->by_key ? issue_take_old_key(issue) : EXIT_OK;
}

enum exit_code issue_take_old_key(struct issue *issue)
{
    struct run *run = issue->run;
    CK_OBJECT_HANDLE key;
    bool found;
    if (keypair_private(&run->session, issue->old_place->id, &key, &found, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (!found) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no key in slot %s."), issue->old_place->number);
        return fault_todo(&run->fault,
                          _("Only the key of a certificate can renew it. Without it: ingam reissue"));
    }
    meet_keypair(run, &issue->old_pair, key, issue->old_place);
    return EXIT_OK;
}

// The journal names the key that is to go, so that it is told from the one that comes.
static enum exit_code make_key(struct issue *issue)
{
    struct run *run = issue->run;
    EVP_PKEY *made = NULL;
    bool always = issue->always;
    EVP_PKEY_free(issue->journal.key);
    issue->journal.key = issue->shown;
    if (issue->shown != NULL)
        EVP_PKEY_up_ref(issue->shown);
    if (journal_write(&issue->journal, JOURNAL_MAKING, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (meet_login_writer(run) != EXIT_OK ||
        keypair_remove(&run->session, issue->place->id, &run->fault) != EXIT_OK ||
        make_pair(run, issue->place, issue->kind, &always, &made) != EXIT_OK) {
        struct fault unused = {.code = EXIT_OK};
        // Refused, so certainly not made; otherwise (a token pulled out) nobody knows.
        if (run->fault.code == EXIT_ADMIN || run->fault.code == EXIT_PIN ||
            run->fault.code == EXIT_UNSUPPORTED)
            journal_finish(&issue->journal, &unused);
        if (run->fault.code == EXIT_UNSUPPORTED && issue->old_place != NULL)
            fault_todo(&run->fault,
                       _("Where a token makes no keys in slots 82 to 95, name another one: --to 9c"));
        return run->fault.code;
    }
    if (issue->always && !always)
        say(run,
            _("Note: the new key in slot %s wants the PIN once; the old one wants it for each signature."),
            issue->place->number);
    EVP_PKEY_free(issue->journal.key);
    issue->journal.key = made;
    // The certificate that was given up belongs to a key that is no more; beside the new one it would
    // mislead.
    if (object_remove_certificates(&run->session, issue->place->id, &run->fault) != EXIT_OK ||
        journal_write(&issue->journal, JOURNAL_KEY, &run->fault) != EXIT_OK ||
        meet_login_user(run) != EXIT_OK)
        return run->fault.code;
    return issue_take_key(issue);
}

// As the journal has it.
static const char *renews(const struct issue *issue)
{
    return issue->old_place != NULL ? issue->old_place->number : "";
}

static void name_issue(struct issue *issue)
{
    struct journal *journal = &issue->journal;
    snprintf(journal->issuer, sizeof journal->issuer, "%s", issue->issuer);
    snprintf(journal->reference, sizeof journal->reference, "%s", issue->reference);
    snprintf(journal->renews, sizeof journal->renews, "%s", renews(issue));
    if (issue->replaced != NULL && journal->old == NULL && X509_up_ref(issue->replaced))
        journal->old = issue->replaced;
}

static bool occupied(const struct issue *issue)
{
    return issue->old != NULL || issue->shown != NULL || issue->key_there;
}

// The key that was there before, and which belongs to no unfinished issue.
static enum exit_code use_existing(struct issue *issue)
{
    struct run *run = issue->run;
    EVP_PKEY *key = issue->known != NULL ? issue->known : issue->shown;
    bool proved = false;
    if (!issue->key_there && key != NULL && issue_reveal(issue, key, NULL, &proved) != EXIT_OK)
        return run->fault.code;
    if (!proved && issue_take_key(issue) != EXIT_OK)
        return fault_todo(&run->fault,
                          _("If the token does not show keys without certificates, give the key's public "
                            "half with --public-key FILE."));
    if (key == NULL) {
        fault_set(&run->fault, EXIT_UNSUPPORTED, _("The token does not give the public key of slot %s."),
                  issue->place->number);
        return fault_todo(&run->fault, _("Give it with --public-key FILE."));
    }
    if (!proved && keypair_prove(&issue->pair, key, &run->fault) != EXIT_OK)
        return run->fault.code;
    EVP_PKEY_up_ref(key);
    issue->journal.key = key;
    return journal_write(&issue->journal, JOURNAL_KEY, &run->fault);
}

static enum exit_code begin_fresh(struct issue *issue)
{
    struct journal *journal = &issue->journal;
    EVP_PKEY_free(journal->key);
    X509_free(journal->certificate);
    X509_free(journal->old);
    journal->key = NULL;
    journal->certificate = journal->old = NULL;
    name_issue(issue);
    if (issue->run->options.existing_key)
        return use_existing(issue);
    return make_key(issue);
}

// The journal speaks of the issue that is asked for now.
static bool same_issue(const struct issue *issue)
{
    return issue->journal.step != JOURNAL_NONE && strcmp(issue->journal.issuer, issue->issuer) == 0 &&
           strcmp(issue->journal.reference, issue->reference) == 0;
}

bool issue_goes_on(const struct issue *issue)
{
    if (issue->journal.step != JOURNAL_NONE && strcmp(issue->journal.renews, renews(issue)) != 0)
        return false;
    if (issue->journal.step == JOURNAL_MAKING)
        return issue->old == NULL && !issue->run->options.existing_key;
    if (issue->journal.step == JOURNAL_KEY)
        return same_issue(issue) || !issue->run->options.replace;
    return same_issue(issue);
}

static enum exit_code confirm_loss(struct issue *issue)
{
    struct run *run = issue->run;
    char text[FAULT_TEXT];
    snprintf(text, sizeof text,
             _("The key in slot %s of token %s will be lost, with what only it can decrypt."),
             issue->place->number, run->token.serial);
    return ask_destroy(run, text, run->token.serial);
}

enum exit_code issue_check_slot(struct issue *issue)
{
    struct run *run = issue->run;
    const char *number = issue->place->number;
    const struct journal *journal = &issue->journal;
    bool other = journal->step != JOURNAL_NONE && strcmp(journal->renews, renews(issue)) != 0;
    if (!other && (!occupied(issue) || issue_goes_on(issue)))
        return EXIT_OK;
    if (run->options.replace)
        return confirm_loss(issue);
    if (other && journal->renews[0] != '\0') {
        fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s belongs to an unfinished renewal of slot %s."),
                  number, journal->renews);
        return fault_todo(&run->fault, _("Finish that one first: ingam renew %s, or ingam reissue %s."),
                          journal->renews, journal->renews);
    }
    if (other || journal->step >= JOURNAL_RECEIVED) {
        fault_set(&run->fault, EXIT_MISMATCH,
                  _("Slot %s belongs to an unfinished issue: reference %s from %s."), number,
                  journal->reference, journal->issuer);
        return fault_todo(
            &run->fault, _("Finish that one with its reference and issuer; or add --replace to give it up."));
    }
    if (issue->old != NULL)
        fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s already holds a certificate."), number);
    else if (run->options.existing_key)
        return EXIT_OK;
    else
        fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s already holds a key."), number);
    return fault_todo(&run->fault,
                      _("Use another slot; or --existing-key for a key without a certificate; or --replace "
                        "to give up what is there."));
}

// The interrupted run's key is gone: as if it had never been begun.
static enum exit_code begin_again(struct issue *issue, const char *why)
{
    say(issue->run, "%s", why);
    issue->journal.step = JOURNAL_NONE;
    return issue_check_slot(issue) == EXIT_OK ? begin_fresh(issue) : issue->run->fault.code;
}

// Whether the slot still holds the key of the journal, ready to sign then.
static enum exit_code find_again(struct issue *issue, bool *found)
{
    struct run *run = issue->run;
    struct journal *journal = &issue->journal;
    struct fault failed = {.code = EXIT_OK};
    *found = false;
    if (issue->key_there) {
        EVP_PKEY *shown = issue->shown != NULL ? issue->shown : journal->key;
        if (issue_take_key(issue) != EXIT_OK)
            return run->fault.code;
        enum exit_code code = keypair_prove(&issue->pair, shown, &failed);
        *found = code == EXIT_OK && EVP_PKEY_eq(shown, journal->key) == 1;
        if (code == EXIT_OK)
            return EXIT_OK;
        if (code == EXIT_TOKEN || code == EXIT_PIN || code == EXIT_BLOCKED || code == EXIT_BUSY ||
            code == EXIT_TOUCH) {
            run->fault = failed;
            return code;
        }
    }
    // No key is shown, or one that is not there: then a certificate whose key was given up hides it.
    if (issue->old != NULL && !run->options.replace)
        return EXIT_OK;
    return issue_reveal(issue, journal->key, journal->certificate, found);
}

// The key of an interrupted run, if the token still has it.
static enum exit_code resume(struct issue *issue)
{
    struct run *run = issue->run;
    const struct key_kind *kind = key_kind_of_public(issue->journal.key);
    bool found;
    if (run->options.key_type != NULL && kind != issue->kind) {
        fault_set(&run->fault, EXIT_MISMATCH, _("The interrupted run made a key of type %s."),
                  kind != NULL ? kind->name : "?");
        return fault_todo(&run->fault, _("Go on with --key-type %s."), kind != NULL ? kind->name : "?");
    }
    if (find_again(issue, &found) != EXIT_OK)
        return run->fault.code;
    if (!found)
        return begin_again(issue, _("The key of the interrupted run is not on the token any more."));
    name_issue(issue);
    say(run, _("Going on where the last run ended (%s)."), journal_step_name(issue->journal.step));
    return journal_write(&issue->journal, issue->journal.step, &run->fault);
}

// Killed while the token made the key: one that is there now and was not before is ours, and nobody else
// knows it.
static enum exit_code find_made(struct issue *issue)
{
    struct run *run = issue->run;
    struct journal *journal = &issue->journal;
    bool made = issue->key_there && issue->shown != NULL && key_kind_of_public(issue->shown) == issue->kind &&
                (journal->key == NULL || EVP_PKEY_eq(issue->shown, journal->key) != 1);
    name_issue(issue);
    if (!made)
        return make_key(issue);
    EVP_PKEY_free(journal->key);
    EVP_PKEY_up_ref(issue->shown);
    journal->key = issue->shown;
    if (issue_take_key(issue) != EXIT_OK || keypair_prove(&issue->pair, journal->key, &run->fault) != EXIT_OK)
        return run->fault.code;
    say(run, _("The interrupted run has made the key in slot %s."), issue->place->number);
    return journal_write(journal, JOURNAL_KEY, &run->fault);
}

enum exit_code issue_ready_key(struct issue *issue)
{
    if (!issue_goes_on(issue))
        return begin_fresh(issue);
    if (issue->journal.step != JOURNAL_MAKING)
        return resume(issue);
    return find_made(issue);
}
