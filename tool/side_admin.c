// Authenticates with the management key beside the module, and changes with it what PKCS#11 has no words for.
#include "card/driver/driver.h"
#include "card/piv/admin.h"
#include "card/piv/content.h"
#include "card/piv/sequence.h"
#include "card/transport/transport.h"
#include "fault_card.h"
#include "side.h"
#include "text.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

static enum err one_block(const struct piv_cipher *cipher, struct rd key, const uint8_t *in, uint8_t *out,
                          int encrypt)
{
    static const struct {
        uint8_t id;
        const EVP_CIPHER *(*of)(void);
    } ciphers[] = {
        {0x03, EVP_des_ede3_ecb}, {0x08, EVP_aes_128_ecb}, {0x0A, EVP_aes_192_ecb}, {0x0C, EVP_aes_256_ecb}};
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    bool done = false;
    for (size_t i = 0; ctx != NULL && i < sizeof ciphers / sizeof ciphers[0]; i++)
        if (ciphers[i].id == cipher->id)
            done = EVP_CipherInit_ex(ctx, ciphers[i].of(), NULL, key.p, NULL, encrypt) == 1 &&
                   EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                   EVP_CipherUpdate(ctx, out, &n, in, cipher->block) == 1 && n == cipher->block;
    EVP_CIPHER_CTX_free(ctx);
    return done ? E_OK : E_MEMORY;
}

static enum err encrypt(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                        uint8_t *out)
{
    (void)ctx;
    return one_block(cipher, key, in, out, 1);
}

static enum err decrypt(void *ctx, const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                        uint8_t *out)
{
    (void)ctx;
    return one_block(cipher, key, in, out, 0);
}

static enum err random_bytes(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return RAND_bytes(out, (int)n) == 1 ? E_OK : E_MEMORY;
}

static const struct piv_crypto crypto = {.encrypt = encrypt, .decrypt = decrypt, .random = random_bytes};

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// The key that these digits write; NULL: they are none, or of odd number.
static struct secret *key_of(struct rd digits)
{
    uint8_t high, low;
    struct secret *key = digits.n > 0 && digits.n % 2 == 0 ? secret_room(digits.n / 2) : NULL;
    uint8_t *bytes = secret_bytes(key);
    while (bytes != NULL && rd_u8(&digits, &high) && rd_u8(&digits, &low)) {
        if (hex(high) < 0 || hex(low) < 0) {
            secret_free(key);
            return NULL;
        }
        *bytes++ = (uint8_t)(hex(high) << 4 | hex(low));
    }
    return key;
}

enum exit_code side_admin(struct card *card, const struct secret *digits, struct fault *fault)
{
    struct secret *key = key_of(secret_view(digits));
    if (key == NULL) {
        fault_set(fault, EXIT_USAGE, _("That is no management key."));
        return fault_todo(fault, _("It has 32, 48 or 64 hexadecimal digits."));
    }
    enum err error = piv_admin_any(card, &crypto, secret_view(key), NULL);
    secret_free(key);
    if (error == E_ADMIN_WRONG || error == E_ARGUMENT) {
        fault_set(fault, EXIT_ADMIN, _("The management key was not accepted."));
        return fault_state(fault, _("Nothing on the token was changed."));
    }
    return error == E_OK ? EXIT_OK
                         : fault_card(fault, error, &card->trail, _("The management key could not be used."));
}

static enum err move(struct side *side, const struct piv_place *from, const struct piv_place *to)
{
    const struct piv_slot *one = piv_slot_by_name(from->number), *other = piv_slot_by_name(to->number);
    return one == NULL || other == NULL ? E_UNSUPPORTED : driver_move(&side->card, one, other);
}

enum exit_code side_move(const struct module *module, const struct token *token, const struct secret *admin,
                         const struct piv_place *from, const struct piv_place *to, struct fault *fault)
{
    struct side side;
    enum err error = side_hold(&side, module, token);
    if (error != E_OK)
        return fault_card(fault, error, NULL, _("The token could not be asked."));
    error = driver_needs(&side.card, CAP_MOVE);
    if (error == E_OK && side_admin(&side.card, admin, fault) == EXIT_OK)
        error = move(&side, from, to);
    if (error == E_UNSUPPORTED) {
        fault_set(fault, EXIT_UNSUPPORTED, _("This token moves no keys."));
        fault_todo(fault, _("YubiKeys from firmware 5.7 on do."));
    } else if (error != E_OK)
        fault_card(fault, error, &side.card.trail, _("The key could not be moved."));
    side_release(&side);
    return fault->code;
}

// A card without CHUID and serial number can't be told from another one.
static enum err give_identity(struct card *card)
{
    uint8_t guid[PIV_GUID_SIZE], bytes[128];
    struct card_identity who;
    struct rd content;
    struct wr w = wr_of(bytes, sizeof bytes);
    enum err error = piv_identity(card, &who);
    if (error != E_OK || who.kind != IDENTITY_NONE)
        return error;
    if (RAND_bytes(guid, sizeof guid) != 1 || !piv_chuid_build(&w, guid, "20991231") ||
        !wr_done(&w, &content))
        return E_MEMORY;
    return piv_put_data(card, PIV_TAG_CHUID, content);
}

static enum err set_puk(struct side *side, const struct side_secrets *s, int *tries)
{
    struct rd new = secret_view(s->new_puk);
    enum err error = piv_change(&side->card, PIV_REF_PUK, secret_view(s->puk), new, tries);
    if (error == E_PIN_WRONG && *tries > 1) // set by a run that was interrupted?
        error = piv_change(&side->card, PIV_REF_PUK, new, new, tries);
    return error;
}

static enum exit_code set_all(struct side *side, const struct side_secrets *s, struct fault *fault)
{
    const struct secret *puk = s->new_puk != NULL ? s->new_puk : s->puk;
    int tries = -1;
    if (side_admin(&side->card, s->admin, fault) != EXIT_OK)
        return fault->code;
    enum err error = give_identity(&side->card);
    if (error != E_OK)
        return fault_card(fault, error, &side->card.trail, _("The token could not be given an identity."));
    if (s->new_puk != NULL && (error = set_puk(side, s, &tries)) != E_OK)
        fault_card(fault, error, &side->card.trail, _("The PUK could not be changed."));
    else if ((error = piv_unblock(&side->card, PIV_REF_PIN, secret_view(puk), secret_view(s->new_pin),
                                  &tries)) != E_OK)
        fault_card(fault, error, &side->card.trail, _("The PIN could not be set."));
    if (error != E_OK)
        fault_tries(fault, tries);
    return fault->code;
}

enum exit_code side_init(const struct module *module, const struct token *token,
                         const struct side_secrets *secrets, struct fault *fault)
{
    struct side side;
    enum err error = side_hold(&side, module, token);
    if (error != E_OK)
        return fault_card(fault, error, NULL, _("The token could not be asked."));
    set_all(&side, secrets, fault);
    side_release(&side);
    return fault->code;
}
