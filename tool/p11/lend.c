// Lends a key on a token to OpenSSL: an EVP_PKEY whose signatures C_Sign makes.
// OpenSSL 3.0 takes such a key only through the method tables that it calls deprecated (a provider would have
// to bring its own encoders to be accepted in a CMP request); libp11, which uses them too, asks the token for
// the public key, and a PIV card without a certificate can't give it.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "keypair.h"
#include "text.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#define SIGNATURE_MOST 1024

static RSA_METHOD *rsa_method;
static EC_KEY_METHOD *ec_method;
static int rsa_index = -1, ec_index = -1;

static CK_RV sign(struct keypair *keypair, CK_MECHANISM_TYPE type, const unsigned char *data, size_t length,
                  unsigned char *out, CK_ULONG *out_length)
{
    CK_FUNCTION_LIST *f = keypair->session->module->f;
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_RV rv = f->C_SignInit(keypair->session->handle, &mechanism, keypair->private_key);
    if (rv == CKR_OK && keypair->always_authenticate) {
        struct rd pin = secret_view(keypair->pin);
        rv = f->C_Login(keypair->session->handle, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)(uintptr_t)pin.p,
                        pin.n);
        if (rv == CKR_USER_ALREADY_LOGGED_IN)
            rv = CKR_OK;
    }
    if (rv == CKR_OK && keypair->touch != NULL)
        keypair->touch(keypair->touch_arg);
    if (rv == CKR_OK)
        rv = f->C_Sign(keypair->session->handle, (CK_BYTE *)(uintptr_t)data, length, out, out_length);
    keypair->last_rv = rv;
    return rv;
}

static int rsa_private(int from_length, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
    struct keypair *keypair = RSA_get_ex_data(rsa, rsa_index);
    unsigned char signature[SIGNATURE_MOST];
    CK_ULONG length = sizeof signature;
    if (keypair == NULL || padding != RSA_PKCS1_PADDING || from_length < 0 ||
        sign(keypair, CKM_RSA_PKCS, from, (size_t)from_length, signature, &length) != CKR_OK ||
        length != (CK_ULONG)RSA_size(rsa)) {
        ERR_raise(ERR_LIB_RSA, ERR_R_OPERATION_FAIL);
        return -1;
    }
    memcpy(to, signature, length);
    return (int)length;
}

// Both numbers of C_Sign's r || s.
static ECDSA_SIG *split(const unsigned char *signature, CK_ULONG length)
{
    ECDSA_SIG *out = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, (int)(length / 2), NULL);
    BIGNUM *s = BN_bin2bn(signature + length / 2, (int)(length / 2), NULL);
    if (out != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(out, r, s))
        return out;
    ECDSA_SIG_free(out);
    BN_free(r);
    BN_free(s);
    return NULL;
}

static ECDSA_SIG *ec_private(const unsigned char *digest, int digest_length, const BIGNUM *unused_inverse,
                             const BIGNUM *unused_r, EC_KEY *ec)
{
    (void)unused_inverse;
    (void)unused_r;
    struct keypair *keypair = EC_KEY_get_ex_data(ec, ec_index);
    unsigned char signature[SIGNATURE_MOST];
    CK_ULONG length = sizeof signature;
    int bits = EC_GROUP_order_bits(EC_KEY_get0_group(ec));
    int most = (bits + 7) / 8; // only so many bytes of a digest count
    if (digest_length > most)
        digest_length = most;
    if (keypair != NULL && digest_length >= 0 &&
        sign(keypair, CKM_ECDSA, digest, (size_t)digest_length, signature, &length) == CKR_OK &&
        length == 2 * (CK_ULONG)most) {
        ECDSA_SIG *out = split(signature, length);
        if (out != NULL)
            return out;
    }
    ERR_raise(ERR_LIB_EC, ERR_R_OPERATION_FAIL);
    return NULL;
}

static bool methods_ready(void)
{
    int (*sign_digest)(int, const unsigned char *, int, unsigned char *, unsigned int *, const BIGNUM *,
                       const BIGNUM *, EC_KEY *) = NULL;
    if (rsa_method != NULL && ec_method != NULL)
        return true;
    rsa_index = RSA_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    ec_index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    rsa_method = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    ec_method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (rsa_method == NULL || ec_method == NULL || rsa_index < 0 || ec_index < 0 ||
        !RSA_meth_set_priv_enc(rsa_method, rsa_private))
        return false;
    EC_KEY_METHOD_get_sign(ec_method, &sign_digest, NULL, NULL);
    EC_KEY_METHOD_set_sign(ec_method, sign_digest, NULL, ec_private);
    return true;
}

static EVP_PKEY *lend_rsa(struct keypair *keypair, EVP_PKEY *public_key)
{
    const RSA *known = EVP_PKEY_get0_RSA(public_key);
    RSA *rsa = known != NULL ? RSAPublicKey_dup((RSA *)(uintptr_t)known) : NULL;
    EVP_PKEY *out = EVP_PKEY_new();
    if (rsa != NULL && out != NULL && RSA_set_method(rsa, rsa_method) &&
        RSA_set_ex_data(rsa, rsa_index, keypair) && EVP_PKEY_assign_RSA(out, rsa))
        return out;
    RSA_free(rsa);
    EVP_PKEY_free(out);
    return NULL;
}

static EVP_PKEY *lend_ec(struct keypair *keypair, EVP_PKEY *public_key)
{
    const EC_KEY *known = EVP_PKEY_get0_EC_KEY(public_key);
    EC_KEY *ec = known != NULL ? EC_KEY_dup(known) : NULL;
    EVP_PKEY *out = EVP_PKEY_new();
    if (ec != NULL && out != NULL && EC_KEY_set_method(ec, ec_method) &&
        EC_KEY_set_ex_data(ec, ec_index, keypair) && EVP_PKEY_assign_EC_KEY(out, ec))
        return out;
    EC_KEY_free(ec);
    EVP_PKEY_free(out);
    return NULL;
}

EVP_PKEY *keypair_lend(struct keypair *keypair, EVP_PKEY *public_key)
{
    if (!methods_ready())
        return NULL;
    if (EVP_PKEY_is_a(public_key, "RSA"))
        return lend_rsa(keypair, public_key);
    return EVP_PKEY_is_a(public_key, "EC") ? lend_ec(keypair, public_key) : NULL;
}

enum exit_code keypair_prove(struct keypair *keypair, EVP_PKEY *public_key, struct fault *fault)
{
    unsigned char message[32], signature[SIGNATURE_MOST];
    size_t length = sizeof signature;
    const struct key_kind *kind = key_kind_of_public(public_key);
    const char *digest = kind != NULL ? kind->digest : "SHA256";
    EVP_PKEY *lent = keypair_lend(keypair, public_key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    keypair->last_rv = CKR_OK;
    bool made = lent != NULL && ctx != NULL && RAND_bytes(message, sizeof message) == 1 &&
                EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, lent, NULL) == 1 &&
                EVP_DigestSign(ctx, signature, &length, message, sizeof message) == 1;
    EVP_MD_CTX_free(ctx);
    ctx = EVP_MD_CTX_new();
    bool right = made && ctx != NULL &&
                 EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, public_key, NULL) == 1 &&
                 EVP_DigestVerify(ctx, signature, length, message, sizeof message) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(lent);
    ERR_clear_error();
    if (!made && keypair->last_rv != CKR_OK)
        return fault_rv(fault, keypair->last_rv, _("The key on the token does not sign."));
    if (!right)
        return fault_set(fault, EXIT_MISMATCH,
                         _("The key on the token is not the one that was expected there."));
    return EXIT_OK;
}
