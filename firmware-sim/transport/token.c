/* Runs exchanges on a card: presence, touches, timing and faults. */
#include "transport/token.h"

#include "transport/timing.h"

#include <stdlib.h>
#include <string.h>

static uint64_t now_us(const struct token *token)
{
    return token->hal.clock.now_us(token->hal.clock.world);
}

const uint8_t *token_atr(const struct token *token, size_t *len)
{
    *len = token->present ? token->profile->atr_len : 0;
    return token->profile->atr;
}

static uint64_t card_now(void *world)
{
    const struct token *token = world;
    struct hal_clock clock = posix_clock();
    return clock.now_us(clock.world) + token->ahead_us;
}

/* -- presence and power
 * ---------------------------------------------------------------------------------------- */

static void tell(struct token *token)
{
    if (token->watcher != NULL)
        token->watcher->changed(token->watcher);
}

/* Whatever was under way has no answer any more. */
static void abandon(struct token *token)
{
    loop_clear(token->loop, &token->later);
    loop_clear(token->loop, &token->waited);
    free(token->held);
    token->held = NULL;
    token->asked = false;
    token->touched = HAL_TOUCH_LATER;
    workshop_cancel(token->order);
    crypto_key_free(token->made);
    token->order = NULL;
    token->made = NULL;
    token->key_made = false;
}

static void no_answer(struct token *token)
{
    token_answered *answered = token->answered;
    token->answered = NULL;
    if (answered != NULL)
        answered(token->who, token->answer, 0);
}

static void lose_state(struct token *token)
{
    abandon(token);
    fw_card_reset(token->card);
    token->resets++;
}

void token_power_on(struct token *token)
{
    token->powered = token->present;
}

void token_power_off(struct token *token)
{
    if (!token->powered)
        return;
    token->powered = false;
    lose_state(token);
    log_event(token->log, token, "power off");
    tell(token);
}

void token_reset(struct token *token)
{
    if (!token->present)
        return;
    token->powered = true;
    lose_state(token);
    log_event(token->log, token, "reset");
    tell(token);
}

void token_remove(struct token *token)
{
    if (!token->present)
        return;
    token->present = token->powered = false;
    token->insertions++;
    lose_state(token);
    log_event(token->log, token, "removed");
    tell(token);
    no_answer(token);
}

bool token_insert(struct token *token)
{
    if (token->present)
        return true;
    if (token->storage.dead) { /* it starts from what its image holds, as after any power cut */
        cut_restore(&token->storage);
        if (fw_store_open(&token->card->store, &token->hal) != FW_STORE_READY)
            return false;
    }
    token->present = true;
    token->insertions++;
    log_event(token->log, token, "inserted");
    tell(token);
    return true;
}

/* -- touch
 * ------------------------------------------------------------------------------------------------------- */

static enum token_finger next_finger(struct token *token)
{
    enum token_finger finger = token->finger[0];
    if (token->fingers > 1) {
        token->fingers--;
        memmove(token->finger, token->finger + 1, token->fingers * sizeof token->finger[0]);
    }
    return finger;
}

static enum hal_touched ask_touch(void *world)
{
    struct token *token = world;
    enum hal_touched touched = token->touched;
    if (touched != HAL_TOUCH_LATER) {
        token->touched = HAL_TOUCH_LATER;
        return touched;
    }
    switch (next_finger(token)) {
    case FINGER_YES:
        return HAL_TOUCH_YES;
    case FINGER_NO:
        return HAL_TOUCH_NO;
    default:
        token->asked = true;
        return HAL_TOUCH_LATER;
    }
}

static void finish(struct token *token, size_t len);

static void go_on(struct token *token, enum hal_touched touched)
{
    loop_clear(token->loop, &token->waited);
    token->asked = false;
    token->touched = touched;
    size_t len = fw_card_resume(token->card, token->answer);
    token->touched = HAL_TOUCH_LATER;
    if (len != FW_LATER)
        finish(token, len);
}

static void touch_missed(struct loop_timer *timer)
{
    go_on((struct token *)(void *)((char *)timer - offsetof(struct token, waited)), HAL_TOUCH_NO);
}

bool token_touch(struct token *token, bool yes)
{
    if (!token->asked)
        return false;
    log_event(token->log, token, yes ? "touched" : "touch refused");
    go_on(token, yes ? HAL_TOUCH_YES : HAL_TOUCH_NO);
    return true;
}

/* -- keys ---------------------------------------------------------------------------------------- */

static void key_made(void *who, struct crypto_key *key)
{
    struct token *token = who;
    token->order = NULL;
    token->made = key;
    token->key_made = true;
    size_t len = fw_card_resume(token->card, token->answer);
    if (len != FW_LATER)
        finish(token, len);
}

/* RSA keys take long enough to be made elsewhere. */
static bool make_key(void *world, enum crypto_kind kind, struct crypto_key **key)
{
    struct token *token = world;
    if (token->key_made) {
        *key = token->made;
        token->made = NULL;
        token->key_made = false;
        return true;
    }
    if (crypto_is_rsa(kind) && token->workshop != NULL) {
        token->order = workshop_order(token->workshop, kind, key_made, token);
        if (token->order != NULL)
            return false;
    }
    *key = crypto_key_generate(kind);
    return true;
}

/* -- answers
 * ------------------------------------------------------------------------------------------------------ */

