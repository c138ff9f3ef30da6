// ingam renew, ingam reissue: a new key and certificate in the place of one on the token. The new key gets a
// slot of its own, so that the old one works until the new certificate is confirmed.
#include "desk.h"
#include "issue.h"
#include "issue_rows.h"
#include "meet.h"
#include "show.h"
#include "text.h"
#include "x509/name.h"

#include <string.h>

#define RETIRED_FIRST 5 // the id of slot 82

#define TO_ROW                                                                                               \
    {                                                                                                        \
        .name = "to", .kind = OPTION_TEXT, .at = OPTION_AT(to), .value = N_("SLOT"),                         \
        .help = N_("where the new key and certificate go (the first free slot from 82 if not said)")         \
    }

#define DELETE_OLD_ROW                                                                                       \
    {                                                                                                        \
        .name = "delete-old", .kind = OPTION_FLAG, .at = OPTION_AT(delete_old),                              \
        .help = N_("delete the old certificate from its slot once the new one is confirmed")                 \
    }

static const struct option_row renew_rows[] = {
    SHOW_SLOT_ROW,     TO_ROW,         ISSUE_ROW_ISSUER, ISSUE_ROW_TLS_CA, ISSUE_ROW_KEY_TYPE, ISSUE_ROW_CA,
    ISSUE_ROW_TIMEOUT, DELETE_OLD_ROW, {.name = NULL},
};

static const struct option_row reissue_rows[] = {
    SHOW_SLOT_ROW,
    TO_ROW,
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("give up the old key at once and use its slot")},
    ISSUE_ROW_ISSUER,
    ISSUE_ROW_TLS_CA,
    ISSUE_ROW_REFERENCE,
    ISSUE_ROW_CODE_FILE,
    ISSUE_ROW_KEY_TYPE,
    ISSUE_ROW_CA,
    ISSUE_ROW_TIMEOUT,
    DELETE_OLD_ROW,
    {.name = NULL},
};

static struct issue work = {.journal = {.lock = -1}};

static enum exit_code check_slots(struct run *run)
{
    struct issue *issue = &work;
    const struct options *options = &run->options;
    issue->run = run;
    run->work = issue;
    if (show_place(run, &issue->old_place) != EXIT_OK || issue_check_kind(run, &issue->kind) != EXIT_OK)
        return run->fault.code;
    if (options->to != NULL && (issue->place = place_of(options->to)) == NULL) {
        fault_set(&run->fault, EXIT_USAGE, _("There is no slot \"%s\"."), options->to);
        return fault_todo(&run->fault, _("Slots are 9a, 9c, 9d, 9e and 82 to 95, or auth, sign, kem, card."));
    }
    if (issue->place != NULL && (issue->place == issue->old_place || options->replace))
        return fault_set(&run->fault, EXIT_USAGE,
                         _("The new key needs another slot than the old one, which signs until the end."));
    return EXIT_OK;
}

static enum exit_code renew_check(struct run *run)
{
    work.by_key = true;
    if (check_slots(run) != EXIT_OK)
        return run->fault.code;
    if (run->options.issuer != NULL)
        return issue_check_issuer(run);
    run->needs &= ~(unsigned)NEED_ISSUER;
    return EXIT_OK;
}

static enum exit_code reissue_check(struct run *run)
{
    if (check_slots(run) != EXIT_OK || issue_check_issuer(run) != EXIT_OK)
        return run->fault.code;
    if (run->options.replace)
        work.place = work.old_place;
    return issue_check_code(run);
}

// The old certificate: the journal's, when a run was interrupted after it was deleted, else the one in the
// slot.
static enum exit_code find_old(struct issue *issue, const struct journal *journal)
{
    struct run *run = issue->run;
    const struct piv_place *place;
    if (journal->old != NULL) {
        X509_up_ref(journal->old);
        issue->replaced = journal->old;
        return session_open(&run->session, &run->module, &run->token, &run->fault);
    }
    if (show_there(run, &place, &issue->replaced) != EXIT_OK)
        return run->fault.code;
    if (!issue->by_key || X509_cmp_current_time(X509_get0_notAfter(issue->replaced)) > 0)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_MISMATCH,
              _("The certificate in slot %s has expired: it cannot be renewed any more."),
              issue->old_place->number);
    return fault_todo(&run->fault,
                      _("Get a new one: apply at the desk, then use its reference number and code with "
                        "ingam reissue."));
}

// Where the old certificate came from.
static enum exit_code find_issuer(struct issue *issue, const struct journal *journal)
{
    static struct desk_address desk;
    struct run *run = issue->run;
    desk_find(run, issue_token(run), issue->replaced, journal->issuer, &desk);
    issue->issuer = desk.issuer;
    issue->tls_ca = desk_tls_ca(&desk);
    return run->fault.code;
}

