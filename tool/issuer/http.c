// Takes CMP requests over HTTP (RFC 6712): POST of application/pkixcmp, one message a request.
#include "http.h"

#include "cmp.h"
#include "http_public.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TYPE_CMP "application/pkixcmp"
#define THREADS  4

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
    char who[HTTP_ADDRESS];
    http_client(connection, who);
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
static const struct fault no_authority = {MHD_HTTP_NOT_FOUND, "the desk has no CA key of this number\n"};
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

// What the request line and the headers already show to be wrong.
static const struct fault *check_head(const struct http_request *request)
{
    bool known = false;
    const struct http_public *public = http_public_find(request->path, request->method, &known);
    if (public != NULL)
        return public->asks == NULL || http_type_is(request, public->asks) ? NULL : &public_type;
    if (known)
        return &public_method;
    if (!known_path(request->path))
        return &no_path;
    if (strcmp(request->method, MHD_HTTP_METHOD_POST) != 0)
        return &no_method;
    return http_type_is(request, TYPE_CMP) ? NULL : &no_type;
}

static enum MHD_Result head(void *context, const struct http_request *request, bool *refused)
{
    const struct fault *fault = check_head(request);
    (void)context;
    *refused = fault != NULL;
    return fault != NULL ? send_fault(request->connection, fault) : MHD_YES;
}

static enum MHD_Result answer_cmp(struct desk *desk, const struct http_request *request)
{
    struct cmp_event event;
    unsigned char *bytes = NULL;
    size_t length = 0;
    enum cmp_end end = cmp_answer(desk, request->body, request->length, &bytes, &length, &event);
    if (end != CMP_ANSWERED)
        return send_fault(request->connection, end == CMP_MALFORMED ? &malformed : &broken);
    enum MHD_Result done = send_bytes(request->connection, MHD_HTTP_OK, TYPE_CMP, bytes, length);
    log_line(request->connection, MHD_HTTP_OK, &event);
    OPENSSL_free(bytes);
    return done;
}

// Answers a public request: from its path or from its body.
static enum MHD_Result answer_public(struct desk *desk, const struct http_request *request,
                                     const struct http_public *public)
{
    unsigned char asked[PUBLISH_ASK];
    unsigned char *der = NULL;
    if (request->length > PUBLISH_ASK)
        return send_fault(request->connection, &too_long);
    int size =
        public->asks != NULL ? (int)request->length : http_public_request(public, request->path, asked);
    if (size < 0)
        return send_fault(request->connection, &no_request);
    int length = public->run(desk, public->asks != NULL ? request->body : asked, (size_t)size, &der);
    if (length == 0)
        return send_fault(request->connection, &no_authority);
    if (length < 0)
        return send_fault(request->connection, &broken);
    enum MHD_Result done = send_bytes(request->connection, MHD_HTTP_OK, public->answers, der, (size_t)length);
    OPENSSL_free(der);
    return done;
}

static enum MHD_Result run(void *context, const struct http_request *request)
{
    bool known = false;
    const struct http_public *public = http_public_find(request->path, request->method, &known);
    if (request->too_long)
        return send_fault(request->connection, &too_long);
    return public != NULL ? answer_public(context, request, public) : answer_cmp(context, request);
}

const struct http_service http_cmp = {CMP_MAX, THREADS, head, run};
