// What the pages call the things of the registry.
#include "web_flow.h"
#include "words.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct name {
    const char *word, *text;
};

static const struct name classes[] = {
    {"joint", N_("Joint certificate")},
    {"joint-general", N_("Joint certificate (general purpose)")},
    {"financial", N_("Financial certificate")},
    {NULL, NULL},
};
static const struct name kinds[] = {
    {"issue", N_("New issue")},
    {"reissue", N_("Reissue")},
    {"renew", N_("Renewal")},
    {"revoke", N_("Revoke")},
    {"suspend", N_("Suspend")},
    {"resume", N_("Resume")},
    {NULL, NULL},
};
static const struct name statuses[] = {
    {"valid", N_("valid")},
    {"suspended", N_("suspended")},
    {"revoked", N_("revoked")},
    {"expired", N_("expired")},
    {NULL, NULL},
};
static const struct name factors[] = {
    {"hotp", N_("OTP device")},
    {"totp", N_("OTP (by the clock)")},
    {"mobile-otp", N_("Mobile OTP")},
    {"mobile-pin", N_("PIN of the mobile certificate")},
    {"phone-code", N_("Code by text message")},
    {"card", N_("Security card")},
    {"signature", N_("Signature by another certificate")},
    {"account", N_("Account password")},
    {NULL, NULL},
};
static const struct name checks[] = {
    {"phone", N_("Telephone call (ARS)")},
    {"sms", N_("Text message to a mobile phone in your name")},
    {"departure", N_("Overseas departure check")},
    {NULL, NULL},
};

static const char *find(const struct name *names, const char *word)
{
    for (; names->word != NULL; names++) {
        if (strcmp(names->word, word) == 0)
            return _(names->text);
    }
    return NULL;
}

static const char *find_or_word(const struct name *names, const char *word)
{
    const char *text = find(names, word);
    return text != NULL ? text : word;
}

const char *say_class(const struct act_class *class)
{
    const char *text = find(classes, class->name);
    return text != NULL ? text : class->title;
}

const char *say_class_name(const char *name)
{
    return name[0] == 0 ? _("Certificate") : find_or_word(classes, name);
}

const char *say_kind(const char *kind)
{
    return find_or_word(kinds, kind);
}

const char *say_status(const char *status)
{
    return find_or_word(statuses, status);
}

const char *say_factor(const char *kind)
{
    return find_or_word(factors, kind);
}

const char *say_check(const char *kind)
{
    return find_or_word(checks, kind);
}

// A day in Korea (UTC+9 all the year), where this bank's customers are.
void say_date(int64_t seconds, char text[DESK_TIME])
{
    struct tm day;
    time_t there = (time_t)(seconds + 9 * 3600);
    gmtime_r(&there, &day);
    snprintf(text, DESK_TIME, _("%04d-%02d-%02d"), (day.tm_year + 1900) % 10000, (day.tm_mon + 1) % 100,
             day.tm_mday % 100);
}

void say_won(int64_t amount, char text[SAY_WON])
{
    char digits[24];
    char grouped[SAY_WON / 2];
    size_t at = 0;
    int length = snprintf(digits, sizeof digits, "%lld", (long long)amount);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            grouped[at++] = ',';
        grouped[at++] = digits[i];
    }
    grouped[at] = 0;
    if (amount == 0)
        snprintf(text, SAY_WON, "%s", _("free of charge"));
    else
        snprintf(text, SAY_WON, _("%s won"), grouped);
}
