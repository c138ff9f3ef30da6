/* One line an event into the file that INGAM_LOG names; whole lines only, so that programs may share a file.
 */
#include "core/log.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int log_fd = -1;
static atomic_uint wanted;

static const struct {
    const char *word;
    enum log_area area;
} areas[] = {
    {"call", LOG_CALL}, {"apdu", LOG_APDU}, {"pin", LOG_PIN}, {"reader", LOG_READER}, {"object", LOG_OBJECT}};

unsigned log_areas(const char *words)
{
    unsigned set = 0;
    for (size_t i = 0; words != NULL && i < sizeof areas / sizeof areas[0]; i++)
        if (strstr(words, areas[i].word) != NULL)
            set |= areas[i].area;
    return set == 0 ? LOG_ALL : set;
}

void log_open(const struct settings *s)
{
    if (s->log[0] == '\0' || atomic_load(&log_fd) >= 0)
        return;
    int fd = strcmp(s->log, "stderr") == 0
                 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                 : open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    atomic_store(&wanted, fd < 0 ? 0 : s->areas);
    atomic_store(&log_fd, fd);
}

void log_close(void)
{
    atomic_store(&wanted, 0);
    int fd = atomic_exchange(&log_fd, -1);
    if (fd >= 0)
        close(fd);
}

bool log_wants(enum log_area area)
{
    return (atomic_load(&wanted) & area) != 0;
}

static const char *area_word(enum log_area area)
{
    for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++)
        if (areas[i].area == area)
            return areas[i].word;
    return "";
}

void log_line(enum log_area area, const char *format, ...)
{
    char line[1024];
    struct timespec now;
    struct tm tm;
    if (!log_wants(area))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(line, sizeof line, "%FT%T", &tm);
    n += (size_t)snprintf(line + n, sizeof line - n, ".%06ldZ %d %s ", now.tv_nsec / 1000, (int)getpid(),
                          area_word(area));
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + n, sizeof line - n - 1, format, args);
    va_end(args);
    n = more < 0 ? n : n + (size_t)more < sizeof line - 1 ? n + (size_t)more : sizeof line - 2;
    line[n++] = '\n';
    ssize_t written = write(atomic_load(&log_fd), line, n);
    (void)written; /* nobody to tell */
}

static void emit(void *ctx, const struct trace_event *event)
{
    (void)ctx;
    if (event->kind == TRACE_COMMAND)
        log_line(LOG_APDU, "> %s %02X%02X%02X%02X lc=%zu le=%zu", event->name, event->cla, event->ins,
                 event->p1, event->p2, event->length, event->expected);
    else if (event->sw == 0)
        log_line(LOG_APDU, "< %s broke down: %s", event->name, err_name(event->error));
    else
        log_line(LOG_APDU, "< %s %04X len=%zu %llu us", event->name, event->sw, event->length,
                 (unsigned long long)event->microseconds);
}

struct trace log_trace(void)
{
    return log_wants(LOG_APDU) ? (struct trace){emit, NULL} : (struct trace){0};
}
