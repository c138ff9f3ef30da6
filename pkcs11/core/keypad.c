/* PINs that are typed at the reader. */
#include "core/keypad.h"
#include "core/pin.h"
#include "core/token.h"

#define PAD_SECONDS 30 /* the card is held meanwhile: longer would shut other programs out */

bool keypad_here(struct slot *s)
{
    if (!s->module->settings.pin_pad || s->piv != NULL) /* access codes aren't digits alone */
        return false;
    if (!s->open && token_begin(s, TOKEN_TRY) == CKR_OK)
        token_end(s, TP_LEAVE);
    return s->open && s->card.conn->pad;
}

bool keypad_changes(struct slot *s)
{
    return keypad_here(s) && s->card.conn->pad_change;
}

static uint8_t seconds(const struct slot *s)
{
    int allowed = s->module->settings.pin_entry_seconds;
    return (uint8_t)(allowed < PAD_SECONDS ? allowed : PAD_SECONDS);
}

static CK_RV result(struct slot *s, enum err e, int tries)
{
    log_line(LOG_PIN, "slot %lu: at the reader's keypad: %s", s->id, err_name(e));
    switch (e) {
    case E_TIMEOUT:
    case E_CANCELLED:
        return CKR_FUNCTION_CANCELED;
    case E_ARGUMENT:
        return CKR_PIN_LEN_RANGE;
    case E_REFUSED:
    case E_CONDITIONS:
        return CKR_PIN_INVALID;
    default:
        return pin_result(s, e, tries);
    }
}

CK_RV keypad_verify(struct slot *s)
{
    int tries = -1;
    log_line(LOG_PIN, "slot %lu: the reader asks for the PIN", s->id);
    enum err e = piv_verify_pad(&s->card, PIV_REF_PIN, seconds(s), &tries);
    return result(s, e, tries);
}

CK_RV keypad_change(struct slot *s)
{
    int tries = -1;
    log_line(LOG_PIN, "slot %lu: the reader asks for the old PIN and a new one", s->id);
    enum err e = piv_change_pad(&s->card, PIV_REF_PIN, seconds(s), &tries);
    return result(s, e, tries);
}
