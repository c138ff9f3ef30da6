// The JSON API: the same steps as the pages, for programs such as the tool's wizard.
#include "web.h"
#include "words.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SCHEMA 1

static json_t *text(const char *value)
{
    return json_string(value != NULL ? value : "");
}

// Takes the object over.
static void put(struct exchange *exchange, unsigned status, json_t *object)
{
    char *bytes = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    exchange->status = status;
    exchange->type = "application/json; charset=utf-8";
    if (bytes != NULL)
        page_raw(&exchange->page, bytes);
    exchange->page.failed = exchange->page.failed || bytes == NULL;
    json_decref(object);
    if (bytes != NULL)
        OPENSSL_cleanse(bytes, strlen(bytes));
    free(bytes);
}

static void put_error(struct exchange *exchange)
{
    const struct visit *visit = &exchange->visit;
    const struct web_error_row *row = web_error(visit->error);
    char said[900];
    snprintf(said, sizeof said, "%s%s%s", _(row->text), visit->text[0] != 0 ? " " : "", visit->text);
    json_t *error = json_pack("{s:s, s:s, s:s}", "code", row->word, "text", said, "todo", _(row->todo));
    if (error != NULL && visit->field != NULL)
        json_object_set_new(error, "field", text(visit->field));
    put(exchange, row->status, json_pack("{s:i, s:o}", "schema", SCHEMA, "error", error));
}

static const char *kind_word(enum field_kind kind)
{
    static const char *const words[] = {[FIELD_TEXT] = "text",
                                        [FIELD_SECRET] = "secret",
                                        [FIELD_AGREE] = "agree",
                                        [FIELD_CHOICE] = "choice",
                                        [FIELD_LONG] = "long"};
    return words[kind];
}

static json_t *field_object(const struct field *field, const struct view *view)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:b, s:i}", "name", field->name, "label",
                               _(field->label), "hint", field->hint != NULL ? _(field->hint) : "", "kind",
                               kind_word(field->kind), "required", !field->optional, "max", (int)field->most);
    if (object == NULL || field->kind != FIELD_CHOICE)
        return object;
    json_t *choices = json_array();
    for (size_t i = 0; i < view->choices; i++) {
        if (strcmp(view->choice[i].field, field->name) == 0)
            json_array_append_new(choices,
                                  json_pack("{s:s, s:s, s:s}", "value", view->choice[i].value, "label",
                                            view->choice[i].label, "note", view->choice[i].note));
    }
    json_object_set_new(object, "choices", choices);
    return object;
}

static json_t *step_object(const struct journey *journey, const struct view *view)
{
    const struct step *step = flow_step(journey);
    json_t *facts = json_array();
    json_t *fields = json_array();
    for (size_t i = 0; i < view->facts; i++)
        json_array_append_new(facts, json_pack("{s:s, s:s, s:s}", "name", view->fact[i].name, "label",
                                               view->fact[i].label, "value", view->fact[i].value));
    for (size_t i = 0; i < FLOW_FIELDS && step->fields[i].name != NULL; i++)
        json_array_append_new(fields, field_object(&step->fields[i], view));
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "name", step->name, "title", _(step->title),
                               "text", step->text != NULL ? _(step->text) : "", "note", view->note, "facts",
                               facts, "fields", fields);
    if (object != NULL && view->wait > 0)
        json_object_set_new(object, "wait", json_integer(view->wait));
    if (object != NULL && flow_ended(journey))
        json_object_set_new(object, "end", json_true());
    return object;
}

// The step at hand, and the session's id when it has a new one.
static void put_step(struct exchange *exchange, unsigned status)
{
    struct view view;
    struct visit *visit = &exchange->visit;
    if (visit->journey->flow == NULL) {
        visit_refuse(visit, WEB_STEP, NULL);
        put_error(exchange);
        return;
    }
    if (!flow_show(visit, &view)) {
        put_error(exchange);
        return;
    }
    if (visit->rotate && session_rotate(exchange->web->sessions, visit->session, exchange->id))
        visit->rotate = false;
    json_t *object = json_pack("{s:i, s:s, s:o}", "schema", SCHEMA, "flow", visit->journey->flow->name,
                               "step", step_object(visit->journey, &view));
    if (object != NULL && exchange->id[0] != 0)
        json_object_set_new(object, "session", text(exchange->id));
    put(exchange, status, object);
    OPENSSL_cleanse(&view, sizeof view);
    OPENSSL_cleanse(exchange->id, sizeof exchange->id); // the page sets no cookie
}

static bool read_body(struct exchange *exchange, struct form *form)
{
    const struct http_request *request = exchange->request;
    return (http_type_is(request, "application/json") || visit_refuse(&exchange->visit, WEB_TYPE, NULL)) &&
           (form_read_json(request->body, request->length, form) ||
            visit_refuse(&exchange->visit, WEB_FORM, NULL));
}

