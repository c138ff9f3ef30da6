// Reads a list of people: CSV (RFC 4180) with a heading, or JSON.
#include "batch.h"
#include "paths.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_MOST  (4 * 1024 * 1024)
#define FIELD_MOST 1024

static const struct {
    const char *key;
    size_t at;
    bool needed;
} columns[] = {
    {"name", offsetof(struct batch_person, name), true},
    {"reference", offsetof(struct batch_person, reference), true},
    {"code_file", offsetof(struct batch_person, code_file), true},
    {"subject", offsetof(struct batch_person, subject), false},
    {"slot", offsetof(struct batch_person, slot), false},
    {"token", offsetof(struct batch_person, token), false},
    {"pin_file", offsetof(struct batch_person, pin_file), false},
};
#define COLUMNS (sizeof columns / sizeof columns[0])

static bool is_column(const char *key)
{
    for (size_t i = 0; i < COLUMNS; i++)
        if (strcmp(columns[i].key, key) == 0)
            return true;
    return false;
}

static enum exit_code bad_row(struct run *run, size_t row, const char *why)
{
    fault_set(&run->fault, EXIT_USAGE, _("Row %zu of the list cannot be used."), row);
    fault_why(&run->fault, "%s", why);
    return fault_todo(&run->fault,
                      _("Its columns are name, reference, code_file and, if wanted, subject, slot, "
                        "token, pin_file."));
}

// One field; *text is after its end (a comma, the end of the line or of the text). False: a quote is open.
static bool take_field(const char **text, char out[FIELD_MOST], bool *fits)
{
    const char *at = *text;
    size_t n = 0;
    bool quoted = *at == '"';
    at += quoted;
    for (; *at != '\0'; at++) {
        if (quoted && *at == '"' && *++at != '"')
            break;
        if (!quoted && (*at == ',' || *at == '\n' || *at == '\r'))
            break;
        *fits = *fits && n + 1 < FIELD_MOST;
        if (*fits)
            out[n++] = *at;
    }
    out[n] = '\0';
    *text = at;
    return !quoted || at[-1] == '"';
}

// A line as an array of texts. *text is at the next line.
static json_t *take_line(const char **text, const char **why)
{
    json_t *out = json_array();
    char field[FIELD_MOST];
    bool fits = true;
    for (;;) {
        if (!take_field(text, field, &fits) || !fits ||
            (**text != ',' && **text != '\n' && **text != '\r' && **text != '\0')) {
            *why = fits ? N_("its quotes do not match") : N_("a field is too long");
            json_decref(out);
            return NULL;
        }
        json_t *string = json_string(field);
        if (string == NULL || json_array_append_new(out, string) != 0) {
            *why = N_("it is not UTF-8");
            json_decref(out);
            return NULL;
        }
        if (**text != ',')
            break;
        (*text)++;
    }
    *text += strspn(*text, "\r\n");
    return out;
}

static enum exit_code read_csv(struct run *run, const char *text, json_t **out)
{
    const char *why = NULL;
    json_t *heading = take_line(&text, &why);
    if (heading == NULL)
        return bad_row(run, 1, _(why));
    *out = json_array();
    for (size_t row = 2; *text != '\0' && run->fault.code == EXIT_OK; row++) {
        json_t *fields = take_line(&text, &why), *person = json_object();
        if (fields == NULL)
            bad_row(run, row, _(why));
        else if (json_array_size(fields) != json_array_size(heading))
            bad_row(run, row, _("it has not as many fields as the heading"));
        for (size_t i = 0; run->fault.code == EXIT_OK && i < json_array_size(fields); i++)
            if (json_string_length(json_array_get(fields, i)) > 0)
                json_object_set(person, json_string_value(json_array_get(heading, i)),
                                json_array_get(fields, i));
        json_array_append_new(*out, person);
        json_decref(fields);
    }
    json_decref(heading);
    return run->fault.code;
}

