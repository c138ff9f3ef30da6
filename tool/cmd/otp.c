// ingam otp list, code, rename, delete, reset: one-time passwords of the card's OATH applet.
#include "ask.h"
#include "otp/applet.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE (2 * OATH_NAME_MAX + 2)

static const struct option_row access_rows[] = {OTP_ACCESS_ROWS, {.name = NULL}};

static const struct option_row code_rows[] = {
    {.name = "at",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(at),
     .value = N_("SECONDS"),
     .help = N_("for this moment, in seconds since 1970 (else now)")},
    OTP_ACCESS_ROWS,
    {.name = NULL},
};

static const char *const hash_names[] = {"", "SHA1", "SHA256", "SHA512"};

static const char *type_name(const struct otp_entry *entry)
{
    return entry->type == OATH_HOTP ? "hotp" : "totp";
}

static json_t *entry_json(const struct otp_entry *entry)
{
    char name[NAME_SIZE];
    json_t *out = json_object();
    otp_name(entry, name, sizeof name);
    json_object_set_new(out, "name", json_text(name));
    json_object_set_new(out, "issuer", json_text(entry->issuer));
    json_object_set_new(out, "account", json_text(entry->account));
    json_object_set_new(out, "type", json_string(type_name(entry)));
    if (entry->type == OATH_TOTP)
        json_object_set_new(out, "period", json_integer(entry->period));
    return out;
}

static enum exit_code otp_list_command(struct run *run)
{
    struct otp_applet applet;
    struct otp_list list = {0};
    if (otp_open(run, &applet) != EXIT_OK)
        return run->fault.code;
    otp_read_list(run, &applet, &list);
    otp_close(&applet);
    json_t *array = json_array();
    for (size_t i = 0; i < list.count; i++) {
        const struct otp_entry *entry = &list.entry[i];
        char period[16] = "-";
        if (entry->type == OATH_TOTP)
            snprintf(period, sizeof period, "%u", (unsigned)entry->period);
        const char *const fields[] = {entry->issuer[0] != '\0' ? entry->issuer : "-",
                                      entry->account,
                                      type_name(entry),
                                      hash_names[entry->hash],
                                      period,
                                      NULL};
        tell_fields(run, fields);
        json_t *one = entry_json(entry);
        json_object_set_new(one, "algorithm", json_string(hash_names[entry->hash]));
        json_array_append_new(array, one);
    }
    json_object_set_new(run->answer, "credentials", array);
    if (run->fault.code == EXIT_OK && list.count == 0)
        say(run, "%s", _("There are no one-time passwords on the token."));
    otp_list_free(&list);
    return run->fault.code;
}

// The moment that codes are for.
static enum exit_code moment(struct run *run, time_t *now)
{
    char *end = NULL;
    const char *at = run->options.at;
    *now = time(NULL);
    if (at == NULL)
        return EXIT_OK;
    errno = 0;
    long long value = at[0] >= '0' && at[0] <= '9' ? strtoll(at, &end, 10) : -1;
    if (value < 0 || errno != 0 || *end != '\0' || value > 253402300799)
        return fault_set(&run->fault, EXIT_USAGE, _("--at takes seconds since 1970, not \"%s\"."), at);
    *now = (time_t)value;
    return EXIT_OK;
}

static json_t *code_json(const struct otp_entry *entry, const struct oath_code *code, time_t now)
{
    char digits[16];
    json_t *out = entry_json(entry);
    json_object_set_new(out, "touch", json_boolean(entry->when == OATH_NEEDS_TOUCH));
    if (code->digits == 0) {
        json_object_set_new(out, "code", json_null());
        return out;
    }
    otp_digits(code, digits, sizeof digits);
    json_object_set_new(out, "code", json_string(digits));
    secret_wipe(digits, sizeof digits);
    if (entry->type == OATH_TOTP) {
        json_int_t left = (json_int_t)entry->period - (json_int_t)(now % (time_t)entry->period);
        json_object_set_new(out, "seconds_left", json_integer(left));
        json_object_set_new(out, "valid_until", json_integer((json_int_t)now + left));
    }
    return out;
}

// One line of all: the code and the seconds that it is still good, or why there is none.
static void tell_code(struct run *run, const struct otp_entry *entry, const struct oath_code *code,
                      time_t now)
{
    char digits[16] = "-", left[16];
    if (code->digits != 0)
        otp_digits(code, digits, sizeof digits);
    snprintf(
        left, sizeof left, "%u",
        (unsigned)(entry->type == OATH_TOTP ? entry->period - (uint32_t)(now % (time_t)entry->period) : 0));
    const char *const fields[] = {entry->issuer[0] != '\0' ? entry->issuer : "-", entry->account, digits,
                                  code->digits != 0                 ? left
                                  : entry->when == OATH_NEEDS_TOUCH ? "touch"
                                                                    : "hotp",
                                  NULL};
    tell_fields(run, fields);
    secret_wipe(digits, sizeof digits);
}

