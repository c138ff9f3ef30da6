// The steps in which visitors prove who they are: identity data, a check by the operator's program, a second
// factor.
#include "web_flow.h"
#include "words.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FACTORS 16
#define POLL_SECONDS 2

// --- identity data

// The customer of this id, if this is their number. Nobody learns whether the id or the number was wrong.
static bool identify(struct visit *visit, const char *id, const char *number, struct act_customer *found)
{
    struct act_customer named;
    struct secret secret = {0};
    struct fail fail = {0};
    bool known = customer_get(visit->web->desk, id, &named, &fail) && strcmp(named.state, "active") == 0;
    snprintf(secret.bytes, sizeof secret.bytes, "%s", number);
    secret.length = strlen(secret.bytes);
    memset(&fail, 0, sizeof fail);
    bool right = customer_find(visit->web->desk, known ? named.kind : "individual", known ? named.name : "-",
                               &secret, found, &fail) &&
                 known && strcmp(found->id, named.id) == 0;
    secret_wipe(&secret);
    return right;
}

static bool take_identity(struct visit *visit, const struct form *form)
{
    struct act_customer found;
    struct web_limits *limits = &visit->web->limits;
    const char *id = form_get(form, "customer");
    if (limit_over(limits, LIMIT_WRONG, id) || limit_over(limits, LIMIT_STRAYS, visit->address))
        return visit_refuse(visit, WEB_IDENTITY_LOCKED, NULL);
    if (!identify(visit, id, form_get(form, "number"), &found)) {
        limit_take(limits, LIMIT_WRONG, id);
        limit_take(limits, LIMIT_STRAYS, visit->address);
        return visit_refuse(visit, WEB_IDENTITY, "customer");
    }
    visit->journey->customer = found;
    return true;
}

const struct step step_identity = {
    .name = "identity",
    .title = N_("Who you are"),
    .text = N_("Type your user ID and your resident registration number; sole proprietors and corporations "
               "type their business number."),
    .fields = {{.name = "customer",
                .label = N_("User ID"),
                .hint = N_("It begins with C and was given to you when you joined."),
                .kind = FIELD_TEXT,
                .most = ACT_ID - 1,
                .complete = "username"},
               {.name = "number",
                .label = N_("Resident or business number"),
                .hint = N_("13 or 10 digits, with or without dashes. It is not shown while you type."),
                .kind = FIELD_SECRET,
                .most = 20,
                .complete = "off",
                .mode = "numeric"}},
    .take = take_identity,
};

// The factor of this id is asked next, by the step of its kind.
static bool choose_factor(struct visit *visit, const char *id, const char *field)
{
    struct act_factor rows[MOST_FACTORS];
    struct fail fail = {0};
    size_t count = 0;
    struct journey *journey = visit->journey;
    if (!customer_factors(visit->web->desk, journey->customer.id, rows, MOST_FACTORS, &count, &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].id, id) != 0)
            continue;
        if (rows[i].locked)
            return visit_refuse(visit, WEB_FACTOR_LOCKED, field);
        snprintf(journey->factor_id, sizeof journey->factor_id, "%s", rows[i].id);
        snprintf(journey->factor_kind, sizeof journey->factor_kind, "%s", rows[i].kind);
        journey->factor_asks = rows[i].asks;
        visit_go(visit, strcmp(rows[i].need, "identity") == 0    ? &step_code
                        : strcmp(rows[i].kind, "signature") == 0 ? &step_sign
                                                                 : &step_answer);
        return true;
    }
    return visit_refuse(visit, WEB_CHOICE, field);
}

// --- a check by a program of the operator

