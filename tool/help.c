// Prints the help from the rows of commands, options and exit codes.
#include "help.h"
#include "text.h"

#include <string.h>
#include <wchar.h>

#define COLUMN 28

void help_lists(const struct command *command, const struct option_row *lists[HELP_LISTS])
{
    size_t n = 0;
    if (command->options != NULL)
        lists[n++] = command->options;
    if (command->needs & (NEED_PIN | NEED_PIN_ASKED | NEED_WRITER))
        lists[n++] = options_pin;
    if (command->needs & (NEED_ADMIN | NEED_ADMIN_ASKED | NEED_WRITER))
        lists[n++] = options_admin;
    if (command->needs & (NEED_TOKEN | NEED_TOKEN_ASKED))
        lists[n++] = options_token;
    lists[n++] = options_any;
    lists[n] = NULL;
}

// Columns that the text takes on a terminal: Hangul and other wide characters take two.
static int width(const char *s)
{
    int columns = 0;
    while (*s != '\0') {
        unsigned long point = 0;
        size_t used = text_decode(s, &point);
        if (used == 0)
            used = 1;
        columns += point >= 0x1100 && (point <= 0x115F || (point >= 0x2E80 && point <= 0xFFE6)) ? 2 : 1;
        s += used;
    }
    return columns;
}

static void row(FILE *stream, const char *left, const char *right)
{
    int gap = COLUMN - 2 - width(left);
    fprintf(stream, "  %s%*s%s\n", left, gap > 1 ? gap : 2, "", right);
}

static void option_rows(FILE *stream, const struct option_row *list)
{
    for (; list->name != NULL; list++) {
        char left[96];
        snprintf(left, sizeof left, "--%s%s%s", list->name, list->value != NULL ? " " : "",
                 list->value != NULL ? _(list->value) : "");
        row(stream, left, _(list->help));
    }
}

static void command_words(const struct command *command, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s", command->noun, command->verb != NULL ? " " : "",
             command->verb != NULL ? command->verb : "", command->operands != NULL ? " " : "",
             command->operands != NULL ? command->operands : "");
}

void help_all(FILE *stream)
{
    const char *meaning;
    enum exit_code code = EXIT_OK;
    fprintf(stream, "%s\n\n%s\n", _("Usage: ingam NOUN VERB [SLOT] [options]"), _("Commands:"));
    for (size_t i = 0; commands[i] != NULL; i++) {
        char words[96];
        command_words(commands[i], words, sizeof words);
        row(stream, words, _(commands[i]->summary));
    }
    fprintf(stream, "\n%s\n", _("Options of every command:"));
    option_rows(stream, options_any);
    fprintf(stream, "\n%s\n", _("Exit codes:"));
    for (unsigned i = 0; (meaning = exit_meaning(i, &code)) != NULL; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)code);
        row(stream, number, meaning);
    }
    fprintf(stream, "\n%s\n",
            _("More about one command: ingam NOUN VERB --help, and the manual page ingam(1)."));
}

void help_command(FILE *stream, const struct command *command)
{
    const struct option_row *lists[HELP_LISTS];
    char words[96];
    command_words(command, words, sizeof words);
    fprintf(stream, _("Usage: ingam %s [options]"), words);
    fprintf(stream, "\n%s\n", _(command->summary));
    if (command->details != NULL)
        fprintf(stream, "\n%s\n", _(command->details));
    fprintf(stream, "\n%s\n", _("Options:"));
    help_lists(command, lists);
    for (size_t i = 0; lists[i] != NULL; i++)
        option_rows(stream, lists[i]);
}
