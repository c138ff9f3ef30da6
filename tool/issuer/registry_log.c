// Appends to the registry's log, and checks its chain.
#include "registry_log.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

struct entry {
    int64_t n, time;
    const char *texts[4]; // actor, event, subject, detail
};

static size_t put_number(unsigned char *at, int64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)((uint64_t)number >> (56 - 8 * i));
    return 8;
}

// HMAC-SHA-256 over the hash before, n, time, and each text with its length before it.
static bool chain(const struct registry_writer *writer, const unsigned char before[LOG_HASH],
                  const struct entry *entry, unsigned char hash[LOG_HASH])
{
    unsigned char bytes[LOG_HASH + 16 + 4 * (8 + LOG_TEXT)];
    size_t length = LOG_HASH;
    unsigned size = LOG_HASH;
    memcpy(bytes, before, LOG_HASH);
    length += put_number(bytes + length, entry->n);
    length += put_number(bytes + length, entry->time);
    for (int i = 0; i < 4; i++) {
        size_t text = strlen(entry->texts[i]);
        if (text > LOG_TEXT)
            return false;
        length += put_number(bytes + length, (int64_t)text);
        memcpy(bytes + length, entry->texts[i], text);
        length += text;
    }
    return HMAC(EVP_sha256(), writer->key, LOG_KEY, bytes, length, hash, &size) != NULL;
}

bool log_append(struct registry *registry, struct db *db, int64_t now, const char *event, const char *subject,
                const char *detail)
{
    const struct registry_writer *writer = registry_writer(registry);
    unsigned char before[LOG_HASH] = {0};
    unsigned char hash[LOG_HASH];
    size_t length = LOG_HASH;
    struct db_query query;
    struct entry entry = {1, now, {writer->actor, event, subject, detail}};
    db_query(&query, db, "SELECT n, hash FROM log ORDER BY n DESC LIMIT 1");
    if (db_row(&query)) {
        entry.n = db_get_number(&query, 0) + 1;
        db_get_bytes(&query, 1, before, sizeof before, &length);
    }
    return db_close(&query) && length == LOG_HASH && chain(writer, before, &entry, hash) &&
           DB_DO(db,
                 "INSERT INTO log(n, time, actor, event, subject, detail, hash) VALUES(?, ?, ?, ?, ?, ?, ?)",
                 db_n(entry.n), db_n(now), db_t(writer->actor), db_t(event), db_t(subject), db_t(detail),
                 db_b(hash, sizeof hash)) == 1;
}

// One row: is it the next one, and does its hash fit?
static void check_row(const struct registry_writer *writer, struct db_query *query, struct log_state *state)
{
    char texts[4][LOG_TEXT + 1];
    unsigned char stored[LOG_HASH];
    unsigned char hash[LOG_HASH];
    size_t length = 0;
    struct entry entry = {
        db_get_number(query, 0), db_get_number(query, 1), {texts[0], texts[1], texts[2], texts[3]}};
    for (int i = 0; i < 4; i++)
        db_get_text(query, 2 + i, texts[i], sizeof texts[i]);
    db_get_bytes(query, 6, stored, sizeof stored, &length);
    state->entries++;
    if (state->broken == 0 &&
        (entry.n != state->entries || length != LOG_HASH || !chain(writer, state->head, &entry, hash) ||
         CRYPTO_memcmp(hash, stored, LOG_HASH) != 0))
        state->broken = state->entries;
    memcpy(state->head, stored, LOG_HASH);
}

enum registry_end log_verify(struct registry *registry, int64_t anchor_n,
                             const unsigned char anchor[LOG_HASH], struct log_state *state)
{
    struct db_query query;
    memset(state, 0, sizeof *state);
    state->anchored = anchor_n == 0;
    db_query(&query, db_enter_reading(registry),
             "SELECT n, time, actor, event, subject, detail, hash FROM log ORDER BY n");
    while (db_row(&query)) {
        check_row(registry_writer(registry), &query, state);
        if (state->entries == anchor_n)
            state->anchored = CRYPTO_memcmp(state->head, anchor, LOG_HASH) == 0;
    }
    return db_leave(registry, db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED);
}
