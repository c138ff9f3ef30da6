// Runs a private pcscd with virtual readers of its own, for one test: free ports, own socket, own /run/pcscd.
//
//   pcscd-run DIR [READER-NAME...]
//
// Each name makes one vpcd reader (default: one, "Virtual PCD"). When every reader is listed, prints
//   ready SOCKET PORT...
// and stays until SIGTERM, SIGINT or the end of its parent, then stops pcscd. A client uses the daemon with
// PCSCLITE_CSOCK_NAME=SOCKET. SIGHUP stops and starts pcscd on the same socket and ports (a restart, prints
// "restarted"); SIGUSR1 stops it (prints "stopped") until SIGHUP. Exit code 1 with a message when it can't
// start. pcscd takes the socket as systemd hands it (LISTEN_FDS), so neither root nor a mount namespace is
// required; where a namespace is to be had, /run is private too and a pid file of a system's own pcscd stays
// untouched.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <PCSC/winscard.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_READERS = 16, START_TRIES = 20, LISTED_MS = 15000 };

struct run {
    char dir[160];
    char socket_path[200];
    char config_path[200];
    int readers;
    char **names;
    unsigned ports[MAX_READERS];
    int listener;
    pid_t daemon;
};

static void die(const char *what)
{
    fprintf(stderr, "pcscd-run: %s: %s\n", what, strerror(errno));
    exit(1);
}

// True when both of vpcd's ports (one a slot) can be bound now.
static bool port_pair_free(unsigned port)
{
    for (unsigned i = 0; i < 2; i++) {
        int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(port + i))};
        bool ok = s >= 0 && bind(s, (struct sockaddr *)&a, sizeof a) == 0;
        if (s >= 0)
            close(s);
        if (!ok)
            return false;
    }
    return true;
}

// Picks ports below the ephemeral range, so that no outgoing connection takes them meanwhile.
static void choose_ports(struct run *r)
{
    static bool seeded;
    if (!seeded) {
        srandom((unsigned)getpid() * 2654435761u ^ (unsigned)time(NULL));
        seeded = true;
    }
    for (int i = 0; i < r->readers; i++) {
        unsigned port;
        do
            port = 10000u + (unsigned)(random() % 11000) * 2u;
        while (!port_pair_free(port));
        r->ports[i] = port;
    }
}

static void write_config(const struct run *r)
{
    FILE *f = fopen(r->config_path, "w");
    if (!f)
        die(r->config_path);
    for (int i = 0; i < r->readers; i++)
        fprintf(f,
                "FRIENDLYNAME \"%s\"\nDEVICENAME /dev/null:0x%X\n"
                "LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so\nCHANNELID 0x%X\n",
                r->names[i], r->ports[i], r->ports[i]);
    if (fclose(f) != 0)
        die(r->config_path);
}

static void make_listener(struct run *r)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(r->socket_path) >= sizeof a.sun_path) {
        fprintf(stderr, "pcscd-run: %s: longer than a socket's path may be\n", r->socket_path);
        exit(1);
    }
    memcpy(a.sun_path, r->socket_path, strlen(r->socket_path) + 1);
    unlink(r->socket_path);
    r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->listener < 0 || bind(r->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
        listen(r->listener, 64) != 0)
        die(r->socket_path);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = write(fd, text, strlen(text));
        (void)n;
        close(fd);
    }
}

// A private /run for the daemon, where the system lets us; else the shared one.
static void private_run(void)
{
    uid_t uid = getuid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return;
        char map[64];
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
        write_file("/proc/self/uid_map", map);
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || access("/run/pcscd", F_OK) != 0)
        return;
    if (mount("tmpfs", "/run/pcscd", "tmpfs", 0, NULL) != 0)
        return;
}

static _Noreturn void exec_daemon(const struct run *r)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int listener = dup(r->listener); // dup2 onto itself would keep close-on-exec
    int log = open("/dev/null", O_WRONLY);
    char path[256];
    snprintf(path, sizeof path, "%s/pcscd.log", r->dir);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(file >= 0 ? file : log, 1);
    dup2(file >= 0 ? file : log, 2);
    dup2(listener, 3);
    private_run();
    char pid[24];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    execl("/usr/sbin/pcscd", "pcscd", "--foreground", "--config", r->config_path, (char *)NULL);
    _exit(127);
}

