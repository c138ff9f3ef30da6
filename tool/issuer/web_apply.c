// Applying for a certificate, as a bank's pages do it: terms, identity, class, security medium, fee, details.
#include "web_flow.h"
#include "words.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define MOST_CLASSES 16

// --- terms: all of them, or nothing

static bool take_terms(struct visit *visit, const struct form *form)
{
    (void)visit, (void)form; // every box is a field, and was looked at
    return true;
}

static const struct step step_terms = {
    .name = "terms",
    .title = N_("Terms"),
    .text = N_("Please read the terms. A certificate is issued only to who agrees to all of them."),
    .submit = N_("Agree and go on"),
    .fields =
        {{.name = "agree-service",
          .label = N_("I agree to the terms of the certificate service (needed)"),
          .hint = N_("The certificate is for your own use. Do not lend the token and do not tell its PIN to "
                     "anybody; report a lost token at once, so that the certificate is revoked."),
          .kind = FIELD_AGREE},
         {.name = "agree-privacy",
          .label = N_("I agree that my personal data are collected and used (needed)"),
          .hint = N_("Name, telephone number, e-mail address, and the certificate's data, for issuing and "
                     "managing the certificate, until five years after your membership ends."),
          .kind = FIELD_AGREE},
         {.name = "agree-identity",
          .label = N_("I agree that my resident registration number is processed (needed)"),
          .hint = N_("It is used to find you and to check your identity, and is kept encrypted only."),
          .kind = FIELD_AGREE}},
    .take = take_terms,
};

// --- which certificate

static bool load_classes(struct visit *visit, struct act_class *rows, size_t *count)
{
    struct fail fail = {0};
    return class_list(visit->web->desk, rows, MOST_CLASSES, count, &fail) || visit_fail(visit, &fail, NULL);
}

static bool is_for(const struct act_class *class, const char *kind)
{
    char wanted[REGISTRY_WORD + 2];
    char kinds[REGISTRY_TEXT + 2];
    snprintf(wanted, sizeof wanted, " %s ", kind);
    snprintf(kinds, sizeof kinds, " %s ", class->kinds);
    return strstr(kinds, wanted) != NULL;
}

static bool show_kind(struct visit *visit, struct view *view)
{
    struct act_class rows[MOST_CLASSES];
    size_t count = 0;
    char won[SAY_WON];
    char note[200];
    if (!load_classes(visit, rows, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_for(&rows[i], visit->journey->customer.kind))
            continue;
        say_won(rows[i].fee, won);
        if (rows[i].days % 365 == 0)
            snprintf(note, sizeof note, _("valid for %d year(s); fee: %s"), rows[i].days / 365, won);
        else
            snprintf(note, sizeof note, _("valid for %d days; fee: %s"), rows[i].days, won);
        view_choice(view, "class", rows[i].name, say_class(&rows[i]), note);
    }
    view_choice(view, "kind", "issue", say_kind("issue"), _("for who has no certificate of this class yet"));
    view_choice(view, "kind", "reissue", say_kind("reissue"),
                _("for a lost or locked token or a forgotten PIN: the old one is revoked"));
    return true;
}

static bool find_class(struct visit *visit, const char *name, struct act_class *class)
{
    struct act_class rows[MOST_CLASSES];
    size_t count = 0;
    if (!load_classes(visit, rows, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *class = rows[i];
            return true;
        }
    }
    return visit_refuse(visit, WEB_CHOICE, "class");
}

// Nobody proves more and confirms a fee for what will be refused: one valid certificate of a class that says
// so, and something to reissue. The rules are looked at again when the application is written.
static bool check_standing(struct visit *visit, const struct act_class *class, const char *kind)
{
    struct act_certificate rows[FLOW_CHOICES];
    struct fail fail = {0};
    size_t count = 0;
    bool any = false;
    bool valid = false;
    if (!customer_certificates(visit->web->desk, visit->journey->customer.id, rows, FLOW_CHOICES, &count,
                               &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].class_name, class->name) != 0)
            continue;
        any = true;
        valid = valid || strcmp(rows[i].status, "valid") == 0 || strcmp(rows[i].status, "suspended") == 0;
    }
    if (strcmp(kind, "issue") == 0 && class->sole && valid)
        return visit_refuse(visit, WEB_ONE, "kind");
    if (strcmp(kind, "reissue") == 0 && !any)
        return visit_refuse(visit, WEB_NO_OLD, "kind");
    return true;
}

static bool take_kind(struct visit *visit, const struct form *form)
{
    struct act_class class;
    struct journey *journey = visit->journey;
    const char *kind = form_get(form, "kind");
    if (!find_class(visit, form_get(form, "class"), &class) || !check_standing(visit, &class, kind))
        return false;
    snprintf(journey->class_name, sizeof journey->class_name, "%s", class.name);
    snprintf(journey->kind, sizeof journey->kind, "%s", kind);
    journey->wants_account = strstr(class.needs, "account") != NULL;
    return true;
}

static const struct step step_kind = {
    .name = "kind",
    .title = N_("Kind of certificate"),
    .text = N_("Choose the certificate. Validity and fee depend on its class."),
    .fields = {{.name = "class", .label = N_("Certificate"), .kind = FIELD_CHOICE},
               {.name = "kind", .label = N_("New or again"), .kind = FIELD_CHOICE}},
    .show = show_kind,
    .take = take_kind,
};

