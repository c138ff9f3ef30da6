/* The program as its users see it: the direct card socket (docs/card-socket.md), control, touch, faults, the
 * log.
 *
 *   program-test PATH-OF-INGAM-SIM */
#include "program.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static uint32_t counter(const struct client *c, size_t at)
{
    return (uint32_t)c->payload[at] << 24 | (uint32_t)c->payload[at + 1] << 16 |
           (uint32_t)c->payload[at + 2] << 8 | c->payload[at + 3];
}

static void transactions(void **state)
{
    struct sim sim;
    static struct client a, b, c;
    (void)state;
    start(&sim, "a.image", NULL);
    enter(&a, &sim);
    enter(&b, &sim);
    enter(&c, &sim);
    request(&a, 'T', "", 0, 't');
    assert_int_equal(a.payload[0], 0x3B);
    request(&a, 'B', "", 0, 's');
    assert_int_equal(command(&a, "0020008008313233343536FFFF"), 0x9000);
    ask(&b, 'B', "", 0); /* has to wait, and the one after it longer */
    request(&c, 'S', "", 0, 's');
    ask_command(&c, "00200080");
    assert_false(ready_within(b.fd, 50));
    assert_int_equal(command(&a, "00200080"), 0x9000);
    request(&a, 'E', "\0", 1, 's');
    receive(&b);
    assert_int_equal(b.type, 's');
    assert_false(ready_within(c.fd, 50));
    assert_int_equal(command(&b, "00200080"), 0x9000); /* left as it was */
    request(&b, 'E', "\1", 1, 's');                    /* reset */
    receive(&c);
    assert_int_equal(c.type, 'a');
    assert_memory_equal(c.payload, "\x63\xC3", 2);
    /* who leaves inside a transaction resets the card, and the next in turn gets it */
    request(&a, 'B', "", 0, 's');
    assert_int_equal(command(&a, "0020008008313233343536FFFF"), 0x9000);
    ask_command(&b, "00200080");
    (void)close(a.fd);
    receive(&b);
    assert_memory_equal(b.payload, "\x63\xC3", 2);
    /* the last one to leave powers it off */
    assert_int_equal(command(&b, "0020008008313233343536FFFF"), 0x9000);
    (void)close(b.fd);
    (void)close(c.fd);
    enter(&a, &sim);
    assert_int_equal(command(&a, "00200080"), 0x63C3);
    /* what is no request ends the connection */
    request(&a, 'E', "\0", 1, 'e');
    assert_int_equal(a.payload[0], 3);
    assert_true(ready_within(a.fd, PATIENCE_MS));
    assert_int_equal(read(a.fd, a.payload, 1), 0);
    (void)close(a.fd);
    stop(&sim);
}

static void presence(void **state)
{
    struct sim sim;
    static struct client a, w;
    uint8_t known[8] = {0};
    (void)state;
    start(&sim, "a.image", NULL);
    enter(&a, &sim);
    enter(&w, &sim);
    request(&a, 'B', "", 0, 's');
    memcpy(known, a.payload + 1, 8);
    ask(&w, 'W', known, sizeof known);
    assert_false(ready_within(w.fd, 50));
    assert_string_equal(control(&sim, "remove"), "ok\n");
    receive(&w);
    assert_int_equal(w.type, 's');
    assert_int_equal(w.payload[0], 0);
    uint32_t insertions = counter(&w, 1);
    ask_command(&a, "00200080");
    receive(&a);
    assert_int_equal(a.type, 'e');
    assert_int_equal(a.payload[0], 1);
    request(&w, 'T', "", 0, 't');
    assert_int_equal(w.len, 0);
    assert_string_equal(control(&sim, "insert"), "ok\n");
    ask_command(&a, "00200080"); /* the transaction began with another insertion */
    receive(&a);
    assert_int_equal(a.type, 'e');
    assert_int_equal(a.payload[0], 2);
    request(&a, 'E', "\0", 1, 's');
    assert_int_equal(counter(&a, 1), insertions + 1);
    assert_int_equal(command(&a, "00200080"), 0x63C3);
    (void)close(a.fd);
    (void)close(w.fd);
    stop(&sim);
}

