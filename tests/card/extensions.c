// What goes beyond plain PIV, on a card that has it: metadata, policies, import, attestation, moving,
// retries, management keys of every cipher, the PIN-protected management key, reset. OpenSSL is the judge of
// keys, signatures and secrets.
#include <openssl/x509.h>

#include "live_key.h"

static uint32_t caps;

static const struct piv_slot *slot(uint8_t ref)
{
    return piv_slot_by_ref(ref);
}

static void admin(struct card *c)
{
    IS(piv_admin_any(c, &live_crypto, rd_of(live_admin, sizeof live_admin), NULL), E_OK);
}

static void pin(struct card *c)
{
    IS(piv_verify(c, PIV_REF_PIN, rd_of("123456", 6), NULL), E_OK);
}

// The secret that both sides of a key agreement come to.
static void agree_and_compare(struct card *c, const struct piv_slot *s, const struct piv_public *key)
{
    EVP_PKEY *theirs = live_public_key(key);
    EVP_PKEY *ours = key->algorithm->kind == PIV_X25519
                         ? EVP_PKEY_Q_keygen(NULL, NULL, "X25519")
                         : EVP_PKEY_Q_keygen(NULL, NULL, "EC", live_group(key->algorithm));
    uint8_t *point = NULL;
    uint8_t z[64];
    size_t n = sizeof z;
    struct rd secret;
    size_t size = EVP_PKEY_get1_encoded_public_key(ours, &point);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ours, NULL);
    CHECK(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
          EVP_PKEY_derive(ctx, z, &n) == 1);
    IS(piv_agree(c, s, key->algorithm, rd_of(point, size), &secret), E_OK);
    CHECK(rd_is(secret, z, n));
    EVP_PKEY_CTX_free(ctx);
    OPENSSL_free(point);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
}

static void use(struct card *c, const struct piv_slot *s, const struct piv_public *key)
{
    if (key->algorithm->kind != PIV_X25519)
        live_sign_and_verify(c, s, key);
    if (key->algorithm->kind == PIV_X25519 || key->algorithm->kind == PIV_EC)
        agree_and_compare(c, s, key);
}

// Every algorithm that the card has, in a slot of its own, with policies; then its metadata and attestation.
static void every_algorithm(struct card *c)
{
    const struct piv_algorithm *a;
    struct piv_public key;
    struct driver_metadata m;
    for (size_t i = 0; (a = piv_algorithm_at(i)) != NULL; i++) {
        const struct piv_slot *s = piv_slot_at(PIV_ACTIVE_SLOTS + i);
        if (a->id == 0x06 || (a->cap != 0 && !(caps & a->cap)))
            continue;
        IS(piv_generate(c, s, a, PIV_PIN_NEVER, PIV_TOUCH_NEVER, &key), E_OK);
        use(c, s, &key);
        if (!(caps & CAP_METADATA))
            continue;
        IS(driver_metadata(c, s->ref, &m), E_OK);
        CHECK(m.algorithm == a->id && m.pin == PIV_PIN_NEVER && m.touch == PIV_TOUCH_NEVER && m.generated);
        CHECK(live_same_key(&m.public_key, &key));
        struct rd der;
        IS(driver_attest(c, s, &der), E_OK);
        const uint8_t *p = der.p;
        X509 *x = d2i_X509(NULL, &p, (long)der.n);
        EVP_PKEY *told = live_public_key(&key);
        CHECK(x && p == der.p + der.n && EVP_PKEY_eq(X509_get0_pubkey(x), told) == 1);
        X509_free(x);
        EVP_PKEY_free(told);
        printf("  %s: generated, used, described, attested\n", a->name);
    }
}

static void number(EVP_PKEY *key, const char *name, uint8_t *out, size_t size, struct rd *view)
{
    BIGNUM *n = NULL;
    CHECK(EVP_PKEY_get_bn_param(key, name, &n) == 1 && BN_bn2binpad(n, out, (int)size) == (int)size);
    BN_clear_free(n);
    *view = rd_of(out, size);
}

