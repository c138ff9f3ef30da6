// The card pulled, or the service killed, at every exchange of a session's work; and others' resets and
// selections between any two transactions. Each time: an answer within a second, no try lost, and afterwards
// everything works again.
//
//   card-pulled SIM IMAGE direct SOCKET
//   card-pulled SIM IMAGE vpcd PORT PCSCD-RUN-PID
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live_key.h"

enum blow { NO_BLOW, BEFORE, AFTER };

// A transport around the real one, which does something at one chosen exchange, or before each transaction.
static struct world {
    struct tp tp;
    struct tp_ops ops;
    struct tp *real;
    const struct tp_ops *real_ops;
    const char *sim, *image, *where;
    bool direct;
    pid_t sim_pid, pcscd_run;
    size_t exchanges; // of the work so far
    size_t strike_at; // 1...
    enum blow blow;
    void (*strike)(void);
    void (*disturb)(void); // before a transaction
    bool disturbing;
} world;

static void start_sim(void)
{
    int out[2];
    char address[300];
    char c;
    CHECK(pipe2(out, O_CLOEXEC) == 0);
    snprintf(address, sizeof address, world.direct ? "unix:%s" : "127.0.0.1:%s", world.where);
    unlink(world.where);
    fflush(NULL);
    world.sim_pid = fork();
    if (world.sim_pid == 0) {
        dup2(out[1], 1);
        execl(world.sim, world.sim, "--image", world.image, world.direct ? "--listen" : "--vpcd", address,
              "--profile", "yubikey-5.7", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    CHECK(read(out[0], &c, 1) == 1 && c == 'r'); // "ready"
    close(out[0]);
}

static void stop_sim(void)
{
    if (world.sim_pid <= 0)
        return;
    CHECK(kill(world.sim_pid, SIGKILL) == 0);
    CHECK(waitpid(world.sim_pid, NULL, 0) == world.sim_pid);
    world.sim_pid = 0;
}

// Waits until the list is as wanted.
static void await(struct tp *tp, bool want_service, bool want_card)
{
    struct tp_wait *wait;
    struct tp_reader list[TP_READERS_MAX];
    size_t n;
    int64_t start = live_ms();
    IS(tp_wait_open(tp, &wait), E_OK);
    for (;;) {
        enum err e = tp_list(tp, list, TP_READERS_MAX, &n);
        bool card = false;
        for (size_t i = 0; i < n; i++)
            card = card || (list[i].state.present && !list[i].state.mute);
        if ((e == E_OK) == want_service && card == want_card)
            break;
        CHECK(live_ms() - start < 20000);
        IS(tp_wait(wait, list, n, 20000), E_OK);
    }
    tp_wait_close(wait);
}

static void stop_pcscd(void)
{
    CHECK(kill(world.pcscd_run, SIGUSR1) == 0);
    await(world.real, false, false);
}

// One connection of somebody else's: resets the card, or selects another applet.
static void other(enum tp_after after, bool select)
{
    struct card c;
    world.disturbing = true;
    live_open(&c, world.real);
    IS(card_begin(&c, 2000, NULL), E_OK);
    if (select) {
        static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01};
        const struct apdu a = {
            .name = "SELECT", .ins = 0xA4, .p1 = 4, .body = rd_of(aid, sizeof aid), .expected = 256};
        struct rd v;
        IS(chan_send(&c.chan, &a, &v), E_OK);
    }
    card_end(&c, after);
    card_close(&c);
    world.disturbing = false;
}

static void resets(void)
{
    other(TP_RESET, false);
}

static void selects(void)
{
    other(TP_LEAVE, true);
}

static enum err begin(struct tp_conn *conn, int timeout_ms, bool *was_reset)
{
    if (world.disturb && !world.disturbing)
        world.disturb();
    return world.real_ops->begin(conn, timeout_ms, was_reset);
}

static enum err transmit(struct tp_conn *conn, struct rd command, uint8_t *reply, size_t cap, size_t *len)
{
    bool now = ++world.exchanges == world.strike_at;
    if (now && world.blow == BEFORE)
        world.strike();
    enum err e = world.real_ops->transmit(conn, command, reply, cap, len);
    if (now && world.blow == AFTER) {
        // The card has done it, the answer is lost.
        world.strike();
        e = world.real_ops->transmit(conn, command, reply, cap, len);
    }
    return e;
}

static enum err list_through(struct tp *tp, struct tp_reader *out, size_t cap, size_t *count)
{
    (void)tp;
    return world.real_ops->list(world.real, out, cap, count);
}

static enum err connect_through(struct tp *tp, const char *reader, struct tp_conn **out)
{
    (void)tp;
    enum err e = world.real_ops->connect(world.real, reader, out);
    if (e == E_OK)
        (*out)->ops = &world.ops;
    return e;
}

// The PIN is right, so no failure may cost a try.
static enum err with_pin(struct card *c)
{
    uint8_t digest[32] = {1};
    struct rd signature;
    enum piv_forgot how;
    enum err e = card_begin(c, 2000, NULL);
    if (e == E_OK)
        e = piv_ensure(c);
    if (e == E_OK)
        e = piv_verify(c, PIV_REF_PIN, rd_of("123456", 6), NULL);
    if (e == E_OK)
        e = piv_sign(c, piv_slot_by_ref(0x9C), piv_algorithm_by_id(0x11), rd_of(digest, 32), &signature);
    if (e == E_OK)
        e = piv_forget(c, &how);
    card_end(c, TP_LEAVE);
    return e;
}

static enum err with_admin(struct card *c)
{
    static uint8_t der[1200];
    uint8_t back[1500];
    size_t n = sizeof back;
    struct piv_public key;
    memset(der, 0x30, sizeof der);
    enum err e = card_begin(c, 2000, NULL);
    if (e == E_OK)
        e = piv_ensure(c);
    if (e == E_OK)
        e = piv_admin_any(c, &live_crypto, rd_of(live_admin, sizeof live_admin), NULL);
    if (e == E_OK)
        e = piv_generate(c, piv_slot_by_ref(0x9C), piv_algorithm_by_id(0x11), PIV_PIN_DEFAULT,
                         PIV_TOUCH_DEFAULT, &key);
    if (e == E_OK)
        e = piv_write_certificate(c, piv_slot_by_ref(0x9C), rd_of(der, sizeof der), false, 0);
    if (e == E_OK)
        e = piv_read_certificate(c, piv_slot_by_ref(0x9C), back, &n);
    if (e == E_OK)
        CHECK(rd_is(rd_of(der, sizeof der), back, n));
    card_end(c, TP_LEAVE);
    return e;
}

static enum err look(struct card *c)
{
    struct card_identity identity;
    int tries;
    bool verified;
    enum err e = card_begin(c, 2000, NULL);
    if (e == E_OK)
        e = piv_ensure(c);
    if (e == E_OK)
        e = piv_identity(c, &identity);
    if (e == E_OK)
        CHECK(identity.kind == IDENTITY_SERIAL);
    if (e == E_OK)
        e = piv_tries(c, PIV_REF_PIN, &tries, &verified);
    if (e == E_OK)
        CHECK(tries == 3);
    card_end(c, TP_LEAVE);
    return e;
}

// A whole session's work; how long the slowest step took that failed.
static enum err work(int64_t *slowest)
{
    static enum err (*const steps[])(struct card * c) = {look, with_admin, with_pin, look};
    struct tp_reader reader;
    struct card c;
    enum err e = E_OK;
    world.exchanges = 0;
    *slowest = 0;
    live_reader(world.real, &reader);
    IS(card_open(&c, &world.tp, reader.name, (struct trace){0}), E_OK);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && e == E_OK; i++) {
        int64_t start = live_ms();
        e = steps[i](&c);
        if (e != E_OK)
            *slowest = live_ms() - start;
    }
    int64_t start = live_ms();
    card_close(&c);
    *slowest += live_ms() - start;
    return e;
}

