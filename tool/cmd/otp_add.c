// ingam otp add: a credential onto the card, from an otpauth:// URI, a QR code in a picture, or by hand.
#include "ask.h"
#include "otp/applet.h"
#include "otp/recipe.h"
#include "text.h"

#include <string.h>
#include <strings.h>

static const struct option_row rows[] = {
    {.name = "uri-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(uri_file),
     .value = N_("FILE"),
     .help = N_("read an otpauth:// URI from the first line of FILE (-: standard input)")},
    {.name = "picture-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(picture),
     .value = N_("FILE"),
     .help = N_("read the URI from the QR code in a PNG")},
    RECIPE_SECRET_ROWS,
    {.name = "type",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(otp_type),
     .value = N_("TYPE"),
     .help = N_("totp (by the clock, if not said) or hotp (by a counter)")},
    {.name = "algorithm",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(algorithm),
     .value = N_("HASH"),
     .help = N_("sha1 (if not said), sha256 or sha512")},
    RECIPE_CODE_ROWS,
    {.name = "period",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(period),
     .given_at = OPTION_AT(period_given),
     .least = 1,
     .most = 86400,
     .value = N_("SECONDS"),
     .help = N_("how long a code of type totp is good (30 if not said)")},
    {.name = "touch",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(touch),
     .help = N_("each code wants a touch of the token")},
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("give up the one-time password of the same name")},
    OTP_ACCESS_ROWS,
    {.name = NULL},
};

static enum exit_code take_words(struct run *run, struct otp_recipe *recipe)
{
    static const char *const hashes[] = {"sha1", "sha256", "sha512"};
    const struct options *options = &run->options;
    if (options->otp_type != NULL && strcasecmp(options->otp_type, "hotp") == 0)
        recipe->type = OATH_HOTP;
    else if (options->otp_type != NULL && strcasecmp(options->otp_type, "totp") != 0)
        return fault_set(&run->fault, EXIT_USAGE, _("There is no type \"%s\": it is totp or hotp."),
                         options->otp_type);
    for (size_t i = 0; options->algorithm != NULL && i < 3; i++)
        if (strcasecmp(options->algorithm, hashes[i]) == 0)
            recipe->hash = (enum oath_hash)(OATH_SHA1 + i);
    if (options->algorithm != NULL && strcasecmp(options->algorithm, hashes[recipe->hash - OATH_SHA1]) != 0)
        return fault_set(&run->fault, EXIT_USAGE,
                         _("There is no algorithm \"%s\": it is sha1, sha256 or sha512."),
                         options->algorithm);
    if (recipe->type == OATH_HOTP ? options->period_given : options->counter_given)
        return fault_set(&run->fault, EXIT_USAGE,
                         _("--period belongs to the type totp, --counter to the type hotp."));
    return EXIT_OK;
}

static enum exit_code by_hand(struct run *run, struct otp_recipe *recipe)
{
    const struct options *options = &run->options;
    *recipe = (struct otp_recipe){
        .type = OATH_TOTP,
        .hash = OATH_SHA1,
        .digits = options->digits != 0 ? options->digits : 6,
        .period = options->period != 0 ? options->period : 30,
        .counter = options->counter,
    };
    if (options->operands == 0) {
        fault_set(&run->fault, EXIT_USAGE, _("The name of the one-time password is missing."));
        return fault_todo(&run->fault, _("Write: ingam otp add ISSUER:ACCOUNT, or give --uri-file or "
                                         "--picture-file."));
    }
    if (take_words(run, recipe) != EXIT_OK || recipe_take_name(run, options->operand[0], recipe) != EXIT_OK)
        return run->fault.code;
    return recipe_ask_secret(run, recipe);
}

static enum exit_code by_uri(struct run *run, struct otp_recipe *recipe)
{
    const struct options *options = &run->options;
    struct secret *uri = NULL;
    if (options->uri_file != NULL)
        ask_file(run, options->uri_file, &uri);
    else
        recipe_read_picture(run, options->picture, &uri);
    if (run->fault.code == EXIT_OK)
        recipe_from_uri(run, secret_view(uri), recipe);
    secret_free(uri);
    if (run->fault.code == EXIT_OK && options->operands > 0)
        recipe_take_name(run, options->operand[0], recipe);
    return run->fault.code;
}

