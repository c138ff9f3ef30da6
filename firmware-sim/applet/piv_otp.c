/* Keys that want a code beside the PIN (docs/otp-card.md): the verification secret, gates, tickets and
 * permits.
 */
#include "applet/piv.h"

#include <string.h>

enum {
    DIGITS_MIN = 6,
    DIGITS_MAX = 8,
    KEY_MIN = 16,
    KEY_MAX = 64,
    LOOK_AHEAD_MAX = 50,
    TRIES_MAX = 15,
    GATES_MAX = 24, /* key references that can have one */
    TICKET_US = 1000000,
};
/* No window reaches over the end of the numbers. */
#define COUNTER_MAX (UINT64_MAX - 512)

enum otp_gate { GATE_NONE, GATE_ONCE, GATE_ALWAYS };
enum verify_p1 { FOR_PERMIT = 0x00, FOR_TICKET = 0x01, LOGOUT = 0xFF };

/* What is installed, and what of it moves; in the store they are two records. */
struct secret {
    uint8_t digits, look_ahead, resync, tries;
    uint16_t lifetime; /* seconds */
    size_t key_len;
    uint8_t key[KEY_MAX];
    uint8_t left;
    uint64_t counter;
};

/* -- records
 * --------------------------------------------------------------------------------------------------- */

enum { SECRET_HEAD = 6, MOVING_RECORD = 9 };