static void touches(void **state)
{
    static const char *const more[] = {"--profile", "yubikey-5.4", "--touch", "wait", NULL};
    static const char calculate[] = "00A200010571016174 00";
    struct sim sim;
    static struct client a;
    (void)state;
    start(&sim, "touch.image", more);
    enter(&a, &sim);
    assert_int_equal(command(&a, "00A4040007A0000005272101"), 0x9000);
    assert_int_equal(command(&a, "000100001D 710161 7316 1106 3132333435363738393031323334353637383930 7802"),
                     0x9000);
    ask_command(&a, calculate);
    assert_false(ready_within(a.fd, 50));
    assert_non_null(strstr(control(&sim, "show"), "\"touch_wanted\":true"));
    assert_string_equal(control(&sim, "touch yes"), "ok\n");
    receive(&a);
    assert_memory_equal(a.payload, "\x76\x05\x06\x4C\x93\xCF\x18\x90\x00", 9);
    ask_command(&a, calculate);
    assert_false(ready_within(a.fd, 50));
    assert_string_equal(control(&sim, "touch no,yes"), "ok\n");
    receive(&a);
    assert_memory_equal(a.payload, "\x69\x82", 2);
    assert_int_equal(command(&a, calculate), 0x9000);
    /* power goes while it waits: no answer for a card that is not there */
    assert_string_equal(control(&sim, "touch wait"), "ok\n");
    ask_command(&a, calculate);
    assert_false(ready_within(a.fd, 50));
    assert_string_equal(control(&sim, "remove"), "ok\n");
    receive(&a);
    assert_int_equal(a.type, 'e');
    (void)close(a.fd);
    stop(&sim);
}

static void faults(void **state)
{
    static const char *const more[] = {"--fault", "n=2,sw=6F00", "--seed", "7", NULL};
    struct sim sim;
    static struct client a;
    (void)state;
    start(&sim, "a.image", more);
    enter(&a, &sim);
    assert_int_equal(command(&a, "00200080"), 0x63C3);
    assert_int_equal(command(&a, "00200080"), 0x6F00);
    assert_int_equal(command(&a, "00200080"), 0x63C3);
    assert_string_equal(control(&sim, "fault ins=GET-DATA,truncate=5"), "ok\n");
    ask_command(&a, "00CB3FFF035C017E00");
    receive(&a);
    assert_int_equal(a.len, 5);
    assert_string_equal(control(&sim, "fault clear"), "ok\n");
    assert_string_equal(control(&sim, "fault ins=20,oversize=3,times=1"), "ok\n");
    ask_command(&a, "00200080");
    receive(&a);
    assert_int_equal(a.len, 5);
    assert_int_equal(command(&a, "00200080"), 0x63C3);
    /* a wrong PIN, and power goes at the write of the counter: the old number or one less, never more */
    assert_string_equal(control(&sim, "fault ins=VERIFY,cut=1,times=1"), "ok\n");
    ask_command(&a, "0020008008000000000000FFFF");
    receive(&a);
    assert_int_equal(a.type, 'a'); /* malformed: nothing was written, nothing is cut */
    ask_command(&a, "0020008008393939393939FFFF");
    receive(&a);
    assert_int_equal(a.type, 'e');
    assert_int_equal(a.payload[0], 1);
    assert_string_equal(control(&sim, "insert"), "ok\n");
    unsigned tries = command(&a, "00200080");
    assert_true(tries == 0x63C3 || tries == 0x63C2);
    assert_int_equal(strncmp(control(&sim, "fault n=0,drop"), "error ", 6), 0);
    assert_int_equal(strncmp(control(&sim, "fault p=2,drop"), "error ", 6), 0);
    assert_int_equal(strncmp(control(&sim, "fault sw=12"), "error ", 6), 0);
    (void)close(a.fd);
    stop(&sim);
}

