/* A token: a card that can be in a reader or not, its finger, and what may come between it and its reader. */
#ifndef FW_TOKEN_H
#define FW_TOKEN_H

#include "applet/profile.h"
#include "hal/cut.h"
#include "hal/posix.h"
#include "transport/faults.h"
#include "transport/log.h"
#include "transport/loop.h"
#include "transport/workshop.h"

/* Told when the card comes, goes or loses its volatile state. */
struct token_watcher {
    void (*changed)(struct token_watcher *watcher);
};

typedef void token_answered(void *who, const uint8_t *answer, size_t len);

enum token_finger { FINGER_YES, FINGER_NO, FINGER_WAIT };
enum { TOKEN_FINGERS = 32, TOKEN_TOUCH_US = 15 * 1000000 };

struct token {
    struct loop *loop;
    struct log *log; /* NULL: none */
    struct posix_image image;
    struct cut_storage storage;
    struct fw_hal hal;
    struct fw_card *card;          /* NULL while there is none; then it is not present */
    const struct profile *profile; /* of the card that is or was there */
    uint32_t serial;
    bool present, powered;
    bool timing;
    uint64_t ahead_us;           /* of the card's clock before the system's */
    uint32_t insertions, resets; /* counters of the direct card socket */
    uint64_t exchanges;
    struct faults faults;
    struct token_watcher *watcher;

    /* What the finger does when a touch is asked for: the first one next, the last one from then on. */
    enum token_finger finger[TOKEN_FINGERS];
    size_t fingers;
    uint64_t touch_timeout_us;
    enum hal_touched touched; /* the answer when the command is run again */
    bool asked;               /* a touch is awaited */

    /* The key that was ordered: while it is made, and until the command that wants it takes it. */
    struct workshop *workshop;
    struct order *order;
    struct crypto_key *made;
    bool key_made; /* made is the answer, also when it is NULL */

    uint8_t *answer; /* FW_ANSWER_MAX bytes, shared by the tokens of a loop */
    uint8_t *held;   /* an answer that is not given yet */
    size_t held_len;
    uint64_t started_us;
    struct loop_timer later;  /* gives the held answer */
    struct loop_timer waited; /* the touch did not come */
    const struct fault_rule *rule;
    token_answered *answered; /* of the exchange under way, NULL: none */
    void *who;
};

/* A token without a card; its image is opened by image_open. */
void token_init(struct token *token, struct loop *loop, struct workshop *workshop, struct log *log,
                uint8_t *answer);
void token_end(struct token *token);

/* The ATR, empty when no card is present. */
const uint8_t *token_atr(const struct token *token, size_t *len);

/* False when the image does not open after a power cut. */
bool token_insert(struct token *token);
void token_remove(struct token *token);
void token_power_on(struct token *token);
void token_power_off(struct token *token);
void token_reset(struct token *token);

/* One exchange; answered is called once, at once or later, unless token_forget is called before. A length of
 * 0 says that no answer comes: the card is gone, or (it is present) it stays mute. One exchange at a time. */
void token_exchange(struct token *token, const uint8_t *command, size_t len, token_answered *answered,
                    void *who);
/* The one who asked is gone. */
void token_forget(struct token *token, const void *who);

/* The finger touches now: what waits for it goes on. False when nothing does. */
bool token_touch(struct token *token, bool yes);

#endif
