/* Starts ingam-sim and speaks to its sockets. */
#include "program.h"

#include "hex.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

const char *program;
char program_directory[40] = "/tmp/ingam-program-test.XXXXXX";

const char *in_directory(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    char *p = path[turn++ % 4];
    (void)snprintf(p, sizeof path[0], "%s/%s", program_directory, name);
    return p;
}

/* Starts ingam-sim; more is a list of further arguments that ends with NULL. */
void start(struct sim *sim, const char *image, const char *const *more)
{
    const char *argv[32] = {program, "--image", in_directory(image), "--listen"};
    char place[160], control[160], line[256];
    int ends[2], n = 4;
    (void)snprintf(sim->place, sizeof sim->place, "%s", in_directory("card.sock"));
    (void)snprintf(sim->control, sizeof sim->control, "%s", in_directory("control.sock"));
    (void)snprintf(place, sizeof place, "unix:%s", sim->place);
    (void)snprintf(control, sizeof control, "unix:%s", sim->control);
    argv[n++] = place;
    argv[n++] = "--control";
    argv[n++] = control;
    while (more != NULL && *more != NULL)
        argv[n++] = *more++;
    assert_int_equal(pipe(ends), 0);
    sim->pid = fork();
    if (sim->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a failed test leaves nothing running */
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)close(ends[1]);
    sim->out = fdopen(ends[0], "r");
    assert_non_null(sim->out);
    assert_non_null(fgets(line, sizeof line, sim->out));
    assert_int_equal(strncmp(line, "ready ", 6), 0);
}

void stop(struct sim *sim)
{
    int status;
    assert_int_equal(kill(sim->pid, SIGTERM), 0);
    assert_int_equal(waitpid(sim->pid, &status, 0), sim->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    (void)fclose(sim->out);
    assert_int_not_equal(access(sim->place, F_OK), 0);
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* "ok", or what stands behind "error ". */
const char *control(const struct sim *sim, const char *command)
{
    static char answer[4096];
    size_t len = 0;
    int fd = dial(sim->control);
    assert_int_equal(write(fd, command, strlen(command)), strlen(command));
    assert_int_equal(write(fd, "\n", 1), 1);
    for (ssize_t n; (n = read(fd, answer + len, sizeof answer - 1 - len)) > 0;)
        len += (size_t)n;
    (void)close(fd);
    answer[len] = 0;
    return answer;
}

bool ready_within(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

static void read_all(int fd, uint8_t *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        assert_true(ready_within(fd, PATIENCE_MS));
        ssize_t n = read(fd, bytes + done, len - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
}

void receive(struct client *c)
{
    uint8_t head[4];
    read_all(c->fd, head, sizeof head);
    c->type = (char)head[0];
    c->len = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    assert_true(c->len <= MESSAGE);
    read_all(c->fd, c->payload, c->len);
}

void ask(struct client *c, char type, const void *payload, size_t len)
{
    uint8_t message[MESSAGE] = {(uint8_t)type, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    memcpy(message + 4, payload, len);
    assert_int_equal(write(c->fd, message, 4 + len), 4 + len);
}

void request(struct client *c, char type, const void *payload, size_t len, char expected)
{
    ask(c, type, payload, len);
    receive(c);
    assert_int_equal(c->type, expected);
}

void enter(struct client *c, const struct sim *sim)
{
    c->fd = dial(sim->place);
    receive(c);
    assert_int_equal(c->type, 'h');
    assert_int_equal(c->payload[0], 1);
}

void ask_command(struct client *c, const char *hex)
{
    uint8_t bytes[4096];
    ask(c, 'A', bytes, hex_parse(hex, bytes, sizeof bytes));
}

/* The status word of a command. */
unsigned command(struct client *c, const char *hex)
{
    ask_command(c, hex);
    receive(c);
    assert_int_equal(c->type, 'a');
    assert_true(c->len >= 2);
    return (unsigned)c->payload[c->len - 2] << 8 | c->payload[c->len - 1];
}
