// ingam npki list, show, check: the Korean PKI's certificates with software keys on this machine.
#include "ask.h"
#include "keyfile.h"
#include "npki/find.h"
#include "npki/vid.h"
#include "show.h"
#include "text.h"
#include "x509/name.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listing {
    struct run *run;
    json_t *all;
};

static void list_one(void *arg, const struct npki_found *found)
{
    struct listing *listing = arg;
    json_t *out = json_object();
    char name[512] = "-", ca[128] = "-", policy[256] = "-", to[32] = "-";
    const char *state = "-", *word;
    json_object_set_new(out, "path", json_text(found->path));
    json_object_set_new(out, "kind", json_string(keyfile_kind_word(found->kind)));
    json_object_set_new(out, "use", json_string(found->use == NPKI_SIGN ? "sign" : "km"));
    json_object_set_new(out, "key", json_boolean(found->key));
    if (found->certificate != NULL) {
        struct run silent = {.options = {.json = true}};
        const X509_NAME *issuer = X509_get_issuer_name(found->certificate);
        keyfile_name(found->certificate, name, sizeof name);
        x509_time_line(to, sizeof to, X509_get0_notAfter(found->certificate));
        state = keyfile_state(found->certificate, &word);
        keyfile_policy(found->certificate, policy, sizeof policy, out);
        if (X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)issuer, NID_organizationName, ca, sizeof ca) <=
            0)
            x509_name_line(ca, sizeof ca, issuer);
        json_object_set_new(out, "name", json_text(name));
        json_object_set_new(out, "state", json_string(word));
        show_certificate(&silent, "", found->certificate, out);
    }
    const char *const fields[] = {name, ca, policy, to, state, found->path, NULL};
    tell_fields(listing->run, fields);
    if (!found->key)
        say(listing->run, _("The certificate in %s has no key beside it."), found->path);
    json_array_append_new(listing->all, out);
}

static const char *home(void)
{
    const char *set = secure_getenv("HOME");
    if (set != NULL && set[0] == '/')
        return set;
    const struct passwd *entry = getpwuid(getuid());
    return entry != NULL ? entry->pw_dir : "/";
}

static enum exit_code npki_list(struct run *run)
{
    struct listing listing = {run, json_array()};
    struct npki_root *roots = calloc(NPKI_ROOTS_MOST, sizeof *roots);
    size_t n = 0;
    json_object_set_new(run->answer, "certificates", listing.all);
    if (roots == NULL)
        return fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    if (run->options.operands == 0)
        n = npki_find_roots(home(), "/proc/self/mounts", roots, NPKI_ROOTS_MOST);
    else if (npki_find_root_in(run->options.operand[0], &roots[0]))
        n = 1;
    else
        fault_set(&run->fault, EXIT_NOT_FOUND, _("%s is no NPKI folder and holds none."),
                  run->options.operand[0]);
    for (size_t i = 0; i < n; i++)
        npki_find(&roots[i], list_one, &listing);
    free(roots);
    if (run->fault.code == EXIT_OK && json_array_size(listing.all) == 0)
        say(run, "%s", _("No certificate was found."));
    return run->fault.code;
}

static enum exit_code path_check(struct run *run)
{
    if (run->options.operands > 0)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("The folder or file is missing."));
    return fault_todo(&run->fault, _("See what is on this machine with: ingam npki list"));
}

static void show_state(struct run *run, X509 *certificate)
{
    char policy[256];
    const char *word, *state = keyfile_state(certificate, &word);
    keyfile_policy(certificate, policy, sizeof policy, run->answer);
    tell(run, "%s: %s", _("state"), state);
    tell(run, "%s: %s", _("for"), policy);
    answer_text(run, "state", word);
}

static enum exit_code npki_show(struct run *run)
{
    struct keyfile file;
    struct npki_lock lock;
    struct npki_vid vid;
    if (keyfile_read(run, &file, run->options.operand[0]) == EXIT_OK) {
        X509 *certificate = file.source.certificate;
        tell(run, "%s: %s", _("kind"), keyfile_kind(file.source.kind));
        answer_text(run, "kind", keyfile_kind_word(file.source.kind));
        if (certificate != NULL) {
            show_certificate(run, "", certificate, run->answer);
            show_state(run, certificate);
            bool has = npki_vid_of(certificate, &vid);
            tell(run, "%s: %s", _("identity number (VID)"), has ? _("held as a digest") : _("none"));
            json_object_set_new(run->answer, "vid", json_boolean(has));
        } else {
            say(run, "%s", _("The certificate is encrypted too; see it with: ingam npki check"));
        }
        if (npki_source_lock(&file.source, &lock) != NULL) {
            tell(run, "%s: %s, %lu", _("encryption, rounds"), lock.words, lock.rounds);
            answer_text(run, "encryption", lock.words);
            json_object_set_new(run->answer, "rounds", json_integer((json_int_t)lock.rounds));
        } else if (!npki_source_sealed(&file.source)) {
            say(run, "%s", _("The private key is not encrypted: whoever reads the file has it."));
            json_object_set_new(run->answer, "encryption", json_null());
        }
    }
    keyfile_close(&file);
    return run->fault.code;
}

