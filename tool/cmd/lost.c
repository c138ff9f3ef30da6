// ingam token lost: every certificate that is known of a token which is gone, revoked.
#include "ask.h"
#include "change.h"
#include "issue.h"
#include "issue_rows.h"
#include "record.h"
#include "text.h"
#include "x509/name.h"

#include <string.h>

#define LOST_MOST 256
#define REASON    1 // keyCompromise: somebody else may have the token

struct lost {
    struct change change;
    struct record_entry entries[LOST_MOST];
    size_t count;
};

static const struct option_row lost_rows[] = {
    {.name = "signer",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(signer),
     .value = N_("SLOT"),
     .help = N_("sign with the key in SLOT of another token, of a valid certificate of the same person")},
    ISSUE_ROW_REFERENCE,
    ISSUE_ROW_CODE_FILE,
    ISSUE_ROW_ISSUER,
    ISSUE_ROW_TLS_CA,
    ISSUE_ROW_CA,
    ISSUE_ROW_TIMEOUT,
    {.name = NULL},
};

static enum exit_code lost_check(struct run *run)
{
    static struct lost lost;
    struct options *options = &run->options;
    struct change *change = &lost.change;
    run->work = &lost;
    *change = (struct change){.run = run, .deed = &change_revoke, .reason = REASON};
    if (options->operands == 0) {
        fault_set(&run->fault, EXIT_USAGE, _("Which token?"));
        return fault_todo(&run->fault,
                          _("Write: ingam token lost SERIAL. The files issued-SERIAL.json in %s tell which "
                            "tokens are known."),
                          "~/.local/state/ingam");
    }
    snprintf(change->token, sizeof change->token, "%s", options->operand[0]);
    if ((options->signer == NULL) == (options->reference == NULL)) {
        fault_set(&run->fault, EXIT_USAGE, _("Who asks for it?"));
        return fault_todo(
            &run->fault,
            _("Apply at the desk and give --reference and --code-file; or have it signed by another valid "
              "certificate of the same person, with --signer SLOT."));
    }
    run->needs &= ~(unsigned)NEED_ISSUER;
    if (options->issuer != NULL && issue_check_issuer(run) != EXIT_OK)
        return run->fault.code;
    change->by_key = options->signer != NULL;
    if (!change->by_key) {
        run->needs &= ~(unsigned)(NEED_PIN | NEED_TOKEN);
        return issue_check_code(run);
    }
    change->signer = place_of(options->signer);
    if (change->signer == NULL)
        return fault_set(&run->fault, EXIT_USAGE, _("There is no slot \"%s\"."), options->signer);
    return EXIT_OK;
}

static bool stands(const struct record_entry *entry)
{
    return strcmp(entry->state, "revoked") != 0 && strcmp(entry->state, "replaced") != 0 &&
           X509_cmp_current_time(X509_get0_notAfter(entry->certificate)) > 0;
}

// What of the token still stands, as far as is known.
static enum exit_code find_all(struct lost *lost)
{
    struct run *run = lost->change.run;
    struct record record;
    if (record_open(&record, lost->change.token, &run->fault) == EXIT_OK) {
        for (size_t i = 0; i < record_count(&record) && lost->count < LOST_MOST; i++) {
            if (!record_get(&record, i, &lost->entries[lost->count]))
                continue;
            if (stands(&lost->entries[lost->count]))
                lost->count++;
            else
                X509_free(lost->entries[lost->count].certificate);
        }
    }
    record_close(&record);
    if (run->fault.code == EXIT_OK && lost->count == 0) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("No certificate that still stands is known of token %s."),
                  lost->change.token);
        return fault_todo(&run->fault, _("Ask the desk which certificates you have, and revoke each: "
                                         "ingam revoke --number HEX --reference NUMBER"));
    }
    if (run->fault.code == EXIT_OK && lost->count > 1 && !lost->change.by_key) {
        fault_set(&run->fault, EXIT_USAGE, _("%zu certificates stand on that token, and a code is for one."),
                  lost->count);
        fault_todo(&run->fault,
                   _("Revoke each with a code of its own: ingam revoke --number HEX --reference NUMBER"));
    }
    return run->fault.code;
}

