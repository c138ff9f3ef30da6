// The listeners of the desk: how a socket is opened, how a request is collected, when a connection has to go.
#include "http_listen.h"

#include "visits.h"
#include "words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS    4000  // of all listeners
#define IDLE_SECONDS   15    // a connection without traffic
#define REQUEST_MILLIS 30000 // a request, from its first byte to its answer, however slowly it comes
#define PRIORITIES     "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http_listener {
    struct http_ask ask;
    struct http_service service;
    int fd; // until the daemon has it
    void *context;
    struct MHD_Daemon *daemon;
    struct visits visits;
    bool tls, asks_certificate;
    char host[INET6_ADDRSTRLEN + 3];
    unsigned port;
};

// The body of one request as it comes in.
struct upload {
    unsigned char *bytes;
    size_t length, room;
    bool too_long, answered;
};

void http_client(struct MHD_Connection *connection, char who[HTTP_ADDRESS])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    snprintf(who, HTTP_ADDRESS, "-");
    if (info == NULL || info->client_addr == NULL)
        return;
    socklen_t size =
        info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(info->client_addr, size, who, HTTP_ADDRESS, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(who, HTTP_ADDRESS, "-");
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool http_type_is(const struct http_request *request, const char *wanted)
{
    const char *type = http_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);
    size_t length = strlen(wanted);
    return type != NULL && strncasecmp(type, wanted, length) == 0 &&
           (type[length] == 0 || type[length] == ';' || type[length] == ' ');
}

static void take(struct upload *upload, size_t most, const char *bytes, size_t length)
{
    if (upload->too_long || length > most - upload->length) {
        upload->too_long = true;
        return;
    }
    if (upload->room < upload->length + length) {
        size_t room = upload->room == 0 ? 4096 : upload->room;
        while (room < upload->length + length)
            room *= 2;
        unsigned char *more = malloc(room);
        upload->too_long = more == NULL;
        if (more == NULL)
            return;
        if (upload->bytes != NULL) { // a body may hold secrets: no copy of it stays behind
            memcpy(more, upload->bytes, upload->length);
            explicit_bzero(upload->bytes, upload->length);
        }
        free(upload->bytes);
        upload->bytes = more;
        upload->room = room;
    }
    memcpy(upload->bytes + upload->length, bytes, length);
    upload->length += length;
}

static enum MHD_Result begin(struct http_listener *listener, const struct http_request *request, void **state)
{
    bool refused = false;
    enum MHD_Result result = MHD_YES;
    const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (listener->service.head != NULL)
        result = listener->service.head(listener->context, request, &refused);
    if (refused || result != MHD_YES)
        return result;
    struct upload *upload = calloc(1, sizeof *upload);
    if (upload == NULL)
        return MHD_NO;
    *state = upload;
    if (length == NULL || strtoull(length, NULL, 10) <= listener->service.body_max)
        return MHD_YES;
    // Said before the body is read, so that nobody has to send it.
    struct http_request whole = *request;
    whole.too_long = upload->answered = true;
    return listener->service.run(listener->context, &whole);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *bytes, size_t *length,
                                  void **state)
{
    struct http_listener *listener = context;
    struct upload *upload = *state;
    struct http_request request = {
        .connection = connection, .method = method, .path = path, .tls = listener->tls};
    (void)version;
    if (upload == NULL)
        return begin(listener, &request, state);
    if (*length > 0) {
        take(upload, listener->service.body_max, bytes, *length);
        *length = 0;
        return MHD_YES;
    }
    if (upload->answered)
        return MHD_YES;
    request.body = upload->bytes;
    request.length = upload->length;
    request.too_long = upload->too_long;
    return listener->service.run(listener->context, &request);
}

static struct visit *visit_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct http_listener *listener = context;
    struct upload *upload = *state;
    struct visit *visit = visit_of(connection);
    if (upload != NULL && upload->bytes != NULL)
        explicit_bzero(upload->bytes, upload->length);
    if (upload != NULL)
        free(upload->bytes);
    free(upload);
    *state = NULL;
    if (visit != NULL && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        visits_renew(&listener->visits, visit);
}

// The server names no CA in its CertificateRequest (RFC 8446 4.2.4: an empty list is any): whose certificate
// is taken is a question to the registry, which may say something else a minute later.
static void name_no_authority(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL && info->tls_session != NULL)
        gnutls_certificate_send_x509_rdn_sequence(info->tls_session, 1);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_listener *listener = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info != NULL ? visits_add(&listener->visits, info->connect_fd) : NULL;
        if (listener->asks_certificate)
            name_no_authority(connection);
    } else if (*socket_context != NULL) {
        visits_remove(&listener->visits, *socket_context);
        *socket_context = NULL;
    }
}

