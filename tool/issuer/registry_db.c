// Opens the registry, keeps its schema, and begins and ends its transactions.
#include "registry_db.h"

#include "migrations.h"
#include "registry_log.h"
#include "words.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct registry {
    struct db *db;
    pthread_mutex_t lock;
    bool began;
    struct registry_writer writer;
};

// Brings the schema up to ours, one version a transaction.
static bool migrate_one(struct db *db, bool postgres, int64_t *version)
{
    if (!db_begin(db, true))
        return false;
    *version = db_version(db);
    if (*version < 0 || *version >= REGISTRY_SCHEMA)
        return db_end(db, *version >= 0) && *version >= 0;
    const struct migration *row = &migrations[*version];
    const char *own = postgres ? row->postgres : row->sqlite;
    bool done = db_exec(db, row->both) && (own == NULL || db_exec(db, own)) &&
                (row->after == NULL || row->after(db)) && db_set_version(db, (int)*version + 1);
    return db_end(db, done) && done;
}

static bool migrate(struct db *db, bool postgres, struct fail *fail)
{
    int64_t version = 0;
    while (version < REGISTRY_SCHEMA) {
        if (!migrate_one(db, postgres, &version))
            return fail_with(fail, FAIL_OTHER, _("cannot bring the registry to schema %d: %s"),
                             (int)version + 1, db_problem(db));
    }
    return version == REGISTRY_SCHEMA ||
           fail_with(fail, FAIL_MISMATCH,
                     _("the registry has schema %d, this program knows %d: use a newer one"), (int)version,
                     REGISTRY_SCHEMA);
}

static bool is_empty(struct db *db, const char *where, struct fail *fail)
{
    if (!db_begin(db, true))
        return fail_with(fail, FAIL_OTHER, _("cannot open the registry %s: %s"), where, db_problem(db));
    int64_t version = db_version(db);
    db_end(db, false);
    return version == 0 ||
           fail_with(fail, FAIL_OTHER, _("%s holds the registry of a desk already; nothing was changed"),
                     where);
}

bool registry_create(const char *where, struct fail *fail)
{
    struct db *db = NULL;
    mode_t before = umask(077);
    bool done = db_open(where, true, &db, fail) && is_empty(db, where, fail) &&
                migrate(db, db_is_address(where), fail);
    umask(before);
    if (!done)
        fail_with(fail, FAIL_OTHER, _("cannot make the registry %s"), where);
    db_shut(db);
    return done;
}

bool registry_open(const char *where, struct registry **registry, struct fail *fail)
{
    struct db *db = NULL;
    *registry = NULL;
    if (!db_open(where, false, &db, fail))
        return false;
    struct registry *opened = calloc(1, sizeof *opened);
    if (opened == NULL || !migrate(db, db_is_address(where), fail)) {
        fail_with(fail, FAIL_OTHER, _("out of memory"));
        free(opened);
        db_shut(db);
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
    db_shut(registry->db);
    pthread_mutex_destroy(&registry->lock);
    memset(registry, 0, sizeof *registry);
    free(registry);
}

struct registry_writer *registry_writer(struct registry *registry)
{
    return &registry->writer;
}

static struct db *enter(struct registry *registry, bool writing)
{
    pthread_mutex_lock(&registry->lock);
    registry->began = db_begin(registry->db, writing);
    return registry->db;
}

struct db *db_enter(struct registry *registry)
{
    return enter(registry, true);
}

struct db *db_enter_reading(struct registry *registry)
{
    return enter(registry, false);
}

enum registry_end db_leave(struct registry *registry, enum registry_end end)
{
    if (!registry->began || (!db_end(registry->db, end == REGISTRY_DONE) && end == REGISTRY_DONE))
        end = REGISTRY_FAILED;
    pthread_mutex_unlock(&registry->lock);
    return end;
}

enum registry_end db_one(int changes)
{
    if (changes < 0)
        return REGISTRY_FAILED;
    return changes == 1 ? REGISTRY_DONE : REGISTRY_NONE;
}

int64_t db_count(struct db *db, const char *sql, const char *text, int64_t missing, bool *good)
{
    struct db_query query;
    db_query(&query, db, sql);
    if (text != NULL)
        db_text(&query, text);
    int64_t number = db_row(&query) ? db_get_number(&query, 0) : missing;
    *good = db_close(&query) && *good;
    return number;
}
