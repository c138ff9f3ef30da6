// Cards and services that come and go under an open connection: each change is waited for, not asked for
// again and again.
//
//   card-events STATE...     STATE: gone, back, down (no service)
//
// Prints "ready", then each state when it has come true, having checked what the old connection says.
#include "live.h"

#define PATIENCE_MS 20000

static bool present(struct tp *tp, struct tp_reader *list, size_t *n, enum err *e)
{
    *e = tp_list(tp, list, TP_READERS_MAX, n);
    for (size_t i = 0; i < *n; i++)
        if (list[i].state.present)
            return true;
    return false;
}

// Waits until the world is as the word says.
static void await(struct tp *tp, struct tp_wait *wait, const char *word)
{
    struct tp_reader list[TP_READERS_MAX];
    size_t n;
    enum err e;
    int64_t start = live_ms();
    for (;;) {
        bool in = present(tp, list, &n, &e);
        bool down = e == E_NO_SERVICE;
        if (strcmp(word, "down") == 0 ? down : strcmp(word, "back") == 0 ? in : !in && !down)
            break;
        CHECK(live_ms() - start < PATIENCE_MS);
        enum err woken = tp_wait(wait, list, n, PATIENCE_MS);
        CHECK(woken == E_OK);
    }
}

static void open_and_use(struct card *c, struct tp *tp)
{
    int tries;
    bool verified;
    live_open(c, tp);
    IS(card_begin(c, 2000, NULL), E_OK);
    IS(piv_ensure(c), E_OK);
    IS(piv_tries(c, PIV_REF_PIN, &tries, &verified), E_OK);
    card_end(c, TP_LEAVE);
}

// What a connection to a card that has gone says, and how soon.
static void is_dead(struct card *c)
{
    struct tp_state state;
    bool same = true;
    int64_t start = live_ms();
    enum err e = card_begin(c, 5000, NULL);
    CHECK(tp_gone(e));
    (void)!card_status(c, &state, &same);
    CHECK(!same);
    CHECK(tp_gone(card_begin(c, 5000, NULL)));
    CHECK(live_ms() - start < 1000);
    card_close(c);
    CHECK(live_ms() - start < 1000);
}

int main(int argc, char **argv)
{
    struct tp *tp = tp_default_new();
    struct card c;
    CHECK(tp);
    open_and_use(&c, tp);
    bool alive = true;
    // Its connection to the service stands before anybody is told to stop that: one still in the queue there
    // would stay.
    struct tp_wait *wait;
    IS(tp_wait_open(tp, &wait), E_OK);
    IS(tp_wait(wait, NULL, 0, 0), E_OK);
    printf("ready\n");
    fflush(stdout);
    for (int i = 1; i < argc; i++) {
        await(tp, wait, argv[i]);
        if (alive)
            is_dead(&c);
        alive = strcmp(argv[i], "back") == 0;
        if (alive)
            open_and_use(&c, tp);
        printf("%s\n", argv[i]);
        fflush(stdout);
    }
    if (alive)
        card_close(&c);
    tp_wait_close(wait);
    tp_close(tp);
    return 0;
}
