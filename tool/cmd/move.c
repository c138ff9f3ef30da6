// ingam move: a certificate with a software key from disk onto a token. Journalled: the same command, run
// again, goes on where the last run ended.
#include "ask.h"
#include "journal.h"
#include "keyfile.h"
#include "meet.h"
#include "npki/upload.h"
#include "p11/keypair.h"
#include "show.h"
#include "text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct move {
    struct run *run;
    struct keyfile file;
    const struct piv_place *place;
    struct npki_random_form form;
    char label[32];
    const struct secret *random; // R to write, or NULL
    EVP_PKEY *public_key;        // of the certificate
    struct journal issue;        // of issuing into the same slot: its lock keeps both apart
    struct journal journal;
    // what the slot holds when we begin
    X509 *old;
    bool key_there, same_certificate, same_random;
    size_t randoms;
    struct secret *old_random; // its R, one of them, or NULL
    bool random_made;
};

static enum exit_code missing(struct run *run, const char *what)
{
    fault_set(&run->fault, EXIT_USAGE, "%s", what);
    return fault_todo(&run->fault, _("Write: ingam move FILE SLOT"));
}

static enum exit_code check_options(struct run *run, struct move *move)
{
    struct options *options = &run->options;
    if (options->operands == 0)
        return missing(run, _("The folder or file is missing."));
    if (options->slot == NULL && options->operands < 2)
        return missing(run, _("The slot is missing."));
    if (options->slot == NULL)
        options->slot = options->operand[1];
    else if (options->operands > 1)
        return missing(run, _("The slot is given twice."));
    if (show_place(run, &move->place) != EXIT_OK)
        return run->fault.code;
    if (options->delete_source && !options->yes && !ask_possible()) {
        fault_set(&run->fault, EXIT_USAGE, _("Before the files are deleted somebody has to be asked."));
        return fault_todo(&run->fault, _("If that is what you want, add --yes."));
    }
    return EXIT_OK;
}

static enum exit_code move_check(struct run *run)
{
    static struct move move;
    const char *word;
    move.run = run;
    move.issue.lock = move.journal.lock = -1;
    run->work = &move;
    if (check_options(run, &move) != EXIT_OK)
        return run->fault.code;
    if (keyfile_read(run, &move.file, run->options.operand[0]) != EXIT_OK ||
        keyfile_open(run, &move.file) != EXIT_OK) {
        keyfile_close(&move.file);
        return run->fault.code;
    }
    secret_free(move.file.password);
    move.file.password = NULL;
    snprintf(move.label, sizeof move.label, "NPKI R %s", move.place->number);
    move.form.label = run->options.random_label != NULL ? run->options.random_label : move.label;
    move.form.application =
        run->options.random_application != NULL ? run->options.random_application : "NPKI";
    move.public_key = X509_get0_pubkey(move.file.source.certificate);
    move.random = run->options.without_random ? NULL : move.file.source.key.random;
    const char *state = keyfile_state(move.file.source.certificate, &word);
    if (strcmp(word, "valid") != 0)
        say(run, _("Note: the certificate is %s."), state);
    return EXIT_OK;
}

static enum exit_code look(struct move *move)
{
    struct run *run = move->run;
    CK_OBJECT_HANDLE handle;
    EVP_PKEY *shown = NULL;
    if (object_certificate(&run->session, move->place->id, &move->old, &run->fault) != EXIT_OK ||
        keypair_private(&run->session, move->place->id, &handle, &move->key_there, &run->fault) != EXIT_OK ||
        keypair_public(&run->session, move->place->id, &shown, &run->fault) != EXIT_OK)
        return run->fault.code;
    move->key_there = move->key_there || shown != NULL;
    EVP_PKEY_free(shown);
    move->same_certificate = move->old != NULL && X509_cmp(move->old, move->file.source.certificate) == 0;
    move->randoms =
        npki_upload_randoms(&run->session, move->place, &move->form, move->random, &move->same_random);
    return EXIT_OK;
}

// The private key in the slot works with the certificate that we bring.
static enum exit_code prove(struct move *move, struct fault *fault)
{
    struct run *run = move->run;
    struct keypair pair = {.session = &run->session, .pin = run->secrets.pin};
    bool found;
    if (keypair_private(&run->session, move->place->id, &pair.private_key, &found, fault) != EXIT_OK)
        return fault->code;
    if (!found)
        return fault_set(fault, EXIT_MISMATCH, _("The token does not show the key in slot %s."),
                         move->place->number);
    if (move->file.source.use == NPKI_KM && EVP_PKEY_is_a(move->public_key, "RSA"))
        return npki_upload_prove_decrypt(&run->session, pair.private_key, move->public_key, fault);
    if (move->file.source.use == NPKI_KM)
        return EXIT_OK;
    meet_keypair(run, &pair, pair.private_key, move->place);
    return keypair_prove(&pair, move->public_key, fault);
}

