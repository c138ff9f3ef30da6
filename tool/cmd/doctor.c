// ingam doctor: looks at everything between a program and its key, and says what is wrong and what to do.
#include "card/transport/transport.h"
#include "meet.h"
#include "p11/keypair.h"
#include "readers.h"
#include "setup/holders.h"
#include "setup/target.h"
#include "side.h"
#include "text.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DAYS_DEFAULT 30
#define DAY_SECONDS  86400

enum level { FINE, NOTE, FAULT };

struct doctor {
    struct run *run;
    json_t *list;
    unsigned notes, faults;
    enum exit_code code; // of the first fault
    const char *token;   // whose findings these are, or NULL
};

static const struct {
    const char *word, *text;
} levels[] = {[FINE] = {"ok", N_("ok")}, [NOTE] = {"note", N_("note")}, [FAULT] = {"fault", N_("fault")}};

// One finding: a line on standard output, its advice below it.
__attribute__((format(printf, 6, 7))) static void found(struct doctor *doctor, enum level level,
                                                        enum exit_code code, const char *check,
                                                        const char *todo, const char *format, ...)
{
    char text[FAULT_TEXT];
    va_list arguments;
    json_t *out = json_object();
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *const fields[] = {_(levels[level].text), text, NULL};
    tell_fields(doctor->run, fields);
    const char *const advice[] = {"", todo, NULL};
    if (todo != NULL && level != FINE)
        tell_fields(doctor->run, advice);
    json_object_set_new(out, "check", json_string(check));
    json_object_set_new(out, "state", json_string(levels[level].word));
    json_object_set_new(out, "text", json_text(text));
    json_object_set_new(out, "todo", todo != NULL && level != FINE ? json_text(todo) : json_null());
    json_object_set_new(out, "token", doctor->token != NULL ? json_text(doctor->token) : json_null());
    if (level == FAULT)
        json_object_set_new(out, "error", json_string(exit_name(code)));
    json_array_append_new(doctor->list, out);
    doctor->notes += level == NOTE;
    if (level == FAULT && doctor->faults++ == 0)
        doctor->code = code;
}

static void found_fault(struct doctor *doctor, const char *check, const struct fault *fault)
{
    const char *todo = fault->todo[0] != '\0' ? fault->todo : NULL;
    if (fault->why[0] != '\0')
        found(doctor, FAULT, fault->code, check, todo, "%s (%s)", fault->what, fault->why);
    else
        found(doctor, FAULT, fault->code, check, todo, "%s", fault->what);
}

static void look_at_reader(struct doctor *doctor, const struct tp_reader *reader)
{
    char holders[FAULT_TEXT / 2];
    if (reader->state.taken) {
        holders_list(holders, sizeof holders);
        found(doctor, FAULT, EXIT_BUSY, "reader",
              strstr(holders, "scdaemon") != NULL
                  ? _("GnuPG's scdaemon keeps cards for itself: gpgconf --kill scdaemon, and the line "
                      "\"pcsc-shared\" in ~/.gnupg/scdaemon.conf")
                  : _("Close the program that holds it."),
              _("%s: another program keeps the card to itself: %s"), reader->name,
              holders[0] != '\0' ? holders : _("none of this user's"));
    } else if (reader->state.mute)
        found(doctor, FAULT, EXIT_TOKEN, "reader", _("Put the card in the right way round, or try another."),
              _("%s: the card does not answer"), reader->name);
    else
        found(doctor, FINE, EXIT_OK, "reader", NULL, "%s: %s", reader->name,
              reader->state.present ? _("a card is in") : _("empty"));
}

static bool look_at_service(struct doctor *doctor)
{
    static struct tp_reader list[TP_READERS_MAX];
    struct fault fault = {.code = EXIT_OK};
    unsigned readers = 0;
    size_t count = 0;
    char holders[FAULT_TEXT / 2];
    if (readers_check(&readers, &fault) != EXIT_OK) {
        found_fault(doctor, "service", &fault);
        return false;
    }
    found(doctor, FINE, EXIT_OK, "service", NULL, "%s", _("The card service answers."));
    holders_list(holders, sizeof holders);
    if (holders[0] != '\0')
        found(doctor, FINE, EXIT_OK, "programs", NULL, _("Programs of yours that use cards now: %s"),
              holders);
    struct tp *tp = tp_default_new();
    if (tp != NULL && tp_list(tp, list, TP_READERS_MAX, &count) == E_OK)
        for (size_t i = 0; i < count; i++)
            look_at_reader(doctor, &list[i]);
    tp_close(tp);
    if (count == 0)
        found(doctor, FAULT, EXIT_TOKEN, "reader", _("Plug the token or the reader in."), "%s",
              _("No reader and no token is there."));
    return true;
}

