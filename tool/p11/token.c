// Lists and chooses tokens; opens sessions and logs in.
#include "token.h"
#include "side.h"
#include "text.h"

#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

// Copies a field that PKCS#11 pads with blanks.
static void unpad(char *out, const CK_UTF8CHAR *field, size_t size)
{
    while (size > 0 && (field[size - 1] == ' ' || field[size - 1] == '\0'))
        size--;
    memcpy(out, field, size);
    out[size] = '\0';
}

// A token's slot for one-time passwords; what is done with those goes to the card itself.
static bool is_second(const char *description)
{
    static const char mark[] = " (OTP)";
    size_t length = strlen(description);
    return length >= sizeof mark - 1 && strcmp(description + length - (sizeof mark - 1), mark) == 0;
}

static CK_RV read_token(const struct module *module, CK_SLOT_ID slot, struct token *token)
{
    CK_SLOT_INFO reader;
    CK_TOKEN_INFO info;
    CK_RV rv = module->f->C_GetSlotInfo(slot, &reader);
    if (rv == CKR_OK) {
        unpad(token->reader, reader.slotDescription, sizeof reader.slotDescription);
        rv = is_second(token->reader) ? CKR_TOKEN_NOT_RECOGNIZED : CKR_OK;
    }
    if (rv == CKR_OK)
        rv = module->f->C_GetTokenInfo(slot, &info);
    if (rv != CKR_OK)
        return rv;
    token->slot = slot;
    unpad(token->label, info.label, sizeof info.label);
    unpad(token->maker, info.manufacturerID, sizeof info.manufacturerID);
    unpad(token->model, info.model, sizeof info.model);
    unpad(token->serial, info.serialNumber, sizeof info.serialNumber);
    token->flags = info.flags;
    token->pin_tries = token->puk_tries = -1;
    token->hardware = info.hardwareVersion;
    token->firmware = info.firmwareVersion;
    return CKR_OK;
}

// The slots with a token in; a list that grows between the two calls is asked for again.
static CK_RV slots(const struct module *module, CK_SLOT_ID **out, CK_ULONG *count)
{
    for (int attempt = 0; attempt < 8; attempt++) {
        CK_RV rv = module->f->C_GetSlotList(CK_TRUE, NULL, count);
        if (rv != CKR_OK)
            return rv;
        if (*count > 4096)
            return CKR_GENERAL_ERROR;
        *out = calloc(*count + 1, sizeof **out);
        if (*out == NULL)
            return CKR_HOST_MEMORY;
        rv = module->f->C_GetSlotList(CK_TRUE, *out, count);
        if (rv == CKR_OK)
            return CKR_OK;
        free(*out);
        *out = NULL;
        if (rv != CKR_BUFFER_TOO_SMALL)
            return rv;
    }
    return CKR_BUFFER_TOO_SMALL;
}

enum exit_code token_all(const struct module *module, struct token **out, size_t *count, struct fault *fault)
{
    CK_SLOT_ID *ids = NULL;
    CK_ULONG n = 0;
    *out = NULL;
    *count = 0;
    CK_RV rv = slots(module, &ids, &n);
    if (rv != CKR_OK) {
        fault_set(fault, EXIT_PCSC, _("The tokens could not be listed."));
        const char *name = fault_rv_name(rv);
        fault_why(fault, _("the module could not ask the readers (%s)"), name != NULL ? name : "CKR");
        return fault_todo(fault, _("See whether pcscd runs and whether you may use it."));
    }
    *out = calloc(n + 1, sizeof **out);
    if (*out == NULL)
        fault_rv(fault, CKR_HOST_MEMORY, _("The tokens could not be listed."));
    // A token pulled out meanwhile, or one that the module can't read, is not in the list.
    for (CK_ULONG i = 0; *out != NULL && i < n; i++)
        if (read_token(module, ids[i], &(*out)[*count]) == CKR_OK &&
            ((*out)[*count].flags & CKF_TOKEN_INITIALIZED))
            (*count)++;
    free(ids);
    return fault->code;
}

static void pad(CK_UTF8CHAR *field, size_t size, const char *text)
{
    size_t length = strnlen(text, size);
    memset(field, ' ', size);
    memcpy(field, text, length);
}

static enum exit_code matches_uri(const struct token *token, const char *word, bool *matches,
                                  struct fault *fault)
{
    CK_TOKEN_INFO info = {.flags = token->flags};
    P11KitUri *uri = p11_kit_uri_new();
    int result = uri != NULL ? p11_kit_uri_parse(word, P11_KIT_URI_FOR_TOKEN, uri) : P11_KIT_URI_NO_MEMORY;
    if (result == P11_KIT_URI_OK) {
        pad(info.label, sizeof info.label, token->label);
        pad(info.manufacturerID, sizeof info.manufacturerID, token->maker);
        pad(info.model, sizeof info.model, token->model);
        pad(info.serialNumber, sizeof info.serialNumber, token->serial);
        *matches = p11_kit_uri_match_token_info(uri, &info) == 1;
    } else {
        fault_set(fault, EXIT_USAGE, _("The pkcs11: URI could not be read: %s"), word);
        fault_why(fault, "%s", p11_kit_uri_message(result) != NULL ? p11_kit_uri_message(result) : "");
    }
    p11_kit_uri_free(uri);
    return fault->code;
}

