/* Runs exchanges on a card and keeps its presence and its counters. */
#include "transport/token.h"

static uint64_t now_us(const struct token *token)
{
    return token->hal.clock.now_us(token->hal.clock.world);
}

const uint8_t *token_atr(const struct token *token, size_t *len)
{
    const struct profile *p = profile_of(token->card);
    *len = token->present ? p->atr_len : 0;
    return p->atr;
}

static void tell(struct token *token)
{
    if (token->watcher != NULL)
        token->watcher->changed(token->watcher);
}

static void lose_state(struct token *token)
{
    fw_card_reset(token->card);
    token->resets++;
    log_event(token->log, token, "reset");
    tell(token);
}

void token_power_on(struct token *token)
{
    token->powered = token->present;
}

void token_power_off(struct token *token)
{
    bool powered = token->powered;
    token->powered = false;
    if (powered)
        lose_state(token);
}

void token_reset(struct token *token)
{
    if (!token->present)
        return;
    token->powered = true;
    lose_state(token);
}

static void answer(struct token *token, size_t len)
{
    token_answered *answered = token->answered;
    token->answered = NULL;
    log_response(token->log, token, token->answer, len, now_us(token) - token->started_us);
    if (answered != NULL)
        answered(token->who, token->answer, len);
}

void token_exchange(struct token *token, const uint8_t *command, size_t len, token_answered *answered,
                    void *who)
{
    if (!token->present) {
        answered(who, token->answer, 0);
        return;
    }
    token->powered = true;
    token->exchanges++;
    token->started_us = now_us(token);
    token->answered = answered;
    token->who = who;
    log_command(token->log, token, command, len);
    size_t n = fw_card_exchange(token->card, command, len, token->answer);
    if (n != FW_LATER)
        answer(token, n);
}

void token_forget(struct token *token, const void *who)
{
    if (token->who == who)
        token->answered = NULL;
}
