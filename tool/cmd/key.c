// ingam key list, ingam key generate: the keys on a token.
#include "ask.h"
#include "make_pair.h"
#include "meet.h"
#include "p11/keypair.h"
#include "show.h"
#include "text.h"

#include <openssl/pem.h>

static const struct option_row generate_rows[] = {
    SHOW_SLOT_ROW,
    {.name = "key-type",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(key_type),
     .value = N_("TYPE"),
     .help = N_("rsa2048 (if not said), rsa3072, rsa4096, p256 or p384")},
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("give up the key that is in the slot")},
    {.name = NULL},
};

static enum exit_code key_list(struct run *run)
{
    const struct piv_place *place;
    json_t *list = json_array();
    json_object_set_new(run->answer, "keys", list);
    if (session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    for (CK_BYTE id = 1; (place = place_of_id(id)) != NULL && run->fault.code == EXIT_OK; id++) {
        EVP_PKEY *key;
        if (keypair_public(&run->session, id, &key, &run->fault) == EXIT_OK && key != NULL) {
            const struct key_kind *kind = key_kind_of_public(key);
            const char *const fields[] = {place->number, kind != NULL ? kind->name : "-", place->label, NULL};
            json_t *out = json_object();
            json_object_set_new(out, "slot", json_string(place->number));
            json_object_set_new(out, "key_type", kind != NULL ? json_string(kind->name) : json_null());
            json_array_append_new(list, out);
            tell_fields(run, fields);
        }
        EVP_PKEY_free(key);
    }
    return run->fault.code;
}

static enum exit_code key_check(struct run *run)
{
    const struct piv_place *place;
    if (run->options.key_type == NULL)
        run->options.key_type = "rsa2048";
    if (show_place(run, &place) == EXIT_OK && key_kind_of(run->options.key_type) == NULL) {
        fault_set(&run->fault, EXIT_USAGE, _("There is no key type \"%s\"."), run->options.key_type);
        fault_todo(&run->fault, _("Key types are rsa2048, rsa3072, rsa4096, p256 and p384."));
    }
    return run->fault.code;
}

// Nothing is destroyed that was not given up.
static enum exit_code free_slot(struct run *run, const struct piv_place *place)
{
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    CK_OBJECT_HANDLE handle;
    char what[FAULT_TEXT];
    bool there = false;
    if (object_certificate(&run->session, place->id, &certificate, &run->fault) == EXIT_OK &&
        keypair_public(&run->session, place->id, &key, &run->fault) == EXIT_OK)
        keypair_private(&run->session, place->id, &handle, &there, &run->fault);
    there = there || key != NULL || certificate != NULL;
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (run->fault.code != EXIT_OK || !there)
        return run->fault.code;
    if (!run->options.replace) {
        fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s already holds a key."), place->number);
        return fault_todo(&run->fault, _("Use another slot; or --replace to give up what is there."));
    }
    snprintf(what, sizeof what,
             _("The key in slot %s of token %s will be lost, with what only it can decrypt."), place->number,
             run->token.serial);
    return ask_destroy(run, what, run->token.serial);
}

static enum exit_code key_generate(struct run *run)
{
    const struct piv_place *place;
    const struct key_kind *kind = key_kind_of(run->options.key_type);
    EVP_PKEY *key = NULL;
    if (show_place(run, &place) != EXIT_OK || free_slot(run, place) != EXIT_OK)
        return run->fault.code;
    if (meet_login_writer(run) == EXIT_OK &&
        keypair_remove(&run->session, place->id, &run->fault) == EXIT_OK &&
        make_pair(run, place, kind, NULL, &key) == EXIT_OK) {
        BIO *memory = BIO_new(BIO_s_mem());
        char *text = NULL;
        if (memory != NULL && PEM_write_bio_PUBKEY(memory, key) == 1 && BIO_write(memory, "", 1) == 1 &&
            BIO_get_mem_data(memory, &text) > 0) {
            answer_text(run, "slot", place->number);
            answer_text(run, "key_type", kind->name);
            answer_text(run, "public_key", text);
            if (!run->options.json)
                fputs(text, stdout);
        }
        BIO_free(memory);
    }
    EVP_PKEY_free(key);
    return run->fault.code;
}

extern const struct command cmd_key_list, cmd_key_generate;

const struct command cmd_key_list = {
    .noun = "key",
    .verb = "list",
    .summary = N_("list the keys on the token"),
    .details = N_("One line a key: slot, type, what the slot is for, separated by tabs. A plain PIV card "
                  "shows a key only\n"
                  "together with its certificate."),
    .needs = NEED_TOKEN,
    .run = key_list,
};

const struct command cmd_key_generate = {
    .noun = "key",
    .verb = "generate",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("make a key on the token"),
    .details =
        N_("The public key is written as PEM to standard output: keep it for ingam issue --existing-key."),
    .needs = NEED_TOKEN | NEED_WRITER,
    .options = generate_rows,
    .check = key_check,
    .run = key_generate,
};