static enum exit_code read_json(struct run *run, const char *text, json_t **out)
{
    json_error_t error;
    json_t *all = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    json_t *people = json_is_object(all) ? json_object_get(all, "people") : all;
    if (json_is_array(people)) {
        *out = json_incref(people);
        json_decref(all);
        return EXIT_OK;
    }
    fault_set(&run->fault, EXIT_USAGE, _("The list cannot be read."));
    fault_why(&run->fault, "%s", all == NULL ? error.text : _("it is no array of people"));
    json_decref(all);
    return run->fault.code;
}

static enum exit_code take_person(struct run *run, json_t *object, size_t row, struct batch_person *person)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!is_column(key))
            return bad_row(run, row, _("it has a column that is unknown"));
        if (!json_is_string(value) || json_string_length(value) >= FIELD_MOST)
            return bad_row(run, row, _("a field is no text, or too long"));
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *text = json_string_value(json_object_get(object, columns[i].key));
        if (text == NULL && columns[i].needed)
            return bad_row(run, row, _("name, reference or code file is missing"));
        *(const char **)(void *)((char *)person + columns[i].at) = text;
    }
    return EXIT_OK;
}

// Paths in the list are meant from the list's own folder.
static enum exit_code place(struct run *run, const char *list, json_t *object, const char *key, size_t row)
{
    char whole[PATHS_MAX];
    const char *path = json_string_value(json_object_get(object, key)), *slash = strrchr(list, '/');
    if (path == NULL)
        return EXIT_OK;
    int folder = slash != NULL && path[0] != '/' ? (int)(slash - list) + 1 : 0;
    if ((size_t)snprintf(whole, sizeof whole, "%.*s%s", folder, list, path) >= sizeof whole)
        return bad_row(run, row, _("a path is too long"));
    json_object_set_new(object, key, json_string(whole));
    if (access(whole, R_OK) == 0)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("Row %zu of the list: %s cannot be read."), row, whole);
    return fault_why(&run->fault, "%s", strerror(errno));
}

static enum exit_code take_people(struct run *run, const char *path, struct batch *batch)
{
    json_t *object;
    size_t i;
    batch->count = json_array_size(batch->list);
    if (batch->count == 0 || batch->count > BATCH_MOST)
        return fault_set(&run->fault, EXIT_USAGE, _("The list has %zu people; it may have 1 to %d."),
                         batch->count, BATCH_MOST);
    batch->person = calloc(batch->count, sizeof *batch->person);
    if (batch->person == NULL)
        return fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    json_t *seen = json_object();
    json_array_foreach(batch->list, i, object)
    {
        struct batch_person *person = &batch->person[i];
        if (!json_is_object(object))
            bad_row(run, i + 1, _("it is no object"));
        else if (place(run, path, object, "code_file", i + 1) == EXIT_OK &&
                 place(run, path, object, "pin_file", i + 1) == EXIT_OK &&
                 take_person(run, object, i + 1, person) == EXIT_OK &&
                 json_object_get(seen, person->reference) != NULL)
            bad_row(run, i + 1, _("its reference number stands in an earlier row, too"));
        if (run->fault.code != EXIT_OK)
            break;
        json_object_set_new(seen, person->reference, json_true());
    }
    json_decref(seen);
    return run->fault.code;
}

enum exit_code batch_read(struct run *run, const char *path, struct batch *batch)
{
    char *text = malloc(LIST_MOST + 1);
    long n = text != NULL ? paths_read(path, text, LIST_MOST) : -1;
    if (n < 0 || strlen((text[n] = '\0', text)) != (size_t)n) {
        fault_set(&run->fault, EXIT_USAGE, _("The list %s could not be read."), path);
        fault_why(&run->fault, "%s", n < 0 ? strerror(errno) : _("it is no text"));
    } else {
        const char *begin = strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
        char first = begin[strspn(begin, " \t\r\n")];
        if ((first == '[' || first == '{' ? read_json : read_csv)(run, begin, &batch->list) == EXIT_OK)
            take_people(run, path, batch);
    }
    free(text);
    return run->fault.code;
}
