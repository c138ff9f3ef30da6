// Builds the PKCS#11 objects of a software key from OpenSSL's numbers.
#include "upload.h"
#include "p11/keypair.h"
#include "text.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MOST 16
#define RSA_PARTS 8
#define EC_MOST   66

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
} rsa_parts[RSA_PARTS] = {
    {CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N},
    {CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E},
    {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D},
    {CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1},
    {CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2},
    {CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2},
    {CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

// A template under construction; its numbers stand in locked memory.
struct template
{
    CK_ATTRIBUTE attribute[24];
    CK_ULONG n;
    struct secret *room;
    size_t used, size;
};

static bool template_new(struct template *t, size_t size)
{
    *t = (struct template){.room = secret_room(size), .size = size};
    return t->room != NULL;
}

static void add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t length)
{
    t->attribute[t->n++] = (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, length};
}

// One of the key's numbers, of this size (0: as long as it is).
static bool add_number(struct template *t, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key, const char *name, int size)
{
    BIGNUM *number = NULL;
    bool done = EVP_PKEY_get_bn_param(key, name, &number) == 1;
    int length = done && size == 0 ? BN_num_bytes(number) : size;
    done = done && length > 0 && (size_t)length <= t->size - t->used &&
           BN_bn2binpad(number, secret_bytes(t->room) + t->used, length) == length;
    if (done) {
        add(t, type, secret_bytes(t->room) + t->used, (size_t)length);
        t->used += (size_t)length;
    }
    BN_clear_free(number);
    return done;
}

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void add_common(struct template *t, const CK_OBJECT_CLASS *class, const CK_KEY_TYPE *type,
                       const struct piv_place *place, bool private)
{
    add(t, CKA_CLASS, class, sizeof *class);
    add(t, CKA_KEY_TYPE, type, sizeof *type);
    add(t, CKA_TOKEN, &yes, sizeof yes);
    add(t, CKA_PRIVATE, private ? &yes : &no, sizeof yes);
    add(t, CKA_ID, &place->id, sizeof place->id);
}

static void add_private_use(struct template *t, bool rsa, enum npki_use use)
{
    CK_ATTRIBUTE_TYPE can = use == NPKI_SIGN ? CKA_SIGN : rsa ? CKA_DECRYPT : CKA_DERIVE;
    add(t, CKA_SENSITIVE, &yes, sizeof yes);
    add(t, CKA_EXTRACTABLE, &no, sizeof no);
    add(t, can, &yes, sizeof yes);
}

static CK_RV create(struct session *session, struct template *t)
{
    CK_OBJECT_HANDLE made;
    return session->module->f->C_CreateObject(session->handle, t->attribute, t->n, &made);
}

static CK_RV create_rsa(struct session *session, const struct piv_place *place, enum npki_use use,
                        EVP_PKEY *key, bool private)
{
    CK_OBJECT_CLASS class = private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    struct template t;
    bool done = template_new(&t, 8192);
    add_common(&t, &class, &type, place, private);
    if (private)
        add_private_use(&t, true, use);
    else
        add(&t, use == NPKI_SIGN ? CKA_VERIFY : CKA_ENCRYPT, &yes, sizeof yes);
    for (size_t i = 0; done && i < (private ? RSA_PARTS : 2U); i++)
        done = add_number(&t, rsa_parts[i].type, key, rsa_parts[i].name, 0);
    CK_RV rv = done ? create(session, &t) : CKR_ATTRIBUTE_VALUE_INVALID;
    secret_free(t.room);
    return rv;
}

// The public point as PKCS#11 wants it: an OCTET STRING in DER.
static bool add_point(struct template *t, EVP_PKEY *key)
{
    unsigned char *point = NULL;
    size_t n = EVP_PKEY_get1_encoded_public_key(key, &point);
    uint8_t *to = secret_bytes(t->room) + t->used;
    bool done = n > 0 && n <= 2 * EC_MOST + 1 && n + 3 <= t->size - t->used;
    if (done) {
        size_t head = n < 0x80 ? 2 : 3;
        to[0] = V_ASN1_OCTET_STRING;
        to[1] = n < 0x80 ? (uint8_t)n : 0x81;
        if (head == 3)
            to[2] = (uint8_t)n;
        memcpy(to + head, point, n);
        add(t, CKA_EC_POINT, to, head + n);
        t->used += head + n;
    }
    OPENSSL_free(point);
    return done;
}

static CK_RV create_ec(struct session *session, const struct piv_place *place, enum npki_use use,
                       EVP_PKEY *key, bool private)
{
    CK_OBJECT_CLASS class = private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_EC;
    const struct key_kind *kind = key_kind_of_public(key);
    struct template t;
    bool done = template_new(&t, 1024) && kind != NULL;
    add_common(&t, &class, &type, place, private);
    if (private)
        add_private_use(&t, false, use);
    else if (use == NPKI_SIGN)
        add(&t, CKA_VERIFY, &yes, sizeof yes);
    if (done) {
        add(&t, CKA_EC_PARAMS, kind->curve, kind->curve_length);
        done = private ? add_number(&t, CKA_VALUE, key, OSSL_PKEY_PARAM_PRIV_KEY, (int)(kind->bits + 7) / 8)
                       : add_point(&t, key);
    }
    CK_RV rv = done ? create(session, &t) : CKR_ATTRIBUTE_VALUE_INVALID;
    secret_free(t.room);
    return rv;
}

// The curves that a PIV token has; a name by any other curve of the same size is not taken for one of them.
static bool is_known_curve(EVP_PKEY *key)
{
    char name[64] = "";
    size_t length;
    return EVP_PKEY_get_group_name(key, name, sizeof name, &length) == 1 &&
           (strcmp(name, "prime256v1") == 0 || strcmp(name, "secp384r1") == 0);
}

static enum exit_code remove_old(struct session *session, const CK_OBJECT_HANDLE *old, size_t n,
                                 struct fault *fault)
{
    for (size_t i = 0; i < n && fault->code == EXIT_OK; i++)
        object_destroy(session, old[i], fault);
    return fault->code;
}

enum exit_code npki_upload_key(struct session *session, const struct piv_place *place, enum npki_use use,
                               EVP_PKEY *key, struct fault *fault)
{
    bool rsa = EVP_PKEY_is_a(key, "RSA"), objects = !session->module->officer_writes;
    CK_RV(*make)
    (struct session *, const struct piv_place *, enum npki_use, EVP_PKEY *, bool) =
        rsa ? create_rsa : create_ec;
    CK_OBJECT_HANDLE old[2 * KEYS_MOST];
    size_t private = 0, public = 0;
    if (!rsa && !is_known_curve(key))
        return fault_set(fault, EXIT_UNSUPPORTED,
                         _("Keys of this kind cannot go onto a token: only RSA, P-256 and P-384."));
    if (objects &&
        (object_find(session, CKO_PRIVATE_KEY, place->id, old, KEYS_MOST, &private, fault) != EXIT_OK ||
         object_find(session, CKO_PUBLIC_KEY, place->id, old + private, KEYS_MOST, &public, fault) !=
             EXIT_OK))
        return fault->code;
    CK_RV rv = make(session, place, use, key, true);
    ERR_clear_error();
    if (rv != CKR_OK) {
        change_fault(fault, rv, _("The token did not take the private key."));
        if (fault->code == EXIT_UNSUPPORTED)
            fault_todo(fault, _("Plain PIV cards take no key from outside, others not of every size. Have a "
                                "certificate issued for a key that the token makes: ingam issue"));
        return fault->code;
    }
    if (!objects)
        return EXIT_OK;
    rv = make(session, place, use, key, false);
    if (rv != CKR_OK)
        return change_fault(fault, rv, _("The token did not take the public key."));
    return remove_old(session, old, private + public, fault);
}

// 1.2.410.200004.10.1.1.3, randomNum, in DER.
static const CK_BYTE random_oid[] = {0x06, 0x0A, 0x2A, 0x83, 0x1A, 0x8C, 0x9A, 0x44, 0x0A, 0x01, 0x01, 0x03};

#define RANDOMS_MOST 64
#define RANDOM_MOST  256 // bytes of an R that is there

// PKCS#11 has no CKA_ID for data objects. Whether this token takes one is tried on an object of the session,
// which leaves nothing behind (a refused object of the token does on some).
static bool takes_id(struct session *session, const struct piv_place *place)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_OBJECT_HANDLE made;
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_TOKEN, (void *)(uintptr_t)&no, sizeof no},
        {CKA_PRIVATE, (void *)(uintptr_t)&no, sizeof no},
        {CKA_ID, (void *)(uintptr_t)&place->id, sizeof place->id},
    };
    if (session->module->f->C_CreateObject(session->handle, t, sizeof t / sizeof t[0], &made) != CKR_OK)
        return false;
    session->module->f->C_DestroyObject(session->handle, made);
    return true;
}

