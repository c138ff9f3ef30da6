// Chooses the card, selects its OATH applet, proves the access code.
#include "otp/applet.h"
#include "ask.h"
#include "card/driver/driver.h"
#include "card/piv/sequence.h"
#include "fault_card.h"
#include "meet.h"
#include "side.h"
#include "text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#define WAIT_MS      2000
#define PBKDF_ROUNDS 1000 // YKOATH, "Set Code"

static enum err hmac_sha1(void *ctx, struct rd key, struct rd data, uint8_t out[20])
{
    unsigned length = 20;
    (void)ctx;
    return HMAC(EVP_sha1(), key.p, (int)key.n, data.p, data.n, out, &length) != NULL ? E_OK : E_MEMORY;
}

static enum err random_bytes(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return RAND_bytes(out, (int)n) == 1 ? E_OK : E_MEMORY;
}

const struct oath_crypto otp_crypto = {.hmac_sha1 = hmac_sha1, .random = random_bytes};

enum exit_code otp_fault(struct run *run, const struct otp_applet *applet, enum err error, const char *what)
{
    return fault_card(&run->fault, error, &applet->card.trail, what);
}

void otp_close(struct otp_applet *applet)
{
    card_end(&applet->card, TP_LEAVE);
    card_close(&applet->card);
    tp_close(applet->tp);
    secret_free(applet->access);
    *applet = (struct otp_applet){0};
}

static enum exit_code several(struct run *run, const char *first, const char *second)
{
    say(run, "%s", _("Several tokens with one-time passwords are there:"));
    say(run, "  %s", first);
    say(run, "  %s", second);
    fault_set(&run->fault, EXIT_TOKEN, _("Several tokens are there, and none was chosen."));
    return fault_todo(&run->fault, _("Choose one with --token SERIAL, LABEL or pkcs11: URI; see them with: "
                                     "ingam token list"));
}

// Takes the card in this reader and selects its applet. E_NOT_PRESENT: it has none.
static enum err take(struct card *card, struct tp *tp, const char *reader, struct oath_info *info)
{
    enum err error = card_open(card, tp, reader, (struct trace){0});
    if (error == E_OK)
        error = card_begin(card, WAIT_MS, NULL);
    if (error == E_OK)
        error = oath_select(card, info);
    return error;
}

static enum exit_code none_there(struct run *run, size_t readers, size_t cards)
{
    if (cards > 0)
        return fault_set(&run->fault, EXIT_UNSUPPORTED,
                         _("The token makes no one-time passwords: it has no OATH applet."));
    fault_set(&run->fault, EXIT_TOKEN, "%s",
              readers > 0 ? _("No token is there.") : _("No reader and no token is there."));
    return fault_todo(&run->fault,
                      _("Put the token in. If it is in, see whether pcscd runs and knows the reader."));
}

// Without --token: the only card that has an OATH applet. One exchange a card.
static enum exit_code choose_only(struct run *run, struct otp_applet *applet)
{
    static struct tp_reader list[TP_READERS_MAX];
    size_t count = 0, cards = 0;
    enum err error = tp_list(applet->tp, list, TP_READERS_MAX, &count);
    if (error != E_OK)
        return otp_fault(run, applet, error, _("The tokens could not be listed."));
    for (size_t i = 0; i < count && run->fault.code == EXIT_OK; i++) {
        static struct otp_applet other;
        struct otp_applet *to = applet->reader[0] == '\0' ? applet : &other;
        if (!list[i].state.present || list[i].state.mute)
            continue;
        error = take(&to->card, applet->tp, list[i].name, &to->info);
        cards += error == E_OK || error == E_NOT_PRESENT;
        if (error == E_OK && to == applet) {
            memcpy(applet->reader, list[i].name, sizeof applet->reader);
            continue;
        }
        if (error == E_OK)
            several(run, applet->reader, list[i].name);
        else if (error != E_NOT_PRESENT && error != E_NO_CARD && error != E_NO_READER && error != E_EXCHANGED)
            otp_fault(run, to, error, _("The token could not be asked."));
        card_close(&to->card);
    }
    return run->fault.code != EXIT_OK || applet->reader[0] != '\0' ? run->fault.code
                                                                   : none_there(run, count, cards);
}

// With --token: by serial number, label or URI, as every command does.
static enum exit_code choose_named(struct run *run, struct otp_applet *applet)
{
    if (run->module.library == NULL && meet_token(run) != EXIT_OK)
        return run->fault.code;
    if (!side_reader(applet->tp, run->token.reader, applet->reader)) {
        applet->reader[0] = '\0';
        return fault_set(&run->fault, EXIT_TOKEN, _("The reader of the token \"%s\" could not be found."),
                         run->token.serial);
    }
    enum err error = take(&applet->card, applet->tp, applet->reader, &applet->info);
    if (error == E_NOT_PRESENT)
        return fault_set(&run->fault, EXIT_UNSUPPORTED,
                         _("The token makes no one-time passwords: it has no OATH applet."));
    return error == E_OK ? EXIT_OK : otp_fault(run, applet, error, _("The token could not be asked."));
}

