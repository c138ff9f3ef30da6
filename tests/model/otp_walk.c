/* Random commands beside a small logical model of codes, tries, gates, tickets and permits
 * (docs/otp-card.md): every answer must agree. The codes are liboath's.
 *
 *   otp-walk [COMMANDS [SEED]]     with INGAM_SOAK=1 a million commands, else 20,000 */
#include "world.h"

#include <liboath/oath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 4, TICKET = 16, SECOND = 1000000, PIN_TRIES = 3, PUK_TRIES = 3 };

static const uint8_t places[PLACES] = {0x9A, 0x9C, 0x9D, 0x9E};
static const char *const keys[] = {"12345678901234567890", "abcdefghijklmnopqrst"};

#define SIGN_HEX "267C24820081200000000000000000000000000000000000000000000000000000000000000000"

enum gate { NO_GATE, ONCE, ALWAYS };

struct model {
    bool installed;
    unsigned key, digits, look_ahead, resync, tries, left, lifetime;
    uint64_t counter;
    unsigned gate[PLACES];
    unsigned pin_left, pin_least, puk_left;
    bool verified, fresh, ticketed, permit, admin;
    bool alive;
    uint64_t until;
};

struct walk {
    struct world *world;
    struct model m;
    uint64_t seed, commands, accepted, opened;
    uint8_t ticket[TICKET], old[TICKET]; /* the last one, and one before it */
    char what[160];
};

static uint64_t dice(struct walk *w, uint64_t sides)
{
    uint64_t z = w->seed += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return (z ^ z >> 31) % sides;
}

_Noreturn static void differ(const struct walk *w, unsigned got, unsigned want)
{
    const struct model *m = &w->m;
    (void)fprintf(stderr, "otp-walk: command %llu (%s): the card says %04X, the model %04X\n",
                  (unsigned long long)w->commands, w->what, got, want);
    (void)fprintf(stderr,
                  "model: code %u/%u counter %llu, ticket %d ticketed %d permit %d, pin %u verified %d\n",
                  m->left, m->tries, (unsigned long long)m->counter, m->alive, m->ticketed, m->permit,
                  m->pin_left, m->verified);
    exit(1);
}

static unsigned send_hex(struct walk *w, const char *command)
{
    (void)snprintf(w->what, sizeof w->what, "%s", command);
    w->commands++;
    return world_hex(w->world, command);
}

static void say(struct walk *w, const char *command, unsigned want)
{
    unsigned got = send_hex(w, command);
    if (got != want)
        differ(w, got, want);
}

static void append(char *text, size_t cap, const void *bytes, size_t len)
{
    size_t at = strlen(text);
    for (size_t i = 0; i < len && at + 2 * i + 3 <= cap; i++)
        (void)snprintf(text + at + 2 * i, 3, "%02X", ((const uint8_t *)bytes)[i]);
}

/* -- the rules
 * ----------------------------------------------------------------------------------------------------------
 */

/* Any command but the use of a key; the code may stand between PIN and use. */
static void other_command(struct model *m)
{
    m->permit = m->fresh = false;
}

static void end_ticket(struct model *m)
{
    m->alive = m->ticketed = m->permit = false;
}

static void settle(struct model *m)
{
    m->pin_least = m->pin_left;
}

static void unverified(struct model *m)
{
    m->verified = m->fresh = m->ticketed = false;
}

static void age(struct walk *w)
{
    if (w->m.alive && w->world->clock.now_us >= w->m.until)
        w->m.alive = w->m.ticketed = false;
}

static void code_of(const struct model *m, uint64_t counter, char code[9])
{
    if (oath_hotp_generate(keys[m->key], strlen(keys[m->key]), counter, m->digits, false,
                           OATH_HOTP_DYNAMIC_TRUNCATION, code) != OATH_OK)
        exit(1);
}

/* The counter behind the code or the two codes, or the counter as it is. */
static uint64_t search(const struct model *m, const char *first, const char *second)
{
    char code[9];
    unsigned window = second == NULL ? m->look_ahead : m->resync;
    for (uint64_t counter = m->counter; counter < m->counter + window; counter++) {
        code_of(m, counter, code);
        if (strcmp(code, first) != 0)
            continue;
        if (second == NULL)
            return counter + 1;
        code_of(m, counter + 1, code);
        if (strcmp(code, second) == 0)
            return counter + 2;
    }
    return m->counter;
}

