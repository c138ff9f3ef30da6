// ingam-issuer: the issuing desk. Finds the command, runs it, prints its failure, returns its exit code.
#include "commands.h"
#include "words.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

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

// Finds the translations: those of the build tree that the program stands in, else the installed ones.
static void speak(void)
{
    char path[PATH_MAX + sizeof "/../po/locale"];
    setlocale(LC_ALL, "");
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length > 0)
        memcpy(path + length, "../po/locale", sizeof "../po/locale");
    bindtextdomain("ingam", length > 0 && access(path, F_OK) == 0 ? path : INGAM_LOCALEDIR);
    bind_textdomain_codeset("ingam", "UTF-8");
}

int main(int count, char **arguments)
{
    speak();
    no_core(); // after it, /proc/self/exe cannot be read any more
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
