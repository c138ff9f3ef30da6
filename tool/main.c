// The companion tool: finds the row of the command, reads its options, meets its needs, runs it, reports.
#include "help.h"
#include "meet.h"
#include "output.h"
#include "run.h"
#include "text.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT 30

// No core dump, no look into our memory by other programs of the user.
static void close_the_shutters(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
    // Standard descriptors that are closed would be taken by the next file opened.
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            _exit(EXIT_OTHER);
}

static bool is_word(const char *argument)
{
    return argument != NULL && argument[0] != '-' && argument[0] != '\0';
}

// The row that the first one or two words name; *words is how many they are.
static const struct command *find_command(int argc, char *const *argv, int *words)
{
    const char *noun = argc > 1 && is_word(argv[1]) ? argv[1] : "";
    const char *verb = argc > 2 && is_word(argv[2]) ? argv[2] : "";
    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct command *c = commands[i];
        if (strcmp(c->noun, noun) != 0 || (c->verb != NULL && strcmp(c->verb, verb) != 0))
            continue;
        *words = c->verb != NULL ? 2 : 1;
        return c;
    }
    return NULL;
}

static enum exit_code no_command(struct run *run, int argc, char *const *argv)
{
    if (argc < 2)
        fault_set(&run->fault, EXIT_USAGE, _("Say what to do."));
    else if (argc > 2 && is_word(argv[2]))
        fault_set(&run->fault, EXIT_USAGE, _("There is no command \"%s %s\"."), argv[1], argv[2]);
    else
        fault_set(&run->fault, EXIT_USAGE, _("There is no command \"%s\"."), argv[1]);
    return fault_todo(&run->fault, _("See the commands with: ingam --help"));
}

// Options before or instead of a command: --help, --version.
static bool answered_alone(int argc, char *const *argv)
{
    if (argc != 2)
        return false;
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        help_all(stdout);
    else if (strcmp(argv[1], "--version") == 0)
        puts("ingam " INGAM_VERSION);
    else
        return false;
    return true;
}

static enum exit_code read_options(struct run *run, int argc, char *const *argv, int words)
{
    const struct option_row *lists[HELP_LISTS];
    help_lists(run->command, lists);
    run->options.timeout = TIMEOUT_DEFAULT;
    if (options_parse(&run->options, argc - 1 - words, argv + 1 + words, lists, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (run->options.operands > run->command->operands_most && !run->options.help)
        return fault_set(&run->fault, EXIT_USAGE, _("\"%s\" is one word too many."),
                         run->options.operand[run->command->operands_most]);
    return EXIT_OK;
}

static void execute(struct run *run)
{
    run->answer = json_object();
    run->needs = run->command->needs;
    if (run->command->check != NULL && run->command->check(run) != EXIT_OK)
        return;
    if (meet_needs(run) == EXIT_OK)
        run->command->run(run);
}

static bool json_wanted(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    static struct run run;
    int words = 0;
    close_the_shutters();
    text_start();
    if (answered_alone(argc, argv))
        return fflush(stdout) == 0 ? EXIT_OK : EXIT_OTHER;
    run.command = find_command(argc, argv, &words);
    if (run.command == NULL)
        no_command(&run, argc, argv);
    else if (read_options(&run, argc, argv, words) == EXIT_OK && (run.options.help || run.options.version)) {
        if (run.options.help)
            help_command(stdout, run.command);
        else
            puts("ingam " INGAM_VERSION);
        return fflush(stdout) == 0 ? EXIT_OK : EXIT_OTHER;
    } else if (run.fault.code == EXIT_OK)
        execute(&run);
    // Also what is wrong with the options is answered in JSON to who asked for it.
    run.options.json = json_wanted(argc, argv);
    meet_look_again(&run);
    meet_release(&run);
    if (run.fault.code != EXIT_OK)
        output_fault(&run);
    output_answer(&run);
    json_decref(run.answer);
    if (fflush(stdout) != 0 && run.fault.code == EXIT_OK) {
        fputs("ingam: ", stderr);
        fputs(_("The output could not be written."), stderr);
        fputc('\n', stderr);
        return EXIT_OTHER;
    }
    return (int)run.fault.code;
}
