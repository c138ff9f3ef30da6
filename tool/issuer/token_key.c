// Signs with a key on a token: the module loaded as any program would load it, one session for all threads,
// opened again when the token was pulled and came back. OpenSSL 3.0 takes such keys only through its older
// method tables.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "token_key.h"

#include "words.h"

#include <dlfcn.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SIGNATURE_MOST 1024
#define SLOTS_MOST     64

struct token_key {
    pthread_mutex_t lock;
    char text[TOKEN_URI];
    P11KitUri *uri;
    void *library;
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session; // 0: none
    CK_OBJECT_HANDLE key;
    bool always;  // the key wants the PIN with each signature
    bool away;    // the last signature failed
    bool refused; // the PIN was wrong
    struct secret *pin;
    struct token_key *next;
};

static struct {
    pthread_mutex_t lock;
    char module[TOKEN_URI];
    struct token_key *all; // they live as long as the program: OpenSSL may hold keys longer than the desk
    RSA_METHOD *rsa;
    EC_KEY_METHOD *ec;
    int rsa_index, ec_index;
} known = {.lock = PTHREAD_MUTEX_INITIALIZER, .rsa_index = -1, .ec_index = -1};

void token_key_module(const char *path)
{
    snprintf(known.module, sizeof known.module, "%s", path);
}

// Modules that are loaded stay: finalizing one would end it for the other keys too.
static bool load(struct token_key *key, struct fail *fail)
{
    CK_C_GetFunctionList get = NULL;
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    const char *path = p11_kit_uri_get_module_path(key->uri);
    if (path == NULL)
        path = known.module;
    if (key->f != NULL)
        return true;
    key->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (key->library != NULL)
        *(void **)&get = dlsym(key->library, "C_GetFunctionList"); // POSIX's way to write this
    if (get == NULL || get(&key->f) != CKR_OK || key->f == NULL) {
        key->f = NULL;
        return fail_with(fail, FAIL_OTHER, _("%s is no PKCS#11 module that can be loaded"), path);
    }
    CK_RV rv = key->f->C_Initialize(&arguments);
    if (rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return true;
    key->f = NULL;
    return fail_with(fail, FAIL_OTHER, _("the PKCS#11 module %s does not start (0x%lX)"), path, rv);
}

static void drop_session(struct token_key *key)
{
    if (key->session != 0)
        key->f->C_CloseSession(key->session);
    key->session = 0;
    key->key = 0;
}

// Our module shows the codes of a card (OATH) as a token of its own, with the card's serial number: no CA key
// is there.
static bool codes_only(const struct token_key *key, CK_SLOT_ID slot)
{
    static const char mark[] = "(OTP)";
    CK_SLOT_INFO info;
    if (key->f->C_GetSlotInfo(slot, &info) != CKR_OK)
        return false;
    size_t length = sizeof info.slotDescription;
    while (length > 0 && info.slotDescription[length - 1] == ' ')
        length--;
    return length >= sizeof mark - 1 &&
           memcmp(info.slotDescription + length - (sizeof mark - 1), mark, sizeof mark - 1) == 0;
}

// The slot of the token that the URI names; several are as bad as none.
static bool find_slot(struct token_key *key, CK_SLOT_ID *slot, struct fail *fail)
{
    CK_SLOT_ID slots[SLOTS_MOST];
    CK_ULONG count = SLOTS_MOST;
    int found = 0;
    if (key->f == NULL || key->f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        count = 0;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (key->f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            p11_kit_uri_match_token_info(key->uri, &info) == 1 && !codes_only(key, slots[i])) {
            *slot = slots[i];
            found++;
        }
    }
    if (found == 1)
        return true;
    return fail_with(fail, FAIL_NOT_FOUND,
                     found == 0 ? _("the token with the CA's key is not there: put it in (%s)")
                                : _("several tokens fit %s: name one by its serial number"),
                     key->text);
}

// The object of this class that the URI's id or object names.
static bool find_object(struct token_key *key, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *object)
{
    CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof class}};
    CK_ULONG used = 1, count = 0;
    static const CK_ATTRIBUTE_TYPE names[] = {CKA_ID, CKA_LABEL};
    for (size_t i = 0; i < 2; i++) {
        CK_ATTRIBUTE *given = p11_kit_uri_get_attribute(key->uri, names[i]);
        if (given != NULL)
            template[used++] = *given;
    }
    if (key->f->C_FindObjectsInit(key->session, template, used) != CKR_OK)
        return false;
    CK_OBJECT_HANDLE found[2];
    CK_RV rv = key->f->C_FindObjects(key->session, found, 2, &count);
    key->f->C_FindObjectsFinal(key->session);
    *object = found[0];
    return rv == CKR_OK && count == 1;
}

