// The management key kept behind the PIN, as ykman keeps it: told, read, kept and taken away.
#include "card/piv/adminpin.h"
#include "card/piv/command.h"
#include "card/piv/sequence.h"
#include "card/transport/transport.h"
#include "fault_card.h"
#include "side.h"
#include "text.h"

#include <stdlib.h>

void side_forget(struct side *side)
{
    enum piv_forgot how = PIV_FORGOT_RESET_NEEDED;
    bool gone = piv_leave(&side->card, &how) == E_OK && how != PIV_FORGOT_RESET_NEEDED;
    card_end(&side->card, gone ? TP_LEAVE : TP_RESET);
    card_close(&side->card);
    tp_close(side->tp);
}

bool side_protected(const struct module *module, const struct token *token)
{
    struct side side;
    struct piv_adminpin note = {.stored = false};
    if (side_hold(&side, module, token) != E_OK)
        return false;
    bool stored = piv_adminpin_read(&side.card, &note) == E_OK && note.stored;
    side_release(&side);
    return stored;
}

// In the digits that PKCS#11 wants.
static struct secret *digits_of(struct rd key)
{
    static const char digits[] = "0123456789ABCDEF";
    struct secret *out = secret_room(2 * key.n);
    uint8_t *to = secret_bytes(out);
    for (size_t i = 0; to != NULL && i < key.n; i++) {
        to[2 * i] = (uint8_t)digits[key.p[i] >> 4];
        to[2 * i + 1] = (uint8_t)digits[key.p[i] & 15];
    }
    return out;
}

enum exit_code side_protected_key(const struct module *module, const struct token *token,
                                  const struct secret *pin, struct secret **digits, struct fault *fault)
{
    struct side side;
    struct secret *key = NULL;
    int tries = -1;
    *digits = NULL;
    enum err error = side_hold(&side, module, token);
    if (error != E_OK)
        return fault_card(fault, error, NULL, _("The token could not be asked."));
    error = piv_verify(&side.card, PIV_REF_PIN, secret_view(pin), &tries);
    if (error == E_OK)
        error = piv_adminpin_key(&side.card, &key);
    if (error != E_OK)
        fault_card(fault, error, &side.card.trail, _("The management key could not be read with the PIN."));
    else if ((*digits = digits_of(secret_view(key))) == NULL)
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    secret_free(key);
    side_forget(&side);
    return fault->code;
}

static struct secret *bytes_of(const struct secret *digits)
{
    struct rd text = secret_view(digits);
    struct secret *out = secret_room(text.n / 2);
    uint8_t *to = secret_bytes(out);
    for (size_t i = 0; to != NULL && i + 1 < text.n; i += 2) {
        const char pair[] = {(char)text.p[i], (char)text.p[i + 1], '\0'};
        to[i / 2] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return out;
}

enum exit_code side_protect(const struct module *module, const struct token *token,
                            const struct secret *admin, bool keep, struct fault *fault)
{
    struct side side;
    enum err error = side_hold(&side, module, token);
    if (error != E_OK)
        return fault_card(fault, error, NULL, _("The token could not be asked."));
    struct secret *key = NULL;
    if (side_admin(&side.card, admin, fault) == EXIT_OK) {
        key = bytes_of(admin);
        error = key == NULL ? E_MEMORY
                : keep      ? piv_adminpin_keep(&side.card, secret_view(key))
                            : piv_adminpin_drop(&side.card);
        if (error != E_OK)
            fault_card(fault, error, &side.card.trail,
                       _("What the token keeps behind the PIN could not be changed."));
    }
    secret_free(key);
    side_forget(&side);
    return fault->code;
}
