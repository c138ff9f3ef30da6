// How the registry's files speak to SQLite: one statement, its values, one row. Not for others.
#ifndef INGAM_ISSUER_REGISTRY_DB_H
#define INGAM_ISSUER_REGISTRY_DB_H

#include "registry.h"

#include <sqlite3.h>

// A statement that remembers failure; asked once, at the end.
struct db_query {
    sqlite3 *db;
    sqlite3_stmt *statement;
    int at;
    int result;
};

// Takes the connection for this thread and begins a transaction that may write; db_leave commits it when
// `end` is REGISTRY_DONE, else rolls it back, gives the connection free and returns how it ended.
sqlite3 *db_enter(struct registry *registry);

// The same for a transaction that only reads: it keeps nobody from writing, however long it takes.
sqlite3 *db_enter_reading(struct registry *registry);
enum registry_end db_leave(struct registry *registry, enum registry_end end);

void db_query(struct db_query *query, sqlite3 *db, const char *sql);
void db_text(struct db_query *query, const char *text);
void db_bytes(struct db_query *query, const void *bytes, size_t length);
void db_number(struct db_query *query, int64_t number);

// Moves to the next row: true if there is one.
bool db_row(struct db_query *query);

// Reads columns of the row. What does not fit makes the query fail.
void db_get_text(struct db_query *query, int column, char *text, size_t size);
void db_get_bytes(struct db_query *query, int column, unsigned char *bytes, size_t size, size_t *length);
int64_t db_get_number(struct db_query *query, int column);

// Ends the query. False if anything failed.
bool db_close(struct db_query *query);

// Runs the statement to its end; the number of rows that it changed, or -1.
int db_run(struct db_query *query);

#endif