// Splits "HOST:PORT" and finds the address; only numeric ones, so that nothing waits for a name server.
static struct addrinfo *resolve(const struct http_ask *ask, char *host, size_t size, struct fail *fail)
{
    const char *listen = ask->where;
    const char *colon = strrchr(listen, ':');
    size_t length = colon != NULL ? (size_t)(colon - listen) : 0;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char plain[INET6_ADDRSTRLEN];
    bool brackets = length > 2 && listen[0] == '[' && listen[length - 1] == ']';
    size_t skip = brackets ? 1 : 0;
    if (length > 2 * skip && length - 2 * skip < sizeof plain && length < size) {
        snprintf(host, size, "%.*s", (int)length, listen);
        snprintf(plain, sizeof plain, "%.*s", (int)(length - 2 * skip), listen + skip);
        if (getaddrinfo(plain, colon + 1, &hints, &found) == 0)
            return found;
    }
    fail_with(fail, FAIL_USAGE, _("%s needs an address and a port, as 127.0.0.1:8829 or [::1]:0, not '%s'"),
              ask->option, listen);
    return NULL;
}

// As many connections as the limit of open files allows, keeping some for ourselves.
static unsigned connection_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 512;
    if (limit.rlim_cur < CONNECTIONS + 64 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < CONNECTIONS + 64 ? limit.rlim_max : CONNECTIONS + 64;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= CONNECTIONS + 64)
        return CONNECTIONS;
    return limit.rlim_cur > 128 ? (unsigned)limit.rlim_cur - 64 : 64;
}

static int listen_socket(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char port[8] = "";
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0)
        return 0;
    return (unsigned)strtoul(port, NULL, 10);
}

static bool is_loopback(const struct addrinfo *address)
{
    if (address->ai_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(
            &((const struct sockaddr_in6 *)(const void *)address->ai_addr)->sin6_addr);
    const struct sockaddr_in *four = (const void *)address->ai_addr;
    return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool http_listen(const struct http_ask *ask, struct http_listener **listener, struct fail *fail)
{
    struct http_listener *made = calloc(1, sizeof *made);
    int fd = -1;
    *listener = NULL;
    if (made == NULL)
        return fail_with(fail, FAIL_OTHER, _("out of memory"));
    made->service = *ask->service;
    made->context = ask->context;
    made->tls = ask->certificate != NULL;
    made->asks_certificate = ask->clients != NULL;
    struct addrinfo *address = resolve(ask, made->host, sizeof made->host, fail);
    if (address != NULL && ask->loopback_only && !made->tls && !is_loopback(address))
        fail_with(fail, FAIL_USAGE,
                  _("%s %s: without TLS only a loopback address may be used: give --tls-cert and --tls-key"),
                  ask->option, ask->where);
    else if (address != NULL && (fd = listen_socket(address)) < 0)
        fail_errno(fail, _("cannot listen at %s"), ask->where);
    if (address != NULL)
        freeaddrinfo(address);
    made->ask = *ask;
    made->fd = fd;
    made->port = fd >= 0 ? port_of(fd) : 0;
    if (fd >= 0)
        *listener = made;
    else
        free(made);
    return fd >= 0;
}

bool http_listener_begin(struct http_listener *listener, struct fail *fail)
{
    if (listener == NULL)
        return true;
    const struct http_ask *ask = &listener->ask;
    struct MHD_OptionItem tls[5] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC;
    unsigned most = connection_limit() / 100 * ask->share;
    size_t n = 0;
    if (listener->tls) {
        flags |= MHD_USE_TLS;
        tls[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)ask->certificate};
        tls[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)ask->key};
        tls[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)PRIORITIES};
        if (ask->clients != NULL)
            tls[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)ask->clients};
        tls[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    }
    visits_start(&listener->visits, most / 4 * 3);
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_LISTEN_SOCKET, listener->fd,
        MHD_OPTION_THREAD_POOL_SIZE, ask->service->threads, MHD_OPTION_CONNECTION_LIMIT, most,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)16384, MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, listener, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    listener->ask = (struct http_ask){.option = NULL};
    if (listener->daemon != NULL) {
        listener->fd = -1;
        return true;
    }
    visits_stop(&listener->visits);
    if (listener->tls)
        return fail_with(fail, FAIL_OTHER,
                         _("cannot start the HTTPS server: do --tls-cert and --tls-key belong together?"));
    return fail_with(fail, FAIL_OTHER,
                     _("cannot start the HTTP server: too few open files or threads allowed?"));
}

void http_listener_address(const struct http_listener *listener, char *text, size_t size)
{
    snprintf(text, size, "%s://%s:%u", listener->tls ? "https" : "http", listener->host, listener->port);
}

void http_listener_sweep(struct http_listener *listener)
{
    if (listener != NULL && listener->daemon != NULL)
        visits_sweep(&listener->visits, REQUEST_MILLIS);
}

void http_listener_stop(struct http_listener *listener)
{
    if (listener == NULL)
        return;
    if (listener->daemon != NULL) {
        MHD_stop_daemon(listener->daemon);
        visits_stop(&listener->visits);
    }
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener);
}