static uint64_t microseconds(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* At least the figures of the public benchmark of a YubiKey 5: VERIFY 9.1 ms, SELECT 1.3 ms. */
static void timing(void **state)
{
    static const char *const more[] = {"--profile", "yubikey-5.4", "--timing", NULL};
    struct sim sim;
    static struct client a;
    (void)state;
    start(&sim, "timing.image", more);
    enter(&a, &sim);
    uint64_t before = microseconds();
    assert_int_equal(command(&a, "00A4040005A000000308"), 0x9000);
    uint64_t selected = microseconds();
    assert_int_equal(command(&a, "0020008008313233343536FFFF"), 0x9000);
    assert_true(selected - before >= 1300);
    assert_true(microseconds() - selected >= 9100);
    assert_string_equal(control(&sim, "timing off"), "ok\n");
    assert_string_equal(control(&sim, "fault ins=VERIFY,delay=30000"), "ok\n");
    before = microseconds();
    assert_int_equal(command(&a, "00200080"), 0x9000);
    assert_true(microseconds() - before >= 30000);
    (void)close(a.fd);
    stop(&sim);
}

/* The factory management key of a plain card, by challenge (SP 800-73-4 part 2, A.1). */
static void authenticate(struct client *c)
{
    uint8_t key[24], give[17] = {0x00, 0x87, 0x03, 0x9B, 0x0C, 0x7C, 0x0A, 0x82, 0x08};
    int n = 0;
    for (int i = 0; i < 24; i++)
        key[i] = (uint8_t)(i % 8 + 1);
    assert_int_equal(command(c, "0087039B047C028100"), 0x9000);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_non_null(ctx);
    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_des_ede3_ecb(), NULL, key, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, give + 9, &n, c->payload + 4, 8), 1);
    EVP_CIPHER_CTX_free(ctx);
    request(c, 'A', give, sizeof give, 'a');
    assert_memory_equal(c->payload, "\x90\x00", 2);
}

/* docs/otp-card.md: a ticket that lives for an hour. */
static void later(void **state)
{
    static const char *const more[] = {"--profile", "otp-card", NULL};
    static const char ask_state[] = "00F1000000";
    struct sim sim;
    static struct client a;
    (void)state;
    start(&sim, "later.image", more);
    enter(&a, &sim);
    authenticate(&a);
    assert_int_equal(command(&a, "00F10100168014 3132333435363738393031323334353637383930"), 0x9000);
    assert_int_equal(command(&a, "0020008008313233343536FFFF"), 0x9000);
    assert_int_equal(command(&a, "0020019F06 373535323234 00"), 0x9000);
    assert_int_equal(a.len, 18);
    assert_string_equal(control(&sim, "later 3000"), "ok\n");
    assert_int_equal(command(&a, ask_state), 0x9000);
    assert_memory_equal(a.payload + 18, "\x85\x02\x02", 3); /* 600 seconds, or one less */
    assert_string_equal(control(&sim, "later 600"), "ok\n");
    assert_int_equal(command(&a, ask_state), 0x9000);
    assert_memory_equal(a.payload + 18, "\x85\x02\x00\x00", 4);
    assert_int_equal(strncmp(control(&sim, "later -1"), "error ", 6), 0);
    assert_int_equal(strncmp(control(&sim, "later 1h"), "error ", 6), 0);
    (void)close(a.fd);
    stop(&sim);
}

