// The desk's address: read, and reached.
#include "address.h"
#include "client.h"
#include "text.h"
#include "tls.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void address_free(struct address *a)
{
    OPENSSL_free(a->host);
    OPENSSL_free(a->port);
    OPENSSL_free(a->path);
}

enum exit_code address_of(struct address *a, const char *url, struct fault *fault)
{
    memset(a, 0, sizeof *a);
    bool right = OSSL_HTTP_parse_url(url, &a->tls, NULL, &a->host, &a->port, &a->port_number, &a->path, NULL,
                                     NULL) == 1;
    ERR_clear_error();
    if (right && strlen(a->host) < sizeof((struct cmp_tls *)NULL)->host && a->host != NULL &&
        a->host[0] != '\0')
        return EXIT_OK;
    fault_set(fault, EXIT_USAGE, _("The issuer's address %s cannot be used."), url);
    fault_why(fault, "%s", _("it is no URL"));
    fault_todo(fault, _("Give it as http://HOST:PORT/PATH or https://HOST:PORT/PATH."));
    address_free(a);
    return fault->code;
}

enum exit_code cmp_url_check(const char *url, const char *tls_ca, struct fault *fault)
{
    struct address a;
    struct cmp_tls tls;
    if (address_of(&a, url, fault) != EXIT_OK)
        return fault->code;
    if (a.tls) {
        cmp_tls_new(&tls, tls_ca, a.host, fault);
        cmp_tls_free(&tls);
    } else if (tls_ca != NULL) {
        fault_set(fault, EXIT_USAGE, _("--tls-ca belongs to an address that begins with https://."));
    }
    address_free(&a);
    return fault->code;
}

enum exit_code address_unreachable(const char *url, const char *reason, struct fault *fault)
{
    fault_set(fault, EXIT_UNREACHABLE, _("The issuer at %s could not be reached."), url);
    fault_why(fault, "%s", reason);
    return fault_todo(
        fault, _("See whether the address is right and the issuer runs; then run the same command again."));
}

// Connects without blocking and waits at most so long. Returns 0 or an errno.
static int connect_within(const struct addrinfo *to, unsigned timeout)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), why = 0;
    socklen_t size = sizeof why;
    if (fd < 0)
        return errno;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0)
        why = errno;
    if (why == EINPROGRESS) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        int ready = poll(&wait, 1, (int)timeout * 1000);
        why = ready == 0 ? ETIMEDOUT : ready < 0 ? errno : 0;
        if (why == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
            why = errno;
    }
    close(fd);
    return why;
}

enum exit_code cmp_reach(const char *url, unsigned timeout, struct fault *fault)
{
    struct address a;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    if (address_of(&a, url, fault) != EXIT_OK)
        return fault->code;
    int failed = getaddrinfo(a.host, a.port, &hints, &all), why = EHOSTUNREACH;
    for (struct addrinfo *one = all; failed == 0 && one != NULL && why != 0; one = one->ai_next)
        why = connect_within(one, timeout);
    if (failed != 0)
        address_unreachable(url, gai_strerror(failed), fault);
    else if (why != 0)
        address_unreachable(url, strerror(why), fault);
    if (all != NULL)
        freeaddrinfo(all);
    address_free(&a);
    return fault->code;
}
