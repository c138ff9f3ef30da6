// Applies at the certificate centre and keeps what came of it until the certificate is on the token: the
// session while the steps last, then reference number and code, each in a file that only the user can read.
#include "issue_apply.h"
#include "apply/wizard.h"
#include "ask.h"
#include "meet.h"
#include "otp/applet.h"
#include "paths.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_MOST   16384
#define STATE_SCHEMA 1

static struct applied applied;
static char code_path[PATHS_MAX], centre_url[512], slot[16];
static bool applies;

static bool state_path(char *out, size_t size)
{
    return paths_state(out, size, "application.json") &&
           paths_state(code_path, sizeof code_path, "application.code");
}

// NULL: there is none that can be understood.
static json_t *load(void)
{
    char path[PATHS_MAX], *text = malloc(STATE_MOST);
    long n = text != NULL && state_path(path, sizeof path) ? paths_read(path, text, STATE_MOST) : -1;
    json_t *state = n >= 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
    if (text != NULL)
        secret_wipe(text, STATE_MOST);
    free(text);
    if (json_is_object(state) && json_integer_value(json_object_get(state, "schema")) == STATE_SCHEMA)
        return state;
    json_decref(state);
    return NULL;
}

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static enum exit_code save(struct run *run, json_t *state)
{
    char path[PATHS_MAX] = "";
    char *text = json_dumps(state, JSON_INDENT(1));
    bool done = text != NULL && state_path(path, sizeof path) && paths_write(path, text, strlen(text));
    int why = errno;
    if (text != NULL)
        secret_wipe(text, strlen(text));
    free(text);
    json_decref(state);
    if (done)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_OTHER, _("The application could not be noted in %s."), path);
    return fault_why(&run->fault, "%s", strerror(why));
}

static void forget(void)
{
    char path[PATHS_MAX];
    if (!state_path(path, sizeof path))
        return;
    unlink(path);
    unlink(code_path);
}

static enum exit_code keep_session(struct run *run, const struct centre *centre)
{
    return save(run, json_pack("{s:i, s:s, s:s}", "schema", STATE_SCHEMA, "centre", centre->url, "session",
                               centre->session));
}

// The code is in its file before anything speaks of the reference number.
static enum exit_code keep_end(struct run *run)
{
    struct rd code = secret_view(applied.code);
    char path[PATHS_MAX];
    if (!state_path(path, sizeof path) || !paths_write(code_path, code.p, code.n)) {
        fault_set(&run->fault, EXIT_OTHER, _("The application could not be noted in %s."), code_path);
        return fault_why(&run->fault, "%s", strerror(errno));
    }
    return save(run, json_pack("{s:i, s:s, s:s, s:s}", "schema", STATE_SCHEMA, "reference", applied.reference,
                               "issuer", applied.issuer, "expires", applied.expires));
}

bool issue_apply_wanted(const struct run *run)
{
    if (run->options.reference != NULL || run->options.code_file != NULL)
        return false;
    if (run->options.centre != NULL || ask_possible())
        return true;
    json_t *state = load();
    json_decref(state);
    return state != NULL;
}

// An earlier run has come to the end of the steps.
static bool take_kept(struct run *run, json_t *state)
{
    const char *reference = text_of(state, "reference"), *issuer = text_of(state, "issuer");
    if (reference[0] == '\0' || strlen(reference) >= sizeof applied.reference ||
        strlen(issuer) >= sizeof applied.issuer || access(code_path, R_OK) != 0)
        return false;
    snprintf(applied.reference, sizeof applied.reference, "%s", reference);
    snprintf(applied.issuer, sizeof applied.issuer, "%s", issuer);
    snprintf(applied.expires, sizeof applied.expires, "%s", text_of(state, "expires"));
    say(run, _("Going on with the application %s, which is good until %s."), applied.reference,
        applied.expires);
    return true;
}

