// The registry that several desks share: PostgreSQL, through libpq.
#include "db_driver.h"

#include "words.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX  24
#define WRITER_LOCK "5282252" // any number, the same for all desks

// PostgreSQL's own numbers of types (src/include/catalog/pg_type.dat); they never change.
enum { TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT4 = 23 };

struct state {
    PGconn *connection;
    char *sql;
    char *texts[VALUES_MAX];
    int lengths[VALUES_MAX];
    int formats[VALUES_MAX];
    int bound;
    PGresult *result; // NULL: not run yet
    int row;
    unsigned char *bytes[VALUES_MAX]; // unescaped columns of this row
};

// The registry's statements are written for SQLite; these words are others here.
static const struct {
    const char *here, *there;
} words[] = {
    {" BLOB", " BYTEA"},
    {" INTEGER", " BIGINT"},
    {") STRICT", ")"},
};

// Translates a statement: words as above, and each ? becomes $1, $2, ... The caller frees it.
static char *translate(const char *sql)
{
    size_t room = strlen(sql) * 3 + 16; // a ? becomes three characters at most, a word one more
    char *out = malloc(room);
    char *at = out;
    int value = 0;
    bool quoted = false;
    while (out != NULL && *sql != 0) {
        size_t i = 0;
        quoted ^= *sql == '\'';
        while (i < sizeof words / sizeof words[0] && strncmp(sql, words[i].here, strlen(words[i].here)) != 0)
            i++;
        if (quoted || (i == sizeof words / sizeof words[0] && *sql != '?')) {
            *at++ = *sql++;
        } else if (*sql == '?') {
            at += snprintf(at, room - (size_t)(at - out), "$%d", ++value);
            sql++;
        } else {
            at += snprintf(at, room - (size_t)(at - out), "%s", words[i].there);
            sql += strlen(words[i].here);
        }
    }
    if (out != NULL)
        *at = 0;
    return out;
}

static bool good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool plain(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    bool done = good(result);
    PQclear(result);
    return done;
}

static bool exec(void *handle, const char *sql)
{
    char *translated = translate(sql);
    bool done = translated != NULL && plain(handle, translated);
    free(translated);
    return done;
}

static bool tune(PGconn *connection)
{
    return PQstatus(connection) == CONNECTION_OK && PQsetClientEncoding(connection, "UTF8") == 0 &&
           plain(connection, "SET standard_conforming_strings = on; SET bytea_output = hex; "
                             "SET statement_timeout = 10000; "
                             "SET idle_in_transaction_session_timeout = 60000");
}

static bool begin(void *handle, bool writing)
{
    PGconn *connection = handle;
    const char *sql = writing ? "BEGIN; SELECT pg_advisory_xact_lock(" WRITER_LOCK ")"
                              : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    if (PQstatus(connection) == CONNECTION_OK && plain(connection, sql))
        return true;
    // The server was restarted, or the way to it broke: one new attempt.
    if (PQstatus(connection) == CONNECTION_OK) {
        plain(connection, "ROLLBACK");
        return false;
    }
    PQreset(connection);
    if (tune(connection) && plain(connection, sql))
        return true;
    plain(connection, "ROLLBACK");
    return false;
}

// COMMIT of a transaction that failed says ROLLBACK, without an error.
static bool end(void *handle, bool commit)
{
    PGresult *result = PQexec(handle, commit ? "COMMIT" : "ROLLBACK");
    bool done = good(result) && strcmp(PQcmdStatus(result), commit ? "COMMIT" : "ROLLBACK") == 0;
    PQclear(result);
    return done;
}

static int64_t version(void *handle)
{
    if (!plain(handle, "CREATE TABLE IF NOT EXISTS ingam_schema(version BIGINT NOT NULL)"))
        return -1;
    PGresult *result = PQexec(handle, "SELECT coalesce(max(version), 0) FROM ingam_schema");
    int64_t number = good(result) ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : -1;
    PQclear(result);
    return number;
}

static bool set_version(void *handle, int number)
{
    char sql[96];
    snprintf(sql, sizeof sql, "DELETE FROM ingam_schema; INSERT INTO ingam_schema VALUES(%d)", number);
    return plain(handle, sql);
}

static const char *problem(void *handle)
{
    return PQerrorMessage(handle);
}

static void shut(void *handle)
{
    PQfinish(handle);
}

static void *prepare(void *handle, const char *sql)
{
    struct state *state = calloc(1, sizeof *state);
    if (state != NULL && (state->sql = translate(sql)) != NULL) {
        state->connection = handle;
        return state;
    }
    free(state);
    return NULL;
}

