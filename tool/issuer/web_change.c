// The short flows: finding one's ID, logging in, and suspending, resuming or revoking a certificate.
#include "web_flow.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

// --- find my ID: name and number, then a check, because an ID is told to its owner only

static bool take_who(struct visit *visit, const struct form *form)
{
    static const char *const kinds[] = {"individual", "proprietor", "corporation"};
    struct web_limits *limits = &visit->web->limits;
    const char *name = form_get(form, "name");
    struct secret number = {0};
    bool found = false;
    if (limit_over(limits, LIMIT_WRONG, name) || limit_over(limits, LIMIT_STRAYS, visit->address))
        return visit_refuse(visit, WEB_IDENTITY_LOCKED, NULL);
    snprintf(number.bytes, sizeof number.bytes, "%s", form_get(form, "number"));
    number.length = strlen(number.bytes);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !found; i++) {
        struct fail fail = {0};
        found = customer_find(visit->web->desk, kinds[i], name, &number, &visit->journey->customer, &fail);
    }
    secret_wipe(&number);
    if (found)
        return true;
    limit_take(limits, LIMIT_WRONG, name);
    limit_take(limits, LIMIT_STRAYS, visit->address);
    return visit_refuse(visit, WEB_IDENTITY, "name");
}

static const struct step step_who = {
    .name = "who",
    .title = N_("Who you are"),
    .text = N_("Type your name as your identity card has it, and your number. Then we call you."),
    .fields =
        {{.name = "name", .label = N_("Name"), .kind = FIELD_TEXT, .most = REGISTRY_NAME, .complete = "name"},
         {.name = "number",
          .label = N_("Resident or business number"),
          .hint = N_("13 or 10 digits, with or without dashes. It is not shown while you type."),
          .kind = FIELD_SECRET,
          .most = 20,
          .complete = "off",
          .mode = "numeric"}},
    .take = take_who,
};

static bool show_found(struct visit *visit, struct view *view)
{
    view_fact(view, "customer", _("User ID"), "%s", visit->journey->customer.id);
    return true;
}

static const struct step step_found = {
    .name = "found",
    .title = N_("This is your user ID"),
    .text = N_("Keep it for the next time."),
    .show = show_found,
};

const struct step *const steps_find[] = {&step_who,      &step_check, &step_code,
                                         &step_checking, &step_found, NULL};

// --- logging in

static bool settle_in(struct visit *visit)
{
    const struct act_customer *customer = &visit->journey->customer;
    if (visit->session->customer[0] != 0)
        return true;
    snprintf(visit->session->customer, sizeof visit->session->customer, "%s", customer->id);
    snprintf(visit->session->name, sizeof visit->session->name, "%s", customer->name);
    visit->rotate = true;
    return true;
}

static const struct step step_in = {
    .name = "in",
    .title = N_("You are logged in"),
    .settle = settle_in,
};

const struct step *const steps_login[] = {&step_identity, &step_factor, &step_answer,
                                          &step_sign,     &step_in,     NULL};

// --- what is done to a certificate

// Which state a certificate must be in.
static const struct {
    const char *kind, *status;
} actions[] = {{"suspend", "valid"}, {"resume", "suspended"}, {"revoke", "valid"}, {"revoke", "suspended"}};

#define ACTIONS (sizeof actions / sizeof actions[0])

static const struct {
    const char *word, *text;
} reasons[] = {
    {"unspecified", N_("other")},
    {"keyCompromise", N_("token lost or stolen, or PIN known to somebody")},
    {"superseded", N_("I have a newer one")},
    {"cessationOfOperation", N_("I do not use it any more")},
};

static bool load(struct visit *visit, struct act_certificate *rows, size_t *count)
{
    struct fail fail = {0};
    return customer_certificates(visit->web->desk, visit->session->customer, rows, FLOW_CHOICES, count,
                                 &fail) ||
           visit_fail(visit, &fail, NULL);
}

static bool show_choose(struct visit *visit, struct view *view)
{
    struct act_certificate rows[FLOW_CHOICES];
    size_t count = 0;
    char until[DESK_TIME];
    char note[200];
    if (!load(visit, rows, &count))
        return false;
    for (size_t i = 0; i < count && view->choices < FLOW_CHOICES / 2; i++) {
        if (strcmp(rows[i].status, "valid") != 0 && strcmp(rows[i].status, "suspended") != 0)
            continue;
        say_date(rows[i].not_after, until);
        snprintf(note, sizeof note, _("%s, valid until %s, number %s"), say_status(rows[i].status), until,
                 rows[i].serial);
        view_choice(view, "serial", rows[i].serial, say_class_name(rows[i].class_name), note);
    }
    if (view->choices == 0)
        return visit_refuse(visit, WEB_PURPOSE, NULL);
    view_choice(view, "kind", "suspend", say_kind("suspend"), _("it cannot be used until it is resumed"));
    view_choice(view, "kind", "resume", say_kind("resume"), _("a suspended one can be used again"));
    view_choice(view, "kind", "revoke", say_kind("revoke"), _("for ever"));
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        view_choice(view, "reason", reasons[i].word, _(reasons[i].text), NULL);
    return true;
}

