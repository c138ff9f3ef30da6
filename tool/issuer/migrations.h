// The registry's schema, one row a version.
#ifndef INGAM_ISSUER_MIGRATIONS_H
#define INGAM_ISSUER_MIGRATIONS_H

#include "db.h"
#include "registry.h"

// What brings the schema from version n to n + 1: statements for both databases, then each one's own (or
// NULL), then what only a function can do.
struct migration {
    const char *both, *sqlite, *postgres;
    bool (*after)(struct db *db);
};
extern const struct migration migrations[REGISTRY_SCHEMA];

// The tables with what they hold, those that others refer to first. For backup and restore.
extern const char *const migration_tables[];

#endif
