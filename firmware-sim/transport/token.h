/* A token: a card that can be in a reader or not, counted exchanges, and what may come between it and its
 * reader. */
#ifndef FW_TOKEN_H
#define FW_TOKEN_H

#include "applet/profile.h"
#include "hal/posix.h"
#include "transport/log.h"
#include "transport/loop.h"

struct token;

/* Told when the card comes, goes or loses its volatile state. */
struct token_watcher {
    void (*changed)(struct token_watcher *watcher);
};

typedef void token_answered(void *who, const uint8_t *answer, size_t len);

struct token {
    struct loop *loop;
    struct log *log; /* NULL: none */
    struct posix_image image;
    struct fw_hal hal;
    struct fw_card *card;
    uint32_t serial;
    bool present, powered;
    uint32_t insertions, resets; /* counters of the direct card socket */
    uint64_t exchanges;
    uint8_t *answer; /* FW_ANSWER_MAX bytes, shared by the tokens of a loop */
    struct token_watcher *watcher;
    uint64_t started_us;
    token_answered *answered; /* of the exchange under way, NULL: none */
    void *who;
};

/* The ATR, empty when no card is present. */
const uint8_t *token_atr(const struct token *token, size_t *len);

void token_power_on(struct token *token);
void token_power_off(struct token *token);
void token_reset(struct token *token);

/* One exchange; answered is called once, at once or later, unless token_forget is called before. A length of
 * 0 says that no answer will come (no card). One exchange at a time. */
void token_exchange(struct token *token, const uint8_t *command, size_t len, token_answered *answered,
                    void *who);
/* The one who asked is gone. */
void token_forget(struct token *token, const void *who);

#endif
