// Writes down who may have a certificate, and lists what was issued.
#include "commands.h"
#include "desk.h"
#include "words.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JSON_SCHEMA 1

static void print_json(const char *name, const struct desk_entitled *made, bool with_code)
{
    char expires[DESK_TIME];
    desk_time(made->expires, expires);
    json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:s}", "schema", JSON_SCHEMA, "reference",
                               made->reference, "name", name, "subject", made->subject, "expires", expires);
    if (object != NULL && with_code)
        json_object_set_new(object, "code", json_string(made->code));
    if (object != NULL)
        json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void print_lines(const struct desk_entitled *made, bool with_code)
{
    char expires[DESK_TIME];
    desk_time(made->expires, expires);
    printf("reference %s\n", made->reference);
    if (with_code)
        printf("code %s\n", made->code);
    printf("expires %s\n", expires);
}

// The code is in its file before the registry knows of it: a code file without a row harms nobody.
static bool write_down(struct desk *desk, const struct options *options, const struct desk_entitled *made,
                       const struct registry_person *person, struct fail *fail)
{
    char line[sizeof made->code + 1];
    const char *file = options->code_file;
    int length = snprintf(line, sizeof line, "%s\n", made->code);
    bool done = file == NULL || file_write_new(file, 0600, line, (size_t)length, fail);
    OPENSSL_cleanse(line, sizeof line);
    if (!done)
        return false;
    if (desk_entitle(desk, person, fail))
        return true;
    if (file != NULL)
        unlink(file);
    return false;
}

bool command_authorize(const struct options *options, struct fail *fail)
{
    struct desk desk;
    struct desk_entitled made;
    struct registry_person person;
    struct desk_entitle ask = {.name = options->name,
                               .subject = options->subject,
                               .days = options->days != 0 ? options->days : 14,
                               .tries = options->tries != 0 ? options->tries : 10};
    if (!desk_open(options->dir, options->passphrase_file, &desk, fail))
        return false;
    bool done =
        desk_prepare(&desk, &ask, &made, &person, fail) && write_down(&desk, options, &made, &person, fail);
    if (done && options->json)
        print_json(options->name, &made, options->code_file == NULL);
    else if (done)
        print_lines(&made, options->code_file == NULL);
    OPENSSL_cleanse(&made, sizeof made);
    desk_close(&desk);
    return done;
}

static void list_line(void *context, const struct registry_line *line)
{
    char created[DESK_TIME];
    (void)context;
    desk_time(line->created, created);
    printf("%-12s  %-9s  %-32s  %s  %s\n", line->reference, line->state, line->serial, created, line->name);
}

static void list_json(void *context, const struct registry_line *line)
{
    char created[DESK_TIME];
    char expires[DESK_TIME];
    desk_time(line->created, created);
    desk_time(line->expires, expires);
    json_array_append_new(context,
                          json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "reference", line->reference,
                                    "name", line->name, "state", line->state, "serial", line->serial,
                                    "created", created, "expires", expires, "tries", line->tries));
}

bool command_list(const struct options *options, struct fail *fail)
{
    struct desk desk;
    if (!desk_open(options->dir, options->passphrase_file, &desk, fail))
        return false;
    json_t *rows = options->json ? json_array() : NULL;
    bool done = registry_list(desk.registry, options->json ? list_json : list_line, rows) == REGISTRY_DONE;
    if (!done)
        fail_with(fail, FAIL_OTHER, _("cannot read the registry"));
    json_t *all =
        done && rows != NULL ? json_pack("{s:i, s:O}", "schema", JSON_SCHEMA, "persons", rows) : NULL;
    if (all != NULL) {
        json_dumpf(all, stdout, JSON_INDENT(1));
        putchar('\n');
    }
    json_decref(all);
    json_decref(rows);
    desk_close(&desk);
    return done;
}