static bool all_there(struct move *move)
{
    struct fault unused = {.code = EXIT_OK};
    return move->same_certificate && (move->random == NULL || move->same_random) &&
           prove(move, &unused) == EXIT_OK;
}

static bool goes_on(const struct move *move)
{
    return move->journal.step != JOURNAL_NONE && EVP_PKEY_eq(move->journal.key, move->public_key) == 1;
}

// Nothing is destroyed that was not given up.
static enum exit_code check_slot(struct move *move)
{
    struct run *run = move->run;
    const char *serial = run->token.serial[0] != '\0' ? run->token.serial : run->token.label;
    char what[FAULT_TEXT];
    if (move->issue.step != JOURNAL_NONE) {
        fault_set(&run->fault, EXIT_MISMATCH, _("An issue into slot %s is not finished."),
                  move->place->number);
        return fault_todo(&run->fault,
                          _("Finish it with the same ingam issue command, or use another slot."));
    }
    if (goes_on(move))
        return EXIT_OK;
    bool other = move->journal.step != JOURNAL_NONE;
    if (!other && move->old == NULL && !move->key_there && move->randoms == 0)
        return EXIT_OK;
    if (!run->options.replace) {
        if (other)
            fault_set(&run->fault, EXIT_MISMATCH,
                      _("Another certificate was on its way into slot %s and is not there yet."),
                      move->place->number);
        else
            fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s already holds a key or a certificate."),
                      move->place->number);
        return fault_todo(&run->fault, _("Use another slot; or --replace to give up what is there."));
    }
    snprintf(what, sizeof what,
             _("The key in slot %s of token %s will be lost, with what only it can decrypt."),
             move->place->number, run->token.serial);
    return ask_destroy(run, what, serial);
}

static enum exit_code no_room_for_random(struct move *move, CK_RV rv)
{
    struct fault *fault = &move->run->fault, reason = {.code = EXIT_OK};
    change_fault(&reason, rv, "");
    if (reason.code == EXIT_TOKEN || reason.code == EXIT_PIN || reason.code == EXIT_ADMIN ||
        reason.code == EXIT_BUSY)
        return change_fault(fault, rv, _("The random number R could not be written."));
    fault_set(fault, EXIT_UNSUPPORTED, _("This token does not keep the random number R of the key."));
    fault->rv_name = fault_rv_name(rv);
    fault_why(fault,
              _("it takes no private data object (0x%08lX); without R no site can verify the identity "
                "number with it"),
              rv);
    return fault_todo(fault, _("If such sites are not needed, add --without-random; keep the file with R "
                               "safe in any case."));
}

// As the user or, where the token wants that, as the writer; the user is logged in afterwards.
static CK_RV put_random(struct move *move, const struct secret *random)
{
    struct run *run = move->run;
    CK_RV rv = npki_upload_random(&run->session, move->place, &move->form, random);
    if (rv != CKR_USER_NOT_LOGGED_IN && rv != CKR_USER_TYPE_INVALID)
        return rv;
    if (meet_login_writer(run) == EXIT_OK)
        rv = npki_upload_random(&run->session, move->place, &move->form, random);
    meet_login_user(run);
    return rv;
}

// R comes first: it is what a token is most likely to refuse.
static enum exit_code write_random(struct move *move)
{
    struct run *run = move->run;
    bool same;
    if (move->random == NULL || move->same_random)
        return EXIT_OK;
    CK_RV rv = put_random(move, move->random);
    if (run->fault.code != EXIT_OK)
        return run->fault.code;
    if (rv != CKR_OK)
        return no_room_for_random(move, rv);
    move->random_made = true;
    npki_upload_randoms(&run->session, move->place, &move->form, move->random, &same);
    if (!same)
        fault_set(&run->fault, EXIT_MISMATCH, _("The token gives back another R than was written."));
    return run->fault.code;
}

// Removes R of the slot, as the user or, where the token wants that, as the writer.
static enum exit_code clean_random(struct move *move, bool same, struct fault *fault)
{
    struct run *run = move->run;
    struct fault as_user = {.code = EXIT_OK};
    if (npki_upload_clean_random(&run->session, move->place, &move->form, move->random, same, &as_user) !=
            EXIT_PIN ||
        meet_login_writer(run) != EXIT_OK) {
        if (as_user.code != EXIT_OK)
            *fault = as_user;
        return as_user.code;
    }
    npki_upload_clean_random(&run->session, move->place, &move->form, move->random, same, fault);
    meet_login_user(run);
    return fault->code;
}

