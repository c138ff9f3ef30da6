/* Power is cut at every write and sync of every command that changes something, cleanly, torn, scrambled and
 * out of order: afterwards the card holds its old or its new state, and no counter went back.
 *
 *   power-cut [SEEDS]     seeds tried for each cut that is not clean: 4, with INGAM_SOAK=1 a hundred */
#include "world.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEVER = 200 };

/* SETTLED: what the prelude wrote is made sure of. */
enum prelude { NOTHING = 0, ADMIN = 1, PIN = 2, OATH = 4, BLOCKED = 8, SETTLED = 16, UNGATED = 32 };

struct row {
    const char *what, *profile;
    unsigned prelude;
    const char *command; /* hexadecimal; a chain's parts are separated by '|' */
    uint32_t counter;    /* record whose counter may be one lower, 0: none */
    bool random;         /* the new state differs from run to run: only the old one can be compared */
};

static const struct row rows[] = {
    {"VERIFY", "piv", NOTHING, "0020008008313233343536FFFF", 0x03000080, false},
    {"VERIFY, wrong", "piv", NOTHING, "0020008008313233343537FFFF", 0x03000080, false},
    {"CHANGE REFERENCE DATA, PIN", "piv", NOTHING, "0024008010313233343536FFFF3837363534333231", 0x03000080,
     false},
    {"CHANGE REFERENCE DATA, wrong PIN", "piv", NOTHING, "0024008010313233343537FFFF3837363534333231",
     0x03000080, false},
    {"CHANGE REFERENCE DATA, PUK", "piv", NOTHING, "002400811031323334353637383131313131313131", 0x03000081,
     false},
    {"RESET RETRY COUNTER", "piv", NOTHING, "002C0080103132333435363738363534333231FFFF", 0x03000081, false},
    {"RESET RETRY COUNTER, wrong", "piv", NOTHING, "002C0080103132333435363739363534333231FFFF", 0x03000081,
     false},
    {"PUT DATA", "piv", ADMIN, "00DB3FFF0A5C035FC1055303AABBCC", 0, false},
    {"PUT DATA over another", "piv", ADMIN, "00DB3FFF0A5C035FC1025303AABBCC", 0, false},
    {"PUT DATA, empty", "piv", ADMIN, "00DB3FFF075C035FC1025300", 0, false},
    {"PUT DATA in a chain", "piv", ADMIN, "10DB3FFF0A5C035FC1055306AABBCC|00DB3FFF03DDEEFF", 0, false},
    {"GENERATE ASYMMETRIC KEY PAIR", "piv", ADMIN, "0047009A05AC03800111", 0, true},
    {"IMPORT ASYMMETRIC KEY", "yubikey-5.7", ADMIN,
     "00FE119A2206200000000000000000000000000000000000000000000000000000000000000001", 0, false},
    {"MOVE KEY", "yubikey-5.7", ADMIN, "00F6829C", 0, false},
    {"SET MANAGEMENT KEY", "yubikey-5.7", ADMIN, "00FFFFFF13089B1000112233445566778899AABBCCDDEEFF", 0,
     false},
    {"SET PIN RETRIES", "yubikey-5.7", ADMIN | PIN, "00FA0506", 0x03000080, false},
    {"RESET", "yubikey-5.7", BLOCKED, "00FB0000", 0, false},
    {"VERIFY, code", "otp-card", PIN | SETTLED, "0020009F06373535323234", 0x04000005, false},
    {"VERIFY, wrong code", "otp-card", PIN | SETTLED, "0020019F0630303030303000", 0x04000005, false},
    {"VERIFY, two codes", "otp-card", PIN | SETTLED, "0020019F0C32383730383233353931353200", 0x04000005,
     false},
    {"INSTALL OTP SECRET", "otp-card", ADMIN, "00F10100168014 3132333435363738393031323334353637383931", 0,
     false},
    {"SET OTP GATES", "otp-card", ADMIN, "00F10200049A029C00", 0, false},
    {"UNBLOCK OTP", "otp-card", ADMIN, "00F10300", 0, false},
    {"REMOVE OTP SECRET", "otp-card", ADMIN | UNGATED, "00F10400", 0, false},
    {"RESET with gates", "otp-card", BLOCKED, "00FB0000", 0, false},
    {"PUT (OATH)", "yubikey-5.4", OATH, "000100001B710162731611063132333435363738393031323334353637383930", 0,
     false},
    {"CALCULATE, HOTP", "yubikey-5.4", OATH, "00A2000105710161740000", 0, false},
    {"RENAME", "yubikey-5.4", OATH, "0005000006710161710165", 0, false},
    {"DELETE", "yubikey-5.4", OATH, "0002000003710161", 0, false},
    {"SET CODE", "yubikey-5.4", OATH,
     "000300003373110141414141414141414141414141414141740800000000000000007514F4CD7CCACD177EBA05B82D1B3989DB9"
     "CBAE2835D",
     0, false},
    {"RESET (OATH)", "yubikey-5.4", OATH, "0004DEAD", 0, true},
};

