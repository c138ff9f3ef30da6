// What is on the applet: names, lists, codes.
#include "otp/applet.h"
#include "otp/notice.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PERIOD_USUAL 30
#define PERIOD_MOST  86400
#define TOUCH_MS     600 // what takes longer than this waits for a touch

// "60/" in front: a period that is not the usual one.
static size_t take_period(const struct otp_entry *entry, uint32_t *period)
{
    uint32_t value = 0;
    size_t at = 0;
    while (at < entry->raw_len && entry->raw[at] >= '0' && entry->raw[at] <= '9' && value <= PERIOD_MOST)
        value = value * 10 + (uint32_t)(entry->raw[at++] - '0');
    if (at == 0 || at + 1 >= entry->raw_len || entry->raw[at] != '/' || value == 0 || value > PERIOD_MOST)
        return 0;
    *period = value;
    return at + 1;
}

// A NUL would end the text: shown as another byte that is escaped.
static void put_text(char *out, const uint8_t *bytes, size_t n)
{
    memcpy(out, bytes, n);
    out[n] = '\0';
    for (char *at = out; (at = memchr(at, '\0', (size_t)(out + n - at))) != NULL;)
        *at = '\x01';
}

void otp_split(struct otp_entry *entry, enum oath_type type)
{
    entry->type = type;
    entry->period = type == OATH_TOTP ? PERIOD_USUAL : 0;
    size_t at = type == OATH_TOTP ? take_period(entry, &entry->period) : 0;
    const uint8_t *name = entry->raw + at;
    size_t n = entry->raw_len - at;
    const uint8_t *colon = memchr(name, ':', n);
    size_t issuer = colon != NULL ? (size_t)(colon - name) : 0;
    entry->issuer[0] = '\0';
    if (issuer == 0 || issuer + 1 == n) {
        put_text(entry->account, name, n);
        return;
    }
    put_text(entry->issuer, name, issuer);
    put_text(entry->account, name + issuer + 1, n - issuer - 1);
}

bool otp_join(const char *issuer, const char *account, enum oath_type type, uint32_t period,
              uint8_t raw[OATH_NAME_MAX], size_t *length)
{
    char whole[OATH_NAME_MAX + 1], prefix[16] = "";
    if (type == OATH_TOTP && period != PERIOD_USUAL)
        snprintf(prefix, sizeof prefix, "%u/", (unsigned)period);
    int n = snprintf(whole, sizeof whole, "%s%s%s%s", prefix, issuer, issuer[0] != '\0' ? ":" : "", account);
    if (n <= 0 || (size_t)n > OATH_NAME_MAX)
        return false;
    memcpy(raw, whole, (size_t)n);
    *length = (size_t)n;
    return true;
}

void otp_name(const struct otp_entry *entry, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s", entry->issuer, entry->issuer[0] != '\0' ? ":" : "", entry->account);
}

void otp_digits(const struct oath_code *code, char *out, size_t size)
{
    static const uint32_t ten[] = {1000000, 10000000, 100000000};
    snprintf(out, size, "%0*u", (int)code->digits, (unsigned)(code->value % ten[code->digits - 6]));
}

static enum exit_code make_room(struct run *run, struct otp_list *list, size_t count)
{
    list->count = 0;
    list->entry = calloc(count + 1, sizeof *list->entry);
    return list->entry != NULL ? EXIT_OK : fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
}

static struct otp_entry *add(struct otp_list *list, struct rd name)
{
    struct otp_entry *entry = &list->entry[list->count++];
    memcpy(entry->raw, name.p, name.n);
    entry->raw_len = name.n;
    return entry;
}

static int by_name(const void *a, const void *b)
{
    const struct otp_entry *x = a, *y = b;
    int order = strcasecmp(x->issuer, y->issuer);
    return order != 0 ? order : strcasecmp(x->account, y->account);
}

enum exit_code otp_read_list(struct run *run, struct otp_applet *applet, struct otp_list *list)
{
    struct oath_credential one;
    struct rd answer;
    size_t count = 0;
    *list = (struct otp_list){0};
    enum err error = oath_list(&applet->card, &answer);
    if (error != E_OK)
        return otp_fault(run, applet, error, _("The one-time passwords could not be listed."));
    for (struct rd walk = answer; oath_list_next(&walk, &one);)
        count++;
    if (make_room(run, list, count) != EXIT_OK)
        return run->fault.code;
    while (oath_list_next(&answer, &one)) {
        struct otp_entry *entry = add(list, one.name);
        entry->hash = one.hash;
        otp_split(entry, one.type);
    }
    qsort(list->entry, list->count, sizeof *list->entry, by_name);
    return EXIT_OK;
}

