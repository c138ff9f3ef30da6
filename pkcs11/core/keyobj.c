/* Certificate, public key and private key objects of a key slot, from what the card told. */
#include "core/content.h"
#include "core/facts.h"
#include "core/slot.h"
#include "object/x509.h"
#include <string.h>

static const struct {
    enum spki_kind spki;
    enum piv_kind kind;
    unsigned bits;
    CK_KEY_TYPE type;
    enum host_curve curve;
} kinds[] = {
    {SPKI_P256, PIV_EC, 256, CKK_EC, HOST_P256},
    {SPKI_P384, PIV_EC, 384, CKK_EC, HOST_P384},
    {SPKI_ED25519, PIV_ED25519, 255, CKK_EC_EDWARDS, HOST_ED25519},
    {SPKI_X25519, PIV_X25519, 255, CKK_EC_MONTGOMERY, HOST_X25519},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static bool copy(struct rd from, uint8_t *to, size_t room, size_t *len)
{
    if (from.n > room)
        return false;
    memcpy(to, from.p, from.n);
    *len = from.n;
    return true;
}

bool keyobj_public_of(struct rd der, struct piv_public *out)
{
    struct spki key;
    struct piv_public p = {0};
    *out = p;
    if (!spki_parse(der, &key))
        return false;
    if (key.kind == SPKI_RSA) {
        if (!copy(key.n, p.modulus, sizeof p.modulus, &p.modulus_len) ||
            !copy(key.e, p.exponent, sizeof p.exponent, &p.exponent_len))
            return false;
        p.algorithm = piv_algorithm_by(PIV_RSA, (unsigned)(p.modulus_len * 8));
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].spki != key.kind || !copy(key.point, p.point, sizeof p.point, &p.point_len))
            continue;
        const struct piv_algorithm *a;
        for (size_t j = 0; (a = piv_algorithm_at(j)) != NULL; j++)
            if (a->kind == kinds[i].kind && (a->kind != PIV_EC || a->bits == kinds[i].bits))
                p.algorithm = a;
    }
    if (p.algorithm == NULL)
        return false;
    *out = p;
    return true;
}

static struct spki spki_of(const struct piv_public *p)
{
    struct spki key = {.kind = SPKI_RSA,
                       .n = rd_of(p->modulus, p->modulus_len),
                       .e = rd_of(p->exponent, p->exponent_len),
                       .point = rd_of(p->point, p->point_len)};
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == p->algorithm->kind &&
            (kinds[i].kind != PIV_EC || kinds[i].bits == p->algorithm->bits))
            key.kind = kinds[i].spki;
    return key;
}

static CK_KEY_TYPE type_of(const struct piv_public *p)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == p->algorithm->kind)
            return kinds[i].type;
    return CKK_RSA;
}

enum host_curve keyobj_curve(struct rd ec_params)
{
    enum spki_kind kind = spki_of_curve(ec_params);
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].spki == kind)
            return kinds[i].curve;
    return kind == SPKI_P521 ? HOST_P521 : HOST_NO_CURVE;
}

/* ---- attributes ---- */

static bool set_common(struct slot *s, struct object *o, const struct card_key *k)
{
    uint8_t standard;
    struct rd id = facts_id(s, k, &standard), label = facts_label(s, k);
    return object_set_bool(o, CKA_TOKEN, true) && object_set(o, CKA_ID, id.p, id.n) &&
           object_set(o, CKA_LABEL, label.p, label.n) && object_set_bool(o, CKA_COPYABLE, false) &&
           object_set_bool(o, CKA_PRIVATE, false);
}

void keyobj_build_public(struct wr *w, const struct piv_public *p)
{
    struct spki key = spki_of(p);
    spki_build(w, &key);
}

static bool set_numbers(struct object *o, const struct piv_public *p, bool with_point)
{
    struct spki key = spki_of(p);
    uint8_t der[PIV_MODULUS_MAX + 64];
    struct wr w = wr_of(der, sizeof der);
    struct rd spki;
    spki_build(&w, &key);
    if (!wr_done(&w, &spki) || !object_set(o, CKA_PUBLIC_KEY_INFO, spki.p, spki.n))
        return false;
    if (key.kind == SPKI_RSA)
        return object_set(o, CKA_MODULUS, key.n.p, key.n.n) &&
               object_set(o, CKA_PUBLIC_EXPONENT, key.e.p, key.e.n);
    struct rd curve = spki_curve(key.kind), octets;
    if (!object_set(o, CKA_EC_PARAMS, curve.p, curve.n))
        return false;
    w = wr_of(der, sizeof der);
    wr_tlv(&w, 0x04, key.point);
    return !with_point || (wr_done(&w, &octets) && object_set(o, CKA_EC_POINT, octets.p, octets.n));
}