static bool show_checks(struct visit *visit, struct view *view)
{
    static const char *const kinds[] = {"phone", "sms", "departure"};
    char name[32];
    char program[REGISTRY_TEXT];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        snprintf(name, sizeof name, "check.%s", kinds[i]);
        if (registry_get(visit->web->desk->registry, name, program, sizeof program) == REGISTRY_DONE &&
            program[0] != 0)
            view_choice(view, "check", kinds[i], say_check(kinds[i]), NULL);
    }
    struct act_factor factors[MOST_FACTORS];
    struct fail fail = {0};
    size_t count = 0;
    if (!customer_factors(visit->web->desk, visit->journey->customer.id, factors, MOST_FACTORS, &count,
                          &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(factors[i].need, "identity") == 0)
            view_choice(view, "check", factors[i].id, say_factor(factors[i].kind),
                        factors[i].locked ? _("locked") : factors[i].label);
    }
    // 010-1234-5678 is shown as ***-****-5678.
    char phone[REGISTRY_TEXT];
    snprintf(phone, sizeof phone, "%s", visit->journey->customer.phone);
    for (size_t i = 0; phone[i] != 0 && strlen(phone + i) > 4; i++) {
        if (phone[i] >= '0' && phone[i] <= '9')
            phone[i] = '*';
    }
    if (phone[0] != 0)
        view_fact(view, "phone", _("Telephone number that we know"), "%s", phone);
    return view->choices > 0 || visit_refuse(visit, WEB_CHECK_NONE, NULL);
}

static bool take_check(struct visit *visit, const struct form *form)
{
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    const char *kind = form_get(form, "check");
    if (kind[0] == 'F') // a factor, not a program
        return choose_factor(visit, kind, "check");
    snprintf(journey->check_kind, sizeof journey->check_kind, "%s", kind);
    if (check_begin(visit->web->desk, journey->customer.id, kind, journey->check, &fail)) {
        visit_go(visit, &step_checking);
        return true;
    }
    if (fail.code == FAIL_REFUSED || fail.code == FAIL_NOT_FOUND)
        return visit_refuse(visit, fail.code == FAIL_REFUSED ? WEB_CHECK_MANY : WEB_CHECK_NONE, "check");
    return visit_fail(visit, &fail, "check");
}

const struct step step_check = {
    .name = "check",
    .title = N_("Identity check"),
    .text =
        N_("Choose how we check that it is you. Who is abroad and cannot take a call chooses the overseas "
           "departure check."),
    .submit = N_("Begin the check"),
    .fields = {{.name = "check", .label = N_("Way of checking"), .kind = FIELD_CHOICE}},
    .show = show_checks,
    .take = take_check,
};

static bool settle_checking(struct visit *visit)
{
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    enum check_state state = CHECK_BROKEN;
    if (!check_poll(visit->web->desk, journey->customer.id, journey->check, &state, &fail))
        return visit_fail(visit, &fail, NULL);
    if (state == CHECK_RUNNING)
        return true;
    if (state == CHECK_PASSED) {
        journey->identity = true;
        journey->step++;
        return true;
    }
    visit_go(visit, &step_check);
    return visit_refuse(visit, state == CHECK_FAILED ? WEB_CHECK_FAILED : WEB_CHECK_BROKEN, "check");
}

static bool show_checking(struct visit *visit, struct view *view)
{
    view_fact(view, "check", _("Way of checking"), "%s", say_check(visit->journey->check_kind));
    view->wait = POLL_SECONDS;
    return true;
}

const struct step step_checking = {
    .name = "checking",
    .title = N_("The check is being made"),
    .text =
        N_("Take the call, or answer the message. This page goes on by itself; the check ends after a minute "
           "at the latest."),
    .aside = true,
    .settle = settle_checking,
    .show = show_checking,
};

// --- a second factor

static bool show_factors(struct visit *visit, struct view *view)
{
    struct act_factor rows[MOST_FACTORS];
    struct fail fail = {0};
    size_t count = 0;
    if (!customer_factors(visit->web->desk, visit->journey->customer.id, rows, MOST_FACTORS, &count, &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].need, "factor") != 0)
            continue;
        view_choice(view, "factor", rows[i].id, say_factor(rows[i].kind),
                    rows[i].locked ? _("locked") : rows[i].label);
    }
    return view->choices > 0 || visit_refuse(visit, WEB_FACTOR_NONE, NULL);
}

static bool take_factor(struct visit *visit, const struct form *form)
{
    return choose_factor(visit, form_get(form, "factor"), "factor");
}

const struct step step_factor = {
    .name = "factor",
    .title = N_("Security medium"),
    .text = N_("Choose the security medium that you have at hand."),
    .fields = {{.name = "factor", .label = N_("Security medium"), .kind = FIELD_CHOICE}},
    .show = show_factors,
    .take = take_factor,
};

