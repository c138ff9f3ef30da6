// One row an option, and how each kind of field is asked for.
#include "apply/answer.h"
#include "ask.h"
#include "otp/applet.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINE_MOST 1024

enum from { FROM_TEXT, FROM_FILE };

// Which option answers which field.
static const struct row {
    const char *step, *field, *option;
    size_t at;
    enum from from;
} rows[] = {
    {"identity", "customer", "customer", OPTION_AT(customer), FROM_TEXT},
    {"identity", "number", "number-file", OPTION_AT(number_file), FROM_FILE},
    {"check", "check", "check", OPTION_AT(check), FROM_TEXT},
    {"kind", "class", "class", OPTION_AT(class_name), FROM_TEXT},
    {"kind", "kind", "kind", OPTION_AT(application_kind), FROM_TEXT},
    {"factor", "factor", "factor", OPTION_AT(factor), FROM_TEXT},
    {"answer", "answer", "answer-file", OPTION_AT(answer_file), FROM_FILE},
};

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool is_kind(json_t *field, const char *kind)
{
    return strcmp(text_of(field, "kind"), kind) == 0;
}

static const struct row *row_of(json_t *step, json_t *field)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].step, text_of(step, "name")) == 0 &&
            strcmp(rows[i].field, text_of(field, "name")) == 0)
            return &rows[i];
    return NULL;
}

static enum exit_code missing(struct run *run, json_t *step, json_t *field)
{
    const struct row *row = row_of(step, field);
    fault_set(&run->fault, EXIT_USAGE,
              _("The certificate centre asks for \"%s\", and there is no terminal to "
                "answer at."),
              text_of(field, "label"));
    if (is_kind(field, "agree"))
        return fault_todo(
            &run->fault, "%s",
            strcmp(text_of(step, "name"), "terms") == 0
                ? _("Read the terms at the certificate centre; agree to all of them with --agree.")
            : strcmp(text_of(step, "name"), "fee") == 0 ? _("Agree to the fee with --fee WON.")
                                                        : _("Confirm the details with --confirm."));
    if (row != NULL)
        return fault_todo(&run->fault, _("Give it with --%s."), row->option);
    return fault_todo(&run->fault, _("Apply at the certificate centre's pages instead."));
}

static enum exit_code put(struct run *run, json_t *values, json_t *field, struct rd text)
{
    json_t *value = json_stringn((const char *)text.p, text.n);
    if (value != NULL && json_object_set_new(values, text_of(field, "name"), value) == 0)
        return EXIT_OK;
    return fault_set(&run->fault, EXIT_USAGE, _("\"%s\" is not UTF-8."), text_of(field, "label"));
}

static enum exit_code put_secret(struct run *run, json_t *values, json_t *field, struct secret *line)
{
    if (run->fault.code == EXIT_OK)
        put(run, values, field, secret_view(line));
    secret_free(line);
    return run->fault.code;
}

// --- what is agreed to

// The fee that the step shows, in won.
static unsigned long fee_of(json_t *step)
{
    json_t *fact;
    size_t i;
    unsigned long won = 0;
    json_array_foreach(json_object_get(step, "facts"), i,
                       fact) if (strcmp(text_of(fact, "name"), "fee") ==
                                 0) for (const char *c = text_of(fact, "value");
                                         *c != '\0' && won < 100000000; c++) if (*c >= '0' && *c <= '9') won =
        won * 10 + (unsigned long)(*c - '0');
    return won;
}

static enum exit_code agreed(struct run *run, json_t *step, bool *said)
{
    const struct options *options = &run->options;
    const char *name = text_of(step, "name");
    *said = strcmp(name, "terms") == 0 ? options->agree : strcmp(name, "fee") != 0 && options->confirm;
    if (strcmp(name, "fee") != 0 || !options->fee_given)
        return EXIT_OK;
    *said = true;
    if (fee_of(step) == options->fee)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_MISMATCH, _("The fee is %lu won, not %u."), fee_of(step), options->fee);
    return fault_state(&run->fault, _("Nothing was applied for."));
}

static bool is_yes(const char *answer)
{
    return strcasecmp(answer, "yes") == 0 || strcasecmp(answer, "y") == 0 || strcmp(answer, "예") == 0 ||
           strcmp(answer, "네") == 0;
}