static bool bind(void *handle, const struct db_value *value)
{
    struct state *state = handle;
    int at = state->bound;
    if (at >= VALUES_MAX || value->length > INT32_MAX)
        return false;
    state->bound++;
    if (value->type == DB_NULL)
        return true;
    size_t room = value->type == DB_NUMBER ? 24 : value->length + 1;
    if ((state->texts[at] = calloc(1, room)) == NULL)
        return false;
    if (value->type == DB_NUMBER)
        snprintf(state->texts[at], room, "%lld", (long long)value->number);
    else if (value->length > 0)
        memcpy(state->texts[at], value->bytes, value->length);
    state->lengths[at] = (int)value->length;
    state->formats[at] = value->type == DB_BYTES;
    return true;
}

static void drop_row(struct state *state)
{
    for (int i = 0; i < VALUES_MAX; i++) {
        PQfreemem(state->bytes[i]);
        state->bytes[i] = NULL;
    }
}

static int step(void *handle)
{
    struct state *state = handle;
    drop_row(state);
    if (state->result == NULL) {
        state->result = PQexecParams(state->connection, state->sql, state->bound, NULL,
                                     (const char *const *)state->texts, state->lengths, state->formats, 0);
        state->row = -1;
    }
    if (!good(state->result))
        return -1;
    return ++state->row < PQntuples(state->result);
}

static int columns(void *handle)
{
    return PQnfields(((struct state *)handle)->result);
}

static const char *name(void *handle, int column)
{
    return PQfname(((struct state *)handle)->result, column);
}

static struct db_value value(void *handle, int column)
{
    struct state *state = handle;
    if (column >= VALUES_MAX || PQgetisnull(state->result, state->row, column))
        return (struct db_value){0};
    const char *text = PQgetvalue(state->result, state->row, column);
    size_t length = (size_t)PQgetlength(state->result, state->row, column);
    Oid type = PQftype(state->result, column);
    if (type == TYPE_INT8 || type == TYPE_INT4)
        return (struct db_value){DB_NUMBER, NULL, 0, strtoll(text, NULL, 10)};
    if (type != TYPE_BYTEA)
        return (struct db_value){DB_TEXT, text, length, 0};
    if (state->bytes[column] == NULL)
        state->bytes[column] = PQunescapeBytea((const unsigned char *)text, &length);
    else
        length = (length - 2) / 2; // \x and two digits a byte
    return (struct db_value){DB_BYTES, state->bytes[column], length, 0};
}

static int changes(void *handle)
{
    return atoi(PQcmdTuples(((struct state *)handle)->result)); // NOLINT(cert-err34-c): the server counts
}

static void finish(void *handle)
{
    struct state *state = handle;
    drop_row(state);
    for (int i = 0; i < state->bound; i++)
        free(state->texts[i]);
    PQclear(state->result);
    free(state->sql);
    free(state);
}

static const struct db_driver driver = {
    begin, end,  exec,    version, set_version, problem, shut,   prepare,
    bind,  step, columns, name,    value,       changes, finish,
};

static void keep_quiet(void *context, const char *message)
{
    (void)context, (void)message;
}

// A password in the address would stand in the list of processes and in the desk's directory.
static bool no_password(const char *address, struct fail *fail)
{
    PQconninfoOption *options = PQconninfoParse(address, NULL);
    bool found = false;
    for (const PQconninfoOption *at = options; at != NULL && at->keyword != NULL; at++)
        found |= strcmp(at->keyword, "password") == 0 && at->val != NULL && at->val[0] != 0;
    bool parsed = options != NULL;
    PQconninfoFree(options);
    if (!parsed)
        return fail_with(fail, FAIL_USAGE, _("'%s' is no address of a PostgreSQL database"), address);
    return !found ||
           fail_with(
               fail, FAIL_USAGE,
               _("the database's address must not carry a password: put it into ~/.pgpass (PGPASSFILE)"));
}

bool db_open_postgres(const char *address, struct db *made, struct fail *fail)
{
    const char *const keywords[] = {"dbname", "connect_timeout", "application_name", NULL};
    const char *const values[] = {address, "10", "ingam-issuer", NULL};
    if (!no_password(address, fail))
        return false;
    PGconn *connection = PQconnectdbParams(keywords, values, 1);
    if (connection != NULL)
        PQsetNoticeProcessor(connection, keep_quiet, NULL);
    if (connection != NULL && tune(connection)) {
        *made = (struct db){.driver = &driver, .handle = connection};
        return true;
    }
    fail_with(fail, FAIL_OTHER, _("cannot open the registry %s: %s"), address,
              connection != NULL ? PQerrorMessage(connection) : _("out of memory"));
    PQfinish(connection);
    return false;
}