static void look_at_programs(struct doctor *doctor, const char *module)
{
    static struct target targets[TARGETS_MOST];
    for (size_t n = 0; target_word(n) != NULL; n++) {
        struct fault fault = {.code = EXIT_OK};
        size_t count = 0;
        if (target_never(n) != NULL ||
            target_find(n, module, targets, TARGETS_MOST, &count, &fault) != EXIT_OK)
            continue;
        for (size_t i = 0; i < count; i++) {
            bool there = targets[i].state == TARGET_THERE;
            if (!there && !target_usual(n))
                continue;
            char todo[FAULT_TEXT];
            snprintf(todo, sizeof todo, _("If it should: ingam setup %s"), target_word(n));
            found(doctor, there ? FINE : NOTE, EXIT_OK, target_word(n), todo,
                  there                              ? _("%s finds the module (%s)")
                  : targets[i].state == TARGET_OTHER ? _("%s has the module at another place (%s)")
                                                     : _("%s does not know the module (%s)"),
                  target_name(n), targets[i].path);
        }
    }
}

static void look_at_pin(struct doctor *doctor, struct token *token)
{
    struct side_factory factory;
    const struct module *module = &doctor->run->module;
    side_tries(module, token);
    if ((token->flags & CKF_USER_PIN_LOCKED) != 0 || token->pin_tries == 0)
        found(doctor, FAULT, EXIT_BLOCKED, "pin", _("Set a new one with the PUK: ingam pin unblock"), "%s",
              _("The PIN is blocked."));
    else if (token->pin_tries == 1 || (token->flags & CKF_USER_PIN_FINAL_TRY) != 0)
        found(doctor, NOTE, EXIT_OK, "pin",
              _("The last try is only made with --last-try; a right PIN gives all "
                "tries again."),
              "%s", _("One PIN try is left."));
    else if (token->pin_tries > 0)
        found(doctor, FINE, EXIT_OK, "pin", NULL, _("PIN tries left: %d"), token->pin_tries);
    if (token->puk_tries == 0)
        found(doctor, NOTE, EXIT_OK, "puk", NULL, "%s",
              _("The PUK is blocked: a blocked PIN could not be unblocked."));
    side_factory(module, token, &factory);
    if (factory.pin == 1)
        found(doctor, NOTE, EXIT_OK, "pin_default", "ingam pin change", "%s",
              _("The PIN is still the factory's, which everybody knows."));
    if (factory.puk == 1)
        found(doctor, NOTE, EXIT_OK, "puk_default", "ingam puk change", "%s",
              _("The PUK is still the factory's, which everybody knows."));
    if (factory.admin == 1)
        found(doctor, NOTE, EXIT_OK, "admin_default", "ingam admin change", "%s",
              _("The management key is still the factory's, which everybody knows."));
}

static void look_at_certificate(struct doctor *doctor, const struct piv_place *place, X509 *certificate,
                                EVP_PKEY *key)
{
    unsigned days = doctor->run->options.days_given ? doctor->run->options.days : DAYS_DEFAULT;
    time_t soon = time(NULL) + (time_t)days * DAY_SECONDS;
    const ASN1_TIME *end = X509_get0_notAfter(certificate);
    EVP_PKEY *held = X509_get0_pubkey(certificate);
    if (key != NULL && (held == NULL || EVP_PKEY_eq(held, key) != 1))
        found(doctor, FAULT, EXIT_MISMATCH, "certificate", _("ingam issue, or ingam cert import --replace"),
              _("Slot %s: the certificate is for another key than the one there."), place->number);
    else if (X509_cmp_current_time(end) < 0)
        found(doctor, FAULT, EXIT_MISMATCH, "certificate", _("Get a new one: ingam reissue"),
              _("Slot %s: the certificate has expired."), place->number);
    else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        found(doctor, FAULT, EXIT_MISMATCH, "certificate", _("See whether this computer's clock is right."),
              _("Slot %s: the certificate is not valid yet."), place->number);
    else if (X509_cmp_time(end, &soon) < 0)
        found(doctor, FAULT, EXIT_EXPIRING, "certificate", "ingam renew",
              _("Slot %s: the certificate expires within %u days."), place->number, days);
    else
        found(doctor, FINE, EXIT_OK, "certificate", NULL, _("Slot %s: the certificate is valid."),
              place->number);
    ERR_clear_error();
}