static unsigned check(struct model *m, const char *first, const char *second)
{
    if (!m->installed)
        return 0x6A88;
    if (second != NULL && m->resync == 0)
        return 0x6A80;
    if (!m->verified)
        return 0x6982;
    if (m->left == 0)
        return 0x6983;
    uint64_t behind = search(m, first, second);
    settle(m);
    if (behind == m->counter) {
        m->left--;
        if (m->left == 0)
            end_ticket(m);
        return 0x63C0 + m->left;
    }
    m->counter = behind;
    m->left = m->tries;
    return 0x9000;
}

static unsigned permitted(const struct model *m, unsigned at)
{
    bool wants_pin = places[at] != 0x9E || m->gate[at] != NO_GATE;
    if ((wants_pin && !m->verified) || (places[at] == 0x9C && !m->fresh))
        return 0x6982;
    if ((m->gate[at] == ONCE && !(m->alive && m->ticketed)) || (m->gate[at] == ALWAYS && !m->permit))
        return 0x6985;
    return 0x9000;
}

/* -- what can be done
 * -------------------------------------------------------------------------------------------------- */

static void give_code(struct walk *w)
{
    struct model *m = &w->m;
    char first[9] = "", second[9] = "", command[80];
    bool pair = dice(w, 6) == 0, ticket = dice(w, 2) == 0, keeps_fresh = m->fresh;
    uint64_t ahead = dice(w, 3) != 0 ? 0 : dice(w, 2 * (m->look_ahead + 1));
    uint64_t at = dice(w, 6) == 0 && m->counter > 0 ? m->counter - 1 : m->counter + ahead;
    if (!m->installed)
        m->digits = 6;
    code_of(m, at, first);
    code_of(m, at + (dice(w, 4) == 0 ? 2 : 1), second);
    if (dice(w, 5) == 0)
        memset(first, '0' + (int)dice(w, 10), m->digits);
    (void)snprintf(command, sizeof command, "0020%02X9F%02X", ticket, m->digits * (pair ? 2 : 1));
    append(command, sizeof command, first, m->digits);
    if (pair)
        append(command, sizeof command, second, m->digits);
    other_command(m);
    m->fresh = keeps_fresh;
    unsigned want = check(m, first, pair ? second : NULL);
    say(w, command, want);
    if (want != 0x9000)
        return;
    w->accepted++;
    m->permit = !ticket;
    if (!ticket)
        return;
    if (w->world->len != TICKET + 2)
        differ(w, (unsigned)w->world->len, TICKET + 2);
    memcpy(w->old, w->ticket, TICKET);
    memcpy(w->ticket, w->world->answer, TICKET);
    m->alive = m->ticketed = true;
    m->until = w->world->clock.now_us + (uint64_t)m->lifetime * SECOND;
}

static void give_code_otherwise(struct walk *w)
{
    struct model *m = &w->m;
    static const char *const malformed[] = {"0020009F0531323334 35", "0020019F06313233343A35", "0020019F",
                                            "0020FF9F06313233343536"};
    bool keeps_fresh = m->fresh;
    unsigned which = (unsigned)dice(w, 7);
    other_command(m);
    m->fresh = keeps_fresh;
    if (which < 4) {
        say(w, malformed[which], m->installed ? 0x6A80 : 0x6A88);
    } else if (which == 4) {
        say(w, "0020029F06313233343536", 0x6A86);
    } else if (which == 5) {
        say(w, "0020009F", !m->installed ? 0x6A88 : m->left == 0 ? 0x6983 : 0x63C0 + m->left);
    } else {
        if (m->installed)
            end_ticket(m);
        say(w, "0020FF9F", m->installed ? 0x9000 : 0x6A88);
    }
}

static void verify(struct walk *w)
{
    struct model *m = &w->m;
    char command[80];
    bool right = dice(w, 8) != 0;
    unsigned with = (unsigned)dice(w, 5); /* 0, 1: the PIN alone */
    (void)snprintf(command, sizeof command, "00200080%s%s", with < 2 ? "08" : "18",
                   right ? "313233343536FFFF" : "363534333231FFFF");
    if (with >= 2)
        append(command, sizeof command, with == 2 ? w->old : w->ticket, TICKET);
    other_command(m);
    bool good = with < 2 || (m->alive && (with != 2 || memcmp(w->old, w->ticket, TICKET) == 0));
    unverified(m);
    unsigned want = 0x6984;
    if (good && m->pin_left == 0) {
        want = 0x6983;
    } else if (good && !right) {
        want = 0x63C0 + --m->pin_left;
        settle(m);
    } else if (good) {
        want = 0x9000;
        m->pin_least = m->pin_left - 1;
        m->pin_left = PIN_TRIES;
        m->verified = m->fresh = true;
        m->ticketed = with >= 2;
    }
    say(w, command, want);
}