enum exit_code token_matches(const struct token *token, const char *word, bool *matches, struct fault *fault)
{
    *matches = strcmp(token->serial, word) == 0 || strcmp(token->label, word) == 0;
    if (strncmp(word, "pkcs11:", 7) == 0)
        return matches_uri(token, word, matches, fault);
    return EXIT_OK;
}

enum exit_code token_refresh(const struct module *module, struct token *token, struct fault *fault)
{
    CK_RV rv = read_token(module, token->slot, token);
    return rv == CKR_OK ? EXIT_OK : fault_rv(fault, rv, _("The token could not be read."));
}

enum exit_code session_open(struct session *session, const struct module *module, const struct token *token,
                            struct fault *fault)
{
    memset(session, 0, sizeof *session);
    session->module = module;
    CK_RV rv = module->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                        &session->handle);
    if (rv == CKR_TOKEN_WRITE_PROTECTED)
        rv = module->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &session->handle);
    if (rv != CKR_OK)
        return fault_rv(fault, rv, _("No session with the token could be opened."));
    session->open = true;
    return EXIT_OK;
}

void session_close(struct session *session)
{
    if (session->open)
        session->module->f->C_CloseSession(session->handle);
    session->open = false;
}

// A wrong PIN, and what is left after it as far as PKCS#11 tells.
static enum exit_code pin_fault(struct session *session, struct token *token, CK_RV rv, struct fault *fault)
{
    struct fault unused = {.code = EXIT_OK};
    token_refresh(session->module, token, &unused);
    side_tries(session->module, token);
    if (rv == CKR_PIN_INCORRECT && (token->flags & CKF_USER_PIN_LOCKED)) {
        fault_set(fault, EXIT_BLOCKED, _("The PIN was not accepted, and it is blocked now."));
        fault->rv_name = fault_rv_name(rv);
        fault_why(fault, _("that was the last try (%s)"), fault->rv_name);
        return fault_todo(fault, _("Unblock it with the PUK: ingam pin unblock"));
    }
    fault_rv(fault, rv, _("The PIN was not accepted."));
    fault_tries(fault, token->pin_tries);
    if (token->pin_tries > 1)
        return fault_todo(fault, _("Tries left: %d. Try again with the right PIN."), token->pin_tries);
    if (token->flags & CKF_USER_PIN_FINAL_TRY)
        return fault_todo(
            fault,
            _("One try is left; it needs --last-try. Be sure of the PIN, or unblock it with the PUK."));
    if (token->flags & CKF_USER_PIN_COUNT_LOW)
        return fault_todo(fault, _("Few tries are left. Try again with the right PIN."));
    return fault_todo(fault, _("Try again with the right PIN."));
}

static enum exit_code login_fault(struct session *session, struct token *token, CK_USER_TYPE who, CK_RV rv,
                                  struct fault *fault)
{
    const char *name = fault_rv_name(rv);
    if (who == CKU_SO && (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID ||
                          rv == CKR_PIN_LOCKED)) {
        fault_set(fault, EXIT_ADMIN, _("The management key was not accepted."));
        fault->rv_name = name;
        fault_why(fault, _("it is not the one that this token expects (%s)"), name);
        return fault_todo(
            fault, _("Give the right key with --admin-key-file FILE (hex), or --default-admin if it is "
                     "still the factory's."));
    }
    if (rv == CKR_PIN_LOCKED)
        return fault_rv(fault, rv, _("The PIN of this token is blocked."));
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID)
        return pin_fault(session, token, rv, fault);
    return fault_rv(fault, rv,
                    who == CKU_SO ? _("The login with the management key failed.")
                                  : _("The login with the PIN failed."));
}

enum exit_code session_login(struct session *session, struct token *token, CK_USER_TYPE who,
                             const struct secret *secret, struct fault *fault)
{
    CK_FUNCTION_LIST *f = session->module->f;
    struct rd view = secret_view(secret);
    if (token->flags & CKF_PROTECTED_AUTHENTICATION_PATH)
        view = (struct rd){0};
    session_logout(session);
    CK_RV rv = f->C_Login(session->handle, who, (CK_UTF8CHAR *)(uintptr_t)view.p, view.n);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return EXIT_OK;
    return login_fault(session, token, who, rv, fault);
}

void session_logout(struct session *session)
{
    CK_SESSION_INFO info;
    CK_FUNCTION_LIST *f = session->module->f;
    if (!session->open || f->C_GetSessionInfo(session->handle, &info) != CKR_OK)
        return;
    if (info.state != CKS_RO_PUBLIC_SESSION && info.state != CKS_RW_PUBLIC_SESSION)
        f->C_Logout(session->handle);
}

enum exit_code change_fault(struct fault *fault, CK_RV rv, const char *what)
{
    if (rv != CKR_USER_NOT_LOGGED_IN && rv != CKR_USER_TYPE_INVALID)
        return fault_rv(fault, rv, "%s", what);
    fault_set(fault, EXIT_ADMIN, "%s", what);
    fault->rv_name = fault_rv_name(rv);
    fault_why(fault, _("the token wants the management key for it (%s)"), fault->rv_name);
    return fault_todo(fault,
                      _("Give it with --admin-key-file FILE (hex), or --default-admin if it is still the "
                        "factory's."));
}
