// Takes CMP requests over HTTP (RFC 6712): POST of application/pkixcmp, one message a request.
#include "http.h"

#include "cmp.h"
#include "http_public.h"
#include "visits.h"
#include "words.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TYPE_CMP       "application/pkixcmp"
#define THREADS        4
#define CONNECTIONS    4000
#define IDLE_SECONDS   15    // a connection without traffic
#define REQUEST_MILLIS 30000 // a request, from its first byte to its answer, however slowly it comes

struct http {
    struct desk *desk;
    struct MHD_Daemon *daemon;
    struct visits visits;
    char host[INET6_ADDRSTRLEN + 3];
    unsigned port;
};

// The body of one request as it comes in.
struct upload {
    const struct http_public *public; // what is asked beside CMP, or NULL
    unsigned char *bytes;
    size_t length, room;
    bool too_long;
};

// Where CMP is served: RFC 6712 3.6 has the path configurable, RFC 9483 8 the well-known one.
static const char *const paths[] = {"/", "/cmp", "/.well-known/cmp"};

static const char *const body_names[] = {
    "ir",     "ip",      "cr",     "cp",   "p10cr", "popdecc", "popdecr",  "kur",     "kup",
    "krr",    "krp",     "rr",     "rp",   "ccr",   "ccp",     "ckuann",   "cann",    "rann",
    "crlann", "pkiconf", "nested", "genm", "genp",  "error",   "certConf", "pollReq", "pollRep",
};

static void log_line(struct MHD_Connection *connection, unsigned status, const struct cmp_event *event)
{
    char when[DESK_TIME];
    char who[INET6_ADDRSTRLEN] = "-";
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info != NULL && info->client_addr != NULL) {
        socklen_t size = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                  : sizeof(struct sockaddr_in);
        if (getnameinfo(info->client_addr, size, who, sizeof who, NULL, 0, NI_NUMERICHOST) != 0)
            who[0] = 0;
    }
    desk_time((int64_t)time(NULL), when);
    if (event == NULL)
        fprintf(stderr, "%s %s http=%u\n", when, who, status);
    else
        fprintf(stderr, "%s %s http=%u body=%s reference=%s serial=%s result=%s reason=%s\n", when, who,
                status,
                event->body < sizeof body_names / sizeof body_names[0] ? body_names[event->body] : "?",
                event->reference, event->serial, event->what, refuse_word(event->reason));
}

static enum MHD_Result send_bytes(struct MHD_Connection *connection, unsigned status, const char *type,
                                  void *bytes, size_t length)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    enum MHD_Result done = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return done;
}

struct fault {
    unsigned status;
    const char *text;
};

static const struct fault no_path = {MHD_HTTP_NOT_FOUND, "CMP is served at /cmp\n"};
static const struct fault no_method = {MHD_HTTP_METHOD_NOT_ALLOWED, "CMP requests are sent with POST\n"};
static const struct fault public_method = {MHD_HTTP_METHOD_NOT_ALLOWED, "this is not asked for so\n"};
static const struct fault public_type = {MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                         "the content type must be application/ocsp-request\n"};
static const struct fault no_request = {MHD_HTTP_BAD_REQUEST, "the path is no OCSP request in base64\n"};
static const struct fault no_type = {MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                     "the content type must be " TYPE_CMP "\n"};
static const struct fault too_long = {MHD_HTTP_CONTENT_TOO_LARGE, "the request is too long\n"};
static const struct fault malformed = {MHD_HTTP_BAD_REQUEST, "the body is not a DER PKIMessage (RFC 4210)\n"};
static const struct fault broken = {MHD_HTTP_INTERNAL_SERVER_ERROR, "the desk failed: try again later\n"};

static enum MHD_Result send_fault(struct MHD_Connection *connection, const struct fault *fault)
{
    log_line(connection, fault->status, NULL);
    return send_bytes(connection, fault->status, "text/plain; charset=utf-8", (void *)fault->text,
                      strlen(fault->text));
}

static bool known_path(const char *path)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(path, paths[i]) == 0)
            return true;
    }
    return false;
}

static bool right_type(const char *type, const char *wanted)
{
    size_t length = strlen(wanted);
    return type != NULL && strncasecmp(type, wanted, length) == 0 &&
           (type[length] == 0 || type[length] == ';' || type[length] == ' ');
}

// What the request line and the headers already show to be wrong.
static const struct fault *check_head(struct MHD_Connection *connection, const char *path, const char *method,
                                      const struct http_public **public)
{
    bool known = false;
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    *public = http_public_find(path, method, &known);
    if (*public != NULL)
        return (*public)->asks == NULL || right_type(type, (*public)->asks) ? NULL : &public_type;
    if (known)
        return &public_method;
    if (!known_path(path))
        return &no_path;
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return &no_method;
    if (!right_type(type, TYPE_CMP))
        return &no_type;
    return length != NULL && strtoull(length, NULL, 10) > CMP_MAX ? &too_long : NULL;
}

