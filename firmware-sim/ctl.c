/* The client of the control socket. */
#include "ctl.h"

#include "transport/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { REFUSED = 1, USAGE = 2, NOBODY = 3, PATIENCE_S = 30 };

static int usage(void)
{
    (void)fputs("usage: ingam-sim ctl unix:PATH [--token SERIAL] COMMAND...\n\n", stderr);
    control_help(stderr);
    return USAGE;
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* The words with blanks between them, as one line. */
static bool join(char **words, int count, char *line, size_t cap)
{
    size_t len = 0;
    for (int i = 0; i < count; i++) {
        int n = snprintf(line + len, cap - len, "%s%s", i == 0 ? "" : " ", words[i]);
        if (n < 0 || (size_t)n >= cap - len || strchr(words[i], '\n') != NULL)
            return false;
        len += (size_t)n;
    }
    return len + 2 < cap && snprintf(line + len, cap - len, "\n") == 1;
}

static int show(FILE *from)
{
    char line[4096];
    int code = REFUSED;
    while (fgets(line, sizeof line, from) != NULL) {
        if (strcmp(line, "ok\n") == 0)
            code = 0;
        else if (strncmp(line, "error ", 6) == 0)
            (void)fprintf(stderr, "ingam-sim: %s", line + 6);
        else
            (void)fputs(line, stdout);
    }
    return code;
}

int ctl_main(int argc, char **argv)
{
    char line[CONTROL_LINE];
    if (argc < 3 || strncmp(argv[1], "unix:", 5) != 0 || !join(argv + 2, argc - 2, line, sizeof line))
        return usage();
    int fd = dial(argv[1] + 5);
    if (fd < 0) {
        (void)fprintf(stderr, "ingam-sim: no simulator answers at %s: %s\n", argv[1] + 5, strerror(errno));
        return NOBODY;
    }
    FILE *from = fdopen(fd, "r+");
    int code = NOBODY;
    if (from != NULL && fputs(line, from) >= 0 && fflush(from) == 0 && shutdown(fd, SHUT_WR) == 0)
        code = show(from);
    if (from != NULL)
        (void)fclose(from);
    else
        (void)close(fd);
    return code;
}
