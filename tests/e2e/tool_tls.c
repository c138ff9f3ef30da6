// The TLS end before a plain HTTP server, for tests: tool_tls CERTIFICATE KEY PORT. Prints "ready PORT" and
// serves connections one after the other, each passed on to 127.0.0.1:PORT, until it is stopped.
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int server(unsigned short *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        exit(1);
    *port = ntohs(at.sin_port);
    return fd;
}

static int client(unsigned short port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        exit(1);
    return fd;
}

// Passes on in both directions until one side closes.
static void relay(SSL *ssl, int plain)
{
    char bytes[16384];
    struct pollfd both[2] = {{.fd = SSL_get_fd(ssl), .events = POLLIN}, {.fd = plain, .events = POLLIN}};
    for (;;) {
        if (SSL_pending(ssl) == 0 && poll(both, 2, 20000) <= 0)
            return;
        if (SSL_pending(ssl) > 0 || both[0].revents != 0) {
            int n = SSL_read(ssl, bytes, sizeof bytes);
            if (n <= 0 || write(plain, bytes, (size_t)n) != n)
                return;
        } else if (both[1].revents != 0) {
            ssize_t n = read(plain, bytes, sizeof bytes);
            if (n <= 0 || SSL_write(ssl, bytes, (int)n) <= 0)
                return;
        }
    }
}

int main(int argc, char **argv)
{
    unsigned short port;
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (argc != 4 || ctx == NULL || SSL_CTX_use_certificate_file(ctx, argv[1], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, argv[2], SSL_FILETYPE_PEM) != 1)
        return 1;
    int fd = server(&port);
    printf("ready %u\n", port);
    fflush(stdout);
    for (;;) {
        int one = accept(fd, NULL, NULL);
        SSL *ssl = SSL_new(ctx);
        if (one < 0 || ssl == NULL || SSL_set_fd(ssl, one) != 1)
            return 1;
        if (SSL_accept(ssl) == 1) {
            int plain = client((unsigned short)strtoul(argv[3], NULL, 10));
            relay(ssl, plain);
            close(plain);
            SSL_shutdown(ssl);
        }
        SSL_free(ssl);
        close(one);
    }
}