static void take(struct upload *upload, const char *bytes, size_t length)
{
    if (upload->too_long || length > CMP_MAX - upload->length) {
        upload->too_long = true;
        return;
    }
    if (upload->room < upload->length + length) {
        size_t room = upload->room == 0 ? 4096 : upload->room;
        while (room < upload->length + length)
            room *= 2;
        unsigned char *more = realloc(upload->bytes, room);
        upload->too_long = more == NULL;
        if (more == NULL)
            return;
        upload->bytes = more;
        upload->room = room;
    }
    memcpy(upload->bytes + upload->length, bytes, length);
    upload->length += length;
}

static enum MHD_Result answer(struct http *http, struct MHD_Connection *connection,
                              const struct upload *upload)
{
    struct cmp_event event;
    unsigned char *bytes = NULL;
    size_t length = 0;
    if (upload->too_long)
        return send_fault(connection, &too_long);
    enum cmp_end end = cmp_answer(http->desk, upload->bytes, upload->length, &bytes, &length, &event);
    if (end != CMP_ANSWERED)
        return send_fault(connection, end == CMP_MALFORMED ? &malformed : &broken);
    enum MHD_Result done = send_bytes(connection, MHD_HTTP_OK, TYPE_CMP, bytes, length);
    log_line(connection, MHD_HTTP_OK, &event);
    OPENSSL_free(bytes);
    return done;
}

// Answers a public request: from its path or from its body.
static enum MHD_Result answer_public(struct http *http, struct MHD_Connection *connection,
                                     const struct upload *upload, const char *path)
{
    unsigned char asked[PUBLISH_ASK];
    unsigned char *der = NULL;
    const struct http_public *public = upload->public;
    if (upload->too_long || upload->length > PUBLISH_ASK)
        return send_fault(connection, &too_long);
    int size = public->asks != NULL ? (int)upload->length : http_public_request(public, path, asked);
    if (size < 0)
        return send_fault(connection, &no_request);
    int length = public->run(http->desk, public->asks != NULL ? upload->bytes : asked, (size_t)size, &der);
    if (length <= 0)
        return send_fault(connection, &broken);
    enum MHD_Result done = send_bytes(connection, MHD_HTTP_OK, public->answers, der, (size_t)length);
    OPENSSL_free(der);
    return done;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *bytes, size_t *length,
                                  void **state)
{
    struct upload *upload = *state;
    (void)version;
    if (upload == NULL) {
        const struct http_public *public = NULL;
        const struct fault *fault = check_head(connection, path, method, &public);
        if (fault != NULL)
            return send_fault(connection, fault);
        *state = upload = calloc(1, sizeof *upload);
        if (upload != NULL)
            upload->public = public;
        return upload != NULL ? MHD_YES : MHD_NO;
    }
    if (*length == 0)
        return upload->public != NULL ? answer_public(context, connection, upload, path)
                                      : answer(context, connection, upload);
    take(upload, bytes, *length);
    *length = 0;
    return MHD_YES;
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
    struct http *http = context;
    struct upload *upload = *state;
    struct visit *visit = visit_of(connection);
    if (upload != NULL)
        free(upload->bytes);
    free(upload);
    *state = NULL;
    if (visit != NULL && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        visits_renew(&http->visits, visit);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info != NULL ? visits_add(&http->visits, info->connect_fd) : NULL;
    } else if (*socket_context != NULL) {
        visits_remove(&http->visits, *socket_context);
        *socket_context = NULL;
    }
}

// Splits "HOST:PORT" and finds the address; only numeric ones, so that nothing waits for a name server.
static struct addrinfo *resolve(const char *listen, char *host, size_t size, struct fail *fail)
{
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
    fail_with(fail, FAIL_USAGE,
              _("--listen needs an address and a port, as 127.0.0.1:8829 or [::1]:0, not '%s'"), listen);
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

static bool start(struct http *http, int fd, struct fail *fail)
{
    unsigned most = connection_limit();
    visits_start(&http->visits, most / 4 * 3);
    http->port = port_of(fd);
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, http,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
        MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
    if (http->daemon != NULL)
        return true;
    visits_stop(&http->visits);
    return fail_with(fail, FAIL_OTHER,
                     _("cannot start the HTTP server: too few open files or threads allowed?"));
}

bool http_start(struct desk *desk, const char *where, struct http **http, struct fail *fail)
{
    struct http *made = calloc(1, sizeof *made);
    *http = NULL;
    if (made == NULL)
        return fail_with(fail, FAIL_OTHER, _("out of memory"));
    made->desk = desk;
    struct addrinfo *address = resolve(where, made->host, sizeof made->host, fail);
    int fd = address != NULL ? listen_socket(address) : -1;
    if (address != NULL && fd < 0)
        fail_errno(fail, _("cannot listen at %s"), where);
    if (address != NULL)
        freeaddrinfo(address);
    if (fd >= 0 && start(made, fd, fail)) {
        *http = made;
        return true;
    }
    if (fd >= 0)
        close(fd);
    free(made);
    return false;
}

void http_address(const struct http *http, char *text, size_t size)
{
    snprintf(text, size, "http://%s:%u", http->host, http->port);
}

void http_sweep(struct http *http)
{
    visits_sweep(&http->visits, REQUEST_MILLIS);
}

void http_stop(struct http *http)
{
    MHD_stop_daemon(http->daemon);
    visits_stop(&http->visits);
    free(http);
}
