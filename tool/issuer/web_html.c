// Renders views as HTML that needs no script: headings in order, labels, hints and errors tied to their
// fields.
#include "web_html.h"

#include "words.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void language_link(const struct frame *frame, enum words_language language, const char *name)
{
    if (words_used() == language)
        return;
    page_print(frame->page, "<li><a href=\"%s?lang=%s\" lang=\"%s\" hreflang=\"%s\">%s</a></li>", frame->path,
               words_tag(language), words_tag(language), words_tag(language), name);
}

static void menu_link(const struct frame *frame, const char *path, const char *text)
{
    page_print(frame->page, "<li><a href=\"%s%s\"", frame->home, path);
    if (frame->home[0] == 0 && strcmp(frame->path, path) == 0)
        page_print(frame->page, " aria-current=\"page\"");
    page_print(frame->page, ">%s</a></li>", text);
}

static void menu(const struct frame *frame)
{
    bool inside = frame->session != NULL && frame->session->customer[0] != 0;
    page_print(frame->page, "<nav aria-label=\"%s\"><ul>", _("Main menu"));
    menu_link(frame, "/apply", _("Apply"));
    menu_link(frame, "/my", _("My certificates"));
    if (!inside && !frame->members)
        menu_link(frame, "/login", _("Log in"));
    language_link(frame, WORDS_KOREAN, "한국어");
    language_link(frame, WORDS_ENGLISH, "English");
    page_print(frame->page, "</ul></nav>");
    if (inside)
        page_print(
            frame->page,
            "<form method=\"post\" action=\"/logout\"><input type=\"hidden\" name=\"csrf\" value=\"%s\">"
            "<button class=\"plain\">%s</button></form>",
            frame->session->csrf, _("Log out"));
}

void html_begin(const struct frame *frame)
{
    struct page *page = frame->page;
    page_print(page,
               "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
               words_tag(words_used()));
    if (frame->wait > 0)
        page_print(page, "<meta http-equiv=\"refresh\" content=\"%d\">\n", frame->wait);
    page_print(page, "<title>%s%s | %s</title>\n", frame->failed ? _("Error: ") : "", frame->title,
               _("Certificate centre"));
    page_print(page,
               "<link rel=\"stylesheet\" href=\"/style.css\">\n<link rel=\"icon\" type=\"image/svg+xml\" "
               "href=\"/icon.svg\">\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">%s</a>\n",
               _("Skip to the content"));
    page_print(
        page,
        "<header class=\"bar\"><div class=\"wrap\"><a class=\"brand\" href=\"%s/\"><img src=\"/icon.svg\" "
        "alt=\"\" width=\"30\" height=\"30\">%s</a>",
        frame->home, _("Certificate centre"));
    menu(frame);
    page_print(page, "</div></header>\n<main id=\"main\"><div class=\"wrap\"><div class=\"sheet\">\n");
}

void html_end(const struct frame *frame)
{
    page_print(
        frame->page,
        "\n</div></div></main>\n<footer><div class=\"wrap\">%s</div></footer>\n</body>\n</html>\n",
        _("Nobody from the bank ever asks for your PIN, your code or all numbers of your security card."));
}

static void facts(struct page *page, const struct view *view)
{
    if (view->facts == 0)
        return;
    page_print(page, "<dl>");
    for (size_t i = 0; i < view->facts; i++) {
        const char *name = view->fact[i].name;
        const char *look =
            strcmp(name, "reference") == 0 || strcmp(name, "code") == 0 || strcmp(name, "challenge") == 0
                ? "key"
            : strcmp(name, "command") == 0 || strcmp(name, "uri") == 0 || strcmp(name, "text") == 0 ? "type"
                                                                                                    : "";
        page_print(page, "<div class=\"%s\"><dt>%s</dt><dd id=\"fact-%s\">%s</dd></div>", look,
                   view->fact[i].label, name, view->fact[i].value);
    }
    page_print(page, "</dl>\n");
}

