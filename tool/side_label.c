// The token's label, which Ingam's module keeps among its facts in the Key History (docs/card-facts.md).
#include "card/driver/driver.h"
#include "card/piv/content.h"
#include "card/piv/sequence.h"
#include "fault_card.h"
#include "label.h"
#include "side.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define TAG_FACTS 0xDA
#define TAG_LABEL 0x84
#define TAG_KEY   0xE0
#define VERSION   1
#define GROWTH    64 // more than label, version and lengths can add

bool label_fits(const char *label)
{
    size_t length = strlen(label);
    for (const char *at = label; *at != '\0';) {
        unsigned long point;
        size_t used = text_decode(at, &point);
        if (used == 0 || text_steers(point))
            return false;
        at += used;
    }
    return length <= LABEL_MOST && (length == 0 || label[length - 1] != ' '); // PKCS#11 pads with blanks
}

static bool only_keys(struct rd rest)
{
    struct rd key;
    while (!rd_end(&rest))
        if (!rd_tlv(&rest, TAG_KEY, &key))
            return false;
    return true;
}

// *keys: what follows the version and the label of now.
static bool facts_split(struct rd facts, struct rd *keys)
{
    struct rd old;
    uint8_t version;
    if (!rd_u8(&facts, &version) || version != VERSION || !rd_tlv_opt(&facts, TAG_LABEL, &old) ||
        !only_keys(facts))
        return false;
    *keys = facts;
    return true;
}

static void build_facts(struct wr *w, struct rd label, struct rd keys)
{
    size_t mark = wr_open(w, TAG_FACTS);
    wr_u8(w, VERSION);
    if (label.n > 0)
        wr_tlv(w, TAG_LABEL, label);
    wr_rd(w, keys);
    wr_close(w, mark);
}

bool label_build(struct wr *w, struct rd content, struct rd label)
{
    bool found = false;
    while (!rd_end(&content)) {
        struct rd element = content, value, keys;
        uint32_t tag;
        if (!rd_tlv_any(&content, &tag, &value))
            return false;
        element.n -= content.n;
        if (tag != TAG_FACTS) {
            wr_rd(w, element);
            continue;
        }
        if (found || !facts_split(value, &keys))
            return false;
        build_facts(w, label, keys);
        found = true;
    }
    if (!found && label.n > 0)
        build_facts(w, label, rd_of(NULL, 0));
    return !w->failed;
}

// E_NOT_FOUND: neither key nor certificate is in this slot.
static enum err is_used(struct card *card, const struct piv_slot *slot)
{
    struct driver_metadata told;
    struct rd head;
    size_t total;
    enum err error = driver_metadata(card, slot->ref, &told);
    return error == E_NOT_FOUND || error == E_UNSUPPORTED
               ? piv_get_data_head(card, slot->object, &head, &total)
               : error;
}

// The Key History of a card that has none yet: it counts the retired slots up to the last one in use.
static enum err first_history(struct card *card, struct wr *w, struct rd *content)
{
    struct piv_key_history history = {0};
    for (size_t i = PIV_SLOTS; i > PIV_ACTIVE_SLOTS && history.on_card == 0; i--) {
        enum err error = is_used(card, piv_slot_at(i - 1));
        if (error == E_OK)
            history.on_card = piv_slot_at(i - 1)->retired;
        else if (error != E_NOT_FOUND)
            return error;
    }
    err_clear(&card->trail);
    return piv_key_history_build(w, &history) && wr_done(w, content) ? E_OK : E_MEMORY;
}

static enum exit_code foreign(struct fault *fault)
{
    fault_set(fault, EXIT_MISMATCH, _("The token's label could not be changed."));
    fault_why(fault,
              _("what the token keeps beside it was written in a way that this program does not know"));
    fault_todo(fault, _("Use the version of Ingam that wrote it, or a newer one."));
    return fault_state(fault, _("Nothing on the token was changed."));
}

// Writes the object and reads it again.
static enum exit_code write_history(struct card *card, struct rd content, struct fault *fault)
{
    struct rd back;
    enum err error = piv_put_data(card, PIV_TAG_KEY_HISTORY, content);
    if (error == E_OK)
        error = piv_get_data(card, PIV_TAG_KEY_HISTORY, &back);
    if (error != E_OK)
        fault_card(fault, error, &card->trail, _("The token's label could not be changed."));
    else if (!rd_is(back, content.p, content.n))
        fault_set(fault, EXIT_MISMATCH, _("The token gives back another label than was written."));
    if (fault->code != EXIT_OK)
        fault_state(fault, _("The label is the old or the new one: ingam token list"));
    return fault->code;
}

static enum exit_code change(struct card *card, struct rd label, struct fault *fault)
{
    uint8_t first[64], *bytes;
    struct rd old, new;
    struct wr w = wr_of(first, sizeof first);
    enum err error = piv_get_data(card, PIV_TAG_KEY_HISTORY, &old);
    if (error == E_NOT_FOUND && label.n == 0)
        return EXIT_OK;
    if (error == E_NOT_FOUND)
        error = first_history(card, &w, &old);
    if (error != E_OK)
        return fault_card(fault, error, &card->trail, _("The token's label could not be read."));
    size_t room = old.n + GROWTH;
    if ((bytes = malloc(room)) == NULL)
        return fault_set(fault, EXIT_OTHER, _("Out of memory."));
    w = wr_of(bytes, room);
    if (!label_build(&w, old, label) || !wr_done(&w, &new))
        foreign(fault);
    else if (!rd_is(new, old.p, old.n))
        write_history(card, new, fault);
    free(bytes);
    return fault->code;
}

enum exit_code side_label(const struct module *module, const struct token *token, const struct secret *admin,
                          const char *label, struct fault *fault)
{
    struct side side;
    enum err error = side_hold(&side, module, token);
    if (error != E_OK)
        return fault_card(fault, error, NULL, _("The token could not be asked."));
    if (side_admin(&side.card, admin, fault) == EXIT_OK)
        change(&side.card, rd_of(label, strlen(label)), fault);
    side_forget(&side);
    return fault->code;
}