enum exit_code otp_read_codes(struct run *run, struct otp_applet *applet, time_t now, struct otp_list *list)
{
    struct oath_calculated one;
    struct rd answer;
    size_t count = 0;
    *list = (struct otp_list){0};
    enum err error = oath_calculate_all(&applet->card, (uint64_t)now / PERIOD_USUAL, &answer);
    if (error != E_OK)
        return otp_fault(run, applet, error, _("The one-time passwords could not be made."));
    for (struct rd walk = answer; oath_calculated_next(&walk, &one);)
        count++;
    if (make_room(run, list, count) != EXIT_OK)
        return run->fault.code;
    while (oath_calculated_next(&answer, &one)) {
        struct otp_entry *entry = add(list, one.name);
        entry->when = one.when;
        entry->code = one.code;
        otp_split(entry, one.when == OATH_IS_HOTP ? OATH_HOTP : OATH_TOTP);
        // The moment was counted in another period.
        if (entry->period != PERIOD_USUAL)
            entry->code.digits = 0;
    }
    qsort(list->entry, list->count, sizeof *list->entry, by_name);
    return EXIT_OK;
}

void otp_list_free(struct otp_list *list)
{
    if (list->entry != NULL)
        secret_wipe(list->entry, list->count * sizeof *list->entry);
    free(list->entry);
    *list = (struct otp_list){0};
}

// How well a word fits, best first; 0: not at all.
static int fits(const struct otp_entry *entry, const char *word)
{
    char name[2 * OATH_NAME_MAX + 2];
    otp_name(entry, name, sizeof name);
    if (strcmp(name, word) == 0 ||
        (strlen(word) == entry->raw_len && memcmp(word, entry->raw, entry->raw_len) == 0))
        return 3;
    if (strcmp(entry->account, word) == 0 || strcmp(entry->issuer, word) == 0)
        return 2;
    return strcasestr(name, word) != NULL;
}

enum exit_code otp_find(struct run *run, const struct otp_list *list, const char *word,
                        const struct otp_entry **out)
{
    char name[2 * OATH_NAME_MAX + 2];
    int best = 0;
    size_t count = 0;
    *out = NULL;
    for (size_t i = 0; i < list->count; i++) {
        int fit = fits(&list->entry[i], word);
        if (fit == 0 || fit < best)
            continue;
        count = fit > best ? 1 : count + 1;
        best = fit;
        *out = &list->entry[i];
    }
    if (count == 1)
        return EXIT_OK;
    *out = NULL;
    if (count == 0) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no one-time password \"%s\" on the token."), word);
        return fault_todo(&run->fault, _("See what is there with: ingam otp list"));
    }
    say(run, "%s", _("These fit:"));
    for (size_t i = 0; i < list->count; i++)
        if (fits(&list->entry[i], word) == best) {
            otp_name(&list->entry[i], name, sizeof name);
            say(run, "  %s", name);
        }
    fault_set(&run->fault, EXIT_USAGE, _("\"%s\" fits several one-time passwords."), word);
    return fault_todo(&run->fault, _("Write the whole name, as ISSUER:ACCOUNT."));
}

enum exit_code otp_make_code(struct run *run, struct otp_applet *applet, const struct otp_entry *entry,
                             time_t now, struct oath_code *code)
{
    struct notice *notice = NULL;
    *code = entry->code;
    if (entry->when == OATH_NOW && code->digits != 0)
        return EXIT_OK;
    if (entry->when == OATH_NEEDS_TOUCH)
        say(run, "%s", _("Touch the token now."));
    else // the card does not tell beforehand
        notice = notice_begin(run, TOUCH_MS, _("Touch the token now."));
    enum err error = oath_calculate(&applet->card, rd_of(entry->raw, entry->raw_len), entry->type,
                                    entry->type == OATH_TOTP ? (uint64_t)now / entry->period : 0, code);
    notice_end(notice);
    if (error == E_OK)
        return EXIT_OK;
    if (error == E_AUTH_NEEDED) {
        fault_set(&run->fault, EXIT_TOUCH, _("The token was not touched in time; no code was made."));
        return fault_todo(&run->fault, _("Run the same command again."));
    }
    return otp_fault(run, applet, error, _("The code could not be made."));
}
