// The scripted transport.
#include "card/transport/script.h"

#include <stdlib.h>
#include <string.h>

struct script {
    struct tp tp;
    const struct script_step *steps;
    size_t count, next;
    size_t (*answer)(void *ctx, struct rd command, uint8_t *reply, size_t cap, enum err *error);
    void *ctx;
    uint8_t atr[TP_ATR_MAX];
    size_t atr_len;
    bool present, reset;
    uint32_t insertions;
    size_t exchanges, mismatches;
};

struct script_conn {
    struct tp_conn conn;
    struct script *script;
    bool held;
};

struct script_waiting {
    struct tp_wait wait;
    const struct script *script;
    bool cancelled;
};

static int nibble(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// The next pair of a text: a byte, -1 at the end, -2 for "??", -3 for '*'.
static int pair(const char **text)
{
    const char *s = *text;
    while (*s == ' ')
        s++;
    int value = -1;
    if (*s == '*')
        value = -3;
    else if (s[0] == '?' && s[1] == '?')
        value = -2;
    else if (*s && nibble(s[0]) >= 0 && nibble(s[1]) >= 0)
        value = nibble(s[0]) << 4 | nibble(s[1]);
    *text = value == -1 || value == -3 ? s : s + 2;
    return value;
}

static bool matches(const char *text, struct rd command)
{
    if (!text)
        return true;
    for (size_t i = 0;; i++) {
        int v = pair(&text);
        if (v == -3)
            return true;
        if (v == -1 || i == command.n)
            return v == -1 && i == command.n && *text == 0;
        if (v != -2 && v != command.p[i])
            return false;
    }
}

static size_t unhex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = 0;
    for (int v; (v = pair(&text)) >= 0 && n < cap;)
        out[n++] = (uint8_t)v;
    return n;
}

static void script_close(struct tp *tp)
{
    free(tp);
}

static struct tp_state state_of(const struct script *s)
{
    return (struct tp_state){.present = s->present, .insertions = s->insertions};
}

static enum err script_list(struct tp *tp, struct tp_reader *out, size_t cap, size_t *count)
{
    if (cap > 0) {
        const struct script *s = (const struct script *)tp;
        out[0] = (struct tp_reader){.name = "Script", .state = state_of(s), .atr_len = (uint8_t)s->atr_len};
        memcpy(out[0].atr, s->atr, s->atr_len);
        *count = 1;
    }
    return E_OK;
}

static enum err script_connect(struct tp *tp, const char *reader, struct tp_conn **out)
{
    struct script *s = (struct script *)tp;
    if (strcmp(reader, "Script") != 0)
        return E_NO_READER;
    if (!s->present)
        return E_NO_CARD;
    struct script_conn *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    *c = (struct script_conn){.conn = {.ops = tp->ops, .insertions = s->insertions}, .script = s};
    memcpy(c->conn.atr, s->atr, s->atr_len);
    c->conn.atr_len = (uint8_t)s->atr_len;
    *out = &c->conn;
    return E_OK;
}

static void script_disconnect(struct tp_conn *conn)
{
    free(conn);
}

static bool same_card(const struct script_conn *c)
{
    return c->script->present && c->script->insertions == c->conn.insertions;
}

static enum err script_begin(struct tp_conn *conn, int timeout_ms, bool *was_reset)
{
    struct script_conn *c = (struct script_conn *)conn;
    struct script *s = c->script;
    (void)timeout_ms;
    if (!same_card(c))
        return E_EXCHANGED;
    if (s->next < s->count && s->steps[s->next].reset)
        s->reset = true;
    *was_reset = s->reset;
    s->reset = false;
    c->held = true;
    return E_OK;
}

static enum err script_end(struct tp_conn *conn, enum tp_after after)
{
    struct script_conn *c = (struct script_conn *)conn;
    c->held = false;
    if (after != TP_LEAVE)
        c->script->reset = true;
    return same_card(c) ? E_OK : E_EXCHANGED;
}

