// Routes of the certificate centre as rows, and the sessions behind them.
#include "web.h"

#include "web_html.h"
#include "web_style.h"
#include "words.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define API     "/api/1"

struct web *web_make(struct desk *desk, struct fail *fail)
{
    struct web *web = calloc(1, sizeof *web);
    if (web != NULL && limits_start(&web->limits, NULL) && (web->sessions = sessions_make(NULL)) != NULL) {
        web->desk = desk;
        form_guard_json();
        return web;
    }
    free(web);
    fail_with(fail, FAIL_OTHER, _("out of memory"));
    return NULL;
}

void web_free(struct web *web)
{
    if (web == NULL)
        return;
    sessions_free(web->sessions);
    limits_stop(&web->limits);
    free(web);
}

void web_sweep(struct web *web)
{
    if (web != NULL)
        sessions_sweep(web->sessions);
}

// --- answers

static void redirect(struct exchange *exchange, const char *to)
{
    exchange->status = MHD_HTTP_SEE_OTHER;
    exchange->location = to;
}

static struct frame frame_of(struct exchange *exchange, const char *path, const char *title)
{
    return (struct frame){.page = &exchange->page,
                          .path = path,
                          .title = title,
                          .session = exchange->visit.session,
                          .home = "",
                          .failed = exchange->visit.error != WEB_NONE};
}

static void show_failure(struct exchange *exchange)
{
    const struct visit *visit = &exchange->visit;
    struct frame frame = frame_of(exchange, "/", _(web_error(visit->error)->text));
    exchange->status = web_error(visit->error)->status;
    html_failure(&frame, visit->error, visit->text);
}

// --- sessions

static void open_visit(struct exchange *exchange)
{
    exchange->visit.journey = &exchange->visit.session->journey;
}

bool web_open(struct exchange *exchange, bool program)
{
    if (!limit_take(&exchange->web->limits, LIMIT_SESSIONS, exchange->visit.address))
        return visit_refuse(&exchange->visit, WEB_MANY, NULL);
    exchange->visit.session = session_new(exchange->web->sessions, program, exchange->id);
    if (exchange->visit.session == NULL)
        return visit_refuse(&exchange->visit, WEB_FULL, NULL);
    open_visit(exchange);
    return true;
}

bool web_find(struct exchange *exchange, const char *id, bool program)
{
    if (id != NULL)
        exchange->visit.session = session_take(exchange->web->sessions, id, program);
    if (exchange->visit.session == NULL)
        return visit_refuse(&exchange->visit, WEB_SESSION, NULL);
    open_visit(exchange);
    return true;
}

static const char *cookie_of(const struct exchange *exchange)
{
    return MHD_lookup_connection_value(exchange->request->connection, MHD_COOKIE_KIND,
                                       exchange->request->tls ? COOKIE_TLS : COOKIE_HTTP);
}

static const char *query(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->request->connection, MHD_GET_ARGUMENT_KIND, name);
}

// The visitor's session if there is one; no new one is begun, and to have none is no error.
static void peek(struct exchange *exchange)
{
    const char *id = cookie_of(exchange);
    if (id != NULL && (exchange->visit.session = session_take(exchange->web->sessions, id, false)) != NULL)
        open_visit(exchange);
}

// --- pages

static void run_home(struct exchange *exchange)
{
    peek(exchange);
    struct frame frame = frame_of(exchange, "/", _("First page"));
    html_begin(&frame);
    html_home(&exchange->page, &exchange->visit);
    html_end(&frame);
}

static void run_style(struct exchange *exchange)
{
    exchange->public = true;
    exchange->type = "text/css; charset=utf-8";
    page_raw(&exchange->page, web_style);
}

static void run_sign(struct exchange *exchange)
{
    exchange->public = true;
    exchange->type = "image/svg+xml";
    page_raw(&exchange->page, web_sign);
}

static void show_step(struct exchange *exchange, const struct form *form)
{
    struct view view;
    struct visit *visit = &exchange->visit;
    enum web_error error = visit->error;
    bool shown = flow_show(visit, &view);
    if (!shown && error == WEB_NONE) {
        // A step that failed by itself leads back to an earlier one, which is shown with what was wrong.
        error = visit->error;
        visit->error = WEB_NONE;
        shown = flow_show(visit, &view);
        if (shown)
            visit->error = error;
    } else if (shown) {
        visit->error = error;
    }
    if (!shown) {
        show_failure(exchange);
        return;
    }
    const struct flow *flow = visit->journey->flow;
    if (visit->error == WEB_NONE && flow->after != NULL && flow_ended(visit->journey)) {
        redirect(exchange, flow->after);
        return;
    }
    struct frame frame = frame_of(exchange, flow->path, _(flow_step(visit->journey)->title));
    frame.wait = view.wait;
    exchange->status = web_error(visit->error)->status;
    html_begin(&frame);
    html_step(&exchange->page, visit, &view, form);
    html_end(&frame);
    OPENSSL_cleanse(&view, sizeof view);
}

