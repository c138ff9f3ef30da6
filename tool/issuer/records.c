// Prints rows of the registry. Columns that are secrets are never in a statement here.
#include "records.h"

#include "registry_db.h"
#include "words.h"

#include <jansson.h>
#include <stdio.h>

#define CELL 600

static void cell(struct db_query *query, int column, enum records_kind kind, char text[CELL])
{
    struct db_value value = db_value(query, column);
    char when[DESK_TIME] = "-";
    size_t at = 0;
    switch (kind) {
    case RECORDS_NUMBER:
        snprintf(text, CELL, "%lld", (long long)value.number);
        return;
    case RECORDS_TIME:
        if (value.number != 0)
            desk_time(value.number, when);
        snprintf(text, CELL, "%s", when);
        return;
    case RECORDS_HEX:
        text[0] = 0;
        for (; at < value.length && 2 * at + 3 < CELL; at++)
            snprintf(text + 2 * at, 3, "%02x", ((const unsigned char *)value.bytes)[at]);
        return;
    default:
        snprintf(text, CELL, "%.*s", (int)value.length, value.bytes != NULL ? (const char *)value.bytes : "");
    }
}

static void print_line(struct db_query *query, const struct records *records)
{
    char text[CELL];
    for (int i = 0; records->columns[i].key != NULL; i++) {
        cell(query, i, records->columns[i].kind, text);
        printf("%s%s", i > 0 ? "  " : "", text[0] != 0 ? text : "-");
    }
    putchar('\n');
}

static json_t *to_json(struct db_query *query, const struct records *records)
{
    char text[CELL];
    json_t *object = json_object();
    for (int i = 0; object != NULL && records->columns[i].key != NULL; i++) {
        enum records_kind kind = records->columns[i].kind;
        cell(query, i, kind, text);
        json_t *value = kind == RECORDS_NUMBER                   ? json_integer(db_get_number(query, i))
                        : kind == RECORDS_TIME && text[0] == '-' ? json_null()
                                                                 : json_string(text);
        json_object_set_new(object, records->columns[i].key, value);
    }
    return object;
}

bool records_print(struct desk *desk, const struct records *records, const struct db_value *values, bool json,
                   struct fail *fail)
{
    struct db_query query;
    json_t *list = json ? json_array() : NULL;
    db_ask(&query, db_enter_reading(desk->registry), records->sql, values);
    while (db_row(&query)) {
        if (json)
            json_array_append_new(list, to_json(&query, records));
        else
            print_line(&query, records);
    }
    bool done = db_leave(desk->registry, db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED) == REGISTRY_DONE;
    json_t *all =
        json && done ? json_pack("{s:i, s:O}", "schema", RECORDS_SCHEMA, records->noun, list) : NULL;
    if (all != NULL) {
        json_dumpf(all, stdout, JSON_INDENT(1));
        putchar('\n');
    }
    json_decref(all);
    json_decref(list);
    return done || fail_with(fail, FAIL_OTHER, _("cannot read the registry"));
}

void records_pairs(const struct records_pair *pairs, bool json)
{
    json_t *object = json ? json_pack("{s:i}", "schema", RECORDS_SCHEMA) : NULL;
    for (; pairs->key != NULL; pairs++) {
        if (pairs->value != NULL && json)
            json_object_set_new(object, pairs->key, json_string(pairs->value));
        else if (pairs->value != NULL)
            printf("%s %s\n", pairs->key, pairs->value);
    }
    if (object != NULL) {
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(object);
}
