// Moves visitors through the steps: what a step asks is checked here by its rows, the same for pages and
// programs.
#include "web_flow.h"

#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SETTLES 6 // steps that may go on by themselves, one after the other

const struct flow flows[] = {
    {"apply", "/apply", N_("Apply for a certificate"), false, true, NULL, steps_apply},
    {"find-id", "/find-id", N_("Find my ID"), false, true, NULL, steps_find},
    {"login", "/login", N_("Log in"), false, true, "/my", steps_login},
    {"change", "/change", N_("Suspend, resume or revoke a certificate"), true, false, NULL, steps_change},
    {"mobile-otp", "/mobile-otp", N_("Mobile OTP"), false, true, NULL, steps_otp},
    {"register", "/register", N_("Register another institution's certificate"), true, false, NULL,
     steps_register},
    {"unregister", "/unregister", N_("End a registration"), true, false, NULL, steps_unregister},
    {NULL, NULL, NULL, false, false, NULL, NULL},
};

const struct flow *flow_find(const char *name)
{
    for (const struct flow *flow = flows; flow->name != NULL; flow++) {
        if (strcmp(flow->name, name) == 0)
            return flow;
    }
    return NULL;
}

const struct step *flow_step(const struct journey *journey)
{
    return journey->flow->steps[journey->step];
}

size_t flow_length(const struct flow *flow)
{
    size_t length = 0;
    while (flow->steps[length] != NULL)
        length++;
    return length;
}

bool flow_ended(const struct journey *journey)
{
    return journey->flow != NULL && journey->step + 1 == flow_length(journey->flow);
}

bool visit_refuse(struct visit *visit, enum web_error error, const char *field)
{
    if (visit->error == WEB_NONE) {
        visit->error = error;
        visit->field = field;
    }
    return false;
}

bool visit_fail(struct visit *visit, const struct fail *fail, const char *field)
{
    static const enum web_error errors[] = {
        [FAIL_PASSPHRASE] = WEB_FACTOR_WRONG,
        [FAIL_LOCKED] = WEB_FACTOR_LOCKED,
        [FAIL_BUSY] = WEB_FULL,
        [FAIL_REFUSED] = WEB_REFUSED,
        [FAIL_NOT_FOUND] = WEB_REFUSED,
        [FAIL_PENDING] = WEB_REFUSED,
        [FAIL_USAGE] = WEB_WRONG,
    };
    enum web_error error = fail->code < sizeof errors / sizeof errors[0] ? errors[fail->code] : WEB_NONE;
    if (error == WEB_NONE)
        error = WEB_FAILED;
    // The words of a failure inside are for the operator.
    if (error == WEB_FAILED)
        fprintf(stderr, "pages: %s\n", fail->text);
    else if (visit->error == WEB_NONE && error != WEB_FACTOR_WRONG && error != WEB_FACTOR_LOCKED)
        snprintf(visit->text, sizeof visit->text, "%s", fail->text);
    return visit_refuse(visit, error, field);
}

void visit_go(struct visit *visit, const struct step *step)
{
    for (size_t i = 0; visit->journey->flow->steps[i] != NULL; i++) {
        if (visit->journey->flow->steps[i] == step)
            visit->journey->step = i;
    }
}

void view_fact(struct view *view, const char *name, const char *label, const char *format, ...)
{
    va_list args;
    if (view->facts == FLOW_FACTS)
        return;
    view->fact[view->facts].name = name;
    view->fact[view->facts].label = label;
    va_start(args, format);
    vsnprintf(view->fact[view->facts].value, sizeof view->fact[0].value, format, args);
    va_end(args);
    view->facts++;
}

void view_choice(struct view *view, const char *field, const char *value, const char *label, const char *note)
{
    if (view->choices == FLOW_CHOICES)
        return;
    view->choice[view->choices].field = field;
    snprintf(view->choice[view->choices].value, sizeof view->choice[0].value, "%s", value);
    snprintf(view->choice[view->choices].label, sizeof view->choice[0].label, "%s", label);
    snprintf(view->choice[view->choices].note, sizeof view->choice[0].note, "%s", note != NULL ? note : "");
    view->choices++;
}

