// ingam batch run, ingam batch resume: a certificate for each person of a list, the tokens put in one after
// the other. Journalled: resume goes on where a run ended, whatever ended it.
#include "batch.h"
#include "ask.h"
#include "cmp/client.h"
#include "issue.h"
#include "issue_rows.h"
#include "meet.h"
#include "text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_DEFAULT  600
#define REJECTED_MOST 64

static const struct option_row rows[] = {
    {.name = "slot",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(slot),
     .value = N_("SLOT"),
     .help = N_("where key and certificate go, unless the list says it (9a)")},
    ISSUE_ROW_ISSUER,
    ISSUE_ROW_TLS_CA,
    ISSUE_ROW_KEY_TYPE,
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("give up the keys and certificates that are in the slot; only with --yes")},
    ISSUE_ROW_CA,
    ISSUE_ROW_TIMEOUT,
    {.name = "wait",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(wait),
     .least = 1,
     .most = 86400,
     .value = N_("SECONDS"),
     .help = N_("how long to wait for each token (600 if not said)")},
    {.name = NULL},
};

// What goes through a whole run.
struct work {
    struct batch batch;
    struct options options;           // as given; each person's are made from them
    char rejected[REJECTED_MOST][64]; // tokens that can't be used in this run
    size_t rejections;
    size_t person; // whose turn it is
};

// What a failure means for the batch.
enum verdict {
    GO_ON,      // this person's affair: to the next one
    NEXT_TOKEN, // this token's affair: the same person with another one
    SAME_TOKEN, // it was pulled out: once more when it is back
    STOP,       // it would be the same with everybody
};

static enum verdict judge(enum exit_code code, bool begun)
{
    switch (code) {
    case EXIT_OK:
    case EXIT_REFUSED:
    case EXIT_PENDING:
        return GO_ON;
    case EXIT_TOKEN:
        return SAME_TOKEN;
    case EXIT_MISMATCH:
    case EXIT_UNSUPPORTED:
    case EXIT_BUSY:
    case EXIT_TOUCH:
        return begun ? GO_ON : NEXT_TOKEN;
    default:
        return STOP;
    }
}

static const char *serial_of(const struct token *token)
{
    return token->serial[0] != '\0' ? token->serial : token->label;
}

// Whether another person has it, or it can't be used.
static bool is_taken(const struct work *work, const char *serial)
{
    for (size_t i = 0; i < work->rejections; i++)
        if (strcmp(work->rejected[i], serial) == 0)
            return true;
    for (size_t i = 0; i < work->batch.count; i++)
        if (i != work->person && work->batch.person[i].used[0] != '\0' &&
            strcmp(work->batch.person[i].used, serial) == 0)
            return true;
    return false;
}

// The only token that this person can have. False: none is in, or several.
static bool find_token(struct run *run, const struct work *work, const struct batch_person *person,
                       bool *several)
{
    struct token *tokens;
    size_t count, fitting = 0;
    if (token_all(&run->module, &tokens, &count, &run->fault) != EXIT_OK)
        return false;
    for (size_t i = 0; i < count && run->fault.code == EXIT_OK; i++) {
        const char *serial = serial_of(&tokens[i]);
        bool fits = true;
        if (person->state == BATCH_BEGUN)
            fits = strcmp(person->used, serial) == 0;
        else if (person->token != NULL)
            token_matches(&tokens[i], person->token, &fits, &run->fault);
        if (!fits || serial[0] == '\0' || is_taken(work, serial))
            continue;
        run->token = tokens[i];
        fitting++;
    }
    free(tokens);
    *several = fitting > 1;
    return fitting == 1 && run->fault.code == EXIT_OK;
}

static time_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

// Until something happened at a reader, or a second has passed.
static void wait_for_event(struct run *run)
{
    const struct timespec pause = {0, 50000000};
    CK_SLOT_ID slot;
    for (int i = 0; i < 20; i++) {
        if (run->module.f->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL) == CKR_OK)
            return;
        nanosleep(&pause, NULL);
    }
}

static void say_wanted(const struct run *run, const struct work *work, const struct batch_person *person)
{
    const char *token = person->state == BATCH_BEGUN ? person->used : person->token;
    if (token != NULL)
        say(run, _("[%zu/%zu] %s: put in the token %s."), work->person + 1, work->batch.count, person->name,
            token);
    else
        say(run, _("[%zu/%zu] %s: put in a token."), work->person + 1, work->batch.count, person->name);
}