static void bring_back(void)
{
    stop_sim();
    if (!world.direct) {
        if (world.strike == stop_pcscd)
            CHECK(kill(world.pcscd_run, SIGHUP) == 0);
        await(world.real, true, false);
    }
    start_sim();
    await(world.real, true, true);
}

static void strike_everywhere(const char *what, void (*strike)(void), enum blow blow)
{
    int64_t slowest;
    int64_t worst = 0;
    size_t blows = 0;
    world.strike_at = 0;
    IS(work(&slowest), E_OK);
    size_t total = world.exchanges;
    CHECK(total > 12);
    world.strike = strike;
    for (size_t at = 1; at <= total; at++) {
        world.strike_at = at;
        world.blow = blow;
        enum err e = work(&slowest);
        CHECK(tp_gone(e));
        CHECK(slowest < 1000);
        worst = slowest > worst ? slowest : worst;
        bring_back();
        world.strike_at = 0;
        IS(work(&slowest), E_OK); // with all three tries, as `look` checks
        blows++;
    }
    printf("%s at each of %zu exchanges: answered within %lld ms\n", what, blows, (long long)worst);
}

static void disturb_everywhere(const char *what, void (*disturb)(void))
{
    int64_t slowest;
    world.strike_at = 0;
    world.disturb = disturb;
    IS(work(&slowest), E_OK);
    world.disturb = NULL;
    printf("%s before each transaction: the work goes on\n", what);
}

int main(int argc, char **argv)
{
    CHECK(argc >= 5);
    world.sim = argv[1];
    world.image = argv[2];
    world.direct = strcmp(argv[3], "direct") == 0;
    world.where = argv[4];
    world.pcscd_run = argc > 5 ? (pid_t)strtol(argv[5], NULL, 10) : 0;
    start_sim();
    world.real = tp_default_new();
    CHECK(world.real);
    world.real_ops = world.real->ops;
    world.ops = *world.real_ops;
    world.ops.list = list_through;
    world.ops.connect = connect_through;
    world.ops.begin = begin;
    world.ops.transmit = transmit;
    world.tp.ops = &world.ops;
    await(world.real, true, true);
    disturb_everywhere("a reset", resets);
    disturb_everywhere("another applet selected", selects);
    strike_everywhere("pulled before", stop_sim, BEFORE);
    strike_everywhere("pulled after", stop_sim, AFTER);
    if (world.pcscd_run != 0)
        strike_everywhere("pcscd stopped before", stop_pcscd, BEFORE);
    stop_sim();
    tp_close(world.real);
    printf("ok\n");
    return 0;
}