/* While one client's RSA key is made, the others are answered; and it can be given up. */
static void generation(void **state)
{
    struct sim sim;
    static struct client a, b;
    (void)state;
    start(&sim, "generation.image", NULL);
    enter(&a, &sim);
    enter(&b, &sim);
    authenticate(&a);
    ask_command(&a, "0047009A05AC03800105"); /* RSA-3072: some hundred milliseconds at least */
    request(&b, 'S', "", 0, 's');
    assert_false(ready_within(a.fd, 0));
    receive(&a);
    assert_int_equal(a.type, 'a');
    assert_memory_equal(a.payload, "\x7F\x49\x82\x01\x89\x81\x82\x01\x80", 9);
    ask_command(&a, "0047009A05AC03800105");
    request(&b, 'S', "", 0, 's');
    assert_string_equal(control(&sim, "remove"), "ok\n");
    receive(&a);
    assert_int_equal(a.type, 'e');
    assert_string_equal(control(&sim, "insert"), "ok\n");
    assert_int_equal(command(&a, "00200080"), 0x63C3);
    authenticate(&a);
    ask_command(&a, "0047009A05AC03800105");
    request(&b, 'S', "", 0, 's');
    stop(&sim); /* in the middle of it */
    (void)close(a.fd);
    (void)close(b.fd);
}

static void images(void **state)
{
    struct sim sim;
    static struct client a;
    char command_line[512];
    (void)state;
    start(&sim, "a.image", NULL);
    enter(&a, &sim);
    assert_int_equal(command(&a, "0024008010313233343536FFFF363534333231FFFF"), 0x9000);
    (void)snprintf(command_line, sizeof command_line, "snapshot %s", in_directory("snapshot"));
    assert_string_equal(control(&sim, command_line), "ok\n");
    assert_int_equal(strncmp(control(&sim, command_line), "error ", 6),
                     0); /* never over a file that is there */
    assert_int_equal(command(&a, "0024008010363534333231FFFF3132333435363738"), 0x9000);
    (void)snprintf(command_line, sizeof command_line, "restore %s", in_directory("snapshot"));
    assert_string_equal(control(&sim, command_line), "ok\n");
    assert_int_equal(command(&a, "0020008008363534333231FFFF"), 0x9000);
    (void)snprintf(command_line, sizeof command_line, "restore %s", program);
    assert_int_equal(strncmp(control(&sim, command_line), "error ", 6), 0); /* no card */
    assert_int_equal(command(&a, "00200080"), 0x9000);
    (void)snprintf(command_line, sizeof command_line, "swap %s", in_directory("b.image"));
    assert_string_equal(control(&sim, command_line), "ok\n");
    assert_int_equal(command(&a, "0020008008313233343536FFFF"), 0x9000);
    (void)snprintf(command_line, sizeof command_line, "swap %s", in_directory("a.image"));
    assert_string_equal(control(&sim, command_line), "ok\n");
    assert_int_equal(command(&a, "00200080"), 0x63C3);
    (void)close(a.fd);
    stop(&sim);
}

