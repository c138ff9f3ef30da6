// The table of encryptions, their bounds, and the two that OpenSSL can't open by itself.
#include "lock.h"
#include "card/base/secret.h"
#include "text.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <string.h>

#define SALT_MOST 128 // PKCS#12's derivation hashes the salt anew each round
#define SHA1_SIZE 20
#define BLOCK     16

enum shape { SHAPE_PBE, SHAPE_PBES2 };

struct lock_row {
    enum shape shape;
    const char *oid; // SHAPE_PBES2: of the cipher
    struct npki_lock lock;
};

// The Korean ones: KISA's arc 1.2.410.200004 and ARIA's 1.2.410.200046. PBES2: RFC 8018 A.4. PBE of PKCS#12:
// RFC 7292 C.
static const struct lock_row rows[] = {
    {SHAPE_PBE, "1.2.410.200004.1.15", {.words = "seedCBCWithSHA1", .legacy = "SEED", .pbkdf1_seed = true}},
    {SHAPE_PBE,
     "1.2.410.200004.1.4",
     {.words = "SEED-CBC, fixed IV", .legacy = "SEED", .pbkdf1_seed = true, .fixed_iv = true}},
    {SHAPE_PBE, "1.2.840.113549.1.12.1.3", {.words = "pbeWithSHAAnd3-KeyTripleDES-CBC"}},
    {SHAPE_PBE, "1.2.840.113549.1.12.1.5", {.words = "pbeWithSHAAnd128BitRC2-CBC", .legacy = "RC2"}},
    {SHAPE_PBE, "1.2.840.113549.1.12.1.6", {.words = "pbeWithSHAAnd40BitRC2-CBC", .legacy = "RC2"}},
    {SHAPE_PBES2, "1.2.410.200004.1.4", {.words = "PBES2 SEED-CBC", .legacy = "SEED"}},
    {SHAPE_PBES2, "1.2.410.200046.1.1.2", {.words = "PBES2 ARIA-128-CBC"}},
    {SHAPE_PBES2, "1.2.410.200046.1.1.7", {.words = "PBES2 ARIA-192-CBC"}},
    {SHAPE_PBES2, "1.2.410.200046.1.1.12", {.words = "PBES2 ARIA-256-CBC"}},
    {SHAPE_PBES2, "2.16.840.1.101.3.4.1.2", {.words = "PBES2 AES-128-CBC"}},
    {SHAPE_PBES2, "2.16.840.1.101.3.4.1.22", {.words = "PBES2 AES-192-CBC"}},
    {SHAPE_PBES2, "2.16.840.1.101.3.4.1.42", {.words = "PBES2 AES-256-CBC"}},
    {SHAPE_PBES2, "1.2.840.113549.3.7", {.words = "PBES2 DES-EDE3-CBC"}},
};

static enum exit_code unknown(const char *oid, struct fault *fault)
{
    fault_set(fault, EXIT_UNSUPPORTED, _("The key is encrypted in a way that is not known here (OID %s)."),
              oid);
    return fault_todo(fault, _("Export it from the program that made it as PFX with 3DES or AES."));
}

static enum exit_code bad_parameters(const char *words, struct fault *fault)
{
    return fault_set(fault, EXIT_MISMATCH, _("The parameters of the encryption (%s) cannot be right."),
                     words);
}

static bool take_rounds(const ASN1_INTEGER *number, unsigned long *out)
{
    int64_t value;
    if (number == NULL || ASN1_INTEGER_get_int64(&value, number) != 1 || value < 1 || value > INT32_MAX)
        return false;
    *out = (unsigned long)value;
    return true;
}

static bool salt_fits(const ASN1_STRING *salt)
{
    return salt != NULL && ASN1_STRING_length(salt) > 0 && ASN1_STRING_length(salt) <= SALT_MOST;
}

static enum exit_code find(enum shape shape, const X509_ALGOR *algorithm, struct npki_lock *out,
                           struct fault *fault)
{
    char oid[80];
    const ASN1_OBJECT *object;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2txt(oid, sizeof oid, object, 1) <= 0)
        oid[0] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].shape == shape && strcmp(rows[i].oid, oid) == 0) {
            *out = rows[i].lock;
            return EXIT_OK;
        }
    return unknown(oid, fault);
}

// RFC 8018 A.3: PBEParameter { salt OCTET STRING, iterationCount INTEGER }
static PBEPARAM *pbe_parameter(const X509_ALGOR *algorithm)
{
    PBEPARAM *out = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
    ERR_clear_error();
    return out;
}

static enum exit_code read_pbe(const X509_ALGOR *algorithm, struct npki_lock *out, struct fault *fault)
{
    if (find(SHAPE_PBE, algorithm, out, fault) != EXIT_OK)
        return fault->code;
    PBEPARAM *parameter = pbe_parameter(algorithm);
    if (parameter == NULL || !salt_fits(parameter->salt) || !take_rounds(parameter->iter, &out->rounds))
        bad_parameters(out->words, fault);
    PBEPARAM_free(parameter);
    return fault->code;
}

