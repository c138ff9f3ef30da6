/* Takes commands for the tokens of the process, each a row of the table below. */
#include "transport/control.h"

#include "transport/unix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20 };

struct control {
    struct loop_watch watch; /* first */
    struct fleet *fleet;
    struct visitor *visitors;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

/* Someone with a question; it is answered when its line is whole. */
struct visitor {
    struct loop_watch watch; /* first */
    struct control *control;
    struct visitor *next;
    size_t len;
    char line[CONTROL_LINE];
    FILE *out; /* into answer */
    char *answer;
    size_t answer_len, sent;
};

struct command {
    const char *word, *arguments, *what;
    bool (*run)(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap);
};

/* -- commands
 * ------------------------------------------------------------------------------------------------------- */

static bool refuse(char *reason, size_t cap, const char *why)
{
    (void)snprintf(reason, cap, "%s", why);
    return false;
}

static bool do_insert(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    (void)v;
    (void)argument;
    if (seat->token.card == NULL)
        return refuse(reason, cap, "there is no card to insert; use swap FILE");
    return token_insert(&seat->token) || refuse(reason, cap, "the image does not open");
}

static bool do_remove(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    (void)v;
    (void)argument;
    (void)reason;
    (void)cap;
    token_remove(&seat->token);
    return true;
}

static bool do_reset(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    (void)v;
    (void)argument;
    token_reset(&seat->token);
    return seat->token.present || refuse(reason, cap, "no card is inserted");
}

static bool do_swap(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    (void)v;
    return fleet_swap(seat, argument, reason, cap);
}

static bool do_snapshot(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    (void)v;
    return fleet_snapshot(seat, argument, reason, cap);
}

static bool do_restore(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    (void)v;
    return fleet_restore(seat, argument, reason, cap);
}

/* What waits gets the first of the list at once, the next requests the others. */
static bool do_touch(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    struct token *token = &seat->token;
    enum token_finger finger[TOKEN_FINGERS];
    size_t count = options_fingers(argument, finger);
    (void)v;
    if (count == 0)
        return refuse(reason, cap, "touch takes yes, no and wait, with commas between them");
    bool now = token->asked && finger[0] != FINGER_WAIT;
    size_t from = now && count > 1 ? 1 : 0;
    if (!now || count > 1) {
        token->fingers = count - from;
        memcpy(token->finger, finger + from, token->fingers * sizeof finger[0]);
    }
    if (now)
        (void)token_touch(token, finger[0] == FINGER_YES);
    return true;
}

static bool do_fault(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    struct faults *faults = &seat->token.faults;
    if (strcmp(argument, "clear") == 0) {
        faults_clear(faults);
        return true;
    }
    if (strcmp(argument, "list") != 0)
        return faults_add(faults, argument) ||
               refuse(reason, cap, "no rule for a fault, or too many of them");
    for (size_t i = 0; i < faults->count; i++)
        (void)fprintf(v->out, "%s\n", faults->rule[i].text);
    return true;
}

static bool do_timing(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    (void)v;
    bool on = strcmp(argument, "on") == 0;
    if (!on && strcmp(argument, "off") != 0)
        return refuse(reason, cap, "timing takes on or off");
    seat->token.timing = on;
    return true;
}

enum { LATER_MAX = 100000000 };

static bool do_later(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    char *end;
    (void)v;
    unsigned long long seconds = strtoull(argument, &end, 10);
    if (argument[0] < '0' || argument[0] > '9' || *end != 0 || seconds > LATER_MAX)
        return refuse(reason, cap, "later takes a number of seconds");
    seat->token.ahead_us += seconds * 1000000;
    return true;
}

static bool do_show(struct visitor *v, struct seat *seat, const char *argument, char *reason, size_t cap)
{
    const struct token *t = &seat->token;
    (void)argument;
    (void)reason;
    (void)cap;
    (void)fprintf(v->out,
                  "{\"token\":%" PRIu32 ",\"profile\":\"%s\",\"present\":%s,\"powered\":%s,\"applet\":\"%s\","
                  "\"exchanges\":%" PRIu64 ",\"insertions\":%" PRIu32 ",\"resets\":%" PRIu32
                  ",\"touch_wanted\":%s,\"timing\":%s,\"faults\":%zu}\n",
                  t->serial, t->profile->name, t->present ? "true" : "false", t->powered ? "true" : "false",
                  t->card == NULL ? "" : t->card->selected->name, t->exchanges, t->insertions, t->resets,
                  t->asked ? "true" : "false", t->timing ? "true" : "false", t->faults.count);
    return true;
}

static const struct command commands[] = {
    {"show", NULL, "the state of the token, as JSON", do_show},
    {"insert", NULL, "put the card into the reader", do_insert},
    {"remove", NULL, "take it out", do_remove},
    {"reset", NULL, "let the card lose its volatile state", do_reset},
    {"swap", "FILE", "another card: the image FILE (a new one when it is missing)", do_swap},
    {"touch", "yes|no|wait[,...]", "what the finger does, now and at the next requests", do_touch},
    {"fault", "RULE|clear|list", "let something go wrong", do_fault},
    {"timing", "on|off", "take as long as the real token", do_timing},
    {"later", "SECONDS", "let that time pass on the card's clock", do_later},
    {"snapshot", "FILE", "copy the image to FILE, which must not exist", do_snapshot},
    {"restore", "FILE", "put the image back to what FILE holds, with the card taken out meanwhile",
     do_restore},
};

void control_help(FILE *out)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        (void)fprintf(out, "  %-9s%-20s %s\n", commands[i].word,
                      commands[i].arguments == NULL ? "" : commands[i].arguments, commands[i].what);
    (void)fputs("\nWith several tokens and no --token, show tells of all of them; the others need --token.\n",
                out);
}

