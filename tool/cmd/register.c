// ingam register, unregister: a certificate of another institution, made known to a desk and taken back. The
// desk has the certificate and a signature by its key over the application's reference number
// (docs/issuing-desk.md).
#include "cmp/client.h"
#include "issue.h"
#include "issue_rows.h"
#include "meet.h"
#include "npki/upload.h"
#include "show.h"
#include "text.h"
#include "x509/name.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define REGISTER_TYPE   "2.25.305419896.1"
#define UNREGISTER_TYPE "2.25.305419896.2"
#define RANDOM_TAG      0x80
#define SIGNATURE_MOST  1024

struct registering {
    struct run *run;
    const struct piv_place *place;
    bool adding;
    X509 *certificate;
    BUF_MEM *value; // what the desk is told
};

static const struct option_row register_rows[] = {
    SHOW_SLOT_ROW,
    ISSUE_ROW_ISSUER,
    ISSUE_ROW_TLS_CA,
    ISSUE_ROW_REFERENCE,
    ISSUE_ROW_CODE_FILE,
    {.name = "send-random",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(send_random),
     .help = N_("send the random number R of the key, too, by which the desk checks the identity number")},
    ISSUE_ROW_TIMEOUT,
    {.name = NULL},
};

static const struct option_row unregister_rows[] = {
    SHOW_SLOT_ROW,
    {.name = "cert",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(certificate_file),
     .value = N_("FILE"),
     .help = N_("the certificate in FILE, wherever its key is")},
    ISSUE_ROW_ISSUER,
    ISSUE_ROW_TLS_CA,
    ISSUE_ROW_REFERENCE,
    ISSUE_ROW_CODE_FILE,
    ISSUE_ROW_TIMEOUT,
    {.name = NULL},
};

// R is a secret: only an address where nobody listens in may have it.
static bool is_private(const char *url)
{
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://127.", 11) == 0 ||
           strncmp(url, "http://localhost", 16) == 0 || strncmp(url, "http://[::1]", 12) == 0;
}

static enum exit_code check(struct run *run, bool adding)
{
    static struct registering work;
    const struct options *options = &run->options;
    work.run = run;
    work.adding = adding;
    run->work = &work;
    if (options->certificate_file != NULL) {
        run->needs &= ~(unsigned)NEED_TOKEN;
        work.certificate = show_read_certificate(options->certificate_file);
        if (work.certificate == NULL)
            return fault_set(&run->fault, EXIT_USAGE, _("No certificate could be read from %s."),
                             options->certificate_file);
    } else if (show_place(run, &work.place) != EXIT_OK) {
        return run->fault.code;
    }
    if (issue_check_issuer(run) != EXIT_OK)
        return run->fault.code;
    if (options->send_random && !is_private(options->issuer)) {
        fault_set(&run->fault, EXIT_USAGE, _("R would go over the network for all to read."));
        return fault_todo(&run->fault, _("Use the desk's https:// address."));
    }
    return issue_check_code(run);
}

static enum exit_code register_check(struct run *run)
{
    return check(run, true);
}

static enum exit_code unregister_check(struct run *run)
{
    return check(run, false);
}

static bool append(BUF_MEM *to, const unsigned char *bytes, int length)
{
    size_t had = to->length;
    if (length <= 0 || BUF_MEM_grow_clean(to, had + (size_t)length) == 0)
        return false;
    memcpy(to->data + had, bytes, (size_t)length);
    return true;
}

static bool append_certificate(BUF_MEM *to, const X509 *certificate)
{
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    bool done = append(to, der, length);
    OPENSSL_free(der);
    return done;
}

static bool append_signature(BUF_MEM *to, bool rsa, unsigned char *signature, size_t length)
{
    unsigned char *algorithm_der = NULL, *bits_der = NULL;
    X509_ALGOR *algorithm = X509_ALGOR_new();
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool done =
        algorithm != NULL && bits != NULL &&
        X509_ALGOR_set0(algorithm, OBJ_nid2obj(rsa ? NID_sha256WithRSAEncryption : NID_ecdsa_with_SHA256),
                        rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) == 1 &&
        ASN1_BIT_STRING_set(bits, signature, (int)length) == 1;
    if (done) {
        // No bit of the last byte is unused, also when it ends in zeros.
        bits->flags = (bits->flags & ~0x07L) | ASN1_STRING_FLAG_BITS_LEFT;
        int first = i2d_X509_ALGOR(algorithm, &algorithm_der), second = i2d_ASN1_BIT_STRING(bits, &bits_der);
        done = append(to, algorithm_der, first) && append(to, bits_der, second);
    }
    OPENSSL_free(algorithm_der);
    OPENSSL_free(bits_der);
    X509_ALGOR_free(algorithm);
    ASN1_BIT_STRING_free(bits);
    return done;
}

