// ingam cert list, show, export, delete: the certificates on a token.
#include "ask.h"
#include "meet.h"
#include "show.h"
#include "text.h"

#include <errno.h>
#include <openssl/pem.h>
#include <string.h>

static enum exit_code cert_check(struct run *run)
{
    const struct piv_place *place;
    return show_place(run, &place);
}

static enum exit_code cert_list(struct run *run)
{
    const struct piv_place *place;
    json_t *list = json_array();
    json_object_set_new(run->answer, "certificates", list);
    if (session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK)
        return run->fault.code;
    for (CK_BYTE id = 1; (place = place_of_id(id)) != NULL && run->fault.code == EXIT_OK; id++) {
        X509 *certificate;
        if (object_certificate(&run->session, id, &certificate, &run->fault) == EXIT_OK &&
            certificate != NULL) {
            json_t *out = json_object();
            json_object_set_new(out, "slot", json_string(place->number));
            tell(run, "%s (%s)", place->number, place->label);
            show_certificate(run, "  ", certificate, out);
            json_array_append_new(list, out);
        }
        X509_free(certificate);
    }
    return run->fault.code;
}

static enum exit_code cert_show(struct run *run)
{
    const struct piv_place *place;
    X509 *certificate;
    if (show_there(run, &place, &certificate) == EXIT_OK) {
        answer_text(run, "slot", place->number);
        show_certificate(run, "", certificate, run->answer);
    }
    X509_free(certificate);
    return run->fault.code;
}

static enum exit_code write_pem(struct run *run, X509 *certificate)
{
    const char *path = run->options.file;
    BIO *out = path != NULL ? BIO_new_file(path, "w") : BIO_new_fp(stdout, BIO_NOCLOSE);
    bool done = out != NULL && PEM_write_bio_X509(out, certificate) == 1 && BIO_flush(out) == 1;
    int why = errno;
    BIO_free(out);
    if (done)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_OTHER, _("%s could not be written."), path != NULL ? path : _("The output"));
    return fault_why(&run->fault, "%s", strerror(why));
}

static enum exit_code cert_export(struct run *run)
{
    const struct piv_place *place;
    X509 *certificate;
    if (show_there(run, &place, &certificate) == EXIT_OK) {
        BIO *memory = BIO_new(BIO_s_mem());
        char *text = NULL;
        answer_text(run, "slot", place->number);
        if (run->options.json && memory != NULL && PEM_write_bio_X509(memory, certificate) == 1 &&
            BIO_write(memory, "", 1) == 1 && BIO_get_mem_data(memory, &text) > 0)
            answer_text(run, "certificate", text);
        BIO_free(memory);
        if (!run->options.json || run->options.file != NULL)
            write_pem(run, certificate);
    }
    X509_free(certificate);
    return run->fault.code;
}

static enum exit_code cert_delete(struct run *run)
{
    const struct piv_place *place;
    X509 *certificate;
    char what[FAULT_TEXT];
    if (show_there(run, &place, &certificate) == EXIT_OK) {
        snprintf(what, sizeof what, _("The certificate in slot %s of token %s will be deleted."),
                 place->number, run->token.serial);
        if (ask_destroy(run, what, run->token.serial) == EXIT_OK && meet_login_writer(run) == EXIT_OK &&
            object_remove_certificates(&run->session, place->id, &run->fault) == EXIT_OK)
            say(run, _("The certificate in slot %s was deleted."), place->number);
    }
    X509_free(certificate);
    return run->fault.code;
}

static const struct option_row export_rows[] = {
    SHOW_SLOT_ROW,
    {.name = "file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(file),
     .value = N_("FILE"),
     .help = N_("write to FILE (else to standard output)")},
    {.name = NULL},
};

extern const struct command cmd_cert_list, cmd_cert_show, cmd_cert_export, cmd_cert_delete;

const struct command cmd_cert_list = {
    .noun = "cert",
    .verb = "list",
    .summary = N_("list the certificates on the token"),
    .needs = NEED_TOKEN,
    .run = cert_list,
};

const struct command cmd_cert_show = {
    .noun = "cert",
    .verb = "show",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("show the certificate in a slot"),
    .needs = NEED_TOKEN,
    .options = show_slot_rows,
    .check = cert_check,
    .run = cert_show,
};

const struct command cmd_cert_export = {
    .noun = "cert",
    .verb = "export",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("write the certificate in a slot as PEM"),
    .needs = NEED_TOKEN,
    .options = export_rows,
    .check = cert_check,
    .run = cert_export,
};

const struct command cmd_cert_delete = {
    .noun = "cert",
    .verb = "delete",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("delete the certificate in a slot; the key stays"),
    .needs = NEED_TOKEN | NEED_WRITER,
    .options = show_slot_rows,
    .check = cert_check,
    .run = cert_delete,
};
