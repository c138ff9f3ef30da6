// Checks certificates against the key and the CA, and pins a desk's CA at first use.
#include "trust.h"
#include "paths.h"
#include "text.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANCHORS_MOST 262144 // bytes of a file of CA certificates

// Certificates of a PEM file. NULL: errno (ENOENT...), or 0 when the file holds none that can be read.
static STACK_OF(X509) * certificates_of(const char *path)
{
    char *bytes = malloc(ANCHORS_MOST);
    long length = bytes != NULL ? paths_read(path, bytes, ANCHORS_MOST) : -1;
    int why = errno;
    BIO *bio = length >= 0 ? BIO_new_mem_buf(bytes, (int)length) : NULL;
    STACK_OF(X509) *all = bio != NULL ? sk_X509_new_null() : NULL;
    X509 *one;
    while (all != NULL && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        if (!sk_X509_push(all, one))
            X509_free(one);
    if (all != NULL && sk_X509_num(all) == 0) {
        sk_X509_free(all);
        all = NULL;
        why = 0;
    }
    BIO_free(bio);
    free(bytes);
    ERR_clear_error();
    errno = why;
    return all;
}

// The pin's file: named by a digest of the desk's URL.
static bool pin_path(char *out, size_t size, const char *issuer)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char name[64] = "ca-";
    unsigned length = 0;
    if (EVP_Digest(issuer, strlen(issuer), digest, &length, EVP_sha256(), NULL) != 1)
        return false;
    for (size_t i = 0; i < 16; i++)
        snprintf(name + 3 + 2 * i, 3, "%02x", digest[i]);
    snprintf(name + 35, sizeof name - 35, ".pem");
    return paths_data(out, size, name);
}

enum exit_code trust_anchors(const struct trust *trust, STACK_OF(X509) * *out, bool *pinned, bool *fresh,
                             struct fault *fault)
{
    char path[PATHS_MAX];
    *pinned = *fresh = false;
    if (trust->ca_file != NULL) {
        *out = certificates_of(trust->ca_file);
        if (*out != NULL)
            return EXIT_OK;
        fault_set(fault, EXIT_USAGE, _("No CA certificate could be read from %s."), trust->ca_file);
        return errno != 0 ? fault_why(fault, "%s", strerror(errno)) : fault->code;
    }
    if (pin_path(path, sizeof path, trust->issuer) && (*out = certificates_of(path)) != NULL) {
        *pinned = true;
        return EXIT_OK;
    }
    if (errno == 0 || errno == EACCES)
        return fault_set(fault, EXIT_OTHER, _("The pinned CA certificate %s cannot be read."), path);
    if (trust->received != NULL && sk_X509_num(trust->received) > 0) {
        *out = X509_chain_up_ref(trust->received);
        *fresh = true;
        return *out != NULL ? EXIT_OK : fault_set(fault, EXIT_OTHER, _("Out of memory."));
    }
    fault_set(fault, EXIT_MISMATCH, _("There is no CA certificate to check the new certificate against."));
    fault_why(fault, _("the issuer sent none, and none is known of it from an earlier issue"));
    return fault_todo(fault, _("Get the CA's certificate and give it with --ca FILE."));
}

static enum exit_code verify(const struct trust *trust, X509 *certificate, STACK_OF(X509) * roots,
                             bool pinned, struct fault *fault)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool ready = store != NULL && ctx != NULL;
    for (int i = 0; ready && i < sk_X509_num(roots); i++)
        ready = X509_STORE_add_cert(store, sk_X509_value(roots, i)) == 1;
    ready = ready && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
            X509_STORE_CTX_init(ctx, store, certificate, trust->untrusted) == 1;
    if (!ready)
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    else if (X509_verify_cert(ctx) != 1) {
        fault_set(fault, EXIT_MISMATCH,
                  _("The certificate that the issuer sent does not stand the check against its CA."));
        fault_why(fault, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
        if (pinned)
            fault_todo(
                fault,
                _("The CA is pinned since the first issue from this issuer. If it has rightly changed, "
                  "give the new one with --ca FILE."));
        else
            fault_todo(fault,
                       _("Ask the issuer which CA is right, and give its certificate with --ca FILE."));
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return fault->code;
}

enum exit_code trust_check(const struct trust *trust, X509 *certificate, EVP_PKEY *key, bool *pin,
                           struct fault *fault)
{
    STACK_OF(X509) *roots = NULL;
    bool pinned;
    *pin = false;
    EVP_PKEY *held = X509_get0_pubkey(certificate);
    if (held == NULL || EVP_PKEY_eq(held, key) != 1) {
        ERR_clear_error();
        fault_set(fault, EXIT_MISMATCH, _("The certificate that the issuer sent is for another key."));
        fault_why(fault, _("its public key is not that of the key on the token"));
        return fault_todo(fault, _("Nothing was written. Ask the issuer."));
    }
    if (trust_anchors(trust, &roots, &pinned, pin, fault) != EXIT_OK)
        return fault->code;
    verify(trust, certificate, roots, pinned, fault);
    sk_X509_pop_free(roots, X509_free);
    return fault->code;
}

enum exit_code trust_pin(const struct trust *trust, struct fault *fault)
{
    char path[PATHS_MAX];
    char *bytes = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio != NULL && trust->received != NULL && pin_path(path, sizeof path, trust->issuer);
    for (int i = 0; done && i < sk_X509_num(trust->received); i++)
        done = PEM_write_bio_X509(bio, sk_X509_value(trust->received, i)) == 1;
    long length = done ? BIO_get_mem_data(bio, &bytes) : 0;
    done = done && length > 0 && paths_write(path, bytes, (size_t)length);
    int why = errno;
    BIO_free(bio);
    if (done)
        return EXIT_OK;
    fault_set(fault, EXIT_OTHER, _("The CA's certificate could not be kept for later."));
    return fault_why(fault, "%s", strerror(why));
}
