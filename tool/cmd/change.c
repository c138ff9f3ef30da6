// One change of a certificate's standing at its desk, asked for with a key on the token or with a code.
#include "change.h"
#include "ask.h"
#include "cmp/client.h"
#include "issue.h"
#include "meet.h"
#include "record.h"
#include "show.h"
#include "text.h"
#include "x509/name.h"
#include "x509/trust.h"

#include <openssl/bn.h>
#include <string.h>

#define TYPED 8 // digits of the serial number that a person types

const struct change_deed change_revoke = {0, "revoke", "revoked", N_("the certificate is revoked"), true};
const struct change_deed change_suspend = {6, "suspend", "suspended", N_("the certificate is suspended"),
                                           false};
const struct change_deed change_resume = {CHANGE_RESUME, "resume", "valid",
                                          N_("the certificate is valid again"), false};

// A certificate with nothing but issuer and serial number, which is all that a request tells of it. OpenSSL
// wants it to be complete: signed by a key that is thrown away.
static X509 *only_name(const X509 *ca, const char *serial)
{
    X509 *out = X509_new();
    EVP_PKEY *signer = EVP_EC_gen("P-256");
    BIGNUM *number = NULL;
    bool made = out != NULL && signer != NULL && BN_hex2bn(&number, serial) > 0 &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(out)) != NULL &&
                X509_set_issuer_name(out, X509_get_subject_name(ca)) &&
                ASN1_TIME_set(X509_getm_notBefore(out), 0) != NULL &&
                ASN1_TIME_set(X509_getm_notAfter(out), 1) != NULL && X509_set_pubkey(out, signer) &&
                X509_sign(out, signer, EVP_sha256()) > 0;
    BN_free(number);
    EVP_PKEY_free(signer);
    if (made)
        return out;
    X509_free(out);
    return NULL;
}

static struct trust trust_of(const struct change *change)
{
    return (struct trust){.ca_file = change->run->options.ca, .issuer = change->desk.issuer};
}

static void prepare(const struct change *change, struct cmp_request *cmp)
{
    *cmp = (struct cmp_request){.url = change->desk.issuer,
                                .tls_ca = desk_tls_ca(&change->desk),
                                .timeout = change->run->options.timeout,
                                .reference = change->run->options.reference,
                                .code = change->run->secrets.code,
                                .certificate = change->certificate,
                                .reason = change->reason};
}

