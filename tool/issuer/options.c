// Reads the command line by rows; the help is printed from the same rows.
#include "options.h"

#include "words.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, FLAG };

struct row {
    const char *name;
    enum kind kind;
    size_t at;
    unsigned takes, needs; // commands
    int least, most;       // NUMBER
    const char *value;
    const char *help;
};

#define AT(member) offsetof(struct options, member)

static const struct row rows[] = {
    {"--dir", TEXT, AT(dir), FOR_ALL, FOR_ALL, 0, 0, "DIR", N_("the desk's directory")},
    {"--name", TEXT, AT(name), FOR_INIT | FOR_AUTHORIZE, FOR_INIT | FOR_AUTHORIZE, 0, 0, "NAME",
     N_("name of the desk or of the person, in UTF-8")},
    {"--subject", TEXT, AT(subject), FOR_INIT | FOR_AUTHORIZE, 0, 0, 0, "DN",
     N_("subject of the certificate, as /C=KR/O=Example/CN=Name")},
    {"--key", TEXT, AT(key), FOR_INIT, 0, 0, 0, "KIND",
     N_("the CA's key: p256 (default), p384, rsa3072, rsa4096")},
    {"--policy", TEXT, AT(policy), FOR_INIT, 0, 0, 0, "OID",
     N_("certificate policy of what the desk issues")},
    {"--days", NUMBER, AT(days), FOR_AUTHORIZE, 0, 1, 366, "N", N_("the code expires after N days (14)")},
    {"--tries", NUMBER, AT(tries), FOR_AUTHORIZE, 0, 1, 100, "N",
     N_("wrong codes until the reference is locked (10)")},
    {"--code-file", TEXT, AT(code_file), FOR_AUTHORIZE, 0, 0, 0, "FILE",
     N_("write the code to a new file of mode 0600 instead of printing it")},
    {"--listen", TEXT, AT(listen), FOR_SERVE, 0, 0, 0, "ADDRESS:PORT",
     N_("where to listen (127.0.0.1:8829); port 0: any free one")},
    {"--detach", FLAG, AT(detach), FOR_SERVE, 0, 0, 0, NULL,
     N_("go on in the background as soon as it is ready; requests are logged in DIR/serve.log")},
    {"--pid-file", TEXT, AT(pid_file), FOR_SERVE, 0, 0, 0, "FILE", N_("write the process number to FILE")},
    {"--passphrase-file", TEXT, AT(passphrase_file), FOR_ALL, 0, 0, 0, "FILE",
     N_("its first line is the passphrase of the desk's keys")},
    {"--json", FLAG, AT(json), FOR_AUTHORIZE | FOR_LIST, 0, 0, 0, NULL, N_("print JSON")},
    {"--help", FLAG, AT(help), FOR_ALL, 0, 0, 0, NULL, N_("print this help")},
};

#define ROWS (sizeof rows / sizeof rows[0])

static bool number(const struct row *row, const char *value, struct options *options, struct fail *fail)
{
    char *end = NULL;
    errno = 0;
    long got = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != 0 || got < row->least || got > row->most)
        return fail_with(fail, FAIL_USAGE, _("%s must be a number from %d to %d, not '%s'"), row->name,
                         row->least, row->most, value);
    *(int *)(void *)((char *)options + row->at) = (int)got;
    return true;
}

static bool store(const struct row *row, const char *value, struct options *options, struct fail *fail)
{
    void *at = (char *)options + row->at;
    if (row->kind == NUMBER)
        return number(row, value, options, fail);
    if (row->kind == FLAG)
        *(bool *)at = true;
    else
        *(const char **)at = value;
    return true;
}

static const struct row *find(enum options_command command, const char *name, size_t length)
{
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].takes & command) != 0 && strlen(rows[i].name) == length &&
            strncmp(rows[i].name, name, length) == 0)
            return &rows[i];
    }
    return NULL;
}

static bool complete(enum options_command command, const struct options *options, struct fail *fail)
{
    for (size_t i = 0; i < ROWS && !options->help; i++) {
        const char *const *at = (const void *)((const char *)options + rows[i].at);
        if ((rows[i].needs & command) != 0 && *at == NULL)
            return fail_with(fail, FAIL_USAGE, _("%s %s is missing"), rows[i].name, rows[i].value);
    }
    return true;
}

bool options_read(enum options_command command, int count, char **arguments, struct options *options,
                  struct fail *fail)
{
    memset(options, 0, sizeof *options);
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        size_t length = strcspn(argument, "=");
        const struct row *row = find(command, argument, length);
        const char *value = argument[length] == '=' ? argument + length + 1 : NULL;
        if (row == NULL)
            return fail_with(fail, FAIL_USAGE, _("unknown option '%s'"), argument);
        if (row->kind == FLAG && value != NULL)
            return fail_with(fail, FAIL_USAGE, _("%s takes no value"), row->name);
        if (row->kind != FLAG && value == NULL && ++i < count)
            value = arguments[i];
        if (row->kind != FLAG && value == NULL)
            return fail_with(fail, FAIL_USAGE, _("%s needs a value: %s"), row->name, row->value);
        if (!store(row, value, options, fail))
            return false;
    }
    return complete(command, options, fail);
}

void options_help(enum options_command command)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        char left[64];
        if ((row->takes & command) == 0)
            continue;
        snprintf(left, sizeof left, "%s %s", row->name, row->value != NULL ? row->value : "");
        printf("  %-24s %s%s\n", left, _(row->help), (row->needs & command) != 0 ? _(" (needed)") : "");
    }
}