static void leave(struct walk *w)
{
    other_command(&w->m);
    unverified(&w->m);
    say(w, "0020FF80", 0x9000);
}

static void sign(struct walk *w)
{
    char command[120];
    unsigned at = (unsigned)dice(w, PLACES);
    (void)snprintf(command, sizeof command, "008711%02X" SIGN_HEX "00", places[at]);
    unsigned want = permitted(&w->m, at);
    if ((want == 0x9000 || want == 0x6985))
        w->m.fresh = false;
    w->m.permit = false;
    say(w, command, want);
    if (want == 0x9000 && w->m.gate[at] != NO_GATE)
        w->opened++;
}

static void change_or_unblock_pin(struct walk *w)
{
    struct model *m = &w->m;
    other_command(m);
    if (m->pin_left != 0 && dice(w, 2) == 0) {
        m->pin_left = PIN_TRIES;
        unverified(m);
        m->verified = m->fresh = true;
        settle(m);
        say(w, "0024008010313233343536FFFF313233343536FFFF", 0x9000);
        return;
    }
    bool right = m->puk_left == 1 || dice(w, 4) != 0;
    m->puk_left = right ? PUK_TRIES : m->puk_left - 1;
    if (right) {
        m->pin_left = PIN_TRIES;
        end_ticket(m);
    }
    settle(m);
    say(w,
        right ? "002C0080103132333435363738313233343536FFFF" : "002C0080103131313131313131313233343536FFFF",
        right ? 0x9000 : 0x63C0 + m->puk_left);
}

static void become_issuer(struct walk *w)
{
    w->m.permit = false;
    w->m.admin = true;
    w->commands += 2;
    (void)snprintf(w->what, sizeof w->what, "management key");
    if (!world_authenticate(w->world))
        differ(w, 0, 0x9000);
}

static void install(struct walk *w)
{
    struct model *m = &w->m, n = {0};
    char command[120];
    n.key = (unsigned)dice(w, 2);
    n.digits = 6 + (unsigned)dice(w, 3);
    n.look_ahead = 1 + (unsigned)dice(w, 12);
    n.resync = dice(w, 3) == 0 ? 0 : n.look_ahead + (unsigned)dice(w, 20);
    n.tries = 1 + (unsigned)dice(w, 15);
    n.lifetime = 1 + (unsigned)dice(w, 100);
    n.counter = dice(w, 1000);
    (void)snprintf(command, sizeof command,
                   "00F10100308602%04X8501%02X8401%02X8301%02X8208%016llX8101%02X8014", n.lifetime, n.tries,
                   n.resync, n.look_ahead, (unsigned long long)n.counter, n.digits);
    append(command, sizeof command, keys[n.key], 20);
    other_command(m);
    say(w, command, m->admin ? 0x9000 : 0x6982);
    if (!m->admin)
        return;
    end_ticket(m);
    settle(m);
    m->installed = true;
    m->key = n.key;
    m->digits = n.digits;
    m->look_ahead = n.look_ahead;
    m->resync = n.resync;
    m->left = m->tries = n.tries;
    m->lifetime = n.lifetime;
    m->counter = n.counter;
}

static void set_gates(struct walk *w)
{
    struct model *m = &w->m;
    char command[40];
    unsigned a = (unsigned)dice(w, PLACES), b = (unsigned)dice(w, PLACES), ga = (unsigned)dice(w, 4),
             gb = (unsigned)dice(w, 3);
    (void)snprintf(command, sizeof command, "00F1020004%02X%02X%02X%02X", places[a], ga, places[b], gb);
    other_command(m);
    unsigned want = 0x9000;
    if (!m->admin)
        want = 0x6982;
    else if (a == b || ga > ALWAYS)
        want = 0x6A80;
    else if (!m->installed && ga + gb != 0)
        want = 0x6985;
    if (want == 0x9000) {
        m->gate[a] = ga;
        m->gate[b] = gb;
        settle(m);
    }
    say(w, command, want);
}

static void unblock_or_remove(struct walk *w)
{
    struct model *m = &w->m;
    bool any = false, remove = dice(w, 3) == 0;
    for (size_t i = 0; i < PLACES; i++)
        any = any || m->gate[i] != NO_GATE;
    other_command(m);
    unsigned want = !m->admin ? 0x6982 : !m->installed ? 0x6A88 : remove && any ? 0x6985 : 0x9000;
    say(w, remove ? "00F10400" : "00F10300", want);
    if (want != 0x9000)
        return;
    end_ticket(m);
    settle(m);
    m->left = m->tries;
    m->installed = !remove;
}

