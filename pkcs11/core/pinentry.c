/* A small client of pinentry: bounded lines, one deadline, and nothing of the answer outside locked memory.
 */
#include "core/pinentry.h"
#include "core/child.h"
#include "core/core.h"
#include "core/words.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_ASSUAN 1002 /* 1000 bytes and the line's end */
#define PIN_ROOM        256
#define LINES_MAX       200 /* a program that only chats */
#define END_MS          500 /* to end by itself, then after SIGTERM */
#define ERR_CANCELED    99  /* libgpg-error's codes, the low 16 bits of ERR's number */
#define ERR_FULLY       198 /* "cancel everything" */
#define ERR_CODE_MASK   0xFFFFU

/* In pages of their own, because an answer passes through them. */
struct answer {
    char in[LINE_MAX_ASSUAN];
    size_t held; /* bytes in `in` */
    size_t line; /* of them, the line just read with its end */
    uint8_t pin[PIN_ROOM];
    size_t pin_len;
};

struct talk {
    int fd;
    struct child child;
    uint64_t until; /* monotonic microseconds */
    struct answer *answer;
};

/* ---- the program ---- */

/* The program's end of the socket stays above 2, so that the copies onto 0 and 1 lose close-on-exec. */
static bool start(struct talk *t, const char *program)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        log_line(LOG_PIN, "pin-entry: no socket (error %d)", errno);
        return false;
    }
    int theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(ends[1]);
    char *const argv[] = {(char *)(uintptr_t)program, NULL};
    int failed = theirs < 0 ? errno : child_start(&t->child, argv, theirs);
    if (theirs >= 0)
        close(theirs);
    if (failed != 0) {
        log_line(LOG_PIN, "pin-entry: %s can't be started (error %d)", program, failed);
        close(ends[0]);
        return false;
    }
    t->fd = ends[0];
    return true;
}

static void finish(const struct talk *t)
{
    (void)send(t->fd, "BYE\n", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(t->fd);
    child_end(&t->child, END_MS, END_MS);
}

/* ---- lines ---- */

static bool wait_for(const struct talk *t, short events)
{
    struct pollfd p = {.fd = t->fd, .events = events};
    for (;;) {
        uint64_t now = now_us();
        if (now >= t->until)
            break;
        int n = poll(&p, 1, (int)((t->until - now) / 1000) + 1);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR) {
            log_line(LOG_PIN, "pin-entry: waiting failed (error %d)", errno);
            return false;
        }
    }
    log_line(LOG_PIN, "pin-entry: no answer in time");
    return false;
}

/* What a line must not hold goes percent-encoded. False: too long, or nobody reads. */
static bool put(const struct talk *t, const char *command, const char *text)
{
    char line[LINE_MAX_ASSUAN];
    size_t n = (size_t)snprintf(line, sizeof line, "%s", command), sent = 0;
    for (; *text != '\0'; text++) {
        if (n + 5 > sizeof line) {
            log_line(LOG_PIN, "pin-entry: the text of %s is too long", command);
            return false;
        }
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == '%')
            n += (size_t)snprintf(line + n, sizeof line - n, "%%%02X", c);
        else
            line[n++] = (char)c;
    }
    line[n++] = '\n';
    while (sent < n && wait_for(t, POLLOUT)) {
        ssize_t w = send(t->fd, line + sent, n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (w < 0 && errno != EINTR && errno != EAGAIN) {
            log_line(LOG_PIN, "pin-entry: it doesn't read %s (error %d)", command, errno);
            return false;
        }
        sent += w > 0 ? (size_t)w : 0;
    }
    return sent == n;
}