// All that a step wants agreed to is one question: all of it, or nothing.
static enum exit_code agree(struct run *run, json_t *step, json_t *values, bool *asked)
{
    json_t *field, *first = NULL;
    size_t i;
    char answer[LINE_MOST];
    bool said = false;
    json_array_foreach(json_object_get(step, "fields"), i, field)
    {
        if (!is_kind(field, "agree"))
            continue;
        first = first != NULL ? first : field;
        say(run, "* %s", text_of(field, "label"));
        if (text_of(field, "hint")[0] != '\0')
            say(run, "  %s", text_of(field, "hint"));
        json_object_set_new(values, text_of(field, "name"), json_string("yes"));
    }
    if (first == NULL || agreed(run, step, &said) != EXIT_OK || said)
        return run->fault.code;
    if (!ask_possible())
        return missing(run, step, first);
    *asked = true;
    if (ask_line(run, _("Do you agree to all of this? (yes/no)"), answer, sizeof answer) != EXIT_OK ||
        is_yes(answer))
        return run->fault.code;
    return fault_set(&run->fault, EXIT_INTERRUPTED, _("Not agreed: nothing was applied for."));
}

// --- one of several

static json_t *choice_by(json_t *choices, const char *word)
{
    json_t *choice;
    size_t i;
    json_array_foreach(choices, i, choice) if (strcmp(text_of(choice, "value"), word) == 0) return choice;
    char *end = NULL;
    unsigned long number = word[0] >= '1' && word[0] <= '9' ? strtoul(word, &end, 10) : 0;
    return number > 0 && *end == '\0' ? json_array_get(choices, number - 1) : NULL;
}

static enum exit_code ask_choice(struct run *run, json_t *field, json_t *choices, json_t **out)
{
    char answer[LINE_MOST], prompt[LINE_MOST];
    json_t *choice;
    size_t i;
    json_array_foreach(choices, i, choice)
        say(run, "  %zu) %s%s%s%s", i + 1, text_of(choice, "label"),
            text_of(choice, "note")[0] != '\0' ? " (" : "", text_of(choice, "note"),
            text_of(choice, "note")[0] != '\0' ? ")" : "");
    snprintf(prompt, sizeof prompt, "%s [1-%zu]", text_of(field, "label"), json_array_size(choices));
    for (*out = NULL; *out == NULL;) {
        if (ask_line(run, prompt, answer, sizeof answer) != EXIT_OK)
            return run->fault.code;
        *out = choice_by(choices, answer);
    }
    return EXIT_OK;
}

static bool names(const struct otp_entry *entry, const char *name)
{
    char whole[2 * OATH_NAME_MAX + 2];
    otp_name(entry, whole, sizeof whole);
    return name[0] != '\0' && (strcasecmp(whole, name) == 0 || strcasecmp(entry->account, name) == 0 ||
                               strcasecmp(entry->issuer, name) == 0);
}

// The medium whose name at the desk, or a part of it, is that of --otp.
static json_t *choice_of_otp(json_t *choices, const char *otp)
{
    json_t *choice, *found = NULL;
    size_t i;
    json_array_foreach(choices, i, choice)
    {
        struct otp_entry entry = {0};
        const char *note = text_of(choice, "note");
        entry.raw_len = strnlen(note, OATH_NAME_MAX);
        memcpy(entry.raw, note, entry.raw_len);
        otp_split(&entry, OATH_HOTP);
        if (!names(&entry, otp))
            continue;
        if (found != NULL)
            return NULL;
        found = choice;
    }
    return found;
}

static enum exit_code choose(struct run *run, struct answers *answers, json_t *step, json_t *field,
                             json_t *values, bool *asked)
{
    json_t *choices = json_object_get(field, "choices"), *choice = NULL;
    const struct row *row = row_of(step, field);
    const char *given = row != NULL ? *(const char *const *)((const char *)&run->options + row->at) : NULL;
    bool medium = strcmp(text_of(field, "name"), "factor") == 0;
    if (medium && answers->proofs > 0)
        given = NULL; // of another need
    if (given != NULL && (choice = choice_by(choices, given)) == NULL)
        return fault_set(&run->fault, EXIT_USAGE, _("\"%s\" is not among the choices for \"%s\"."), given,
                         text_of(field, "label"));
    if (choice == NULL && medium && answers->proofs == 0 && run->options.otp != NULL)
        choice = choice_of_otp(choices, run->options.otp);
    if (choice == NULL && json_array_size(choices) == 1)
        choice = json_array_get(choices, 0);
    if (choice == NULL && strcmp(text_of(field, "name"), "kind") == 0 && !ask_possible())
        choice = choice_by(choices, "issue");
    if (choice == NULL && !ask_possible())
        return missing(run, step, field);
    if (choice == NULL) {
        *asked = true;
        if (ask_choice(run, field, choices, &choice) != EXIT_OK)
            return run->fault.code;
    }
    if (medium)
        snprintf(answers->medium, sizeof answers->medium, "%s", text_of(choice, "note"));
    json_object_set(values, text_of(field, "name"), json_object_get(choice, "value"));
    return EXIT_OK;
}

// --- the token's own one-time passwords