/* What a key of this kind can be used for at all. */
static bool set_uses(struct object *o, const struct piv_public *p, bool secret)
{
    enum piv_kind kind = p->algorithm->kind;
    bool rsa = kind == PIV_RSA, signs = kind != PIV_X25519, agrees = kind == PIV_EC || kind == PIV_X25519;
    if (secret)
        return object_set_bool(o, CKA_SIGN, signs) && object_set_bool(o, CKA_SIGN_RECOVER, rsa) &&
               object_set_bool(o, CKA_DECRYPT, rsa) && object_set_bool(o, CKA_UNWRAP, rsa) &&
               object_set_bool(o, CKA_DERIVE, agrees);
    return object_set_bool(o, CKA_VERIFY, signs) && object_set_bool(o, CKA_VERIFY_RECOVER, rsa) &&
           object_set_bool(o, CKA_ENCRYPT, rsa) && object_set_bool(o, CKA_WRAP, rsa) &&
           (!rsa || object_set_ulong(o, CKA_MODULUS_BITS, p->algorithm->bits));
}

static bool set_origin(struct object *o, const struct card_key *k)
{
    static const CK_MECHANISM_TYPE by[] = {[PIV_RSA] = CKM_RSA_PKCS_KEY_PAIR_GEN,
                                           [PIV_EC] = CKM_EC_KEY_PAIR_GEN,
                                           [PIV_ED25519] = CKM_EC_EDWARDS_KEY_PAIR_GEN,
                                           [PIV_X25519] = CKM_EC_MONTGOMERY_KEY_PAIR_GEN};
    bool local = k->told && k->generated;
    return object_set_bool(o, CKA_LOCAL, local) &&
           object_set_ulong(o, CKA_KEY_GEN_MECHANISM,
                            local ? by[k->public_key.algorithm->kind] : CK_UNAVAILABLE_INFORMATION);
}

void keyobj_policy(struct card_key *k)
{
    enum piv_pin pin = piv_pin_of(k->slot, k->pin);
    bool always = pin == PIV_PIN_ALWAYS || pin == PIV_PIN_MATCH_ALWAYS || k->gate == GATE_ALWAYS;
    if (k->private_object == NULL)
        return;
    /* Values of one byte are replaced where they are; when memory is short the old ones stay. */
    (void)object_set_bool(k->private_object, CKA_ALWAYS_AUTHENTICATE, always);
    (void)object_set_bool(k->private_object, CKA_PRIVATE, pin != PIV_PIN_NEVER || k->gate != GATE_NONE);
    (void)set_origin(k->private_object, k);
}

static struct object *make_key(struct slot *s, struct card_key *k, CK_OBJECT_CLASS class)
{
    const struct piv_public *p = &k->public_key;
    bool secret = class == CKO_PRIVATE_KEY;
    const struct attr_rows *rows = attr_rows_of(class, type_of(p));
    struct object *o = rows == NULL ? NULL : object_new(rows);
    if (o == NULL)
        return NULL;
    bool ok = set_common(s, o, k) && set_numbers(o, p, !secret) && set_uses(o, p, secret) && set_origin(o, k);
    if (ok && secret)
        ok = object_set_bool(o, CKA_SENSITIVE, true) && object_set_bool(o, CKA_EXTRACTABLE, false) &&
             object_set_bool(o, CKA_ALWAYS_SENSITIVE, true) &&
             object_set_bool(o, CKA_NEVER_EXTRACTABLE, true);
    if (!ok) {
        object_unref(o);
        return NULL;
    }
    o->card_key = k;
    return o;
}

static bool set_subject(struct object *o, const struct object *certificate)
{
    struct rd subject = certificate != NULL ? object_get(certificate, CKA_SUBJECT) : rd_of(NULL, 0);
    return o == NULL || object_set(o, CKA_SUBJECT, subject.p, subject.n);
}

CK_RV keyobj_keys(struct slot *s, struct card_key *k)
{
    if (k->public_object != NULL || k->public_key.algorithm == NULL)
        return CKR_OK;
    struct object *public = make_key(s, k, CKO_PUBLIC_KEY), *private = make_key(s, k, CKO_PRIVATE_KEY);
    if (public == NULL || private == NULL) {
        object_unref(public);
        object_unref(private);
        return CKR_HOST_MEMORY;
    }
    CK_RV rv = store_add(s, public, NULL);
    if (rv != CKR_OK) {
        object_unref(private);
        return rv;
    }
    rv = store_add(s, private, NULL);
    if (rv != CKR_OK) {
        store_remove(s, public);
        return rv;
    }
    k->public_object = public;
    k->private_object = private;
    keyobj_policy(k);
    (void)set_subject(public, k->certificate_object);
    (void)set_subject(private, k->certificate_object);
    return CKR_OK;
}

