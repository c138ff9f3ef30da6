// HTTP by libcurl, in a child process: what it holds of numbers, answers and codes is gone with the child.
#include "apply/centre.h"
#include "otp/apart.h"
#include "text.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MOST 65536
#define API         "/api/1"

enum got { GOT_ANSWER, GOT_NONE, GOT_TLS, GOT_CA_FILE };

struct request {
    const struct centre *centre;
    const char *method, *path, *body;
    int fd;
};

enum exit_code centre_check(struct run *run, const struct centre *centre)
{
    static const char *const here[] = {"http://127.", "http://[::1]",
                                       "http://localhost:", "http://localhost/"};
    bool fits = strncmp(centre->url, "https://", 8) == 0 && centre->url[8] != '\0';
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
        fits = fits || strncmp(centre->url, here[i], strlen(here[i])) == 0;
    if (fits && strlen(centre->url) < 512)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("\"%s\" is no address of a certificate centre."), centre->url);
    return fault_todo(&run->fault, _("Write it as https://HOST:PORT."));
}

static size_t pass_on(char *bytes, size_t size, size_t count, void *arg)
{
    const struct request *request = arg;
    size_t done = 0, all = size * count;
    while (done < all) {
        ssize_t n = write(request->fd, bytes + done, all - done);
        if (n <= 0)
            return 0;
        done += (size_t)n;
    }
    return all;
}

static struct curl_slist *headers(const struct request *request)
{
    char line[128];
    struct curl_slist *list = NULL;
    // TRANSLATORS: the language's tag of RFC 5646
    snprintf(line, sizeof line, "Accept-Language: %s", _("en"));
    list = curl_slist_append(list, line);
    if (request->body != NULL)
        list = curl_slist_append(list, "Content-Type: application/json");
    if (request->centre->session[0] != '\0') {
        snprintf(line, sizeof line, "Authorization: Bearer %s", request->centre->session);
        list = curl_slist_append(list, line);
    }
    return list;
}

// The child's whole work; it ends with the process, nothing is released.
static int perform(void *arg, int fd)
{
    struct request *request = arg;
    const struct centre *centre = request->centre;
    char url[1024];
    CURL *curl = curl_easy_init();
    request->fd = fd;
    size_t length = strlen(centre->url);
    while (length > 0 && centre->url[length - 1] == '/')
        length--;
    snprintf(url, sizeof url, "%.*s%s%s", (int)length, centre->url, API, request->path);
    if (curl == NULL || curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        (centre->tls_ca != NULL && curl_easy_setopt(curl, CURLOPT_CAINFO, centre->tls_ca) != CURLE_OK))
        return GOT_NONE;
    if (request->body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers(request));
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)centre->timeout);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, pass_on);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
    switch (curl_easy_perform(curl)) {
    case CURLE_OK:
        return GOT_ANSWER;
    case CURLE_PEER_FAILED_VERIFICATION:
        return GOT_TLS;
    case CURLE_SSL_CACERT_BADFILE:
        return GOT_CA_FILE;
    default:
        return GOT_NONE;
    }
}

static enum exit_code no_answer(struct run *run, const struct centre *centre, int got)
{
    if (got == GOT_CA_FILE)
        return fault_set(&run->fault, EXIT_USAGE, _("No certificate could be read from %s."),
                         centre->tls_ca != NULL ? centre->tls_ca : "/etc/ssl");
    if (got == GOT_TLS) {
        fault_set(&run->fault, EXIT_MISMATCH,
                  _("The certificate centre at %s could not prove that it is one."), centre->url);
        fault_why(&run->fault, _("its certificate is not for this host, or not of a trusted CA"));
        return fault_todo(&run->fault, _("Give the CA's certificate with --tls-ca FILE, if you trust it."));
    }
    fault_set(&run->fault, EXIT_UNREACHABLE, _("The certificate centre at %s does not answer."), centre->url);
    return fault_todo(&run->fault, _("See whether the address is right, then run the same command again."));
}

// The session's id is for the header of the next request alone.
static void keep_session(struct centre *centre, json_t *answer)
{
    const char *session = json_string_value(json_object_get(answer, "session"));
    if (session == NULL || strlen(session) != CENTRE_SESSION ||
        strspn(session, "0123456789abcdef") != CENTRE_SESSION)
        return;
    memcpy(centre->session, session, CENTRE_SESSION + 1);
}

enum exit_code centre_ask(struct run *run, struct centre *centre, const char *method, const char *path,
                          json_t *body, json_t **answer)
{
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    uint8_t *room = secret_pages(ANSWER_MOST);
    struct request request = {.centre = centre, .method = method, .path = path, .body = text};
    size_t length = 0;
    int got = GOT_NONE;
    *answer = NULL;
    if (room != NULL && (body == NULL || text != NULL))
        got = apart_run(perform, &request, centre->timeout + 5, room, ANSWER_MOST, &length);
    if (got == GOT_ANSWER && length > 0)
        *answer = json_loadb((const char *)room, length, JSON_REJECT_DUPLICATES, NULL);
    secret_pages_free(room, ANSWER_MOST);
    if (text != NULL)
        secret_wipe(text, strlen(text));
    free(text);
    if (json_is_object(*answer)) {
        keep_session(centre, *answer);
        return EXIT_OK;
    }
    // An answer without a body is one, too (204).
    if (got == GOT_ANSWER && length == 0) {
        *answer = json_object();
        return EXIT_OK;
    }
    json_decref(*answer);
    *answer = NULL;
    return no_answer(run, centre, got);
}
