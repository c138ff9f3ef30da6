// The registry's rows of certificates and open transactions: who has which key under which serial number.
#include "registry_log.h"
#include "rules.h"

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

static enum registry_end find_live(struct db *db, const char *reference, struct live *live)
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

static int64_t count(struct db *db, const char *sql, const char *reference)
{
    struct db_query query;
    db_query(&query, db, sql);
    if (reference != NULL)
        db_text(&query, reference);
    int64_t number = db_row(&query) ? db_get_number(&query, 0) : INT64_MAX;
    return db_close(&query) ? number : INT64_MAX;
}

static int set_state(struct db *db, const char *serial, const char *from, const char *to)
{
    struct db_query query;
    db_query(&query, db, "UPDATE certificate SET state = ? WHERE serial = ? AND state = ?");
    db_text(&query, to);
    db_text(&query, serial);
    db_text(&query, from);
    return db_run(&query);
}

// Makes room for a certificate of a class of which a person may have one: what has expired, and what nobody
// confirmed in time, gives the place free. The latter may be in somebody's hands, so it is revoked.
static bool make_room(struct db *db, const char *reference, int64_t now)
{
#define SAME "sole = (SELECT p.customer || ':' || p.class FROM person p WHERE p.reference = ?)"
    return DB_DO(db,
                 "UPDATE certificate SET sole = NULL WHERE " SAME
                 " AND state = 'confirmed' AND not_after <= ?",
                 db_t(reference), db_n(now)) >= 0 &&
           DB_DO(db,
                 "UPDATE certificate SET sole = NULL, state = 'abandoned', status = 'revoked', reason = 5,"
                 " changed = ? WHERE " SAME " AND reference <> ? AND state IN ('reserved', 'issued')"
                 " AND created <= ?",
                 db_n(now), db_t(reference), db_t(reference), db_n(now - RULES_COMING)) >= 0;
}

static enum registry_end insert_reserved(struct db *db, const char *reference, const unsigned char *key_hash,
                                         const char *serial, int64_t now)
{
    if (count(db, "SELECT count(*) FROM certificate WHERE reference = ? AND state = 'rejected'", reference) >=
        REJECTED_MAX)
        return REGISTRY_FULL;
    if (!make_room(db, reference, now))
        return REGISTRY_FAILED;
    int changed =
        DB_DO(db,
              "INSERT INTO certificate(serial, reference, key_hash, state, created, customer, class, sole)"
              " SELECT ?, p.reference, ?, 'reserved', ?, p.customer, p.class,"
              " CASE WHEN k.sole = 1 THEN p.customer || ':' || p.class END"
              " FROM person p LEFT JOIN class k ON k.name = p.class WHERE p.reference = ?",
              db_t(serial), db_b(key_hash, REGISTRY_HASH), db_n(now), db_t(reference));
    return changed == 1 ? REGISTRY_DONE : REGISTRY_FAILED;
}

static enum registry_end reserve(struct db *db, const char *reference, const unsigned char *key_hash,
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
    enum registry_end rule = rules_check(db, reference, now);
    if (rule != REGISTRY_DONE)
        return rule;
    // Reserved and never recorded: whoever was signing it ended first, and nobody has seen that certificate.
    if (end == REGISTRY_DONE && set_state(db, live.serial, "reserved", "abandoned") != 1)
        return REGISTRY_FAILED;
    return insert_reserved(db, reference, key_hash, serial, now);
}

enum registry_end registry_reserve(struct registry *registry, const char *reference,
                                   const unsigned char key_hash[REGISTRY_HASH], const char *serial,
                                   int64_t now, struct registry_certificate *issued)
{
    struct db *db = db_enter(registry);
    return db_leave(registry, reserve(db, reference, key_hash, serial, now, issued));
}

enum registry_end registry_allowed(struct registry *registry, const char *reference, int64_t now)
{
    struct db *db = db_enter_reading(registry);
    return db_leave(registry, rules_check(db, reference, now));
}