// Waits for this person's token.
static enum exit_code await(struct run *run, const struct work *work, const struct batch_person *person)
{
    time_t until = seconds() + (time_t)(work->options.wait != 0 ? work->options.wait : WAIT_DEFAULT);
    bool several = false, told = false, told_several = false;
    while (!find_token(run, work, person, &several)) {
        if (run->fault.code != EXIT_OK)
            return run->fault.code;
        if (!told)
            say_wanted(run, work, person);
        if (several && !told_several)
            say(run, "%s", _("Several tokens are in; leave only one."));
        told = true;
        told_several = several;
        if (seconds() >= until) {
            fault_set(&run->fault, EXIT_TOKEN, _("No token was put in for %s."), person->name);
            return fault_todo(&run->fault, _("Go on with: ingam batch resume"));
        }
        wait_for_event(run);
    }
    if (!told)
        say(run, _("[%zu/%zu] %s: token %s"), work->person + 1, work->batch.count, person->name,
            serial_of(&run->token));
    return EXIT_OK;
}

// The certificate in the slot, by its hash; "": none.
static enum exit_code look_before(struct run *run, const struct piv_place *place, char out[65])
{
    X509 *certificate = NULL;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    out[0] = '\0';
    if (object_certificate(&run->session, place->id, &certificate, &run->fault) != EXIT_OK ||
        certificate == NULL || issue_is_placeholder(certificate))
        n = 0;
    else if (X509_digest(certificate, EVP_sha256(), hash, &n) != 1)
        fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    for (unsigned i = 0; i < n && i < 32; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", hash[i]);
    X509_free(certificate);
    return run->fault.code;
}

// How far the token's own journal says that it came.
static enum exit_code step_on(struct run *run, const struct piv_place *place, enum journal_step *step)
{
    struct journal journal;
    if (journal_open(&journal, issue_token(run), place->number, &run->fault) != EXIT_OK)
        return run->fault.code;
    *step = journal.step;
    journal_close(&journal);
    return EXIT_OK;
}

// A run that ended between the end of the issue and our note of it has left a new certificate and no journal.
static enum exit_code was_finished(struct run *run, const struct batch_person *person,
                                   const struct piv_place *place, bool *finished)
{
    enum journal_step step = JOURNAL_NONE;
    char now[65];
    *finished = false;
    if (step_on(run, place, &step) != EXIT_OK || step != JOURNAL_NONE ||
        look_before(run, place, now) != EXIT_OK)
        return run->fault.code;
    *finished = now[0] != '\0' && strcmp(now, person->before) != 0;
    return EXIT_OK;
}

static enum exit_code issue_for(struct run *run, struct work *work, struct batch_person *person)
{
    struct issue *issue = run->work;
    bool finished = false;
    if (session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (person->state == BATCH_BEGUN) {
        if (was_finished(run, person, issue->place, &finished) != EXIT_OK || finished)
            return run->fault.code;
    } else {
        if (look_before(run, issue->place, person->before) != EXIT_OK)
            return run->fault.code;
        snprintf(person->used, sizeof person->used, "%s", serial_of(&run->token));
        person->state = BATCH_BEGUN;
        person->error[0] = '\0';
        if (batch_save(run, &work->batch) != EXIT_OK)
            return run->fault.code;
    }
    return meet_login(run) == EXIT_OK ? cmd_issue.run(run) : run->fault.code;
}

// What this person's command would be.
static enum exit_code prepare(struct run *run, const struct work *work, const struct batch_person *person)
{
    run->options = work->options;
    run->options.reference = person->reference;
    run->options.code_file = person->code_file;
    run->options.subject = person->subject;
    run->options.slot = person->slot != NULL ? person->slot : work->options.slot;
    if (run->options.slot == NULL)
        run->options.slot = "9a";
    if (person->pin_file != NULL)
        run->options.pin_file = person->pin_file;
    run->options.operands = 0;
    run->options.json = true; // what an issue tells on standard output stays in its answer
    return cmd_issue.check(run);
}

static void release(struct run *run)
{
    meet_look_again(run);
    if (run->session.open)
        session_logout(&run->session);
    session_close(&run->session);
    secret_free(run->secrets.pin);
    secret_free(run->secrets.code);
    run->secrets.pin = run->secrets.code = NULL;
}

// Whether the token is as it was before this person's turn.
static bool untouched(struct run *run, const struct issue *issue)
{
    struct fault before = run->fault;
    enum journal_step step = JOURNAL_MAKING;
    fault_clear(&run->fault);
    bool none = issue->place != NULL && step_on(run, issue->place, &step) == EXIT_OK && step == JOURNAL_NONE;
    run->fault = before;
    return none;
}

static void say_fault(const struct run *run, const struct batch_person *person)
{
    say(run, "%s: %s", person->name, run->fault.what);
    if (run->fault.why[0] != '\0')
        say(run, "  %s %s", _("Why:"), run->fault.why);
    if (run->fault.state[0] != '\0')
        say(run, "  %s %s", _("Now:"), run->fault.state);
}

// Notes what became of this person's turn. Nothing is left on a token whose journal is empty: it is free.
static enum verdict settle(struct run *run, struct work *work, struct batch_person *person)
{
    enum exit_code code = run->fault.code;
    bool begun = person->state == BATCH_BEGUN && !untouched(run, run->work);
    enum verdict verdict = judge(code, begun);
    if (code == EXIT_OK) {
        person->state = BATCH_DONE;
        person->error[0] = '\0';
        return verdict;
    }
    say_fault(run, person);
    snprintf(person->error, sizeof person->error, "%s", exit_name(code));
    if (begun)
        return verdict;
    if (verdict == NEXT_TOKEN && work->rejections < REJECTED_MOST)
        snprintf(work->rejected[work->rejections++], sizeof work->rejected[0], "%s", serial_of(&run->token));
    else if (verdict == NEXT_TOKEN)
        verdict = STOP;
    person->state = verdict == GO_ON ? BATCH_FAILED : BATCH_WAITING;
    person->used[0] = person->before[0] = '\0';
    return verdict;
}

// One person's turn with one token.
static enum verdict turn(struct run *run, struct work *work, struct batch_person *person)
{
    json_t *whole = run->answer;
    struct fault noting = {.code = EXIT_OK};
    bool awaited = false;
    run->answer = json_object();
    fault_clear(&run->fault);
    if (prepare(run, work, person) == EXIT_OK && await(run, work, person) == EXIT_OK) {
        awaited = true;
        issue_for(run, work, person);
    }
    release(run);
    const char *number = json_string_value(json_object_get(run->answer, "serial_number"));
    if (number != NULL)
        snprintf(person->serial_number, sizeof person->serial_number, "%s", number);
    json_decref(run->answer);
    run->answer = whole;
    run->options.json = work->options.json;
    if (!awaited)
        return STOP; // no token came
    enum verdict verdict = settle(run, work, person);
    struct fault before = run->fault;
    run->fault = noting;
    if (batch_save(run, &work->batch) != EXIT_OK)
        return STOP;
    run->fault = before;
    return verdict;
}

static void tell_person(struct run *run, const struct batch_person *person, json_t *list)
{
    const char *const fields[] = {person->reference,
                                  person->name,
                                  person->used[0] != '\0' ? person->used : "-",
                                  batch_state_name(person->state),
                                  person->error[0] != '\0' ? person->error : "-",
                                  NULL};
    tell_fields(run, fields);
    json_t *one = json_object();
    json_object_set_new(one, "reference", json_text(person->reference));
    json_object_set_new(one, "name", json_text(person->name));
    json_object_set_new(one, "state", json_string(batch_state_name(person->state)));
    if (person->used[0] != '\0')
        json_object_set_new(one, "token", json_text(person->used));
    if (person->serial_number[0] != '\0')
        json_object_set_new(one, "serial_number", json_text(person->serial_number));
    if (person->error[0] != '\0')
        json_object_set_new(one, "error", json_string(person->error));
    json_array_append_new(list, one);
}

// The whole result, and the fault that says that something is left to do.
static void report(struct run *run, const struct work *work)
{
    const struct batch *batch = &work->batch;
    json_t *list = json_array();
    size_t done = 0;
    for (size_t i = 0; i < batch->count; i++) {
        done += batch->person[i].state == BATCH_DONE;
        tell_person(run, &batch->person[i], list);
    }
    json_object_set_new(run->answer, "people", list);
    json_object_set_new(run->answer, "done", json_integer((json_int_t)done));
    json_object_set_new(run->answer, "total", json_integer((json_int_t)batch->count));
    if (done == batch->count) {
        fault_clear(&run->fault);
        say(run, _("All %zu people have their certificates."), done);
        return;
    }
    if (done == 0 && run->fault.code != EXIT_OK)
        return;
    struct fault last = run->fault;
    fault_clear(&run->fault);
    fault_set(&run->fault, EXIT_PARTLY, _("%zu of %zu people have their certificates."), done, batch->count);
    if (last.code != EXIT_OK)
        fault_why(&run->fault, "%s", last.what);
    fault_todo(&run->fault, _("When what was wrong is put right, go on with: ingam batch resume %s"),
               run->options.operand[0]);
}

static enum exit_code batch_all(struct run *run, struct work *work)
{
    enum verdict verdict = GO_ON;
    struct fault last = {.code = EXIT_OK};
    for (work->person = 0; work->person < work->batch.count && verdict != STOP; work->person++) {
        struct batch_person *person = &work->batch.person[work->person];
        if (person->state == BATCH_DONE)
            continue;
        do
            verdict = turn(run, work, person);
        while (verdict == NEXT_TOKEN || verdict == SAME_TOKEN);
        if (run->fault.code != EXIT_OK)
            last = run->fault;
    }
    run->options = work->options;
    run->fault = last;
    report(run, work);
    return run->fault.code;
}

static enum exit_code batch_check(struct run *run)
{
    static struct work work;
    struct options *options = &run->options;
    work.batch.lock = -1;
    run->work = &work;
    if (options->operands == 0) {
        fault_set(&run->fault, EXIT_USAGE, _("Say which list."));
        return fault_todo(&run->fault, _("Write: ingam batch run FILE --issuer URL"));
    }
    if (getenv("INGAM_PIN") != NULL)
        return fault_set(&run->fault, EXIT_USAGE,
                         _("INGAM_PIN is for one token: give --pin-file, or pin_file in the list."));
    if (options->replace && !options->yes)
        return fault_set(&run->fault, EXIT_USAGE, _("--replace goes with --yes here."));
    if (batch_read(run, options->operand[0], &work.batch) == EXIT_OK)
        issue_check_issuer(run);
    return run->fault.code;
}

// The kept state decides which of the two commands may go on.
static enum exit_code batch_begin(struct run *run, bool resume)
{
    struct work *work = run->work;
    work->options = run->options;
    run->needs = cmd_issue.needs;
    if (batch_open(run, run->options.operand[0], &work->batch) == EXIT_OK) {
        if (!resume && work->batch.found) {
            fault_set(&run->fault, EXIT_MISMATCH, _("A run of this list was not finished."));
            fault_todo(&run->fault, _("Go on with: ingam batch resume %s"), run->options.operand[0]);
        } else if (resume && !work->batch.found) {
            fault_set(&run->fault, EXIT_NOT_FOUND, _("No unfinished run of this list is known."));
            fault_todo(&run->fault, _("Begin with: ingam batch run %s"), run->options.operand[0]);
        } else {
            batch_all(run, work);
        }
    }
    batch_close(&work->batch);
    return run->fault.code;
}

static enum exit_code batch_run(struct run *run)
{
    return batch_begin(run, false);
}

static enum exit_code batch_resume(struct run *run)
{
    return batch_begin(run, true);
}

extern const struct command cmd_batch_run, cmd_batch_resume;

const struct command cmd_batch_run = {
    .noun = "batch",
    .verb = "run",
    .operands = "FILE",
    .operands_most = 1,
    .summary = N_("get certificates for a list of people, the tokens put in one after the other"),
    .details = N_(
        "The list is CSV with a heading, or JSON: name, reference, code_file and, if wanted, subject, slot,\n"
        "token, pin_file. If it is interrupted: ingam batch resume."),
    .needs = NEED_MODULE | NEED_ISSUER | NEED_PIN_ASKED | NEED_ADMIN_ASKED,
    .options = rows,
    .check = batch_check,
    .run = batch_run,
};

const struct command cmd_batch_resume = {
    .noun = "batch",
    .verb = "resume",
    .operands = "FILE",
    .operands_most = 1,
    .summary = N_("go on with a list that was interrupted or done in part"),
    .needs = NEED_MODULE | NEED_ISSUER | NEED_PIN_ASKED | NEED_ADMIN_ASKED,
    .options = rows,
    .check = batch_check,
    .run = batch_resume,
};
