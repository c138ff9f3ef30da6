/* Random commands beside a small logical model of tries, rights, keys and objects: every answer must agree.
 *
 *   random-walk [COMMANDS [SEED]]     with INGAM_SOAK=1 a million commands, else 10,000, half for each
 * profile
 *
 * The model knows the rules of SP 800-73-4 part 2 and of Yubico's extensions, and nothing of how the card
 * does it. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 6, OBJECTS = 5, VALUES = 4 };

static const uint8_t places[PLACES] = {0x9A, 0x9C, 0x9D, 0x9E, 0x82, 0x95};
static const uint32_t tags[OBJECTS] = {0x5FC102, 0x5FC105, 0x5FC109, 0x5FC10C, 0x5FC120};
static const char *const values[VALUES] = {"313233343536FFFF", "3132333435363738", "363534333231FFFF",
                                           "3837363534333231"};

enum policy { NEVER = 1, ONCE = 2, ALWAYS = 3 };

struct secret {
    unsigned left, tries, value; /* value: an index */
};

struct model {
    bool maker; /* with Yubico's extensions */
    struct secret pin, puk;
    unsigned
        least; /* tries of the PIN if power goes now: giving them back is made sure of by the next write */
    bool verified, fresh, admin;
    unsigned key[PLACES];     /* policy of the P-256 key there, 0: none */
    unsigned object[OBJECTS]; /* its content, 0: none; the factory's own is 999 */
};

struct walk {
    struct world *world;
    struct model m;
    uint64_t seed, step, commands;
    char what[160];
};

static uint64_t dice(struct walk *w, uint64_t sides)
{
    uint64_t z = w->seed += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return (z ^ z >> 31) % sides;
}

static void differ(const struct walk *w, unsigned got, unsigned want)
{
    (void)fprintf(stderr, "random-walk: command %llu (%s): the card says %04X, the model %04X\n",
                  (unsigned long long)w->commands, w->what, got, want);
    (void)fprintf(stderr, "model: pin %u/%u puk %u/%u verified %d fresh %d admin %d\n", w->m.pin.left,
                  w->m.pin.tries, w->m.puk.left, w->m.puk.tries, w->m.verified, w->m.fresh, w->m.admin);
    exit(1);
}

static void say(struct walk *w, const char *command, unsigned want)
{
    (void)snprintf(w->what, sizeof w->what, "%s", command);
    w->commands++;
    unsigned got = world_hex(w->world, command);
    if (got != want && !((want & 0xFF00) == 0x6100 && (got & 0xFF00) == 0x6100))
        differ(w, got, want);
}

/* Any command but the use of a key ends what "PIN always" needs on a plain card. */
static void other_command(struct walk *w)
{
    if (!w->m.maker)
        w->m.fresh = false;
}

static void lose_rights(struct model *m)
{
    m->verified = m->fresh = m->admin = false;
}

/* Something was written for sure, and all that came before it with it. */
static void settle(struct model *m)
{
    m->least = m->pin.left;
}

/* The status that a comparison gives, and what it does to the counter. */
static unsigned compare(struct secret *s, unsigned value)
{
    if (s->left == 0)
        return 0x6983;
    if (s->value != value)
        return 0x63C0 + --s->left;
    s->left = s->tries;
    return 0x9000;
}

static unsigned asked(const struct model *m)
{
    if (m->verified)
        return 0x9000;
    return m->pin.left == 0 && !m->maker ? 0x6983 : 0x63C0 + m->pin.left;
}

/* -- what can be done
 * -------------------------------------------------------------------------------------------------- */

static void verify(struct walk *w)
{
    char command[64];
    unsigned value = dice(w, 3) != 0 ? w->m.pin.value : (unsigned)dice(w, VALUES);
    (void)snprintf(command, sizeof command, "0020008008%s", values[value]);
    unsigned left = w->m.pin.left, want = compare(&w->m.pin, value);
    w->m.least = want == 0x9000 ? left - 1 : w->m.pin.left;
    w->m.verified = w->m.fresh = want == 0x9000;
    say(w, command, want);
}

static void verify_otherwise(struct walk *w)
{
    other_command(w);
    switch (dice(w, 5)) {
    case 0:
        say(w, "00200080", asked(&w->m));
        break;
    case 1:
        w->m.verified = w->m.fresh = false;
        say(w, "0020FF80", 0x9000);
        break;
    case 2:
        say(w, "0020FF8008313233343536FFFF", 0x6A80);
        break;
    case 3:
        say(w, "0020008007313233343536FF", 0x6A80);
        break;
    default:
        say(w, "0020008108313233343536FFFF", 0x6A88);
        break;
    }
}