static void ask_state(struct walk *w)
{
    const struct model *m = &w->m;
    char want[80], got[120] = "";
    size_t gates = 0;
    other_command(&w->m);
    say(w, "00F1000000", 0x9000);
    unsigned left = m->alive ? (unsigned)((m->until - w->world->clock.now_us + SECOND - 1) / SECOND) : 0;
    if (m->installed)
        (void)snprintf(want, sizeof want, "8001018102%02X%02X8201%02X8302%02X%02X8402%04X8502%04X86", m->left,
                       m->tries, m->digits, m->look_ahead, m->resync, m->lifetime, left);
    else
        (void)snprintf(want, sizeof want, "8001018102000082010083020000840200008502000086");
    size_t at = strlen(want);
    (void)snprintf(want + at, sizeof want - at, "00");
    for (size_t i = 0; i < PLACES; i++)
        if (m->gate[i] != NO_GATE) {
            const uint8_t pair[2] = {places[i], (uint8_t)m->gate[i]};
            append(want, sizeof want, pair, sizeof pair);
            gates += 2;
        }
    want[at + 1] = (char)('0' + gates);
    append(got, sizeof got, w->world->answer, w->world->len - 2);
    if (strcmp(got, want) != 0) {
        (void)fprintf(stderr, "otp-walk: state %s, not %s\n", got, want);
        differ(w, 0, 0);
    }
}

static void pass_time(struct walk *w)
{
    w->world->clock.now_us += dice(w, 30 * SECOND);
}

static void select_application(struct walk *w)
{
    other_command(&w->m);
    say(w, "00A4040005A000000308", 0x9000);
}

static void lose_power(struct walk *w)
{
    struct model *m = &w->m;
    end_ticket(m);
    unverified(m);
    m->admin = false;
    if (dice(w, 2) == 0) {
        fw_card_reset(w->world->card);
        return;
    }
    w->world->device.mode = FAULT_REORDERED;
    if (!world_restart(w->world))
        differ(w, 0, 0x9000);
    unsigned status = send_hex(w, "00200080");
    unsigned left = status == 0x6983 ? 0 : status - 0x63C0;
    if (left != m->pin_left && left != m->pin_least)
        differ(w, status, 0x63C0 + m->pin_left);
    m->pin_left = m->pin_least = left;
}

static const struct {
    void (*go)(struct walk *w);
    unsigned weight;
} moves[] = {{give_code, 20},
             {give_code_otherwise, 5},
             {verify, 20},
             {leave, 4},
             {sign, 30},
             {change_or_unblock_pin, 3},
             {become_issuer, 3},
             {install, 2},
             {set_gates, 4},
             {unblock_or_remove, 3},
             {ask_state, 6},
             {pass_time, 3},
             {select_application, 2},
             {lose_power, 2}};

static void take_step(struct walk *w)
{
    unsigned total = 0;
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++)
        total += moves[i].weight;
    unsigned at = (unsigned)dice(w, total);
    age(w);
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (at < moves[i].weight) {
            moves[i].go(w);
            return;
        }
        at -= moves[i].weight;
    }
}

int main(int argc, char **argv)
{
    const char *soak = getenv("INGAM_SOAK");
    uint64_t commands = argc > 1                       ? strtoull(argv[1], NULL, 10)
                        : soak != NULL && *soak == '1' ? 1000000
                                                       : 20000;
    struct walk w = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
    char command[40];
    if (oath_init() != OATH_OK)
        return 1;
    w.world = world_new("otp-card", 1);
    w.m.pin_left = w.m.pin_least = PIN_TRIES;
    w.m.puk_left = PUK_TRIES;
    become_issuer(&w);
    for (size_t i = 0; i < PLACES; i++) {
        (void)snprintf(command, sizeof command, "004700%02X05AC0380011100", places[i]);
        say(&w, command, 0x9000);
    }
    while (w.commands < commands)
        take_step(&w);
    world_free(w.world);
    (void)printf("%llu commands, %llu codes accepted, %llu gates opened; no difference between the card and "
                 "the model\n",
                 (unsigned long long)w.commands, (unsigned long long)w.accepted,
                 (unsigned long long)w.opened);
    return w.accepted == 0 || w.opened == 0;
}