static void start_daemon(struct run *r)
{
    r->daemon = fork();
    if (r->daemon < 0)
        die("fork");
    if (r->daemon == 0)
        exec_daemon(r);
}

static void stop_daemon(struct run *r)
{
    if (r->daemon <= 0)
        return;
    kill(r->daemon, SIGTERM);
    for (int i = 0; i < 300; i++) {
        if (waitpid(r->daemon, NULL, WNOHANG) != 0) {
            r->daemon = 0;
            return;
        }
        poll(NULL, 0, 10);
    }
    kill(r->daemon, SIGKILL);
    waitpid(r->daemon, NULL, 0);
    r->daemon = 0;
}

// Counts readers (two slots each are named "... 00 00" and "... 00 01"); -1 when pcscd does not answer.
static int readers_listed(void)
{
    SCARDCONTEXT context;
    static char names[16384];
    DWORD length = sizeof names;
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
        return -1;
    int count = 0;
    if (SCardListReaders(context, NULL, names, &length) == SCARD_S_SUCCESS)
        for (const char *n = names; *n; n += strlen(n) + 1)
            count++;
    SCardReleaseContext(context);
    return count;
}

// Waits until pcscd lists all readers. False when it ended or took too long.
static bool wait_listed(struct run *r)
{
    for (int ms = 0; ms < LISTED_MS; ms += 10) {
        if (waitpid(r->daemon, NULL, WNOHANG) == r->daemon) {
            r->daemon = 0;
            return false;
        }
        if (readers_listed() >= 2 * r->readers)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static bool start_all(struct run *r)
{
    for (int i = 0; i < START_TRIES; i++) {
        choose_ports(r);
        write_config(r);
        make_listener(r);
        start_daemon(r);
        if (wait_listed(r))
            return true;
        stop_daemon(r);
        close(r->listener);
    }
    return false;
}

static void serve_signals(struct run *r, int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGUSR1) {
            stop_daemon(r);
            close(r->listener);
            unlink(r->socket_path);
            puts("stopped");
        } else if (info.ssi_signo == SIGHUP) {
            if (r->daemon > 0) {
                stop_daemon(r);
                close(r->listener);
            }
            make_listener(r);
            start_daemon(r);
            puts(wait_listed(r) ? "restarted" : "failed");
        } else if (info.ssi_signo != SIGCHLD) {
            return;
        }
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static char one_name[] = "Virtual PCD";
    static char *default_name[] = {one_name};
    if (argc < 2 || argc - 2 > MAX_READERS) {
        fprintf(stderr, "usage: pcscd-run DIR [READER-NAME...]\n");
        return 2;
    }
    struct run r = {.readers = argc > 2 ? argc - 2 : 1, .names = argc > 2 ? argv + 2 : default_name};
    snprintf(r.dir, sizeof r.dir, "%s", argv[1]);
    snprintf(r.socket_path, sizeof r.socket_path, "%s/pcscd.comm", r.dir);
    snprintf(r.config_path, sizeof r.config_path, "%s/reader.conf", r.dir);
    if (mkdir(r.dir, 0700) != 0 && errno != EEXIST)
        die(r.dir);
    setenv("PCSCLITE_CSOCK_NAME", r.socket_path, 1);
    if (access("/run/pcscd", F_OK) != 0) {
        mode_t old = umask(0);
        mkdir("/run/pcscd", 0755);
        umask(old);
    }

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigset_t set;
    sigemptyset(&set);
    for (const int *s = (const int[]){SIGTERM, SIGINT, SIGHUP, SIGUSR1, 0}; *s; s++)
        sigaddset(&set, *s);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);

    if (!start_all(&r)) {
        fprintf(stderr, "pcscd-run: pcscd does not list its readers; see %s/pcscd.log\n", r.dir);
        return 1;
    }
    printf("ready %s", r.socket_path);
    for (int i = 0; i < r.readers; i++)
        printf(" %u", r.ports[i]);
    puts("");
    fflush(stdout);
    serve_signals(&r, signals);
    stop_daemon(&r);
    unlink(r.socket_path);
    return 0;
}