static bool begin(struct exchange *exchange, const struct form *form)
{
    const char *name = form_get(form, "flow");
    const struct flow *flow = flow_find(name != NULL ? name : "");
    return flow != NULL ? flow_begin(&exchange->visit, flow)
                        : visit_refuse(&exchange->visit, WEB_CHOICE, "flow");
}

// --- what is answered

static bool post_sessions(struct exchange *exchange, const struct form *form)
{
    if (!web_open(exchange, true))
        return false;
    if (begin(exchange, form)) {
        put_step(exchange, MHD_HTTP_CREATED);
        return true;
    }
    session_end(exchange->web->sessions, exchange->visit.session);
    exchange->visit.session = NULL;
    return false;
}

static bool get_step(struct exchange *exchange, const struct form *form)
{
    (void)form;
    put_step(exchange, MHD_HTTP_OK);
    return true;
}

static bool post_step(struct exchange *exchange, const struct form *form)
{
    if (!flow_take(&exchange->visit, form))
        return false;
    put_step(exchange, MHD_HTTP_OK);
    return true;
}

static bool post_flow(struct exchange *exchange, const struct form *form)
{
    if (!begin(exchange, form))
        return false;
    put_step(exchange, MHD_HTTP_OK);
    return true;
}

static bool delete_session(struct exchange *exchange, const struct form *form)
{
    (void)form;
    session_end(exchange->web->sessions, exchange->visit.session);
    exchange->visit.session = NULL;
    exchange->status = MHD_HTTP_NO_CONTENT;
    exchange->type = NULL;
    return true;
}

static json_t *certificate_object(const struct act_certificate *row)
{
    char from[DESK_TIME];
    char until[DESK_TIME];
    desk_time(row->created, from);
    desk_time(row->not_after, until);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "serial", row->serial, "class", row->class_name,
                     "status", row->status, "from", from, "until", until, "replaced_by", row->replaced_by);
}

static bool get_certificates(struct exchange *exchange, const struct form *form)
{
    struct act_certificate rows[FLOW_CHOICES];
    struct fail fail = {0};
    size_t count = 0;
    struct visit *visit = &exchange->visit;
    (void)form;
    if (visit->session->customer[0] == 0)
        return visit_refuse(visit, WEB_LOGIN, NULL);
    if (!customer_certificates(exchange->web->desk, visit->session->customer, rows, FLOW_CHOICES, &count,
                               &fail))
        return visit_fail(visit, &fail, NULL);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, certificate_object(&rows[i]));
    put(exchange, MHD_HTTP_OK, json_pack("{s:i, s:o}", "schema", SCHEMA, "certificates", list));
    return true;
}

static const struct api_row {
    const char *path, *method;
    bool session; // of the header Authorization
    bool (*run)(struct exchange *exchange, const struct form *form);
} rows[] = {
    {"sessions", "POST", false, post_sessions},
    {"session", "DELETE", true, delete_session},
    {"step", "GET", true, get_step},
    {"step", "POST", true, post_step},
    {"flow", "POST", true, post_flow},
    {"certificates", "GET", true, get_certificates},
};

static const struct api_row *find(struct exchange *exchange, const char *path)
{
    bool known = false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].path, path) != 0)
            continue;
        known = true;
        if (strcmp(rows[i].method, exchange->request->method) == 0) {
            snprintf(exchange->log, sizeof exchange->log, "api=%s", rows[i].path);
            return &rows[i];
        }
    }
    visit_refuse(&exchange->visit, known ? WEB_METHOD : WEB_NOT_FOUND, NULL);
    return NULL;
}

// RFC 6750 2.1
static const char *bearer(const struct exchange *exchange)
{
    const char *value = http_header(exchange->request, MHD_HTTP_HEADER_AUTHORIZATION);
    return value != NULL && strncasecmp(value, "Bearer ", 7) == 0 ? value + 7 : NULL;
}

void api_run(struct exchange *exchange, const char *path)
{
    struct form form;
    struct visit *visit = &exchange->visit;
    memset(&form, 0, sizeof form);
    snprintf(exchange->log, sizeof exchange->log, "api=?");
    const struct api_row *row = find(exchange, path);
    bool good = row != NULL && (!exchange->request->too_long || visit_refuse(visit, WEB_LONG, NULL)) &&
                (limit_take(&exchange->web->limits, LIMIT_REQUESTS, visit->address) ||
                 visit_refuse(visit, WEB_MANY, NULL)) &&
                (strcmp(row->method, "POST") != 0 || read_body(exchange, &form)) &&
                (!row->session || web_find(exchange, bearer(exchange), true)) && row->run(exchange, &form);
    if (!good && exchange->page.length == 0)
        put_error(exchange);
    form_wipe(&form);
}
