// Prints rows of the registry, as lines or as JSON, by a row that says what is in them.
#ifndef INGAM_ISSUER_RECORDS_H
#define INGAM_ISSUER_RECORDS_H

#include "db.h"
#include "desk.h"

#define RECORDS_SCHEMA 1

enum records_kind { RECORDS_TEXT, RECORDS_NUMBER, RECORDS_TIME, RECORDS_HEX };

struct records {
    const char *noun; // of the JSON member that holds the list
    const char *sql;
    struct {
        const char *key;
        enum records_kind kind;
    } columns[14]; // in the statement's order; a NULL key ends them
};

// Runs the statement with these values (ended as DB_VALUES does) and prints its rows on standard output.
bool records_print(struct desk *desk, const struct records *records, const struct db_value *values, bool json,
                   struct fail *fail);

// Prints one object of texts, as lines `key value` or as JSON. Rows end with a NULL key; a NULL value is left
// out.
struct records_pair {
    const char *key, *value;
};
void records_pairs(const struct records_pair *pairs, bool json);

#endif
