/* Power is cut at random writes while one-time passwords are made and checked: no counter value is ever
 * given, or accepted, twice. The codes are liboath's.
 *
 *   hotp-cuts [CODES [SEED]]     for each of both applications; with INGAM_SOAK=1 100,000, else 10,000 */
#include "world.h"

#include <liboath/oath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 8, CUT_OPERATIONS = 6 };

#define KEY_HEX "3132333435363738393031323334353637383930"
static const char key[] = "12345678901234567890"; /* RFC 4226, appendix D */

struct run {
    struct world *world;
    uint64_t seed, codes, cuts, lost, refused;
};

static uint64_t dice(struct run *r, uint64_t sides)
{
    uint64_t z = r->seed += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return (z ^ z >> 31) % sides;
}

_Noreturn static void fail(const struct run *r, const char *why, uint64_t counter)
{
    (void)fprintf(stderr, "hotp-cuts: %s: %s (counter %llu, after %llu codes, %llu cuts)\n",
                  r->world->profile->name, why, (unsigned long long)counter, (unsigned long long)r->codes,
                  (unsigned long long)r->cuts);
    exit(1);
}

static void want(const struct run *r, unsigned got, unsigned status, const char *what)
{
    if (got != status)
        fail(r, what, got);
}

static void code_of(const struct run *r, uint64_t counter, char code[DIGITS + 1])
{
    if (oath_hotp_generate(key, strlen(key), counter, DIGITS, false, OATH_HOTP_DYNAMIC_TRUNCATION, code) !=
        OATH_OK)
        fail(r, "liboath makes no code", counter);
}

/* Every other command loses its power at one of its next writes and syncs, or just gets away. */
static void threaten(struct run *r)
{
    uint64_t at = dice(r, 2) == 0 ? 0 : 1 + dice(r, CUT_OPERATIONS);
    fault_arm(&r->world->device, at, (enum fault_mode)dice(r, FAULT_REORDERED + 1), dice(r, UINT64_MAX));
}

/* True when power was gone in the middle; then it is back. It may also go right behind the answer. */
static bool recover(struct run *r)
{
    bool dead = r->world->device.dead;
    if (!dead)
        fault_arm(&r->world->device, 0, (enum fault_mode)dice(r, FAULT_REORDERED + 1), dice(r, UINT64_MAX));
    if ((dead || dice(r, 4) == 0) && !world_restart(r->world))
        fail(r, "the card does not start again", 0);
    r->cuts += dead ? 1 : 0;
    return dead;
}

/* -- the card checks (docs/otp-card.md)
 * ------------------------------------------------------------------------- */

static unsigned give(struct run *r, uint64_t counter)
{
    char code[DIGITS + 1], text[64];
    code_of(r, counter, code);
    int n = snprintf(text, sizeof text, "0020%02X9F08", (unsigned)dice(r, 2));
    for (size_t i = 0; i < DIGITS; i++, n += 2)
        (void)snprintf(text + n, sizeof text - (size_t)n, "%02X", (unsigned)code[i]);
    unsigned status = world_hex(r->world, text);
    if (status == 0x9000 && r->world->device.dead)
        fail(r, "accepted, although power was gone", counter);
    return status;
}

static void verify_pin(struct run *r)
{
    want(r, world_hex(r->world, "0020008008313233343536FFFF"), 0x9000, "the PIN is refused");
}

/* Cuts cost tries; the issuer gives them back. */
static void unblock(struct run *r)
{
    if (!world_authenticate(r->world))
        fail(r, "the management key is refused", 0);
    want(r, world_hex(r->world, "00F10300"), 0x9000, "no unblocking");
    verify_pin(r);
}

static bool takes(struct run *r, uint64_t counter)
{
    unsigned status = give(r, counter);
    if (status == 0x6983) {
        unblock(r);
        status = give(r, counter);
    }
    return status == 0x9000;
}