enum registry_end registry_record(struct registry *registry, const char *serial, const void *der,
                                  size_t length, int64_t not_after, int generation, int64_t now)
{
    struct db *db = db_enter(registry);
    bool done = DB_DO(db,
                      "UPDATE certificate SET state = 'issued', der = ?, not_after = ?, generation = ?"
                      " WHERE serial = ? AND state = 'reserved'",
                      db_b(der, length), db_n(not_after), db_n(generation), db_t(serial)) == 1 &&
                log_append(registry, db, now, "certificate.issued", serial, "");
    return db_leave(registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
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

// What the new certificate takes the place of is revoked as superseded (RFC 5280 5.3.1), unless it was
// before.
static bool supersede(struct registry *registry, struct db *db, const char *serial, int64_t now)
{
#define OLD                                                                                                  \
    "(SELECT p.target FROM person p JOIN certificate n ON n.reference = p.reference WHERE n.serial = ?)"
    int changed = DB_DO(db,
                        "UPDATE certificate SET status = 'revoked', reason = 4, changed = ?, sole = NULL"
                        " WHERE serial = " OLD " AND status <> 'revoked'",
                        db_n(now), db_t(serial));
    return changed >= 0 &&
           DB_DO(db, "UPDATE certificate SET replaced_by = ? WHERE serial = " OLD, db_t(serial),
                 db_t(serial)) >= 0 &&
           (changed == 0 || (DB_DO(db, "UPDATE crl SET stale = 1 WHERE stale = ?", db_n(0)) >= 0 &&
                             log_append(registry, db, now, "certificate.superseded", serial, "")));
}

// The end of a change that found no row to change: was it made before?
static enum registry_end was(struct db *db, const char *serial, const char *state)
{
    struct db_query query;
    DB_ASK(&query, db, "SELECT 1 FROM certificate WHERE serial = ? AND state = ?", db_t(serial), db_t(state));
    enum registry_end end = db_row(&query) ? REGISTRY_AGAIN : REGISTRY_NONE;
    return db_close(&query) ? end : REGISTRY_FAILED;
}

static enum registry_end confirm(struct registry *registry, struct db *db, const char *serial, int64_t now)
{
    enum registry_end end = was(db, serial, "issued");
    if (end != REGISTRY_AGAIN)
        return end == REGISTRY_NONE ? was(db, serial, "confirmed") : end;
    bool done = supersede(registry, db, serial, now) &&
                DB_DO(db, "UPDATE certificate SET state = 'confirmed', confirmed = ? WHERE serial = ?",
                      db_n(now), db_t(serial)) == 1 &&
                DB_DO(db,
                      "UPDATE person SET spent = ? WHERE spent = 0 AND reference ="
                      " (SELECT reference FROM certificate WHERE serial = ?)",
                      db_n(now), db_t(serial)) == 1 &&
                log_append(registry, db, now, "certificate.confirmed", serial, "");
    return done ? REGISTRY_DONE : REGISTRY_FAILED;
}

enum registry_end registry_confirm(struct registry *registry, const char *serial, int64_t now)
{
    struct db *db = db_enter(registry);
    return db_leave(registry, confirm(registry, db, serial, now));
}

// Whoever rejected it may still have it: so it is on the CRL from now on.
enum registry_end registry_reject(struct registry *registry, const char *serial, int64_t now)
{
    struct db *db = db_enter(registry);
    int changed =
        DB_DO(db,
              "UPDATE certificate SET state = 'rejected', status = 'revoked', reason = 5, changed = ?,"
              " sole = NULL WHERE serial = ? AND state = 'issued'",
              db_n(now), db_t(serial));
    if (changed == 0)
        return db_leave(registry, was(db, serial, "rejected"));
    bool done = changed == 1 && DB_DO(db, "UPDATE crl SET stale = 1 WHERE stale = ?", db_n(0)) >= 0 &&
                log_append(registry, db, now, "certificate.rejected", serial, "");
    return db_leave(registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
}

static bool forget(struct db *db, const struct registry_exchange *exchange, int64_t now)
{
    struct db_query query;
    db_query(&query, db, "DELETE FROM exchange WHERE expires <= ?");
    db_number(&query, now);
    if (db_run(&query) < 0)
        return false;
    db_query(&query, db,
             "DELETE FROM exchange WHERE id IN (SELECT id FROM exchange WHERE reference = ?"
             " ORDER BY expires DESC LIMIT 1000000 OFFSET ?)");
    db_text(&query, exchange->reference);
    db_number(&query, EXCHANGES_ONE - 1);
    return db_run(&query) >= 0;
}

static enum registry_end keep(struct db *db, const struct registry_exchange *exchange, int64_t now)
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
        " request_id = excluded.request_id, expires = excluded.expires WHERE exchange.reference = "
        "excluded.reference");
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
    struct db *db = db_enter(registry);
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