// Those that need nobody: no touch, no counter that goes on.
static enum exit_code all_codes(struct run *run, struct otp_applet *applet, const struct otp_list *list,
                                time_t now, json_t *array)
{
    for (size_t i = 0; i < list->count && run->fault.code == EXIT_OK; i++) {
        const struct otp_entry *entry = &list->entry[i];
        struct oath_code code = {0};
        if (entry->when == OATH_NOW && otp_make_code(run, applet, entry, now, &code) != EXIT_OK)
            break;
        tell_code(run, entry, &code, now);
        json_array_append_new(array, code_json(entry, &code, now));
        secret_wipe(&code, sizeof code);
    }
    return run->fault.code;
}

static enum exit_code one_code(struct run *run, struct otp_applet *applet, const struct otp_list *list,
                               time_t now, json_t *array)
{
    const struct otp_entry *entry;
    struct oath_code code = {0};
    char digits[16], name[NAME_SIZE];
    if (otp_find(run, list, run->options.operand[0], &entry) != EXIT_OK ||
        otp_make_code(run, applet, entry, now, &code) != EXIT_OK)
        return run->fault.code;
    otp_digits(&code, digits, sizeof digits);
    otp_name(entry, name, sizeof name);
    if (entry->type == OATH_TOTP)
        say(run, _("%s: good for %u seconds more."), name,
            (unsigned)(entry->period - (uint32_t)(now % (time_t)entry->period)));
    tell(run, "%s", digits);
    json_array_append_new(array, code_json(entry, &code, now));
    secret_wipe(digits, sizeof digits);
    secret_wipe(&code, sizeof code);
    return EXIT_OK;
}

static enum exit_code otp_code_command(struct run *run)
{
    struct otp_applet applet;
    struct otp_list list = {0};
    time_t now;
    if (moment(run, &now) != EXIT_OK || otp_open(run, &applet) != EXIT_OK)
        return run->fault.code;
    // Whoever was asked for the access code has taken a while.
    moment(run, &now);
    json_t *array = json_array();
    if (otp_read_codes(run, &applet, now, &list) == EXIT_OK)
        (run->options.operands > 0 ? one_code : all_codes)(run, &applet, &list, now, array);
    otp_close(&applet);
    json_object_set_new(run->answer, "codes", array);
    otp_list_free(&list);
    return run->fault.code;
}

static enum exit_code need_operands(struct run *run, unsigned count, const char *todo)
{
    if (run->options.operands == count)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("Say which one-time password."));
    return fault_todo(&run->fault, "%s", todo);
}

static enum exit_code rename_check(struct run *run)
{
    return need_operands(run, 2, _("Write: ingam otp rename NAME NEW-NAME"));
}

static bool is_taken(const struct otp_list *list, const uint8_t *raw, size_t length)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->entry[i].raw_len == length && memcmp(list->entry[i].raw, raw, length) == 0)
            return true;
    return false;
}

static enum exit_code rename_one(struct run *run, struct otp_applet *applet, const struct otp_list *list)
{
    const struct otp_entry *entry;
    struct otp_entry named = {0};
    const char *new_name = run->options.operand[1];
    size_t length = strlen(new_name);
    if (otp_find(run, list, run->options.operand[0], &entry) != EXIT_OK)
        return run->fault.code;
    if (!otp_join("", new_name, entry->type, entry->period, named.raw, &named.raw_len) || length == 0)
        return fault_set(&run->fault, EXIT_USAGE, _("The name is empty or too long: at most %d bytes."),
                         OATH_NAME_MAX);
    if (is_taken(list, named.raw, named.raw_len)) {
        fault_set(&run->fault, EXIT_MISMATCH, _("There is a one-time password \"%s\" already."), new_name);
        return fault_state(&run->fault, _("Nothing on the token was changed."));
    }
    enum err error =
        oath_rename(&applet->card, rd_of(entry->raw, entry->raw_len), rd_of(named.raw, named.raw_len));
    if (error != E_OK)
        return otp_fault(run, applet, error, _("The one-time password could not be renamed."));
    say(run, _("It is now called %s."), new_name);
    answer_text(run, "name", new_name);
    return EXIT_OK;
}