// Imports a key of OpenSSL's making and signs with it.
static void import_one(struct card *c, const struct piv_algorithm *a)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                        OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    uint8_t bytes[5][256];
    struct driver_private key = {.algorithm = a};
    struct driver_metadata m;
    EVP_PKEY *made = a->kind == PIV_RSA       ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)a->bits)
                     : a->kind == PIV_EC      ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", live_group(a))
                     : a->kind == PIV_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                              : EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    CHECK(made);
    if (a->kind == PIV_RSA) {
        struct rd *parts[] = {&key.p, &key.q, &key.dp, &key.dq, &key.qinv};
        for (size_t i = 0; i < 5; i++)
            number(made, names[i], bytes[i], a->block / 2, parts[i]);
    } else if (a->kind == PIV_EC) {
        number(made, OSSL_PKEY_PARAM_PRIV_KEY, bytes[0], a->block, &key.secret);
    } else {
        size_t n = sizeof bytes[0];
        CHECK(EVP_PKEY_get_raw_private_key(made, bytes[0], &n) == 1);
        key.secret = rd_of(bytes[0], n);
    }
    IS(driver_import(c, slot(0x95), &key, PIV_PIN_NEVER, PIV_TOUCH_DEFAULT), E_OK);
    IS(driver_metadata(c, 0x95, &m), E_OK);
    CHECK(!m.generated && m.public_key.algorithm == a);
    EVP_PKEY *told = live_public_key(&m.public_key);
    CHECK(EVP_PKEY_eq(told, made) == 1);
    use(c, slot(0x95), &m.public_key);
    EVP_PKEY_free(told);
    EVP_PKEY_free(made);
    printf("  %s: imported and used\n", a->name);
}

static void imports(struct card *c)
{
    const struct piv_algorithm *a;
    for (size_t i = 0; (a = piv_algorithm_at(i)) != NULL; i++)
        if (a->id != 0x06 && (a->cap == 0 || caps & a->cap))
            import_one(c, a);
}

static void moving(struct card *c)
{
    struct piv_public key;
    struct driver_metadata m;
    if (!(caps & CAP_MOVE)) {
        IS(driver_move(c, slot(0x9A), slot(0x94)), E_UNSUPPORTED);
        return;
    }
    IS(piv_generate(c, slot(0x9A), piv_algorithm_by_id(0x11), PIV_PIN_NEVER, PIV_TOUCH_DEFAULT, &key), E_OK);
    IS(driver_move(c, slot(0x9A), slot(0x94)), E_OK);
    IS(driver_metadata(c, 0x9A, &m), E_NOT_FOUND);
    live_sign_and_verify(c, slot(0x94), &key);
    IS(driver_delete(c, slot(0x94)), E_OK);
    IS(driver_metadata(c, 0x94, &m), E_NOT_FOUND);
    printf("  moved and deleted\n");
}

static void management_keys(struct card *c)
{
    const struct piv_cipher *cipher;
    const struct piv_cipher *used;
    uint8_t key[32];
    for (size_t i = 0; (cipher = piv_cipher_at(i)) != NULL; i++) {
        struct rd fresh = rd_of(key, cipher->key);
        CHECK(RAND_bytes(key, sizeof key) == 1);
        IS(driver_set_admin(c, cipher, fresh, false), E_OK);
        IS(piv_admin_any(c, &live_crypto, fresh, &used), E_OK);
        CHECK(used == cipher);
        key[0] ^= 0x80;
        IS(piv_admin_any(c, &live_crypto, fresh, &used), E_ADMIN_WRONG);
        key[0] ^= 0x80;
        IS(piv_admin_any(c, &live_crypto, fresh, &used), E_OK);
        printf("  management key: %s\n", cipher->name);
    }
    // Kept on the card, opened by the PIN.
    struct secret *kept;
    struct piv_adminpin note;
    IS(piv_adminpin_key(c, &kept), E_NOT_FOUND);
    CHECK(kept == NULL);
    IS(piv_adminpin_keep(c, rd_of(key, 32)), E_OK);
    card_end(c, TP_RESET);
    IS(card_begin(c, 2000, NULL), E_OK);
    IS(piv_ensure(c), E_OK);
    IS(piv_adminpin_key(c, &kept), E_AUTH_NEEDED);
    pin(c);
    IS(piv_adminpin_key(c, &kept), E_OK);
    IS(piv_admin_any(c, &live_crypto, secret_view(kept), &used), E_OK);
    secret_free(kept);
    IS(piv_adminpin_read(c, &note), E_OK);
    CHECK(note.stored && !note.derived && !note.puk_blocked);
    IS(piv_adminpin_drop(c), E_OK);
    IS(piv_adminpin_key(c, &kept), E_NOT_FOUND);
    printf("  management key: opened by the PIN\n");
    IS(driver_set_admin(c, piv_cipher_by_id(caps & CAP_MOVE ? 0x0A : 0x03), rd_of(live_admin, 24), false),
       E_OK);
    admin(c);
}