// R as the token keeps it: [0] IMPLICIT OCTET STRING.
static enum exit_code append_random(struct registering *work, BUF_MEM *to)
{
    struct run *run = work->run;
    char label[32];
    snprintf(label, sizeof label, "NPKI R %s", work->place->number);
    const struct npki_random_form form = {.label = label, .application = "NPKI"};
    struct secret *random = npki_upload_old_random(&run->session, work->place, &form);
    if (random == NULL) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("The token has no random number R for slot %s."),
                  work->place->number);
        return fault_todo(&run->fault, _("Leave --send-random out, or ask at a branch of the desk."));
    }
    struct rd view = secret_view(random);
    const unsigned char head[] = {RANDOM_TAG, (unsigned char)view.n};
    if (view.n == 0 || view.n > 127 || !append(to, head, sizeof head) || !append(to, view.p, (int)view.n))
        fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    secret_free(random);
    return run->fault.code;
}

// The key in the slot signs the application's reference number.
static enum exit_code sign(struct registering *work, BUF_MEM *to)
{
    struct run *run = work->run;
    struct keypair pair = {.session = &run->session};
    unsigned char signature[SIGNATURE_MOST];
    size_t length = sizeof signature;
    char text[320];
    bool found;
    CK_OBJECT_HANDLE key;
    if (keypair_private(&run->session, work->place->id, &key, &found, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (!found)
        return fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no key in slot %s."), work->place->number);
    meet_keypair(run, &pair, key, work->place);
    snprintf(text, sizeof text, "ingam register %s", run->options.reference);
    EVP_PKEY *lent = keypair_lend(&pair, X509_get0_pubkey(work->certificate));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool made = lent != NULL && ctx != NULL &&
                EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, lent, NULL) == 1 &&
                EVP_DigestSign(ctx, signature, &length, (const unsigned char *)text, strlen(text)) == 1;
    bool rsa = lent != NULL && EVP_PKEY_is_a(lent, "RSA");
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(lent);
    ERR_clear_error();
    if (!made && pair.last_rv != CKR_OK)
        return fault_rv(&run->fault, pair.last_rv, _("The key in slot %s could not sign the request."),
                        work->place->number);
    if (!made)
        return fault_set(&run->fault, EXIT_UNSUPPORTED,
                         _("The key in slot %s is of a kind that cannot sign for this."),
                         work->place->number);
    return append_signature(to, rsa, signature, length)
               ? EXIT_OK
               : fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
}

// SEQUENCE { certificate, signatureAlgorithm, signature, R [0] OPTIONAL }; to take it back the certificate is
// enough.
static enum exit_code compose(struct registering *work)
{
    struct run *run = work->run;
    BUF_MEM *body = BUF_MEM_new();
    bool done = body != NULL && append_certificate(body, work->certificate);
    if (!done)
        fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    else if (work->adding && sign(work, body) == EXIT_OK && run->options.send_random)
        append_random(work, body);
    if (run->fault.code == EXIT_OK && body != NULL) {
        int size = ASN1_object_size(1, (int)body->length, V_ASN1_SEQUENCE);
        work->value = BUF_MEM_new();
        if (work->value == NULL || BUF_MEM_grow_clean(work->value, (size_t)size) == 0)
            fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
        else {
            unsigned char *at = (unsigned char *)work->value->data;
            ASN1_put_object(&at, 1, (int)body->length, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
            memcpy(at, body->data, body->length);
        }
    }
    if (body != NULL)
        OPENSSL_cleanse(body->data, body->length);
    BUF_MEM_free(body);
    return run->fault.code;
}

static enum exit_code tell_desk(struct registering *work)
{
    struct run *run = work->run;
    const struct cmp_request cmp = {.url = run->options.issuer,
                                    .tls_ca = run->options.tls_ca,
                                    .timeout = run->options.timeout,
                                    .reference = run->options.reference,
                                    .code = run->secrets.code,
                                    .info_type = work->adding ? REGISTER_TYPE : UNREGISTER_TYPE,
                                    .info = (const unsigned char *)work->value->data,
                                    .info_length = (int)work->value->length};
    return cmp_tell(&cmp, &run->fault);
}

static enum exit_code register_run(struct run *run)
{
    struct registering *work = run->work;
    const struct piv_place *place;
    char serial[128];
    if ((work->certificate != NULL || show_there(run, &place, &work->certificate) == EXIT_OK) &&
        compose(work) == EXIT_OK && tell_desk(work) == EXIT_OK) {
        x509_serial_line(serial, sizeof serial, work->certificate);
        say(run, "%s: %s", serial,
            work->adding ? _("the certificate is registered at the desk")
                         : _("the certificate is not registered at the desk any more"));
        answer_text(run, "serial_number", serial);
        answer_text(run, "state", work->adding ? "registered" : "unregistered");
    }
    if (work->value != NULL)
        OPENSSL_cleanse(work->value->data, work->value->length);
    BUF_MEM_free(work->value);
    X509_free(work->certificate);
    return run->fault.code;
}

extern const struct command cmd_register, cmd_unregister;

const struct command cmd_register = {
    .noun = "register",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("register a certificate of another institution at a desk"),
    .details = N_(
        "Reference number and code come from an application for it. The key in the slot signs the reference\n"
        "number; it can be repeated when the answer was lost."),
    .needs = NEED_TOKEN | NEED_PIN | NEED_ISSUER,
    .options = register_rows,
    .check = register_check,
    .run = register_run,
};

const struct command cmd_unregister = {
    .noun = "unregister",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("end the registration of another institution's certificate"),
    .needs = NEED_TOKEN | NEED_ISSUER,
    .options = unregister_rows,
    .check = unregister_check,
    .run = register_run,
};