static enum exit_code is_free(struct run *run, const struct piv_place *place, bool *out)
{
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    CK_OBJECT_HANDLE handle;
    bool there = true;
    if (object_certificate(&run->session, place->id, &certificate, &run->fault) == EXIT_OK &&
        keypair_public(&run->session, place->id, &key, &run->fault) == EXIT_OK)
        keypair_private(&run->session, place->id, &handle, &there, &run->fault);
    *out = certificate == NULL && key == NULL && !there &&
           !journal_unfinished("issue", issue_token(run), place->number) &&
           !journal_unfinished("move", issue_token(run), place->number);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return run->fault.code;
}

// Where the new key goes: where an interrupted run put it, or the slot that is asked for, or the first free
// one.
static enum exit_code find_place(struct issue *issue, const struct journal *journal)
{
    struct run *run = issue->run;
    const struct piv_place *begun = journal->slot[0] != '\0' ? place_of(journal->slot) : NULL;
    if (begun != NULL && issue->place != NULL && begun != issue->place) {
        fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s belongs to an unfinished renewal of slot %s."),
                  begun->number, issue->old_place->number);
        return fault_todo(&run->fault, _("Go on with that one: --to %s"), begun->number);
    }
    if (begun != NULL)
        issue->place = begun;
    bool free = false;
    for (CK_BYTE id = RETIRED_FIRST; issue->place == NULL && place_of_id(id) != NULL; id++) {
        if (is_free(run, place_of_id(id), &free) != EXIT_OK)
            return run->fault.code;
        if (free)
            issue->place = place_of_id(id);
    }
    if (issue->place != NULL)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_UNSUPPORTED, _("No slot of the token is free for a new key."));
    return fault_todo(&run->fault, _("Delete what is not needed any more, or name a slot with --to SLOT."));
}

// A key that wants the PIN for each signature gets no laxer successor.
static enum exit_code find_policy(struct issue *issue)
{
    struct run *run = issue->run;
    CK_OBJECT_HANDLE key;
    bool there;
    if (keypair_private(&run->session, issue->old_place->id, &key, &there, &run->fault) == EXIT_OK)
        issue->always = there && object_true(&run->session, key, CKA_ALWAYS_AUTHENTICATE);
    return run->fault.code;
}

static void find_kind(struct issue *issue, const struct journal *journal)
{
    EVP_PKEY *old = X509_get0_pubkey(issue->replaced);
    if (issue->kind == NULL && journal->key != NULL && journal->step >= JOURNAL_KEY)
        issue->kind = key_kind_of_public(journal->key);
    if (issue->kind == NULL && old != NULL)
        issue->kind = key_kind_of_public(old);
    if (issue->kind == NULL)
        issue->kind = key_kind_of("rsa2048");
}

static enum exit_code renew_run(struct run *run)
{
    static char serial[128];
    struct issue *issue = run->work;
    struct journal begun;
    if (!journal_find_renewal(&begun, issue_token(run), issue->old_place->number))
        begun = (struct journal){.lock = -1};
    if (find_old(issue, &begun) == EXIT_OK && find_issuer(issue, &begun) == EXIT_OK &&
        find_place(issue, &begun) == EXIT_OK)
        find_policy(issue);
    if (run->fault.code == EXIT_OK) {
        find_kind(issue, &begun);
        x509_serial_line(serial, sizeof serial, issue->replaced);
        issue->reference = issue->by_key ? serial : run->options.reference;
    }
    journal_close(&begun);
    if (run->fault.code != EXIT_OK)
        return fault_state(&run->fault, _("Nothing on the token was changed."));
    if (issue->by_key)
        say(run, _("Renewing the certificate in slot %s; the new key goes into slot %s."),
            issue->old_place->number, issue->place->number);
    else if (issue_name_subject(issue) != EXIT_OK)
        return run->fault.code;
    return issue_work(issue);
}

extern const struct command cmd_renew, cmd_reissue;

const struct command cmd_renew = {
    .noun = "renew",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("renew a certificate before it expires, with a new key"),
    .details = N_("The new key is made in a free slot; the request is signed by the old key, which with its "
                  "certificate\n"
                  "works until the new certificate is on the token and confirmed. If it is interrupted, the "
                  "same command\n"
                  "goes on."),
    .needs = NEED_TOKEN | NEED_PIN | NEED_ADMIN | NEED_ISSUER,
    .options = renew_rows,
    .check = renew_check,
    .run = renew_run,
};

const struct command cmd_reissue = {
    .noun = "reissue",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("replace a certificate with a reference number and code for a reissue"),
    .details = N_("For a certificate that has expired, was revoked, or whose key is lost. The desk revokes "
                  "the old one\n"
                  "when the new one is confirmed. If it is interrupted, the same command goes on."),
    .needs = NEED_TOKEN | NEED_PIN | NEED_ADMIN | NEED_ISSUER,
    .options = reissue_rows,
    .check = reissue_check,
    .run = renew_run,
};