// The R that this run wrote goes again; the one that it took the place of comes back.
static void take_back_random(struct move *move)
{
    struct run *run = move->run;
    struct fault unused = {.code = EXIT_OK};
    bool same;
    if (!move->random_made || meet_login_user(run) != EXIT_OK)
        return;
    clean_random(move, true, &unused);
    if (move->old_random == NULL ||
        npki_upload_randoms(&run->session, move->place, &move->form, move->old_random, &same) > 0)
        return;
    put_random(move, move->old_random);
}

static enum exit_code write_key(struct move *move)
{
    struct run *run = move->run;
    if (move->journal.step >= JOURNAL_KEY)
        return EXIT_OK;
    say(run, _("Writing the key into slot %s..."), move->place->number);
    if (meet_login_writer(run) != EXIT_OK ||
        npki_upload_key(&run->session, move->place, move->file.source.use, move->file.source.key.pkey,
                        &run->fault) != EXIT_OK ||
        meet_login_user(run) != EXIT_OK)
        return run->fault.code;
    return journal_write(&move->journal, JOURNAL_KEY, &run->fault);
}

static enum exit_code write_certificate(struct move *move)
{
    struct run *run = move->run;
    if (!move->same_certificate) {
        say(run, _("Writing the certificate into slot %s..."), move->place->number);
        if (meet_login_writer(run) != EXIT_OK ||
            object_write_certificate(&run->session, move->place, move->file.source.certificate,
                                     &run->fault) != EXIT_OK ||
            meet_login_user(run) != EXIT_OK)
            return run->fault.code;
    }
    return journal_write(&move->journal, JOURNAL_WRITTEN, &run->fault);
}

static enum exit_code read_back(struct move *move)
{
    struct run *run = move->run;
    bool same;
    if (prove(move, &run->fault) != EXIT_OK)
        return run->fault.code;
    npki_upload_randoms(&run->session, move->place, &move->form, move->random, &same);
    if (move->random != NULL && !same)
        return fault_set(&run->fault, EXIT_MISMATCH, _("The token does not give back R."));
    return clean_random(move, false, &run->fault);
}

static enum exit_code begin(struct move *move)
{
    struct journal *journal = &move->journal;
    if (goes_on(move))
        return EXIT_OK;
    EVP_PKEY_free(journal->key);
    X509_free(journal->certificate);
    journal->key = move->public_key;
    EVP_PKEY_up_ref(journal->key);
    journal->certificate = move->file.source.certificate;
    X509_up_ref(journal->certificate);
    return journal_write(journal, JOURNAL_MAKING, &move->run->fault);
}

// What the token refused leaves it as it was; anything else (a pulled token) leaves the journal.
static enum exit_code refused(struct move *move, bool fresh)
{
    struct fault *fault = &move->run->fault, unused = {.code = EXIT_OK};
    bool certain = fault->code == EXIT_UNSUPPORTED || fault->code == EXIT_ADMIN || fault->code == EXIT_PIN ||
                   fault->code == EXIT_BLOCKED;
    if (fresh && certain) {
        take_back_random(move);
        journal_finish(&move->journal, &unused);
        fault_state(fault, _("Nothing on the token was changed."));
    }
    return fault->code;
}

static enum exit_code write_all(struct move *move)
{
    struct run *run = move->run;
    if (check_slot(move) != EXIT_OK)
        return fault_state(&run->fault, _("Nothing on the token was changed."));
    bool fresh = !goes_on(move);
    if (begin(move) != EXIT_OK)
        return run->fault.code;
    if (write_random(move) != EXIT_OK || write_key(move) != EXIT_OK)
        return refused(move, fresh);
    if (write_certificate(move) != EXIT_OK || read_back(move) != EXIT_OK)
        return run->fault.code;
    return journal_finish(&move->journal, &run->fault);
}

static void say_state(struct move *move)
{
    struct fault *fault = &move->run->fault;
    const char *number = move->place->number;
    if (move->journal.step == JOURNAL_MAKING)
        fault_state(fault,
                    _("The key may be in slot %s, without its certificate; the same command goes on. The "
                      "file is untouched."),
                    number);
    else if (move->journal.step == JOURNAL_KEY)
        fault_state(fault,
                    _("The key is in slot %s, without its certificate; the same command goes on. The "
                      "file is untouched."),
                    number);
    else if (move->journal.step == JOURNAL_WRITTEN)
        fault_state(fault,
                    _("Key and certificate were written into slot %s but did not stand the check; the "
                      "file is untouched."),
                    number);
}

// The files that hold the private key, and what belongs to nothing without it.
static size_t files_of(const struct move *move, const char *out[2])
{
    const struct npki_source *source = &move->file.source;
    size_t n = 0;
    out[n++] = source->key_path;
    if (source->kind == NPKI_FOLDER)
        out[n++] = source->certificate_path;
    return n;
}

