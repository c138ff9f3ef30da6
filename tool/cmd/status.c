// ingam status: how the certificates on a token stand, by their dates, by their CA, and by what this user has
// begun.
#include "desk.h"
#include "issue.h"
#include "issue_rows.h"
#include "meet.h"
#include "record.h"
#include "show.h"
#include "text.h"
#include "x509/name.h"
#include "x509/standing.h"
#include "x509/trust.h"

#include <string.h>

#define DAYS_DEFAULT 30

static const struct option_row status_rows[] = {
    SHOW_SOON_ROWS,
    {.name = "offline",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(offline),
     .help = N_("do not ask the CA whether a certificate is revoked")},
    ISSUE_ROW_ISSUER,
    ISSUE_ROW_TLS_CA,
    ISSUE_ROW_CA,
    ISSUE_ROW_TIMEOUT,
    {.name = NULL},
};

// Rows from the worst to the best: what is said of a certificate, and the exit code for it.
enum state { REVOKED, SUSPENDED, UNKNOWN, EXPIRED, NOT_YET, EXPIRING, VALID, STATES };
static const struct {
    const char *word, *text;
    enum exit_code code;
} states[STATES] = {
    [REVOKED] = {"revoked", N_("revoked"), EXIT_MISMATCH},
    [SUSPENDED] = {"suspended", N_("suspended"), EXIT_MISMATCH},
    [UNKNOWN] = {"unknown", N_("not known to its CA"), EXIT_MISMATCH},
    [EXPIRED] = {"expired", N_("expired"), EXIT_MISMATCH},
    [NOT_YET] = {"not_yet_valid", N_("not yet valid"), EXIT_MISMATCH},
    [EXPIRING] = {"expiring", N_("expires soon"), EXIT_EXPIRING},
    [VALID] = {"valid", N_("valid"), EXIT_OK},
};

struct tally {
    unsigned seen, count[STATES], unasked;
    struct fault asking; // the first that went wrong at a CA
};

static enum state by_dates(const X509 *certificate, unsigned soon, int *days)
{
    int seconds = 0;
    bool known = ASN1_TIME_diff(days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1;
    if (!known || *days < 0 || seconds < 0)
        return EXPIRED;
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0)
        return NOT_YET;
    return (unsigned)*days < soon ? EXPIRING : VALID;
}

// What this user's record says; *known: it has the certificate.
static void recall(struct run *run, X509 *certificate, struct record_entry *entry, bool *known)
{
    struct record record;
    struct fault unreadable = {.code = EXIT_OK};
    memset(entry, 0, sizeof *entry);
    *known = record_open(&record, issue_token(run), &unreadable) == EXIT_OK &&
             record_find(&record, certificate, entry);
    record_close(&record);
    X509_free(entry->certificate);
    entry->certificate = NULL;
}

static void ask_ca(struct run *run, X509 *certificate, const struct record_entry *entry,
                   struct standing_answer *answer, struct tally *tally)
{
    const struct options *options = &run->options;
    STACK_OF(X509) *trusted = NULL;
    bool pinned, fresh;
    struct fault failed = {.code = EXIT_OK}, no_ca = {.code = EXIT_OK};
    const char *desk = options->issuer != NULL    ? options->issuer
                       : entry->issuer[0] != '\0' ? entry->issuer
                                                  : NULL;
    const struct trust trust = {.ca_file = options->ca, .issuer = desk != NULL ? desk : ""};
    *answer = (struct standing_answer){.standing = STANDING_UNASKED, .reason = -1};
    if (options->offline)
        return;
    if (trust_anchors(&trust, &trusted, &pinned, &fresh, options->ca != NULL ? &run->fault : &no_ca) ==
        EXIT_OK) {
        const struct standing_question question = {
            .certificate = certificate,
            .trusted = trusted,
            .desk = desk,
            .tls_ca = options->tls_ca != NULL    ? options->tls_ca
                      : entry->tls_ca[0] != '\0' ? entry->tls_ca
                                                 : NULL,
            .timeout = options->timeout,
        };
        if (standing_ask(&question, answer, &failed) != EXIT_OK && tally->asking.code == EXIT_OK)
            tally->asking = failed;
    }
    sk_X509_pop_free(trusted, X509_free);
    tally->unasked += answer->standing == STANDING_UNASKED && failed.code == EXIT_OK;
}

// What this user has had done, where the CA says nothing.
static void fill_in(const struct record_entry *entry, struct standing_answer *answer)
{
    bool revoked = strcmp(entry->state, "revoked") == 0 || strcmp(entry->state, "replaced") == 0;
    if (answer->standing != STANDING_UNASKED || (!revoked && strcmp(entry->state, "suspended") != 0))
        return;
    answer->standing = revoked ? STANDING_REVOKED : STANDING_SUSPENDED;
    answer->source = "record";
}

static enum state worse(enum state dates, enum standing standing)
{
    static const enum state rows[] = {[STANDING_UNASKED] = VALID,
                                      [STANDING_GOOD] = VALID,
                                      [STANDING_SUSPENDED] = SUSPENDED,
                                      [STANDING_REVOKED] = REVOKED,
                                      [STANDING_UNKNOWN] = UNKNOWN};
    return rows[standing] < dates ? rows[standing] : dates;
}