static enum exit_code read_pbkdf2(const X509_ALGOR *derivation, struct npki_lock *out, struct fault *fault)
{
    const ASN1_OBJECT *object;
    char oid[80] = "";
    X509_ALGOR_get0(&object, NULL, NULL, derivation);
    if (OBJ_obj2nid(object) != NID_id_pbkdf2) {
        OBJ_obj2txt(oid, sizeof oid, object, 1);
        return unknown(oid, fault);
    }
    PBKDF2PARAM *parameter = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), derivation->parameter);
    if (parameter == NULL || parameter->salt == NULL || parameter->salt->type != V_ASN1_OCTET_STRING ||
        !salt_fits(parameter->salt->value.octet_string) || !take_rounds(parameter->iter, &out->rounds))
        bad_parameters(out->words, fault);
    PBKDF2PARAM_free(parameter);
    ERR_clear_error();
    return fault->code;
}

enum exit_code npki_lock_read(const X509_ALGOR *algorithm, struct npki_lock *out, struct fault *fault)
{
    const ASN1_OBJECT *object;
    *out = (struct npki_lock){0};
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2nid(object) != NID_pbes2)
        return read_pbe(algorithm, out, fault);
    PBE2PARAM *parameter = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
    if (parameter == NULL || parameter->encryption == NULL || parameter->keyfunc == NULL)
        bad_parameters("PBES2", fault);
    else if (find(SHAPE_PBES2, parameter->encryption, out, fault) == EXIT_OK)
        read_pbkdf2(parameter->keyfunc, out, fault);
    PBE2PARAM_free(parameter);
    ERR_clear_error();
    return fault->code;
}

enum exit_code npki_lock_allow(const struct npki_lock *lock, struct npki_crypto *crypto, struct fault *fault)
{
    if (lock->legacy != NULL && npki_crypto_want_legacy(crypto, lock->legacy, fault) != EXIT_OK)
        return fault->code;
    return npki_crypto_spend(crypto, lock->rounds, fault);
}

ASN1_OCTET_STRING *npki_lock_salt(const X509_ALGOR *algorithm)
{
    PBEPARAM *parameter = pbe_parameter(algorithm);
    ASN1_OCTET_STRING *salt = parameter != NULL ? parameter->salt : NULL;
    if (parameter != NULL)
        parameter->salt = NULL;
    PBEPARAM_free(parameter);
    return salt;
}

// PBKDF1 (RFC 8018 5.1) with SHA-1, all 20 bytes of it: the first 16 are the key.
static bool pbkdf1(struct npki_crypto *crypto, struct rd password, struct rd salt, unsigned long rounds,
                   unsigned char out[SHA1_SIZE])
{
    EVP_MD *sha1 = EVP_MD_fetch(crypto->ctx, "SHA1", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = sha1 != NULL && ctx != NULL && EVP_DigestInit_ex2(ctx, sha1, NULL) == 1 &&
                EVP_DigestUpdate(ctx, password.p, password.n) == 1 &&
                EVP_DigestUpdate(ctx, salt.p, salt.n) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    for (unsigned long i = 1; done && i < rounds; i++)
        done = EVP_DigestInit_ex2(ctx, NULL, NULL) == 1 && EVP_DigestUpdate(ctx, out, SHA1_SIZE) == 1 &&
               EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(sha1);
    return done;
}

// The IV: a constant, or from the four bytes of the derived key that the key leaves over.
static bool seed_iv(const struct npki_lock *lock, struct npki_crypto *crypto,
                    const unsigned char derived[SHA1_SIZE], unsigned char iv[SHA1_SIZE])
{
    if (lock->fixed_iv) {
        memcpy(iv, "0123456789012345", BLOCK);
        return true;
    }
    return EVP_Q_digest(crypto->ctx, "SHA1", NULL, derived + BLOCK, SHA1_SIZE - BLOCK, iv, NULL) == 1;
}

static struct secret *seed_cbc(struct npki_crypto *crypto, const unsigned char *key, const unsigned char *iv,
                               struct rd in, bool encrypt)
{
    EVP_CIPHER *seed = EVP_CIPHER_fetch(crypto->ctx, "SEED-CBC", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct secret *room = secret_room(in.n + BLOCK), *out = NULL;
    unsigned char *bytes = secret_bytes(room);
    int n = 0, last = 0;
    if (seed != NULL && ctx != NULL && bytes != NULL &&
        EVP_CipherInit_ex2(ctx, seed, key, iv, encrypt ? 1 : 0, NULL) == 1 &&
        EVP_CipherUpdate(ctx, bytes, &n, in.p, (int)in.n) == 1 &&
        EVP_CipherFinal_ex(ctx, bytes + n, &last) == 1)
        out = secret_new(bytes, (size_t)n + (size_t)last);
    secret_free(room);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(seed);
    ERR_clear_error();
    return out;
}

struct secret *npki_lock_seed(const struct npki_lock *lock, struct npki_crypto *crypto, struct rd salt,
                              struct rd password, struct rd in, bool encrypt)
{
    unsigned char derived[SHA1_SIZE], iv[SHA1_SIZE];
    struct secret *out = NULL;
    if (in.n > INT32_MAX - BLOCK)
        return NULL;
    if (pbkdf1(crypto, password, salt, lock->rounds, derived) && seed_iv(lock, crypto, derived, iv))
        out = seed_cbc(crypto, derived, iv, in, encrypt);
    secret_wipe(derived, sizeof derived);
    secret_wipe(iv, sizeof iv);
    return out;
}