static uint64_t get_number(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void put_number(uint8_t *bytes, size_t len, uint64_t value)
{
    for (size_t i = len; i > 0; i--, value >>= 8)
        bytes[i - 1] = (uint8_t)value;
}

static void put_moving(struct fw_card *card, const struct secret *s)
{
    uint8_t record[MOVING_RECORD] = {s->left};
    put_number(record + 1, 8, s->counter);
    fw_store_put(&card->store, RECORD_OTP_MOVING, record, sizeof record);
}

static void put_secret(struct fw_card *card, const struct secret *s)
{
    uint8_t record[SECRET_HEAD + KEY_MAX] = {s->digits, s->look_ahead, s->resync, s->tries};
    put_number(record + 4, 2, s->lifetime);
    memcpy(record + SECRET_HEAD, s->key, s->key_len);
    fw_store_put(&card->store, RECORD_OTP_SECRET, record, SECRET_HEAD + s->key_len);
    crypto_wipe(record, sizeof record);
}

static enum fw_status read_secret(const struct fw_card *card, struct secret *s)
{
    uint8_t record[SECRET_HEAD + KEY_MAX], moving[MOVING_RECORD];
    size_t len;
    memset(s, 0, sizeof *s);
    if (!fw_store_has(&card->store, RECORD_OTP_SECRET))
        return FW_NOT_FOUND;
    if (!fw_store_get(&card->store, RECORD_OTP_SECRET, record, sizeof record, &len) ||
        len < SECRET_HEAD + KEY_MIN ||
        !fw_store_get_exact(&card->store, RECORD_OTP_MOVING, moving, sizeof moving))
        return FW_MEMORY_FAILURE;
    s->digits = record[0];
    s->look_ahead = record[1];
    s->resync = record[2];
    s->tries = record[3];
    s->lifetime = (uint16_t)get_number(record + 4, 2);
    s->key_len = len - SECRET_HEAD;
    if (s->digits < DIGITS_MIN || s->digits > DIGITS_MAX)
        return FW_MEMORY_FAILURE;
    memcpy(s->key, record + SECRET_HEAD, s->key_len);
    s->left = moving[0];
    s->counter = get_number(moving + 1, 8);
    crypto_wipe(record, sizeof record);
    return FW_OK;
}

void piv_otp_erase(struct fw_card *card)
{
    for (uint32_t id = RECORD_OTP_SECRET; fw_store_next(&card->store, &id) && id <= RECORD_OTP_GATES; id++)
        fw_store_delete(&card->store, id);
}

struct gates {
    size_t len;
    uint8_t pair[2 * GATES_MAX]; /* key reference and gate, ascending, none left out */
};

static bool read_gates(const struct fw_card *card, struct gates *gates)
{
    gates->len = 0;
    return !fw_store_has(&card->store, RECORD_OTP_GATES) ||
           (fw_store_get(&card->store, RECORD_OTP_GATES, gates->pair, sizeof gates->pair, &gates->len) &&
            gates->len % 2 == 0);
}

/* -- ticket and permit
 * ----------------------------------------------------------------------------------------- */

static uint64_t now_us(const struct fw_card *card)
{
    return card->hal->clock.now_us(card->hal->clock.world);
}

void piv_otp_forget(struct fw_card *card)
{
    struct piv_otp *otp = &piv_state(card)->otp;
    crypto_wipe(otp, sizeof *otp);
}

static uint64_t ticket_left_us(struct fw_card *card)
{
    struct piv_otp *otp = &piv_state(card)->otp;
    uint64_t now = now_us(card);
    if (otp->alive && now >= otp->until_us) {
        crypto_wipe(otp->ticket, sizeof otp->ticket);
        otp->alive = otp->ticketed = false;
    }
    return otp->alive ? otp->until_us - now : 0;
}

bool piv_otp_is_ticket(struct fw_card *card, const uint8_t given[PIV_TICKET])
{
    return ticket_left_us(card) != 0 && crypto_equal(piv_state(card)->otp.ticket, given, PIV_TICKET);
}

void piv_otp_before(struct fw_card *card, const struct fw_command *c)
{
    struct piv_otp *otp = &piv_state(card)->otp;
    bool uses_key = c->ins == 0x87 && c->p2 != PIV_MANAGEMENT;
    bool goes_on = uses_key && (c->cla & 0x10) != 0;
    otp->permitted = uses_key && !goes_on && otp->permit;
    otp->permit = goes_on && otp->permit;
}

enum fw_status piv_otp_permit(struct fw_card *card, uint8_t reference)
{
    const struct piv *piv = piv_state(card);
    struct gates gates;
    unsigned gate = GATE_NONE;
    if (!read_gates(card, &gates))
        return FW_MEMORY_FAILURE;
    for (size_t i = 0; i < gates.len; i += 2)
        if (gates.pair[i] == reference)
            gate = gates.pair[i + 1];
    if (gate == GATE_NONE)
        return FW_OK;
    if (!piv->pin_verified)
        return FW_SECURITY_STATUS;
    if (gate == GATE_ONCE)
        return ticket_left_us(card) != 0 && piv->otp.ticketed ? FW_OK : FW_CONDITIONS_OF_USE;
    return piv->otp.permitted ? FW_OK : FW_CONDITIONS_OF_USE;
}

/* -- VERIFY of a code
 * ------------------------------------------------------------------------------------------ */

/* RFC 4226, 5.3. */
static bool hotp(const struct secret *s, uint64_t counter, uint32_t *code)
{
    static const uint32_t modulus[] = {1000000, 10000000, 100000000};
    uint8_t message[8], mac[64];
    put_number(message, sizeof message, counter);
    if (!crypto_hmac(CRYPTO_SHA1, s->key, s->key_len, message, sizeof message, mac))
        return false;
    const uint8_t *at = mac + (mac[19] & 0x0F);
    *code = ((uint32_t)get_number(at, 4) & 0x7FFFFFFF) % modulus[s->digits - DIGITS_MIN];
    crypto_wipe(mac, sizeof mac);
    return true;
}

/* 1 when both are the same, without a branch. */
static uint64_t same(uint32_t a, uint32_t b)
{
    return ((uint64_t)(a ^ b) - 1) >> 63;
}

/* Looks for count codes in a row; every value of the window is computed, whatever is found. *behind: the
 * counter behind the match, or the counter as it is. */
static bool search(const struct secret *s, const uint32_t *given, unsigned count, uint64_t *behind)
{
    unsigned window = count == 1 ? s->look_ahead : s->resync;
    uint64_t step = 0; /* from the counter, 0: no match */
    uint32_t code = 0, next = 0;
    bool good = hotp(s, s->counter, &code);
    for (unsigned i = 0; i < window && good; i++, code = next) {
        good = hotp(s, s->counter + i + 1, &next);
        uint64_t match = same(code, given[0]) & (count == 1 ? 1 : same(next, given[1]));
        uint64_t first = ((step - 1) >> 63) & match;
        step |= (0 - first) & (i + count);
    }
    *behind = s->counter + (s->counter <= COUNTER_MAX ? step : 0);
    return good;
}

static bool read_codes(const struct fw_command *c, const struct secret *s, uint32_t given[2], unsigned *count)
{
    *count = c->len == 2 * (size_t)s->digits && s->resync != 0 ? 2 : 1;
    if (c->len != *count * (size_t)s->digits)
        return false;
    for (size_t i = 0; i < c->len; i++) {
        uint32_t *code = &given[i / s->digits];
        if (c->data[i] < '0' || c->data[i] > '9')
            return false;
        *code = *code * 10 + (uint32_t)(c->data[i] - '0');
    }
    return true;
}

static enum fw_status tries_left(const struct secret *s)
{
    return s->left == 0 ? FW_BLOCKED : (enum fw_status)(FW_TRIES + s->left);
}

static enum fw_status save_moving(struct fw_card *card, const struct secret *s)
{
    fw_store_begin(&card->store);
    put_moving(card, s);
    return piv_commit(card);
}

/* The try is gone on storage before the search, the counter before anybody learns of the result; both
 * writes are made whatever the result is. */
static enum fw_status check(struct fw_card *card, struct secret *s, const uint32_t given[2], unsigned count)
{
    uint64_t behind;
    s->left--;
    enum fw_status status = save_moving(card, s);
    if (status != FW_OK)
        return status;
    if (!search(s, given, count, &behind))
        return FW_FAILURE;
    bool right = behind != s->counter;
    s->left = right ? s->tries : s->left;
    s->counter = behind;
    status = save_moving(card, s);
    if (status != FW_OK)
        return status;
    return right ? FW_OK : (enum fw_status)(FW_TRIES + s->left);
}

static enum fw_status accept(struct fw_card *card, const struct fw_command *c, const struct secret *s,
                             const uint8_t ticket[PIV_TICKET], struct fw_reply *r)
{
    struct piv_otp *otp = &piv_state(card)->otp;
    if (c->p1 == FOR_PERMIT) {
        otp->permit = true;
        return FW_OK;
    }
    memcpy(otp->ticket, ticket, PIV_TICKET);
    otp->until_us = now_us(card) + (uint64_t)s->lifetime * TICKET_US;
    otp->alive = otp->ticketed = true;
    fw_put(r, otp->ticket, PIV_TICKET);
    return FW_OK;
}

static enum fw_status verify(struct fw_card *card, const struct fw_command *c, struct secret *s,
                             struct fw_reply *r)
{
    const struct hal_random *random = &card->hal->random;
    uint32_t given[2] = {0};
    uint8_t ticket[PIV_TICKET];
    unsigned count;
    if (c->p1 == LOGOUT && c->len == 0) {
        piv_otp_forget(card);
        return FW_OK;
    }
    if (c->p1 == FOR_PERMIT && c->len == 0)
        return tries_left(s);
    if (c->p1 == LOGOUT || !read_codes(c, s, given, &count))
        return FW_WRONG_DATA;
    if (!piv_state(card)->pin_verified)
        return FW_SECURITY_STATUS;
    if (s->left == 0)
        return FW_BLOCKED;
    if (c->p1 == FOR_TICKET && !random->fill(random->world, ticket, sizeof ticket))
        return FW_FAILURE;
    enum fw_status status = check(card, s, given, count);
    if (status == FW_OK)
        status = accept(card, c, s, ticket, r);
    else if (s->left == 0)
        piv_otp_forget(card);
    crypto_wipe(ticket, sizeof ticket);
    return status;
}

enum fw_status piv_otp_verify(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct secret secret;
    if (c->p1 != FOR_PERMIT && c->p1 != FOR_TICKET && c->p1 != LOGOUT)
        return FW_WRONG_P1P2;
    enum fw_status status = read_secret(card, &secret);
    if (status == FW_OK)
        status = verify(card, c, &secret, r);
    crypto_wipe(&secret, sizeof secret);
    return status;
}

/* -- the issuer's instructions
 * --------------------------------------------------------------------------------- */

/* A data object of that many bytes as a number; absent: the default. False when it has another length. */
static bool take_number(const struct fw_tlv_table *table, uint32_t tag, size_t len, uint64_t absent,
                        uint64_t *value)
{
    const struct fw_tlv *row = fw_tlv_get(table, tag);
    *value = row == NULL || row->len != len ? absent : get_number(row->value, len);
    return row == NULL || row->len == len;
}

static bool read_install(const struct fw_command *c, struct secret *s)
{
    struct fw_tlv_table table;
    uint64_t digits, look_ahead, resync, tries, lifetime;
    if (!fw_tlv_split(c->data, c->len, &table))
        return false;
    for (size_t i = 0; i < table.count; i++)
        if (table.row[i].tag < 0x80 || table.row[i].tag > 0x86)
            return false;
    const struct fw_tlv *key = fw_tlv_get(&table, 0x80);
    if (key == NULL || key->len < KEY_MIN || key->len > KEY_MAX ||
        !take_number(&table, 0x81, 1, 6, &digits) || !take_number(&table, 0x82, 8, 0, &s->counter) ||
        !take_number(&table, 0x83, 1, 10, &look_ahead) || !take_number(&table, 0x84, 1, 100, &resync) ||
        !take_number(&table, 0x85, 1, 5, &tries) || !take_number(&table, 0x86, 2, 3600, &lifetime))
        return false;
    if (digits < DIGITS_MIN || digits > DIGITS_MAX || look_ahead < 1 || look_ahead > LOOK_AHEAD_MAX ||
        (resync != 0 && resync < look_ahead) || tries < 1 || tries > TRIES_MAX || lifetime == 0 ||
        s->counter > COUNTER_MAX)
        return false;
    s->digits = (uint8_t)digits;
    s->look_ahead = (uint8_t)look_ahead;
    s->resync = (uint8_t)resync;
    s->left = s->tries = (uint8_t)tries;
    s->lifetime = (uint16_t)lifetime;
    s->key_len = key->len;
    memcpy(s->key, key->value, key->len);
    return true;
}

enum fw_status piv_otp_install(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct secret secret = {0};
    enum fw_status status = FW_WRONG_DATA;
    (void)r;
    if (read_install(c, &secret)) {
        piv_otp_forget(card);
        fw_store_begin(&card->store);
        put_secret(card, &secret);
        put_moving(card, &secret);
        status = piv_commit(card);
    }
    crypto_wipe(&secret, sizeof secret);
    return status;
}

static bool can_have_gate(const struct fw_card *card, uint8_t reference)
{
    return piv_slot(card, reference) != NULL && reference != PIV_ATTESTATION;
}

/* By key reference, 0 where nothing is said: GATE_NONE has to be told from it. */
struct wanted {
    bool said[256];
    uint8_t gate[256];
};

static bool read_pairs(const struct fw_card *card, const struct fw_command *c, struct wanted *wanted,
                       bool *any)
{
    *any = false;
    if (c->len < 2 || c->len % 2 != 0 || c->len > sizeof((struct gates *)NULL)->pair)
        return false;
    for (size_t i = 0; i < c->len; i += 2) {
        uint8_t reference = c->data[i], gate = c->data[i + 1];
        if (!can_have_gate(card, reference) || gate > GATE_ALWAYS || wanted->said[reference])
            return false;
        wanted->said[reference] = true;
        wanted->gate[reference] = gate;
        *any = *any || gate != GATE_NONE;
    }
    return true;
}

enum fw_status piv_otp_set_gates(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct wanted wanted = {0};
    struct gates gates;
    bool any;
    (void)r;
    if (!read_pairs(card, c, &wanted, &any))
        return FW_WRONG_DATA;
    if (any && !fw_store_has(&card->store, RECORD_OTP_SECRET))
        return FW_CONDITIONS_OF_USE;
    if (!read_gates(card, &gates))
        return FW_MEMORY_FAILURE;
    for (size_t i = 0; i < gates.len; i += 2)
        if (!wanted.said[gates.pair[i]])
            wanted.gate[gates.pair[i]] = gates.pair[i + 1];
    gates.len = 0;
    for (unsigned reference = 0; reference < 256; reference++)
        if (wanted.gate[reference] != GATE_NONE) {
            gates.pair[gates.len++] = (uint8_t)reference;
            gates.pair[gates.len++] = wanted.gate[reference];
        }
    fw_store_begin(&card->store);
    if (gates.len != 0)
        fw_store_put(&card->store, RECORD_OTP_GATES, gates.pair, gates.len);
    else if (fw_store_has(&card->store, RECORD_OTP_GATES))
        fw_store_delete(&card->store, RECORD_OTP_GATES);
    return piv_commit(card);
}

enum fw_status piv_otp_unblock(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct secret secret;
    (void)r;
    if (c->len != 0)
        return FW_WRONG_DATA;
    enum fw_status status = read_secret(card, &secret);
    if (status == FW_OK) {
        piv_otp_forget(card);
        secret.left = secret.tries;
        status = save_moving(card, &secret);
    }
    crypto_wipe(&secret, sizeof secret);
    return status;
}

enum fw_status piv_otp_remove(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    (void)r;
    if (c->len != 0)
        return FW_WRONG_DATA;
    if (!fw_store_has(&card->store, RECORD_OTP_SECRET))
        return FW_NOT_FOUND;
    if (fw_store_has(&card->store, RECORD_OTP_GATES))
        return FW_CONDITIONS_OF_USE;
    piv_otp_forget(card);
    fw_store_begin(&card->store);
    piv_otp_erase(card);
    return piv_commit(card);
}

/* -- what anyone may know
 * -------------------------------------------------------------------------------------- */

void piv_otp_announce(struct fw_reply *r)
{
    static const uint8_t name[] = {'I', 'N', 'G', 'A', 'M', '-', 'O', 'T', 'P'}, version = 1;
    size_t mark = fw_open(r, 0x73);
    fw_put_tlv(r, 0x80, name, sizeof name);
    fw_put_tlv(r, 0x81, &version, 1);
    fw_close(r, mark);
}

enum fw_status piv_otp_state(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct secret s;
    struct gates gates;
    uint8_t version = 1, lifetime[2], left[2];
    if (c->len != 0)
        return FW_WRONG_DATA;
    enum fw_status status = read_secret(card, &s);
    if ((status != FW_OK && status != FW_NOT_FOUND) || !read_gates(card, &gates))
        return FW_MEMORY_FAILURE;
    const uint8_t tries[] = {s.left, s.tries}, windows[] = {s.look_ahead, s.resync};
    put_number(lifetime, sizeof lifetime, s.lifetime);
    put_number(left, sizeof left, (ticket_left_us(card) + TICKET_US - 1) / TICKET_US);
    fw_put_tlv(r, 0x80, &version, 1);
    fw_put_tlv(r, 0x81, tries, sizeof tries);
    fw_put_tlv(r, 0x82, &s.digits, 1);
    fw_put_tlv(r, 0x83, windows, sizeof windows);
    fw_put_tlv(r, 0x84, lifetime, sizeof lifetime);
    fw_put_tlv(r, 0x85, left, sizeof left);
    fw_put_tlv(r, 0x86, gates.pair, gates.len);
    crypto_wipe(&s, sizeof s);
    return FW_OK;
}