static enum exit_code add_check(struct run *run)
{
    static struct otp_recipe recipe;
    const struct options *options = &run->options;
    bool uri = options->uri_file != NULL || options->picture != NULL;
    run->work = &recipe;
    if ((options->uri_file != NULL) + (options->picture != NULL) + (options->secret_file != NULL) +
            options->generate >
        1)
        return fault_set(&run->fault, EXIT_USAGE,
                         _("--uri-file, --picture-file, --secret-file and --generate exclude each other."));
    if (uri && (options->otp_type != NULL || options->algorithm != NULL || options->digits != 0 ||
                options->period_given || options->counter_given))
        return fault_set(&run->fault, EXIT_USAGE,
                         _("Type, algorithm, digits, period and counter stand in the URI."));
    if (options->qr && !ask_possible())
        return fault_set(&run->fault, EXIT_USAGE, _("There is no terminal to show a QR code on."));
    return uri ? by_uri(run, &recipe) : by_hand(run, &recipe);
}

static enum exit_code put(struct run *run, struct otp_applet *applet, const struct otp_recipe *recipe)
{
    struct otp_entry entry = {0};
    struct otp_list list;
    struct oath_new fresh = {
        .type = recipe->type,
        .hash = recipe->hash,
        .digits = (uint8_t)recipe->digits,
        .touch = run->options.touch,
        .counter = recipe->type == OATH_HOTP ? recipe->counter : 0,
        .secret = secret_view(recipe->secret),
    };
    bool taken = false;
    if (!otp_join(recipe->issuer, recipe->account, recipe->type, recipe->period, entry.raw, &entry.raw_len)) {
        fault_set(&run->fault, EXIT_USAGE, _("The name is too long for the token: at most %d bytes."),
                  OATH_NAME_MAX);
        return fault_todo(&run->fault, _("Choose a shorter one: ingam otp add ISSUER:ACCOUNT ..."));
    }
    if (otp_read_list(run, applet, &list) != EXIT_OK)
        return run->fault.code;
    for (size_t i = 0; i < list.count; i++)
        taken = taken || (list.entry[i].raw_len == entry.raw_len &&
                          memcmp(list.entry[i].raw, entry.raw, entry.raw_len) == 0);
    otp_list_free(&list);
    if (taken && !run->options.replace) {
        fault_set(&run->fault, EXIT_MISMATCH, _("There is a one-time password of this name already."));
        fault_state(&run->fault, _("Nothing on the token was changed."));
        return fault_todo(&run->fault, _("Choose another name, or give up the old one with --replace."));
    }
    if (taken &&
        otp_confirm(run, applet, _("The one-time password of the same name will be lost.")) != EXIT_OK)
        return run->fault.code;
    fresh.name = rd_of(entry.raw, entry.raw_len);
    enum err error = oath_put(&applet->card, &fresh);
    return error == E_OK ? EXIT_OK
                         : otp_fault(run, applet, error, _("The one-time password could not be written."));
}

static void report(struct run *run, const struct otp_recipe *recipe)
{
    char name[2 * OATH_NAME_MAX + 2];
    snprintf(name, sizeof name, "%s%s%s", recipe->issuer, recipe->issuer[0] != '\0' ? ":" : "",
             recipe->account);
    say(run, _("The one-time password %s is on the token."), name);
    answer_text(run, "name", name);
    answer_text(run, "type", recipe->type == OATH_HOTP ? "hotp" : "totp");
}

static enum exit_code otp_add_command(struct run *run)
{
    struct otp_recipe *recipe = run->work;
    struct otp_applet applet;
    if (otp_open(run, &applet) == EXIT_OK) {
        put(run, &applet, recipe);
        otp_close(&applet);
    }
    if (run->fault.code == EXIT_OK)
        report(run, recipe);
    if (run->fault.code == EXIT_OK && run->options.qr)
        recipe_show_picture(run, recipe);
    secret_free(recipe->secret);
    return run->fault.code;
}

extern const struct command cmd_otp_add;

const struct command cmd_otp_add = {
    .noun = "otp",
    .verb = "add",
    .operands = "[ISSUER:ACCOUNT]",
    .operands_most = 1,
    .summary = N_("put a one-time password onto the token"),
    .details =
        N_("From an otpauth:// URI, from a QR code in a picture, or by hand. A name that is given takes the\n"
           "place of the URI's. No secret can be read back from the token."),
    .needs = NEED_TOKEN_ASKED,
    .options = rows,
    .check = add_check,
    .run = otp_add_command,
};
