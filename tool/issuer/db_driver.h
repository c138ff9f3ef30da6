// What a database must be able to do for db.c. Not for others.
#ifndef INGAM_ISSUER_DB_DRIVER_H
#define INGAM_ISSUER_DB_DRIVER_H

#include "db.h"

struct db_driver {
    bool (*begin)(void *handle, bool writing);
    bool (*end)(void *handle, bool commit);
    bool (*exec)(void *handle, const char *sql);
    int64_t (*version)(void *handle);
    bool (*set_version)(void *handle, int version);
    const char *(*problem)(void *handle);
    void (*shut)(void *handle);
    // A statement: `state` is the driver's own. step: 1 there is a row, 0 the end, -1 failure.
    void *(*prepare)(void *handle, const char *sql);
    bool (*bind)(void *state, const struct db_value *value);
    int (*step)(void *state);
    int (*columns)(void *state);
    const char *(*name)(void *state, int column);
    struct db_value (*value)(void *state, int column);
    int (*changes)(void *state);
    void (*finish)(void *state);
};

struct db {
    const struct db_driver *driver;
    void *handle;
    bool begun; // statements are refused outside a transaction, where each would stand alone
};

bool db_open_sqlite(const char *path, bool make, struct db *db, struct fail *fail);
bool db_open_postgres(const char *address, struct db *db, struct fail *fail);

#endif
