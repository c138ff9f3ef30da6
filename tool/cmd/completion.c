// ingam completion: scripts for shells, written from the same rows as the help.
#include "help.h"
#include "run.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct shell {
    const char *name;
    void (*begin)(void);
    void (*one)(const struct command *command);
    void (*end)(void);
};

// Words of rows are letters, digits and dashes: nothing here needs quoting.
static void print_options(const struct command *command, const char *before, const char *after)
{
    const struct option_row *lists[HELP_LISTS];
    help_lists(command, lists);
    for (size_t i = 0; lists[i] != NULL; i++)
        for (const struct option_row *row = lists[i]; row->name != NULL; row++)
            printf("%s%s%s", before, row->name, after);
}

static bool first_of_noun(const struct command *command)
{
    for (size_t i = 0; commands[i] != command; i++)
        if (strcmp(commands[i]->noun, command->noun) == 0)
            return false;
    return true;
}

static void print_nouns(void)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (first_of_noun(commands[i]))
            printf(" %s", commands[i]->noun);
}

static void print_verbs(const char *noun)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->noun, noun) == 0 && commands[i]->verb != NULL)
            printf(" %s", commands[i]->verb);
}

#define SLOTS "auth sign kem card 9a 9c 9d 9e"

static bool takes_slot(const struct command *command)
{
    return command->operands != NULL && strstr(command->operands, "SLOT") != NULL;
}

static void bash_begin(void)
{
    fputs("# bash completion for ingam\n"
          "_ingam() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local words=\n"
          "    COMPREPLY=()\n"
          "    case $prev in\n"
          "    --*file|--module|--ca|--cert|--folder|--pfx|--public-key) compopt -o default; return ;;\n"
          "    --slot) mapfile -t COMPREPLY < <(compgen -W \"" SLOTS "\" -- \"$cur\"); return ;;\n"
          "    esac\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        words=\"--help --version",
          stdout);
    print_nouns();
    fputs("\"\n    else\n        case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n", stdout);
}

static void bash_one(const struct command *command)
{
    printf("        '%s %s'*) words=\"%s", command->noun, command->verb != NULL ? command->verb : "",
           takes_slot(command) ? SLOTS : "");
    print_options(command, " --", "");
    fputs("\" ;;\n", stdout);
}

static void bash_end(void)
{
    fputs("        esac\n        if [ \"$COMP_CWORD\" -eq 2 ]; then\n            case ${COMP_WORDS[1]} in\n",
          stdout);
    for (size_t i = 0; commands[i] != NULL; i++)
        if (commands[i]->verb != NULL && first_of_noun(commands[i])) {
            printf("            %s) words=\"", commands[i]->noun);
            print_verbs(commands[i]->noun);
            fputs("\" ;;\n", stdout);
        }
    fputs("            esac\n        fi\n    fi\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "}\n"
          "complete -F _ingam ingam\n",
          stdout);
}

static void zsh_begin(void)
{
    fputs("#compdef ingam\n"
          "_ingam() {\n"
          "    if (( CURRENT == 2 )); then\n        compadd -- --help --version",
          stdout);
    print_nouns();
    fputs("\n        return\n    fi\n    if (( CURRENT == 3 )); then\n        case $words[2] in\n", stdout);
    for (size_t i = 0; commands[i] != NULL; i++)
        if (commands[i]->verb != NULL && first_of_noun(commands[i])) {
            printf("        %s) compadd --", commands[i]->noun);
            print_verbs(commands[i]->noun);
            fputs("; return ;;\n", stdout);
        }
    fputs("        esac\n    fi\n    case $words[CURRENT-1] in\n"
          "    --*file|--module|--ca|--cert|--folder|--pfx|--public-key) _files; return ;;\n"
          "    esac\n"
          "    case \"$words[2] $words[3]\" in\n",
          stdout);
}

static void zsh_one(const struct command *command)
{
    printf("    '%s %s'*) compadd -- %s", command->noun, command->verb != NULL ? command->verb : "",
           takes_slot(command) ? SLOTS : "");
    print_options(command, " --", "");
    fputs(" ;;\n", stdout);
}

static void zsh_end(void)
{
    fputs("    esac\n}\n_ingam \"$@\"\n", stdout);
}

static void fish_begin(void)
{
    fputs("# fish completion for ingam\ncomplete -c ingam -f\n"
          "complete -c ingam -n __fish_use_subcommand -a '",
          stdout);
    print_nouns();
    fputs("'\n", stdout);
}

static void fish_one(const struct command *command)
{
    const struct option_row *lists[HELP_LISTS];
    char seen[160];
    if (command->verb != NULL && first_of_noun(command)) {
        printf("complete -c ingam -n '__fish_seen_subcommand_from %s; and test (count (commandline -opc)) "
               "-eq 2' -a '",
               command->noun);
        print_verbs(command->noun);
        fputs("'\n", stdout);
    }
    snprintf(seen, sizeof seen, "__fish_seen_subcommand_from %s%s%s", command->noun,
             command->verb != NULL ? "; and __fish_seen_subcommand_from " : "",
             command->verb != NULL ? command->verb : "");
    if (takes_slot(command))
        printf("complete -c ingam -n '%s' -a '" SLOTS "'\n", seen);
    help_lists(command, lists);
    for (size_t i = 0; lists[i] != NULL; i++)
        for (const struct option_row *row = lists[i]; row->name != NULL; row++)
            printf("complete -c ingam -n '%s' -l %s%s\n", seen, row->name,
                   row->kind == OPTION_FLAG ? ""
                   : row->value != NULL &&
                           (strcmp(row->value, "FILE") == 0 || strcmp(row->value, "FOLDER") == 0)
                       ? " -r -F"
                       : " -x");
}

static void fish_end(void)
{
}

static const struct shell shells[] = {
    {"bash", bash_begin, bash_one, bash_end},
    {"zsh", zsh_begin, zsh_one, zsh_end},
    {"fish", fish_begin, fish_one, fish_end},
};

static enum exit_code completion_check(struct run *run)
{
    const char *name = run->options.operands > 0 ? run->options.operand[0] : "";
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(shells[i].name, name) == 0) {
            run->work = (void *)(uintptr_t)&shells[i];
            return EXIT_OK;
        }
    fault_set(&run->fault, EXIT_USAGE, _("Say for which shell: bash, zsh or fish."));
    return fault_todo(&run->fault, _("For example: ingam completion bash"));
}

static enum exit_code completion(struct run *run)
{
    const struct shell *shell = run->work;
    answer_text(run, "shell", shell->name);
    FILE *screen = stdout;
    char *script = NULL;
    size_t length;
    if (run->options.json && (stdout = open_memstream(&script, &length)) == NULL) {
        stdout = screen;
        return fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    }
    shell->begin();
    for (size_t i = 0; commands[i] != NULL; i++)
        shell->one(commands[i]);
    shell->end();
    if (stdout != screen) {
        fclose(stdout);
        stdout = screen;
        answer_text(run, "script", script);
        free(script);
    }
    return EXIT_OK;
}

extern const struct command cmd_completion;

const struct command cmd_completion = {
    .noun = "completion",
    .operands = "SHELL",
    .operands_most = 1,
    .summary = N_("write the completion for bash, zsh or fish"),
    .check = completion_check,
    .run = completion,
};