// The credential of --otp, or the one that has the name of the medium at the desk. NULL, perhaps with a
// fault: none.
static const struct otp_entry *find_otp(struct run *run, const struct answers *answers,
                                        const struct otp_list *list)
{
    const struct otp_entry *found = NULL;
    if (run->options.otp != NULL && answers->proofs == 0)
        return otp_find(run, list, run->options.otp, &found) == EXIT_OK ? found : NULL;
    for (size_t i = 0; i < list->count; i++)
        if (names(&list->entry[i], answers->medium)) {
            if (found != NULL)
                return NULL;
            found = &list->entry[i];
        }
    return found;
}

static enum exit_code take_code(struct run *run, struct answers *answers, struct otp_applet *applet,
                                json_t *field, json_t *values, bool *taken)
{
    struct otp_list list = {0};
    struct oath_code code = {0};
    char digits[16], name[2 * OATH_NAME_MAX + 2];
    time_t now = time(NULL);
    if (otp_read_codes(run, applet, now, &list) == EXIT_OK) {
        const struct otp_entry *entry = find_otp(run, answers, &list);
        if (entry != NULL)
            otp_name(entry, name, sizeof name);
        if (entry != NULL && strcmp(name, answers->failed) != 0 &&
            otp_make_code(run, applet, entry, now, &code) == EXIT_OK) {
            say(run, _("The token makes the one-time password: %s"), name);
            otp_digits(&code, digits, sizeof digits);
            put(run, values, field, rd_of(digits, strlen(digits)));
            secret_wipe(digits, sizeof digits);
            snprintf(answers->failed, sizeof answers->failed, "%s", name);
            *taken = true;
        }
    }
    otp_list_free(&list);
    secret_wipe(&code, sizeof code);
    return run->fault.code;
}

// What goes wrong on the token ends the application only if the person has asked for its code.
static enum exit_code by_token(struct run *run, struct answers *answers, json_t *step, json_t *field,
                               json_t *values, bool *taken)
{
    struct otp_applet applet;
    bool wanted = run->options.otp != NULL && answers->proofs == 0;
    *taken = false;
    if (strcmp(text_of(step, "name"), "answer") != 0 || strcmp(text_of(field, "name"), "answer") != 0 ||
        (!wanted && answers->medium[0] == '\0'))
        return EXIT_OK;
    // Unasked, nobody is asked for an access code.
    if (otp_open_locked(run, &applet) == EXIT_OK && (wanted || !applet.info.locked)) {
        if (otp_unlock(run, &applet) == EXIT_OK)
            take_code(run, answers, &applet, field, values, taken);
    }
    otp_close(&applet);
    if (!wanted)
        fault_clear(&run->fault);
    return run->fault.code;
}

// --- the rest

static enum exit_code ask_field(struct run *run, json_t *field, json_t *values)
{
    struct secret *line = NULL;
    char answer[LINE_MOST];
    if (text_of(field, "hint")[0] != '\0')
        say(run, "  %s", text_of(field, "hint"));
    if (is_kind(field, "secret")) {
        ask_secret(run, text_of(field, "label"), EXIT_INTERRUPTED, &line);
        return put_secret(run, values, field, line);
    }
    if (ask_line(run, text_of(field, "label"), answer, sizeof answer) != EXIT_OK)
        return run->fault.code;
    return put(run, values, field, rd_of(answer, strlen(answer)));
}

static enum exit_code fill(struct run *run, struct answers *answers, json_t *step, json_t *field,
                           json_t *values, bool *asked)
{
    const struct row *row = row_of(step, field);
    const char *given = row != NULL ? *(const char *const *)((const char *)&run->options + row->at) : NULL;
    struct secret *line = NULL;
    bool taken = false;
    if (answers->proofs > 0 && row != NULL && row->at == OPTION_AT(answer_file))
        given = run->options.account_file; // the second proof
    if (given != NULL && row->from == FROM_FILE) {
        ask_file(run, given, &line);
        return put_secret(run, values, field, line);
    }
    if (given != NULL)
        return put(run, values, field, rd_of(given, strlen(given)));
    if (by_token(run, answers, step, field, values, &taken) != EXIT_OK || taken)
        return run->fault.code;
    if (!ask_possible())
        return json_is_true(json_object_get(field, "required")) ? missing(run, step, field) : EXIT_OK;
    *asked = true;
    return ask_field(run, field, values);
}

enum exit_code answer_fields(struct run *run, struct answers *answers, json_t *step, json_t **values,
                             bool *asked)
{
    json_t *field;
    size_t i;
    *asked = false;
    *values = json_object();
    if (agree(run, step, *values, asked) != EXIT_OK)
        return run->fault.code;
    json_array_foreach(json_object_get(step, "fields"), i, field)
    {
        if (is_kind(field, "choice"))
            choose(run, answers, step, field, *values, asked);
        else if (!is_kind(field, "agree"))
            fill(run, answers, step, field, *values, asked);
        if (run->fault.code != EXIT_OK)
            break;
    }
    return run->fault.code;
}