static bool wrong(const struct visit *visit, const struct field *field)
{
    return visit->error != WEB_NONE && visit->field != NULL && strcmp(visit->field, field->name) == 0;
}

// What a field is described by: its hint, its error.
static void described(struct page *page, const struct visit *visit, const struct field *field)
{
    bool bad = wrong(visit, field);
    if (field->hint != NULL || bad)
        page_print(page, " aria-describedby=\"%s%s%s%s%s\"", field->hint != NULL ? "hint-" : "",
                   field->hint != NULL ? field->name : "", field->hint != NULL && bad ? " " : "",
                   bad ? "bad-" : "", bad ? field->name : "");
    if (bad)
        page_print(page, " aria-invalid=\"true\"");
}

static void field_error(struct page *page, const struct visit *visit, const struct field *field)
{
    if (wrong(visit, field))
        page_print(page, "<p class=\"bad\" id=\"bad-%s\">%s</p>", field->name,
                   _(web_error(visit->error)->text));
}

static void agree(struct page *page, const struct visit *visit, const struct field *field, const char *value)
{
    page_print(page,
               "<div class=\"field\"><div class=\"pick\"><input type=\"checkbox\" id=\"%s\" name=\"%s\" "
               "value=\"yes\" "
               "aria-required=\"true\"",
               field->name, field->name);
    described(page, visit, field);
    page_print(page, "%s><span><label for=\"%s\">%s</label>",
               value != NULL && strcmp(value, "yes") == 0 ? " checked" : "", field->name, _(field->label));
    if (field->hint != NULL)
        page_print(page, "<small id=\"hint-%s\">%s</small>", field->name, _(field->hint));
    page_print(page, "</span></div>");
    field_error(page, visit, field);
    page_print(page, "</div>\n");
}

static void choices(struct page *page, const struct visit *visit, const struct field *field,
                    const struct view *view, const char *value)
{
    int number = 0;
    size_t count = 0;
    for (size_t i = 0; i < view->choices; i++)
        count += strcmp(view->choice[i].field, field->name) == 0 ? 1 : 0;
    page_print(page, "<fieldset class=\"field\"");
    described(page, visit, field);
    page_print(page, "><legend>%s</legend>", _(field->label));
    for (size_t i = 0; i < view->choices; i++) {
        if (strcmp(view->choice[i].field, field->name) != 0)
            continue;
        // The first one has the field's name as its id, so that the error summary leads to it.
        char id[64];
        snprintf(id, sizeof id, number == 0 ? "%s" : "%s-%d", field->name, number);
        number++;
        bool chosen = value != NULL ? strcmp(value, view->choice[i].value) == 0 : count == 1;
        page_print(
            page,
            "<label class=\"pick\" for=\"%s\"><input type=\"radio\" id=\"%s\" name=\"%s\" value=\"%s\"%s>"
            "<span><b>%s</b>",
            id, id, field->name, view->choice[i].value, chosen ? " checked" : "", view->choice[i].label);
        if (view->choice[i].note[0] != 0)
            page_print(page, "<small>%s</small>", view->choice[i].note);
        page_print(page, "</span></label>");
    }
    field_error(page, visit, field);
    page_print(page, "</fieldset>\n");
}

