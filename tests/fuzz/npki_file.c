// Fuzzes key files of every kind: each input is read as a file and opened; a PFX once more with its MAC
// computed anew, so that what lies behind the MAC is reached too. Certificates give up their VID and policy.
// The seeds are tests/data/npki.
#include "npki/policy.h"
#include "npki/source.h"
#include "npki/vid.h"

#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSWORD "Test!npki2026"
#define ROUNDS   6000 // enough for the seeds, little enough for speed

static struct npki_crypto crypto;

static void look_at(X509 *certificate)
{
    struct npki_vid vid;
    char oid[80];
    npki_vid_of(certificate, &vid);
    npki_policy_of(certificate, oid, sizeof oid);
    npki_certificate_serves(certificate, NPKI_SIGN);
}

static void open_file(const uint8_t *data, size_t size)
{
    struct npki_source source;
    struct fault fault = {.code = EXIT_OK};
    char path[32];
    int fd = memfd_create("key", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (npki_source_read(&source, path, NULL, NPKI_SIGN, &fault) == EXIT_NOT_FOUND &&
        source.certificate == NULL)
        fault_clear(&fault); // a key without a certificate: go on, up to the comparison
    if (source.certificate != NULL)
        look_at(source.certificate);
    if (fault.code == EXIT_OK && source.certificate == NULL && source.pfx == NULL)
        source.certificate = X509_new();
    crypto.rounds = ROUNDS;
    if (fault.code == EXIT_OK)
        npki_source_open(&source, &crypto, rd_of(PASSWORD, sizeof PASSWORD - 1), &fault);
    if (source.certificate != NULL)
        look_at(source.certificate);
    npki_source_free(&source);
    close(fd);
}

static void with_new_mac(const uint8_t *data, size_t size)
{
    PKCS12 *pfx = npki_pfx_parse(rd_of(data, size));
    unsigned char *der = NULL;
    if (pfx != NULL && PKCS12_mac_present(pfx) &&
        PKCS12_set_mac(pfx, PASSWORD, -1, NULL, 0, 1, EVP_sha1()) == 1) {
        int n = i2d_PKCS12(pfx, &der);
        if (n > 0)
            open_file(der, (size_t)n);
        OPENSSL_free(der);
    }
    PKCS12_free(pfx);
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault fault = {.code = EXIT_OK};
    if (crypto.ctx == NULL && npki_crypto_open(&crypto, &fault) != EXIT_OK)
        abort();
    open_file(data, size);
    with_new_mac(data, size);
    const unsigned char *p = data;
    X509 *certificate = d2i_X509(NULL, &p, (long)size);
    if (certificate != NULL)
        look_at(certificate);
    X509_free(certificate);
    ERR_clear_error();
    return 0;
}
