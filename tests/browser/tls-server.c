// The judge of the browser tests: a TLS server that asks for a client certificate and says what was proved.
//
//   tls-server CERTIFICATE KEY VERSION:CA.pem[:SIGALGS]...
//
// Each gate, VERSION (1.2 or 1.3) and the CA whose clients are let in, gets a free port of 127.0.0.1; SIGALGS
// is what the client may sign with, as OpenSSL writes it. Prints "ready PORT..." in that order, then one JSON
// object a line: {"event":"page",...} for a page served, {"event":"failed",...} for a handshake that came to
// nothing. Nothing is ever resumed, so each connection proves the key anew. Runs until SIGTERM or the end of
// its parent.
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

// PATIENCE: seconds that a connection may take, the person's PIN included.
enum { MAX_GATES = 8, PATIENCE = 120, REQUEST_MAX = 16384, NAME_BYTES = 128, PAGE_MAX = 1024 };

static const char PAGE[] = "<link rel=icon href=data:,><title>%s, %s</title>";
static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
                           "Content-Length: %d\r\nConnection: close\r\n\r\n%s";
static const char LINE[] = "{\"event\":\"page\",\"port\":%u,\"version\":\"%s\",\"subject\":\"%s\","
                           "\"signature\":\"%s\",\"digest\":\"%s\"}\n";
static const char FAILED[] = "{\"event\":\"failed\",\"port\":%u,\"why\":\"%s\"}\n";

struct gate {
    SSL_CTX *context;
    int listener;
    unsigned port;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "tls-server: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

// One line in one write, so that lines of several processes never mix.
static void say(const char *line)
{
    ssize_t n = write(STDOUT_FILENO, line, strlen(line));
    (void)n;
}

static SSL_CTX *make_context(const char *certificate, const char *key, char *gate)
{
    char *version = strtok(gate, ":");
    char *ca = strtok(NULL, ":");
    char *sigalgs = strtok(NULL, "");
    if (!version || !ca || (strcmp(version, "1.2") != 0 && strcmp(version, "1.3") != 0)) {
        fprintf(stderr, "tls-server: a gate is VERSION:CA.pem[:SIGALGS], VERSION 1.2 or 1.3\n");
        exit(2);
    }
    int number = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, number) ||
        !SSL_CTX_set_max_proto_version(context, number) ||
        SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_file(context, ca) != 1)
        die(ca);
    if (sigalgs && SSL_CTX_set1_client_sigalgs_list(context, sigalgs) != 1)
        die(sigalgs);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(ca));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return context;
}

static void listen_on(struct gate *g)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof a;
    g->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (g->listener < 0 || bind(g->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
        listen(g->listener, 64) != 0 || getsockname(g->listener, (struct sockaddr *)&a, &length) != 0)
        die("a free port");
    g->port = ntohs(a.sin_port);
}

static void say_failed(unsigned port)
{
    char line[512];
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(line, sizeof line, FAILED, port, why ? why : "closed");
    say(line);
}

// Reads one request's head. False when the client sent none.
static bool read_request(SSL *tls)
{
    char request[REQUEST_MAX + 1];
    int have = 0;
    while (have < REQUEST_MAX) {
        int n = SSL_read(tls, request + have, REQUEST_MAX - have);
        if (n <= 0)
            return false;
        have += n;
        request[have] = '\0';
        if (strstr(request, "\r\n\r\n"))
            return true;
    }
    return false;
}

// Serves the one page; its title tells the browser's driver that the browser has it too.
static void serve_page(SSL *tls, unsigned port)
{
    char name[NAME_BYTES] = "", body[PAGE_MAX], page[2 * PAGE_MAX], line[PAGE_MAX];
    X509_NAME *subject = X509_get_subject_name(SSL_get0_peer_certificate(tls));
    X509_NAME_get_text_by_NID(subject, NID_commonName, name, sizeof name);
    int type = NID_undef, digest = NID_undef;
    SSL_get_peer_signature_type_nid(tls, &type);
    SSL_get_peer_signature_nid(tls, &digest);
    const char *version = SSL_get_version(tls);
    int length = snprintf(body, sizeof body, PAGE, name, version);
    int n = snprintf(page, sizeof page, HEAD, length, body);
    if (SSL_write(tls, page, n) != n)
        return;
    snprintf(line, sizeof line, LINE, port, version, name, OBJ_nid2sn(type), OBJ_nid2sn(digest));
    say(line);
    SSL_shutdown(tls);
}

static _Noreturn void answer(const struct gate *g, int connection)
{
    alarm(PATIENCE);
    SSL *tls = SSL_new(g->context);
    if (tls && SSL_set_fd(tls, connection) == 1 && SSL_accept(tls) == 1) {
        if (read_request(tls))
            serve_page(tls, g->port);
    } else {
        say_failed(g->port);
    }
    _exit(0);
}

static _Noreturn void serve(const struct gate *g)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (;;) {
        int connection = accept(g->listener, NULL, NULL);
        if (connection < 0)
            continue;
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            answer(g, connection);
        }
        close(connection);
    }
}

int main(int argc, char **argv)
{
    struct gate gates[MAX_GATES];
    int count = argc - 3;
    if (count < 1 || count > MAX_GATES) {
        fprintf(stderr, "usage: tls-server CERTIFICATE KEY VERSION:CA.pem[:SIGALGS]...\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < count; i++) {
        gates[i].context = make_context(argv[1], argv[2], argv[3 + i]);
        listen_on(&gates[i]);
    }
    printf("ready");
    for (int i = 0; i < count; i++)
        printf(" %u", gates[i].port);
    puts("");
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0)
            die("fork");
        if (child == 0)
            serve(&gates[i]);
    }
    pause();
    return 0;
}
