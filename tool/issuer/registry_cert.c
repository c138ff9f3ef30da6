// The registry's rows of certificates and open transactions: who has which key under which serial number.
#include "registry_db.h"

#include <stdio.h>
#include <string.h>

#define REJECTED_MAX  8     // certificates that one reference may reject
#define EXCHANGES_ONE 8     // open transactions of one reference
#define EXCHANGES_ALL 10000 // open transactions of the desk

struct live {
    char serial[REGISTRY_SERIAL];
    char state[16];
    unsigned char key_hash[REGISTRY_HASH];
    size_t hash_length;
    struct registry_certificate issued;
};

static enum registry_end find_live(sqlite3 *db, const char *reference, struct live *live)
{
    struct db_query query;
    db_query(&query, db,
             "SELECT serial, state, key_hash, der FROM certificate WHERE reference = ?"
             " AND state IN ('reserved', 'issued', 'confirmed')");
    db_text(&query, reference);
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, live->serial, sizeof live->serial);
        db_get_text(&query, 1, live->state, sizeof live->state);
        db_get_bytes(&query, 2, live->key_hash, sizeof live->key_hash, &live->hash_length);
        db_get_bytes(&query, 3, live->issued.der, sizeof live->issued.der, &live->issued.length);
        snprintf(live->issued.serial, sizeof live->issued.serial, "%s", live->serial);
    }
    if (!db_close(&query))
        return REGISTRY_FAILED;
    return found ? REGISTRY_DONE : REGISTRY_NONE;
}

static int64_t count(sqlite3 *db, const char *sql, const char *reference)
{
    struct db_query query;
    db_query(&query, db, sql);
    if (reference != NULL)
        db_text(&query, reference);
    int64_t number = db_row(&query) ? db_get_number(&query, 0) : INT64_MAX;
    return db_close(&query) ? number : INT64_MAX;
}

static int set_state(sqlite3 *db, const char *serial, const char *from, const char *to)
{
    struct db_query query;
    db_query(&query, db, "UPDATE certificate SET state = ? WHERE serial = ? AND state = ?");
    db_text(&query, to);
    db_text(&query, serial);
    db_text(&query, from);
    return db_run(&query);
}

static enum registry_end insert_reserved(sqlite3 *db, const char *reference, const unsigned char *key_hash,
                                         const char *serial, int64_t now)
{
    struct db_query query;
    if (count(db, "SELECT count(*) FROM certificate WHERE reference = ? AND state = 'rejected'", reference) >=
        REJECTED_MAX)
        return REGISTRY_FULL;
    db_query(&query, db,
             "INSERT INTO certificate(serial, reference, key_hash, state, created)"
             " VALUES(?, ?, ?, 'reserved', ?)");
    db_text(&query, serial);
    db_text(&query, reference);
    db_bytes(&query, key_hash, REGISTRY_HASH);
    db_number(&query, now);
    return db_run(&query) == 1 ? REGISTRY_DONE : REGISTRY_FAILED;
}

static enum registry_end reserve(sqlite3 *db, const char *reference, const unsigned char *key_hash,
                                 const char *serial, int64_t now, struct registry_certificate *issued)
{
    struct live live;
    enum registry_end end = find_live(db, reference, &live);
    if (end == REGISTRY_FAILED)
        return end;
    if (end == REGISTRY_DONE && strcmp(live.state, "confirmed") == 0)
        return REGISTRY_SPENT;
    if (end == REGISTRY_DONE && memcmp(live.key_hash, key_hash, REGISTRY_HASH) != 0)
        return REGISTRY_OTHER_KEY;
    if (end == REGISTRY_DONE && live.issued.length > 0) {
        *issued = live.issued;
        return REGISTRY_AGAIN;
    }
    // Reserved and never recorded: whoever was signing it ended first, and nobody has seen that certificate.
    if (end == REGISTRY_DONE && set_state(db, live.serial, "reserved", "abandoned") != 1)
        return REGISTRY_FAILED;
    return insert_reserved(db, reference, key_hash, serial, now);
}

enum registry_end registry_reserve(struct registry *registry, const char *reference,
                                   const unsigned char key_hash[REGISTRY_HASH], const char *serial,
                                   int64_t now, struct registry_certificate *issued)
{
    sqlite3 *db = db_enter(registry);
    return db_leave(registry, reserve(db, reference, key_hash, serial, now, issued));
}

enum registry_end registry_record(struct registry *registry, const char *serial, const void *der,
                                  size_t length)
{
    struct db_query query;
    db_query(&query, db_enter(registry),
             "UPDATE certificate SET state = 'issued', der = ? WHERE serial = ? AND state = 'reserved'");
    db_bytes(&query, der, length);
    db_text(&query, serial);
    return db_leave(registry, db_run(&query) == 1 ? REGISTRY_DONE : REGISTRY_FAILED);
}

enum registry_end registry_certificate(struct registry *registry, const char *serial,
                                       struct registry_certificate *certificate)
{
    struct db_query query;
    db_query(&query, db_enter_reading(registry),
             "SELECT serial, der FROM certificate WHERE serial = ? AND der IS NOT NULL");
    db_text(&query, serial);
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, certificate->serial, sizeof certificate->serial);
        db_get_bytes(&query, 1, certificate->der, sizeof certificate->der, &certificate->length);
    }
    bool good = db_close(&query);
    enum registry_end end = found ? REGISTRY_DONE : REGISTRY_NONE;
    return db_leave(registry, good ? end : REGISTRY_FAILED);
}