static const struct flow *flow_at(const char *path)
{
    for (const struct flow *flow = flows; flow->name != NULL; flow++) {
        if (strcmp(flow->path, path) == 0)
            return flow;
    }
    return NULL;
}

static void run_flow(struct exchange *exchange)
{
    struct visit *visit = &exchange->visit;
    const struct flow *flow = flow_at(exchange->request->path);
    peek(exchange);
    if (flow->member && (visit->session == NULL || visit->session->customer[0] == 0)) {
        redirect(exchange, "/login");
        return;
    }
    if (flow->after != NULL && visit->session != NULL && visit->session->customer[0] != 0) {
        redirect(exchange, flow->after);
        return;
    }
    if (visit->session == NULL && !web_open(exchange, false)) {
        show_failure(exchange);
        return;
    }
    bool fresh = visit->journey->flow != flow || query(exchange, "begin") != NULL;
    if (fresh && !flow_begin(visit, flow)) {
        show_failure(exchange);
        return;
    }
    // So that the address in the browser does not begin anew again.
    if (query(exchange, "begin") != NULL)
        redirect(exchange, flow->path);
    else
        show_step(exchange, NULL);
}

// A form that comes from a page of ours, in a session that had it. False: the failure is shown already.
static bool take_form(struct exchange *exchange, struct form *form)
{
    struct visit *visit = &exchange->visit;
    const struct http_request *request = exchange->request;
    const char *site = http_header(request, "Sec-Fetch-Site");
    bool good =
        (http_type_is(request, "application/x-www-form-urlencoded") || visit_refuse(visit, WEB_TYPE, NULL)) &&
        (form_read(request->body, request->length, form) || visit_refuse(visit, WEB_FORM, NULL)) &&
        (site == NULL || strcmp(site, "same-origin") == 0 || visit_refuse(visit, WEB_CSRF, NULL)) &&
        web_find(exchange, cookie_of(exchange), false) &&
        (session_csrf(visit->session, form_get(form, "csrf")) || visit_refuse(visit, WEB_CSRF, NULL));
    if (!good)
        show_failure(exchange);
    return good;
}

static void post_flow(struct exchange *exchange)
{
    struct form form;
    struct visit *visit = &exchange->visit;
    const struct flow *flow = flow_at(exchange->request->path);
    if (take_form(exchange, &form)) {
        bool right = visit->journey->flow == flow || visit_refuse(visit, WEB_STEP, NULL);
        if (right && flow_take(visit, &form))
            redirect(exchange, flow->path);
        else if (right)
            show_step(exchange, &form);
        else
            show_failure(exchange);
    }
    form_wipe(&form);
}

static void run_my(struct exchange *exchange)
{
    peek(exchange);
    if (exchange->visit.session == NULL || exchange->visit.session->customer[0] == 0) {
        redirect(exchange, "/login");
        return;
    }
    struct frame frame = frame_of(exchange, "/my", _("My certificates"));
    html_begin(&frame);
    bool done = html_my(&exchange->page, &exchange->visit);
    html_end(&frame);
    if (!done) {
        page_free(&exchange->page);
        show_failure(exchange);
    }
}

static void post_logout(struct exchange *exchange)
{
    struct form form;
    if (take_form(exchange, &form)) {
        session_end(exchange->web->sessions, exchange->visit.session);
        exchange->visit.session = NULL;
        exchange->end_cookie = true;
        redirect(exchange, "/");
    }
    form_wipe(&form);
}

struct route {
    const char *path, *method;
    void (*run)(struct exchange *exchange);
};

static const struct route routes[] = {
    {"/", "GET", run_home}, {"/style.css", "GET", run_style}, {"/icon.svg", "GET", run_sign},
    {"/my", "GET", run_my}, {"/logout", "POST", post_logout},
};
static const struct route flow_routes[] = {{NULL, "GET", run_flow}, {NULL, "POST", post_flow}};