static void change(struct walk *w)
{
    char command[80];
    bool pin = dice(w, 2) == 0;
    struct secret *s = pin ? &w->m.pin : &w->m.puk;
    unsigned old = dice(w, 3) != 0 ? s->value : (unsigned)dice(w, VALUES), new = (unsigned)dice(w, VALUES);
    other_command(w);
    (void)snprintf(command, sizeof command, "002400%s10%s%s", pin ? "80" : "81", values[old], values[new]);
    unsigned want = compare(s, old);
    if (want == 0x9000)
        s->value = new;
    if (want != 0x6983)
        settle(&w->m);
    if (pin)
        w->m.verified = w->m.fresh = want == 0x9000;
    say(w, command, want);
}

static void unblock(struct walk *w)
{
    char command[80];
    unsigned puk = dice(w, 3) != 0 ? w->m.puk.value : (unsigned)dice(w, VALUES),
             new = (unsigned)dice(w, VALUES);
    other_command(w);
    (void)snprintf(command, sizeof command, "002C008010%s%s", values[puk], values[new]);
    unsigned want = compare(&w->m.puk, puk);
    if (want == 0x9000) {
        w->m.pin.left = w->m.pin.tries;
        w->m.pin.value = new;
    }
    if (want != 0x6983)
        settle(&w->m);
    say(w, command, want);
}

static void authenticate(struct walk *w)
{
    if (dice(w, 4) == 0) {
        char command[80];
        (void)snprintf(command, sizeof command, "0087%02X9B%s", w->m.maker ? 0x0A : 0x03,
                       w->m.maker ? "147C12821000112233445566778899AABBCCDDEEFF"
                                  : "0C7C0A82080011223344556677");
        say(w, command, 0x6982);
        return;
    }
    if (!world_authenticate(w->world)) {
        (void)snprintf(w->what, sizeof w->what, "management key");
        differ(w, 0, 0x9000);
    }
    w->commands += 2;
    w->m.admin = true;
}

static void generate(struct walk *w)
{
    char command[80];
    unsigned at = (unsigned)dice(w, PLACES), policy = (unsigned)dice(w, 4);
    bool retired = places[at] < 0x9A;
    other_command(w);
    (void)snprintf(command, sizeof command,
                   policy == 0 ? "004700%02X05AC03800111" : "004700%02X08AC06800111AA01%02X", places[at],
                   policy);
    unsigned want = 0x9000;
    if (!w->m.admin)
        want = 0x6982;
    else if (!w->m.maker && retired)
        want = 0x6A86;
    else if (!w->m.maker && policy != 0)
        want = 0x6A80;
    if (want == 0x9000)
        w->m.key[at] = policy != 0 ? policy : places[at] == 0x9C ? ALWAYS : places[at] == 0x9E ? NEVER : ONCE;
    if (want == 0x9000)
        settle(&w->m);
    say(w, command, want);
}

static void sign(struct walk *w)
{
    char command[120];
    unsigned at = (unsigned)dice(w, PLACES), policy = w->m.key[at];
    (void)snprintf(command, sizeof command,
                   "008711%02X267C2482008120000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
                   places[at]);
    unsigned want = 0x9000;
    if (policy == 0)
        want = 0x6A88;
    else if ((policy == ONCE && !w->m.verified) || (policy == ALWAYS && !w->m.fresh))
        want = 0x6982;
    if (want == 0x9000)
        w->m.fresh = false;
    say(w, command, want);
}

static void put(struct walk *w)
{
    char command[80];
    unsigned at = (unsigned)dice(w, OBJECTS), content = (unsigned)dice(w, 200);
    other_command(w);
    if (content == 0)
        (void)snprintf(command, sizeof command, "00DB3FFF075C03%06X5300", tags[at]);
    else
        (void)snprintf(command, sizeof command, "00DB3FFF0A5C03%06X5303AABB%02X", tags[at], content);
    if (w->m.admin) {
        w->m.object[at] = content;
        settle(&w->m);
    }
    say(w, command, w->m.admin ? 0x9000 : 0x6982);
}

static void get(struct walk *w)
{
    char command[80];
    unsigned at = (unsigned)dice(w, OBJECTS), content = w->m.object[at];
    other_command(w);
    (void)snprintf(command, sizeof command, "00CB3FFF055C03%06X00", tags[at]);
    unsigned want = 0x9000;
    if (tags[at] == 0x5FC109 && !w->m.verified)
        want = 0x6982;
    else if (content == 0)
        want = 0x6A82;
    say(w, command, want);
    if (want == 0x9000 && content != 999 &&
        (w->world->len != 7 || w->world->answer[2] != 0xAA || w->world->answer[4] != content))
        differ(w, w->world->answer[4], content);
}

static void lose_power(struct walk *w)
{
    lose_rights(&w->m);
    if (dice(w, 2) == 0) {
        fw_card_reset(w->world->card);
        return;
    }
    (void)snprintf(w->what, sizeof w->what, "power");
    w->world->device.mode = FAULT_REORDERED;
    if (!world_restart(w->world))
        differ(w, 0, 0x9000);
    unsigned status = world_hex(w->world, "00200080");
    if (!w->m.maker && status == 0x6983)
        status = 0x63C0;
    if (status != 0x63C0 + w->m.pin.left && status != 0x63C0 + w->m.least)
        differ(w, status, 0x63C0 + w->m.pin.left);
    w->m.pin.left = w->m.least = status & 0x0F;
}

