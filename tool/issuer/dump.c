// Writes and reads the registry as lines of JSON.
#include "dump.h"

#include "migrations.h"
#include "registry_db.h"
#include "words.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MAX 24
#define OLDEST      2 // schema of the oldest backup that can be restored

// A line goes to the file and into the MAC.
struct sink {
    FILE *file;
    EVP_MAC_CTX *mac;
    int64_t rows;
    bool good;
};

static EVP_MAC_CTX *mac_new(const unsigned char seal[KEYS_SEAL])
{
    unsigned char key[KEYS_SEAL];
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                     OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    bool done = mac != NULL && desk_derive(seal, "ingam backup", key) &&
                EVP_MAC_init(mac, key, sizeof key, parameters) == 1;
    EVP_MAC_free(hmac);
    OPENSSL_cleanse(key, sizeof key);
    if (done)
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

static bool mac_text(EVP_MAC_CTX *mac, char text[65])
{
    unsigned char bytes[32];
    size_t length = 0;
    if (EVP_MAC_final(mac, bytes, &length, sizeof bytes) != 1 || length != sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static void put(struct sink *sink, json_t *object)
{
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    size_t length = text != NULL ? strlen(text) : 0;
    sink->good = sink->good && text != NULL && fprintf(sink->file, "%s\n", text) == (int)length + 1 &&
                 EVP_MAC_update(sink->mac, (const unsigned char *)text, length) == 1;
    free(text);
    json_decref(object);
}

// A number, a text, {"hex": bytes} or null.
static json_t *to_json(const struct db_value *value)
{
    if (value->type == DB_NUMBER)
        return json_integer(value->number);
    if (value->type == DB_TEXT)
        return json_stringn(value->bytes, value->length);
    if (value->type != DB_BYTES)
        return json_null();
    char *hex = malloc(value->length * 2 + 1);
    if (hex == NULL)
        return NULL;
    hex[0] = 0;
    for (size_t i = 0; i < value->length; i++)
        snprintf(hex + 2 * i, 3, "%02x", ((const unsigned char *)value->bytes)[i]);
    json_t *object = json_pack("{s:s}", "hex", hex);
    free(hex);
    return object;
}

static void put_table(struct sink *sink, struct db *db, const char *table)
{
    char sql[64];
    struct db_query query;
    snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1", table);
    db_query(&query, db, sql);
    while (sink->good && db_row(&query)) {
        json_t *row = json_object();
        for (int i = 0; i < db_columns(&query); i++) {
            struct db_value value = db_value(&query, i);
            json_object_set_new(row, db_name(&query, i), to_json(&value));
        }
        put(sink, json_pack("{s:s, s:o}", "table", table, "row", row));
        sink->rows++;
    }
    sink->good = db_close(&query) && sink->good;
}

static void put_all(struct sink *sink, struct registry *registry)
{
    struct db *db = db_enter_reading(registry);
    put(sink, json_pack("{s:s, s:i}", "format", "ingam-registry", "schema", REGISTRY_SCHEMA));
    for (const char *const *table = migration_tables; *table != NULL; table++)
        put_table(sink, db, *table);
    if (db_leave(registry, REGISTRY_DONE) != REGISTRY_DONE)
        sink->good = false;
}

bool dump_write(struct registry *registry, const unsigned char seal[KEYS_SEAL], const char *path,
                struct fail *fail)
{
    char text[65] = "";
    struct sink sink = {.file = fopen(path, "wxe"), .mac = mac_new(seal)};
    sink.good = sink.file != NULL && sink.mac != NULL;
    if (sink.good)
        put_all(&sink, registry);
    sink.good = sink.good && mac_text(sink.mac, text) &&
                fprintf(sink.file, "{\"rows\":%lld,\"mac\":\"%s\"}\n", (long long)sink.rows, text) > 0 &&
                fflush(sink.file) == 0 && fsync(fileno(sink.file)) == 0;
    EVP_MAC_CTX_free(sink.mac);
    if (sink.file != NULL && fclose(sink.file) != 0)
        sink.good = false;
    return sink.good || fail_errno(fail, _("cannot write %s"), path);
}

static bool plain_word(const char *word)
{
    return word[0] != 0 && word[strspn(word, "abcdefghijklmnopqrstuvwxyz_")] == 0;
}

static bool known_table(const char *name)
{
    for (const char *const *table = migration_tables; *table != NULL; table++) {
        if (strcmp(*table, name) == 0)
            return true;
    }
    return false;
}

// Binds a value as to_json wrote it.
static bool bind(struct db_query *query, const json_t *json)
{
    const char *hex = json_string_value(json_object_get(json, "hex"));
    long length = 0;
    if (json_is_integer(json))
        db_number(query, json_integer_value(json));
    else if (json_is_string(json))
        db_text(query, json_string_value(json));
    else if (json_is_null(json))
        db_text(query, NULL);
    else if (hex != NULL && hex[0] == 0)
        db_bytes(query, "", 0);
    else {
        unsigned char *bytes = hex != NULL ? OPENSSL_hexstr2buf(hex, &length) : NULL;
        if (bytes == NULL)
            return false;
        db_bytes(query, bytes, (size_t)length);
        OPENSSL_free(bytes);
    }
    return true;
}

static bool insert(struct db *db, const char *table, json_t *row)
{
    char sql[1024];
    struct db_query query;
    const char *name = NULL;
    json_t *value = NULL;
    int at = snprintf(sql, sizeof sql, "INSERT INTO %s(", table);
    size_t columns = json_object_size(row);
    if (columns == 0 || columns > COLUMNS_MAX)
        return false;
    json_object_foreach(row, name, value)
    {
        if (!plain_word(name) || strlen(name) > 32)
            return false;
        at += snprintf(sql + at, sizeof sql - (size_t)at, "%s%s", sql[at - 1] == '(' ? "" : ", ", name);
    }
    at += snprintf(sql + at, sizeof sql - (size_t)at, ") VALUES(");
    for (size_t i = 0; i < columns; i++)
        at += snprintf(sql + at, sizeof sql - (size_t)at, i == 0 ? "?" : ", ?");
    snprintf(sql + at, sizeof sql - (size_t)at, ")");
    db_query(&query, db, sql);
    bool bound = true;
    json_object_foreach(row, name, value) bound = bound && bind(&query, value);
    return db_run(&query) == 1 && bound;
}

struct reading {
    EVP_MAC_CTX *mac;
    int64_t rows;
    bool header, ended;
};

// One line: the header, a row, or the end with number and MAC.
static bool take(struct db *db, struct reading *reading, char *line, size_t length)
{
    char text[65] = "";
    const char *table = NULL;
    const char *mac = NULL;
    json_int_t rows = 0;
    json_t *row = NULL;
    json_t *object = reading->ended ? NULL : json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    bool good = false;
    if (object != NULL && json_unpack(object, "{s:I, s:s}", "rows", &rows, "mac", &mac) == 0) {
        reading->ended = good = rows == reading->rows && strlen(mac) == 64 && mac_text(reading->mac, text) &&
                                CRYPTO_memcmp(text, mac, 64) == 0;
    } else if (object != NULL && EVP_MAC_update(reading->mac, (unsigned char *)line, length) == 1) {
        if (json_unpack(object, "{s:s, s:o}", "table", &table, "row", &row) == 0) {
            good = reading->header && known_table(table) && insert(db, table, row);
            reading->rows++;
        } else {
            // An older backup lacks columns that have defaults, and what a migration's function fills in.
            json_int_t schema = json_integer_value(json_object_get(object, "schema"));
            good = !reading->header && schema >= OLDEST && schema <= REGISTRY_SCHEMA;
            reading->header = good;
        }
    }
    json_decref(object);
    return good;
}

static bool take_all(struct db *db, FILE *file, struct reading *reading)
{
    char *line = NULL;
    size_t room = 0;
    bool good = db_exec(db, "DELETE FROM setting; DELETE FROM class");
    ssize_t length = 0;
    while (good && (length = getline(&line, &room, file)) > 0)
        good = line[length - 1] == '\n' && take(db, reading, line, (size_t)length - 1);
    free(line);
    for (size_t i = 0; good && i < REGISTRY_SCHEMA; i++)
        good = migrations[i].after == NULL || migrations[i].after(db);
    return good && reading->ended;
}

bool dump_read(struct registry *registry, const unsigned char seal[KEYS_SEAL], const char *path,
               struct fail *fail)
{
    struct reading reading = {.mac = mac_new(seal)};
    FILE *file = fopen(path, "re");
    if (file == NULL || reading.mac == NULL) {
        EVP_MAC_CTX_free(reading.mac);
        if (file != NULL)
            fclose(file);
        return fail_errno(fail, _("cannot open %s"), path);
    }
    struct db *db = db_enter(registry);
    bool good = take_all(db, file, &reading);
    good = db_leave(registry, good ? REGISTRY_DONE : REGISTRY_FAILED) == REGISTRY_DONE;
    EVP_MAC_CTX_free(reading.mac);
    fclose(file);
    return good ||
           fail_with(fail, FAIL_MISMATCH,
                     _("%s is damaged, cut, or of another desk or version: nothing was restored"), path);
}
