// Opens the registry, keeps its schema, and runs statements.
#include "registry_db.h"

#include "words.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct registry {
    sqlite3 *db;
    pthread_mutex_t lock;
    bool began;
};

#define APPLICATION_ID 0x494E474D // "INGM"

// Row n brings the schema from version n to n + 1. A row that was released never changes.
static const char *const migrations[REGISTRY_SCHEMA] = {
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE person("
    " reference TEXT PRIMARY KEY, name TEXT NOT NULL, subject BLOB NOT NULL, code BLOB NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, spent INTEGER NOT NULL DEFAULT 0,"
    " tries INTEGER NOT NULL CHECK(tries >= 0)) STRICT;"
    "CREATE TABLE certificate("
    " serial TEXT PRIMARY KEY, reference TEXT NOT NULL REFERENCES person(reference), key_hash BLOB NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN ('reserved','issued','confirmed','rejected','abandoned')),"
    " created INTEGER NOT NULL, confirmed INTEGER NOT NULL DEFAULT 0, der BLOB) STRICT;"
    "CREATE UNIQUE INDEX certificate_live ON certificate(reference)"
    " WHERE state IN ('reserved','issued','confirmed');"
    "CREATE TABLE exchange("
    " id BLOB PRIMARY KEY, nonce BLOB NOT NULL, reference TEXT NOT NULL REFERENCES person(reference),"
    " serial TEXT NOT NULL REFERENCES certificate(serial), request_id INTEGER NOT NULL,"
    " expires INTEGER NOT NULL) STRICT;",
};

static bool exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int64_t pragma(sqlite3 *db, const char *sql)
{
    struct db_query query;
    db_query(&query, db, sql);
    int64_t value = db_row(&query) ? db_get_number(&query, 0) : -1;
    return db_close(&query) ? value : -1;
}

// Brings the schema up to ours, one version a transaction.
static bool migrate(sqlite3 *db, struct fail *fail)
{
    int64_t version = pragma(db, "PRAGMA user_version");
    if (version > REGISTRY_SCHEMA)
        return fail_with(fail, FAIL_MISMATCH,
                         _("the registry has schema %d, this program knows %d: use a newer one"),
                         (int)version, REGISTRY_SCHEMA);
    while (version >= 0 && version < REGISTRY_SCHEMA) {
        char *set = sqlite3_mprintf("PRAGMA user_version = %d", (int)version + 1);
        bool done = set != NULL && exec(db, "BEGIN IMMEDIATE") && exec(db, migrations[version]) &&
                    exec(db, set) && exec(db, "COMMIT");
        sqlite3_free(set);
        if (!done) {
            fail_with(fail, FAIL_OTHER, _("cannot bring the registry to schema %d: %s"), (int)version + 1,
                      sqlite3_errmsg(db));
            exec(db, "ROLLBACK");
            return false;
        }
        version++;
    }
    return version == REGISTRY_SCHEMA ||
           fail_with(fail, FAIL_OTHER, _("cannot read the registry: %s"), sqlite3_errmsg(db));
}

static bool prepare(sqlite3 *db)
{
    sqlite3_busy_timeout(db, 5000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return exec(db, "PRAGMA trusted_schema = OFF") && exec(db, "PRAGMA foreign_keys = ON") &&
           exec(db, "PRAGMA journal_mode = WAL") && exec(db, "PRAGMA synchronous = FULL");
}

static bool connect_to(const char *path, int flags, sqlite3 **db, struct fail *fail)
{
    if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_FULLMUTEX, NULL) == SQLITE_OK && prepare(*db))
        return true;
    fail_with(fail, FAIL_OTHER, _("cannot open the registry %s: %s"), path, sqlite3_errmsg(*db));
    sqlite3_close(*db);
    *db = NULL;
    return false;
}

bool registry_create(const char *path, struct fail *fail)
{
    sqlite3 *db = NULL;
    char *mark = sqlite3_mprintf("PRAGMA application_id = %d", APPLICATION_ID);
    mode_t before = umask(077);
    bool done = connect_to(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, fail) &&
                migrate(db, fail) && mark != NULL && exec(db, mark);
    umask(before);
    sqlite3_free(mark);
    if (!done)
        fail_with(fail, FAIL_OTHER, _("cannot make the registry %s"), path);
    return sqlite3_close(db) == SQLITE_OK && done;
}