static void select_application(struct walk *w)
{
    unsigned which = (unsigned)dice(w, w->m.maker ? 3 : 2);
    other_command(w);
    switch (which) {
    case 0:
        say(w, "00A4040005A000000308", 0x9000);
        break;
    case 1:
        say(w, "00A4040005A000000397", 0x6A82);
        break;
    default:
        say(w, "00A4040007A0000005272101", 0x9000);
        say(w, "00A4040005A000000308", 0x9000);
        lose_rights(&w->m);
    }
}

static void set_retries(struct walk *w)
{
    char command[40];
    unsigned pin = 1 + (unsigned)dice(w, 15), puk = 1 + (unsigned)dice(w, 15);
    other_command(w);
    (void)snprintf(command, sizeof command, "00FA%02X%02X", pin, puk);
    unsigned want = !w->m.maker ? 0x6D00 : w->m.admin && w->m.verified ? 0x9000 : 0x6982;
    if (want == 0x9000) {
        w->m.pin = (struct secret){pin, pin, 0};
        w->m.puk = (struct secret){puk, puk, 1};
        w->m.verified = w->m.fresh = false;
        settle(&w->m);
    }
    say(w, command, want);
}

static void factory(struct model *m, bool maker)
{
    memset(m, 0, sizeof *m);
    m->maker = maker;
    m->pin = (struct secret){3, 3, 0};
    m->puk = (struct secret){3, 3, 1};
    m->object[0] = maker ? 0 : 999;
    settle(m);
}

static void reset(struct walk *w)
{
    other_command(w);
    bool blocked = w->m.pin.left == 0 && w->m.puk.left == 0;
    unsigned want = !w->m.maker ? 0x6D00 : blocked ? 0x9000 : 0x6985;
    if (want == 0x9000)
        factory(&w->m, true);
    say(w, "00FB0000", want);
}

static void move(struct walk *w)
{
    char command[40];
    unsigned from = (unsigned)dice(w, PLACES), to = (unsigned)dice(w, PLACES + 1);
    other_command(w);
    (void)snprintf(command, sizeof command, "00F6%02X%02X", to == PLACES ? 0xFF : places[to], places[from]);
    unsigned want = 0x9000;
    if (!w->m.maker)
        want = 0x6D00;
    else if (!w->m.admin)
        want = 0x6982;
    else if (to == from)
        want = 0x6A86;
    else if (w->m.key[from] == 0)
        want = 0x6A88;
    else if (to < PLACES && w->m.key[to] != 0)
        want = 0x6A80;
    if (want == 0x9000) {
        if (to < PLACES)
            w->m.key[to] = w->m.key[from];
        w->m.key[from] = 0;
        settle(&w->m);
    }
    say(w, command, want);
}

static const struct {
    void (*go)(struct walk *w);
    unsigned weight;
} moves[] = {{verify, 20},
             {verify_otherwise, 15},
             {change, 6},
             {unblock, 5},
             {authenticate, 4},
             {generate, 5},
             {sign, 15},
             {put, 10},
             {get, 15},
             {lose_power, 4},
             {select_application, 6},
             {set_retries, 2},
             {reset, 3},
             {move, 5}};

static void take_step(struct walk *w)
{
    unsigned total = 0;
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++)
        total += moves[i].weight;
    unsigned at = (unsigned)dice(w, total);
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (at < moves[i].weight) {
            moves[i].go(w);
            return;
        }
        at -= moves[i].weight;
    }
}

static uint64_t stroll(const char *profile, bool maker, uint64_t commands, uint64_t seed)
{
    struct walk w = {.seed = seed};
    unsigned blocked = 0;
    w.world = world_new(profile, 1);
    factory(&w.m, maker);
    while (w.commands < commands) {
        take_step(&w);
        /* a plain card whose PUK is blocked has nothing more to show: a new one */
        if (!maker && w.m.pin.left == 0 && w.m.puk.left == 0 && ++blocked % 50 == 0) {
            world_free(w.world);
            w.world = world_new(profile, 1);
            factory(&w.m, maker);
        }
    }
    world_free(w.world);
    return w.commands;
}

int main(int argc, char **argv)
{
    const char *soak = getenv("INGAM_SOAK");
    uint64_t commands = argc > 1                       ? strtoull(argv[1], NULL, 10)
                        : soak != NULL && *soak == '1' ? 1000000
                                                       : 10000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t done = stroll("piv", false, commands / 2, seed);
    done += stroll("yubikey-5.7", true, commands / 2, seed + 1);
    (void)printf("%llu commands, no difference between the card and the model\n", (unsigned long long)done);
    return 0;
}