static void show_one(struct run *run, const struct piv_place *place, X509 *certificate, struct tally *tally,
                     json_t *list)
{
    struct record_entry entry;
    struct standing_answer answer;
    struct journal begun;
    bool known;
    int days = 0;
    char to[32];
    json_t *out = json_object();
    recall(run, certificate, &entry, &known);
    ask_ca(run, certificate, &entry, &answer, tally);
    fill_in(&entry, &answer);
    bool renewing = journal_find_renewal(&begun, issue_token(run), place->number);
    journal_close(&begun);
    enum state state =
        worse(by_dates(certificate, run->options.days_given ? run->options.days : DAYS_DEFAULT, &days),
              answer.standing);
    x509_time_line(to, sizeof to, X509_get0_notAfter(certificate));
    const char *note = renewing                   ? _("a renewal is not finished: ingam renew goes on")
                       : entry.pending[0] != '\0' ? _("the desk's answer was not seen: ask again")
                       : answer.source == NULL    ? _("the CA was not asked")
                                                  : answer.source;
    const char *const fields[] = {place->number, _(states[state].text), to, note, NULL};
    tell_fields(run, fields);
    json_object_set_new(out, "slot", json_string(place->number));
    show_certificate_json(certificate, out);
    json_object_set_new(out, "state", json_string(states[state].word));
    json_object_set_new(out, "days_left", json_integer(state == EXPIRED ? 0 : days));
    json_object_set_new(out, "source", answer.source != NULL ? json_string(answer.source) : json_null());
    if (answer.since[0] != '\0')
        json_object_set_new(out, "since", json_string(answer.since));
    if (answer.reason >= 0)
        json_object_set_new(out, "reason", json_integer(answer.reason));
    if (known)
        json_object_set_new(out, "issuer_url", json_text(entry.issuer));
    if (entry.pending[0] != '\0')
        json_object_set_new(out, "pending", json_text(entry.pending));
    if (renewing)
        json_object_set_new(out, "renewing", json_true());
    json_array_append_new(list, out);
    tally->seen++;
    tally->count[state]++;
}

// The worst of all decides: not valid, then a CA that could not be asked, then an end that is near.
static enum exit_code verdict(struct run *run, const struct tally *tally)
{
    unsigned invalid = 0;
    for (int i = 0; i < STATES; i++)
        invalid += states[i].code == EXIT_MISMATCH ? tally->count[i] : 0;
    if (tally->seen == 0)
        return fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no certificate to check."));
    if (invalid > 0)
        return fault_set(&run->fault, EXIT_MISMATCH, _("Certificates that are not valid now: %u."), invalid);
    if (tally->asking.code != EXIT_OK) {
        run->fault = tally->asking;
        return run->fault.code;
    }
    if (tally->count[EXPIRING] > 0) {
        fault_set(&run->fault, EXIT_EXPIRING, _("Certificates that expire within %u days: %u."),
                  run->options.days_given ? run->options.days : DAYS_DEFAULT, tally->count[EXPIRING]);
        return fault_todo(&run->fault, _("Renew in time: ingam renew SLOT"));
    }
    return EXIT_OK;
}

static enum exit_code status_check(struct run *run)
{
    const struct piv_place *place;
    if (run->options.issuer != NULL && issue_check_issuer(run) != EXIT_OK)
        return run->fault.code;
    if (run->options.slot == NULL && run->options.operands == 0)
        return EXIT_OK;
    return show_place(run, &place);
}

static enum exit_code status_run(struct run *run)
{
    static struct tally tally;
    const struct piv_place *place, *only = run->options.slot != NULL ? place_of(run->options.slot) : NULL;
    json_t *list = json_array();
    answer_text(run, "token", issue_token(run));
    json_object_set_new(run->answer, "certificates", list);
    if (session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    for (CK_BYTE id = 1; (place = place_of_id(id)) != NULL && run->fault.code == EXIT_OK; id++) {
        X509 *certificate = NULL;
        if ((only == NULL || only == place) &&
            object_certificate(&run->session, id, &certificate, &run->fault) == EXIT_OK &&
            certificate != NULL && !issue_is_placeholder(certificate))
            show_one(run, place, certificate, &tally, list);
        X509_free(certificate);
    }
    if (tally.unasked > 0 && !run->options.offline)
        say(run,
            _("Not asked at their CA, because it is not known here: %u. Give it with --ca FILE, and the desk "
              "with "
              "--issuer URL."),
            tally.unasked);
    return run->fault.code != EXIT_OK ? run->fault.code : verdict(run, &tally);
}

extern const struct command cmd_status;

const struct command cmd_status = {
    .noun = "status",
    .operands = "[SLOT]",
    .operands_most = 1,
    .summary = N_("tell whether the certificates are valid, also at their CA"),
    .details = N_("By their dates, and by OCSP or the CRL of their CA. Exit codes: 16 when one expires soon, "
                  "9 when one is\n"
                  "not valid, 13 when a CA could not be asked."),
    .needs = NEED_TOKEN,
    .options = status_rows,
    .check = status_check,
    .run = status_run,
};
