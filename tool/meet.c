// Meets a command's needs: module, token, issuer, management key, PIN.
#include "meet.h"
#include "ask.h"
#include "cmp/client.h"
#include "paths.h"
#include "readers.h"
#include "side.h"
#include "text.h"

#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum exit_code load(struct run *run)
{
    char own[PATHS_MAX];
    const char *path = run->options.module;
    if (path == NULL)
        path = secure_getenv("INGAM_MODULE");
    // Ingam's module refuses the last try by itself unless it is told so.
    if (run->options.last_try)
        setenv("INGAM_LAST_TRY", "1", 1);
    if (path == NULL || path[0] == '\0')
        path = paths_module(own, sizeof own) ? own : INGAM_MODULE_INSTALLED;
    // Ingam's module, too, spends the last try only when told to.
    if (run->options.last_try)
        setenv("INGAM_LAST_TRY", "1", 1);
    return module_load(&run->module, path, &run->fault);
}

void meet_token_uri(const struct token *token, char *out, size_t size)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_TOKEN_INFO *info = uri != NULL ? p11_kit_uri_get_token_info(uri) : NULL;
    char *text = NULL;
    out[0] = '\0';
    if (info != NULL) {
        memset(info->label, ' ', sizeof info->label);
        memcpy(info->label, token->label, strlen(token->label));
        memset(info->serialNumber, ' ', sizeof info->serialNumber);
        memcpy(info->serialNumber, token->serial, strlen(token->serial));
        if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_TOKEN, &text) == P11_KIT_URI_OK)
            snprintf(out, size, "%s", text);
    }
    free(text);
    p11_kit_uri_free(uri);
}

static void say_tokens(const struct run *run, const struct token *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++)
        say(run, "  %s  %s  (%s)", tokens[i].serial[0] != '\0' ? tokens[i].serial : "-", tokens[i].label,
            tokens[i].reader);
}

static enum exit_code choose(struct run *run)
{
    struct token *tokens;
    size_t count, chosen = 0, fitting = 0;
    const char *word = run->options.token;
    if (token_all(&run->module, &tokens, &count, &run->fault) != EXIT_OK)
        return run->fault.code;
    for (size_t i = 0; i < count && run->fault.code == EXIT_OK; i++) {
        bool fits = word == NULL;
        if (word != NULL)
            token_matches(&tokens[i], word, &fits, &run->fault);
        if (fits) {
            chosen = i;
            fitting++;
        }
    }
    if (run->fault.code == EXIT_OK && fitting == 1)
        run->token = tokens[chosen];
    else if (run->fault.code == EXIT_OK && count == 0) {
        unsigned readers;
        if (readers_check(&readers, &run->fault) == EXIT_OK)
            fault_set(&run->fault, EXIT_TOKEN, "%s",
                      readers > 0 ? _("No token is there.") : _("No reader and no token is there."));
        fault_todo(&run->fault,
                   _("Put the token in. If it is in, see whether pcscd runs and knows the reader."));
    } else if (run->fault.code == EXIT_OK) {
        say(run, "%s", _("These tokens are there (serial number, label, reader):"));
        say_tokens(run, tokens, count);
        if (fitting == 0)
            fault_set(&run->fault, EXIT_TOKEN, _("No token matches \"%s\"."), word);
        else
            fault_set(&run->fault, EXIT_TOKEN, _("Several tokens are there, and none was chosen."));
        fault_todo(&run->fault, _("Choose one with --token SERIAL, LABEL or pkcs11: URI."));
    }
    free(tokens);
    return run->fault.code;
}

enum exit_code meet_login_user(struct run *run)
{
    return session_login(&run->session, &run->token, CKU_USER, run->secrets.pin, &run->fault);
}

enum exit_code meet_login_writer(struct run *run)
{
    if (run->secrets.admin == NULL)
        return meet_login_user(run);
    if (side_touch(&run->module, &run->token, NULL))
        say(run, "%s", _("Touch the token now: its management key asks for it."));
    return session_login(&run->session, &run->token, CKU_SO, run->secrets.admin, &run->fault);
}

static void say_touch(void *arg)
{
    say(arg, "%s", _("Touch the token now."));
}

void meet_keypair(struct run *run, struct keypair *keypair, CK_OBJECT_HANDLE key,
                  const struct piv_place *place)
{
    bool touch = side_touch(&run->module, &run->token, place);
    *keypair = (struct keypair){
        .session = &run->session,
        .private_key = key,
        .pin = run->secrets.pin,
        .always_authenticate = object_true(&run->session, key, CKA_ALWAYS_AUTHENTICATE),
        .touch = touch ? say_touch : NULL,
        .touch_arg = run,
    };
}

