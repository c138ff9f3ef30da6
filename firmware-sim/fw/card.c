/* Takes commands apart, joins chains, finds the instruction's row, and cuts long answers to size. */
#include "fw/card.h"

#include "hal/crypto.h"

#include <stdlib.h>
#include <string.h>

enum { CLA_CHAIN = 0x10, INS_SELECT = 0xA4, INS_GET_RESPONSE = 0xC0 };

static const struct fw_instruction select_row = {
    .name = "SELECT", .ins = INS_SELECT, .show = true, .answer = true};
static const struct fw_instruction more_row = {.name = "GET RESPONSE", .ins = INS_GET_RESPONSE};

struct fw_card *fw_card_new(const struct fw_kind *kind, const struct fw_hal *hal)
{
    struct fw_card *card = calloc(1, sizeof *card);
    if (card == NULL)
        return NULL;
    card->kind = kind;
    card->hal = hal;
    for (int i = 0; i < FW_APPLETS && kind->applet[i] != NULL; i++) {
        card->state[i] = calloc(1, kind->applet[i]->state_size);
        if (card->state[i] == NULL) {
            fw_card_free(card);
            return NULL;
        }
    }
    card->selected = kind->applet[0];
    return card;
}

static void deselect(struct fw_card *card)
{
    if (card->selected != NULL && card->state[0] != NULL && card->selected->deselect != NULL)
        card->selected->deselect(card);
}

static void forget_exchange(struct fw_card *card)
{
    crypto_wipe(card->body, card->body_len);
    crypto_wipe(card->answer, card->answer_len);
    card->chaining = card->waiting = false;
    card->body_len = card->answer_len = card->answer_sent = 0;
}

void fw_card_free(struct fw_card *card)
{
    if (card == NULL)
        return;
    deselect(card);
    forget_exchange(card);
    for (int i = 0; i < FW_APPLETS; i++)
        free(card->state[i]);
    free(card);
}

void fw_card_reset(struct fw_card *card)
{
    deselect(card);
    forget_exchange(card);
    card->selected = card->kind->applet[0];
    card->instruction = NULL;
}

void *fw_state(const struct fw_card *card, const struct fw_applet *applet)
{
    for (int i = 0; i < FW_APPLETS && card->kind->applet[i] != NULL; i++)
        if (card->kind->applet[i] == applet)
            return card->state[i];
    abort(); /* an applet's code runs only on cards that have the applet */
}

/* SELECT by name, right-truncated (SP 800-73-4 part 2, 3.1.1; ISO/IEC 7816-4 11.2.2). After failure the
 * selected applet stays selected. */
static enum fw_status run_select(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    if (c->p1 != 0x04 || c->p2 != 0x00)
        return FW_WRONG_P1P2;
    for (int i = 0; i < FW_APPLETS && card->kind->applet[i] != NULL; i++) {
        const struct fw_applet *a = card->kind->applet[i];
        if (c->len < a->aid_least || c->len > a->aid_len || memcmp(c->data, a->aid, c->len) != 0)
            continue;
        if (a != card->selected)
            deselect(card);
        card->selected = a;
        return a->select(card, c, r);
    }
    return FW_FILE_NOT_FOUND;
}

static const struct fw_instruction *find_row(const struct fw_card *card, const struct fw_command *c,
                                             bool *known)
{
    const struct fw_applet *a = card->selected;
    *known = false;
    for (size_t i = 0; i < a->instructions; i++) {
        const struct fw_instruction *row = &a->instruction[i];
        if (row->ins != c->ins || row->since > card->kind->version ||
            (row->extension & ~card->kind->extensions) != 0)
            continue;
        *known = true;
        if ((row->p1 == -1 || row->p1 == c->p1) && (row->p2 == -1 || row->p2 == c->p2))
            return row;
    }
    return NULL;
}

static size_t finish(enum fw_status status, uint8_t *answer)
{
    answer[0] = (uint8_t)(status >> 8);
    answer[1] = (uint8_t)status;
    return 2;
}

/* Sends as much as the reader can take, and says how much is left (ISO/IEC 7816-4 5.3.4). */
static size_t send_some(struct fw_card *card, size_t le, uint8_t *answer)
{
    size_t left = card->answer_len - card->answer_sent;
    size_t n = left < le ? left : le;
    memcpy(answer, card->answer + card->answer_sent, n);
    card->answer_sent += n;
    left -= n;
    if (left == 0) {
        crypto_wipe(card->answer, card->answer_len);
        card->answer_len = card->answer_sent = 0;
        return n + finish(FW_OK, answer + n);
    }
    return n + finish((enum fw_status)(FW_MORE + (left > 255 ? 0 : left)), answer + n);
}

static size_t run(struct fw_card *card, uint8_t *answer)
{
    const struct fw_command *c = &card->command;
    struct fw_reply reply = {.bytes = card->answer, .cap = sizeof card->answer};
    enum fw_status status = card->instruction->run(card, c, &reply);
    card->waiting = status == FW_WAIT;
    if (card->waiting)
        return FW_LATER;
    crypto_wipe(card->body, card->body_len);
    card->body_len = 0;
    if (status == FW_OK && reply.full)
        status = FW_FAILURE;
    if (status != FW_OK || reply.len == 0) {
        crypto_wipe(card->answer, reply.len);
        return finish(status, answer);
    }
    card->answer_len = reply.len;
    return send_some(card, c->le, answer);
}

