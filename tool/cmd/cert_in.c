// ingam cert import, verify, check: a certificate brought onto the token, and whether those there still hold.
#include "ask.h"
#include "meet.h"
#include "p11/keypair.h"
#include "show.h"
#include "text.h"
#include "x509/name.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define DAYS_DEFAULT 30

static const struct option_row import_rows[] = {
    SHOW_SLOT_ROW,
    {.name = "file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(file),
     .value = N_("FILE"),
     .help = N_("the certificate, PEM or DER")},
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("give up the certificate that is in the slot")},
    {.name = NULL},
};

static const struct option_row verify_rows[] = {
    SHOW_SLOT_ROW,
    {.name = "ca",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(ca),
     .value = N_("FILE"),
     .help = N_("the CA certificates to trust (PEM)")},
    {.name = NULL},
};

static const struct option_row check_rows[] = {
    SHOW_SOON_ROWS,
    {.name = NULL},
};

static enum exit_code import_check(struct run *run)
{
    const struct piv_place *place;
    if (show_place(run, &place) != EXIT_OK)
        return run->fault.code;
    if (run->options.file == NULL)
        return fault_set(&run->fault, EXIT_USAGE, _("--%s is missing."), "file");
    run->work = show_read_certificate(run->options.file);
    if (run->work == NULL)
        return fault_set(&run->fault, EXIT_USAGE, _("No certificate could be read from %s."),
                         run->options.file);
    return EXIT_OK;
}

// What the slot holds allows this certificate.
static enum exit_code fits(struct run *run, const struct piv_place *place, X509 *certificate)
{
    EVP_PKEY *key = NULL, *held = X509_get0_pubkey(certificate);
    X509 *old = NULL;
    char what[FAULT_TEXT];
    if (object_certificate(&run->session, place->id, &old, &run->fault) == EXIT_OK)
        keypair_public(&run->session, place->id, &key, &run->fault);
    bool there = old != NULL, same = there && X509_cmp(old, certificate) == 0;
    X509_free(old);
    if (run->fault.code == EXIT_OK && key == NULL) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no key in slot %s."), place->number);
        fault_todo(&run->fault, _("Make one with: ingam key generate"));
    } else if (run->fault.code == EXIT_OK && (held == NULL || EVP_PKEY_eq(held, key) != 1)) {
        fault_set(&run->fault, EXIT_MISMATCH, _("The certificate is not for the key in slot %s."),
                  place->number);
        fault_todo(&run->fault, _("See what is there with: ingam token info"));
    } else if (run->fault.code == EXIT_OK && there && !same && !run->options.replace) {
        fault_set(&run->fault, EXIT_MISMATCH, _("Slot %s already holds a certificate."), place->number);
        fault_todo(&run->fault, _("Add --replace to give it up."));
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (run->fault.code != EXIT_OK || !there || same)
        return run->fault.code;
    snprintf(what, sizeof what, _("The certificate in slot %s of token %s will be deleted."), place->number,
             run->token.serial);
    return ask_destroy(run, what, run->token.serial);
}

static enum exit_code cert_import(struct run *run)
{
    const struct piv_place *place;
    X509 *certificate = run->work;
    if (show_place(run, &place) == EXIT_OK && fits(run, place, certificate) == EXIT_OK &&
        meet_login_writer(run) == EXIT_OK &&
        object_write_certificate(&run->session, place, certificate, &run->fault) == EXIT_OK) {
        say(run, _("The certificate is on the token, in slot %s."), place->number);
        answer_text(run, "slot", place->number);
        show_certificate(run, "", certificate, run->answer);
    }
    X509_free(certificate);
    return run->fault.code;
}

static enum exit_code verify_check(struct run *run)
{
    const struct piv_place *place;
    if (show_place(run, &place) == EXIT_OK && run->options.ca == NULL)
        fault_set(&run->fault, EXIT_USAGE, _("--%s is missing."), "ca");
    return run->fault.code;
}

