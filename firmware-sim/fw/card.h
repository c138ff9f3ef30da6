/* A card: its applets, its storage and the command that is under way. Thousands fit in a process. */
#ifndef FW_CARD_H
#define FW_CARD_H

#include "fw/command.h"
#include "fw/reply.h"
#include "fw/status.h"
#include "fw/store.h"
#include "fw/tlv.h"

enum {
    FW_BODY_MAX = 16384, /* bytes of a command's body, also over a chain */
    FW_ANSWER_MAX = 65536 + 2,
    FW_APPLETS = 4,
};

struct fw_card;

typedef enum fw_status fw_run(struct fw_card *card, const struct fw_command *command, struct fw_reply *reply);

/* One instruction. Anything not said here is refused, so a forgotten flag is safe. */
struct fw_instruction {
    const char *name; /* as its standard calls it */
    uint8_t ins;
    int p1, p2;         /* -1: any */
    bool chain;         /* its body may come in several commands */
    bool show, answer;  /* the body of the command, of the answer, is public */
    unsigned needs;     /* rights, asked of the applet before run; and features of the profile */
    unsigned since;     /* first firmware version that has it, as 0xMMmmpp; 0: all */
    unsigned extension; /* only where the kind has all of these */
    fw_run *run;
};

struct fw_applet {
    const char *name;
    uint8_t aid[16];
    size_t aid_len, aid_least; /* bytes of the AID, and of the shortest truncation that selects it */
    size_t state_size;
    const struct fw_instruction *instruction;
    size_t instructions;
    uint8_t more_ins;                                        /* asks for the rest of a long answer */
    bool (*has)(const struct fw_card *card, unsigned needs); /* the rights of an instruction are given */
    fw_run *select;                                          /* writes the answer to SELECT */
    void (*deselect)(struct fw_card *card); /* another applet was selected, or the card lost power */
    void (*before)(struct fw_card *card, const struct fw_command *command); /* every command it gets */
};

/* What a profile says to this layer. */
struct fw_kind {
    const struct fw_applet *applet[FW_APPLETS];
    unsigned version; /* 0xMMmmpp */
    unsigned extensions;
    bool extended;   /* takes extended length */
    size_t body_max; /* at most FW_BODY_MAX */
};

struct fw_card {
    const struct fw_kind *kind;
    const struct fw_hal *hal;
    struct fw_store store;
    const struct fw_applet *selected;
    void *state[FW_APPLETS];

    const struct fw_instruction *instruction; /* of the last command, NULL when there is none: for the log */
    bool waiting;                             /* for a touch or a key, in the middle of a command */
    struct fw_command command;                /* the one under way */
    bool chaining;                            /* more of it is to come */
    size_t body_len;
    uint8_t body[FW_BODY_MAX];
    size_t answer_len, answer_sent; /* what GET RESPONSE still has to give */
    uint8_t answer[FW_BODY_MAX + 512];
};

/* A card in a world; free it with fw_card_free. Its storage is opened by the caller. NULL: no memory. */
struct fw_card *fw_card_new(const struct fw_kind *kind, const struct fw_hal *hal);
void fw_card_free(struct fw_card *card);

/* Everything volatile is lost: selection, rights, chains. The first applet becomes the selected one. */
void fw_card_reset(struct fw_card *card);

enum { FW_LATER = 0 };

/* One exchange. Writes the answer with its status word, at most FW_ANSWER_MAX bytes, and gives its length;
 * FW_LATER when the card waits for a touch or a key: fw_card_resume gives the answer once hal has it. */
size_t fw_card_exchange(struct fw_card *card, const uint8_t *bytes, size_t len, uint8_t *answer);
size_t fw_card_resume(struct fw_card *card, uint8_t *answer);

/* The row that a command would be run by, NULL when there is none, and the command as far as it can be
 * parsed. */
const struct fw_instruction *fw_card_look(const struct fw_card *card, const uint8_t *bytes, size_t len,
                                          struct fw_command *command);

/* The state of the running applet, or of another one. */
void *fw_state(const struct fw_card *card, const struct fw_applet *applet);

#endif