static void deliver(struct token *token, const uint8_t *answer, size_t len)
{
    token_answered *answered = token->answered;
    token->answered = NULL;
    log_response(token->log, token, answer, len, now_us(token) - token->started_us);
    if (answered != NULL)
        answered(token->who, answer, len);
}

static void deliver_held(struct loop_timer *timer)
{
    struct token *token = (struct token *)(void *)((char *)timer - offsetof(struct token, later));
    uint8_t *held = token->held;
    token->held = NULL;
    deliver(token, held, token->held_len);
    free(held);
}

static void hold(struct token *token, size_t len, uint64_t us)
{
    token->held = malloc(len);
    token->held_len = len;
    if (token->held == NULL || !loop_set(token->loop, &token->later, us)) {
        no_answer(token);
        return;
    }
    memcpy(token->held, token->answer, len);
}

/* What a rule makes of an answer; its new length. */
static size_t spoil(struct token *token, const struct fault_rule *rule, size_t len)
{
    uint8_t *a = token->answer;
    switch (rule->action) {
    case FAULT_TRUNCATE:
        return rule->value < len ? rule->value : len;
    case FAULT_CORRUPT:
        a[faults_draw(&token->faults, len)] ^= (uint8_t)(1U << faults_draw(&token->faults, 8));
        return len;
    case FAULT_OVERSIZE:
        if (rule->value > FW_ANSWER_MAX - len)
            return len;
        memmove(a + len - 2 + rule->value, a + len - 2, 2);
        memset(a + len - 2, 0xA5, rule->value);
        return len + rule->value;
    default:
        return len;
    }
}

/* The card has answered; now what the rule and the profile's timing do to that. */
static void finish(struct token *token, size_t len)
{
    const struct fault_rule *rule = token->rule;
    uint64_t wait = 0;
    bool mute = false;
    token->rule = NULL;
    if (token->storage.dead) {
        token_remove(token);
        return;
    }
    if (token->timing)
        wait = timing_of(token->card, len, now_us(token) - token->started_us);
    if (rule != NULL) {
        len = spoil(token, rule, len);
        wait += rule->action == FAULT_DELAY ? rule->value : 0;
        mute = rule->action == FAULT_DROP || len == 0;
        if (rule->action == FAULT_REMOVE_AFTER) {
            token_remove(token);
            return;
        }
    }
    bool resets = rule != NULL && rule->action == FAULT_RESET_AFTER;
    if (mute)
        no_answer(token);
    else if (wait != 0)
        hold(token, len, wait);
    else
        deliver(token, token->answer, len);
    if (resets)
        token_reset(token);
}

static void run(struct token *token, const uint8_t *command, size_t len)
{
    size_t n = fw_card_exchange(token->card, command, len, token->answer);
    if (n != FW_LATER) {
        finish(token, n);
        return;
    }
    if (!token->asked)
        return; /* a key is being made */
    log_event(token->log, token, "touch wanted");
    if (!loop_set(token->loop, &token->waited, token->touch_timeout_us))
        go_on(token, HAL_TOUCH_NO);
}

/* True when the rule leaves nothing to run. */
static bool prevent(struct token *token, const struct fault_rule *rule)
{
    switch (rule->action) {
    case FAULT_STATUS:
        token->answer[0] = (uint8_t)(rule->value >> 8);
        token->answer[1] = (uint8_t)rule->value;
        token->rule = NULL;
        finish(token, 2);
        return true;
    case FAULT_REMOVE:
        token_remove(token);
        return true;
    case FAULT_RESET:
        fw_card_reset(token->card);
        token->resets++;
        return false;
    case FAULT_CUT:
        cut_arm(&token->storage, rule->value);
        return false;
    default:
        return false;
    }
}

void token_exchange(struct token *token, const uint8_t *command, size_t len, token_answered *answered,
                    void *who)
{
    struct fw_command c;
    if (!token->present) {
        answered(who, token->answer, 0);
        return;
    }
    abandon(token);
    token->powered = true;
    token->exchanges++;
    token->started_us = now_us(token);
    token->answered = answered;
    token->who = who;
    token->rule = NULL;
    log_command(token->log, token, command, len);
    if (token->faults.count != 0) {
        const struct fw_instruction *row = fw_card_look(token->card, command, len, &c);
        token->rule = faults_pick(&token->faults, token->exchanges, row == NULL ? NULL : row->name, c.ins);
    }
    if (token->rule != NULL) {
        log_event(token->log, token, token->rule->text);
        if (prevent(token, token->rule))
            return;
    }
    run(token, command, len);
}

void token_forget(struct token *token, const void *who)
{
    if (token->who == who)
        token->answered = NULL;
}

void token_init(struct token *token, struct loop *loop, struct workshop *workshop, struct log *log,
                uint8_t *answer)
{
    memset(token, 0, sizeof *token);
    token->loop = loop;
    token->workshop = workshop;
    token->log = log;
    token->answer = answer;
    token->image.fd = -1;
    token->fingers = 1;
    token->finger[0] = FINGER_YES;
    token->touch_timeout_us = TOKEN_TOUCH_US;
    token->touched = HAL_TOUCH_LATER;
    token->later.due = deliver_held;
    token->waited.due = touch_missed;
    token->storage.inner = posix_storage(&token->image);
    token->hal = (struct fw_hal){.storage = cut_storage(&token->storage),
                                 .random = posix_random(),
                                 .clock = {token, card_now},
                                 .touch = {token, ask_touch},
                                 .keys = {token, make_key}};
}

void token_end(struct token *token)
{
    abandon(token);
}