static void retries_and_reset(struct card *c)
{
    int tries;
    bool verified;
    struct driver_metadata m;
    IS(driver_reset(c), E_CONDITIONS);
    admin(c);
    pin(c);
    IS(driver_set_tries(c, 2, 2), E_OK);
    IS(driver_metadata(c, PIV_REF_PIN, &m), E_OK);
    CHECK(m.tries_total == 2 && m.tries_left == 2 && m.is_default);
    IS(piv_verify(c, PIV_REF_PIN, rd_of("000000", 6), &tries), E_PIN_WRONG);
    CHECK(tries == 1);
    IS(piv_verify(c, PIV_REF_PIN, rd_of("000000", 6), &tries), E_PIN_BLOCKED);
    IS(piv_tries(c, PIV_REF_PIN, &tries, &verified), E_OK);
    CHECK(tries == 0 && !verified);
    IS(piv_unblock(c, PIV_REF_PIN, rd_of("00000000", 8), rd_of("123456", 6), &tries), E_PIN_WRONG);
    CHECK(tries == 1);
    IS(piv_unblock(c, PIV_REF_PIN, rd_of("12345678", 8), rd_of("654321", 6), &tries), E_OK);
    IS(piv_change(c, PIV_REF_PIN, rd_of("654321", 6), rd_of("123456", 6), &tries), E_OK);
    for (int i = 0; i < 2; i++)
        (void)!piv_verify(c, PIV_REF_PIN, rd_of("000000", 6), &tries);
    for (int i = 0; i < 2; i++)
        (void)!piv_change(c, PIV_REF_PUK, rd_of("00000000", 8), rd_of("12345678", 8), &tries);
    CHECK(tries == 0);
    IS(driver_reset(c), E_OK);
    IS(driver_metadata(c, PIV_REF_PIN, &m), E_OK);
    CHECK(m.tries_left == 3 && m.is_default);
    IS(driver_metadata(c, 0x82, &m), E_NOT_FOUND);
    printf("  retries set, blocked, unblocked, reset\n");
}

int main(void)
{
    struct tp *tp = tp_default_new();
    struct card c;
    struct card_identity identity;
    uint8_t version[3];
    CHECK(tp);
    live_open(&c, tp);
    IS(card_begin(&c, 2000, NULL), E_OK);
    IS(piv_ensure(&c), E_OK);
    IS(piv_identity(&c, &identity), E_OK);
    CHECK(identity.kind == IDENTITY_SERIAL && c.chan.exchanges == 2);
    IS(driver_version(&c, version), E_OK);
    IS(driver_caps(&c, &caps), E_OK);
    printf("transport %s, driver %s %d.%d.%d\n", tp->ops->name, c.driver->name, version[0], version[1],
           version[2]);
    admin(&c);
    every_algorithm(&c);
    imports(&c);
    moving(&c);
    management_keys(&c);
    retries_and_reset(&c);
    card_close(&c);
    tp_close(tp);
    printf("ok\n");
    return 0;
}
