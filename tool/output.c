// Data on standard output, talk on standard error, JSON with a schema version.
#include "output.h"
#include "run.h"
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE 2048

void say(const struct run *run, const char *format, ...)
{
    if (run->options.quiet)
        return;
    char line[LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_print(stderr, line);
    fputc('\n', stderr);
}

void tell(const struct run *run, const char *format, ...)
{
    if (run->options.json)
        return;
    char line[LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_print(stdout, line);
    fputc('\n', stdout);
}

void tell_fields(const struct run *run, const char *const *fields)
{
    if (run->options.json)
        return;
    for (size_t i = 0; fields[i] != NULL; i++) {
        if (i > 0)
            fputc('\t', stdout);
        text_print(stdout, fields[i]);
    }
    fputc('\n', stdout);
}

json_t *json_text(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    size_t length = strlen(text);
    char *clean = malloc(3 * length + 1), *to = clean;
    if (clean == NULL)
        return NULL;
    while (*text != '\0') {
        unsigned long point = 0;
        size_t used = text_decode(text, &point);
        if (used == 0) {
            memcpy(to, replacement, 3);
            to += 3;
            text++;
        } else {
            memcpy(to, text, used);
            to += used;
            text += used;
        }
    }
    *to = '\0';
    json_t *string = json_string(clean);
    free(clean);
    return string;
}

void answer_text(struct run *run, const char *key, const char *text)
{
    if (run->options.json && run->answer != NULL)
        json_object_set_new(run->answer, key, json_text(text));
}

// Steering code points stand only inside strings here, where \uXXXX means the same.
static void print_json(FILE *stream, const char *dump)
{
    while (*dump != '\0') {
        unsigned long point = 0;
        size_t used = text_decode(dump, &point);
        if (used == 0) {
            dump++;
            continue;
        }
        if (point == '\n' || !text_steers(point))
            fwrite(dump, 1, used, stream);
        else if (point < 0x10000)
            fprintf(stream, "\\u%04lx", point);
        else
            fprintf(stream, "\\u%04lx\\u%04lx", 0xD7C0 + (point >> 10), 0xDC00 + (point & 0x3FF));
        dump += used;
    }
    fputc('\n', stream);
}

static json_t *fault_json(const struct fault *fault)
{
    json_t *error = json_object();
    json_object_set_new(error, "code", json_integer(fault->code));
    json_object_set_new(error, "name", json_string(exit_name(fault->code)));
    json_object_set_new(error, "what", json_text(fault->what));
    if (fault->why[0] != '\0')
        json_object_set_new(error, "why", json_text(fault->why));
    if (fault->todo[0] != '\0')
        json_object_set_new(error, "do", json_text(fault->todo));
    if (fault->state[0] != '\0')
        json_object_set_new(error, "state", json_text(fault->state));
    if (fault->tries_known)
        json_object_set_new(error, "tries_left", json_integer(fault->tries));
    if (fault->rv_name != NULL)
        json_object_set_new(error, "rv", json_string(fault->rv_name));
    return error;
}

static void print_part(const char *title, const char *text)
{
    if (text[0] == '\0')
        return;
    fprintf(stderr, "  %s ", title);
    text_print(stderr, text);
    fputc('\n', stderr);
}

void output_fault(const struct run *run)
{
    const struct fault *fault = &run->fault;
    fputs("ingam: ", stderr);
    text_print(stderr, fault->what);
    fputc('\n', stderr);
    print_part(_("Why:"), fault->why);
    print_part(_("Now:"), fault->state);
    print_part(_("What to do:"), fault->todo);
}

void output_answer(struct run *run)
{
    if (!run->options.json)
        return;
    json_t *all = json_object();
    json_object_set_new(all, "schema", json_integer(OUTPUT_SCHEMA));
    if (run->command != NULL) {
        char name[64];
        snprintf(name, sizeof name, "%s%s%s", run->command->noun, run->command->verb != NULL ? " " : "",
                 run->command->verb != NULL ? run->command->verb : "");
        json_object_set_new(all, "command", json_string(name));
    }
    if (run->answer != NULL)
        json_object_update(all, run->answer);
    if (run->fault.code != EXIT_OK)
        json_object_set_new(all, "error", fault_json(&run->fault));
    char *dump = json_dumps(all, JSON_INDENT(2));
    if (dump != NULL)
        print_json(stdout, dump);
    free(dump);
    json_decref(all);
}