static bool open_session(struct token_key *key, struct fail *fail)
{
    CK_SLOT_ID slot = 0;
    if (key->session != 0)
        return true;
    if (!load(key, fail) || !find_slot(key, &slot, fail))
        return false;
    CK_RV rv = key->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &key->session);
    if (rv == CKR_OK)
        return true;
    key->session = 0;
    return fail_with(fail, FAIL_OTHER, _("the token with the CA's key does not open (0x%lX)"), rv);
}

static CK_RV send_pin(struct token_key *key, CK_USER_TYPE who)
{
    if (key->pin == NULL || key->refused)
        return CKR_USER_NOT_LOGGED_IN;
    CK_RV rv = key->f->C_Login(key->session, who, (CK_UTF8CHAR *)key->pin->bytes, key->pin->length);
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID) {
        key->refused = true;
        secret_wipe(key->pin);
    }
    return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;
}

static bool login(struct token_key *key, struct fail *fail)
{
    CK_BBOOL always = CK_FALSE;
    CK_ATTRIBUTE asked = {CKA_ALWAYS_AUTHENTICATE, &always, sizeof always};
    if (key->key != 0)
        return true;
    if (!open_session(key, fail))
        return false;
    CK_RV rv = send_pin(key, CKU_USER);
    if (rv == CKR_PIN_LOCKED)
        return fail_with(fail, FAIL_LOCKED, _("the PIN of the token with the CA's key is locked"));
    if (key->refused)
        return fail_with(fail, FAIL_PASSPHRASE,
                         _("the PIN of the token with the CA's key is wrong; it is not tried again"));
    if (rv == CKR_USER_NOT_LOGGED_IN)
        return fail_with(
            fail, FAIL_PASSPHRASE,
            _("the CA's key is on a token: give its PIN with --pin-file, --pin-fd or at the terminal"));
    if (rv != CKR_OK)
        return fail_with(fail, FAIL_OTHER, _("the token with the CA's key lets nobody in (0x%lX)"), rv);
    if (!find_object(key, CKO_PRIVATE_KEY, &key->key)) {
        key->key = 0;
        return fail_with(fail, FAIL_NOT_FOUND, _("the token has no private key, or several, for %s"),
                         key->text);
    }
    key->always =
        key->f->C_GetAttributeValue(key->session, key->key, &asked, 1) == CKR_OK && always == CK_TRUE;
    return true;
}

static CK_RV sign_once(struct token_key *key, CK_MECHANISM_TYPE type, const unsigned char *data,
                       size_t length, unsigned char *out, CK_ULONG *out_length)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    struct fail fail = {0};
    if (!login(key, &fail)) {
        fprintf(stderr, "%s\n", fail.text);
        return CKR_TOKEN_NOT_PRESENT;
    }
    CK_RV rv = key->f == NULL ? CKR_GENERAL_ERROR : key->f->C_SignInit(key->session, &mechanism, key->key);
    if (rv == CKR_OK && key->always)
        rv = send_pin(key, CKU_CONTEXT_SPECIFIC);
    return rv == CKR_OK ? key->f->C_Sign(key->session, (CK_BYTE *)(uintptr_t)data, length, out, out_length)
                        : rv;
}