/* The next line, without its end: *len bytes at the start of answer->in. */
static bool next_line(struct talk *t, size_t *len)
{
    struct answer *a = t->answer;
    memmove(a->in, a->in + a->line, a->held - a->line);
    a->held -= a->line;
    a->line = 0;
    for (;;) {
        const char *end = memchr(a->in, '\n', a->held);
        if (end != NULL) {
            *len = (size_t)(end - a->in);
            a->line = *len + 1;
            return true;
        }
        if (a->held == sizeof a->in) {
            log_line(LOG_PIN, "pin-entry: a line of more than %zu bytes", sizeof a->in - 2);
            return false;
        }
        if (!wait_for(t, POLLIN))
            return false;
        ssize_t got = recv(t->fd, a->in + a->held, sizeof a->in - a->held, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
            log_line(LOG_PIN, "pin-entry: it ended before it answered (error %d)", got == 0 ? 0 : errno);
            return false;
        }
        a->held += got > 0 ? (size_t)got : 0;
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* A line "D ..." adds to the PIN. */
static bool take_data(struct answer *a, size_t len)
{
    for (size_t i = 2; i < len; i++) {
        uint8_t c = (uint8_t)a->in[i];
        if (c == '%') {
            int high = i + 2 < len ? hex(a->in[i + 1]) : -1, low = i + 2 < len ? hex(a->in[i + 2]) : -1;
            if (high < 0 || low < 0) {
                log_line(LOG_PIN, "pin-entry: an answer with a broken %%-sequence");
                return false;
            }
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (a->pin_len == sizeof a->pin) {
            log_line(LOG_PIN, "pin-entry: an answer of more than %zu bytes", sizeof a->pin);
            return false;
        }
        a->pin[a->pin_len++] = c;
    }
    return true;
}

static bool is(const struct answer *a, size_t len, const char *word)
{
    size_t n = strlen(word);
    return len >= n && memcmp(a->in, word, n) == 0 && (len == n || a->in[n] == ' ');
}

static CK_RV error_of(struct answer *a, size_t len)
{
    unsigned long code = 0;
    for (size_t i = 4; i < len && i < 14 && a->in[i] >= '0' && a->in[i] <= '9'; i++)
        code = code * 10 + (unsigned long)(a->in[i] - '0');
    log_line(LOG_PIN, "pin-entry: error %lu", code & ERR_CODE_MASK);
    code &= ERR_CODE_MASK;
    return code == ERR_CANCELED || code == ERR_FULLY ? CKR_FUNCTION_CANCELED : CKR_FUNCTION_FAILED;
}

/* Up to the OK or ERR that ends an answer. */
static CK_RV result(struct talk *t, bool data)
{
    for (int i = 0; i < LINES_MAX; i++) {
        size_t len;
        struct answer *a = t->answer;
        if (!next_line(t, &len))
            return CKR_FUNCTION_FAILED;
        if (is(a, len, "OK"))
            return CKR_OK;
        if (is(a, len, "ERR"))
            return error_of(a, len);
        if (is(a, len, "D") && data) {
            if (!take_data(a, len))
                return CKR_FUNCTION_FAILED;
            continue;
        }
        if (!is(a, len, "S") && (len == 0 || a->in[0] != '#'))
            break;
    }
    log_line(LOG_PIN, "pin-entry: an answer that isn't Assuan, or endless");
    return CKR_FUNCTION_FAILED;
}

/* ---- the dialogue ---- */

/* Not every pinentry knows every option: its refusal is no failure, silence is. */
static bool option(struct talk *t, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return true;
    if (!put(t, name, value))
        return false;
    (void)result(t, false);
    return now_us() < t->until;
}

static bool options(struct talk *t)
{
    char tty[128] = "";
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && tty[0] == '\0'; fd++)
        if (ttyname_r(fd, tty, sizeof tty) != 0)
            tty[0] = '\0';
    return option(t, "OPTION ttyname=", tty) && option(t, "OPTION ttytype=", secure_getenv("TERM")) &&
           option(t, "OPTION display=", secure_getenv("DISPLAY")) &&
           option(t, "OPTION lc-ctype=", words_locale("LC_CTYPE")) &&
           option(t, "OPTION lc-messages=", words_locale("LC_MESSAGES"));
}

static CK_RV converse(struct talk *t, const struct pinentry_question *q)
{
    char seconds[16];
    (void)snprintf(seconds, sizeof seconds, "%d", q->seconds);
    CK_RV rv = result(t, false); /* the greeting */
    if (rv != CKR_OK)
        return rv;
    if (!options(t) || !option(t, "SETTIMEOUT ", seconds))
        return CKR_FUNCTION_FAILED;
    if (!option(t, "SETTITLE ", "Ingam") || !option(t, "SETOK ", words(WORD_OK)) ||
        !option(t, "SETCANCEL ", words(WORD_CANCEL)) || !option(t, "SETERROR ", q->error))
        return CKR_FUNCTION_FAILED;
    const char *const lines[][2] = {{"SETDESC ", q->description}, {"SETPROMPT ", q->prompt}, {"GETPIN", ""}};
    for (size_t i = 0; rv == CKR_OK && i < sizeof lines / sizeof lines[0]; i++)
        rv = put(t, lines[i][0], lines[i][1]) ? result(t, i == 2) : CKR_FUNCTION_FAILED;
    return rv;
}

CK_RV pinentry_ask(const struct pinentry_question *q, struct secret **pin)
{
    struct talk t = {.fd = -1, .until = now_us() + (uint64_t)q->seconds * 1000000};
    *pin = NULL;
    log_line(LOG_PIN, "pin-entry: %s is asked", q->program);
    t.answer = secret_pages(sizeof *t.answer);
    if (t.answer == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = CKR_FUNCTION_FAILED;
    if (start(&t, q->program)) {
        rv = converse(&t, q);
        finish(&t);
    }
    if (rv == CKR_OK) {
        *pin = secret_new(t.answer->pin, t.answer->pin_len);
        rv = *pin != NULL ? CKR_OK : CKR_HOST_MEMORY;
    }
    secret_pages_free(t.answer, sizeof *t.answer);
    return rv;
}