static void look_at_slots(struct doctor *doctor)
{
    struct run *run = doctor->run;
    struct fault fault = {.code = EXIT_OK};
    const struct piv_place *place;
    size_t count = 0;
    if (session_open(&run->session, &run->module, &run->token, &fault) == EXIT_OK)
        for (CK_BYTE id = 1; (place = place_of_id(id)) != NULL && fault.code == EXIT_OK; id++) {
            X509 *certificate = NULL;
            EVP_PKEY *key = NULL;
            if (object_certificate(&run->session, id, &certificate, &fault) == EXIT_OK &&
                certificate != NULL && keypair_public(&run->session, id, &key, &fault) == EXIT_OK) {
                look_at_certificate(doctor, place, certificate, key);
                count++;
            }
            X509_free(certificate);
            EVP_PKEY_free(key);
        }
    session_close(&run->session);
    if (fault.code != EXIT_OK)
        found_fault(doctor, "token", &fault);
    else if (count == 0)
        found(doctor, NOTE, EXIT_OK, "certificate", _("Get one: ingam issue"), "%s",
              _("There is no certificate on the token."));
}

static void look_at_tokens(struct doctor *doctor)
{
    struct run *run = doctor->run;
    struct fault fault = {.code = EXIT_OK};
    struct token *tokens = NULL;
    size_t count = 0;
    if (token_all(&run->module, &tokens, &count, &fault) != EXIT_OK) {
        found_fault(doctor, "token", &fault);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bool fits = true;
        if (run->options.token != NULL)
            token_matches(&tokens[i], run->options.token, &fits, &fault);
        if (!fits)
            continue;
        run->token = tokens[i];
        doctor->token = run->token.serial[0] != '\0' ? run->token.serial : run->token.label;
        found(doctor, FINE, EXIT_OK, "token", NULL, _("Token %s (%s)"), doctor->token, run->token.model);
        look_at_pin(doctor, &run->token);
        look_at_slots(doctor);
        doctor->token = NULL;
    }
    if (count == 0)
        found(doctor, FAULT, EXIT_TOKEN, "token",
              _("Put it in. A card that is in and not shown here is no PIV card."), "%s",
              _("No token is there."));
    free(tokens);
}

static enum exit_code doctor_run(struct run *run)
{
    struct doctor doctor = {.run = run, .list = json_array()};
    struct fault fault = {.code = EXIT_OK};
    char module[PATHS_MAX], real[PATHS_MAX];
    const char *named = run->options.module != NULL ? run->options.module : secure_getenv("INGAM_MODULE");
    json_object_set_new(run->answer, "checks", doctor.list);
    bool service = look_at_service(&doctor);
    if (named == NULL || named[0] == '\0')
        named = paths_module(module, sizeof module) ? module : "";
    bool loaded = meet_module(run) == EXIT_OK;
    if (!loaded) {
        fault = run->fault;
        fault_clear(&run->fault);
        found_fault(&doctor, "module", &fault);
    } else {
        found(&doctor, FINE, EXIT_OK, "module", NULL, _("The module can be loaded: %s"), named);
        if (realpath(named, real) != NULL)
            look_at_programs(&doctor, real);
    }
    if (loaded && service)
        look_at_tokens(&doctor);
    json_object_set_new(run->answer, "faults", json_integer(doctor.faults));
    json_object_set_new(run->answer, "notes", json_integer(doctor.notes));
    if (doctor.faults == 0) {
        say(run, doctor.notes > 0 ? _("Nothing is wrong; what could be better is marked above.")
                                  : _("Nothing is wrong."));
        return EXIT_OK;
    }
    return fault_set(&run->fault, doctor.code, _("Faults found: %u."), doctor.faults);
}

static const struct option_row doctor_rows[] = {
    {.name = "days",
     .kind = OPTION_NUMBER,
     .at = OPTION_AT(days),
     .given_at = OPTION_AT(days_given),
     .most = 36500,
     .value = N_("DAYS"),
     .help = N_("how near the end counts as soon (30 if not said)")},
    {.name = NULL},
};

extern const struct command cmd_doctor;

const struct command cmd_doctor = {
    .noun = "doctor",
    .summary = N_("find out why a token does not work"),
    .details =
        N_("Looks at the card service, readers, the module, the programs that should know it, PINs and "
           "certificates.\nNothing is changed and no PIN is asked for. The exit status is that of the "
           "first fault."),
    .needs = NEED_TOKEN_ASKED,
    .options = doctor_rows,
    .run = doctor_run,
};
