// Goes on in the background once the desk is ready, so that a script needs no waiting of its own.
#include "background.h"

#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int parent = -1; // the child's end of the pipe; a process goes into the background once

static _Noreturn void wait_for_child(pid_t child, int from)
{
    char byte;
    ssize_t got;
    do
        got = read(from, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        _exit(0);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : FAIL_OTHER);
}

bool background_start(struct fail *fail)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_errno(fail, _("cannot go into the background"));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return fail_errno(fail, _("cannot go into the background"));
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    close(ends[0]);
    parent = ends[1];
    setsid();
    return true;
}

bool background_ready(const char *log, struct fail *fail)
{
    if (parent < 0)
        return true;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    int file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (nothing < 0 || file < 0)
        return fail_errno(fail, _("cannot write %s"), log);
    bool told = write(parent, "", 1) == 1;
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    close(nothing);
    close(file);
    close(parent);
    parent = -1;
    return told || fail_errno(fail, _("cannot go into the background"));
}

bool background_pid_file(const char *path, struct fail *fail)
{
    FILE *f = fopen(path, "we");
    if (f == NULL)
        return fail_errno(fail, _("cannot write %s"), path);
    bool written = fprintf(f, "%ld\n", (long)getpid()) > 0;
    if (fclose(f) != 0 || !written)
        return fail_errno(fail, _("cannot write %s"), path);
    return true;
}
