// Preloaded into a desk by the tests of its death: at the N-th transaction that writes, kills the desk before
// or after the commit. INGAM_TEST_KILL is "N:before" or "N:after"; the counting begins with the desk's first
// request, which is when the file INGAM_TEST_ARM appears.
#include <dlfcn.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

static int due(const char *sql, const char *when)
{
    static int count;
    static int writing;
    const char *arm = getenv("INGAM_TEST_ARM");
    const char *wanted = getenv("INGAM_TEST_KILL");
    char *end = NULL;
    if (strcmp(when, ":before") == 0) {
        if (strncmp(sql, "BEGIN", 5) == 0)
            writing = strcmp(sql, "BEGIN IMMEDIATE") == 0 || strncmp(sql, "BEGIN; ", 7) == 0;
        if (strcmp(sql, "COMMIT") == 0 && writing && arm != NULL && access(arm, F_OK) == 0)
            count++;
    }
    return strcmp(sql, "COMMIT") == 0 && writing && count > 0 && wanted != NULL &&
           strtol(wanted, &end, 10) == count && strcmp(end, when) == 0;
}

// The desk's own lock covers this: one statement at a time.
__attribute__((visibility("default"))) int sqlite3_exec(sqlite3 *db, const char *sql,
                                                        int (*each)(void *, int, char **, char **),
                                                        void *context, char **message)
{
    static int (*real)(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "sqlite3_exec");
    if (due(sql, ":before"))
        raise(SIGKILL);
    int result = real(db, sql, each, context, message);
    if (due(sql, ":after"))
        raise(SIGKILL);
    return result;
}

__attribute__((visibility("default"))) PGresult *PQexec(PGconn *connection, const char *sql)
{
    static PGresult *(*real)(PGconn *, const char *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "PQexec");
    if (due(sql, ":before"))
        raise(SIGKILL);
    PGresult *result = real(connection, sql);
    if (due(sql, ":after"))
        raise(SIGKILL);
    return result;
}
