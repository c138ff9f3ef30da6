// A plain PIV card shows a key only through a certificate: after the program that made the key has ended,
// PKCS#11 has no object for it. When the journal (or --public-key) knows the public key, a certificate in its
// slot reveals it: the one that was received, or a placeholder that nobody trusts. The signature of the key
// then proves that it is there.
#include "issue.h"
#include "meet.h"
#include "text.h"

#include <openssl/err.h>
#include <string.h>

#define PLACEHOLDER "Ingam: key without a certificate"

// Signed by a key that is thrown away, and expired since 1970.
static X509 *placeholder(EVP_PKEY *key)
{
    X509 *x = X509_new();
    EVP_PKEY *signer = EVP_EC_gen("P-256");
    X509_NAME *name = x != NULL ? X509_get_subject_name(x) : NULL;
    bool made = x != NULL && signer != NULL && X509_set_version(x, X509_VERSION_3) &&
                ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)PLACEHOLDER, -1,
                                           -1, 0) &&
                X509_set_issuer_name(x, name) && ASN1_TIME_set(X509_getm_notBefore(x), 0) != NULL &&
                ASN1_TIME_set(X509_getm_notAfter(x), 1) != NULL && X509_set_pubkey(x, key) &&
                X509_sign(x, signer, EVP_sha256()) > 0;
    EVP_PKEY_free(signer);
    if (made)
        return x;
    X509_free(x);
    ERR_clear_error();
    return NULL;
}

bool issue_is_placeholder(const X509 *certificate)
{
    char name[sizeof PLACEHOLDER + 8];
    const X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_NAME_cmp(subject, X509_get_issuer_name(certificate)) == 0 &&
           X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)subject, NID_commonName, name, sizeof name) >
               0 &&
           strcmp(name, PLACEHOLDER) == 0;
}

// Writes the certificate that reveals the key, and finds the key.
static enum exit_code write_revealing(struct issue *issue, X509 *certificate)
{
    struct run *run = issue->run;
    issue->revealed = true;
    if (meet_login_writer(run) != EXIT_OK ||
        object_write_certificate(&run->session, issue->place, certificate, &run->fault) != EXIT_OK ||
        meet_login_user(run) != EXIT_OK)
        return run->fault.code;
    return issue_take_key(issue);
}

enum exit_code issue_reveal(struct issue *issue, EVP_PKEY *key, X509 *certificate, bool *proved)
{
    struct run *run = issue->run;
    struct fault failed = {.code = EXIT_OK};
    *proved = false;
    if (!run->module.officer_writes)
        return EXIT_OK;
    X509 *made = certificate == NULL ? placeholder(key) : NULL;
    if (certificate == NULL && made == NULL)
        return fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    write_revealing(issue, made != NULL ? made : certificate);
    X509_free(made);
    // A module that knows the slot's key takes no certificate for another one.
    if (run->fault.rv_name != NULL && strcmp(run->fault.rv_name, "CKR_ATTRIBUTE_VALUE_INVALID") == 0) {
        fault_clear(&run->fault);
        issue->revealed = false;
        return meet_login_user(run);
    }
    if (run->fault.code != EXIT_OK)
        return run->fault.code;
    switch (keypair_prove(&issue->pair, key, &failed)) {
    case EXIT_OK:
        *proved = true;
        issue->revealed = made != NULL;
        return EXIT_OK;
    case EXIT_TOKEN:
    case EXIT_PIN:
    case EXIT_BLOCKED:
    case EXIT_BUSY:
    case EXIT_TOUCH:
        run->fault = failed; // says nothing about the key
        return failed.code;
    default:
        issue_conceal(issue);
        return EXIT_OK;
    }
}

void issue_conceal(struct issue *issue)
{
    struct run *run = issue->run;
    struct fault before = run->fault;
    if (!issue->revealed || before.code == EXIT_TOKEN)
        return;
    fault_clear(&run->fault);
    if (meet_login_writer(run) == EXIT_OK)
        object_remove_certificates(&run->session, issue->place->id, &run->fault);
    if (run->fault.code == EXIT_OK)
        issue->revealed = false;
    fault_clear(&run->fault);
    meet_login_user(run);
    run->fault = before;
}