/* -- a line
 * ---------------------------------------------------------------------------------------------------------
 */

static const struct command *find_command(const char *line, const char **argument)
{
    size_t len = strcspn(line, " ");
    *argument = line[len] == ' ' ? line + len + 1 : NULL;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strlen(commands[i].word) == len && strncmp(commands[i].word, line, len) == 0)
            return &commands[i];
    return NULL;
}

/* "--token SERIAL " in front chooses one; *line moves behind it. */
static bool choose(struct fleet *fleet, const char **line, size_t *first, size_t *last)
{
    char *end;
    *first = 0;
    *last = fleet->seats;
    if (strncmp(*line, "--token ", 8) != 0)
        return true;
    unsigned long long serial = strtoull(*line + 8, &end, 10);
    *line = *end == ' ' ? end + 1 : end;
    for (size_t i = 0; i < fleet->seats; i++)
        if (fleet->seat[i].token.serial == serial) {
            *first = i;
            *last = i + 1;
            return true;
        }
    return false;
}

static bool obey(struct visitor *v, const char *line, char *reason, size_t cap)
{
    struct fleet *fleet = v->control->fleet;
    const char *argument;
    size_t first, last;
    if (!choose(fleet, &line, &first, &last))
        return refuse(reason, cap, "there is no token with that serial number");
    const struct command *command = find_command(line, &argument);
    if (command == NULL)
        return refuse(reason, cap, "no such command");
    if ((argument == NULL) != (command->arguments == NULL))
        return refuse(reason, cap,
                      argument == NULL ? "the command needs an argument" : "the command takes no argument");
    if (last - first > 1 && command->run != do_show)
        return refuse(reason, cap, "there are several tokens: say which with --token SERIAL");
    for (size_t i = first; i < last; i++)
        if (!command->run(v, &fleet->seat[i], argument, reason, cap))
            return false;
    return true;
}

/* -- visitors
 * ------------------------------------------------------------------------------------------------------- */

static void leave(struct visitor *v)
{
    struct visitor **at = &v->control->visitors;
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    loop_unwatch(v->control->fleet->loop, &v->watch);
    (void)close(v->watch.fd);
    if (v->out != NULL)
        (void)fclose(v->out);
    free(v->answer);
    free(v);
}

static void answer(struct visitor *v)
{
    char reason[512] = "";
    v->out = open_memstream(&v->answer, &v->answer_len);
    if (v->out == NULL) {
        leave(v);
        return;
    }
    if (obey(v, v->line, reason, sizeof reason))
        (void)fputs("ok\n", v->out);
    else
        (void)fprintf(v->out, "error %s\n", reason);
    (void)fclose(v->out);
    v->out = NULL;
    if (!loop_rewatch(v->control->fleet->loop, &v->watch, EPOLLOUT))
        leave(v);
}

static void visitor_ready(struct loop_watch *watch, uint32_t events)
{
    struct visitor *v = (struct visitor *)(void *)watch;
    ssize_t n;
    if ((events & EPOLLOUT) != 0) {
        n = send(watch->fd, v->answer + v->sent, v->answer_len - v->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            v->sent += (size_t)n;
        if ((n < 0 && errno != EAGAIN && errno != EINTR) || v->sent == v->answer_len)
            leave(v);
        return;
    }
    n = recv(watch->fd, v->line + v->len, sizeof v->line - 1 - v->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        leave(v);
        return;
    }
    v->len += (size_t)n;
    v->line[v->len] = 0;
    char *end = strchr(v->line, '\n');
    if (end != NULL) {
        *end = 0;
        answer(v);
    } else if (v->len == sizeof v->line - 1) {
        leave(v);
    }
}

static void visit(struct loop_watch *watch, uint32_t events)
{
    struct control *control = (struct control *)(void *)watch;
    (void)events;
    int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct visitor *v = fd < 0 ? NULL : calloc(1, sizeof *v);
    if (v == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    v->watch.fd = fd;
    v->watch.ready = visitor_ready;
    v->control = control;
    v->next = control->visitors;
    control->visitors = v;
    if (!loop_watch(control->fleet->loop, &v->watch, EPOLLIN))
        leave(v);
}

struct control *control_new(struct fleet *fleet, const char *path)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL)
        return NULL;
    control->fleet = fleet;
    control->watch.ready = visit;
    control->watch.fd = unix_listen(path);
    if (control->watch.fd < 0 || !loop_watch(fleet->loop, &control->watch, EPOLLIN)) {
        int reason = errno;
        if (control->watch.fd >= 0)
            (void)close(control->watch.fd);
        free(control);
        errno = reason;
        return NULL;
    }
    memcpy(control->path, path, strlen(path) + 1);
    return control;
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    while (control->visitors != NULL)
        leave(control->visitors);
    loop_unwatch(control->fleet->loop, &control->watch);
    (void)close(control->watch.fd);
    (void)unlink(control->path);
    free(control);
}
