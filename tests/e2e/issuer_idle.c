// Opens many connections that say nothing or half a request, and sees whether the desk still answers another.
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char half[] =
    "POST /cmp HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkixcmp\r\nContent-Length: 900\r\n\r\n0";
static const char whole[] =
    "POST /cmp HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkixcmp\r\nContent-Length: 1\r\n\r\n0";

static int open_to(unsigned short port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    perror("connect");
    exit(1);
}

// Gets the answer to a whole request within 20 seconds.
static int answered(unsigned short port)
{
    char line[64] = "";
    int fd = open_to(port);
    struct pollfd poller = {fd, POLLIN, 0};
    if (send(fd, whole, sizeof whole - 1, MSG_NOSIGNAL) < 0 || poll(&poller, 1, 20000) != 1 ||
        recv(fd, line, sizeof line - 1, 0) <= 0)
        return 0;
    close(fd);
    return strncmp(line, "HTTP/1.1 400", 12) == 0;
}

int main(int count, char **arguments)
{
    if (count != 3)
        return 2;
    unsigned short port = (unsigned short)strtoul(arguments[1], NULL, 10);
    unsigned long idle = strtoul(arguments[2], NULL, 10);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned long i = 0; i < idle; i++) {
        int fd = open_to(port);
        // A third says nothing, a third half the headers, a third half the body.
        if (i % 3 != 0 && send(fd, half, i % 3 == 1 ? 30 : sizeof half - 1, MSG_NOSIGNAL) < 0)
            perror("send"); // the desk may have ended it to make room
    }
    if (!answered(port)) {
        fprintf(stderr, "no answer beside %lu idle connections\n", idle);
        return 1;
    }
    return 0;
}
