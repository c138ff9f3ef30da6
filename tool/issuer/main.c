// ingam-issuer: the issuing desk. Finds the command, runs it, prints its failure, returns its exit code.
#include "commands.h"
#include "words.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct command {
    const char *name;
    enum options_command options;
    bool (*run)(const struct options *, struct fail *);
    const char *help;
};

static const struct command commands[] = {
    {"init", FOR_INIT, command_init, N_("make a desk: a CA, its keys and its registry")},
    {"authorize", FOR_AUTHORIZE, command_authorize, N_("write down who may have a certificate")},
    {"serve", FOR_SERVE, command_serve, N_("answer CMP requests over HTTP")},
    {"list", FOR_LIST, command_list, N_("show who is written down and what was issued")},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void usage(FILE *to)
{
    fprintf(to, "%s\n\n", _("usage: ingam-issuer COMMAND [OPTION]..."));
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-12s %s\n", commands[i].name, _(commands[i].help));
    fprintf(to, "\n%s\n", _("'ingam-issuer COMMAND --help' shows the options of a command."));
}

static int run(const struct command *command, int count, char **arguments)
{
    struct options options;
    struct fail fail = {0};
    bool done = options_read(command->options, count, arguments, &options, &fail);
    if (done && options.help) {
        printf("ingam-issuer %s: %s\n\n", command->name, _(command->help));
        options_help(command->options);
    } else if (done) {
        done = command->run(&options, &fail);
    }
    if (done && fflush(stdout) != 0)
        done = fail_errno(&fail, _("cannot write the output"));
    if (done)
        return 0;
    fprintf(stderr, "ingam-issuer: %s\n", fail.text);
    if (fail.code == FAIL_USAGE)
        fprintf(stderr, _("'ingam-issuer %s --help' shows the options.\n"), command->name);
    return fail.code != FAIL_NONE ? (int)fail.code : FAIL_OTHER;
}

// Keys and codes stay out of core dumps.
static void no_core(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(int count, char **arguments)
{
    no_core();
    setlocale(LC_ALL, "");
    bindtextdomain("ingam", INGAM_LOCALEDIR);
    bind_textdomain_codeset("ingam", "UTF-8");
    const char *name = count > 1 ? arguments[1] : "";
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return run(&commands[i], count - 2, arguments + 2);
    }
    if (strcmp(name, "--version") == 0) {
        printf("ingam-issuer %s\n", INGAM_VERSION);
        return 0;
    }
    if (strcmp(name, "--help") == 0) {
        usage(stdout);
        return 0;
    }
    if (name[0] != 0)
        fprintf(stderr, _("ingam-issuer: unknown command '%s'\n"), name);
    usage(stderr);
    return FAIL_USAGE;
}