static const struct route *find_route(const char *path, const char *method, bool *known)
{
    bool flow = flow_at(path) != NULL;
    const struct route *list = flow ? flow_routes : routes;
    size_t count = flow ? sizeof flow_routes / sizeof flow_routes[0] : sizeof routes / sizeof routes[0];
    *known = false;
    for (size_t i = 0; i < count; i++) {
        if (!flow && strcmp(list[i].path, path) != 0)
            continue;
        *known = true;
        if (strcmp(list[i].method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0)
            return &list[i];
    }
    return NULL;
}

static void choose_language(struct exchange *exchange)
{
    struct MHD_Connection *connection = exchange->request->connection;
    const char *asked = query(exchange, "lang");
    const char *kept = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, "lang");
    const char *tag = asked != NULL ? asked : kept;
    words_use(words_accepted(http_header(exchange->request, MHD_HTTP_HEADER_ACCEPT_LANGUAGE)));
    for (int i = WORDS_KOREAN; i < WORDS_LANGUAGES; i++) {
        if (tag != NULL && strcmp(tag, words_tag((enum words_language)i)) == 0) {
            words_use((enum words_language)i);
            exchange->set_language = asked != NULL;
        }
    }
}

static void log_begin(struct exchange *exchange, const char *path)
{
    snprintf(exchange->log, sizeof exchange->log, "page=%s", path);
}

// What is logged of the session: who, at which step, and the reference number that came of it.
static void log_session(struct exchange *exchange)
{
    const struct session *session = exchange->visit.session;
    size_t used = strlen(exchange->log);
    if (session == NULL || session->journey.flow == NULL)
        return;
    const struct journey *journey = &session->journey;
    snprintf(exchange->log + used, sizeof exchange->log - used, " flow=%s step=%s customer=%s reference=%s",
             journey->flow->name, flow_step(journey)->name, journey->customer.id, journey->made.reference);
}

static void serve(struct exchange *exchange)
{
    bool known = false;
    struct visit *visit = &exchange->visit;
    const struct http_request *request = exchange->request;
    const struct route *route = find_route(request->path, request->method, &known);
    log_begin(exchange, route != NULL ? request->path : "?");
    if (request->too_long)
        visit_refuse(visit, WEB_LONG, NULL);
    else if (!limit_take(&exchange->web->limits, LIMIT_REQUESTS, visit->address))
        visit_refuse(visit, WEB_MANY, NULL);
    else if (route == NULL)
        visit_refuse(visit, known ? WEB_METHOD : WEB_NOT_FOUND, NULL);
    if (route != NULL && visit->error == WEB_NONE)
        route->run(exchange);
    else
        show_failure(exchange);
}

static void close_session(struct exchange *exchange)
{
    struct visit *visit = &exchange->visit;
    log_session(exchange);
    if (visit->session == NULL)
        return;
    if (visit->rotate && !session_rotate(exchange->web->sessions, visit->session, exchange->id))
        session_end(exchange->web->sessions, visit->session);
    else
        session_put(exchange->web->sessions, visit->session);
    visit->session = NULL;
}

// An address of ours with the host's name from the request instead of the number that we listen at.
static void by_name(const struct http_request *request, const char *address, char text[DESK_URL])
{
    const char *host = http_header(request, MHD_HTTP_HEADER_HOST);
    const char *port = strrchr(address, ':');
    size_t length = host != NULL ? strcspn(host, ":") : 0;
    snprintf(text, DESK_URL, "%s", address);
    if (address[0] != 0 && length > 0 && length < DESK_URL - 32 &&
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == length)
        snprintf(text, DESK_URL, "%.*s://%.*s%s", (int)strcspn(address, ":"), address, (int)length, host,
                 port);
}

enum MHD_Result web_exchange(struct web *web, const struct http_request *request,
                             void (*answer)(struct exchange *exchange))
{
    struct exchange exchange = {.web = web,
                                .request = request,
                                .status = MHD_HTTP_OK,
                                .type = "text/html; charset=utf-8",
                                .visit = {.web = web}};
    char who[HTTP_ADDRESS];
    http_client(request->connection, exchange.address);
    limit_address(exchange.address, who);
    exchange.visit.address = who;
    by_name(request, web->pages, exchange.visit.pages);
    by_name(request, web->members, exchange.visit.members);
    choose_language(&exchange);
    answer(&exchange);
    close_session(&exchange);
    enum MHD_Result done = web_send(&exchange);
    words_use(WORDS_LOCALE);
    return done;
}

static void answer_pages(struct exchange *exchange)
{
    const char *path = exchange->request->path;
    if (strncmp(path, API "/", sizeof API) == 0)
        api_run(exchange, path + sizeof API);
    else
        serve(exchange);
}

static enum MHD_Result run(void *context, const struct http_request *request)
{
    return web_exchange(context, request, answer_pages);
}

const struct http_service web_pages = {FORM_MAX, THREADS, NULL, run};