static enum registry_end confirm(sqlite3 *db, const char *serial, int64_t now)
{
    struct db_query query;
    db_query(
        &query, db,
        "UPDATE certificate SET state = 'confirmed', confirmed = ? WHERE serial = ? AND state = 'issued'");
    db_number(&query, now);
    db_text(&query, serial);
    int changed = db_run(&query);
    if (changed < 0)
        return REGISTRY_FAILED;
    if (changed == 0) {
        db_query(&query, db, "SELECT 1 FROM certificate WHERE serial = ? AND state = 'confirmed'");
        db_text(&query, serial);
        bool found = db_row(&query);
        enum registry_end end = found ? REGISTRY_AGAIN : REGISTRY_NONE;
        return db_close(&query) ? end : REGISTRY_FAILED;
    }
    db_query(&query, db,
             "UPDATE person SET spent = ? WHERE spent = 0 AND reference ="
             " (SELECT reference FROM certificate WHERE serial = ?)");
    db_number(&query, now);
    db_text(&query, serial);
    return db_run(&query) == 1 ? REGISTRY_DONE : REGISTRY_FAILED;
}

enum registry_end registry_confirm(struct registry *registry, const char *serial, int64_t now)
{
    sqlite3 *db = db_enter(registry);
    return db_leave(registry, confirm(db, serial, now));
}

static enum registry_end reject(sqlite3 *db, const char *serial)
{
    struct db_query query;
    int changed = set_state(db, serial, "issued", "rejected");
    if (changed != 0)
        return changed == 1 ? REGISTRY_DONE : REGISTRY_FAILED;
    db_query(&query, db, "SELECT 1 FROM certificate WHERE serial = ? AND state = 'rejected'");
    db_text(&query, serial);
    enum registry_end end = db_row(&query) ? REGISTRY_AGAIN : REGISTRY_NONE;
    return db_close(&query) ? end : REGISTRY_FAILED;
}

enum registry_end registry_reject(struct registry *registry, const char *serial)
{
    sqlite3 *db = db_enter(registry);
    return db_leave(registry, reject(db, serial));
}

static bool forget(sqlite3 *db, const struct registry_exchange *exchange, int64_t now)
{
    struct db_query query;
    db_query(&query, db, "DELETE FROM exchange WHERE expires <= ?");
    db_number(&query, now);
    if (db_run(&query) < 0)
        return false;
    db_query(&query, db,
             "DELETE FROM exchange WHERE id IN (SELECT id FROM exchange WHERE reference = ?"
             " ORDER BY expires DESC LIMIT -1 OFFSET ?)");
    db_text(&query, exchange->reference);
    db_number(&query, EXCHANGES_ONE - 1);
    return db_run(&query) >= 0;
}

static enum registry_end keep(sqlite3 *db, const struct registry_exchange *exchange, int64_t now)
{
    struct db_query query;
    if (!forget(db, exchange, now))
        return REGISTRY_FAILED;
    if (count(db, "SELECT count(*) FROM exchange", NULL) >= EXCHANGES_ALL)
        return REGISTRY_FULL;
    db_query(
        &query, db,
        "INSERT INTO exchange(id, nonce, reference, serial, request_id, expires) VALUES(?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(id) DO UPDATE SET nonce = excluded.nonce, serial = excluded.serial,"
        " request_id = excluded.request_id, expires = excluded.expires WHERE reference = excluded.reference");
    db_bytes(&query, exchange->id, exchange->id_length);
    db_bytes(&query, exchange->nonce, exchange->nonce_length);
    db_text(&query, exchange->reference);
    db_text(&query, exchange->serial);
    db_number(&query, exchange->request_id);
    db_number(&query, exchange->expires);
    int changed = db_run(&query);
    if (changed < 0)
        return REGISTRY_FAILED;
    return changed == 1 ? REGISTRY_DONE : REGISTRY_OTHER_KEY;
}

enum registry_end registry_exchange_keep(struct registry *registry, const struct registry_exchange *exchange,
                                         int64_t now)
{
    sqlite3 *db = db_enter(registry);
    return db_leave(registry, keep(db, exchange, now));
}

enum registry_end registry_exchange_find(struct registry *registry, const void *id, size_t length,
                                         int64_t now, struct registry_exchange *exchange)
{
    struct db_query query;
    db_query(&query, db_enter_reading(registry),
             "SELECT id, nonce, reference, serial, request_id, expires FROM exchange WHERE id = ? AND "
             "expires > ?");
    db_bytes(&query, id, length);
    db_number(&query, now);
    bool found = db_row(&query);
    if (found) {
        db_get_bytes(&query, 0, exchange->id, sizeof exchange->id, &exchange->id_length);
        db_get_bytes(&query, 1, exchange->nonce, sizeof exchange->nonce, &exchange->nonce_length);
        db_get_text(&query, 2, exchange->reference, sizeof exchange->reference);
        db_get_text(&query, 3, exchange->serial, sizeof exchange->serial);
        exchange->request_id = (int)db_get_number(&query, 4);
        exchange->expires = db_get_number(&query, 5);
    }
    bool good = db_close(&query);
    enum registry_end end = found ? REGISTRY_DONE : REGISTRY_NONE;
    return db_leave(registry, good ? end : REGISTRY_FAILED);
}