static void text(struct page *page, const struct visit *visit, const struct field *field, const char *value)
{
    bool lines = field->kind == FIELD_LONG;
    bool secret = field->kind == FIELD_SECRET;
    page_print(page, "<div class=\"field\"><label for=\"%s\">%s</label>", field->name, _(field->label));
    if (field->hint != NULL)
        page_print(page, "<span class=\"hint\" id=\"hint-%s\">%s</span>", field->name, _(field->hint));
    if (lines)
        page_print(page, "<textarea id=\"%s\" name=\"%s\" rows=\"8\" spellcheck=\"false\"", field->name,
                   field->name);
    else
        page_print(page, "<input type=\"%s\" id=\"%s\" name=\"%s\" spellcheck=\"false\"",
                   secret ? "password" : "text", field->name, field->name);
    page_print(page, " maxlength=\"%d\"", (int)field->most);
    if (!field->optional)
        page_print(page, " aria-required=\"true\"");
    if (field->complete != NULL)
        page_print(page, " autocomplete=\"%s\"", field->complete);
    if (field->mode != NULL)
        page_print(page, " inputmode=\"%s\"", field->mode);
    described(page, visit, field);
    if (lines)
        page_print(page, ">%s</textarea>", value != NULL ? value : "");
    else if (value != NULL && !secret)
        page_print(page, " value=\"%s\">", value);
    else
        page_print(page, ">");
    field_error(page, visit, field);
    page_print(page, "</div>\n");
}

static void fields(struct page *page, const struct visit *visit, const struct view *view,
                   const struct form *form)
{
    const struct step *step = flow_step(visit->journey);
    for (size_t i = 0; i < FLOW_FIELDS && step->fields[i].name != NULL; i++) {
        const struct field *field = &step->fields[i];
        const char *value = form != NULL ? form_get(form, field->name) : NULL;
        if (field->kind == FIELD_AGREE)
            agree(page, visit, field, value);
        else if (field->kind == FIELD_CHOICE)
            choices(page, visit, field, view, value);
        else
            text(page, visit, field, value);
    }
}

// The summary stands before the form and leads to the field that is wrong.
static void summary(struct page *page, const struct visit *visit)
{
    const struct web_error_row *row = web_error(visit->error);
    if (visit->error == WEB_NONE)
        return;
    page_print(page, "<div class=\"error\" role=\"alert\" id=\"error\"><h2>");
    if (visit->field != NULL)
        page_print(page, "<a href=\"#%s\">%s</a>", visit->field, _(row->text));
    else
        page_print(page, "%s", _(row->text));
    page_print(page, "</h2>");
    if (visit->text[0] != 0)
        page_print(page, "<p>%s</p>", visit->text);
    page_print(page, "<p>%s</p></div>\n", _(row->todo));
}

// How far one is: steps that stand aside are not counted.
static void progress(struct page *page, const struct journey *journey)
{
    char line[96];
    int at = 0;
    int all = 0;
    for (size_t i = 0; journey->flow->steps[i] != NULL; i++) {
        bool counted = !journey->flow->steps[i]->aside;
        all += counted ? 1 : 0;
        at += counted && i <= journey->step ? 1 : 0;
    }
    snprintf(line, sizeof line, _("Step %d of %d"), at, all);
    page_print(page,
               "<p class=\"count\">%s · %s</p><progress class=\"track\" value=\"%d\" max=\"%d\" "
               "aria-hidden=\"true\">"
               "</progress>\n",
               _(journey->flow->title), line, at, all);
}

void html_step(struct page *page, const struct visit *visit, const struct view *view, const struct form *form)
{
    const struct journey *journey = visit->journey;
    const struct step *step = flow_step(journey);
    progress(page, journey);
    page_print(page, "<h1>%s</h1>\n", _(step->title));
    summary(page, visit);
    if (step->text != NULL)
        page_print(page, "<p class=\"lead\">%s</p>\n", _(step->text));
    if (view->note[0] != 0)
        page_print(page, "<p class=\"note\" id=\"note\">%s</p>\n", view->note);
    facts(page, view);
    if (view->wait > 0)
        page_print(page, "<p role=\"status\">%s</p>\n", _("Please wait…"));
    if (step->take != NULL) {
        page_print(page,
                   "<form method=\"post\" action=\"%s\" novalidate autocomplete=\"off\">"
                   "<input type=\"hidden\" name=\"csrf\" value=\"%s\"><input type=\"hidden\" name=\"step\" "
                   "value=\"%s\">\n",
                   journey->flow->path, visit->session->csrf, step->name);
        fields(page, visit, view, form);
        page_print(page, "<button class=\"go\">%s</button>",
                   step->submit != NULL ? _(step->submit) : _("Next"));
        page_print(page, "<a class=\"back\" href=\"%s?begin=1\">%s</a></form>\n", journey->flow->path,
                   _("Begin anew"));
    } else if (view->wait == 0) {
        const char *path = journey->flow->member ? "/my" : "/";
        page_print(page, "<p><a class=\"go\" href=\"%s\">%s</a></p>\n", path,
                   journey->flow->member ? _("To my certificates") : _("To the first page"));
    }
}