/* Runs it with an image and gives the exit code; what it says goes to a file. */
static int run_once(const char *image, const char *option, const char *value)
{
    char place[160];
    int status;
    (void)snprintf(place, sizeof place, "unix:%s", in_directory("other.sock"));
    pid_t pid = fork();
    if (pid == 0) {
        if (freopen(in_directory("said"), "w", stderr) == NULL)
            _exit(126);
        execl(program, program, "--image", image, "--listen", place, option, value, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool said(const char *text)
{
    char line[1024] = "";
    FILE *in = fopen(in_directory("said"), "r");
    assert_non_null(in);
    size_t n = fread(line, 1, sizeof line - 1, in);
    line[n] = 0;
    (void)fclose(in);
    return strstr(line, text) != NULL;
}

static void write_at(const char *path, long offset, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    assert_int_equal(fseek(f, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void refusals(void **state)
{
    struct sim sim;
    (void)state;
    start(&sim, "c.image", NULL);
    assert_int_equal(run_once(in_directory("c.image"), NULL, NULL), 1);
    assert_true(said("in use"));
    stop(&sim);
    assert_int_equal(run_once(in_directory("c.image"), "--profile", "yubikey-5.4"), 1);
    assert_true(said("was made with profile piv"));
    assert_int_equal(run_once(in_directory("c.image"), "--serial", "1"), 1);
    assert_true(said("serial number"));
    assert_int_equal(run_once(program, NULL, NULL), 1);
    assert_true(said("not a card image") || said("Text file busy") || said("Permission denied"));
    write_at(in_directory("c.image"), 8, "\0\0\0\2", 4);
    assert_int_equal(run_once(in_directory("c.image"), NULL, NULL), 1);
    assert_true(said("image format 2") && said("open it with the ingam-sim that wrote it"));
    write_at(in_directory("c.image"), 8, "\0\0\0\1", 4);
    write_at(in_directory("c.image"), 16, "\1", 1);
    assert_int_equal(run_once(in_directory("c.image"), NULL, NULL), 1);
    assert_true(said("damaged"));
    assert_int_equal(run_once(in_directory("c.image"), "--serial", "x"), 2);
}

/* Every command that carries a secret, each with one that can be recognised; then the log is searched for
 * them. */
static void secrets(void **state)
{
    static const char *const carried[] = {
        "0020008008 5345435245543031",                  /* VERIFY */
        "0024008010 5345435245543032 5345435245543033", /* CHANGE REFERENCE DATA */
        "0024008110 5345435245543034 5345435245543035", /* of the PUK */
        "002C008010 5345435245543036 5345435245543037", /* RESET RETRY COUNTER */
        "00FFFFFF1B 0A9B18 5345435245543038 5345435245543038 5345435245543038",
        "0087 0A 9B 14 7C12 8210 53454352455430395345435245543039",
        "00FE119A22 0620 5345435245543130 5345435245543130 5345435245543130 5345435245543130",
        "0087119D 14 7C12 8200 810E 5345435245543131534543524554", /* what is decrypted or signed */
        "00DB3FFF0F 5C035FC109 5308 5345435245543132",             /* printed information */
        "00A4040007A0000005272101",
        "000100001B 710161 7316 2106 5345435245543133534543524554313353454352",
        ("0003000033 7311 01 53454352455431345345435245543134 7408 0000000000000000 7514 "
         "5345435245543134000000000000000000000000"),
        "00A3000020 7514 5345435245543135000000000000000000000000 7408 0000000000000000 00",
        "00A200010D 710161 7408 0000000000000001 00",
    };
    static const char *const more[] = {"--profile", "yubikey-5.7", NULL, NULL, NULL};
    const char *options[5];
    struct sim sim;
    static struct client a;
    char line[8192];
    unsigned commands = 0;
    (void)state;
    memcpy(options, more, sizeof options);
    options[2] = "--log";
    options[3] = in_directory("secret.log");
    start(&sim, "secret.image", options);
    enter(&a, &sim);
    for (size_t i = 0; i < sizeof carried / sizeof carried[0]; i++)
        (void)command(&a, carried[i]);
    (void)close(a.fd);
    stop(&sim);
    FILE *in = fopen(in_directory("secret.log"), "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        commands += strstr(line, "\"dir\":\"command\"") != NULL;
        assert_null(strstr(line, "534543524554"));
        assert_null(strstr(line, "SECRET"));
        assert_int_equal(line[0], '{');
        assert_string_equal(line + strlen(line) - 2, "}\n");
    }
    (void)fclose(in);
    assert_int_equal(commands, sizeof carried / sizeof carried[0]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions), cmocka_unit_test(presence), cmocka_unit_test(touches),
        cmocka_unit_test(faults),       cmocka_unit_test(timing),   cmocka_unit_test(generation),
        cmocka_unit_test(later),        cmocka_unit_test(images),   cmocka_unit_test(refusals),
        cmocka_unit_test(secrets),
    };
    char remove[64];
    if (argc != 2 || mkdtemp(program_directory) == NULL)
        return 2;
    program = argv[1];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)snprintf(remove, sizeof remove, "rm -rf %s", program_directory);
    return system(remove) != 0 || failed != 0;
}