// A session may have ended since: once more with a new one.
static bool sign(struct token_key *key, CK_MECHANISM_TYPE type, const unsigned char *data, size_t length,
                 unsigned char out[SIGNATURE_MOST], CK_ULONG wanted)
{
    CK_ULONG got = 0;
    CK_RV rv = CKR_GENERAL_ERROR;
    pthread_mutex_lock(&key->lock);
    for (int i = 0; i < 2 && rv != CKR_OK && !key->refused; i++) {
        got = SIGNATURE_MOST;
        rv = sign_once(key, type, data, length, out, &got);
        if (rv != CKR_OK && key->f != NULL)
            drop_session(key);
        if (rv == CKR_TOKEN_NOT_PRESENT)
            break;
    }
    key->away = rv != CKR_OK || got != wanted;
    bool done = !key->away;
    pthread_mutex_unlock(&key->lock);
    return done;
}

static int rsa_private(int length, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
    struct token_key *key = RSA_get_ex_data(rsa, known.rsa_index);
    unsigned char signature[SIGNATURE_MOST];
    int size = RSA_size(rsa);
    if (key == NULL || padding != RSA_PKCS1_PADDING || length < 0 ||
        !sign(key, CKM_RSA_PKCS, from, (size_t)length, signature, (CK_ULONG)size)) {
        ERR_raise(ERR_LIB_RSA, ERR_R_OPERATION_FAIL);
        return -1;
    }
    memcpy(to, signature, (size_t)size);
    return size;
}

static ECDSA_SIG *ec_private(const unsigned char *digest, int length, const BIGNUM *inverse, const BIGNUM *r,
                             EC_KEY *ec)
{
    struct token_key *key = EC_KEY_get_ex_data(ec, known.ec_index);
    unsigned char signature[SIGNATURE_MOST];
    int half = (EC_GROUP_order_bits(EC_KEY_get0_group(ec)) + 7) / 8;
    ECDSA_SIG *out = NULL;
    (void)inverse, (void)r;
    if (key != NULL && length >= 0 &&
        sign(key, CKM_ECDSA, digest, (size_t)(length < half ? length : half), signature,
             2 * (CK_ULONG)half)) {
        BIGNUM *first = BN_bin2bn(signature, half, NULL);
        BIGNUM *second = BN_bin2bn(signature + half, half, NULL);
        out = ECDSA_SIG_new();
        if (out != NULL && first != NULL && second != NULL && ECDSA_SIG_set0(out, first, second) == 1)
            return out;
        BN_free(first);
        BN_free(second);
        ECDSA_SIG_free(out);
    }
    ERR_raise(ERR_LIB_EC, ERR_R_OPERATION_FAIL);
    return NULL;
}

// Under known.lock.
static bool methods(void)
{
    int (*sign_digest)(int, const unsigned char *, int, unsigned char *, unsigned int *, const BIGNUM *,
                       const BIGNUM *, EC_KEY *) = NULL;
    if (known.rsa != NULL && known.ec != NULL)
        return true;
    known.rsa_index = RSA_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    known.ec_index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    known.rsa = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    known.ec = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (known.rsa == NULL || known.ec == NULL || known.rsa_index < 0 || known.ec_index < 0 ||
        RSA_meth_set_priv_enc(known.rsa, rsa_private) != 1)
        return false;
    EC_KEY_METHOD_get_sign(known.ec, &sign_digest, NULL, NULL);
    EC_KEY_METHOD_set_sign(known.ec, sign_digest, NULL, ec_private);
    return true;
}

static EVP_PKEY *wrap(struct token_key *key, EVP_PKEY *public_key)
{
    EVP_PKEY *out = EVP_PKEY_new();
    const RSA *rsa_known = EVP_PKEY_is_a(public_key, "RSA") ? EVP_PKEY_get0_RSA(public_key) : NULL;
    const EC_KEY *ec_known = EVP_PKEY_is_a(public_key, "EC") ? EVP_PKEY_get0_EC_KEY(public_key) : NULL;
    RSA *rsa = rsa_known != NULL ? RSAPublicKey_dup((RSA *)(uintptr_t)rsa_known) : NULL;
    EC_KEY *ec = ec_known != NULL ? EC_KEY_dup(ec_known) : NULL;
    if (out != NULL && rsa != NULL && RSA_set_method(rsa, known.rsa) == 1 &&
        RSA_set_ex_data(rsa, known.rsa_index, key) == 1 && EVP_PKEY_assign_RSA(out, rsa) == 1)
        return out;
    if (out != NULL && ec != NULL && EC_KEY_set_method(ec, known.ec) == 1 &&
        EC_KEY_set_ex_data(ec, known.ec_index, key) == 1 && EVP_PKEY_assign_EC_KEY(out, ec) == 1)
        return out;
    RSA_free(rsa);
    EC_KEY_free(ec);
    EVP_PKEY_free(out);
    return NULL;
}