static bool ask(struct visit *visit)
{
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    journey->challenge[0] = 0;
    if (!journey->factor_asks || factor_ask(visit->web->desk, journey->customer.id, journey->factor_id,
                                            journey->challenge, NULL, &fail))
        return true;
    bool code = flow_step(journey) == &step_code;
    visit_go(visit, code ? &step_check : &step_factor);
    return visit_fail(visit, &fail, code ? "check" : "factor");
}

// A security card is asked as "07:12 23:34".
static void show_card(const struct visit *visit, struct view *view)
{
    const char *asked = visit->journey->challenge;
    const char *blank = strchr(asked, ' ');
    int first = (int)strtol(asked, NULL, 10);
    int second = blank != NULL ? (int)strtol(blank, NULL, 10) : 0;
    if (visit->session->program)
        view_fact(view, "challenge", _("Numbers asked"), "%s", asked);
    else
        view_fact(view, "challenge", _("Numbers asked"), _("no. %02d ●●○○, no. %02d ○○●●"), first, second);
    snprintf(view->note, sizeof view->note,
             _("Type the first two digits of number %d and the last two digits of number %d: four digits "
               "together."),
             first, second);
}

static bool show_answer(struct visit *visit, struct view *view)
{
    struct journey *journey = visit->journey;
    if (!ask(visit))
        return false;
    view_fact(view, "factor", _("Security medium"), "%s", say_factor(journey->factor_kind));
    if (journey->challenge[0] == 0)
        return true;
    if (strcmp(journey->factor_kind, "card") == 0) {
        show_card(visit, view);
    } else if (strcmp(journey->factor_kind, "signature") == 0) {
        view_fact(view, "challenge", _("Text asked"), "%s", journey->challenge);
    }
    return true;
}

// Takes a try. A locked factor leads back to where it was chosen.
static bool check_answer(struct visit *visit, const void *answer, size_t length, const char *serial,
                         const struct step *back)
{
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    int left = 0;
    if (limit_over(&visit->web->limits, LIMIT_STRAYS, visit->address))
        return visit_refuse(visit, WEB_IDENTITY_LOCKED, NULL);
    if (factor_answer(visit->web->desk, journey->customer.id, journey->factor_id, answer, length, serial,
                      &left, &fail))
        return true;
    limit_take(&visit->web->limits, LIMIT_STRAYS, visit->address);
    if (fail.code == FAIL_PASSPHRASE && left > 0)
        snprintf(visit->text, sizeof visit->text, _("Tries left: %d"), left);
    if (fail.code == FAIL_LOCKED)
        visit_go(visit, back);
    return visit_fail(visit, &fail, fail.code == FAIL_LOCKED ? back->fields[0].name : "answer");
}

// Goes on behind both steps in which a security medium answers.
static bool factor_proved(struct visit *visit)
{
    visit->journey->factor = true;
    visit_go(visit, &step_sign);
    visit->journey->step++;
    return true;
}

static bool take_answer(struct visit *visit, const struct form *form)
{
    const char *answer = form_get(form, "answer");
    return check_answer(visit, answer, strlen(answer), NULL, &step_factor) && factor_proved(visit);
}

const struct step step_answer = {
    .name = "answer",
    .title = N_("Answer of the security medium"),
    .text = N_("Type what your security medium shows."),
    .fields = {{.name = "answer",
                .label = N_("Answer"),
                .hint = N_("Digits only. It is not shown while you type."),
                .kind = FIELD_SECRET,
                .most = 64,
                .complete = "one-time-code",
                .mode = "numeric"}},
    .show = show_answer,
    .take = take_answer,
};

// The customer's own certificates that can sign, and those of other institutions.
static bool show_sign(struct visit *visit, struct view *view)
{
    struct act_certificate rows[FLOW_CHOICES];
    struct act_foreign others[FLOW_CHOICES];
    struct fail fail = {0};
    size_t count = 0;
    if (!show_answer(visit, view))
        return false;
    if (!customer_certificates(visit->web->desk, visit->journey->customer.id, rows, FLOW_CHOICES, &count,
                               &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].status, "valid") == 0)
            view_choice(view, "serial", rows[i].serial, say_class_name(rows[i].class_name), rows[i].serial);
    }
    if (!foreign_list(visit->web->desk, visit->journey->customer.id, others, FLOW_CHOICES, &count, &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++)
        view_choice(view, "serial", others[i].id, others[i].institution, others[i].subject);
    return view->choices > 0 || visit_refuse(visit, WEB_FACTOR_NONE, NULL);
}