CK_RV npki_upload_random(struct session *session, const struct piv_place *place,
                         const struct npki_random_form *form, const struct secret *random)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    struct rd value = secret_view(random);
    CK_OBJECT_HANDLE made;
    CK_FUNCTION_LIST *f = session->module->f;
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_TOKEN, (void *)(uintptr_t)&yes, sizeof yes},
        {CKA_PRIVATE, (void *)(uintptr_t)&yes, sizeof yes},
        {CKA_LABEL, (void *)(uintptr_t)form->label, strlen(form->label)},
        {CKA_APPLICATION, (void *)(uintptr_t)form->application, strlen(form->application)},
        {CKA_OBJECT_ID, (void *)(uintptr_t)random_oid, sizeof random_oid},
        {CKA_VALUE, (void *)(uintptr_t)value.p, value.n},
        {CKA_ID, (void *)(uintptr_t)&place->id, sizeof place->id},
    };
    CK_ULONG n = sizeof t / sizeof t[0] - (takes_id(session, place) ? 0 : 1);
    CK_RV rv = f->C_CreateObject(session->handle, t, n, &made);
    if (rv != CKR_OK || object_true(session, made, CKA_PRIVATE))
        return rv;
    f->C_DestroyObject(session->handle, made);
    return CKR_ATTRIBUTE_VALUE_INVALID;
}