// --- fee

static bool show_fee(struct visit *visit, struct view *view)
{
    struct act_class class;
    char won[SAY_WON];
    if (!find_class(visit, visit->journey->class_name, &class))
        return false;
    say_won(class.fee, won);
    view_fact(view, "class", _("Certificate"), "%s", say_class(&class));
    view_fact(view, "fee", _("Fee"), "%s", won);
    snprintf(view->note, sizeof view->note, "%s",
             class.fee > 0
                 ? _("The fee is due with this application. The certificate can be issued as soon as it "
                     "is paid.")
                 : _("Nothing is charged for this certificate."));
    return true;
}

static bool take_confirmed(struct visit *visit, const struct form *form)
{
    (void)visit, (void)form;
    return true;
}

static const struct step step_fee = {
    .name = "fee",
    .title = N_("Fee"),
    .text = N_("Please confirm the fee."),
    .fields = {{.name = "confirm", .label = N_("I have read the fee and agree to it"), .kind = FIELD_AGREE}},
    .show = show_fee,
    .take = take_confirmed,
};

// --- personal details

static bool show_details(struct visit *visit, struct view *view)
{
    struct act_class class;
    const struct act_customer *customer = &visit->journey->customer;
    if (!find_class(visit, visit->journey->class_name, &class))
        return false;
    view_fact(view, "name", _("Name"), "%s", customer->name);
    view_fact(view, "identity", _("Resident or business number"), "%s", customer->mask);
    view_fact(view, "phone", _("Telephone"), "%s", customer->phone);
    view_fact(view, "email", _("E-mail"), "%s", customer->email[0] != 0 ? customer->email : "-");
    view_fact(view, "class", _("Certificate"), "%s (%s)", say_class(&class), say_kind(visit->journey->kind));
    snprintf(view->note, sizeof view->note, "%s",
             _("If something is wrong, do not go on: have it corrected at a branch first."));
    return true;
}

// The application, written down in one transaction that also uses up the proofs.
static bool take_details(struct visit *visit, const struct form *form)
{
    struct fail fail = {0};
    struct registry_person person;
    struct journey *journey = visit->journey;
    const struct act_apply apply = {.customer = journey->customer.id,
                                    .kind = journey->kind,
                                    .class_name = journey->class_name,
                                    .agreed = true};
    (void)form;
    if (!journey->identity || !journey->factor || (journey->wants_account && !journey->account))
        return visit_refuse(visit, WEB_UNPROVED, NULL);
    bool done = application_prepare(visit->web->desk, &apply, &journey->made, &person, &fail);
    enum registry_end end = done ? registry_apply(visit->web->desk->registry, &person) : REGISTRY_DONE;
    OPENSSL_cleanse(&person, sizeof person);
    if (done && end == REGISTRY_DONE)
        return true;
    OPENSSL_cleanse(&journey->made, sizeof journey->made);
    return done ? visit_refuse(visit, web_error_of(end), NULL) : visit_fail(visit, &fail, NULL);
}

static const struct step step_details = {
    .name = "details",
    .title = N_("Check your details"),
    .text = N_("Please check that everything is right. With the next button you apply."),
    .submit = N_("Apply"),
    .fields = {{.name = "confirm",
                .label = N_("I have checked it: everything is right"),
                .kind = FIELD_AGREE}},
    .show = show_details,
    .take = take_details,
};

// --- the end: reference number and code

static bool show_done(struct visit *visit, struct view *view)
{
    struct journey *journey = visit->journey;
    struct fail fail = {0};
    struct act_fee fee = {0};
    char date[DESK_TIME];
    char won[SAY_WON];
    say_date(journey->made.expires, date);
    view_fact(view, "reference", _("Reference number"), "%s", journey->made.reference);
    if (!journey->shown || visit->session->program)
        view_fact(view, "code", _("Authorization code"), "%s", journey->made.code);
    view_fact(view, "expires", _("Good until"), "%s", date);
    view_fact(view, "subject", _("Name in the certificate"), "%s", journey->made.subject);
    view_fact(view, "issuer", _("Address of the issuing desk"), "%s", visit->web->issuer);
    if (fee_get(visit->web->desk, journey->made.reference, &fee, &fail) && strcmp(fee.state, "due") == 0) {
        say_won(fee.amount, won);
        view_fact(view, "fee", _("Fee to pay first"), "%s", won);
    }
    if (!visit->session->program)
        view_fact(view, "command", _("What to type"), "ingam issue --issuer %s --reference %s --slot 9a",
                  visit->web->issuer, journey->made.reference);
    snprintf(
        view->note, sizeof view->note, "%s",
        journey->shown && !visit->session->program
            ? _("The code was shown once and is not shown again. If you have not written it down, apply "
                "anew.")
            : _("Write down the code now: it is shown this once only, and is nobody's business but yours."));
    journey->shown = true;
    return true;
}

static const struct step step_done = {
    .name = "done",
    .title = N_("You have applied"),
    .text = N_("With the reference number and the code, the program 'ingam' issues the certificate onto your "
               "token, where you also choose its PIN."),
    .show = show_done,
    .secret = true,
};

const struct step *const steps_apply[] = {
    &step_terms,  &step_identity, &step_check,   &step_code, &step_checking, &step_kind, &step_factor,
    &step_answer, &step_sign,     &step_account, &step_fee,  &step_details,  &step_done, NULL};