static enum exit_code verify_chain(struct run *run, X509 *certificate)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (store == NULL || ctx == NULL)
        fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    else if (X509_STORE_load_file(store, run->options.ca) != 1)
        fault_set(&run->fault, EXIT_USAGE, _("No certificate could be read from %s."), run->options.ca);
    else if (X509_STORE_CTX_init(ctx, store, certificate, NULL) != 1 || X509_verify_cert(ctx) != 1) {
        fault_set(&run->fault, EXIT_MISMATCH, _("The certificate does not stand the check."));
        fault_why(&run->fault, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return run->fault.code;
}

static enum exit_code cert_verify(struct run *run)
{
    const struct piv_place *place;
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    if (show_there(run, &place, &certificate) == EXIT_OK &&
        keypair_public(&run->session, place->id, &key, &run->fault) == EXIT_OK &&
        (key == NULL || EVP_PKEY_eq(X509_get0_pubkey(certificate), key) != 1))
        fault_set(&run->fault, EXIT_MISMATCH, _("The certificate is not for the key in slot %s."),
                  place->number);
    if (run->fault.code == EXIT_OK && verify_chain(run, certificate) == EXIT_OK) {
        say(run, _("The certificate in slot %s is for the key there, valid now, and of a trusted CA."),
            place->number);
        answer_text(run, "slot", place->number);
        show_certificate(run, "", certificate, run->answer);
    }
    EVP_PKEY_free(key);
    X509_free(certificate);
    return run->fault.code;
}

struct validity {
    unsigned days;
    unsigned seen, soon, invalid;
};

static void check_one(struct run *run, const struct piv_place *place, X509 *certificate,
                      struct validity *validity, json_t *list)
{
    int days = 0, seconds = 0;
    char to[32];
    bool known = ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1;
    bool begun = X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0;
    bool over = !known || days < 0 || seconds < 0;
    bool soon = !over && begun && (unsigned)days < validity->days;
    const char *word = over ? "expired" : !begun ? "not_yet_valid" : soon ? "expiring" : "valid";
    const char *text = over     ? _("expired")
                       : !begun ? _("not yet valid")
                       : soon   ? _("expires soon")
                                : _("valid");
    x509_time_line(to, sizeof to, X509_get0_notAfter(certificate));
    const char *const fields[] = {place->number, text, to, NULL};
    tell_fields(run, fields);
    json_t *out = json_object();
    json_object_set_new(out, "slot", json_string(place->number));
    json_object_set_new(out, "state", json_string(word));
    json_object_set_new(out, "not_after", json_text(to));
    json_object_set_new(out, "days_left", json_integer(over ? 0 : days));
    json_array_append_new(list, out);
    validity->seen++;
    validity->soon += soon;
    validity->invalid += over || !begun;
}

static enum exit_code check_check(struct run *run)
{
    const struct piv_place *place;
    if (run->options.slot == NULL && run->options.operands == 0)
        return EXIT_OK;
    return show_place(run, &place);
}

static enum exit_code cert_check(struct run *run)
{
    struct validity validity = {.days = run->options.days_given ? run->options.days : DAYS_DEFAULT};
    const struct piv_place *place, *only = run->options.slot != NULL ? place_of(run->options.slot) : NULL;
    json_t *list = json_array();
    json_object_set_new(run->answer, "certificates", list);
    if (session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    for (CK_BYTE id = 1; (place = place_of_id(id)) != NULL && run->fault.code == EXIT_OK; id++) {
        X509 *certificate = NULL;
        if ((only == NULL || only == place) &&
            object_certificate(&run->session, id, &certificate, &run->fault) == EXIT_OK &&
            certificate != NULL)
            check_one(run, place, certificate, &validity, list);
        X509_free(certificate);
    }
    if (run->fault.code != EXIT_OK)
        return run->fault.code;
    if (validity.invalid > 0)
        return fault_set(&run->fault, EXIT_MISMATCH, _("Certificates that are not valid now: %u."),
                         validity.invalid);
    if (validity.soon > 0) {
        fault_set(&run->fault, EXIT_EXPIRING, _("Certificates that expire within %u days: %u."),
                  validity.days, validity.soon);
        return fault_todo(&run->fault, _("Get a new one from the issuer in time."));
    }
    if (validity.seen == 0)
        return fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no certificate to check."));
    return EXIT_OK;
}

extern const struct command cmd_cert_import, cmd_cert_verify, cmd_cert_check;

const struct command cmd_cert_import = {
    .noun = "cert",
    .verb = "import",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("write a certificate from a file for the key in a slot"),
    .details = N_("The certificate has to be for the key that is in the slot; nothing else is written."),
    .needs = NEED_TOKEN | NEED_WRITER,
    .options = import_rows,
    .check = import_check,
    .run = cert_import,
};

const struct command cmd_cert_verify = {
    .noun = "cert",
    .verb = "verify",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("check a certificate against its key and its CA"),
    .needs = NEED_TOKEN,
    .options = verify_rows,
    .check = verify_check,
    .run = cert_verify,
};

const struct command cmd_cert_check = {
    .noun = "cert",
    .verb = "check",
    .operands = "[SLOT]",
    .operands_most = 1,
    .summary = N_("tell which certificates expire soon (exit code 16)"),
    .needs = NEED_TOKEN,
    .options = check_rows,
    .check = check_check,
    .run = cert_check,
};