static enum err play(struct script *s, struct rd command, uint8_t *reply, size_t cap, size_t *len)
{
    if (s->next == s->count || !matches(s->steps[s->next].command, command)) {
        s->mismatches++;
        return E_IO;
    }
    const struct script_step *step = &s->steps[s->next++];
    if (step->error != E_OK)
        return step->error;
    *len = unhex(step->reply, reply, cap);
    return E_OK;
}

static enum err script_transmit(struct tp_conn *conn, struct rd command, uint8_t *reply, size_t cap,
                                size_t *len)
{
    struct script_conn *c = (struct script_conn *)conn;
    struct script *s = c->script;
    if (!c->held)
        return E_ARGUMENT;
    if (!same_card(c))
        return E_EXCHANGED;
    s->exchanges++;
    if (!s->answer)
        return play(s, command, reply, cap, len);
    enum err e = E_IO;
    *len = s->answer(s->ctx, command, reply, cap, &e);
    return *len != 0 ? E_OK : e;
}

static enum err script_status(struct tp_conn *conn, struct tp_state *state)
{
    *state = state_of(((struct script_conn *)conn)->script);
    return E_OK;
}

static enum err script_wait_open(struct tp *tp, struct tp_wait **out)
{
    struct script_waiting *w = calloc(1, sizeof *w);
    if (!w)
        return E_MEMORY;
    *w = (struct script_waiting){.wait.ops = tp->ops, .script = (struct script *)tp};
    *out = &w->wait;
    return E_OK;
}

// Nothing happens by itself here, so what isn't different now never will be.
static enum err script_wait(struct tp_wait *wait, const struct tp_reader *known, size_t count, int timeout_ms)
{
    const struct script_waiting *w = (const struct script_waiting *)wait;
    (void)timeout_ms;
    if (w->cancelled)
        return E_CANCELLED;
    bool same = count == 1 && strcmp(known->name, "Script") == 0 &&
                known->state.present == w->script->present &&
                known->state.insertions == w->script->insertions;
    return same ? E_TIMEOUT : E_OK;
}

static void script_wait_cancel(struct tp_wait *wait)
{
    ((struct script_waiting *)wait)->cancelled = true;
}

static void script_wait_close(struct tp_wait *wait)
{
    free(wait);
}

static const struct tp_ops ops = {
    .name = "script",
    .close = script_close,
    .list = script_list,
    .connect = script_connect,
    .disconnect = script_disconnect,
    .begin = script_begin,
    .end = script_end,
    .transmit = script_transmit,
    .status = script_status,
    .wait_open = script_wait_open,
    .wait = script_wait,
    .wait_cancel = script_wait_cancel,
    .wait_close = script_wait_close,
};

static struct script *make(void)
{
    struct script *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct script){.tp.ops = &ops, .present = true, .insertions = 1, .atr = {0x3B, 0x00}, .atr_len = 2};
    return s;
}

struct tp *script_new(const struct script_step *steps, size_t count)
{
    struct script *s = make();
    if (!s)
        return NULL;
    s->steps = steps;
    s->count = count;
    return &s->tp;
}

struct tp *script_new_call(size_t (*answer)(void *ctx, struct rd command, uint8_t *reply, size_t cap,
                                            enum err *error),
                           void *ctx)
{
    struct script *s = make();
    if (!s)
        return NULL;
    s->answer = answer;
    s->ctx = ctx;
    return &s->tp;
}

void script_reset(struct tp *tp)
{
    ((struct script *)tp)->reset = true;
}

void script_pull(struct tp *tp, bool present)
{
    struct script *s = (struct script *)tp;
    if (s->present != present)
        s->insertions++;
    s->present = present;
}

void script_atr(struct tp *tp, struct rd atr)
{
    struct script *s = (struct script *)tp;
    s->atr_len = atr.n < TP_ATR_MAX ? atr.n : TP_ATR_MAX;
    memcpy(s->atr, atr.p, s->atr_len);
}

size_t script_exchanges(const struct tp *tp)
{
    return ((const struct script *)tp)->exchanges;
}

size_t script_mismatches(const struct tp *tp)
{
    return ((const struct script *)tp)->mismatches;
}

bool script_finished(const struct tp *tp)
{
    const struct script *s = (const struct script *)tp;
    return s->next == s->count && s->mismatches == 0;
}