static bool read_uri(struct token_key *key, const char *text, struct fail *fail)
{
    key->uri = p11_kit_uri_new();
    if (strlen(text) >= sizeof key->text || key->uri == NULL ||
        p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, key->uri) != P11_KIT_URI_OK ||
        p11_kit_uri_any_unrecognized(key->uri))
        return fail_with(fail, FAIL_USAGE, _("'%s' is no pkcs11: URI (RFC 7512)"), text);
    if (p11_kit_uri_get_pin_value(key->uri) != NULL || p11_kit_uri_get_pin_source(key->uri) != NULL)
        return fail_with(fail, FAIL_USAGE,
                         _("the pkcs11: URI may not carry a PIN: use --pin-file or --pin-fd"));
    snprintf(key->text, sizeof key->text, "%s", text);
    return true;
}

// One for each URI of the program.
static struct token_key *find(const char *uri, struct fail *fail)
{
    pthread_mutex_lock(&known.lock);
    struct token_key *key = known.all;
    while (key != NULL && strcmp(key->text, uri) != 0)
        key = key->next;
    if (key == NULL && (key = calloc(1, sizeof *key)) != NULL) {
        if (methods() && read_uri(key, uri, fail)) {
            pthread_mutex_init(&key->lock, NULL);
            key->next = known.all;
            known.all = key;
        } else {
            p11_kit_uri_free(key->uri);
            free(key);
            key = NULL;
        }
    }
    pthread_mutex_unlock(&known.lock);
    if (key == NULL)
        fail_with(fail, FAIL_OTHER, _("out of memory"));
    return key;
}

static struct token_key *key_of(const EVP_PKEY *pkey)
{
    if (known.rsa == NULL || pkey == NULL)
        return NULL;
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        const RSA *rsa = EVP_PKEY_get0_RSA(pkey);
        return rsa != NULL && RSA_get_method(rsa) == known.rsa ? RSA_get_ex_data(rsa, known.rsa_index) : NULL;
    }
    const EC_KEY *ec = EVP_PKEY_is_a(pkey, "EC") ? EVP_PKEY_get0_EC_KEY(pkey) : NULL;
    return ec != NULL && EC_KEY_get_method(ec) == known.ec ? EC_KEY_get_ex_data(ec, known.ec_index) : NULL;
}

EVP_PKEY *token_key(const char *uri, EVP_PKEY *public_key, struct fail *fail)
{
    struct token_key *key = find(uri, fail);
    EVP_PKEY *out = key != NULL ? wrap(key, public_key) : NULL;
    if (key != NULL && out == NULL)
        fail_with(fail, FAIL_OTHER, _("a CA key on a token must be RSA or EC"));
    return out;
}

// An attribute of the object, the caller's; NULL: none.
static unsigned char *attribute(struct token_key *key, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                                CK_ULONG *length)
{
    CK_ATTRIBUTE asked = {type, NULL, 0};
    if (key->f->C_GetAttributeValue(key->session, object, &asked, 1) != CKR_OK || asked.ulValueLen == 0 ||
        asked.ulValueLen > SIGNATURE_MOST)
        return NULL;
    unsigned char *bytes = malloc(asked.ulValueLen);
    asked.pValue = bytes;
    if (bytes != NULL && key->f->C_GetAttributeValue(key->session, object, &asked, 1) == CKR_OK) {
        *length = asked.ulValueLen;
        return bytes;
    }
    free(bytes);
    return NULL;
}

