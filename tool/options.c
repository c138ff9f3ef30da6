// Reads the command line by rows.
#include "options.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FLAG(option, field, text)                                                                            \
    {                                                                                                        \
        .name = (option), .kind = OPTION_FLAG, .at = OPTION_AT(field), .help = (text)                        \
    }
#define TEXT(option, field, what, text)                                                                      \
    {                                                                                                        \
        .name = (option), .kind = OPTION_TEXT, .at = OPTION_AT(field), .value = (what), .help = (text)       \
    }

const struct option_row options_any[] = {
    FLAG("help", help, N_("show this help")),
    FLAG("version", version, N_("show the version")),
    FLAG("json", json, N_("answer in JSON")),
    FLAG("yes", yes, N_("do not ask before something is destroyed")),
    FLAG("quiet", quiet, N_("say only what went wrong")),
    TEXT("module", module, N_("FILE"), N_("the PKCS#11 module (else INGAM_MODULE, else Ingam's own)")),
    {.name = NULL},
};

const struct option_row options_token[] = {
    TEXT("token", token, N_("TOKEN"), N_("the token: its serial number, its label or a pkcs11: URI")),
    TEXT("serial", token, N_("TOKEN"), N_("the same as --token")),
    {.name = NULL},
};

const struct option_row options_pin[] = {
    TEXT("pin-file", pin_file, N_("FILE"),
         N_("read the PIN from the first line of FILE (else INGAM_PIN, else asked)")),
    {.name = "pin-fd",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(pin_fd),
     .given_at = OPTION_AT(pin_fd_given),
     .most = 1023,
     .value = N_("NUMBER"),
     .help = N_("read the PIN from this file descriptor")},
    FLAG("last-try", last_try, N_("go on although a wrong PIN now blocks the token")),
    {.name = NULL},
};

const struct option_row options_admin[] = {
    TEXT("admin-key-file", admin_key_file, N_("FILE"), N_("read the management key, in hex, from FILE")),
    FLAG("default-admin", default_admin, N_("use the factory's management key")),
    {.name = NULL},
};

static const struct option_row *row_of(const char *name, size_t length, const struct option_row *const *lists)
{
    for (; *lists != NULL; lists++)
        for (const struct option_row *row = *lists; row->name != NULL; row++)
            if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
                return row;
    return NULL;
}

static enum exit_code store_number(struct options *out, const struct option_row *row, const char *text,
                                   struct fault *fault)
{
    char *end = NULL;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || text[0] == '+' ||
        number < row->least || number > row->most) {
        fault_set(fault, EXIT_USAGE, _("--%s takes a number from %u to %u, not \"%s\"."), row->name,
                  row->least, row->most, text);
        return fault->code;
    }
    *(unsigned *)(void *)((char *)out + row->at) = (unsigned)number;
    return EXIT_OK;
}

static enum exit_code store(struct options *out, const struct option_row *row, const char *text,
                            struct fault *fault)
{
    char *base = (char *)out;
    if (row->kind == OPTION_FLAG)
        *(bool *)(void *)(base + row->at) = true;
    else if (row->kind == OPTION_NUMBER) {
        if (store_number(out, row, text, fault) != EXIT_OK)
            return fault->code;
    } else if (text[0] == '\0') {
        return fault_set(fault, EXIT_USAGE, _("--%s needs a value that is not empty."), row->name);
    } else {
        *(const char **)(void *)(base + row->at) = text;
    }
    if (row->given_at != 0)
        *(bool *)(void *)(base + row->given_at) = true;
    return EXIT_OK;
}

// Takes argv[i] (an option). Returns how many arguments it used, or 0 with a fault.
static int take_option(struct options *out, int left, char *const *argv,
                       const struct option_row *const *lists, struct fault *fault)
{
    const char *name = argv[0] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct option_row *row = row_of(name, length, lists);
    if (row == NULL) {
        fault_set(fault, EXIT_USAGE, _("There is no option --%.*s here."), (int)length, name);
        fault_todo(fault, _("See the options with --help."));
        return 0;
    }
    if (row->kind == OPTION_FLAG) {
        if (equals != NULL) {
            fault_set(fault, EXIT_USAGE, _("--%s takes no value."), row->name);
            return 0;
        }
        return store(out, row, NULL, fault) == EXIT_OK;
    }
    if (equals == NULL && left < 2) {
        fault_set(fault, EXIT_USAGE, _("--%s needs a value."), row->name);
        return 0;
    }
    if (store(out, row, equals != NULL ? equals + 1 : argv[1], fault) != EXIT_OK)
        return 0;
    return equals != NULL ? 1 : 2;
}

enum exit_code options_parse(struct options *out, int argc, char *const *argv,
                             const struct option_row *const *lists, struct fault *fault)
{
    bool only_operands = false;
    for (int i = 0; i < argc;) {
        const char *word = argv[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
            i++;
        } else if (!only_operands && strncmp(word, "--", 2) == 0) {
            int used = take_option(out, argc - i, argv + i, lists, fault);
            if (used == 0)
                return fault->code;
            i += used;
        } else if (!only_operands && word[0] == '-' && word[1] != '\0') {
            fault_set(fault, EXIT_USAGE, _("There is no option %s: options begin with two dashes."), word);
            return fault->code;
        } else if (out->operands == OPTIONS_OPERANDS) {
            return fault_set(fault, EXIT_USAGE, _("\"%s\" is one word too many."), word);
        } else {
            out->operand[out->operands++] = word;
            i++;
        }
    }
    return EXIT_OK;
}
