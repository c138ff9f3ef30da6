// ingam setup: tells this user's programs where the module is, or takes that back.
#include "paths.h"
#include "run.h"
#include "setup/target.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct setup {
    char module[PATHS_MAX];
    unsigned failed;
};

static enum exit_code no_program(struct run *run, const char *word)
{
    char list[FAULT_TEXT] = "";
    for (size_t n = 0; target_word(n) != NULL; n++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", n > 0 ? ", " : "", target_word(n));
    fault_set(&run->fault, EXIT_USAGE, _("There is no program \"%s\" to set up."), word);
    return fault_todo(&run->fault, _("Programs are %s."), list);
}

static bool is_meant(const struct run *run, size_t n)
{
    for (unsigned i = 0; i < run->options.operands; i++)
        if (strcmp(run->options.operand[i], target_word(n)) == 0)
            return true;
    return run->options.operands == 0 && (target_usual(n) || run->options.undo);
}

// The module's own path, which other programs will load.
static enum exit_code find_module(struct run *run, struct setup *setup)
{
    char path[PATHS_MAX];
    const char *named = run->options.module != NULL ? run->options.module : secure_getenv("INGAM_MODULE");
    if (named == NULL || named[0] == '\0')
        named = paths_module(path, sizeof path) ? path : "";
    if (realpath(named, setup->module) == NULL || strpbrk(setup->module, "\n\r\"") != NULL) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("The module is not at %s."), named);
        return fault_todo(&run->fault, _("Name it with --module FILE."));
    }
    return EXIT_OK;
}

static enum exit_code setup_check(struct run *run)
{
    static struct setup setup;
    run->work = &setup;
    for (unsigned i = 0; i < run->options.operands; i++) {
        size_t n = 0;
        while (target_word(n) != NULL && strcmp(target_word(n), run->options.operand[i]) != 0)
            n++;
        if (target_word(n) == NULL)
            return no_program(run, run->options.operand[i]);
    }
    return find_module(run, &setup);
}

static void add_line(struct run *run, const char *program, const char *file, const char *state,
                     const char *text)
{
    json_t *line = json_object();
    const char *const fields[] = {program, text, file, NULL};
    json_object_set_new(line, "program", json_string(program));
    json_object_set_new(line, "file", file[0] != '\0' ? json_text(file) : json_null());
    json_object_set_new(line, "state", json_string(state));
    json_array_append_new(json_object_get(run->answer, "programs"), line);
    tell_fields(run, fields);
}

// What failed is said at once, and the others go on.
static void failed(struct run *run, const struct target *target, const struct fault *fault)
{
    struct setup *setup = run->work;
    if (setup->failed++ == 0)
        run->fault = *fault;
    else
        say(run, "%s", fault->what);
    add_line(run, target_word(target_number(target)), target->path, "failed", _("failed"));
}

static void set_up(struct run *run, const struct target *target)
{
    const struct setup *setup = run->work;
    struct fault fault = {.code = EXIT_OK};
    const char *word = target_word(target_number(target));
    bool in = !run->options.undo;
    if (in ? target->state == TARGET_THERE : target->state == TARGET_MISSING) {
        add_line(run, word, target->path, in ? "there" : "not_there",
                 in ? _("registered already") : _("not registered"));
        return;
    }
    if (target->busy && !run->options.dry_run) {
        fault_set(&fault, EXIT_BUSY, _("%s is running and would undo the change."),
                  target_name(target_number(target)));
        fault_todo(&fault, _("Close it and run the same command again."));
    } else if (!run->options.dry_run) {
        target_change(target, setup->module, in, &fault);
    }
    if (fault.code != EXIT_OK)
        failed(run, target, &fault);
    else if (run->options.dry_run)
        add_line(run, word, target->path, in ? "would_register" : "would_remove",
                 in ? _("would be registered") : _("would be removed"));
    else
        add_line(run, word, target->path, in ? "registered" : "removed", in ? _("registered") : _("removed"));
}

static void set_up_program(struct run *run, size_t n)
{
    static struct target targets[TARGETS_MOST];
    const struct setup *setup = run->work;
    const char *never = target_never(n);
    size_t count = 0;
    struct fault fault = {.code = EXIT_OK};
    if (never != NULL) {
        add_line(run, target_word(n), "", "impossible", never);
        return;
    }
    if (target_find(n, setup->module, targets, TARGETS_MOST, &count, &fault) != EXIT_OK) {
        failed(run, &targets[0], &fault);
        return;
    }
    for (size_t i = 0; i < count; i++)
        set_up(run, &targets[i]);
    if (count == 0)
        add_line(run, target_word(n), "", "absent", _("has no settings of yours yet: start it once"));
    if (strcmp(target_word(n), "openssl") == 0 && count > 0 && !run->options.undo)
        say(run, _("For OpenSSL write: export OPENSSL_CONF=%s"), targets[0].path);
}

static enum exit_code setup_run(struct run *run)
{
    const struct setup *setup = run->work;
    answer_text(run, "module", setup->module);
    json_object_set_new(run->answer, "dry_run", json_boolean(run->options.dry_run));
    json_object_set_new(run->answer, "programs", json_array());
    for (size_t n = 0; target_word(n) != NULL; n++)
        if (is_meant(run, n))
            set_up_program(run, n);
    return run->fault.code;
}

static const struct option_row setup_rows[] = {
    {.name = "undo",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(undo),
     .help = N_("take the module out again, of all programs if none is named")},
    {.name = "dry-run",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(dry_run),
     .help = N_("only say what would be done")},
    {.name = NULL},
};

extern const struct command cmd_setup;

const struct command cmd_setup = {
    .noun = "setup",
    .operands = "[p11-kit|firefox|chromium|openssl|ssh]...",
    .operands_most = OPTIONS_OPERANDS,
    .summary = N_("tell your programs where the module is"),
    .details = N_("For this user only; nothing is installed for others. Without names: p11-kit, Firefox and "
                  "Chromium.\nOne line a settings file: program, what was done, file, separated by tabs."),
    .options = setup_rows,
    .check = setup_check,
    .run = setup_run,
};
