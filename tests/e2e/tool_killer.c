// Preloaded into the tool by the tests of interruption: at the N-th rename, which is how a state becomes
// durable, kills the tool itself, or the program INGAM_TEST_PULL (a simulated token: it is pulled out), and
// waits until that is gone. INGAM_TEST_KILL is "N:before" or "N:after".
#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

// Gone, or dead and not yet waited for by its parent.
static int gone(pid_t pid)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 1;
    const char *end = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
    fclose(file);
    return end == NULL || end[2] == 'Z' || end[2] == 'X';
}

static void strike(void)
{
    const char *other = getenv("INGAM_TEST_PULL");
    if (other == NULL) {
        raise(SIGKILL);
        return;
    }
    pid_t pid = (pid_t)strtol(other, NULL, 10);
    kill(pid, SIGKILL);
    while (!gone(pid))
        sched_yield();
}

__attribute__((visibility("default"))) int rename(const char *from, const char *to)
{
    static int count;
    static int (*real)(const char *, const char *);
    const char *when = getenv("INGAM_TEST_KILL");
    char *end = NULL;
    int due = when != NULL && strtol(when, &end, 10) == ++count;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "rename");
    if (due && strcmp(end, ":before") == 0)
        strike();
    int result = real(from, to);
    if (due && strcmp(end, ":after") == 0)
        strike();
    return result;
}
