// Walks the steps: shows each, finds or asks the answers, sends them, and says what was refused.
#include "apply/wizard.h"
#include "apply/answer.h"
#include "ask.h"
#include "text.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEPS_MOST 64  // a centre that leads in circles
#define WAITS_MOST 120 // two seconds each

// The words of the API's refusals; what is not here was refused by a rule.
static const struct {
    const char *code;
    enum exit_code exit;
} refusals[] = {
    {"identity-wrong", EXIT_PIN},      {"factor-wrong", EXIT_PIN},         {"identity-locked", EXIT_BLOCKED},
    {"factor-locked", EXIT_BLOCKED},   {"check-too-often", EXIT_BLOCKED},  {"field-missing", EXIT_USAGE},
    {"field-wrong", EXIT_USAGE},       {"choice-wrong", EXIT_USAGE},       {"not-confirmed", EXIT_USAGE},
    {"terms-not-agreed", EXIT_USAGE},  {"too-many-requests", EXIT_BUSY},   {"desk-busy", EXIT_BUSY},
    {"desk-failed", EXIT_UNREACHABLE}, {"check-broken", EXIT_UNREACHABLE}, {"not-found", EXIT_UNREACHABLE},
    {"factor-none", EXIT_NOT_FOUND},
};

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

// jansson frees what it held of numbers and codes: wiped before.
static void free_wiped(void *p)
{
    if (p != NULL)
        secret_wipe(p, malloc_usable_size(p));
    free(p);
}

static void show_step(const struct run *run, json_t *step)
{
    json_t *fact;
    size_t i;
    say(run, "%s", "");
    say(run, "== %s ==", text_of(step, "title"));
    if (text_of(step, "text")[0] != '\0')
        say(run, "%s", text_of(step, "text"));
    json_array_foreach(json_object_get(step, "facts"), i,
                       fact) if (strcmp(text_of(fact, "name"), "code") != 0)
        say(run, "  %s: %s", text_of(fact, "label"), text_of(fact, "value"));
    // What the last one notes is about the code, which is nobody's to type here.
    if (text_of(step, "note")[0] != '\0' && !json_is_true(json_object_get(step, "end")))
        say(run, "%s", text_of(step, "note"));
}

static enum exit_code refused(struct run *run, json_t *error)
{
    enum exit_code code = EXIT_REFUSED;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (strcmp(refusals[i].code, text_of(error, "code")) == 0)
            code = refusals[i].exit;
    fault_set(&run->fault, code, "%s", text_of(error, "text"));
    fault_why(&run->fault, _("the certificate centre refused it (%s)"), text_of(error, "code"));
    if (text_of(error, "todo")[0] != '\0')
        fault_todo(&run->fault, "%s", text_of(error, "todo"));
    return code;
}

// The next step, wherever it stands; NULL after a fault.
static json_t *ask_step(struct run *run, struct centre *centre, const char *method, const char *path,
                        json_t *body, json_t **error)
{
    json_t *answer = NULL;
    *error = NULL;
    if (centre_ask(run, centre, method, path, body, &answer) != EXIT_OK)
        return NULL;
    json_t *step = json_incref(json_object_get(answer, "step"));
    *error = json_incref(json_object_get(answer, "error"));
    json_decref(answer);
    if (*error == NULL && !json_is_object(step)) {
        json_decref(step);
        fault_set(&run->fault, EXIT_UNREACHABLE, _("The certificate centre at %s does not answer."),
                  centre->url);
        fault_why(&run->fault, _("something else is there"));
        return NULL;
    }
    return step;
}

static json_t *current_step(struct run *run, struct centre *centre)
{
    json_t *error = NULL, *step = ask_step(run, centre, "GET", "/step", NULL, &error);
    if (error != NULL)
        refused(run, error);
    json_decref(error);
    return step;
}

static json_t *first_step(struct run *run, struct centre *centre,
                          enum exit_code (*kept)(struct run *run, const struct centre *centre))
{
    json_t *error = NULL, *step;
    if (centre->session[0] != '\0') {
        step = ask_step(run, centre, "GET", "/step", NULL, &error);
        if (error == NULL && step != NULL)
            say(run, "%s", _("Going on with the application that was interrupted."));
        if (error == NULL)
            return step;
        json_decref(error); // that session has ended
        json_decref(step);
        centre->session[0] = '\0';
    }
    json_t *body = json_pack("{s:s}", "flow", "apply");
    step = ask_step(run, centre, "POST", "/sessions", body, &error);
    json_decref(body);
    if (error != NULL)
        refused(run, error);
    else if (step != NULL && kept != NULL)
        kept(run, centre);
    json_decref(error);
    if (run->fault.code == EXIT_OK)
        return step;
    json_decref(step);
    return NULL;
}