enum exit_code otp_access_key(struct run *run, const struct otp_applet *applet, const struct secret *code,
                              uint8_t key[OATH_ACCESS_SIZE])
{
    struct rd text = secret_view(code);
    if (PKCS5_PBKDF2_HMAC_SHA1((const char *)text.p, (int)text.n, applet->info.id, applet->info.id_len,
                               PBKDF_ROUNDS, OATH_ACCESS_SIZE, key) == 1)
        return EXIT_OK;
    return fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
}

// The card was free for others while the person was asked; the applet has to be the same afterwards.
static enum exit_code come_back(struct run *run, struct otp_applet *applet)
{
    struct oath_info before = applet->info;
    enum err error = card_begin(&applet->card, WAIT_MS, NULL);
    if (error == E_OK)
        error = oath_select(&applet->card, &applet->info);
    if (error != E_OK)
        return otp_fault(run, applet, error, _("The token could not be asked."));
    if (before.id_len != applet->info.id_len || memcmp(before.id, applet->info.id, before.id_len) != 0)
        return fault_set(&run->fault, EXIT_TOKEN, _("The token was exchanged meanwhile."));
    return EXIT_OK;
}

static enum exit_code ask_access(struct run *run, struct otp_applet *applet)
{
    char prompt[TP_NAME_SIZE + 64];
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_PIN,
                  _("The access code of the one-time passwords is needed, and there is no terminal to ask."));
        return fault_todo(&run->fault, _("Give it with --access-file FILE or --access-fd NUMBER."));
    }
    snprintf(prompt, sizeof prompt, _("Access code of %s"), applet->reader);
    card_end(&applet->card, TP_LEAVE);
    if (ask_secret(run, prompt, EXIT_PIN, &applet->access) != EXIT_OK)
        return run->fault.code;
    return come_back(run, applet);
}

static enum exit_code unlock(struct run *run, struct otp_applet *applet)
{
    uint8_t key[OATH_ACCESS_SIZE];
    if (!applet->info.locked || (applet->access == NULL && ask_access(run, applet) != EXIT_OK) ||
        !applet->info.locked || otp_access_key(run, applet, applet->access, key) != EXIT_OK)
        return run->fault.code;
    enum err error = oath_unlock(&applet->card, &otp_crypto, &applet->info, rd_of(key, sizeof key));
    secret_wipe(key, sizeof key);
    if (error == E_PIN_WRONG) {
        fault_set(&run->fault, EXIT_PIN, _("The access code was not accepted."));
        return fault_why(&run->fault, _("it is not the one of this token (%04X)"),
                         (unsigned)applet->card.trail.sw);
    }
    return error == E_OK ? EXIT_OK : otp_fault(run, applet, error, _("The token could not be unlocked."));
}

// What was given is read before the card is held.
static enum exit_code read_access(struct run *run, struct otp_applet *applet)
{
    const struct options *options = &run->options;
    if (options->access_file != NULL && options->access_fd_given)
        return fault_set(&run->fault, EXIT_USAGE, _("--access-file and --access-fd exclude each other."));
    if (options->access_file != NULL)
        return ask_file(run, options->access_file, &applet->access);
    if (options->access_fd_given)
        return ask_fd(run, (int)options->access_fd, "--access-fd", &applet->access);
    return EXIT_OK;
}

enum exit_code otp_open_locked(struct run *run, struct otp_applet *applet)
{
    struct secret *access = NULL;
    *applet = (struct otp_applet){0};
    if (read_access(run, applet) == EXIT_OK) {
        access = applet->access;
        applet->tp = tp_default_new();
        if (applet->tp == NULL)
            fault_set(&run->fault, EXIT_USAGE, _("INGAM_SIM names no simulated tokens that can be reached."));
        else if (run->options.token != NULL || run->token.reader[0] != '\0')
            choose_named(run, applet);
        else
            choose_only(run, applet);
        applet->access = access;
    }
    if (run->fault.code != EXIT_OK)
        otp_close(applet);
    return run->fault.code;
}

enum exit_code otp_unlock(struct run *run, struct otp_applet *applet)
{
    applet->to_unlock = true;
    return unlock(run, applet);
}

enum exit_code otp_open(struct run *run, struct otp_applet *applet)
{
    if (otp_open_locked(run, applet) == EXIT_OK && otp_unlock(run, applet) != EXIT_OK)
        otp_close(applet);
    return run->fault.code;
}

// The serial number that the person is to type; 2 exchanges.
static bool read_serial(struct otp_applet *applet, char out[16])
{
    uint32_t serial;
    if (piv_ensure(&applet->card) != E_OK || driver_serial(&applet->card, &serial) != E_OK)
        return false;
    snprintf(out, 16, "%u", (unsigned)serial);
    return true;
}

enum exit_code otp_confirm(struct run *run, struct otp_applet *applet, const char *what)
{
    char serial[16];
    if (run->options.yes)
        return EXIT_OK;
    if (!ask_possible())
        return ask_destroy(run, what, "");
    if (!read_serial(applet, serial)) {
        fault_set(&run->fault, EXIT_USAGE, "%s", what);
        return fault_todo(&run->fault, _("If that is what you want, add --yes."));
    }
    card_end(&applet->card, TP_LEAVE);
    if (ask_destroy(run, what, serial) != EXIT_OK || come_back(run, applet) != EXIT_OK)
        return run->fault.code;
    return applet->to_unlock ? unlock(run, applet) : EXIT_OK;
}