static enum fw_status refusal(struct fw_card *card, const struct fw_command *c, bool known)
{
    const struct fw_instruction *row = card->instruction;
    if (!known)
        return FW_UNKNOWN_INS;
    if (row == NULL)
        return FW_WRONG_P1P2;
    if ((c->cla & CLA_CHAIN) != 0 && !row->chain)
        return FW_UNKNOWN_CLA;
    if (row->needs != 0 && !card->selected->has(card, row->needs))
        return FW_SECURITY_STATUS;
    return FW_OK;
}

/* Adds a command's body to what came before it in the chain. */
static bool collect(struct fw_card *card, const struct fw_command *c)
{
    if (!card->chaining)
        card->body_len = 0;
    if (c->len > card->kind->body_max - card->body_len)
        return false;
    memcpy(card->body + card->body_len, c->data, c->len);
    card->body_len += c->len;
    return true;
}

static bool continues(const struct fw_card *card, const struct fw_command *c)
{
    const struct fw_command *first = &card->command;
    return card->chaining && c->ins == first->ins && c->p1 == first->p1 && c->p2 == first->p2;
}

static size_t run_command(struct fw_card *card, const struct fw_command *c, uint8_t *answer)
{
    bool known;
    if (!continues(card, c))
        card->chaining = false;
    if (card->selected->before != NULL)
        card->selected->before(card, c);
    card->instruction = find_row(card, c, &known);
    enum fw_status status = refusal(card, c, known);
    if (status == FW_OK && !collect(card, c))
        status = FW_WRONG_LENGTH;
    if (status != FW_OK) {
        card->chaining = false;
        return finish(status, answer);
    }
    card->command = *c;
    card->command.data = card->body;
    card->command.len = card->body_len;
    card->chaining = (c->cla & CLA_CHAIN) != 0;
    return card->chaining ? finish(FW_OK, answer) : run(card, answer);
}

/* OATH has an instruction A4 of its own, told apart by P1. */
static bool is_select(const struct fw_card *card, const struct fw_command *c)
{
    bool known;
    return c->ins == INS_SELECT && (c->p1 == 0x04 || find_row(card, c, &known) == NULL);
}

static size_t exchange_select(struct fw_card *card, const struct fw_command *c, uint8_t *answer)
{
    struct fw_reply reply = {.bytes = card->answer, .cap = sizeof card->answer};
    card->chaining = false;
    if (card->selected->before != NULL)
        card->selected->before(card, c);
    card->instruction = &select_row;
    enum fw_status status = run_select(card, c, &reply);
    if (status != FW_OK)
        return finish(status, answer);
    card->answer_len = reply.len;
    return send_some(card, c->le, answer);
}

/* The class byte: no secure messaging, no logical channels (ISO/IEC 7816-4 5.4.1). */
static enum fw_status check_class(const struct fw_card *card, const struct fw_command *c)
{
    if (c->extended && !card->kind->extended)
        return FW_WRONG_LENGTH;
    if ((c->cla & ~CLA_CHAIN) == 0)
        return FW_OK;
    return (c->cla & 0xE0) == 0 && (c->cla & 0x0C) != 0 ? FW_NO_SECURE_MESSAGING : FW_UNKNOWN_CLA;
}

size_t fw_card_exchange(struct fw_card *card, const uint8_t *bytes, size_t len, uint8_t *answer)
{
    struct fw_command c;
    card->instruction = NULL;
    card->waiting = false;
    if (!fw_command_parse(bytes, len, &c))
        return finish(FW_WRONG_LENGTH, answer);
    enum fw_status status = check_class(card, &c);
    if (status != FW_OK)
        return finish(status, answer);
    if (c.ins == card->selected->more_ins && card->answer_len != 0) {
        card->instruction = &more_row;
        return send_some(card, c.le, answer);
    }
    crypto_wipe(card->answer, card->answer_len);
    card->answer_len = card->answer_sent = 0;
    if (c.ins == INS_GET_RESPONSE || c.ins == card->selected->more_ins) {
        card->instruction = &more_row;
        return finish(FW_CONDITIONS_OF_USE, answer);
    }
    return is_select(card, &c) ? exchange_select(card, &c, answer) : run_command(card, &c, answer);
}

size_t fw_card_resume(struct fw_card *card, uint8_t *answer)
{
    return run(card, answer);
}

const struct fw_instruction *fw_card_look(const struct fw_card *card, const uint8_t *bytes, size_t len,
                                          struct fw_command *command)
{
    bool known;
    if (!fw_command_parse(bytes, len, command)) {
        command->len = 0;
        return NULL;
    }
    if (is_select(card, command))
        return &select_row;
    if (command->ins == INS_GET_RESPONSE || command->ins == card->selected->more_ins)
        return &more_row;
    return find_row(card, command, &known);
}
