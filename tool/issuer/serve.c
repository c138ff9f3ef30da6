// Serves CMP and the certificate centre's pages until a signal ends it.
#include "acts.h"
#include "background.h"
#include "commands.h"
#include "desk.h"
#include "http.h"
#include "web.h"
#include "words.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LISTEN_CMP, LISTEN_PAGES, LISTEN_MEMBERS, LISTENERS };

#define PEM_MAX 65536

// The server's certificate, with those above it, and its key, as PEM texts.
struct tls {
    char certificate[PEM_MAX + 1], key[PEM_MAX + 1];
};

static void wait_for_end(struct http_listener *const *listeners, struct web *web, const sigset_t *ends)
{
    const struct timespec second = {1, 0};
    while (sigtimedwait(ends, NULL, &second) < 0) {
        for (size_t i = 0; i < LISTENERS; i++)
            http_listener_sweep(listeners[i]);
        web_sweep(web);
    }
}

// Says that the desk listens, and lets go of the terminal if that was asked for.
static bool announce(struct http_listener *const *listeners, const struct web *web,
                     const struct options *options, struct fail *fail)
{
    char address[128], log[PATH_MAX];
    http_listener_address(listeners[LISTEN_CMP], address, sizeof address);
    if (options->pid_file != NULL && !background_pid_file(options->pid_file, fail))
        return false;
    bool said = printf("ready %s/cmp\n", address) >= 0;
    if (listeners[LISTEN_PAGES] != NULL)
        said = printf("pages %s\n", web->pages) >= 0 && said;
    if (listeners[LISTEN_MEMBERS] != NULL)
        said = printf("members %s\n", web->members) >= 0 && said;
    if (!said || fflush(stdout) != 0)
        return fail_errno(fail, _("cannot write the output"));
    snprintf(log, sizeof log, "%s/serve.log", options->dir);
    return background_ready(log, fail);
}

static bool read_tls(const struct options *options, struct tls *tls, struct fail *fail)
{
    size_t length = 0;
    if (!file_read_bytes(options->tls_cert, (unsigned char *)tls->certificate, PEM_MAX, &length, fail))
        return false;
    tls->certificate[length] = 0;
    if (!file_read_bytes(options->tls_key, (unsigned char *)tls->key, PEM_MAX, &length, fail))
        return false;
    tls->key[length] = 0;
    return true;
}

// What the pages need to know of one another.
static void introduce(struct http_listener *const *listeners, const struct desk *desk, struct web *web)
{
    char cmp[128];
    http_listener_address(listeners[LISTEN_CMP], cmp, sizeof cmp);
    snprintf(web->issuer, sizeof web->issuer, "%.*s/cmp", (int)sizeof web->issuer - 8,
             desk->url[0] != 0 ? desk->url : cmp);
    http_listener_address(listeners[LISTEN_PAGES], web->pages, sizeof web->pages);
    if (listeners[LISTEN_MEMBERS] != NULL)
        http_listener_address(listeners[LISTEN_MEMBERS], web->members, sizeof web->members);
}

static bool listen_all(struct desk *desk, const struct options *options, struct web *web, struct tls *tls,
                       struct http_listener **listeners, struct fail *fail)
{
    bool secure = options->tls_cert != NULL;
    struct http_ask asks[LISTENERS] = {
        [LISTEN_CMP] = {.option = "--listen",
                        .where = options->listen != NULL ? options->listen : "127.0.0.1:8829",
                        .share = web != NULL ? 60 : 100,
                        .service = &http_cmp,
                        .context = desk},
        [LISTEN_PAGES] = {.option = "--pages-listen",
                          .where = options->pages_listen,
                          .share = 30,
                          .loopback_only = true,
                          .service = &web_pages,
                          .context = web},
        // An own port, or every visitor would be asked for a certificate.
        [LISTEN_MEMBERS] = {.option = "--members-listen",
                            .where = options->members_listen,
                            .clients = tls->certificate, // any: the registry decides, not a list of CAs
                            .share = 10,
                            .service = &web_members,
                            .context = web},
    };
    if (secure && !read_tls(options, tls, fail))
        return false;
    for (size_t i = 0; i < LISTENERS; i++) {
        if (i != LISTEN_CMP && secure) {
            asks[i].certificate = tls->certificate;
            asks[i].key = tls->key;
        }
        if (asks[i].where != NULL && !http_listen(&asks[i], &listeners[i], fail))
            return false;
    }
    // Before the first request comes.
    if (web != NULL)
        introduce(listeners, desk, web);
    for (size_t i = 0; i < LISTENERS; i++) {
        if (!http_listener_begin(listeners[i], fail))
            return false;
    }
    return true;
}

static bool begin(struct desk *desk, const struct options *options, struct web *web,
                  struct http_listener **listeners, struct fail *fail)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return fail_with(fail, FAIL_OTHER, _("out of memory"));
    bool done = listen_all(desk, options, web, tls, listeners, fail);
    OPENSSL_cleanse(tls, sizeof *tls);
    free(tls);
    return done && announce(listeners, web, options, fail);
}

static bool serve(struct desk *desk, const struct options *options, const sigset_t *ends, struct fail *fail)
{
    struct http_listener *listeners[LISTENERS] = {NULL};
    struct web *web = options->pages_listen != NULL ? web_make(desk, fail) : NULL;
    bool done = (web != NULL || options->pages_listen == NULL) && begin(desk, options, web, listeners, fail);
    if (done) {
        notice_start(desk);
        wait_for_end(listeners, web, ends);
    }
    for (size_t i = 0; i < LISTENERS; i++)
        http_listener_stop(listeners[i]);
    notice_stop();
    check_stop();
    web_free(web);
    return done;
}

// Which options need others.
static bool check_options(const struct options *options, struct fail *fail)
{
    if ((options->tls_cert == NULL) != (options->tls_key == NULL))
        return fail_with(fail, FAIL_USAGE, _("--tls-cert and --tls-key are given together"));
    if (options->members_listen != NULL && (options->tls_cert == NULL || options->pages_listen == NULL))
        return fail_with(fail, FAIL_USAGE,
                         _("--members-listen needs --pages-listen, --tls-cert and --tls-key: only TLS shows "
                           "whose certificate it is"));
    if (options->tls_cert != NULL && options->pages_listen == NULL)
        return fail_with(fail, FAIL_USAGE, _("--tls-cert is for --pages-listen and --members-listen"));
    if (options->pages_listen != NULL && !words_load())
        fprintf(stderr, "ingam-issuer: %s\n",
                _("the Korean texts are not where translations are: the pages speak English"));
    return true;
}

bool command_serve(const struct options *options, struct fail *fail)
{
    struct desk desk;
    sigset_t ends;
    // Blocked in every thread; taken only by wait_for_end.
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (!check_options(options, fail))
        return false;
    if (options->detach && !background_start(fail))
        return false;
    if (!desk_open(options->dir, options->passphrase_file, &desk, fail))
        return false;
    bool done =
        desk_login(&desk, options->pin_file, options->pin_fd, fail) && serve(&desk, options, &ends, fail);
    desk_close(&desk);
    return done;
}