// Base64 with line ends, as `openssl base64` prints it. -1: it is none.
int web_base64(const char *text, unsigned char *bytes, size_t size)
{
    char packed[4 * ACT_ANSWER / 3 + 8];
    size_t length = 0;
    for (; *text != 0; text++) {
        if (strchr(" \t\r\n", *text) != NULL)
            continue;
        if (length + 1 == sizeof packed)
            return -1;
        packed[length++] = *text;
    }
    if (length == 0 || length % 4 != 0 || length / 4 * 3 > size)
        return -1;
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)packed, (int)length);
    for (size_t i = length; decoded > 0 && i > length - 2 && packed[i - 1] == '='; i--)
        decoded--;
    return decoded;
}

static bool take_sign(struct visit *visit, const struct form *form)
{
    unsigned char signature[ACT_ANSWER];
    int length = web_base64(form_get(form, "answer"), signature, sizeof signature);
    if (length <= 0)
        return visit_refuse(visit, WEB_WRONG, "answer");
    return check_answer(visit, signature, (size_t)length, form_get(form, "serial"), &step_factor) &&
           factor_proved(visit);
}

const struct step step_sign = {
    .name = "sign",
    .title = N_("Signature by another certificate"),
    .text =
        N_("Sign the text shown below, without a line end, with SHA-256 and one of your certificates, and "
           "paste the signature in base64."),
    .fields = {{.name = "serial", .label = N_("Certificate"), .kind = FIELD_CHOICE},
               {.name = "answer",
                .label = N_("Signature"),
                .hint = N_("Base64"),
                .kind = FIELD_LONG,
                .most = 1400,
                .complete = "off"}},
    .aside = true,
    .show = show_sign,
    .take = take_sign,
};

// --- a code by text message, as one of the ways of checking

static bool take_code(struct visit *visit, const struct form *form)
{
    const char *answer = form_get(form, "answer");
    if (!check_answer(visit, answer, strlen(answer), NULL, &step_check))
        return false;
    visit->journey->identity = true;
    visit_go(visit, &step_checking);
    visit->journey->step++;
    return true;
}

const struct step step_code = {
    .name = "code",
    .title = N_("Code by text message"),
    .text = N_("A code of two digits was sent to your telephone. It is good for three minutes."),
    .fields = {{.name = "answer",
                .label = N_("Code"),
                .kind = FIELD_TEXT,
                .most = 8,
                .complete = "one-time-code",
                .mode = "numeric"}},
    .aside = true,
    .show = show_answer,
    .take = take_code,
};

// --- an account and its password, for classes that ask for it

static bool settle_account(struct visit *visit)
{
    struct journey *journey = visit->journey;
    if (!journey->wants_account || journey->account)
        journey->step++;
    return true;
}

static bool take_account(struct visit *visit, const struct form *form)
{
    struct secret number = {0};
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    const char *password = form_get(form, "answer");
    snprintf(number.bytes, sizeof number.bytes, "%s", form_get(form, "account"));
    number.length = strlen(number.bytes);
    bool found =
        factor_of_account(visit->web->desk, journey->customer.id, &number, journey->factor_id, &fail);
    secret_wipe(&number);
    if (!found) {
        limit_take(&visit->web->limits, LIMIT_STRAYS, visit->address);
        return visit_refuse(visit, fail.code == FAIL_OTHER ? WEB_FAILED : WEB_ACCOUNT, "account");
    }
    journey->account = check_answer(visit, password, strlen(password), NULL, &step_account);
    return journey->account;
}

const struct step step_account = {
    .name = "account",
    .title = N_("Account"),
    .text = N_("Type the number of one of your accounts and its password."),
    .fields = {{.name = "account",
                .label = N_("Account number"),
                .hint = N_("With or without dashes."),
                .kind = FIELD_TEXT,
                .most = 24,
                .complete = "off",
                .mode = "numeric"},
               {.name = "answer",
                .label = N_("Account password"),
                .hint = N_("Four digits. They are not shown while you type."),
                .kind = FIELD_SECRET,
                .most = 16,
                .complete = "off",
                .mode = "numeric"}},
    .aside = true,
    .settle = settle_account,
    .take = take_account,
};
