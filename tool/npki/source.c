// Tells the kinds of key files apart by what is in them, and opens them.
#include "source.h"
#include "text.h"

#include <errno.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define PEM_BLOCKS_MOST 64

static enum exit_code no_key(const char *path, struct fault *fault)
{
    fault_set(fault, EXIT_MISMATCH, _("%s holds no private key in a known form."), path);
    return fault_todo(fault,
                      _("Known are NPKI folders (signCert.der, signPri.key), PFX, PKCS#8 and PEM files."));
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static enum exit_code too_long(struct fault *fault)
{
    return fault_set(fault, EXIT_USAGE, _("The path is too long."));
}

// The folder that holds one of a pair's files; false: path is no such file.
static bool folder_of_pair(const char *path, enum npki_use use, char out[PATHS_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (strcasecmp(name, npki_certificate_names[use]) != 0 && strcasecmp(name, npki_key_names[use]) != 0)
        return false;
    size_t length = slash != NULL ? (size_t)(slash - path) : 1;
    if (length == 0)
        length = 1; // "/"
    if (length >= PATHS_MAX)
        return false;
    memcpy(out, slash != NULL ? path : ".", length);
    out[length] = '\0';
    return true;
}

static enum exit_code take_sealed(struct npki_source *source, struct rd der)
{
    const unsigned char *p = der.p;
    source->sealed = d2i_X509_SIG(NULL, &p, (long)der.n);
    ERR_clear_error();
    if (source->sealed != NULL && p != der.p + der.n) {
        X509_SIG_free(source->sealed);
        source->sealed = NULL;
    }
    return source->sealed != NULL ? EXIT_OK : EXIT_MISMATCH;
}

static enum exit_code read_folder(struct npki_source *source, const char *folder, struct fault *fault)
{
    struct secret *bytes;
    source->kind = NPKI_FOLDER;
    if (!npki_file_in(folder, npki_certificate_names[source->use], source->certificate_path) ||
        !npki_file_in(folder, npki_key_names[source->use], source->key_path)) {
        fault_set(fault, EXIT_NOT_FOUND, _("%s holds no %s with %s."), folder,
                  npki_certificate_names[source->use], npki_key_names[source->use]);
        return fault_todo(fault, _("See what is on this machine with: ingam npki list"));
    }
    if (npki_file_certificate(source->certificate_path, &source->certificate, fault) != EXIT_OK ||
        npki_file_take(source->key_path, &bytes, fault) != EXIT_OK)
        return fault->code;
    if (take_sealed(source, secret_view(bytes)) != EXIT_OK)
        no_key(source->key_path, fault);
    secret_free(bytes);
    return fault->code;
}

// A key in the form that its own standard gives it (RFC 8017 A.1.2, RFC 5915), of this kind and no other.
static PKCS8_PRIV_KEY_INFO *old_form(const char *kind, struct rd der)
{
    EVP_PKEY *key = NULL;
    const unsigned char *p = der.p;
    size_t left = der.n;
    OSSL_DECODER_CTX *ctx =
        OSSL_DECODER_CTX_new_for_pkey(&key, "DER", "type-specific", kind, EVP_PKEY_KEYPAIR, NULL, NULL);
    bool done = ctx != NULL && OSSL_DECODER_from_data(ctx, &p, &left) == 1;
    PKCS8_PRIV_KEY_INFO *info = done ? EVP_PKEY2PKCS8(key) : NULL;
    OSSL_DECODER_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return info;
}

// One key a file: a second one would make it a matter of chance which is meant.
static enum exit_code take_pem_key(struct npki_source *source, const char *name, const char *header,
                                   struct rd der, struct fault *fault)
{
    if (source->sealed != NULL || source->plain != NULL)
        return fault_set(fault, EXIT_MISMATCH, _("The file holds several private keys."));
    if (header[0] != '\0') {
        fault_set(fault, EXIT_UNSUPPORTED, _("The key is encrypted in OpenSSL's old form (DEK-Info)."));
        return fault_todo(fault, _("Convert it with: openssl pkcs8 -topk8 -in FILE -out NEW"));
    }
    if (strcmp(name, PEM_STRING_PKCS8) == 0)
        take_sealed(source, der);
    else if (strcmp(name, PEM_STRING_PKCS8INF) == 0)
        source->plain = npki_key_parse(der);
    else {
        source->plain = old_form(strcmp(name, PEM_STRING_RSA) == 0 ? "RSA" : "EC", der);
    }
    if (source->sealed == NULL && source->plain == NULL)
        fault_set(fault, EXIT_MISMATCH, _("The private key in the file is damaged."));
    return fault->code;
}

static void take_pem_certificate(struct npki_source *source, struct rd der)
{
    const unsigned char *p = der.p;
    if (source->certificate == NULL)
        source->certificate = d2i_X509(NULL, &p, (long)der.n);
    ERR_clear_error();
}

static bool is_key_name(const char *name)
{
    static const char *const names[] = {PEM_STRING_PKCS8, PEM_STRING_PKCS8INF, PEM_STRING_RSA,
                                        PEM_STRING_ECPRIVATEKEY};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static enum exit_code read_pem(struct npki_source *source, struct rd bytes, struct fault *fault)
{
    BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long length = 0;
    for (int i = 0; bio != NULL && i < PEM_BLOCKS_MOST && fault->code == EXIT_OK &&
                    PEM_read_bio(bio, &name, &header, &der, &length) == 1;
         i++) {
        struct rd view = rd_of(der, (size_t)length);
        if (is_key_name(name))
            take_pem_key(source, name, header, view, fault);
        else if (strcmp(name, PEM_STRING_X509) == 0)
            take_pem_certificate(source, view);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)length);
    }
    BIO_free(bio);
    ERR_clear_error();
    return fault->code;
}

static enum exit_code read_file(struct npki_source *source, const char *path, struct fault *fault)
{
    struct secret *bytes;
    if (strlen(path) >= sizeof source->key_path)
        return too_long(fault);
    strcpy(source->key_path, path);
    if (npki_file_take(path, &bytes, fault) != EXIT_OK)
        return fault->code;
    struct rd view = secret_view(bytes);
    source->kind = NPKI_KEY_FILE;
    source->pfx = npki_pfx_parse(view);
    if (source->pfx != NULL) {
        source->kind = NPKI_PFX;
        source->certificate = npki_pfx_clear_certificate(source->pfx, source->use);
    } else if (take_sealed(source, view) != EXIT_OK && (source->plain = npki_key_parse(view)) == NULL) {
        read_pem(source, view, fault);
    }
    secret_free(bytes);
    if (fault->code == EXIT_OK && source->pfx == NULL && source->sealed == NULL && source->plain == NULL)
        no_key(path, fault);
    return fault->code;
}

static enum exit_code take_certificate(struct npki_source *source, const char *path, struct fault *fault)
{
    if (path == NULL && source->kind == NPKI_KEY_FILE && source->certificate == NULL) {
        fault_set(fault, EXIT_NOT_FOUND, _("%s holds no certificate."), source->key_path);
        return fault_todo(fault, _("Name the certificate's file with --cert FILE."));
    }
    if (path == NULL)
        return EXIT_OK;
    if (source->kind != NPKI_KEY_FILE)
        return fault_set(fault, EXIT_USAGE, _("--cert goes with a file that holds a key alone."));
    if (strlen(path) >= sizeof source->certificate_path)
        return too_long(fault);
    strcpy(source->certificate_path, path);
    X509_free(source->certificate);
    return npki_file_certificate(path, &source->certificate, fault);
}

static enum exit_code read_any(struct npki_source *source, const char *path, bool pair, enum npki_use use,
                               struct fault *fault)
{
    char folder[PATHS_MAX];
    memset(source, 0, sizeof *source);
    source->use = use;
    if (is_folder(path))
        return read_folder(source, path, fault);
    return pair && folder_of_pair(path, use, folder) ? read_folder(source, folder, fault)
                                                     : read_file(source, path, fault);
}

enum exit_code npki_source_read_bare(struct npki_source *source, const char *path, enum npki_use use,
                                     struct fault *fault)
{
    read_any(source, path, true, use, fault);
    source->bare = true;
    return fault->code;
}

enum exit_code npki_source_read(struct npki_source *source, const char *path, const char *certificate_path,
                                enum npki_use use, struct fault *fault)
{
    read_any(source, path, certificate_path == NULL, use, fault);
    return fault->code == EXIT_OK ? take_certificate(source, certificate_path, fault) : fault->code;
}

bool npki_source_sealed(const struct npki_source *source)
{
    return source->plain == NULL;
}

const struct npki_lock *npki_source_lock(const struct npki_source *source, struct npki_lock *lock)
{
    const X509_ALGOR *algorithm;
    struct fault unused = {.code = EXIT_OK};
    if (source->sealed == NULL)
        return NULL;
    X509_SIG_get0(source->sealed, &algorithm, NULL);
    return npki_lock_read(algorithm, lock, &unused) == EXIT_OK ? lock : NULL;
}

enum exit_code npki_source_open(struct npki_source *source, struct npki_crypto *crypto, struct rd password,
                                struct fault *fault)
{
    if (source->pfx != NULL) {
        X509_free(source->certificate);
        source->certificate = NULL;
        return npki_pfx_open(crypto, source->pfx, password, source->use, &source->key, &source->certificate,
                             fault);
    }
    if (source->plain != NULL) {
        PKCS8_PRIV_KEY_INFO *info = source->plain;
        source->plain = NULL;
        npki_key_take(crypto, info, &source->key, fault);
    } else {
        npki_key_open(crypto, source->sealed, password, &source->key, fault);
    }
    if (source->bare && source->certificate == NULL)
        return fault->code;
    return fault->code == EXIT_OK ? npki_key_fits(&source->key, source->certificate, fault) : fault->code;
}

void npki_source_free(struct npki_source *source)
{
    npki_key_free(&source->key);
    npki_key_info_free(source->plain);
    X509_SIG_free(source->sealed);
    PKCS12_free(source->pfx);
    X509_free(source->certificate);
    memset(source, 0, sizeof *source);
}
