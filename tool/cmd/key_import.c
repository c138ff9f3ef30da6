// ingam key import: a private key from a file onto the token, with its certificate if the file has one.
#include "ask.h"
#include "keyfile.h"
#include "meet.h"
#include "npki/upload.h"
#include "p11/keypair.h"
#include "show.h"
#include "text.h"

#include <openssl/err.h>

struct import {
    struct run *run;
    struct keyfile file;
    const struct piv_place *place;
    X509 *old;       // what the slot holds when we begin
    EVP_PKEY *shown; // its public key
    bool key_there;
};

static enum exit_code missing(struct run *run, const char *what)
{
    fault_set(&run->fault, EXIT_USAGE, "%s", what);
    return fault_todo(&run->fault, _("Write: ingam key import FILE SLOT"));
}

static enum exit_code import_check(struct run *run)
{
    static struct import import;
    struct options *options = &run->options;
    import.run = run;
    run->work = &import;
    if (options->operands == 0)
        return missing(run, _("The file is missing."));
    if (options->slot == NULL && options->operands < 2)
        return missing(run, _("The slot is missing."));
    if (options->slot == NULL)
        options->slot = options->operand[1];
    else if (options->operands > 1)
        return missing(run, _("The slot is given twice."));
    if (show_place(run, &import.place) != EXIT_OK)
        return run->fault.code;
    if (keyfile_read_bare(run, &import.file, options->operand[0]) == EXIT_OK)
        keyfile_open(run, &import.file);
    if (run->fault.code == EXIT_OK && key_kind_of_public(import.file.source.key.pkey) == NULL) {
        fault_set(&run->fault, EXIT_UNSUPPORTED, _("Keys of this kind are not kept by the tokens served."));
        fault_todo(&run->fault, _("Key types are rsa2048, rsa3072, rsa4096, p256 and p384."));
    }
    if (run->fault.code != EXIT_OK)
        keyfile_close(&import.file);
    return run->fault.code;
}

static bool same_key(const struct import *import, EVP_PKEY *key)
{
    bool same = key != NULL && EVP_PKEY_eq(key, import->file.source.key.pkey) == 1;
    ERR_clear_error();
    return same;
}

static enum exit_code look(struct import *import)
{
    struct run *run = import->run;
    CK_OBJECT_HANDLE handle;
    if (object_certificate(&run->session, import->place->id, &import->old, &run->fault) == EXIT_OK &&
        keypair_public(&run->session, import->place->id, &import->shown, &run->fault) == EXIT_OK)
        keypair_private(&run->session, import->place->id, &handle, &import->key_there, &run->fault);
    return run->fault.code;
}

// Nothing is destroyed that was not given up. The same key again is what an interrupted import left.
static enum exit_code free_slot(struct import *import)
{
    struct run *run = import->run;
    char what[FAULT_TEXT];
    if ((!import->key_there && import->old == NULL && import->shown == NULL) ||
        same_key(import, import->shown))
        return EXIT_OK;
    if (!run->options.replace) {
        fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s already holds a key or a certificate."),
                  import->place->number);
        return fault_todo(&run->fault, _("Use another slot; or --replace to give up what is there."));
    }
    snprintf(what, sizeof what,
             _("The key in slot %s of token %s will be lost, with what only it can decrypt."),
             import->place->number, run->token.serial);
    if (ask_destroy(run, what, run->token.serial) != EXIT_OK || meet_login_writer(run) != EXIT_OK)
        return run->fault.code;
    return object_remove_certificates(&run->session, import->place->id, &run->fault);
}

static enum exit_code write_all(struct import *import)
{
    struct run *run = import->run;
    const struct npki_source *source = &import->file.source;
    EVP_PKEY *back = NULL;
    if (free_slot(import) != EXIT_OK)
        return fault_state(&run->fault, _("Nothing on the token was changed."));
    say(run, _("Writing the key into slot %s..."), import->place->number);
    if (meet_login_writer(run) != EXIT_OK ||
        npki_upload_key(&run->session, import->place, source->use, source->key.pkey, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (source->certificate != NULL) {
        say(run, _("Writing the certificate into slot %s..."), import->place->number);
        if (object_write_certificate(&run->session, import->place, source->certificate, &run->fault) !=
            EXIT_OK)
            return fault_state(&run->fault,
                               _("The key is in slot %s, without its certificate; the same command goes on. "
                                 "The file is untouched."),
                               import->place->number);
    }
    if (keypair_public(&run->session, import->place->id, &back, &run->fault) == EXIT_OK && back != NULL &&
        !same_key(import, back))
        fault_set(&run->fault, EXIT_MISMATCH, _("The token shows another key in slot %s than was written."),
                  import->place->number);
    EVP_PKEY_free(back);
    return run->fault.code;
}

static enum exit_code key_import(struct run *run)
{
    struct import *import = run->work;
    const struct npki_source *source = &import->file.source;
    if ((run->session.open ||
         session_open(&run->session, &run->module, &run->token, &run->fault) == EXIT_OK) &&
        look(import) == EXIT_OK && write_all(import) == EXIT_OK) {
        answer_text(run, "slot", import->place->number);
        answer_text(run, "key_type", key_kind_of_public(source->key.pkey)->name);
        json_object_set_new(run->answer, "certificate", json_boolean(source->certificate != NULL));
        say(run,
            source->certificate != NULL
                ? _("Key and certificate are on the token, in slot %s.")
                : _("The key is on the token, in slot %s; it has no certificate yet."),
            import->place->number);
        say(run,
            _("The key is still in %s as well: keep it safe, or delete it once you have tried the token."),
            import->file.path);
        if (source->key.random != NULL)
            say(run, "%s",
                _("The random number R of the key was left in the file: ingam move brings it along."));
    }
    X509_free(import->old);
    EVP_PKEY_free(import->shown);
    keyfile_close(&import->file);
    return run->fault.code;
}

static const struct option_row import_rows[] = {
    SHOW_SLOT_ROW,
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("give up the key and certificate that are in the slot")},
    {.name = "km",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(km),
     .help = N_("the pair for decrypting (kmCert.der), not the one for signing")},
    KEYFILE_PASSWORD_ROW,
    {.name = NULL},
};

extern const struct command cmd_key_import;

const struct command cmd_key_import = {
    .noun = "key",
    .verb = "import",
    .operands = "FILE SLOT",
    .operands_most = 2,
    .summary = N_("write a private key from a file onto the token"),
    .details = N_("FILE is PEM, PKCS#8, a PFX or an NPKI folder; a certificate in it is written as well. The "
                  "file stays.\nFor a certificate with the random number R use ingam move."),
    .needs = NEED_TOKEN | NEED_WRITER,
    .options = import_rows,
    .check = import_check,
    .run = key_import,
};
