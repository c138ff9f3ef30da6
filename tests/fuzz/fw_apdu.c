/* Random and mutated commands against the card in memory: no crash, no hang, and the counters stay counters.
 *
 *   fw-apdu [MEGABYTES [SEED]]     with INGAM_SOAK=1 a hundred megabytes, else one */
#include "fw_card.h"
#include "hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the mutations begin with: every instruction, well formed. */
static const char *const seeds[] = {
    "00A4040005A000000308",
    "00A4040007A0000005272101",
    "00A4040008A000000527471117",
    "00CB3FFF055C035FC10200",
    "00CB3FFF035C017E00",
    "00DB3FFF0A5C035FC1055303AABBCC",
    "10DB3FFF0A5C035FC1055306AABBCC",
    "00DB3FFF03DDEEFF",
    "0020008008313233343536FFFF",
    "00200080",
    "0020FF80",
    "0024008010313233343536FFFF313233343536FFFF",
    "002C0080103132333435363738313233343536FFFF",
    "0087039B047C02810000",
    "00870A9B047C02800000",
    "0087039B187C1680081122334455667788810811223344556677888200",
    "0047009A05AC03800111",
    "0047008208AC06800114AA0103",
    "0087119A267C2482008120000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
    "0087E09A097C0782008103414243",
    "00FD000000",
    "00F8000000",
    "00F7009A00",
    "00F7008000",
    "00F99A0000",
    "00FE119A2206200000000000000000000000000000000000000000000000000000000000000001",
    "00F6829A",
    "00F6FF82",
    "00FFFFFF1B039B18010203040506070801020304050607080102030405060708",
    "00FA0303",
    "00FB0000",
    "00C0000000",
    "000100001B710161731611063132333435363738393031323334353637383930",
    "000100001D7101627316210631323334353637383930313233343536373839307802",
    "0002000003710161",
    ("0003000033731101414141414141414141414141414141417408000000000000000075140000000000000000000000000000000"
     "0"
     "00000000"),
    "00030000027300",
    "0005000006710161710163",
    "00A1000000",
    "00A200010571016174",
    "00A400010A7408000000000000000100",
    "00A30000207514000000000000000000000000000000000000000074080000000000000000",
    "00A5000000",
    "001D000000",
    "00F1000000",
    "00F10100168014 3132333435363738393031323334353637383930",
    "00F101001D8014 3132333435363738393031323334353637383930 83010A 86020001",
    "00F1020004 9A01 9C02",
    "00F10300",
    "00F10400",
    "0020019F0637353532323400",
    "0020009F06323837303832",
    "0020009F0C393639343239333338333134",
    "0020FF9F",
    "0020008018313233343536FFFF00000000000000000000000000000000",
};

static uint64_t dice(struct fuzz *f, uint64_t sides)
{
    uint64_t z = f->seed += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return (z ^ z >> 31) % sides;
}

static void take_seed(struct fuzz *f)
{
    f->len = hex_parse(seeds[dice(f, sizeof seeds / sizeof seeds[0])], f->command, FW_COMMAND_MAX);
}

static void mutate_once(struct fuzz *f)
{
    size_t at = f->len == 0 ? 0 : (size_t)dice(f, f->len), n;
    switch (dice(f, 8)) {
    case 0:
        if (f->len != 0)
            f->command[at] ^= (uint8_t)(1U << dice(f, 8));
        break;
    case 1:
        if (f->len != 0)
            f->command[at] = (uint8_t)dice(f, 256);
        break;
    case 2:
        f->len = at;
        break;
    case 3: /* insert */
        n = (size_t)dice(f, 40);
        if (f->len + n <= FW_COMMAND_MAX) {
            memmove(f->command + at + n, f->command + at, f->len - at);
            for (size_t i = 0; i < n; i++)
                f->command[at + i] = (uint8_t)dice(f, 256);
            f->len += n;
        }
        break;
    case 4: /* the body becomes the length that it says, or the length what the body is */
        if (f->len > 5)
            f->command[4] = (uint8_t)(f->len - 5);
        break;
    case 5: /* extended length */
        if (f->len > 5 && f->len + 2 <= FW_COMMAND_MAX) {
            memmove(f->command + 7, f->command + 5, f->len - 5);
            n = f->len - 5;
            f->command[4] = 0;
            f->command[5] = (uint8_t)(n >> 8);
            f->command[6] = (uint8_t)n;
            f->len += 2;
        }
        break;
    case 6:
        if (f->len > 0)
            f->command[0] ^= 0x10; /* chaining */
        break;
    default: /* a large body, seldom */
        n = (size_t)dice(f, dice(f, 20) == 0 ? FW_COMMAND_MAX - 7 : 64);
        if (f->len >= 4) {
            f->command[4] = 0;
            f->command[5] = (uint8_t)(n >> 8);
            f->command[6] = (uint8_t)n;
            for (size_t i = 0; i < n; i++)
                f->command[7 + i] = (uint8_t)dice(f, 256);
            f->len = 7 + n;
        }
        break;
    }
}

static void make_command(struct fuzz *f)
{
    take_seed(f);
    for (uint64_t n = dice(f, 5); n > 0; n--)
        mutate_once(f);
    if (dice(f, 50) == 0) {
        f->len = (size_t)dice(f, 300);
        for (size_t i = 0; i < f->len; i++)
            f->command[i] = (uint8_t)dice(f, 256);
    }
}

/* Now and then rights are given, so that what needs them is reached; and power goes. */
static void help(struct fuzz *f)
{
    struct world *w = f->world;
    w->touch.answer = (enum hal_touched)dice(f, 3);
    switch (dice(f, 400)) {
    case 0:
    case 1:
    case 2:
        (void)world_hex(w, "00A4040005A000000308");
        (void)world_authenticate(w);
        break;
    case 3:
        if (!world_restart(w))
            fw_fail(f, "the card does not start again");
        break;
    case 4:
        fw_check(f);
        break;
    default:
        break;
    }
}

int main(int argc, char **argv)
{
    const char *soak = getenv("INGAM_SOAK");
    uint64_t megabytes = argc > 1 ? strtoull(argv[1], NULL, 10) : soak != NULL && *soak == '1' ? 100 : 1;
    struct fuzz f = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
    uint64_t limit = megabytes * 1000000, bytes = 0;
    for (size_t i = 0; bytes < limit; i++) {
        f.world = world_new(fw_profiles[i % FW_PROFILES], 1);
        f.bytes = 0;
        while (f.bytes < limit / 60 + 20000) { /* a new card now and then: most of them end blocked */
            help(&f);
            make_command(&f);
            fw_send(&f);
        }
        fw_check(&f);
        bytes += f.bytes;
        world_free(f.world);
    }
    (void)printf("%llu commands, %llu bytes, %llu commands succeeded; no counter out of bounds\n",
                 (unsigned long long)f.commands, (unsigned long long)bytes, (unsigned long long)f.statuses);
    return 0;
}
