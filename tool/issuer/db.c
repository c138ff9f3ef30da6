// The part of the database interface that is the same for every database.
#include "db_driver.h"

#include "words.h"

#include <stdlib.h>
#include <string.h>

static const char *const addresses[] = {"postgresql://", "postgres://"};

bool db_is_address(const char *where)
{
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        if (strncmp(where, addresses[i], strlen(addresses[i])) == 0)
            return true;
    }
    return false;
}

bool db_open(const char *where, bool make, struct db **db, struct fail *fail)
{
    struct db *made = calloc(1, sizeof *made);
    *db = NULL;
    if (made == NULL)
        return fail_with(fail, FAIL_OTHER, _("out of memory"));
    if (db_is_address(where) ? db_open_postgres(where, made, fail)
                             : db_open_sqlite(where, make, made, fail)) {
        *db = made;
        return true;
    }
    free(made);
    return false;
}

void db_shut(struct db *db)
{
    if (db == NULL)
        return;
    db->driver->shut(db->handle);
    free(db);
}

bool db_begin(struct db *db, bool writing)
{
    db->begun = db->driver->begin(db->handle, writing);
    return db->begun;
}

bool db_end(struct db *db, bool commit)
{
    db->begun = false;
    return db->driver->end(db->handle, commit);
}

bool db_exec(struct db *db, const char *sql)
{
    return db->begun && db->driver->exec(db->handle, sql);
}

int64_t db_version(struct db *db)
{
    return db->driver->version(db->handle);
}

bool db_set_version(struct db *db, int version)
{
    return db->driver->set_version(db->handle, version);
}

const char *db_problem(struct db *db)
{
    return db->driver->problem(db->handle);
}

void db_query(struct db_query *query, struct db *db, const char *sql)
{
    query->db = db;
    query->state = db->begun ? db->driver->prepare(db->handle, sql) : NULL;
    query->good = query->state != NULL;
}

void db_bind(struct db_query *query, const struct db_value *value)
{
    if (query->good)
        query->good = query->db->driver->bind(query->state, value);
}

void db_text(struct db_query *query, const char *text)
{
    struct db_value value = db_t(text);
    db_bind(query, &value);
}

void db_bytes(struct db_query *query, const void *bytes, size_t length)
{
    struct db_value value = db_b(bytes, length);
    db_bind(query, &value);
}

void db_number(struct db_query *query, int64_t number)
{
    struct db_value value = db_n(number);
    db_bind(query, &value);
}

void db_ask(struct db_query *query, struct db *db, const char *sql, const struct db_value *values)
{
    db_query(query, db, sql);
    for (; values->type != DB_END; values++)
        db_bind(query, values);
}

int db_do(struct db *db, const char *sql, const struct db_value *values)
{
    struct db_query query;
    db_ask(&query, db, sql, values);
    return db_run(&query);
}

bool db_row(struct db_query *query)
{
    int step = query->good ? query->db->driver->step(query->state) : -1;
    query->good = step >= 0;
    return step > 0;
}

int db_columns(struct db_query *query)
{
    return query->good ? query->db->driver->columns(query->state) : 0;
}

const char *db_name(struct db_query *query, int column)
{
    return query->db->driver->name(query->state, column);
}

struct db_value db_value(struct db_query *query, int column)
{
    return query->good ? query->db->driver->value(query->state, column) : (struct db_value){0};
}

void db_get_bytes(struct db_query *query, int column, unsigned char *bytes, size_t size, size_t *length)
{
    struct db_value value = db_value(query, column);
    *length = 0;
    if (value.length > size)
        query->good = false;
    else if (value.length > 0)
        memcpy(bytes, value.bytes, *length = value.length);
}

void db_get_text(struct db_query *query, int column, char *text, size_t size)
{
    struct db_value value = db_value(query, column);
    text[0] = 0;
    if (value.type != DB_TEXT || value.length >= size || memchr(value.bytes, 0, value.length) != NULL) {
        query->good = false;
        return;
    }
    memcpy(text, value.bytes, value.length);
    text[value.length] = 0;
}

int64_t db_get_number(struct db_query *query, int column)
{
    return db_value(query, column).number;
}

bool db_close(struct db_query *query)
{
    if (query->state != NULL)
        query->db->driver->finish(query->state);
    query->state = NULL;
    return query->good;
}

int db_run(struct db_query *query)
{
    while (db_row(query))
        continue;
    int changes = query->good ? query->db->driver->changes(query->state) : -1;
    return db_close(query) ? changes : -1;
}