static enum exit_code otp_rename_command(struct run *run)
{
    struct otp_applet applet;
    struct otp_list list;
    if (otp_open(run, &applet) != EXIT_OK)
        return run->fault.code;
    if (otp_read_list(run, &applet, &list) == EXIT_OK)
        rename_one(run, &applet, &list);
    otp_list_free(&list);
    otp_close(&applet);
    return run->fault.code;
}

static enum exit_code delete_check(struct run *run)
{
    return need_operands(run, 1, _("Write: ingam otp delete NAME"));
}

static enum exit_code delete_one(struct run *run, struct otp_applet *applet, const struct otp_list *list)
{
    const struct otp_entry *entry;
    char name[NAME_SIZE], what[256];
    if (otp_find(run, list, run->options.operand[0], &entry) != EXIT_OK)
        return run->fault.code;
    otp_name(entry, name, sizeof name);
    snprintf(what, sizeof what,
             _("The one-time password %s will be deleted; its secret cannot be brought back."), name);
    if (otp_confirm(run, applet, what) != EXIT_OK)
        return run->fault.code;
    enum err error = oath_delete(&applet->card, rd_of(entry->raw, entry->raw_len));
    if (error != E_OK)
        return otp_fault(run, applet, error, _("The one-time password could not be deleted."));
    say(run, _("%s was deleted."), name);
    answer_text(run, "name", name);
    return EXIT_OK;
}

static enum exit_code otp_delete_command(struct run *run)
{
    struct otp_applet applet;
    struct otp_list list;
    if (otp_open(run, &applet) != EXIT_OK)
        return run->fault.code;
    if (otp_read_list(run, &applet, &list) == EXIT_OK)
        delete_one(run, &applet, &list);
    otp_list_free(&list);
    otp_close(&applet);
    return run->fault.code;
}

static enum exit_code otp_reset_command(struct run *run)
{
    struct otp_applet applet;
    if (otp_open_locked(run, &applet) != EXIT_OK)
        return run->fault.code;
    if (otp_confirm(run, &applet,
                    _("Every one-time password on the token will be erased, and the access code.")) ==
        EXIT_OK) {
        enum err error = oath_reset(&applet.card);
        if (error != E_OK)
            otp_fault(run, &applet, error, _("The one-time passwords could not be erased."));
        else
            say(run, "%s", _("There are no one-time passwords on the token any more."));
    }
    otp_close(&applet);
    return run->fault.code;
}

extern const struct command cmd_otp_code, cmd_otp_delete, cmd_otp_list, cmd_otp_rename, cmd_otp_reset;

const struct command cmd_otp_list = {
    .noun = "otp",
    .verb = "list",
    .summary = N_("list the one-time passwords on the token"),
    .details = N_("One line each: issuer, account, type, algorithm, period in seconds, separated by tabs."),
    .needs = NEED_TOKEN_ASKED,
    .options = access_rows,
    .run = otp_list_command,
};

const struct command cmd_otp_code = {
    .noun = "otp",
    .verb = "code",
    .operands = "[NAME]",
    .operands_most = 1,
    .summary = N_("make a one-time password, or all that want no touch"),
    .details =
        N_("NAME is issuer and account (ISSUER:ACCOUNT), one of them, or a part that fits only one.\n"
           "With NAME the code alone is written; without it one line each: issuer, account, code, and the\n"
           "seconds that it is still good (or: touch, hotp - those are made only by name)."),
    .needs = NEED_TOKEN_ASKED,
    .options = code_rows,
    .run = otp_code_command,
};

const struct command cmd_otp_rename = {
    .noun = "otp",
    .verb = "rename",
    .operands = "NAME NEW-NAME",
    .operands_most = 2,
    .summary = N_("give a one-time password another name"),
    .needs = NEED_TOKEN_ASKED,
    .options = access_rows,
    .check = rename_check,
    .run = otp_rename_command,
};

const struct command cmd_otp_delete = {
    .noun = "otp",
    .verb = "delete",
    .operands = "NAME",
    .operands_most = 1,
    .summary = N_("delete a one-time password"),
    .needs = NEED_TOKEN_ASKED,
    .options = access_rows,
    .check = delete_check,
    .run = otp_delete_command,
};

const struct command cmd_otp_reset = {
    .noun = "otp",
    .verb = "reset",
    .summary = N_("erase every one-time password and the access code"),
    .details = N_("For a token whose access code is forgotten. What else is on the token stays."),
    .needs = NEED_TOKEN_ASKED,
    .run = otp_reset_command,
};