bool registry_open(const char *path, struct registry **registry, struct fail *fail)
{
    *registry = NULL;
    sqlite3 *db = NULL;
    if (!connect_to(path, SQLITE_OPEN_READWRITE, &db, fail))
        return false;
    struct registry *opened = calloc(1, sizeof *opened);
    bool ours = pragma(db, "PRAGMA application_id") == APPLICATION_ID;
    if (!ours)
        fail_with(fail, FAIL_MISMATCH, _("%s is not a registry of this program"), path);
    if (opened == NULL || !ours || !migrate(db, fail)) {
        fail_with(fail, FAIL_OTHER, _("out of memory"));
        free(opened);
        sqlite3_close(db);
        return false;
    }
    opened->db = db;
    pthread_mutex_init(&opened->lock, NULL);
    *registry = opened;
    return true;
}

void registry_close(struct registry *registry)
{
    if (registry == NULL)
        return;
    sqlite3_close(registry->db);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

static sqlite3 *enter(struct registry *registry, const char *sql)
{
    pthread_mutex_lock(&registry->lock);
    registry->began = exec(registry->db, sql);
    return registry->db;
}

sqlite3 *db_enter(struct registry *registry)
{
    return enter(registry, "BEGIN IMMEDIATE");
}

sqlite3 *db_enter_reading(struct registry *registry)
{
    return enter(registry, "BEGIN DEFERRED");
}

enum registry_end db_leave(struct registry *registry, enum registry_end end)
{
    bool commit = end == REGISTRY_DONE && registry->began && exec(registry->db, "COMMIT");
    if (!commit && registry->began)
        exec(registry->db, "ROLLBACK");
    if (!registry->began || (end == REGISTRY_DONE && !commit))
        end = REGISTRY_FAILED;
    pthread_mutex_unlock(&registry->lock);
    return end;
}

void db_query(struct db_query *query, sqlite3 *db, const char *sql)
{
    *query = (struct db_query){db, NULL, 0, SQLITE_OK};
    query->result = sqlite3_prepare_v2(db, sql, -1, &query->statement, NULL);
}

void db_text(struct db_query *query, const char *text)
{
    if (query->result == SQLITE_OK)
        query->result = sqlite3_bind_text(query->statement, ++query->at, text, -1, SQLITE_TRANSIENT);
}

void db_bytes(struct db_query *query, const void *bytes, size_t length)
{
    if (query->result == SQLITE_OK)
        query->result = sqlite3_bind_blob64(query->statement, ++query->at, bytes, length, SQLITE_TRANSIENT);
}

void db_number(struct db_query *query, int64_t number)
{
    if (query->result == SQLITE_OK)
        query->result = sqlite3_bind_int64(query->statement, ++query->at, number);
}

bool db_row(struct db_query *query)
{
    if (query->result == SQLITE_OK || query->result == SQLITE_ROW)
        query->result = sqlite3_step(query->statement);
    return query->result == SQLITE_ROW;
}

void db_get_bytes(struct db_query *query, int column, unsigned char *bytes, size_t size, size_t *length)
{
    const void *value = sqlite3_column_blob(query->statement, column);
    int got = sqlite3_column_bytes(query->statement, column);
    *length = 0;
    if (got < 0 || (size_t)got > size)
        query->result = SQLITE_TOOBIG;
    else if (got > 0 && value != NULL)
        memcpy(bytes, value, *length = (size_t)got);
}

void db_get_text(struct db_query *query, int column, char *text, size_t size)
{
    size_t length = 0;
    const unsigned char *value = sqlite3_column_text(query->statement, column);
    text[0] = 0;
    if (value == NULL || (length = strlen((const char *)value)) >= size)
        query->result = SQLITE_TOOBIG;
    else
        memcpy(text, value, length + 1);
}

int64_t db_get_number(struct db_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

bool db_close(struct db_query *query)
{
    bool good = query->result == SQLITE_OK || query->result == SQLITE_ROW || query->result == SQLITE_DONE;
    sqlite3_finalize(query->statement);
    query->statement = NULL;
    return good;
}

int db_run(struct db_query *query)
{
    while (db_row(query))
        continue;
    return db_close(query) ? sqlite3_changes(query->db) : -1;
}
