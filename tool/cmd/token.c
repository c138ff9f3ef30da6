// ingam token list, ingam token info: which tokens are there, and what is on one.
#include "meet.h"
#include "otp/gatecard.h"
#include "p11/keypair.h"
#include "readers.h"
#include "show.h"
#include "side.h"
#include "text.h"

#include <stdlib.h>

struct flag_row {
    CK_FLAGS flag;
    const char *key;
    const char *text;
};

static const struct flag_row flag_rows[] = {
    {CKF_USER_PIN_COUNT_LOW, "pin_count_low", N_("few PIN tries left")},
    {CKF_USER_PIN_FINAL_TRY, "pin_final_try", N_("one PIN try left")},
    {CKF_USER_PIN_LOCKED, "pin_blocked", N_("PIN blocked")},
    {CKF_WRITE_PROTECTED, "write_protected", N_("write-protected")},
    {CKF_PROTECTED_AUTHENTICATION_PATH, "pin_pad", N_("PIN entered at the reader")},
};

static json_t *token_json(const struct token *token)
{
    char uri[512];
    json_t *out = json_object();
    meet_token_uri(token, uri, sizeof uri);
    json_object_set_new(out, "serial", json_text(token->serial));
    json_object_set_new(out, "label", json_text(token->label));
    json_object_set_new(out, "model", json_text(token->model));
    json_object_set_new(out, "manufacturer", json_text(token->maker));
    json_object_set_new(out, "reader", json_text(token->reader));
    json_object_set_new(out, "uri", json_text(uri));
    for (size_t i = 0; i < sizeof flag_rows / sizeof flag_rows[0]; i++)
        json_object_set_new(out, flag_rows[i].key, json_boolean((token->flags & flag_rows[i].flag) != 0));
    if (token->pin_tries >= 0)
        json_object_set_new(out, "pin_tries", json_integer(token->pin_tries));
    if (token->puk_tries >= 0)
        json_object_set_new(out, "puk_tries", json_integer(token->puk_tries));
    return out;
}

static enum exit_code token_list(struct run *run)
{
    struct token *tokens;
    size_t count;
    if (token_all(&run->module, &tokens, &count, &run->fault) != EXIT_OK)
        return run->fault.code;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const char *const fields[] = {tokens[i].serial[0] != '\0' ? tokens[i].serial : "-", tokens[i].label,
                                      tokens[i].model, tokens[i].reader, NULL};
        tell_fields(run, fields);
        json_array_append_new(list, token_json(&tokens[i]));
    }
    json_object_set_new(run->answer, "tokens", list);
    unsigned readers;
    free(tokens);
    if (count == 0 && readers_check(&readers, &run->fault) == EXIT_OK)
        say(run, "%s", readers > 0 ? _("No token is there.") : _("No reader and no token is there."));
    return run->fault.code;
}

// One slot that holds something.
static enum exit_code show_slot(struct run *run, const struct piv_place *place, json_t *list)
{
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    if (object_certificate(&run->session, place->id, &certificate, &run->fault) == EXIT_OK)
        keypair_public(&run->session, place->id, &key, &run->fault);
    if (run->fault.code == EXIT_OK && (certificate != NULL || key != NULL)) {
        const struct key_kind *kind = key != NULL ? key_kind_of_public(key) : NULL;
        json_t *out = json_object();
        tell(run, "  %s (%s): %s", place->number, place->label,
             kind != NULL ? kind->name : _("another kind of key"));
        json_object_set_new(out, "slot", json_string(place->number));
        json_object_set_new(out, "key_type", kind != NULL ? json_string(kind->name) : json_null());
        if (certificate != NULL) {
            json_t *fields = json_object();
            show_certificate(run, "    ", certificate, fields);
            json_object_set_new(out, "certificate", fields);
        } else {
            tell(run, "    %s", _("no certificate"));
            json_object_set_new(out, "certificate", json_null());
        }
        json_array_append_new(list, out);
    }
    EVP_PKEY_free(key);
    X509_free(certificate);
    return run->fault.code;
}

static void show_tries(struct run *run)
{
    side_tries(&run->module, &run->token);
    if (run->token.pin_tries >= 0)
        tell(run, "%s: %d", _("PIN tries left"), run->token.pin_tries);
    if (run->token.puk_tries >= 0)
        tell(run, "%s: %d", _("PUK tries left"), run->token.puk_tries);
}

// A warning about what everybody knows.
static void show_factory(struct run *run)
{
    struct side_factory factory;
    side_factory(&run->module, &run->token, &factory);
    const struct {
        int still;
        const char *key, *text;
    } rows[] = {
        {factory.pin, "pin_default", N_("the PIN is still the factory's: ingam pin change")},
        {factory.puk, "puk_default", N_("the PUK is still the factory's")},
        {factory.admin, "admin_default", N_("the management key is still the factory's")},
    };
    json_t *out = json_object_get(run->answer, "token");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].still == 1)
            say(run, "%s", _(rows[i].text));
        if (rows[i].still >= 0)
            json_object_set_new(out, rows[i].key, json_boolean(rows[i].still));
    }
    if (factory.admin_cipher != NULL) {
        tell(run, "%s: %s", _("management key"), factory.admin_cipher);
        json_object_set_new(out, "admin_cipher", json_string(factory.admin_cipher));
    }
}

static enum exit_code token_info(struct run *run)
{
    const struct token *token = &run->token;
    char uri[512];
    meet_token_uri(token, uri, sizeof uri);
    tell(run, "%s: %s", _("serial number"), token->serial[0] != '\0' ? token->serial : "-");
    tell(run, "%s: %s", _("label"), token->label);
    tell(run, "%s: %s (%s)", _("model"), token->model, token->maker);
    tell(run, "%s: %s", _("reader"), token->reader);
    tell(run, "URI: %s", uri);
    for (size_t i = 0; i < sizeof flag_rows / sizeof flag_rows[0]; i++)
        if (token->flags & flag_rows[i].flag)
            tell(run, "%s", _(flag_rows[i].text));
    show_tries(run);
    json_object_set_new(run->answer, "token", token_json(token));
    show_factory(run);
    gatecard_tell(run, json_object_get(run->answer, "token"));
    if (session_open(&run->session, &run->module, token, &run->fault) != EXIT_OK)
        return run->fault.code;
    json_t *list = json_array();
    const struct piv_place *place;
    for (CK_BYTE id = 1; (place = place_of_id(id)) != NULL && run->fault.code == EXIT_OK; id++)
        show_slot(run, place, list);
    json_object_set_new(run->answer, "slots", list);
    return run->fault.code;
}

extern const struct command cmd_token_list, cmd_token_info;

const struct command cmd_token_list = {
    .noun = "token",
    .verb = "list",
    .summary = N_("list the tokens that are there"),
    .details = N_("One line a token: serial number, label, model, reader, separated by tabs."),
    .needs = NEED_MODULE,
    .run = token_list,
};

const struct command cmd_token_info = {
    .noun = "token",
    .verb = "info",
    .summary = N_("show a token and what is on it"),
    .needs = NEED_TOKEN,
    .run = token_info,
};