struct figures {
    unsigned long commands, cuts, old, middle, new;
};

static void fail(const struct row *row, const char *why)
{
    (void)fprintf(stderr, "power-cut: %s (%s): %s\n", row->what, row->profile, why);
    exit(1);
}

/* Everything that lasts, as one digest; a record's first byte may be lowered for the comparison. */
static void digest(const struct fw_store *store, uint32_t lowered, uint8_t out[32])
{
    static uint8_t bytes[FW_STORE_RECORD_MAX];
    SHA256_CTX ctx;
    size_t len;
    SHA256_Init(&ctx);
    for (uint32_t id = 0; fw_store_next(store, &id); id++) {
        if (!fw_store_get(store, id, bytes, sizeof bytes, &len)) {
            (void)fprintf(stderr, "power-cut: a record can't be read\n");
            exit(1);
        }
        if (id == lowered)
            bytes[0]--;
        SHA256_Update(&ctx, &id, sizeof id);
        SHA256_Update(&ctx, &len, sizeof len);
        SHA256_Update(&ctx, bytes, len);
    }
    SHA256_Final(out, &ctx);
}

static unsigned send_all(struct world *w, const char *commands)
{
    char part[512];
    unsigned status = 0;
    while (*commands != 0) {
        size_t n = strcspn(commands, "|");
        memcpy(part, commands, n);
        part[n] = 0;
        status = world_hex(w, part);
        commands += n + (commands[n] == '|' ? 1 : 0);
    }
    return status;
}

static void expect(const struct row *row, unsigned got, unsigned want)
{
    if (got != want)
        fail(row, "a command that has to work was refused");
}

static void add_record(struct world *w, const struct row *row, size_t len)
{
    static const uint8_t filling[2000];
    fw_store_begin(&w->card->store);
    fw_store_put(&w->card->store, 0x7E000000, filling, len);
    if (fw_store_commit(&w->card->store, FW_STORE_SURE) != FW_STORE_DONE)
        fail(row, "filling");
}

static void make_ready(struct world *w, const struct row *row)
{
    if ((row->prelude & OATH) != 0) {
        expect(row, world_hex(w, "00A4040007A0000005272101"), 0x9000);
        return;
    }
    if ((row->prelude & PIN) != 0)
        expect(row, world_hex(w, "0020008008313233343536FFFF"), 0x9000);
    if ((row->prelude & ADMIN) != 0 && !world_authenticate(w))
        fail(row, "the management key was refused");
    if ((row->prelude & UNGATED) != 0)
        expect(row, world_hex(w, "00F10200029C00"), 0x9000);
    if ((row->prelude & SETTLED) != 0)
        add_record(w, row, 1);
}

/* A verification secret of which one try is gone, a gate, and a key behind it. */
static void furnish_codes(struct world *w, const struct row *row)
{
    if (!world_authenticate(w))
        fail(row, "the management key was refused");
    expect(row, world_hex(w, "00F10100168014 3132333435363738393031323334353637383930"), 0x9000);
    expect(row, world_hex(w, "00F10200029C01"), 0x9000);
    expect(row, world_hex(w, "0047009C05AC03800111"), 0x9000);
    expect(row, world_hex(w, "0020008008313233343536FFFF"), 0x9000);
    expect(row, world_hex(w, "0020009F06303030303030"), 0x63C4);
}

/* What is there before the walk: objects, a credential, a key; for the reset, a blocked card. */
static void furnish(struct world *w, const struct row *row)
{
    if (strncmp(row->profile, "yubikey", 7) == 0) {
        expect(row, world_hex(w, "00A4040007A0000005272101"), 0x9000);
        expect(row, world_hex(w, "000100001B71016173161106 3132333435363738393031323334353637383930"),
               0x9000);
        expect(row, world_hex(w, "00A4040005A000000308"), 0x9000);
        if (!world_authenticate(w))
            fail(row, "the management key was refused");
        expect(row,
               world_hex(w, "00FE119C2206200000000000000000000000000000000000000000000000000000000000000001"),
               0x9000);
    }
    if (strcmp(row->profile, "otp-card") == 0)
        furnish_codes(w, row);
    for (int i = 0; (row->prelude & BLOCKED) != 0 && i < 3; i++) {
        (void)world_hex(w, "0020008008363534333231FFFF");
        (void)world_hex(w, "002C0080103131313131313131313233343536FFFF");
    }
}