static bool attribute_is(struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                         struct rd wanted, bool *there)
{
    unsigned char *value;
    size_t length;
    if (object_read(session, object, type, 256, &value, &length, NULL) != EXIT_OK) {
        *there = false;
        return false;
    }
    bool same = secret_equal(rd_of(value, length), wanted);
    *there = length > 0;
    secret_wipe(value, length);
    free(value);
    return same;
}

static bool is_of_place(struct session *session, CK_OBJECT_HANDLE object, const struct piv_place *place,
                        const struct npki_random_form *form)
{
    bool there;
    if (attribute_is(session, object, CKA_ID, rd_of(&place->id, 1), &there))
        return true;
    return !there &&
           attribute_is(session, object, CKA_LABEL, rd_of(form->label, strlen(form->label)), &there);
}

// The R of this place; same[i] tells whether it has this value.
static size_t find_randoms(struct session *session, const struct piv_place *place,
                           const struct npki_random_form *form, const struct secret *random,
                           CK_OBJECT_HANDLE *out, bool *same)
{
    CK_OBJECT_HANDLE all[RANDOMS_MOST];
    struct fault unused = {.code = EXIT_OK};
    size_t n = 0, count = 0;
    bool there;
    object_find(session, CKO_DATA, -1, all, RANDOMS_MOST, &count, &unused);
    for (size_t i = 0; i < count; i++)
        if (attribute_is(session, all[i], CKA_OBJECT_ID, rd_of(random_oid, sizeof random_oid), &there) &&
            is_of_place(session, all[i], place, form)) {
            same[n] = random != NULL && attribute_is(session, all[i], CKA_VALUE, secret_view(random), &there);
            out[n++] = all[i];
        }
    return n;
}

size_t npki_upload_randoms(struct session *session, const struct piv_place *place,
                           const struct npki_random_form *form, const struct secret *random, bool *same)
{
    CK_OBJECT_HANDLE found[RANDOMS_MOST];
    bool equal[RANDOMS_MOST];
    size_t n = find_randoms(session, place, form, random, found, equal);
    *same = false;
    for (size_t i = 0; i < n; i++)
        *same = *same || equal[i];
    return n;
}

struct secret *npki_upload_old_random(struct session *session, const struct piv_place *place,
                                      const struct npki_random_form *form)
{
    CK_OBJECT_HANDLE found[RANDOMS_MOST];
    bool equal[RANDOMS_MOST];
    unsigned char *value;
    size_t length;
    if (find_randoms(session, place, form, NULL, found, equal) == 0 ||
        object_read(session, found[0], CKA_VALUE, RANDOM_MOST, &value, &length, NULL) != EXIT_OK)
        return NULL;
    struct secret *out = secret_new(value, length);
    secret_wipe(value, length);
    free(value);
    return out;
}

enum exit_code npki_upload_clean_random(struct session *session, const struct piv_place *place,
                                        const struct npki_random_form *form, const struct secret *random,
                                        bool same, struct fault *fault)
{
    CK_OBJECT_HANDLE found[RANDOMS_MOST];
    bool equal[RANDOMS_MOST];
    size_t n = find_randoms(session, place, form, random, found, equal);
    for (size_t i = 0; i < n && fault->code == EXIT_OK; i++)
        if (equal[i] == same)
            object_destroy(session, found[i], fault);
    return fault->code;
}

enum exit_code npki_upload_prove_decrypt(struct session *session, CK_OBJECT_HANDLE key, EVP_PKEY *public_key,
                                         struct fault *fault)
{
    unsigned char message[32], sealed[1024], clear[1024];
    size_t length = sizeof sealed;
    CK_ULONG got = sizeof clear;
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    CK_FUNCTION_LIST *f = session->module->f;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(public_key, NULL);
    bool made = ctx != NULL && RAND_bytes(message, sizeof message) == 1 && EVP_PKEY_encrypt_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_encrypt(ctx, sealed, &length, message, sizeof message) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!made)
        return fault_set(fault, EXIT_OTHER, _("Nothing could be encrypted for the key."));
    CK_RV rv = f->C_DecryptInit(session->handle, &mechanism, key);
    if (rv == CKR_OK)
        rv = f->C_Decrypt(session->handle, sealed, length, clear, &got);
    bool same = rv == CKR_OK && secret_equal(rd_of(clear, got), rd_of(message, sizeof message));
    secret_wipe(clear, sizeof clear);
    if (rv != CKR_OK)
        return fault_rv(fault, rv, _("The key on the token does not decrypt."));
    return same ? EXIT_OK
                : fault_set(fault, EXIT_MISMATCH,
                            _("The key on the token is not the one that was expected there."));
}
