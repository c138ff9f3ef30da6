/* Reads the command line of ingam-sim. */
#include "options.h"

#include "hal/crypto_cert.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option names[] = {
    {"image", required_argument, NULL, 'i'},
    {"vpcd", required_argument, NULL, 'v'},
    {"listen", required_argument, NULL, 'l'},
    {"serial", required_argument, NULL, 's'},
    {"profile", required_argument, NULL, 'p'},
    {"blank", no_argument, NULL, 'b'},
    {"count", required_argument, NULL, 'c'},
    {"and", no_argument, NULL, 'a'},
    {"log", required_argument, NULL, 'L'},
    {"control", required_argument, NULL, 'C'},
    {"fault", required_argument, NULL, 'f'},
    {"seed", required_argument, NULL, 'S'},
    {"touch", required_argument, NULL, 't'},
    {"timing", no_argument, NULL, 'T'},
    {"removed", no_argument, NULL, 'r'},
    {"detach", no_argument, NULL, 'd'},
    {"pid-file", required_argument, NULL, 'P'},
    {"help", no_argument, NULL, 'h'},
    {"attestation-root", no_argument, NULL, 'R'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

int options_complain(int code, const char *what, const char *why)
{
    (void)fprintf(stderr, "ingam-sim: %s%s%s\n", what, why == NULL ? "" : ": ", why == NULL ? "" : why);
    return code;
}

static int usage(FILE *out, int code)
{
    (void)fputs(
        "usage: ingam-sim --image FILE (--vpcd HOST:PORT | --listen unix:PATH) [OPTION]...\n"
        "       ingam-sim ctl unix:PATH COMMAND...\n"
        "\n"
        "A smart card whose state lives in FILE; a missing FILE becomes a new card with factory values:\n"
        "PIN 123456, PUK 12345678, management key 010203040506070801020304050607080102030405060708.\n"
        "\n"
        "  --vpcd HOST:PORT     put the card into a reader of vpcd (pcscd's virtual reader)\n"
        "  --listen unix:PATH   serve the card at a socket, for programs that need no pcscd\n"
        "  --serial N           serial number of a new card; of an existing one it has to be this\n"
        "  --profile NAME       what kind of card:\n",
        out);
    for (size_t i = 0; profile_at(i) != NULL; i++)
        (void)fprintf(out, "                         %-12s %s\n", profile_at(i)->name, profile_at(i)->title);
    (void)fputs(
        "  --blank              a new card without the CHUID and CCC that give it an identity\n"
        "  --count N            that many such cards: %d in the paths becomes 1 to N, ports and serials go "
        "up\n"
        "  --and                what follows describes another card\n"
        "\n"
        "  --log FILE           write each exchange to FILE, as JSON Lines\n"
        "  --control unix:PATH  take commands of \"ingam-sim ctl\" there\n"
        "  --touch LIST         what the finger does: yes, no, wait; several with commas (default: yes)\n"
        "  --timing             take as long as the profile's real token\n"
        "  --fault RULE         let something go wrong, for example n=12,sw=6F00\n"
        "  --seed N             makes faults by probability repeatable\n"
        "  --removed            start without the card in its reader\n"
        "  --detach             go on in the background as soon as the cards are ready\n"
        "  --pid-file FILE      write the process number to FILE\n"
        "  --attestation-root   print the certificate that all attestations lead to, and end\n",
        out);
    return code;
}

static int print_root(void)
{
    uint8_t der[1024];
    char pem[2048];
    size_t len = crypto_attestation_root(der, sizeof der);
    if (len == 0 || crypto_certificate_pem(der, len, pem, sizeof pem) == 0 || fputs(pem, stdout) < 0)
        return options_complain(EXIT_OTHER, "the certificate can't be made", NULL);
    return EXIT_SUCCESS;
}

static bool read_number(const char *text, unsigned long long least, unsigned long long most,
                        unsigned long long *n)
{
    char *end;
    errno = 0;
    *n = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0 && *n >= least && *n <= most;
}

size_t options_fingers(const char *text, enum token_finger finger[TOKEN_FINGERS])
{
    static const char *const words[] = {[FINGER_YES] = "yes", [FINGER_NO] = "no", [FINGER_WAIT] = "wait"};
    size_t count = 0;
    for (;;) {
        size_t len = strcspn(text, ","), i = 0;
        while (i < 3 && (strlen(words[i]) != len || strncmp(words[i], text, len) != 0))
            i++;
        if (i == 3 || count == TOKEN_FINGERS)
            return 0;
        finger[count++] = (enum token_finger)i;
        if (text[len] == 0)
            return count;
        text += len + 1;
    }
}

/* "unix:PATH" without its first word; NULL when it is none. */
static const char *read_path(const char *text)
{
    return strncmp(text, "unix:", 5) == 0 && text[5] != 0 ? text + 5 : NULL;
}

static int take_number(struct options *o, struct option_token *t, int option)
{
    unsigned long long n;
    switch (option) {
    case 's':
        t->wish.has_serial = true;
        if (!read_number(optarg, 1, UINT32_MAX, &n))
            return options_complain(EXIT_USAGE, "--serial takes a number from 1 to 4294967295, not", optarg);
        t->wish.serial = (uint32_t)n;
        return 0;
    case 'c':
        if (!read_number(optarg, 1, 100000, &n))
            return options_complain(EXIT_USAGE, "--count takes a number from 1 to 100000, not", optarg);
        t->count = (uint32_t)n;
        return 0;
    default:
        if (!read_number(optarg, 0, UINT64_MAX, &n))
            return options_complain(EXIT_USAGE, "--seed takes a number, not", optarg);
        o->seed = n;
        return 0;
    }
}

static int take_fault(struct options *o)
{
    struct faults probe = {0};
    if (o->faults == OPTIONS_FAULTS || !faults_add(&probe, optarg))
        return options_complain(EXIT_USAGE, "no rule for a fault", optarg);
    o->fault[o->faults++] = optarg;
    return 0;
}

static int take_profile(struct option_token *t)
{
    t->wish.profile = profile_find(optarg);
    if (t->wish.profile != NULL)
        return 0;
    (void)options_complain(EXIT_USAGE, "there is no profile", optarg);
    return usage(stderr, EXIT_USAGE);
}

static int take_place(const char **place, const char *what)
{
    *place = read_path(optarg);
    return *place != NULL ? 0 : options_complain(EXIT_USAGE, what, optarg);
}

static int next_token(struct options *o)
{
    if (++o->tokens > OPTIONS_TOKENS - 1)
        return options_complain(EXIT_USAGE, "too many cards; use --count", NULL);
    o->token[o->tokens].count = 1;
    return 0;
}

/* The options that have no word of their own to refuse. */
static bool take_plain(struct options *o, struct option_token *t, int option)
{
    struct {
        int option;
        const char **text;
        bool *flag;
    } plain[] = {{'i', &t->wish.path, NULL}, {'v', &t->vpcd_at, NULL},    {'L', &o->log_path, NULL},
                 {'P', &o->pid_path, NULL},  {'b', NULL, &t->wish.blank}, {'T', NULL, &o->timing},
                 {'d', NULL, &o->detach},    {'r', NULL, &o->absent}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (plain[i].option == option) {
            if (plain[i].text != NULL)
                *plain[i].text = optarg;
            else
                *plain[i].flag = true;
            return true;
        }
    return false;
}

static int take_option(struct options *o, int option)
{
    struct option_token *t = &o->token[o->tokens];
    if (take_plain(o, t, option))
        return 0;
    switch (option) {
    case 'l':
        return take_place(&t->listen_at, "--listen takes unix:PATH, not");
    case 'C':
        return take_place(&o->control_at, "--control takes unix:PATH, not");
    case 's':
    case 'c':
    case 'S':
        return take_number(o, t, option);
    case 'p':
        return take_profile(t);
    case 'f':
        return take_fault(o);
    case 't':
        o->fingers = options_fingers(optarg, o->finger);
        return o->fingers != 0 ? 0
                               : options_complain(EXIT_USAGE, "--touch takes yes, no and wait, not", optarg);
    case 'a':
        return next_token(o);
    default:
        return usage(stderr, EXIT_USAGE);
    }
}

static int check(const struct options *o)
{
    for (size_t i = 0; i < o->tokens; i++) {
        const struct option_token *t = &o->token[i];
        if (t->wish.path == NULL || (t->vpcd_at == NULL) == (t->listen_at == NULL))
            return usage(stderr, EXIT_USAGE);
        if (t->count > 1 && (strstr(t->wish.path, "%d") == NULL ||
                             (t->listen_at != NULL && strstr(t->listen_at, "%d") == NULL)))
            return options_complain(EXIT_USAGE, "--count needs %d in the paths", NULL);
    }
    return 0;
}

int options_read(struct options *o, int argc, char **argv, bool *done)
{
    int option, code = 0;
    memset(o, 0, sizeof *o);
    o->token[0].count = 1;
    *done = false;
    while (code == 0 && (option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        *done = option == 'h' || option == 'V' || option == 'R';
        if (option == 'R')
            return print_root();
        if (option == 'h')
            return usage(stdout, EXIT_SUCCESS);
        if (option == 'V')
            return printf("ingam-sim %s\n", INGAM_VERSION) < 0;
        code = take_option(o, option);
    }
    if (code == 0 && optind != argc)
        code = usage(stderr, EXIT_USAGE);
    o->tokens++;
    return code != 0 ? code : check(o);
}