// What an application or an earlier flow left behind is forgotten; a flow for members keeps who is logged in.
bool flow_begin(struct visit *visit, const struct flow *flow)
{
    struct fail fail = {0};
    explicit_bzero(visit->journey, sizeof *visit->journey);
    if (flow->leaves && visit->session->customer[0] != 0) {
        explicit_bzero(visit->session->customer, sizeof visit->session->customer);
        visit->rotate = true;
    }
    if (flow->member && visit->session->customer[0] == 0)
        return visit_refuse(visit, WEB_LOGIN, NULL);
    visit->journey->flow = flow;
    return !flow->member ||
           customer_get(visit->web->desk, visit->session->customer, &visit->journey->customer, &fail) ||
           visit_fail(visit, &fail, NULL);
}

static bool settle(struct visit *visit)
{
    bool good = true;
    for (int i = 0; i < SETTLES && good; i++) {
        size_t before = visit->journey->step;
        const struct step *step = flow_step(visit->journey);
        good = step->settle == NULL || step->settle(visit);
        if (visit->journey->step == before)
            break;
    }
    return good;
}

bool flow_show(struct visit *visit, struct view *view)
{
    memset(view, 0, sizeof *view);
    if (!settle(visit))
        return false;
    const struct step *step = flow_step(visit->journey);
    return step->show == NULL || step->show(visit, view);
}

static bool is_line(const char *text)
{
    return strpbrk(text, "\r\n\t") == NULL;
}

static bool offered(const struct view *view, const char *field, const char *value)
{
    for (size_t i = 0; i < view->choices; i++) {
        if (strcmp(view->choice[i].field, field) == 0 && strcmp(view->choice[i].value, value) == 0)
            return true;
    }
    return false;
}

static enum web_error check_field(const struct field *field, const struct view *view, const char *value)
{
    bool empty = value == NULL || value[0] == 0;
    switch (field->kind) {
    case FIELD_AGREE:
        return !empty && strcmp(value, "yes") == 0   ? WEB_NONE
               : strcmp(field->name, "confirm") == 0 ? WEB_NOT_CONFIRMED
                                                     : WEB_NOT_AGREED;
    case FIELD_CHOICE:
        return empty && field->optional                      ? WEB_NONE
               : !empty && offered(view, field->name, value) ? WEB_NONE
                                                             : WEB_CHOICE;
    case FIELD_TEXT:
    case FIELD_SECRET:
    case FIELD_LONG:
        break;
    }
    if (empty)
        return field->optional ? WEB_NONE : WEB_MISSING;
    return strlen(value) > field->most || (field->kind != FIELD_LONG && !is_line(value)) ? WEB_WRONG
                                                                                         : WEB_NONE;
}

bool flow_take(struct visit *visit, const struct form *form)
{
    struct view view;
    const char *name = form_get(form, "step");
    if (visit->journey->flow == NULL)
        return visit_refuse(visit, WEB_SESSION, NULL);
    if (!flow_show(visit, &view))
        return false;
    const struct step *step = flow_step(visit->journey);
    if (name == NULL || strcmp(name, step->name) != 0 || step->take == NULL)
        return visit_refuse(visit, WEB_STEP, NULL);
    for (size_t i = 0; i < FLOW_FIELDS && step->fields[i].name != NULL; i++) {
        enum web_error error = check_field(&step->fields[i], &view, form_get(form, step->fields[i].name));
        if (error != WEB_NONE)
            return visit_refuse(visit, error, step->fields[i].name);
    }
    size_t before = visit->journey->step;
    if (!step->take(visit, form))
        return false;
    if (visit->journey->step == before)
        visit->journey->step++;
    return true;
}
