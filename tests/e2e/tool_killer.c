// Preloaded into the tool by the tests of interruption: kills the process at the N-th rename, which is how a
// state becomes durable. INGAM_TEST_KILL is "N:before" or "N:after".
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

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
        raise(SIGKILL);
    int result = real(from, to);
    if (due)
        raise(SIGKILL);
    return result;
}
