/* Reads fault rules and says which one holds for an exchange. */
#include "transport/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum value { NO_VALUE, HEX_VALUE, NUMBER };

static const struct {
    const char *word;
    enum fault_action action;
    enum value value;
    uint32_t least, most;
} actions[] = {
    {"sw", FAULT_STATUS, HEX_VALUE, 0x6000, 0x9FFF}, {"drop", FAULT_DROP, NO_VALUE, 0, 0},
    {"delay", FAULT_DELAY, NUMBER, 1, 600000000},    {"truncate", FAULT_TRUNCATE, NUMBER, 0, 65535},
    {"corrupt", FAULT_CORRUPT, NO_VALUE, 0, 0},      {"oversize", FAULT_OVERSIZE, NUMBER, 1, 60000},
    {"remove", FAULT_REMOVE, NO_VALUE, 0, 0},        {"remove-after", FAULT_REMOVE_AFTER, NO_VALUE, 0, 0},
    {"reset", FAULT_RESET, NO_VALUE, 0, 0},          {"reset-after", FAULT_RESET_AFTER, NO_VALUE, 0, 0},
    {"cut", FAULT_CUT, NUMBER, 1, 1000000},
};

static bool read_number(const char *text, int base, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, base);
    *out = n;
    return text[0] != '-' && end != text && *end == 0 && errno == 0 && n <= most;
}

static bool read_action(struct fault_rule *rule, const char *word, const char *value)
{
    uint64_t n = 0;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].word, word) != 0)
            continue;
        if (actions[i].value == NO_VALUE
                ? value != NULL
                : value == NULL ||
                      !read_number(value, actions[i].value == HEX_VALUE ? 16 : 10, actions[i].most, &n))
            return false;
        rule->action = actions[i].action;
        rule->value = (uint32_t)n;
        return n >= actions[i].least;
    }
    return false;
}

static bool read_probability(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == 0 && *out > 0 && *out <= 1;
}

/* 1: a condition; 0: none; -1: a wrong one. */
static int read_condition(struct fault_rule *rule, const char *word, const char *value)
{
    bool good;
    if (value == NULL)
        return 0;
    if (strcmp(word, "n") == 0)
        good = read_number(value, 10, UINT64_MAX, &rule->at) && rule->at != 0;
    else if (strcmp(word, "every") == 0)
        good = read_number(value, 10, UINT64_MAX, &rule->every) && rule->every != 0;
    else if (strcmp(word, "times") == 0)
        good = read_number(value, 10, UINT64_MAX, &rule->times) && rule->times != 0;
    else if (strcmp(word, "p") == 0)
        good = read_probability(value, &rule->probability);
    else if (strcmp(word, "ins") == 0)
        good = snprintf(rule->instruction, sizeof rule->instruction, "%s", value) <
               (int)sizeof rule->instruction;
    else
        return 0;
    return good ? 1 : -1;
}

bool faults_add(struct faults *faults, const char *text)
{
    struct fault_rule rule = {.probability = 1, .times = UINT64_MAX};
    char copy[FAULT_TEXT_MAX], *rest = copy, *word;
    bool acts = false;
    if (faults->count == FAULT_RULES_MAX || strlen(text) >= sizeof copy)
        return false;
    memcpy(copy, text, strlen(text) + 1);
    memcpy(rule.text, text, strlen(text) + 1);
    while ((word = strsep(&rest, ",")) != NULL) {
        char *value = strchr(word, '=');
        if (value != NULL)
            *value++ = 0;
        int condition = read_condition(&rule, word, value);
        if (condition < 0 || (condition == 0 && (acts || !read_action(&rule, word, value))))
            return false;
        acts = acts || condition == 0;
    }
    if (acts)
        faults->rule[faults->count++] = rule;
    return acts;
}

void faults_clear(struct faults *faults)
{
    faults->count = 0;
}

/* splitmix64: small, and the same everywhere */
static uint64_t draw(struct faults *faults)
{
    uint64_t z = faults->seed += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

uint64_t faults_draw(struct faults *faults, uint64_t limit)
{
    return draw(faults) % limit;
}

/* By name, with '-' for blanks, or by code in hexadecimal. */
static bool names(const char *wanted, const char *name, uint8_t code)
{
    uint64_t n;
    if (read_number(wanted, 16, 0xFF, &n) && n == code)
        return true;
    for (; name != NULL && *name != 0; name++, wanted++)
        if (*wanted != *name && !(*wanted == '-' && *name == ' '))
            return false;
    return name != NULL && *wanted == 0;
}

const struct fault_rule *faults_pick(struct faults *faults, uint64_t exchange, const char *instruction,
                                     uint8_t code)
{
    for (size_t i = 0; i < faults->count; i++) {
        struct fault_rule *rule = &faults->rule[i];
        if (rule->times == 0 || (rule->at != 0 && rule->at != exchange) ||
            (rule->every != 0 && exchange % rule->every != 0) ||
            (rule->instruction[0] != 0 && !names(rule->instruction, instruction, code)))
            continue;
        if (rule->probability < 1 && (double)(draw(faults) >> 11) * 0x1p-53 >= rule->probability)
            continue;
        rule->times--;
        return rule;
    }
    return NULL;
}