static bool set_dates(struct object *o, const struct x509 *x)
{
    uint8_t date[8];
    return (!x509_date(x->not_before, x->short_years, date) ||
            object_set(o, CKA_START_DATE, date, sizeof date)) &&
           (!x509_date(x->not_after, x->short_years_end, date) ||
            object_set(o, CKA_END_DATE, date, sizeof date));
}

static bool set_certificate(struct object *o, struct rd der)
{
    struct x509 x;
    uint8_t sum[HOST_MAX_HASH];
    if (!object_set(o, CKA_VALUE, der.p, der.n))
        return false;
    if (host_hash_once(HOST_SHA1, der.p, der.n, sum) == HOST_OK && !object_set(o, CKA_CHECK_VALUE, sum, 3))
        return false;
    if (!x509_parse(der, &x)) /* shown, so that it can be looked at and replaced */
        return true;
    return object_set(o, CKA_SUBJECT, x.subject.p, x.subject.n) &&
           object_set(o, CKA_ISSUER, x.issuer.p, x.issuer.n) &&
           object_set(o, CKA_SERIAL_NUMBER, x.serial.p, x.serial.n) &&
           object_set(o, CKA_PUBLIC_KEY_INFO, x.spki.p, x.spki.n) && set_dates(o, &x) &&
           object_set_ulong(o, CKA_CERTIFICATE_CATEGORY,
                            x.authority ? CK_CERTIFICATE_CATEGORY_AUTHORITY
                                        : CK_CERTIFICATE_CATEGORY_TOKEN_USER);
}

static bool same_key(const struct piv_public *a, const struct piv_public *b)
{
    return a->algorithm == b->algorithm && a->modulus_len == b->modulus_len &&
           memcmp(a->modulus, b->modulus, a->modulus_len) == 0 && a->exponent_len == b->exponent_len &&
           memcmp(a->exponent, b->exponent, a->exponent_len) == 0 && a->point_len == b->point_len &&
           memcmp(a->point, b->point, a->point_len) == 0;
}

void keyobj_replace(struct slot *s, struct card_key *k, const struct piv_public *p)
{
    k->key = KNOWN_YES;
    if (k->public_object != NULL && same_key(&k->public_key, p))
        return;
    if (k->public_object != NULL)
        store_remove(s, k->public_object);
    if (k->private_object != NULL)
        store_remove(s, k->private_object);
    k->public_object = k->private_object = NULL;
    k->public_key = *p;
}

/* The key that the certificate speaks of, where the card doesn't tell better. */
static void keyobj_adopt(struct slot *s, struct card_key *k, struct rd spki)
{
    struct piv_public p;
    if (keyobj_public_of(spki, &p))
        keyobj_replace(s, k, &p);
}

CK_RV keyobj_certificate(struct slot *s, struct card_key *k, struct rd der)
{
    struct x509 x;
    if (k->certificate_object != NULL) {
        struct rd have = object_get(k->certificate_object, CKA_VALUE);
        k->certificate = KNOWN_YES;
        if (rd_is(have, der.p, der.n)) /* read again and still the same: its handle stays */
            return k->public_key.algorithm != NULL ? (k->key = KNOWN_YES, keyobj_keys(s, k)) : CKR_OK;
    }
    struct object *o = object_new(attr_rows_of(CKO_CERTIFICATE, CKC_X_509));
    if (o == NULL || !set_common(s, o, k) || !set_certificate(o, der)) {
        object_unref(o);
        return CKR_HOST_MEMORY;
    }
    o->card_key = k;
    if (k->certificate_object != NULL)
        store_remove(s, k->certificate_object);
    k->certificate_object = NULL;
    CK_RV rv = store_add(s, o, NULL);
    if (rv != CKR_OK)
        return rv;
    k->certificate_object = o;
    k->certificate = KNOWN_YES;
    if (!k->told && x509_parse(der, &x))
        keyobj_adopt(s, k, x.spki);
    (void)set_subject(k->public_object, o);
    (void)set_subject(k->private_object, o);
    return keyobj_keys(s, k);
}

CK_RV keyobj_mech(const struct object *o, struct mech_key *out)
{
    *out = (struct mech_key){.type = object_ulong(o, CKA_KEY_TYPE)};
    if (object_class(o) == CKO_SECRET_KEY) {
        out->value = object_get(o, CKA_VALUE);
        return CKR_OK;
    }
    out->n = object_number(o, CKA_MODULUS);
    out->e = object_number(o, CKA_PUBLIC_EXPONENT);
    if (out->type == CKK_RSA)
        return CKR_OK;
    struct rd point = object_get(o, CKA_EC_POINT), inner;
    out->curve = keyobj_curve(object_get(o, CKA_EC_PARAMS));
    out->point = rd_tlv(&point, 0x04, &inner) && rd_end(&point) ? inner : object_get(o, CKA_EC_POINT);
    return CKR_OK;
}