// The number as digits: --idn-file, or asked for. It is wiped at once after use.
static enum exit_code ask_number(struct run *run, struct secret **out)
{
    struct secret *typed = NULL;
    if (run->options.idn_file != NULL)
        ask_file(run, run->options.idn_file, &typed);
    else if (ask_possible())
        ask_secret(run, _("Identity or business number"), EXIT_USAGE, &typed);
    else {
        fault_set(&run->fault, EXIT_USAGE,
                  _("The identity number is needed, and there is no terminal to ask for it."));
        fault_todo(&run->fault, _("Give it with --idn-file FILE."));
    }
    if (run->fault.code != EXIT_OK)
        return run->fault.code;
    *out = npki_vid_number(secret_view(typed));
    secret_free(typed);
    if (*out != NULL)
        return EXIT_OK;
    return fault_set(&run->fault, EXIT_USAGE,
                     _("That is no identity number: a person's has 13 digits, a business's 10."));
}

static enum exit_code check_number(struct run *run, struct keyfile *file)
{
    struct npki_vid held, computed;
    struct secret *number = NULL;
    if (!npki_vid_of(file->source.certificate, &held)) {
        answer_text(run, "vid", "none");
        return fault_set(&run->fault, EXIT_MISMATCH,
                         _("The certificate holds no VID to compare an identity number with."));
    }
    if (ask_number(run, &number) != EXIT_OK)
        return run->fault.code;
    bool done = npki_vid_compute(&file->crypto, held.digest, secret_view(number),
                                 secret_view(file->source.key.random), &computed);
    secret_free(number);
    if (!done)
        return fault_set(&run->fault, EXIT_OTHER, _("The VID could not be computed."));
    bool same = secret_equal(rd_of(held.value, held.length), rd_of(computed.value, computed.length));
    answer_text(run, "vid", same ? "fits" : "differs");
    if (!same)
        return fault_set(&run->fault, EXIT_MISMATCH,
                         _("The certificate was not issued for this identity number."));
    tell(run, "%s: %s", _("identity number (VID)"), _("fits"));
    return EXIT_OK;
}

// R is missing where the certificate says that there was one: sites can't verify the identity any more.
static enum exit_code check_random(struct run *run, const struct keyfile *file)
{
    struct npki_vid held;
    bool there = file->source.key.random != NULL;
    tell(run, "%s: %s", _("random number R"), there ? _("there") : _("missing"));
    json_object_set_new(run->answer, "random", json_boolean(there));
    if (there ||
        (!npki_vid_of(file->source.certificate, &held) && !run->options.idn && run->options.idn_file == NULL))
        return EXIT_OK;
    fault_set(&run->fault, EXIT_MISMATCH, _("The key has lost its random number R."));
    fault_why(&run->fault, _("a program that copied the key dropped it; without it no site can verify the "
                             "identity number"));
    return fault_todo(&run->fault, _("Use another copy of the key, or have the certificate reissued."));
}

// Said last: what belongs together and what doesn't is worth more.
static void check_dates(struct run *run, const X509 *certificate)
{
    const char *word, *state = keyfile_state(certificate, &word);
    if (strcmp(word, "valid") == 0 || run->fault.code != EXIT_OK)
        return;
    fault_set(&run->fault, EXIT_MISMATCH, _("The certificate is not valid now: %s."), state);
    fault_todo(&run->fault, "%s", _("Get a new one from its issuer; an expired one cannot be renewed."));
}

static enum exit_code npki_check(struct run *run)
{
    struct keyfile file;
    if (keyfile_read(run, &file, run->options.operand[0]) == EXIT_OK && keyfile_open(run, &file) == EXIT_OK) {
        show_certificate(run, "", file.source.certificate, run->answer);
        show_state(run, file.source.certificate);
        tell(run, "%s: %s", _("private key"), _("fits the certificate"));
        json_object_set_new(run->answer, "key_fits", json_true());
        if (check_random(run, &file) == EXIT_OK && (run->options.idn || run->options.idn_file != NULL))
            check_number(run, &file);
        check_dates(run, file.source.certificate);
    }
    keyfile_close(&file);
    return run->fault.code;
}

static const struct option_row show_rows[] = {KEYFILE_SOURCE_ROWS, {.name = NULL}};

static const struct option_row check_rows[] = {
    KEYFILE_PASSWORD_ROW,
    {.name = "idn",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(idn),
     .help = N_("ask for the identity or business number, and check it against the certificate")},
    {.name = "idn-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(idn_file),
     .value = N_("FILE"),
     .help = N_("read that number from the first line of FILE")},
    KEYFILE_SOURCE_ROWS,
    {.name = NULL},
};

extern const struct command cmd_npki_list, cmd_npki_show, cmd_npki_check;

const struct command cmd_npki_list = {
    .noun = "npki",
    .verb = "list",
    .operands = "[FOLDER]",
    .operands_most = 1,
    .summary = N_("list the joint certificates on this machine's disks"),
    .details =
        N_("Looks into ~/NPKI, ~/.pki/NPKI and the folder NPKI of every mounted disk, or into FOLDER.\n"
           "One line a certificate: name, CA, what it is for, valid until, state, path, separated by "
           "tabs."),
    .run = npki_list,
};

const struct command cmd_npki_show = {
    .noun = "npki",
    .verb = "show",
    .operands = "PATH",
    .operands_most = 1,
    .summary = N_("show a certificate with a software key, without its password"),
    .options = show_rows,
    .check = path_check,
    .run = npki_show,
};

const struct command cmd_npki_check = {
    .noun = "npki",
    .verb = "check",
    .operands = "PATH",
    .operands_most = 1,
    .summary = N_("check that key, certificate and identity number belong together"),
    .details =
        N_("PATH is an NPKI folder, a PFX, or a PEM or PKCS#8 file. Password and number are neither kept "
           "nor shown."),
    .options = check_rows,
    .check = path_check,
    .run = npki_check,
};