static void card(struct page *page, const char *path, const char *title, const char *about)
{
    page_print(page, "<li><a href=\"%s\">%s</a><p>%s</p></li>", path, title, about);
}

void html_home(struct page *page, const struct visit *visit)
{
    page_print(page, "<h1>%s</h1>\n<p class=\"lead\">%s</p>\n<ul class=\"cards\">", _("Certificate centre"),
               _("Your certificate lives on a token that only you hold. Here you apply for it, look after "
                 "it, and end "
                 "it."));
    card(page, "/apply", _("Issue or reissue"),
         _("Terms, identity check, security medium, fee. At the end you get a reference number and a code "
           "for your "
           "token."));
    card(page, "/my", _("My certificates"),
         _("What you have, until when it is valid, and when it can be renewed."));
    card(page, "/change", _("Suspend, resume, revoke"),
         _("When the token is lost: suspend the certificate at once, revoke it when the token stays lost."));
    card(page, "/register", _("Another institution's certificate"),
         _("Register one that another bank or institution issued to you, and use it here."));
    card(page, "/mobile-otp", _("Mobile OTP"),
         _("A security medium for who has none: an app on your telephone."));
    card(page, "/find-id", _("Find my ID"), _("By your name and number, and a call to you."));
    if (visit->members[0] != 0)
        card(page, visit->members, _("Members' page"),
             _("It opens only with the certificate on your token. The browser asks which one to show."));
    page_print(
        page, "</ul>\n<h2>%s</h2>\n<ul><li>%s</li><li>%s</li><li>%s</li></ul>\n", _("Before you begin"),
        _("Have your user ID, your security card or OTP, and your telephone at hand."),
        _("A financial certificate is for individuals, valid for three years, one a person. A joint "
          "certificate "
          "is valid for one year."),
        _("Renewal is possible in the last 30 days, with the old certificate, and never after its end."));
}

// What is to be said about the end of a certificate.
static void renewal(struct page *page, const struct act_certificate *row, int renew_days, int64_t now,
                    const char *issuer)
{
    char from[DESK_TIME];
    char line[300];
    say_date(row->not_after - (int64_t)renew_days * 86400, from);
    if (strcmp(row->status, "expired") == 0)
        snprintf(line, sizeof line, "%s", _("It has expired and cannot be renewed: apply for a reissue."));
    else if (strcmp(row->status, "valid") != 0)
        return;
    else if (now < row->not_after - (int64_t)renew_days * 86400)
        snprintf(line, sizeof line, _("possible from %s"), from);
    else
        snprintf(line, sizeof line, "ingam renew --issuer %s", issuer);
    page_print(page, "<div><dt>%s</dt><dd>%s</dd></div>", _("Renewal"), line);
}

static void certificate(struct page *page, const struct visit *visit, const struct act_certificate *row,
                        int renew_days)
{
    char from[DESK_TIME];
    char until[DESK_TIME];
    int64_t now = visit->web->desk->now();
    say_date(row->created, from);
    say_date(row->not_after, until);
    page_print(page, "<article class=\"cert\"><h2>%s <span class=\"state %s\">%s</span></h2><dl>",
               say_class_name(row->class_name), row->status, say_status(row->status));
    page_print(page, "<div><dt>%s</dt><dd>%s ~ %s", _("Validity"), from, until);
    if (strcmp(row->status, "valid") == 0 && row->not_after > now) {
        char left[64];
        snprintf(left, sizeof left, _(" (%d days left)"), (int)((row->not_after - now) / 86400));
        page_print(page, "%s", left);
    }
    page_print(page, "</dd></div><div><dt>%s</dt><dd>%s</dd></div>", _("Number of the certificate"),
               row->serial);
    renewal(page, row, renew_days, now, visit->web->issuer);
    page_print(page, "</dl></article>\n");
}

