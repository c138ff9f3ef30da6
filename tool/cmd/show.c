// Lines about certificates, and the slot on the command line.
#include "show.h"
#include "text.h"
#include "x509/name.h"

#include <openssl/err.h>
#include <openssl/pem.h>

const struct option_row show_slot_rows[] = {
    SHOW_SLOT_ROW,
    {.name = NULL},
};

void show_certificate(struct run *run, const char *indent, X509 *certificate, json_t *out)
{
    char subject[512], issuer[512], serial[128], from[32], to[32];
    x509_name_line(subject, sizeof subject, X509_get_subject_name(certificate));
    x509_name_line(issuer, sizeof issuer, X509_get_issuer_name(certificate));
    x509_serial_line(serial, sizeof serial, certificate);
    x509_time_line(from, sizeof from, X509_get0_notBefore(certificate));
    x509_time_line(to, sizeof to, X509_get0_notAfter(certificate));
    tell(run, "%s%s: %s", indent, _("subject"), subject);
    tell(run, "%s%s: %s", indent, _("issuer"), issuer);
    tell(run, "%s%s: %s", indent, _("serial number"), serial);
    tell(run, "%s%s: %s - %s", indent, _("valid"), from, to);
    json_object_set_new(out, "subject", json_text(subject));
    json_object_set_new(out, "issuer", json_text(issuer));
    json_object_set_new(out, "serial_number", json_text(serial));
    json_object_set_new(out, "not_before", json_text(from));
    json_object_set_new(out, "not_after", json_text(to));
}

enum exit_code show_place(struct run *run, const struct piv_place **out)
{
    struct options *options = &run->options;
    if (options->slot == NULL && options->operands > 0)
        options->slot = options->operand[0];
    *out = options->slot != NULL ? place_of(options->slot) : NULL;
    if (*out != NULL)
        return EXIT_OK;
    if (options->slot == NULL)
        fault_set(&run->fault, EXIT_USAGE, _("The slot is missing."));
    else
        fault_set(&run->fault, EXIT_USAGE, _("There is no slot \"%s\"."), options->slot);
    fault_todo(&run->fault, _("Slots are 9a, 9c, 9d, 9e and 82 to 95, or auth, sign, kem, card."));
    return EXIT_USAGE;
}

enum exit_code show_there(struct run *run, const struct piv_place **place, X509 **certificate)
{
    *certificate = NULL;
    if (show_place(run, place) != EXIT_OK ||
        (!run->session.open &&
         session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK) ||
        object_certificate(&run->session, (*place)->id, certificate, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (*certificate == NULL) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no certificate in slot %s."), (*place)->number);
        return fault_todo(&run->fault, _("See what is there with: ingam token info"));
    }
    return EXIT_OK;
}

X509 *show_read_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "rb");
    X509 *out = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    if (file != NULL && out == NULL && BIO_seek(file, 0) == 0)
        out = d2i_X509_bio(file, NULL);
    BIO_free(file);
    ERR_clear_error();
    return out;
}
