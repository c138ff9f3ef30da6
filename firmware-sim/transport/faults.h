/* Faults by rule: at which exchange what goes wrong. One line of text each, docs/ingam-sim.md lists the
 * words. */
#ifndef FW_FAULTS_H
#define FW_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_action {
    FAULT_STATUS,       /* answers with a status word; the command is not run */
    FAULT_DROP,         /* no answer */
    FAULT_DELAY,        /* the answer comes later */
    FAULT_TRUNCATE,     /* only so many bytes of the answer */
    FAULT_CORRUPT,      /* one bit of the answer is wrong */
    FAULT_OVERSIZE,     /* so many bytes too much before the status word */
    FAULT_REMOVE,       /* the card leaves the reader and the command is not run */
    FAULT_REMOVE_AFTER, /* the card leaves after the command, without an answer */
    FAULT_RESET,        /* the card loses its volatile state before the command */
    FAULT_RESET_AFTER,  /* the same after it */
    FAULT_CUT,          /* storage loses power at its n-th write, the card leaves */
};

enum { FAULT_RULES_MAX = 16, FAULT_TEXT_MAX = 120 };

struct fault_rule {
    uint64_t at, every; /* exchange numbers, 0: any */
    double probability; /* 1: always */
    char instruction[40];
    uint64_t times; /* that it may still happen */
    enum fault_action action;
    uint32_t value;
    char text[FAULT_TEXT_MAX];
};

struct faults {
    struct fault_rule rule[FAULT_RULES_MAX];
    size_t count;
    uint64_t seed;
};

/* Adds a rule; false, and nothing changed, when the text is none or there are too many. */
bool faults_add(struct faults *faults, const char *text);
void faults_clear(struct faults *faults);
/* The rule that holds for this exchange, counted as having happened; NULL when none does. */
const struct fault_rule *faults_pick(struct faults *faults, uint64_t exchange, const char *instruction,
                                     uint8_t code);
/* A number below limit, from the seed. */
uint64_t faults_draw(struct faults *faults, uint64_t limit);

#endif