// The certificates of other institutions that are registered.
static bool others(struct page *page, struct visit *visit)
{
    struct act_foreign rows[FLOW_CHOICES];
    struct fail fail = {0};
    size_t count = 0;
    char until[DESK_TIME];
    if (!foreign_list(visit->web->desk, visit->session->customer, rows, FLOW_CHOICES, &count, &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++) {
        say_date(rows[i].not_after, until);
        page_print(page,
                   "<article class=\"cert\"><h2>%s <span "
                   "class=\"state\">%s</span></h2><dl><div><dt>%s</dt><dd>%s</dd>"
                   "</div><div><dt>%s</dt><dd>%s</dd></div></dl></article>\n",
                   rows[i].institution, _("registered"), _("Name in the certificate"), rows[i].subject,
                   _("Valid until"), until);
    }
    page_print(page, "<p><a class=\"back\" href=\"/register?begin=1\">%s</a>",
               _("Register another institution's certificate"));
    if (count > 0)
        page_print(page, "<a class=\"back\" href=\"/unregister?begin=1\">%s</a>", _("End a registration"));
    page_print(page, "</p>\n");
    return true;
}

bool html_my(struct page *page, struct visit *visit)
{
    struct act_certificate rows[FLOW_CHOICES];
    struct act_class classes[FLOW_CHOICES];
    struct fail fail = {0};
    size_t count = 0;
    size_t class_count = 0;
    char greeting[REGISTRY_NAME + 64];
    if (!customer_certificates(visit->web->desk, visit->session->customer, rows, FLOW_CHOICES, &count,
                               &fail) ||
        !class_list(visit->web->desk, classes, FLOW_CHOICES, &class_count, &fail))
        return visit_fail(visit, &fail, NULL);
    snprintf(greeting, sizeof greeting, _("%s's certificates"), visit->session->name);
    page_print(page, "<h1>%s</h1>\n", greeting);
    if (count == 0)
        page_print(page, "<p class=\"lead\">%s</p>\n", _("You have no certificate yet."));
    for (size_t i = 0; i < count; i++) {
        int renew_days = 30;
        for (size_t k = 0; k < class_count; k++)
            renew_days =
                strcmp(classes[k].name, rows[i].class_name) == 0 ? classes[k].renew_days : renew_days;
        certificate(page, visit, &rows[i], renew_days);
    }
    page_print(page, "<p>");
    if (count > 0)
        page_print(page, "<a class=\"go\" href=\"/change?begin=1\">%s</a>", _("Suspend, resume, revoke"));
    page_print(page, "<a class=\"back\" href=\"/apply?begin=1\">%s</a></p><p class=\"hint\">%s</p>\n",
               _("Issue or reissue"),
               _("Applying logs you out: an application is made by who is not logged in."));
    return others(page, visit);
}

void html_failure(const struct frame *frame, enum web_error error, const char *text)
{
    const struct web_error_row *row = web_error(error);
    html_begin(frame);
    page_print(frame->page, "<h1>%s</h1>\n", _(row->text));
    if (text != NULL && text[0] != 0)
        page_print(frame->page, "<p>%s</p>\n", text);
    page_print(frame->page,
               "<p class=\"lead\" id=\"todo\">%s</p>\n<p><a class=\"go\" href=\"%s/\">%s</a></p>\n",
               _(row->todo), frame->home, _("To the first page"));
    html_end(frame);
}
