// The registry in a file: SQLite.
#include "db_driver.h"

#include "words.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID 0x494E474D // "INGM"

static bool exec(void *handle, const char *sql)
{
    return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool begin(void *handle, bool writing)
{
    return exec(handle, writing ? "BEGIN IMMEDIATE" : "BEGIN DEFERRED");
}

static bool end(void *handle, bool commit)
{
    if (commit && exec(handle, "COMMIT"))
        return true;
    exec(handle, "ROLLBACK");
    return !commit;
}

static int64_t pragma(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static int64_t version(void *handle)
{
    return pragma(handle, "PRAGMA user_version");
}

static bool set_version(void *handle, int number)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", number);
    return exec(handle, sql);
}

static const char *problem(void *handle)
{
    return sqlite3_errmsg(handle);
}

static void shut(void *handle)
{
    sqlite3_close(handle);
}

struct state {
    sqlite3_stmt *statement;
    int bound;
};

static void *prepare(void *handle, const char *sql)
{
    struct state *state = calloc(1, sizeof *state);
    if (state != NULL && sqlite3_prepare_v2(handle, sql, -1, &state->statement, NULL) == SQLITE_OK)
        return state;
    free(state);
    return NULL;
}

static bool bind(void *handle, const struct db_value *value)
{
    struct state *state = handle;
    sqlite3_stmt *statement = state->statement;
    int at = ++state->bound;
    switch (value->type) {
    case DB_NUMBER:
        return sqlite3_bind_int64(statement, at, value->number) == SQLITE_OK;
    case DB_TEXT:
        return sqlite3_bind_text64(statement, at, value->bytes, value->length, SQLITE_TRANSIENT,
                                   SQLITE_UTF8) == SQLITE_OK;
    case DB_BYTES:
        return sqlite3_bind_blob64(statement, at, value->bytes != NULL ? value->bytes : "", value->length,
                                   SQLITE_TRANSIENT) == SQLITE_OK;
    default:
        return sqlite3_bind_null(statement, at) == SQLITE_OK;
    }
}

static int step(void *handle)
{
    struct state *state = handle;
    int result = sqlite3_step(state->statement);
    return result == SQLITE_ROW ? 1 : result == SQLITE_DONE ? 0 : -1;
}

static int columns(void *handle)
{
    return sqlite3_column_count(((struct state *)handle)->statement);
}

static const char *name(void *handle, int column)
{
    return sqlite3_column_name(((struct state *)handle)->statement, column);
}

static struct db_value value(void *handle, int column)
{
    sqlite3_stmt *statement = ((struct state *)handle)->statement;
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return (struct db_value){DB_NUMBER, NULL, 0, sqlite3_column_int64(statement, column)};
    case SQLITE_TEXT: {
        const void *text = sqlite3_column_text(statement, column);
        return (struct db_value){DB_TEXT, text, (size_t)sqlite3_column_bytes(statement, column), 0};
    }
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_column_blob(statement, column);
        return (struct db_value){DB_BYTES, bytes, (size_t)sqlite3_column_bytes(statement, column), 0};
    }
    default:
        return (struct db_value){0};
    }
}

static int changes(void *handle)
{
    return sqlite3_changes(sqlite3_db_handle(((struct state *)handle)->statement));
}

static void finish(void *handle)
{
    struct state *state = handle;
    sqlite3_finalize(state->statement);
    free(state);
}

static const struct db_driver driver = {
    begin, end,  exec,    version, set_version, problem, shut,   prepare,
    bind,  step, columns, name,    value,       changes, finish,
};

static bool tune(sqlite3 *db)
{
    sqlite3_busy_timeout(db, 5000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return exec(db, "PRAGMA trusted_schema = OFF") && exec(db, "PRAGMA foreign_keys = ON") &&
           exec(db, "PRAGMA journal_mode = WAL") && exec(db, "PRAGMA synchronous = FULL");
}

bool db_open_sqlite(const char *path, bool make, struct db *made, struct fail *fail)
{
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (make ? SQLITE_OPEN_CREATE : 0);
    char mark[64];
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d", APPLICATION_ID);
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK || !tune(db) || (make && !exec(db, mark)))
        fail_with(fail, FAIL_OTHER, _("cannot open the registry %s: %s"), path, sqlite3_errmsg(db));
    else if (pragma(db, "PRAGMA application_id") != APPLICATION_ID)
        fail_with(fail, FAIL_MISMATCH, _("%s is not a registry of this program"), path);
    else {
        *made = (struct db){.driver = &driver, .handle = db};
        return true;
    }
    sqlite3_close(db);
    return false;
}