// The one-time password of --otp by its whole name, as the desk may have it. What is read from a descriptor
// is left for the code itself.
static enum exit_code find_otp(struct run *run)
{
    static char name[2 * OATH_NAME_MAX + 2];
    struct otp_applet applet;
    struct otp_list list = {0};
    const struct otp_entry *entry;
    if (run->options.otp == NULL || run->options.access_fd_given)
        return EXIT_OK;
    if (otp_open(run, &applet) != EXIT_OK)
        return run->fault.code;
    if (otp_read_list(run, &applet, &list) == EXIT_OK &&
        otp_find(run, &list, run->options.otp, &entry) == EXIT_OK) {
        otp_name(entry, name, sizeof name);
        run->options.otp = name;
    }
    otp_list_free(&list);
    otp_close(&applet);
    return run->fault.code;
}

// Everything about this computer and the token is known to be there before the person begins.
static enum exit_code ready(struct run *run, json_t *state, struct centre *centre)
{
    const struct options *options = &run->options;
    if (options->slot == NULL && options->operands == 0 && !ask_possible())
        return fault_set(&run->fault, EXIT_USAGE, _("The slot is missing."));
    snprintf(centre_url, sizeof centre_url, "%s",
             options->centre != NULL ? options->centre : text_of(state, "centre"));
    if (centre_url[0] == '\0' && ask_possible())
        ask_line(run, _("Address of the certificate centre"), centre_url, sizeof centre_url);
    *centre = (struct centre){.url = centre_url, .tls_ca = options->tls_ca, .timeout = options->timeout};
    if (run->fault.code != EXIT_OK || centre_check(run, centre) != EXIT_OK || meet_token(run) != EXIT_OK)
        return run->fault.code;
    run->needs &= ~(unsigned)NEED_TOKEN;
    return find_otp(run);
}

static enum exit_code apply(struct run *run, json_t *state)
{
    struct centre centre = {.url = ""};
    if (ready(run, state, &centre) != EXIT_OK)
        return run->fault.code;
    const char *session = text_of(state, "session");
    if (strcmp(text_of(state, "centre"), centre.url) == 0 && strlen(session) == CENTRE_SESSION)
        memcpy(centre.session, session, CENTRE_SESSION + 1);
    if (wizard_run(run, &centre, keep_session, &applied) == EXIT_OK)
        return keep_end(run);
    if (run->fault.code != EXIT_UNREACHABLE)
        forget();
    return run->fault.code;
}

static enum exit_code ask_slot(struct run *run)
{
    struct options *options = &run->options;
    if (options->slot != NULL || options->operands > 0)
        return EXIT_OK;
    if (ask_line(run, _("Slot for key and certificate: 9a, 9c, 9d or 9e (empty: 9a)"), slot, sizeof slot) !=
        EXIT_OK)
        return run->fault.code;
    options->slot = slot[0] != '\0' ? slot : "9a";
    return EXIT_OK;
}

enum exit_code issue_apply(struct run *run)
{
    struct options *options = &run->options;
    if (options->new_application)
        forget();
    json_t *state = load();
    if (!take_kept(run, state))
        apply(run, state);
    json_decref(state);
    secret_free(applied.code);
    applied.code = NULL;
    if (run->fault.code != EXIT_OK)
        return run->fault.code;
    applies = true;
    options->reference = applied.reference;
    options->code_file = code_path;
    if (options->issuer == NULL && applied.issuer[0] != '\0')
        options->issuer = applied.issuer;
    // The centre's, when the desk itself speaks http.
    if (options->issuer != NULL && strncmp(options->issuer, "https://", 8) != 0)
        options->tls_ca = NULL;
    answer_text(run, "reference", applied.reference);
    return ask_slot(run);
}

void issue_apply_end(struct run *run)
{
    if (!applies)
        return;
    if (run->fault.code == EXIT_OK)
        forget();
    else
        say(run, _("The application %s stands until %s; the same command goes on with it."),
            applied.reference, applied.expires);
}