static void check_codes(struct run *r, uint64_t codes)
{
    uint64_t counter = 0, last = UINT64_MAX;
    r->world = world_new("otp-card", 1);
    if (!world_authenticate(r->world))
        fail(r, "the management key is refused", 0);
    want(r, world_hex(r->world, "00F101001C 8014" KEY_HEX "810108 85010F"), 0x9000, "no secret");
    for (r->codes = 0; r->codes < codes; r->codes++, counter++) {
        verify_pin(r);
        threaten(r);
        bool accepted = takes(r, counter);
        if (recover(r)) {
            verify_pin(r);
            accepted = takes(r, counter);
            r->lost += accepted ? 0 : 1;
        } else if (!accepted) {
            fail(r, "a fresh code is refused", counter);
        }
        if (accepted)
            last = counter;
        verify_pin(r);
        if (last != UINT64_MAX && takes(r, last))
            fail(r, "a code is accepted twice", last);
        r->refused++;
    }
    world_free(r->world);
}

/* -- the card gives (YKOATH, CALCULATE of an HOTP credential)
 * --------------------------------------------------- */

/* The counter of the code that was given, looked for from there on. */
static uint64_t counter_of(const struct run *r, uint64_t from)
{
    const uint8_t *a = r->world->answer;
    char given[16], code[DIGITS + 1];
    uint32_t value = (uint32_t)a[3] << 24 | (uint32_t)a[4] << 16 | (uint32_t)a[5] << 8 | a[6];
    (void)snprintf(given, sizeof given, "%08u", value % 100000000);
    for (uint64_t counter = from; counter < from + 4; counter++) {
        code_of(r, counter, code);
        if (strcmp(code, given) == 0)
            return counter;
    }
    fail(r, "a code that was given before, or is none", from);
}

static void make_codes(struct run *r, uint64_t codes)
{
    uint64_t next = 0;
    r->world = world_new("yubikey-5.4", 1);
    want(r, world_hex(r->world, "00A4040007A0000005272101"), 0x9000, "no OATH");
    want(r, world_hex(r->world, "000100001B 710161 7316 1108" KEY_HEX), 0x9000, "no credential");
    for (r->codes = 0; r->codes < codes; r->codes++) {
        want(r, world_hex(r->world, "00A4040007A0000005272101"), 0x9000, "no OATH");
        threaten(r);
        unsigned status = world_hex(r->world, "00A2000105 710161 7400");
        if (status == 0x9000 && r->world->device.dead)
            fail(r, "a code is given, although power was gone", next);
        uint64_t counter = status == 0x9000 ? counter_of(r, next) : next;
        if (recover(r)) {
            want(r, world_hex(r->world, "00A4040007A0000005272101"), 0x9000, "no OATH");
            want(r, world_hex(r->world, "00A2000105 710161 7400"), 0x9000, "no code");
            counter = counter_of(r, next);
            r->lost += counter - next;
        }
        next = counter + 1;
    }
    world_free(r->world);
}

int main(int argc, char **argv)
{
    const char *soak = getenv("INGAM_SOAK");
    uint64_t codes = argc > 1 ? strtoull(argv[1], NULL, 10) : soak != NULL && *soak == '1' ? 100000 : 10000;
    struct run check = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1}, make = {.seed = check.seed + 1};
    if (oath_init() != OATH_OK)
        return 1;
    check_codes(&check, codes);
    make_codes(&make, codes);
    (void)printf(
        "checked: %llu codes, power cut %llu times, %llu codes used up by it, none accepted twice of %llu\n",
        (unsigned long long)check.codes, (unsigned long long)check.cuts, (unsigned long long)check.lost,
        (unsigned long long)check.refused);
    (void)printf("made: %llu codes, power cut %llu times, %llu counters skipped by it, none given twice\n",
                 (unsigned long long)make.codes, (unsigned long long)make.cuts,
                 (unsigned long long)make.lost);
    return check.cuts == 0 || make.cuts == 0;
}
