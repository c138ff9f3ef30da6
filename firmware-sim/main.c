/* ingam-sim: smart cards in software, for readers of vpcd or for programs that speak to a socket. */
#include "image.h"
#include "transport/socket.h"
#include "transport/vpcd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_OTHER = 1, EXIT_USAGE = 2 };

struct program {
    struct loop_watch signals; /* first */
    struct loop *loop;
    struct image_wish wish;
    const char *vpcd_at, *listen_at, *log_path;
    struct token token;
    struct vpcd *vpcd;
    struct card_socket *socket;
    bool said_ready;
};

static const struct option options[] = {
    {"image", required_argument, NULL, 'i'},  {"vpcd", required_argument, NULL, 'v'},
    {"listen", required_argument, NULL, 'l'}, {"serial", required_argument, NULL, 's'},
    {"log", required_argument, NULL, 'L'},    {"profile", required_argument, NULL, 'p'},
    {"blank", no_argument, NULL, 'b'},        {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
};

static int usage(FILE *out, int code)
{
    (void)fputs(
        "usage: ingam-sim --image FILE (--vpcd HOST:PORT | --listen unix:PATH)\n"
        "                 [--serial N] [--profile NAME] [--blank] [--log FILE]\n"
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
    (void)fputs("  --blank              a new card without the CHUID and CCC that give it an identity\n"
                "  --log FILE           write each exchange to FILE, as JSON Lines\n",
                out);
    return code;
}

static int complain(int code, const char *what, const char *why)
{
    (void)fprintf(stderr, "ingam-sim: %s%s%s\n", what, why == NULL ? "" : ": ", why == NULL ? "" : why);
    return code;
}

static bool read_serial(const char *text, uint32_t *serial)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != 0 || errno != 0 || n == 0 || n > UINT32_MAX)
        return false;
    *serial = (uint32_t)n;
    return true;
}

/* 0: an option was taken; else the exit code. */
static int take_option(struct program *p, int option)
{
    switch (option) {
    case 'i':
        p->wish.path = optarg;
        return 0;
    case 'v':
        p->vpcd_at = optarg;
        return 0;
    case 'l':
        if (strncmp(optarg, "unix:", 5) != 0 || optarg[5] == 0)
            return complain(EXIT_USAGE, "--listen takes unix:PATH, not", optarg);
        p->listen_at = optarg + 5;
        return 0;
    case 'L':
        p->log_path = optarg;
        return 0;
    case 'b':
        p->wish.blank = true;
        return 0;
    case 's':
        p->wish.has_serial = true;
        if (read_serial(optarg, &p->wish.serial))
            return 0;
        return complain(EXIT_USAGE, "--serial takes a number from 1 to 4294967295, not", optarg);
    case 'p':
        p->wish.profile = profile_find(optarg);
        if (p->wish.profile != NULL)
            return 0;
        (void)complain(EXIT_USAGE, "there is no profile", optarg);
        return usage(stderr, EXIT_USAGE);
    default:
        return usage(stderr, EXIT_USAGE);
    }
}

static void say_ready(void *who)
{
    struct program *p = who;
    if (p->said_ready)
        return;
    p->said_ready = true;
    (void)printf("ready %s serial %" PRIu32 " profile %s\n", p->vpcd_at != NULL ? p->vpcd_at : p->listen_at,
                 p->token.serial, profile_of(p->token.card)->name);
    (void)fflush(stdout);
}

static void signalled(struct loop_watch *watch, uint32_t events)
{
    struct program *p = (struct program *)(void *)watch;
    (void)events;
    loop_stop(p->loop);
}

static bool watch_signals(struct program *p)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return false;
    p->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    p->signals.ready = signalled;
    return p->signals.fd >= 0 && loop_watch(p->loop, &p->signals, EPOLLIN);
}

static int attach(struct program *p)
{
    if (p->vpcd_at != NULL) {
        p->vpcd = vpcd_new(p->loop, &p->token, p->vpcd_at, say_ready, p);
        return p->vpcd != NULL
                   ? 0
                   : complain(EXIT_OTHER, "--vpcd takes HOST:PORT of a running vpcd, not", p->vpcd_at);
    }
    p->socket = card_socket_new(p->loop, &p->token, p->listen_at);
    if (p->socket == NULL)
        return complain(EXIT_OTHER, p->listen_at, strerror(errno));
    say_ready(p);
    return 0;
}

static int serve(struct program *p)
{
    char reason[512];
    if (p->log_path != NULL && (p->token.log = log_open(p->log_path)) == NULL)
        return complain(EXIT_OTHER, p->log_path, strerror(errno));
    if (!watch_signals(p))
        return complain(EXIT_OTHER, "signals", strerror(errno));
    if (!image_open(&p->token, &p->wish, reason, sizeof reason))
        return complain(EXIT_OTHER, reason, NULL);
    p->token.present = true;
    int code = attach(p);
    if (code == 0 && !loop_run(p->loop))
        code = complain(EXIT_OTHER, "waiting for sockets", strerror(errno));
    card_socket_free(p->socket);
    vpcd_free(p->vpcd);
    image_close(&p->token);
    return code;
}

int main(int argc, char **argv)
{
    struct program p = {.token = {.image = {.fd = -1}}};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h')
            return usage(stdout, EXIT_SUCCESS);
        if (option == 'V')
            return printf("ingam-sim %s\n", INGAM_VERSION) < 0;
        int code = take_option(&p, option);
        if (code != 0)
            return code;
    }
    if (p.wish.path == NULL || (p.vpcd_at == NULL) == (p.listen_at == NULL) || optind != argc)
        return usage(stderr, EXIT_USAGE);
    p.loop = p.token.loop = loop_new();
    p.token.answer = malloc(FW_ANSWER_MAX);
    int code = p.loop == NULL || p.token.answer == NULL ? complain(EXIT_OTHER, "no memory", NULL) : serve(&p);
    log_close(p.token.log);
    free(p.token.answer);
    loop_free(p.loop);
    return code;
}
