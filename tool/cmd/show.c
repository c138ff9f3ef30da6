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

struct lines {
    char subject[512], issuer[512], serial[128], from[32], to[32];
};

static void read_lines(X509 *certificate, struct lines *l)
{
    x509_name_line(l->subject, sizeof l->subject, X509_get_subject_name(certificate));
    x509_name_line(l->issuer, sizeof l->issuer, X509_get_issuer_name(certificate));
    x509_serial_line(l->serial, sizeof l->serial, certificate);
    x509_time_line(l->from, sizeof l->from, X509_get0_notBefore(certificate));
    x509_time_line(l->to, sizeof l->to, X509_get0_notAfter(certificate));
}

void show_certificate_json(X509 *certificate, json_t *out)
{
    struct lines l;
    read_lines(certificate, &l);
    json_object_set_new(out, "subject", json_text(l.subject));
    json_object_set_new(out, "issuer", json_text(l.issuer));
    json_object_set_new(out, "serial_number", json_text(l.serial));
    json_object_set_new(out, "not_before", json_text(l.from));
    json_object_set_new(out, "not_after", json_text(l.to));
}

void show_certificate(struct run *run, const char *indent, X509 *certificate, json_t *out)
{
    struct lines l;
    read_lines(certificate, &l);
    tell(run, "%s%s: %s", indent, _("subject"), l.subject);
    tell(run, "%s%s: %s", indent, _("issuer"), l.issuer);
    tell(run, "%s%s: %s", indent, _("serial number"), l.serial);
    tell(run, "%s%s: %s - %s", indent, _("valid"), l.from, l.to);
    show_certificate_json(certificate, out);
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
