/* Writes the log, one line and one write at a time. */
#include "transport/log.h"

#include "transport/token.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN_MAX = 1024 }; /* bytes of a body that are written out */

struct log {
    int fd;
    size_t len;
    char line[2 * SHOWN_MAX + 512];
};

struct log *log_open(const char *path)
{
    struct log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    if (log->fd >= 0)
        return log;
    free(log);
    return NULL;
}

void log_close(struct log *log)
{
    if (log == NULL)
        return;
    (void)close(log->fd);
    free(log);
}

__attribute__((format(printf, 2, 3))) static void add(struct log *log, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(log->line + log->len, sizeof log->line - log->len, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof log->line - log->len)
        log->len += (size_t)n;
}

static void begin(struct log *log, const struct token *token)
{
    struct timespec t;
    struct tm utc;
    char date[32];
    (void)clock_gettime(CLOCK_REALTIME, &t);
    (void)gmtime_r(&t.tv_sec, &utc);
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    log->len = 0;
    add(log, "{\"time\":\"%s.%06ldZ\",\"token\":%" PRIu32 ",\"n\":%" PRIu64, date, t.tv_nsec / 1000,
        token->serial, token->exchanges);
}

static void end(struct log *log)
{
    add(log, "}\n");
    ssize_t n = write(log->fd, log->line, log->len);
    (void)n; /* a full disk must not stop the card */
}

static void add_body(struct log *log, const uint8_t *bytes, size_t len)
{
    add(log, ",\"data\":\"");
    for (size_t i = 0; i < len && i < SHOWN_MAX; i++)
        add(log, "%02X", bytes[i]);
    add(log, "\"");
}

/* Of PUT DATA the object is told, its content is not. */
static void add_object(struct log *log, const struct fw_command *c)
{
    if (c->ins != 0xDB || c->len < 3 || c->data[0] != 0x5C || c->data[1] > 3 || c->len < 2U + c->data[1])
        return;
    add(log, ",\"object\":\"");
    for (size_t i = 0; i < c->data[1]; i++)
        add(log, "%02X", c->data[2 + i]);
    add(log, "\"");
}

void log_command(struct log *log, const struct token *token, const uint8_t *command, size_t len)
{
    struct fw_command c;
    if (log == NULL)
        return;
    begin(log, token);
    const struct fw_instruction *row = fw_card_look(token->card, command, len, &c);
    add(log, ",\"dir\":\"command\",\"ins\":\"%s\"", row == NULL ? "unknown" : row->name);
    if (len >= 4)
        add(log, ",\"cla\":%u,\"code\":%u,\"p1\":%u,\"p2\":%u,\"lc\":%zu", c.cla, c.ins, c.p1, c.p2, c.len);
    if (c.has_le)
        add(log, ",\"le\":%zu", c.le);
    if (row != NULL && row->show && c.len != 0)
        add_body(log, c.data, c.len);
    else if (row != NULL)
        add_object(log, &c);
    end(log);
}

void log_response(struct log *log, const struct token *token, const uint8_t *answer, size_t len, uint64_t us)
{
    const struct fw_instruction *row = token->card->instruction;
    if (log == NULL)
        return;
    begin(log, token);
    add(log, ",\"dir\":\"response\"");
    if (len >= 2)
        add(log, ",\"sw\":\"%02X%02X\"", answer[len - 2], answer[len - 1]);
    add(log, ",\"len\":%zu,\"us\":%" PRIu64, len < 2 ? 0 : len - 2, us);
    if (row != NULL && row->answer && len > 2)
        add_body(log, answer, len - 2);
    end(log);
}

void log_event(struct log *log, const struct token *token, const char *event)
{
    if (log == NULL)
        return;
    begin(log, token);
    add(log, ",\"dir\":\"event\",\"event\":\"%s\"", event);
    end(log);
}
