// Opens the card, authenticates its issuer, tells its state.
#include "otp/gatecard.h"
#include "card/piv/admin.h"
#include "card/piv/sequence.h"
#include "card/piv/table.h"
#include "card/transport/transport.h"
#include "fault_card.h"
#include "side.h"
#include "text.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define WAIT_MS 2000

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

enum exit_code gatecard_fault(struct run *run, const struct gatecard *gatecard, enum err error,
                              const char *what)
{
    return fault_card(&run->fault, error, &gatecard->card.trail, what);
}

void gatecard_close(struct gatecard *gatecard)
{
    card_end(&gatecard->card, TP_LEAVE);
    card_close(&gatecard->card);
    tp_close(gatecard->tp);
    *gatecard = (struct gatecard){0};
}

static enum err open_card(const struct token *token, struct gatecard *gatecard)
{
    char reader[TP_NAME_SIZE];
    *gatecard = (struct gatecard){.tp = tp_default_new()};
    if (gatecard->tp == NULL)
        return E_MEMORY;
    if (!side_reader(gatecard->tp, token->reader, reader))
        return E_NO_READER;
    enum err error = card_open(&gatecard->card, gatecard->tp, reader, (struct trace){0});
    if (error == E_OK)
        error = card_begin(&gatecard->card, WAIT_MS, NULL);
    if (error == E_OK)
        error = piv_ensure(&gatecard->card);
    return error == E_OK ? gate_state(&gatecard->card, &gatecard->state) : error;
}

enum exit_code gatecard_open(struct run *run, struct gatecard *gatecard)
{
    enum err error = open_card(&run->token, gatecard);
    if (error == E_OK)
        return EXIT_OK;
    if (error == E_UNSUPPORTED || error == E_NOT_FOUND || error == E_REFUSED)
        fault_set(&run->fault, EXIT_UNSUPPORTED,
                  _("The keys of this token cannot want one-time passwords: it is no OTP-backed card."));
    else
        gatecard_fault(run, gatecard, error, _("The token could not be asked."));
    gatecard_close(gatecard);
    return run->fault.code;
}

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

enum exit_code gatecard_admin(struct run *run, struct gatecard *gatecard)
{
    struct secret *key = key_of(secret_view(run->secrets.admin));
    if (key == NULL) {
        fault_set(&run->fault, EXIT_USAGE, _("That is no management key."));
        return fault_todo(&run->fault, _("It has 32, 48 or 64 hexadecimal digits."));
    }
    enum err error = piv_admin_any(&gatecard->card, &crypto, secret_view(key), NULL);
    secret_free(key);
    if (error == E_ADMIN_WRONG || error == E_ARGUMENT) {
        fault_set(&run->fault, EXIT_ADMIN, _("The management key was not accepted."));
        return fault_state(&run->fault, _("Nothing on the token was changed."));
    }
    return error == E_OK ? EXIT_OK
                         : gatecard_fault(run, gatecard, error, _("The management key could not be used."));
}

const char *gatecard_gate_name(enum gate gate)
{
    static const char *const names[] = {"none", "once", "always"};
    return names[gate];
}

void gatecard_tell_state(struct run *run, const struct gate_state *state, json_t *out)
{
    json_t *gates = json_array();
    json_object_set_new(out, "code_secret", json_boolean(state->secret));
    if (state->secret) {
        tell(run, _("code tries left: %d of %d"), state->tries_left, state->tries_total);
        json_object_set_new(out, "code_tries", json_integer(state->tries_left));
        json_object_set_new(out, "code_tries_total", json_integer(state->tries_total));
        json_object_set_new(out, "code_digits", json_integer(state->digits));
        json_object_set_new(out, "look_ahead", json_integer(state->ahead));
        json_object_set_new(out, "resync_window", json_integer(state->resync));
        json_object_set_new(out, "ticket_seconds", json_integer(state->lifetime));
    } else {
        tell(run, "%s", _("no secret for codes is on the token"));
    }
    for (size_t i = 0; i < state->count; i++) {
        const struct piv_slot *slot = piv_slot_by_ref(state->key[i].ref);
        char number[4];
        snprintf(number, sizeof number, "%02x", state->key[i].ref);
        const char *const fields[] = {number, slot != NULL ? slot->word : "-",
                                      gatecard_gate_name(state->key[i].gate), NULL};
        tell_fields(run, fields);
        json_t *one = json_object();
        json_object_set_new(one, "slot", json_string(number));
        json_object_set_new(one, "gate", json_string(gatecard_gate_name(state->key[i].gate)));
        json_array_append_new(gates, one);
    }
    json_object_set_new(out, "gates", gates);
}

void gatecard_tell(struct run *run, json_t *out)
{
    struct gatecard gatecard;
    gatecard = (struct gatecard){0};
    if (run->module.ours && open_card(&run->token, &gatecard) == E_OK)
        gatecard_tell_state(run, &gatecard.state, out);
    gatecard_close(&gatecard);
}