static EVP_PKEY *ec_public(struct token_key *key, CK_OBJECT_HANDLE object)
{
    CK_ULONG curve_length = 0, point_length = 0;
    unsigned char *curve = attribute(key, object, CKA_EC_PARAMS, &curve_length);
    unsigned char *point = attribute(key, object, CKA_EC_POINT, &point_length);
    const unsigned char *at = curve, *point_at = point;
    EVP_PKEY *out = NULL;
    EC_KEY *ec = curve != NULL && point != NULL ? d2i_ECParameters(NULL, &at, (long)curve_length) : NULL;
    ASN1_OCTET_STRING *octets =
        ec != NULL ? d2i_ASN1_OCTET_STRING(NULL, &point_at, (long)point_length) : NULL;
    if (octets != NULL) {
        const unsigned char *inner = ASN1_STRING_get0_data(octets);
        out = o2i_ECPublicKey(&ec, &inner, ASN1_STRING_length(octets)) != NULL ? EVP_PKEY_new() : NULL;
        if (out != NULL && EVP_PKEY_set1_EC_KEY(out, ec) != 1) {
            EVP_PKEY_free(out);
            out = NULL;
        }
    }
    ASN1_OCTET_STRING_free(octets);
    EC_KEY_free(ec);
    free(curve);
    free(point);
    return out;
}

static EVP_PKEY *rsa_public(struct token_key *key, CK_OBJECT_HANDLE object)
{
    CK_ULONG n_length = 0, e_length = 0;
    unsigned char *n = attribute(key, object, CKA_MODULUS, &n_length);
    unsigned char *e = attribute(key, object, CKA_PUBLIC_EXPONENT, &e_length);
    EVP_PKEY *out = NULL;
    RSA *rsa = n != NULL && e != NULL ? RSA_new() : NULL;
    if (rsa != NULL &&
        RSA_set0_key(rsa, BN_bin2bn(n, (int)n_length, NULL), BN_bin2bn(e, (int)e_length, NULL), NULL) == 1 &&
        (out = EVP_PKEY_new()) != NULL && EVP_PKEY_set1_RSA(out, rsa) != 1) {
        EVP_PKEY_free(out);
        out = NULL;
    }
    RSA_free(rsa);
    free(n);
    free(e);
    return out;
}

static EVP_PKEY *shown(const char *uri, struct fail *fail)
{
    CK_OBJECT_HANDLE object = 0;
    EVP_PKEY *out = NULL;
    struct token_key *key = find(uri, fail);
    if (key == NULL)
        return NULL;
    pthread_mutex_lock(&key->lock);
    if (open_session(key, fail) && find_object(key, CKO_PUBLIC_KEY, &object) &&
        (out = ec_public(key, object)) == NULL)
        out = rsa_public(key, object);
    pthread_mutex_unlock(&key->lock);
    ERR_clear_error();
    if (out == NULL)
        fail_with(
            fail, FAIL_NOT_FOUND,
            _("the token shows no public key, or several, for %s: make one with 'ingam key generate' and"
              " name it by id"),
            uri);
    return out;
}

EVP_PKEY *token_key_of(const char *uri, struct fail *fail)
{
    EVP_PKEY *public_key = shown(uri, fail);
    EVP_PKEY *key = public_key != NULL ? token_key(uri, public_key, fail) : NULL;
    EVP_PKEY_free(public_key);
    return key;
}

bool token_key_login(EVP_PKEY *pkey, const struct secret *pin, struct fail *fail)
{
    struct token_key *key = key_of(pkey);
    if (key == NULL)
        return true;
    pthread_mutex_lock(&key->lock);
    if (key->pin == NULL && pin->length > 0) {
        key->pin = mmap(NULL, sizeof *pin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (key->pin == MAP_FAILED) {
            key->pin = NULL;
        } else {
            mlock(key->pin, sizeof *pin);
            madvise(key->pin, sizeof *pin, MADV_DONTDUMP);
            madvise(key->pin, sizeof *pin, MADV_WIPEONFORK);
            *key->pin = *pin;
        }
    }
    bool done = login(key, fail);
    pthread_mutex_unlock(&key->lock);
    return done;
}

bool token_key_is(const EVP_PKEY *pkey)
{
    return key_of(pkey) != NULL;
}

bool token_key_away(const EVP_PKEY *pkey)
{
    struct token_key *key = key_of(pkey);
    if (key == NULL)
        return false;
    pthread_mutex_lock(&key->lock);
    bool away = key->away;
    pthread_mutex_unlock(&key->lock);
    return away;
}
