// What the registry's files share: the database, its transactions, its log. Not for others.
#ifndef INGAM_ISSUER_REGISTRY_DB_H
#define INGAM_ISSUER_REGISTRY_DB_H

#include "db.h"
#include "registry.h"

// Takes the connection for this thread and begins a transaction that may write; db_leave commits it when
// `end` is REGISTRY_DONE, else rolls it back, gives the connection free and returns how it ended.
struct db *db_enter(struct registry *registry);

// The same for a transaction that only reads: it keeps nobody from writing, however long it takes.
struct db *db_enter_reading(struct registry *registry);
enum registry_end db_leave(struct registry *registry, enum registry_end end);

// A transaction that changes exactly one row: DONE, NONE or FAILED.
enum registry_end db_one(int changes);

// The first column of the first row; `missing` when there is no row. *good becomes false on failure.
int64_t db_count(struct db *db, const char *sql, const char *text, int64_t missing, bool *good);

#endif
