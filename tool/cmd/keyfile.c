// Reads and opens the key file that a command line names.
#include "keyfile.h"
#include "ask.h"
#include "npki/policy.h"
#include "p11/object.h"
#include "text.h"
#include "x509/name.h"

#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *text, *word;
} kinds[] = {
    [NPKI_FOLDER] = {N_("NPKI folder"), "folder"},
    [NPKI_PFX] = {N_("PFX"), "pfx"},
    [NPKI_KEY_FILE] = {N_("PEM or PKCS#8 file"), "key_file"},
};

const char *keyfile_kind(enum npki_kind kind)
{
    return _(kinds[kind].text);
}

const char *keyfile_kind_word(enum npki_kind kind)
{
    return kinds[kind].word;
}

void keyfile_name(const X509 *certificate, char *out, size_t size)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    unsigned char *utf8 = NULL;
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    int n =
        at < 0 ? -1 : ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (n > 0)
        snprintf(out, size, "%s", (const char *)utf8);
    else
        x509_name_line(out, size, subject);
    OPENSSL_free(utf8);
    ERR_clear_error();
}

const char *keyfile_state(const X509 *certificate, const char **word)
{
    bool begun = X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0;
    bool ended = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
    *word = ended ? "expired" : begun ? "valid" : "not_yet";
    return ended ? _("expired") : begun ? _("valid") : _("not yet valid");
}

void keyfile_policy(const X509 *certificate, char *out, size_t size, json_t *json)
{
    char oid[80];
    const struct npki_policy *policy = npki_policy_of(certificate, oid, sizeof oid);
    snprintf(out, size, "%s", policy != NULL ? _(policy->words) : oid[0] != '\0' ? oid : "-");
    json_object_set_new(json, "policy_oid", oid[0] != '\0' ? json_string(oid) : json_null());
    json_object_set_new(json, "policy", policy != NULL ? json_string(policy->words) : json_null());
    json_object_set_new(json, "ca", policy != NULL ? json_string(policy->ca) : json_null());
}

// PIV and PKCS#11 have no call that gives a private key out.
static enum exit_code refuse_token(struct run *run, const char *path)
{
    fault_set(&run->fault, EXIT_UNSUPPORTED, _("A key on a token cannot be taken from it (\"%s\")."), path);
    fault_why(&run->fault, _("no token gives a private key out, whether it was made there or brought there"));
    return fault_todo(&run->fault,
                      _("For a second token have a certificate issued on it (ingam issue), or bring the same "
                        "key file onto it (ingam move FILE SLOT) if you still have one."));
}

static bool is_token(const char *path)
{
    return strncmp(path, "pkcs11:", 7) == 0 || (place_of(path) != NULL && access(path, F_OK) != 0);
}

enum exit_code keyfile_read(struct run *run, struct keyfile *file, const char *path)
{
    *file = (struct keyfile){.path = path};
    if (is_token(path))
        return refuse_token(run, path);
    return npki_source_read(&file->source, path, run->options.certificate_file,
                            run->options.km ? NPKI_KM : NPKI_SIGN, &run->fault);
}

enum exit_code keyfile_read_bare(struct run *run, struct keyfile *file, const char *path)
{
    *file = (struct keyfile){.path = path};
    if (is_token(path))
        return refuse_token(run, path);
    return npki_source_read_bare(&file->source, path, run->options.km ? NPKI_KM : NPKI_SIGN, &run->fault);
}

static enum exit_code ask_password(struct run *run, struct keyfile *file)
{
    char prompt[FAULT_TEXT];
    if (run->options.password_file != NULL)
        return ask_file(run, run->options.password_file, &file->password);
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_PIN,
                  _("The password of the key is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault, _("Give it with --password-file FILE."));
    }
    snprintf(prompt, sizeof prompt, _("Password of %s"), file->path);
    return ask_secret(run, prompt, EXIT_PIN, &file->password);
}

enum exit_code keyfile_open(struct run *run, struct keyfile *file)
{
    if (npki_source_sealed(&file->source) && ask_password(run, file) != EXIT_OK)
        return run->fault.code;
    if (npki_crypto_open(&file->crypto, &run->fault) != EXIT_OK)
        return run->fault.code;
    return npki_source_open(&file->source, &file->crypto, secret_view(file->password), &run->fault);
}

void keyfile_close(struct keyfile *file)
{
    npki_source_free(&file->source);
    npki_crypto_close(&file->crypto);
    secret_free(file->password);
    file->password = NULL;
}