static void name_all(const struct lost *lost, const struct run *run)
{
    char serial[128], name[512];
    for (size_t i = 0; i < lost->count; i++) {
        const struct record_entry *entry = &lost->entries[i];
        x509_serial_line(serial, sizeof serial, entry->certificate);
        x509_name_line(name, sizeof name, X509_get_subject_name(entry->certificate));
        say(run, "  %s  %s  %s", entry->slot, serial, name);
    }
}

// One certificate; what failed is said, and the next one's turn comes.
static bool revoke_one(struct lost *lost, const struct record_entry *entry, json_t *list)
{
    struct change *change = &lost->change;
    struct run *run = change->run;
    json_t *out = json_object();
    change->certificate = entry->certificate;
    x509_serial_line(change->serial, sizeof change->serial, entry->certificate);
    if (desk_find(run, change->token, entry->certificate, entry->issuer, &change->desk) == EXIT_OK)
        change_send(change);
    bool done = run->fault.code == EXIT_OK;
    const char *state = done ? _("revoked") : run->fault.what;
    const char *const fields[] = {entry->slot, change->serial, state, NULL};
    tell_fields(run, fields);
    json_object_set_new(out, "slot", json_string(entry->slot));
    json_object_set_new(out, "serial_number", json_text(change->serial));
    json_object_set_new(out, "state", json_string(done ? "revoked" : entry->state));
    if (!done)
        json_object_set_new(out, "error", json_string(exit_name(run->fault.code)));
    json_array_append_new(list, out);
    return done;
}

static enum exit_code lost_run(struct run *run)
{
    struct lost *lost = run->work;
    struct change *change = &lost->change;
    struct fault first = {.code = EXIT_OK};
    char what[FAULT_TEXT];
    size_t done = 0;
    json_t *list = json_array();
    json_object_set_new(run->answer, "certificates", list);
    answer_text(run, "token", change->token);
    // Its key would revoke its own certificate first.
    if (change->by_key && strcmp(issue_token(run), change->token) == 0) {
        fault_set(&run->fault, EXIT_USAGE, _("Token %s is here, so it is not lost."), change->token);
        return fault_todo(&run->fault, _("Revoke one certificate after the other: ingam revoke SLOT"));
    }
    if (find_all(lost) != EXIT_OK)
        return run->fault.code;
    name_all(lost, run);
    snprintf(what, sizeof what, _("These certificates of token %s will be revoked, for ever."),
             change->token);
    if (ask_destroy(run, what, change->token) != EXIT_OK)
        return run->fault.code;
    for (size_t i = 0; i < lost->count; i++) {
        done += revoke_one(lost, &lost->entries[i], list);
        if (first.code == EXIT_OK)
            first = run->fault;
        fault_clear(&run->fault);
        X509_free(lost->entries[i].certificate);
    }
    change->certificate = NULL;
    change_free(change);
    run->fault = first;
    if (first.code != EXIT_OK && done > 0) {
        run->fault.code = EXIT_PARTLY;
        fault_state(&run->fault,
                    _("%zu of %zu certificates are revoked; the same command goes on with the others."), done,
                    lost->count);
    }
    return run->fault.code;
}

extern const struct command cmd_token_lost;

const struct command cmd_token_lost = {
    .noun = "token",
    .verb = "lost",
    .operands = "SERIAL",
    .operands_most = 1,
    .summary = N_("revoke everything on a token that is gone"),
    .details =
        N_("What was issued onto it is known from this user's record. Another valid certificate of the same\n"
           "person signs for it (--signer, on another token), or a code of the desk, which is for one "
           "certificate."),
    .needs = NEED_TOKEN | NEED_PIN | NEED_ISSUER,
    .options = lost_rows,
    .check = lost_check,
    .run = lost_run,
};