// While the desk calls the person.
static json_t *wait_on(struct run *run, struct centre *centre, json_t *step)
{
    for (int i = 0; i < WAITS_MOST && step != NULL; i++) {
        json_int_t seconds = json_integer_value(json_object_get(step, "wait"));
        if (seconds <= 0)
            return step;
        const struct timespec pause = {seconds < 10 ? (time_t)seconds : 10, 0};
        nanosleep(&pause, NULL);
        json_decref(step);
        step = current_step(run, centre);
    }
    if (step == NULL)
        return NULL;
    json_decref(step);
    fault_set(&run->fault, EXIT_UNREACHABLE, _("The certificate centre took too long."));
    return NULL;
}

// A refusal of something that was asked for is said, and asked again; otherwise it is the end.
static enum exit_code retry(struct run *run, json_t *error, bool asked)
{
    refused(run, error);
    if (!asked || !ask_possible() || text_of(error, "field")[0] == '\0')
        return run->fault.code;
    say(run, "%s", run->fault.what);
    if (run->fault.todo[0] != '\0')
        say(run, "%s", run->fault.todo);
    fault_clear(&run->fault);
    return EXIT_OK;
}

// Answers one step. The step that follows; NULL after a fault. An answer of the centre that was lost is
// fetched again: the step tells whether the post arrived.
static json_t *answer_step(struct run *run, struct centre *centre, struct answers *answers, json_t *step)
{
    bool asked = false;
    json_t *values = NULL, *error = NULL;
    if (answer_fields(run, answers, step, &values, &asked) != EXIT_OK) {
        json_decref(values);
        return NULL;
    }
    json_t *body = json_pack("{s:s, s:o}", "step", text_of(step, "name"), "values", values);
    json_t *next = ask_step(run, centre, "POST", "/step", body, &error);
    json_decref(body);
    if (next == NULL && error == NULL && run->fault.code == EXIT_UNREACHABLE) {
        fault_clear(&run->fault);
        return current_step(run, centre);
    }
    if (error == NULL) {
        // The next medium, if one is wanted, proves something else.
        if (next != NULL &&
            (strcmp(text_of(step, "name"), "answer") == 0 || strcmp(text_of(step, "name"), "sign") == 0)) {
            answers->proofs++;
            answers->failed[0] = answers->medium[0] = '\0';
        }
        return next;
    }
    json_decref(next);
    retry(run, error, asked);
    json_decref(error);
    return run->fault.code == EXIT_OK ? current_step(run, centre) : NULL;
}

static enum exit_code take_end(struct run *run, json_t *step, struct applied *applied)
{
    json_t *fact;
    size_t i;
    const struct {
        const char *name;
        char *out;
        size_t size;
    } rows[] = {
        {"reference", applied->reference, sizeof applied->reference},
        {"issuer", applied->issuer, sizeof applied->issuer},
        {"expires", applied->expires, sizeof applied->expires},
        {"subject", applied->subject, sizeof applied->subject},
    };
    json_array_foreach(json_object_get(step, "facts"), i, fact)
    {
        const char *name = text_of(fact, "name"), *value = text_of(fact, "value");
        if (strcmp(name, "code") == 0 && applied->code == NULL)
            applied->code = secret_new(value, strlen(value));
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            if (strcmp(rows[r].name, name) == 0 && strlen(value) < rows[r].size)
                memcpy(rows[r].out, value, strlen(value) + 1);
    }
    if (applied->reference[0] != '\0' && secret_view(applied->code).n > 0)
        return EXIT_OK;
    return fault_set(&run->fault, EXIT_REFUSED,
                     _("The certificate centre ended without a reference number and code."));
}

// Whoever comes next is not to go on with what this person has proved.
static void leave(struct run *run, struct centre *centre)
{
    struct fault before = run->fault;
    json_t *answer = NULL;
    fault_clear(&run->fault);
    if (centre->session[0] != '\0' && centre_ask(run, centre, "DELETE", "/session", NULL, &answer) == EXIT_OK)
        json_decref(answer);
    centre->session[0] = '\0';
    run->fault = before;
}

enum exit_code wizard_run(struct run *run, struct centre *centre,
                          enum exit_code (*kept)(struct run *run, const struct centre *centre),
                          struct applied *applied)
{
    struct answers answers = {0};
    *applied = (struct applied){.code = NULL};
    json_set_alloc_funcs(malloc, free_wiped);
    json_t *step = first_step(run, centre, kept);
    for (int i = 0; step != NULL && !json_is_true(json_object_get(step, "end")); i++) {
        json_t *next = NULL;
        show_step(run, step);
        if (i == STEPS_MOST)
            fault_set(&run->fault, EXIT_REFUSED, _("The certificate centre leads in circles."));
        else if (json_integer_value(json_object_get(step, "wait")) > 0)
            next = wait_on(run, centre, json_incref(step));
        else
            next = answer_step(run, centre, &answers, step);
        json_decref(step);
        step = next;
    }
    if (step != NULL) {
        show_step(run, step);
        take_end(run, step, applied);
    }
    json_decref(step);
    if (run->fault.code != EXIT_OK && run->fault.code != EXIT_UNREACHABLE)
        leave(run, centre);
    return run->fault.code;
}