static bool take_choose(struct visit *visit, const struct form *form)
{
    struct act_certificate rows[FLOW_CHOICES];
    size_t count = 0;
    struct journey *journey = visit->journey;
    const char *kind = form_get(form, "kind");
    const char *reason = form_get(form, "reason");
    bool possible = false;
    if (!load(visit, rows, &count))
        return false;
    snprintf(journey->serial, sizeof journey->serial, "%s", form_get(form, "serial"));
    snprintf(journey->kind, sizeof journey->kind, "%s", kind);
    snprintf(journey->reason, sizeof journey->reason, "%s", reason != NULL ? reason : "");
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < ACTIONS && strcmp(rows[i].serial, journey->serial) == 0; k++) {
            if (strcmp(actions[k].kind, kind) == 0 && strcmp(actions[k].status, rows[i].status) == 0)
                possible = true;
        }
    }
    return possible || visit_refuse(visit, WEB_PURPOSE, "kind");
}

static const struct step step_choose = {
    .name = "choose",
    .title = N_("Which certificate, and what is to be done"),
    .text = N_("A suspended certificate can be resumed; a revoked one is useless for ever, everywhere."),
    .fields =
        {{.name = "serial", .label = N_("Certificate"), .kind = FIELD_CHOICE},
         {.name = "kind", .label = N_("What is to be done"), .kind = FIELD_CHOICE},
         {.name = "reason", .label = N_("Why (for a revocation)"), .kind = FIELD_CHOICE, .optional = true}},
    .show = show_choose,
    .take = take_choose,
};

static bool show_action(struct visit *visit, struct view *view)
{
    view_fact(view, "serial", _("Number of the certificate"), "%s", visit->journey->serial);
    view_fact(view, "kind", _("What is to be done"), "%s", say_kind(visit->journey->kind));
    return true;
}

static bool take_action(struct visit *visit, const struct form *form)
{
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    (void)form;
    if (!journey->identity || !journey->factor)
        return visit_refuse(visit, WEB_UNPROVED, NULL);
    bool revoke = strcmp(journey->kind, "revoke") == 0;
    if (certificate_change(visit->web->desk, visit->session->customer, journey->serial, journey->kind,
                           revoke && journey->reason[0] != 0 ? journey->reason : NULL, &fail))
        return true;
    if (fail.code == FAIL_PASSPHRASE)
        return visit_refuse(visit, WEB_UNPROVED, NULL);
    return visit_fail(visit, &fail, NULL);
}

static const struct step step_confirm = {
    .name = "confirm",
    .title = N_("Confirm"),
    .text = N_("Please check once more. With the next button it is done."),
    .submit = N_("Do it"),
    .fields = {{.name = "confirm", .label = N_("I want this to be done"), .kind = FIELD_AGREE}},
    .show = show_action,
    .take = take_action,
};

static const struct step step_changed = {
    .name = "changed",
    .title = N_("It is done"),
    .text = N_("The certificate's new state holds from now on, here and wherever certificates are checked."),
    .show = show_action,
};

const struct step *const steps_change[] = {&step_choose,  &step_check,  &step_code, &step_checking,
                                           &step_factor,  &step_answer, &step_sign, &step_confirm,
                                           &step_changed, NULL};

// --- a mobile OTP, for who has no security medium

// The account's password is asked of who has one.
static bool settle_password(struct visit *visit)
{
    struct act_factor rows[FLOW_CHOICES];
    struct fail fail = {0};
    size_t count = 0;
    struct journey *journey = visit->journey;
    if (!customer_factors(visit->web->desk, journey->customer.id, rows, FLOW_CHOICES, &count, &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++)
        journey->wants_account = journey->wants_account || strcmp(rows[i].need, "account") == 0;
    journey->step++;
    return true;
}

static const struct step step_password = {
    .name = "password", .title = N_("Account"), .aside = true, .settle = settle_password};

static bool take_otp(struct visit *visit, const struct form *form)
{
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    (void)form;
    if (factor_enrol(visit->web->desk, journey->customer.id, journey->factor_id, journey->uri, &fail))
        return true;
    return fail.code == FAIL_PASSPHRASE ? visit_refuse(visit, WEB_UNPROVED, NULL)
                                        : visit_fail(visit, &fail, NULL);
}

static const struct step step_enrol = {
    .name = "enrol",
    .title = N_("Mobile OTP"),
    .text = N_("A secret is made for the OTP app on your telephone. A mobile OTP that you had before ends."),
    .submit = N_("Make it"),
    .fields = {{.name = "confirm", .label = N_("I want a mobile OTP"), .kind = FIELD_AGREE}},
    .take = take_otp,
};

static bool show_otp(struct visit *visit, struct view *view)
{
    struct journey *journey = visit->journey;
    if (!journey->shown || visit->session->program)
        view_fact(view, "uri", _("Address for the OTP app"), "%s", journey->uri);
    snprintf(
        view->note, sizeof view->note, "%s",
        journey->shown && !visit->session->program
            ? _("The address was shown once and is not shown again.")
            : _("Put it into the app now: it is shown this once only, and is nobody's business but yours."));
    journey->shown = true;
    return true;
}

static const struct step step_otp = {
    .name = "otp",
    .title = N_("Your mobile OTP"),
    .text = N_("From now on the app's numbers are your security medium."),
    .show = show_otp,
};

const struct step *const steps_otp[] = {&step_identity, &step_check,    &step_code,
                                        &step_checking, &step_password, &step_account,
                                        &step_enrol,    &step_otp,      NULL};
