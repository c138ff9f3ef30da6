// Choosing the kind of a card, and its optional commands.
#include "card/driver/driver.h"

#include "card/driver/kinds.h"

// Tried in this order; the last takes every card.
static const struct driver *const kinds[] = {&driver_otp_card, &driver_yubikey, &driver_plain};

const struct driver *driver_guess(struct rd atr)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->knows_atr && kinds[i]->knows_atr(atr))
            return kinds[i];
    return &driver_plain;
}

uint32_t driver_atr_caps(struct rd atr)
{
    return driver_guess(atr)->atr_caps;
}

static bool certain(const struct card *c)
{
    return c->driver->knows_atr && c->driver->knows_atr(rd_of(c->conn->atr, c->conn->atr_len));
}

bool driver_has_serial(const struct card *c)
{
    uint32_t caps = c->facts.caps_known == KNOWN_YES ? c->facts.caps : certain(c) ? c->driver->atr_caps : 0;
    return c->facts.serial == KNOWN_YES || (caps & CAP_SERIAL);
}

void driver_selected(struct card *c, struct rd template)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->knows_answer && kinds[i]->knows_answer(template)) {
            c->driver = kinds[i];
            c->facts.caps = kinds[i]->answer_caps;
            c->facts.caps_known = KNOWN_YES;
            return;
        }
}

bool driver_wants_codes(const struct card *c)
{
    return c->facts.caps_known == KNOWN_YES && (c->facts.caps & CAP_CODES);
}

static enum err learn(struct card *c)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i]->knows_answer)
            continue; // it would have said so
        enum err e = kinds[i]->learn ? kinds[i]->learn(c) : E_OK;
        if (e == E_UNSUPPORTED)
            continue;
        if (e == E_OK) {
            c->driver = kinds[i];
            c->facts.caps_known = KNOWN_YES;
            err_clear(&c->trail);
        }
        return e;
    }
    return E_UNSUPPORTED;
}

enum err driver_caps(struct card *c, uint32_t *caps)
{
    *caps = 0;
    if (c->facts.caps_known != KNOWN_YES) {
        enum err e = learn(c);
        if (e != E_OK)
            return FAIL(&c->trail, e, "learn what the card can do");
    }
    *caps = c->facts.caps;
    return E_OK;
}

enum err driver_needs(struct card *c, enum card_cap cap)
{
    uint32_t caps;
    enum err e = driver_caps(c, &caps);
    if (e == E_OK && !(caps & cap))
        e = FAIL(&c->trail, E_UNSUPPORTED, "the card can't do that");
    return e;
}

// For what every card known by its ATR may be asked without learning more: the answer tells.
static enum err may_ask(struct card *c, enum card_cap cap)
{
    return c->facts.caps_known != KNOWN_YES && certain(c) ? E_OK : driver_needs(c, cap);
}

enum err driver_version(struct card *c, uint8_t version[3])
{
    enum err e = driver_needs(c, CAP_VERSION);
    for (int i = 0; i < 3; i++)
        version[i] = e == E_OK ? c->facts.version[i] : 0;
    return e;
}

enum err driver_serial(struct card *c, uint32_t *serial)
{
    *serial = 0;
    if (c->facts.serial == KNOWN_NO)
        return FAIL(&c->trail, E_UNSUPPORTED, "serial number");
    // One command either way: what it answers says more than the version would.
    const struct driver *kind = c->driver->serial ? c->driver : &driver_yubikey;
    enum err e = kind->serial(c, serial);
    if (e == E_OK)
        c->facts.serial = KNOWN_YES;
    else if (e != E_MALFORMED && !tp_gone(e) && e != E_RESET && e != E_IO)
        c->facts.serial = KNOWN_NO;
    return e;
}

enum err driver_metadata(struct card *c, uint8_t ref, struct driver_metadata *out)
{
    *out = (struct driver_metadata){.tries_total = -1, .tries_left = -1};
    enum err e = may_ask(c, CAP_METADATA);
    return e == E_OK ? c->driver->metadata(c, ref, out) : e;
}

static bool key_fits(const struct driver_private *key)
{
    const struct piv_algorithm *a = key->algorithm;
    size_t half = a->block / 2;
    if (a->kind != PIV_RSA)
        return key->secret.n == a->block;
    return key->p.n == half && key->q.n == half && key->dp.n == half && key->dq.n == half &&
           key->qinv.n == half;
}

enum err driver_import(struct card *c, const struct piv_slot *slot, const struct driver_private *key,
                       enum piv_pin pin, enum piv_touch touch)
{
    if (!key_fits(key))
        return FAIL(&c->trail, E_ARGUMENT, "import: lengths");
    enum err e = driver_needs(c, CAP_IMPORT);
    if (e == E_OK && (pin != PIV_PIN_DEFAULT || touch != PIV_TOUCH_DEFAULT))
        e = driver_needs(c, CAP_POLICY);
    if (e == E_OK && key->algorithm->cap != 0)
        e = driver_needs(c, key->algorithm->cap);
    return e == E_OK ? c->driver->import(c, slot, key, pin, touch) : e;
}

enum err driver_move(struct card *c, const struct piv_slot *from, const struct piv_slot *to)
{
    enum err e = driver_needs(c, CAP_MOVE);
    return e == E_OK ? c->driver->move(c, from->ref, to->ref) : e;
}

enum err driver_delete(struct card *c, const struct piv_slot *slot)
{
    enum err e = driver_needs(c, CAP_MOVE);
    return e == E_OK ? c->driver->move(c, slot->ref, DRIVER_MOVE_NOWHERE) : e;
}

enum err driver_set_tries(struct card *c, uint8_t pin, uint8_t puk)
{
    if (pin == 0 || puk == 0)
        return FAIL(&c->trail, E_ARGUMENT, "set tries: zero");
    enum err e = driver_needs(c, CAP_SET_TRIES);
    return e == E_OK ? c->driver->set_tries(c, pin, puk) : e;
}

enum err driver_set_admin(struct card *c, const struct piv_cipher *cipher, struct rd key, bool touch)
{
    if (key.n != cipher->key)
        return FAIL(&c->trail, E_ARGUMENT, "management key: length");
    enum err e = driver_needs(c, CAP_SET_ADMIN);
    if (e == E_OK && cipher->block != 8)
        e = driver_needs(c, CAP_ADMIN_AES);
    return e == E_OK ? c->driver->set_admin(c, cipher, key, touch) : e;
}

enum err driver_attest(struct card *c, const struct piv_slot *slot, struct rd *certificate)
{
    *certificate = rd_of(NULL, 0);
    enum err e = driver_needs(c, CAP_ATTEST);
    return e == E_OK ? c->driver->attest(c, slot, certificate) : e;
}

enum err driver_reset(struct card *c)
{
    enum err e = driver_needs(c, CAP_RESET);
    return e == E_OK ? c->driver->reset(c) : e;
}
