/* Forks, and lets the parent end when the child says that it is ready. */
#include "detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready_pipe = -1; /* a process detaches once */

static int wait_for(pid_t child, int pipe_end)
{
    char byte;
    int status;
    ssize_t n;
    do
        n = read(pipe_end, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        return EXIT_SUCCESS;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE;
}

bool detach_start(int *code)
{
    int ends[2];
    *code = EXIT_FAILURE;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        perror("ingam-sim: pipe");
        return true;
    }
    pid_t child = fork();
    if (child != 0) {
        (void)close(ends[1]);
        if (child < 0)
            perror("ingam-sim: fork");
        else
            *code = wait_for(child, ends[0]);
        (void)close(ends[0]);
        return true;
    }
    (void)close(ends[0]);
    (void)setsid();
    ready_pipe = ends[1];
    return false;
}

void detach_ready(void)
{
    if (ready_pipe < 0)
        return;
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        for (int fd = 0; fd <= 2; fd++)
            (void)dup2(null, fd);
        if (null > 2)
            (void)close(null);
    }
    ssize_t n = write(ready_pipe, "", 1);
    (void)n; /* the parent sees the end of the pipe otherwise */
    (void)close(ready_pipe);
    ready_pipe = -1;
}