static void go_back(struct world *w, const struct row *row)
{
    fault_load(&w->device);
    if (!world_restart(w))
        fail(row, "the card does not start");
    make_ready(w, row);
}

/* The card goes on after the recovery: it selects, and what it writes over the remains of the cut lasts. */
static void still_works(struct world *w, const struct row *row)
{
    uint8_t before[32], after[32];
    expect(row, world_hex(w, "00A4040005A000000308"), 0x9000);
    add_record(w, row, 1);
    digest(&w->card->store, 0, before);
    if (!world_restart(w))
        fail(row, "the image does not open after a later write");
    digest(&w->card->store, 0, after);
    if (memcmp(before, after, sizeof after) != 0)
        fail(row, "a later write was lost");
}

/* One interrupted run: false when the command ended before the cut. */
static bool cut_once(struct world *w, const struct row *row, uint64_t n, enum fault_mode mode, uint64_t seed,
                     const uint8_t new[32], struct figures *f)
{
    uint8_t old[32], middle[32], after[32];
    go_back(w, row);
    digest(&w->card->store, 0, old);
    digest(&w->card->store, row->counter, middle);
    fault_arm(&w->device, n, mode, seed);
    unsigned status = send_all(w, row->command);
    if (!w->device.dead)
        return false;
    if (status == 0x9000 || (status & 0xFFF0) == 0x63C0)
        fail(row, "a result was given although power was gone before it was written");
    if (!world_restart(w))
        fail(row, "the image does not open after the cut");
    digest(&w->card->store, 0, after);
    f->cuts++;
    if (memcmp(after, old, sizeof old) == 0)
        f->old++;
    else if (memcmp(after, new, sizeof old) == 0 || row->random)
        f->new ++;
    else if (row->counter != 0 && memcmp(after, middle, sizeof old) == 0)
        f->middle++;
    else
        fail(row, "neither the old state nor the new one");
    still_works(w, row);
    return true;
}

static void walk(struct world *w, const struct row *row, unsigned seeds, struct figures *f)
{
    uint8_t new[32], old[32];
    f->commands++;
    go_back(w, row);
    digest(&w->card->store, 0, old);
    unsigned status = send_all(w, row->command);
    if (status != 0x9000 && (status & 0xFFF0) != 0x63C0)
        fail(row, "the command is refused even with power");
    if (!world_restart(w))
        fail(row, "the card does not start");
    digest(&w->card->store, 0, new);
    if (row->counter == 0 && memcmp(old, new, sizeof new) == 0)
        fail(row, "what was reported as done is gone when power goes right after it");
    for (int mode = FAULT_CLEAN; mode <= FAULT_REORDERED; mode++)
        for (uint64_t n = 1; n < NEVER; n++) {
            bool cut = true;
            for (unsigned seed = 0; cut && seed < (mode == FAULT_CLEAN ? 1 : seeds); seed++)
                cut = cut_once(w, row, n, (enum fault_mode)mode, n * 1000 + seed, new, f);
            if (!cut)
                break;
        }
}

/* Brings the journal to where the next command, whichever it is, moves everything to the other bank. */
static void until_compaction(struct world *w, const struct row *row)
{
    static const size_t steps[] = {2000, 100, 8, 0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        for (;;) {
            go_back(w, row);
            uint32_t generation = w->card->store.generation;
            add_record(w, row, steps[i]);
            if (w->card->store.generation != generation)
                break;
            fault_save(&w->device);
        }
    go_back(w, row);
    uint32_t generation = w->card->store.generation;
    (void)send_all(w, row->command);
    if (w->card->store.generation == generation)
        fail(row, "the journal did not move");
}

int main(int argc, char **argv)
{
    const char *soak = getenv("INGAM_SOAK");
    unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : soak != NULL && *soak == '1' ? 100 : 4;
    struct figures plain = {0}, compacting = {0};
    if (seeds == 0)
        return 2;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_new(rows[i].profile, 1);
        furnish(w, &rows[i]);
        fault_save(&w->device);
        walk(w, &rows[i], seeds, &plain);
        until_compaction(w, &rows[i]);
        walk(w, &rows[i], seeds, &compacting);
        world_free(w);
    }
    (void)printf("%lu commands, power cut %lu times: old state %lu, new state %lu, a try less %lu\n",
                 plain.commands, plain.cuts, plain.old, plain.new, plain.middle);
    (void)printf(
        "the same while the journal moves: cut %lu times: old state %lu, new state %lu, a try less %lu\n",
        compacting.cuts, compacting.old, compacting.new, compacting.middle);
    return 0;
}