static enum exit_code delete_files(struct move *move)
{
    struct run *run = move->run;
    const char *files[2], *serial = run->token.serial[0] != '\0' ? run->token.serial : run->token.label;
    size_t n = files_of(move, files);
    char what[FAULT_TEXT], folder[PATHS_MAX];
    snprintf(what, sizeof what, _("%s will be deleted. The token will then hold the only copy of the key."),
             files[0]);
    if (ask_destroy(run, what, serial) != EXIT_OK)
        return run->fault.code;
    for (size_t i = 0; i < n; i++)
        if (unlink(files[i]) != 0) {
            fault_set(&run->fault, EXIT_OTHER, _("%s could not be deleted."), files[i]);
            return fault_why(&run->fault, "%s", strerror(errno));
        }
    snprintf(folder, sizeof folder, "%s", files[0]);
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder && move->file.source.kind == NPKI_FOLDER) {
        *slash = '\0';
        rmdir(folder); // stays if something else is in it
    }
    return EXIT_OK;
}

static enum exit_code report(struct move *move, bool was_there)
{
    struct run *run = move->run;
    const char *files[2];
    size_t n = files_of(move, files);
    json_t *left = json_array();
    say(run,
        was_there ? _("Key and certificate are in slot %s already.")
                  : _("Key and certificate are on the token, in slot %s."),
        move->place->number);
    if (move->file.source.key.random == NULL)
        say(run, "%s",
            _("The key has no random number R: sites that verify the identity number won't take it."));
    else if (move->random == NULL)
        say(run, "%s", _("The random number R stays in the file only."));
    show_certificate(run, "", move->file.source.certificate, run->answer);
    answer_text(run, "token", run->token.serial);
    answer_text(run, "slot", move->place->number);
    json_object_set_new(run->answer, "random", json_boolean(move->random != NULL));
    if (run->options.delete_source)
        delete_files(move);
    else
        say(run, "%s",
            _("The key is still on the disk as well. Once you have tried the token, delete it there:"));
    for (size_t i = 0; i < n; i++)
        if (access(files[i], F_OK) == 0) {
            json_array_append_new(left, json_text(files[i]));
            say(run, "  %s", files[i]);
        }
    say(run, "%s",
        _("Look for further copies with ingam npki list, on other disks and in backups; what is deleted from "
          "a "
          "USB stick can often be restored."));
    json_object_set_new(run->answer, "files_left", left);
    return run->fault.code;
}

static enum exit_code move_run(struct run *run)
{
    struct move *move = run->work;
    const char *name = run->token.serial[0] != '\0' ? run->token.serial : run->token.label;
    if (journal_open(&move->issue, name, move->place->number, &run->fault) == EXIT_OK &&
        journal_open_of(&move->journal, "move", name, move->place->number, &run->fault) == EXIT_OK &&
        look(move) == EXIT_OK) {
        bool was_there = move->journal.step == JOURNAL_NONE && all_there(move);
        if (was_there || write_all(move) == EXIT_OK)
            report(move, was_there);
        else
            say_state(move);
    }
    journal_close(&move->journal);
    journal_close(&move->issue);
    X509_free(move->old);
    secret_free(move->old_random);
    keyfile_close(&move->file);
    return run->fault.code;
}

static const struct option_row move_rows[] = {
    SHOW_SLOT_ROW,
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("give up the key and certificate that are in the slot")},
    {.name = "delete-source",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(delete_source),
     .help = N_("delete the key's file once the token has been checked, after asking")},
    {.name = "without-random",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(without_random),
     .help = N_("leave the random number R behind, for tokens that do not keep it")},
    {.name = "random-label",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(random_label),
     .value = N_("TEXT"),
     .help = N_("CKA_LABEL of R on the token (\"NPKI R SLOT\" if not said)")},
    {.name = "random-application",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(random_application),
     .value = N_("TEXT"),
     .help = N_("CKA_APPLICATION of R on the token (\"NPKI\" if not said)")},
    KEYFILE_PASSWORD_ROW,
    KEYFILE_SOURCE_ROWS,
    {.name = NULL},
};

extern const struct command cmd_move;

const struct command cmd_move = {
    .noun = "move",
    .operands = "PATH SLOT",
    .operands_most = 2,
    .summary = N_("bring a certificate with a software key from disk onto the token"),
    .details =
        N_("PATH is an NPKI folder, a PFX, or a PEM or PKCS#8 file. Key, certificate and random number R "
           "are\nwritten, read back and tried; the files stay unless --delete-source is given. A key that "
           "is on a\ntoken cannot be taken from it. If it is interrupted, the same command goes on."),
    .needs = NEED_TOKEN | NEED_PIN | NEED_ADMIN,
    .options = move_rows,
    .check = move_check,
    .run = move_run,
};