// A management key that the card keeps behind the PIN: the PIN is tried through the module, which knows how
// often it may be, before the card itself is asked with it.
static enum exit_code admin_by_pin(struct run *run)
{
    side_tries(&run->module, &run->token);
    if ((run->secrets.pin == NULL && ask_pin(run, &run->secrets.pin) != EXIT_OK) ||
        (!run->session.open &&
         session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK) ||
        meet_login_user(run) != EXIT_OK)
        return run->fault.code;
    return side_protected_key(&run->module, &run->token, run->secrets.pin, &run->secrets.admin, &run->fault);
}

// Both secrets are at hand before the first is tried; the management key, which has no retry counter, is
// tried first.
static enum exit_code log_in(struct run *run, unsigned needs)
{
    bool admin_given = run->options.admin_key_file != NULL || run->options.default_admin;
    bool admin = (needs & (NEED_ADMIN | NEED_WRITER)) && (run->module.officer_writes || admin_given);
    if ((needs & NEED_WRITER) && !admin)
        needs |= NEED_PIN;
    bool protected = admin && !admin_given && run->secrets.admin == NULL &&
                     !(run->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) &&
                     side_protected(&run->module, &run->token);
    if (protected && admin_by_pin(run) != EXIT_OK)
        return run->fault.code;
    if (admin && run->secrets.admin == NULL && ask_admin(run, &run->secrets.admin) != EXIT_OK)
        return run->fault.code;
    if ((needs & NEED_PIN) && run->secrets.pin == NULL)
        side_tries(&run->module, &run->token);
    if ((needs & NEED_PIN) && run->secrets.pin == NULL && ask_pin(run, &run->secrets.pin) != EXIT_OK)
        return run->fault.code;
    if (!admin && !(needs & NEED_PIN))
        return EXIT_OK;
    if (!run->session.open && session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (admin && meet_login_writer(run) != EXIT_OK)
        return run->fault.code;
    return needs & NEED_PIN ? meet_login_user(run) : EXIT_OK;
}

enum exit_code meet_login(struct run *run)
{
    return log_in(run, run->needs);
}

enum exit_code meet_module(struct run *run)
{
    return load(run);
}

enum exit_code meet_token(struct run *run)
{
    return load(run) == EXIT_OK ? choose(run) : run->fault.code;
}

enum exit_code meet_needs(struct run *run)
{
    unsigned needs = run->needs;
    if ((needs & (NEED_MODULE | NEED_TOKEN)) && load(run) != EXIT_OK)
        return run->fault.code;
    if ((needs & NEED_TOKEN) && choose(run) != EXIT_OK)
        return run->fault.code;
    if ((needs & NEED_ISSUER) && cmp_reach(run->options.issuer, run->options.timeout, &run->fault) != EXIT_OK)
        return run->fault.code;
    return log_in(run, needs);
}

// Whether the token that the session is with has gone. The module may still answer from what it knows of it.
static bool gone(struct run *run)
{
    CK_FUNCTION_LIST *f = run->module.f;
    CK_SESSION_INFO session;
    CK_SLOT_INFO slot;
    CK_RV rv = f->C_GetSlotInfo(run->token.slot, &slot);
    if (rv == CKR_SLOT_ID_INVALID || (rv == CKR_OK && (slot.flags & CKF_TOKEN_PRESENT) == 0))
        return true;
    rv = f->C_GetSessionInfo(run->session.handle, &session);
    return rv == CKR_DEVICE_REMOVED || rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_TOKEN_NOT_PRESENT;
}

void meet_look_again(struct run *run)
{
    struct fault *fault = &run->fault;
    const struct timespec pause = {0, 50000000};
    if (!run->session.open || fault->rv_name == NULL || strcmp(fault->rv_name, "CKR_DEVICE_ERROR") != 0)
        return;
    for (int i = 0; i < 40 && !gone(run); i++)
        nanosleep(&pause, NULL);
    if (!gone(run))
        return;
    struct fault removed = {.code = EXIT_OK};
    fault_rv(&removed, CKR_DEVICE_REMOVED, "%s", fault->what);
    fault_state(&removed, "%s", fault->state);
    *fault = removed;
}

void meet_release(struct run *run)
{
    if (run->session.open)
        session_logout(&run->session);
    session_close(&run->session);
    module_unload(&run->module);
    secret_free(run->secrets.pin);
    secret_free(run->secrets.admin);
    secret_free(run->secrets.code);
    run->secrets = (struct ingam_secrets){0};
}