// Nobody here knows the certificate: its issuer is the desk's CA, as the desk tells whoever has the code, or
// as it is known here.
static enum exit_code name_unknown(struct change *change)
{
    struct run *run = change->run;
    STACK_OF(X509) *ca = NULL;
    const struct trust trust = trust_of(change);
    struct cmp_request cmp;
    bool pinned, fresh;
    prepare(change, &cmp);
    if (!change->by_key && cmp_probe(&cmp, &ca, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (ca == NULL && trust_anchors(&trust, &ca, &pinned, &fresh, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (sk_X509_num(ca) > 0)
        change->certificate = only_name(sk_X509_value(ca, 0), run->options.number);
    sk_X509_pop_free(ca, X509_free);
    return change->certificate != NULL ? EXIT_OK : fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
}

static enum exit_code find_certificate(struct change *change, struct record_entry *known)
{
    struct run *run = change->run;
    const struct piv_place *place;
    const char *number = run->options.number;
    char serial[128];
    memset(known, 0, sizeof *known);
    if (change->place != NULL) {
        snprintf(change->token, sizeof change->token, "%s", issue_token(run));
        return show_there(run, &place, &change->certificate);
    }
    if (number == NULL) {
        x509_serial_line(serial, sizeof serial, change->certificate);
        number = serial;
    }
    if (!record_locate(number, change->token, sizeof change->token, known))
        return EXIT_OK;
    if (change->certificate == NULL)
        change->certificate = known->certificate;
    else
        X509_free(known->certificate);
    known->certificate = NULL;
    return EXIT_OK;
}

enum exit_code change_find(struct change *change)
{
    struct run *run = change->run;
    struct record_entry known;
    if (find_certificate(change, &known) != EXIT_OK ||
        desk_find(run, change->token, change->token[0] != '\0' ? change->certificate : NULL, known.issuer,
                  &change->desk) != EXIT_OK ||
        (change->certificate == NULL && name_unknown(change) != EXIT_OK))
        return run->fault.code;
    x509_serial_line(change->serial, sizeof change->serial, change->certificate);
    return EXIT_OK;
}

enum exit_code change_confirm(struct change *change)
{
    char what[FAULT_TEXT], name[256];
    size_t n = strlen(change->serial);
    if (!change->deed->for_ever)
        return EXIT_OK;
    x509_name_line(name, sizeof name, X509_get_subject_name(change->certificate));
    snprintf(what, sizeof what,
             _("The certificate %s of %s will be revoked, for ever: nobody will accept it any more."),
             change->serial, name[0] != '\0' ? name : "?");
    return ask_word(change->run, what, _("Type the last eight digits of its serial number to go on"),
                    change->serial + (n > TYPED ? n - TYPED : 0));
}

// The key that signs, and its certificate.
static enum exit_code take_signer(struct change *change)
{
    struct run *run = change->run;
    CK_OBJECT_HANDLE key;
    bool found;
    if (change->signer_certificate != NULL)
        return EXIT_OK;
    if ((!run->session.open &&
         session_open(&run->session, &run->module, &run->token, &run->fault) != EXIT_OK) ||
        object_certificate(&run->session, change->signer->id, &change->signer_certificate, &run->fault) !=
            EXIT_OK)
        return run->fault.code;
    if (change->signer_certificate == NULL) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no certificate in slot %s."),
                  change->signer->number);
        return fault_todo(&run->fault, _("See what is there with: ingam token info"));
    }
    if (keypair_private(&run->session, change->signer->id, &key, &found, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (!found)
        return fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no key in slot %s."),
                         change->signer->number);
    meet_keypair(run, &change->pair, key, change->signer);
    return EXIT_OK;
}

static enum exit_code ask_desk(struct change *change)
{
    struct run *run = change->run;
    struct fault failed = {.code = EXIT_OK};
    const struct trust trust = trust_of(change);
    struct cmp_request cmp;
    bool pinned, fresh;
    prepare(change, &cmp);
    if (change->by_key) {
        if (take_signer(change) != EXIT_OK ||
            trust_anchors(&trust, &cmp.trusted, &pinned, &fresh, &run->fault) != EXIT_OK)
            return run->fault.code;
        cmp.signer = change->signer_certificate;
        cmp.signer_key = keypair_lend(&change->pair, X509_get0_pubkey(cmp.signer));
        if (cmp.signer_key == NULL)
            fault_set(&run->fault, EXIT_UNSUPPORTED,
                      _("The key in slot %s is of a kind that cannot sign for this."),
                      change->signer->number);
    }
    change->pair.last_rv = CKR_OK;
    if (run->fault.code == EXIT_OK)
        cmp_revoke(&cmp, &failed);
    if (run->fault.code == EXIT_OK && change->pair.last_rv != CKR_OK)
        fault_rv(&run->fault, change->pair.last_rv, _("The key in slot %s could not sign the request."),
                 change->signer->number);
    if (run->fault.code == EXIT_OK)
        run->fault = failed;
    EVP_PKEY_free(cmp.signer_key);
    sk_X509_pop_free(cmp.trusted, X509_free);
    return run->fault.code;
}

enum exit_code change_send(struct change *change)
{
    struct run *run = change->run;
    const struct change_deed *deed = change->deed;
    struct fault unused = {.code = EXIT_OK};
    bool noted = change->token[0] != '\0';
    if (noted && record_mark(change->token, change->certificate, NULL, deed->word, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (ask_desk(change) == EXIT_OK) {
        if (noted)
            record_mark(change->token, change->certificate, deed->state, "", &run->fault);
        return run->fault.code;
    }
    // Refused, so certainly not done. Otherwise nobody knows.
    if (noted && run->fault.code == EXIT_REFUSED)
        record_mark(change->token, change->certificate, NULL, "", &unused);
    if (run->fault.code == EXIT_UNREACHABLE)
        fault_state(&run->fault,
                    _("Whether the desk has done it is not known; the same command asks again."));
    return run->fault.code;
}

void change_report(struct change *change)
{
    struct run *run = change->run;
    say(run, "%s: %s", change->serial, _(change->deed->done));
    answer_text(run, "serial_number", change->serial);
    answer_text(run, "action", change->deed->word);
    answer_text(run, "state", change->deed->state);
    if (change->place != NULL)
        answer_text(run, "slot", change->place->number);
    if (change->place != NULL && change->deed == &change_revoke)
        say(run, _("It is still in slot %s. To remove it: ingam cert delete %s"), change->place->number,
            change->place->number);
}

void change_free(struct change *change)
{
    X509_free(change->certificate);
    X509_free(change->signer_certificate);
    change->certificate = change->signer_certificate = NULL;
}
