// Framing of the direct card socket; every read and write ends by a deadline.
#include "card/transport/sim_wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "card/base/secret.h"
#include "card/base/wr.h"
#include "card/transport/deadline.h"

#define HEAD    4
#define VERSION 1

static bool ready(int fd, short events, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int left = deadline_left(deadline, 60000);
        int n = poll(&p, 1, left);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
        if (left == 0)
            return false;
    }
}

static enum err send_all(int fd, struct rd bytes, int64_t deadline)
{
    while (bytes.n != 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes.p += n;
            bytes.n -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return E_EXCHANGED;
        } else if (!ready(fd, POLLOUT, deadline)) {
            return E_IO;
        }
    }
    return E_OK;
}

static enum err receive_all(int fd, uint8_t *out, size_t n, int64_t deadline)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got = recv(fd, out + have, n - have, MSG_DONTWAIT);
        if (got > 0)
            have += (size_t)got;
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return E_EXCHANGED;
        else if (!ready(fd, POLLIN, deadline))
            return have == 0 ? E_TIMEOUT : E_IO;
    }
    return E_OK;
}

enum err sim_send(int fd, uint8_t type, struct rd payload, int64_t deadline)
{
    uint8_t buf[HEAD + 512];
    struct wr w = wr_of(buf, sizeof buf);
    if (payload.n > SIM_PAYLOAD_MAX)
        return E_ARGUMENT;
    wr_u32(&w, (uint32_t)type << 24 | (uint32_t)payload.n);
    bool small = payload.n <= sizeof buf - HEAD; // one packet for nearly all
    if (small)
        wr_rd(&w, payload);
    enum err e = send_all(fd, rd_of(buf, w.len), deadline);
    secret_wipe(buf, w.len);
    if (e == E_OK && !small)
        e = send_all(fd, payload, deadline);
    return e;
}

enum err sim_receive(int fd, uint8_t type, int64_t deadline, uint8_t *out, size_t cap, size_t *len,
                     uint8_t *failure)
{
    uint8_t head[HEAD];
    *len = 0;
    *failure = 0;
    enum err e = receive_all(fd, head, HEAD, deadline);
    if (e != E_OK)
        return e;
    size_t n = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    bool failed = head[0] == 'e' && n == 1 && type != 'e';
    if (!failed && (head[0] != type || n > cap))
        return E_MALFORMED;
    e = receive_all(fd, failed ? failure : out, n, deadline);
    if (e == E_TIMEOUT)
        e = E_IO;
    if (e == E_OK && failed && *failure == 0)
        return E_MALFORMED;
    if (e == E_OK && !failed)
        *len = n;
    return e;
}

enum err sim_receive_status(int fd, int64_t deadline, struct sim_status *out)
{
    uint8_t buf[9];
    uint8_t failure;
    uint8_t flags;
    size_t n;
    enum err e = sim_receive(fd, 's', deadline, buf, sizeof buf, &n, &failure);
    if (e != E_OK)
        return e;
    struct rd r = rd_of(buf, n);
    struct sim_status s;
    if (failure != 0 ||
        !(rd_u8(&r, &flags) && rd_u32(&r, &s.insertions) && rd_u32(&r, &s.resets) && rd_end(&r)))
        return E_MALFORMED;
    s.present = flags & 1;
    *out = s;
    return E_OK;
}

static bool hello(int fd, int64_t deadline, char *name)
{
    uint8_t buf[1 + SIM_NAME_MAX];
    uint8_t failure;
    size_t n;
    if (sim_receive(fd, 'h', deadline, buf, sizeof buf, &n, &failure) != E_OK || failure != 0)
        return false;
    if (n < 2 || buf[0] != VERSION || memchr(buf + 1, 0, n - 1))
        return false;
    memcpy(name, buf + 1, n - 1);
    name[n - 1] = 0;
    return true;
}

static bool connect_by(int fd, const struct sockaddr_un *at, int64_t deadline)
{
    // A full backlog answers EAGAIN at once, without anything to poll for.
    while (connect(fd, (const struct sockaddr *)at, sizeof *at) != 0) {
        if (errno == EISCONN)
            return true;
        if ((errno != EAGAIN && errno != EINTR) || deadline_left(deadline, 1) == 0)
            return false;
        deadline_pause(1);
    }
    return true;
}

int sim_dial(const char *path, int64_t deadline, char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof at.sun_path)
        return -1;
    memcpy(at.sun_path, path, n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect_by(fd, &at, deadline) && hello(fd, deadline, name))
        return fd;
    close(fd);
    return -1;
}
