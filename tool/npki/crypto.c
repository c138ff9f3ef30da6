// Opens a library context of our own with the default and the legacy provider.
#include "crypto.h"
#include "text.h"

#include <openssl/err.h>

enum exit_code npki_crypto_open(struct npki_crypto *crypto, struct fault *fault)
{
    *crypto = (struct npki_crypto){.rounds = NPKI_ROUNDS_MOST};
    crypto->ctx = OSSL_LIB_CTX_new();
    if (crypto->ctx != NULL)
        crypto->standard = OSSL_PROVIDER_load(crypto->ctx, "default");
    if (crypto->standard == NULL) {
        ERR_clear_error();
        return fault_set(fault, EXIT_OTHER, _("OpenSSL's default provider could not be loaded."));
    }
    crypto->legacy = OSSL_PROVIDER_load(crypto->ctx, "legacy");
    ERR_clear_error();
    return EXIT_OK;
}

void npki_crypto_close(struct npki_crypto *crypto)
{
    if (crypto->legacy != NULL)
        OSSL_PROVIDER_unload(crypto->legacy);
    if (crypto->standard != NULL)
        OSSL_PROVIDER_unload(crypto->standard);
    OSSL_LIB_CTX_free(crypto->ctx);
    *crypto = (struct npki_crypto){0};
}

enum exit_code npki_crypto_spend(struct npki_crypto *crypto, unsigned long rounds, struct fault *fault)
{
    if (rounds > crypto->rounds) {
        fault_set(fault, EXIT_MISMATCH,
                  _("The file asks for %lu rounds of key derivation; that is too many."), rounds);
        return fault_why(fault, _("at most %d are done for one file"), NPKI_ROUNDS_MOST);
    }
    crypto->rounds -= rounds;
    return EXIT_OK;
}

enum exit_code npki_crypto_want_legacy(const struct npki_crypto *crypto, const char *what,
                                       struct fault *fault)
{
    if (crypto->legacy != NULL)
        return EXIT_OK;
    fault_set(fault, EXIT_UNSUPPORTED, _("The key is encrypted with %s, which OpenSSL cannot do here."),
              what);
    fault_why(fault, _("OpenSSL's legacy provider (legacy.so) is not installed, or OPENSSL_MODULES leads "
                       "past it"));
    return fault_todo(fault, _("Install it: Debian 12 has it in the package libssl3, later releases in "
                               "openssl-provider-legacy."));
}
