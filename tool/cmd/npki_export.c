// ingam npki export: a software key with its certificate written anew, as an NPKI folder or a PFX, with R.
#include "ask.h"
#include "keyfile.h"
#include "npki/write.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/rand.h>

static enum exit_code export_check(struct run *run)
{
    const struct options *options = &run->options;
    if (options->operands == 0) {
        fault_set(&run->fault, EXIT_USAGE, _("The folder or file is missing."));
        return fault_todo(&run->fault, _("See what is on this machine with: ingam npki list"));
    }
    if ((options->folder == NULL) == (options->pfx == NULL)) {
        fault_set(&run->fault, EXIT_USAGE, _("Say where to: --folder FOLDER or --pfx FILE, one of them."));
        return fault_todo(&run->fault, _("See the options with: ingam npki export --help"));
    }
    return EXIT_OK;
}

// --new-password-file, else the password that the key had, else asked for twice.
static enum exit_code new_password(struct run *run, const struct keyfile *file, struct secret **out)
{
    struct secret *again = NULL;
    *out = NULL;
    if (run->options.new_password_file != NULL)
        return ask_file(run, run->options.new_password_file, out);
    if (file->password != NULL) {
        struct rd view = secret_view(file->password);
        *out = secret_new(view.p, view.n);
        return *out != NULL ? EXIT_OK : fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    }
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_USAGE,
                  _("A password for the new file is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault, _("Give it with --new-password-file FILE."));
    }
    if (ask_secret(run, _("Password for the new file"), EXIT_USAGE, out) == EXIT_OK &&
        ask_secret(run, _("The same password again"), EXIT_USAGE, &again) == EXIT_OK &&
        !secret_equal(secret_view(*out), secret_view(again)))
        fault_set(&run->fault, EXIT_USAGE, _("The two passwords differ; nothing was written."));
    secret_free(again);
    return run->fault.code;
}

static enum exit_code write_folder(struct run *run, struct keyfile *file, struct rd password,
                                   char path[PATHS_MAX])
{
    uint8_t salt[NPKI_SALT];
    if (RAND_bytes(salt, sizeof salt) != 1)
        return fault_set(&run->fault, EXIT_OTHER, _("There are no random numbers to be had."));
    X509_SIG *sealed = npki_write_seal(&file->crypto, file->source.key.info, password, salt, &run->fault);
    if (sealed != NULL)
        npki_write_folder(run->options.folder, file->source.certificate, sealed, file->source.use, path,
                          &run->fault);
    X509_SIG_free(sealed);
    return run->fault.code;
}

static enum exit_code write_pfx(struct run *run, struct keyfile *file, struct rd password,
                                char path[PATHS_MAX])
{
    unsigned char *der = NULL;
    PKCS12 *pfx = npki_write_pfx(file->source.key.info, file->source.certificate, password, &run->fault);
    int n = pfx != NULL ? i2d_PKCS12(pfx, &der) : 0;
    if (pfx != NULL && n <= 0)
        fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    if (n > 0 && npki_write_file(run->options.pfx, der, (size_t)n, &run->fault) == EXIT_OK)
        snprintf(path, PATHS_MAX, "%s", run->options.pfx);
    OPENSSL_free(der);
    PKCS12_free(pfx);
    return run->fault.code;
}

static enum exit_code npki_export(struct run *run)
{
    struct keyfile file;
    struct secret *password = NULL;
    char path[PATHS_MAX];
    if (keyfile_read(run, &file, run->options.operand[0]) == EXIT_OK && keyfile_open(run, &file) == EXIT_OK &&
        new_password(run, &file, &password) == EXIT_OK) {
        bool random = file.source.key.random != NULL;
        struct rd view = secret_view(password);
        if ((run->options.folder != NULL ? write_folder : write_pfx)(run, &file, view, path) == EXIT_OK) {
            tell(run, "%s", path);
            answer_text(run, "path", path);
            json_object_set_new(run->answer, "random", json_boolean(random));
            if (!random)
                say(run, "%s",
                    _("The key has no random number R: sites that verify the identity number won't take "
                      "it."));
        }
    }
    secret_free(password);
    keyfile_close(&file);
    return run->fault.code;
}

static const struct option_row export_rows[] = {
    {.name = "folder",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(folder),
     .value = N_("FOLDER"),
     .help = N_("write signCert.der and signPri.key below FOLDER/NPKI, where other programs look")},
    {.name = "pfx",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(pfx),
     .value = N_("FILE"),
     .help = N_("write a PFX")},
    KEYFILE_PASSWORD_ROW,
    {.name = "new-password-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(new_password_file),
     .value = N_("FILE"),
     .help = N_("encrypt with the password in the first line of FILE (else with the same password)")},
    KEYFILE_SOURCE_ROWS,
    {.name = NULL},
};

extern const struct command cmd_npki_export;

const struct command cmd_npki_export = {
    .noun = "npki",
    .verb = "export",
    .operands = "PATH",
    .operands_most = 1,
    .summary = N_("write a software key and its certificate as an NPKI folder or a PFX"),
    .details =
        N_("The random number R goes with the key. Nothing is written over what is there. Keys on a token "
           "cannot be exported."),
    .options = export_rows,
    .check = export_check,
    .run = npki_export,
};
