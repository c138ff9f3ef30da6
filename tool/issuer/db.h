// One small interface to a database, so that SQLite and PostgreSQL hold the same rows (db_sqlite.c,
// db_postgres.c).
#ifndef INGAM_ISSUER_DB_H
#define INGAM_ISSUER_DB_H

#include "fail.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct db;

enum db_type { DB_NULL, DB_NUMBER, DB_TEXT, DB_BYTES, DB_END };

// Opens "postgresql://..." with PostgreSQL, anything else as an SQLite file; `make` creates the file.
bool db_open(const char *where, bool make, struct db **db, struct fail *fail);
void db_shut(struct db *db);

// Is this the address of a PostgreSQL database?
bool db_is_address(const char *where);

// Begins a transaction. At most one that writes is open at a time, across all programs, as in SQLite: so what
// it reads stays true until it ends. False when the database is busy or gone; then db_end must not be called.
bool db_begin(struct db *db, bool writing);

// Ends it. False when a commit failed: then nothing was written.
bool db_end(struct db *db, bool commit);

// Runs statements without values. Inside a transaction.
bool db_exec(struct db *db, const char *sql);

// The schema's version, 0 in an empty database, -1 on failure. Inside a transaction that writes.
int64_t db_version(struct db *db);
bool db_set_version(struct db *db, int version);

// What went wrong last, in the database's words.
const char *db_problem(struct db *db);

// A statement that remembers failure; asked once, at the end. The SQL is what both databases know, with `?`
// for each value in order.
struct db_query {
    struct db *db;
    void *state;
    bool good;
};

void db_query(struct db_query *query, struct db *db, const char *sql);
void db_text(struct db_query *query, const char *text); // NULL: SQL's NULL
void db_bytes(struct db_query *query, const void *bytes, size_t length);
void db_number(struct db_query *query, int64_t number);

// Moves to the next row: true if there is one.
bool db_row(struct db_query *query);

// Reads columns of the row. What does not fit, or a NULL where a text is wanted, makes the query fail.
void db_get_text(struct db_query *query, int column, char *text, size_t size);
void db_get_bytes(struct db_query *query, int column, unsigned char *bytes, size_t size, size_t *length);
int64_t db_get_number(struct db_query *query, int column);

// A column as it is: bytes live until the next row. For copies of whole tables.
struct db_value {
    enum db_type type;
    const void *bytes;
    size_t length;
    int64_t number;
};
static inline struct db_value db_t(const char *text)
{
    return (struct db_value){text != NULL ? DB_TEXT : DB_NULL, text, text != NULL ? strlen(text) : 0, 0};
}
static inline struct db_value db_n(int64_t number)
{
    return (struct db_value){DB_NUMBER, NULL, 0, number};
}
static inline struct db_value db_b(const void *bytes, size_t length)
{
    return (struct db_value){DB_BYTES, bytes, length, 0};
}

int db_columns(struct db_query *query);
const char *db_name(struct db_query *query, int column);
struct db_value db_value(struct db_query *query, int column);
void db_bind(struct db_query *query, const struct db_value *value);

// Ends the query. False if anything failed.
bool db_close(struct db_query *query);

// Runs the statement to its end; the number of rows that it changed, or -1.
int db_run(struct db_query *query);

// A statement with its values: DB_DO runs it like db_run, DB_ASK begins a query.
int db_do(struct db *db, const char *sql, const struct db_value *values);
void db_ask(struct db_query *query, struct db *db, const char *sql, const struct db_value *values);
#define DB_LAST                     ((struct db_value){.type = DB_END})
#define DB_VALUES(...)              ((const struct db_value[]){__VA_ARGS__, DB_LAST})
#define DB_DO(db, sql, ...)         db_do(db, sql, DB_VALUES(__VA_ARGS__))
#define DB_ASK(query, db, sql, ...) db_ask(query, db, sql, DB_VALUES(__VA_ARGS__))

#endif
