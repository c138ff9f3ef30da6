// The registry's schema as rows. A row that was released never changes.
#include "migrations.h"

#include "profile.h"

#define V1                                                                                                   \
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"                               \
    "CREATE TABLE person("                                                                                   \
    " reference TEXT PRIMARY KEY, name TEXT NOT NULL, subject BLOB NOT NULL, code BLOB NOT NULL,"            \
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, spent INTEGER NOT NULL DEFAULT 0,"                 \
    " tries INTEGER NOT NULL CHECK(tries >= 0)) STRICT;"                                                     \
    "CREATE TABLE certificate("                                                                              \
    " serial TEXT PRIMARY KEY, reference TEXT NOT NULL REFERENCES person(reference), key_hash BLOB NOT "     \
    "NULL,"                                                                                                  \
    " state TEXT NOT NULL CHECK(state IN ('reserved','issued','confirmed','rejected','abandoned')),"         \
    " created INTEGER NOT NULL, confirmed INTEGER NOT NULL DEFAULT 0, der BLOB) STRICT;"                     \
    "CREATE UNIQUE INDEX certificate_live ON certificate(reference)"                                         \
    " WHERE state IN ('reserved','issued','confirmed');"                                                     \
    "CREATE TABLE exchange("                                                                                 \
    " id BLOB PRIMARY KEY, nonce BLOB NOT NULL, reference TEXT NOT NULL REFERENCES person(reference),"       \
    " serial TEXT NOT NULL REFERENCES certificate(serial), request_id INTEGER NOT NULL,"                     \
    " expires INTEGER NOT NULL) STRICT;"

// Classes of certificates. Validity and "one a person" of the financial certificate are our model of KFTC's
// rules on a token; there is no policy OID but the desk's own until the operator sets one.
#define V2_CLASSES                                                                                              \
    "CREATE TABLE class("                                                                                       \
    " name TEXT PRIMARY KEY, title TEXT NOT NULL, days INTEGER NOT NULL CHECK(days BETWEEN 1 AND 3650),"        \
    " kinds TEXT NOT NULL, sole INTEGER NOT NULL, policy TEXT NOT NULL, fee INTEGER NOT NULL CHECK(fee >= "     \
    "0),"                                                                                                       \
    " renew_days INTEGER NOT NULL CHECK(renew_days >= 0)) STRICT;"                                              \
    "INSERT INTO class(name, title, days, kinds, sole, policy, fee, renew_days) VALUES"                         \
    "('joint', '공동인증서', 365, 'individual proprietor corporation', 0, '', 0, 30),"                     \
    "('joint-general', '공동인증서 (범용)', 365, 'individual proprietor corporation', 0, '', 4400, 30)," \
    "('financial', '금융인증서', 1095, 'individual', 1, '', 0, 30);"

// identity: the resident or business number, sealed; identity_hash: under a key that is not here, to find it
// again.
#define V2_CUSTOMERS                                                                                         \
    "CREATE TABLE customer("                                                                                 \
    " id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK(kind IN ('individual','proprietor','corporation')),"     \
    " name TEXT NOT NULL, identity_hash BLOB UNIQUE, identity BLOB, mask TEXT NOT NULL,"                     \
    " phone TEXT NOT NULL, email TEXT NOT NULL, state TEXT NOT NULL CHECK(state IN ('active','closed')),"    \
    " created INTEGER NOT NULL, closed INTEGER NOT NULL DEFAULT 0) STRICT;"                                  \
    "CREATE TABLE account("                                                                                  \
    " id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer(id), number_hash BLOB NOT NULL "       \
    "UNIQUE,"                                                                                                \
    " number BLOB NOT NULL, mask TEXT NOT NULL, created INTEGER NOT NULL) STRICT;"                           \
    "CREATE TABLE factor("                                                                                   \
    " id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer(id), kind TEXT NOT NULL,"              \
    " label TEXT NOT NULL, secret BLOB NOT NULL, moving INTEGER NOT NULL DEFAULT 0,"                         \
    " tries INTEGER NOT NULL CHECK(tries >= 0), most INTEGER NOT NULL,"                                      \
    " state TEXT NOT NULL CHECK(state IN ('active','closed')), challenge TEXT NOT NULL DEFAULT '',"          \
    " challenge_expires INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL) STRICT;"                       \
    "CREATE TABLE proof("                                                                                    \
    " id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer(id), need TEXT NOT NULL,"              \
    " kind TEXT NOT NULL, result TEXT NOT NULL CHECK(result IN ('passed','failed')),"                        \
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, used_by TEXT NOT NULL DEFAULT '') STRICT;"

// What `authorize` wrote has no customer and no class; its certificates have the desk's own profile.
#define V2_APPLICATIONS                                                                                      \
    "ALTER TABLE person ADD COLUMN customer TEXT;"                                                           \
    "ALTER TABLE person ADD COLUMN class TEXT NOT NULL DEFAULT '';"                                          \
    "ALTER TABLE person ADD COLUMN kind TEXT NOT NULL DEFAULT 'issue';"                                      \
    "ALTER TABLE person ADD COLUMN state TEXT NOT NULL DEFAULT 'ready';"                                     \
    "ALTER TABLE person ADD COLUMN target TEXT NOT NULL DEFAULT '';"                                         \
    "ALTER TABLE certificate ADD COLUMN customer TEXT;"                                                      \
    "ALTER TABLE certificate ADD COLUMN class TEXT NOT NULL DEFAULT '';"                                     \
    "ALTER TABLE certificate ADD COLUMN sole TEXT;"                                                          \
    "ALTER TABLE certificate ADD COLUMN status TEXT NOT NULL DEFAULT 'valid'"                                \
    " CHECK(status IN ('valid','suspended','revoked'));"                                                     \
    "ALTER TABLE certificate ADD COLUMN reason INTEGER NOT NULL DEFAULT 0;"                                  \
    "ALTER TABLE certificate ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;"                                 \
    "ALTER TABLE certificate ADD COLUMN not_after INTEGER NOT NULL DEFAULT 0;"                               \
    "ALTER TABLE certificate ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;"                              \
    "ALTER TABLE certificate ADD COLUMN replaced_by TEXT NOT NULL DEFAULT '';"                               \
    "CREATE UNIQUE INDEX certificate_one_valid ON certificate(sole)"                                         \
    " WHERE sole IS NOT NULL AND state = 'confirmed';"                                                       \
    "CREATE UNIQUE INDEX certificate_one_coming ON certificate(sole)"                                        \
    " WHERE sole IS NOT NULL AND state IN ('reserved','issued');"                                            \
    "CREATE TABLE fee("                                                                                      \
    " id TEXT PRIMARY KEY, reference TEXT NOT NULL REFERENCES person(reference), class TEXT NOT NULL,"       \
    " amount INTEGER NOT NULL, state TEXT NOT NULL CHECK(state IN ('due','paid','waived')),"                 \
    " created INTEGER NOT NULL, paid INTEGER NOT NULL DEFAULT 0) STRICT;"                                    \
    "CREATE TABLE poll("                                                                                     \
    " id BLOB PRIMARY KEY, reference TEXT NOT NULL REFERENCES person(reference), nonce BLOB NOT NULL,"       \
    " request BLOB NOT NULL, expires INTEGER NOT NULL) STRICT;"

#define V2_OWN                                                                                               \
    "CREATE TABLE log("                                                                                      \
    " n INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, event TEXT NOT NULL,"               \
    " subject TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL) STRICT;"                              \
    "CREATE TABLE authority("                                                                                \
    " generation INTEGER PRIMARY KEY, certificate BLOB NOT NULL, link BLOB, key TEXT NOT NULL,"              \
    " created INTEGER NOT NULL) STRICT;"                                                                     \
    "CREATE TABLE crl("                                                                                      \
    " generation INTEGER NOT NULL, number INTEGER NOT NULL, made INTEGER NOT NULL, until INTEGER NOT NULL,"  \
    " stale INTEGER NOT NULL, der BLOB NOT NULL, PRIMARY KEY(generation, number)) STRICT;"

#define V2_SQLITE                                                                                            \
    "CREATE TRIGGER log_kept BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;" \
    "CREATE TRIGGER log_whole BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); "    \
    "END;"

#define V2_POSTGRES                                                                                          \
    "CREATE FUNCTION log_kept() RETURNS trigger LANGUAGE plpgsql AS"                                         \
    " $$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$;"                                            \
    "CREATE TRIGGER log_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON log"                                     \
    " FOR EACH STATEMENT EXECUTE FUNCTION log_kept();"

// Version 2 wrote no end of a certificate that was issued before: it is read from the certificate.
static bool migrate_ends(struct db *db)
{
    unsigned char der[REGISTRY_CERT];
    char serial[REGISTRY_SERIAL];
    size_t length = 0;
    for (;;) {
        struct db_query query;
        const unsigned char *at = der;
        db_query(&query, db,
                 "SELECT serial, der FROM certificate WHERE not_after = 0 AND der IS NOT NULL LIMIT 1");
        bool found = db_row(&query);
        if (found) {
            db_get_text(&query, 0, serial, sizeof serial);
            db_get_bytes(&query, 1, der, sizeof der, &length);
        }
        if (!db_close(&query) || !found)
            return !found && query.good;
        X509 *certificate = d2i_X509(NULL, &at, (long)length);
        int64_t end = certificate != NULL ? profile_not_after(certificate) : 0;
        X509_free(certificate);
        if (DB_DO(db, "UPDATE certificate SET not_after = ? WHERE serial = ?", db_n(end > 0 ? end : 1),
                  db_t(serial)) != 1)
            return false;
    }
}

// What must be proved for a class; identity checks that run; notices of certificates near their end; the CA's
// second link certificate (RFC 4210 4.4: link is newWithOld).
#define V3_OWN                                                                                               \
    "ALTER TABLE class ADD COLUMN needs TEXT NOT NULL DEFAULT 'identity factor';"                            \
    "ALTER TABLE authority ADD COLUMN old_with_new BLOB;"                                                    \
    "CREATE TABLE inquiry("                                                                                  \
    " id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer(id), kind TEXT NOT NULL,"              \
    " state TEXT NOT NULL CHECK(state IN ('running','passed','failed','broken')),"                           \
    " created INTEGER NOT NULL, until INTEGER NOT NULL) STRICT;"                                             \
    "CREATE TABLE notice("                                                                                   \
    " serial TEXT NOT NULL REFERENCES certificate(serial), days INTEGER NOT NULL,"                           \
    " state TEXT NOT NULL CHECK(state IN ('begun','sent','failed')), tries INTEGER NOT NULL,"                \
    " created INTEGER NOT NULL, PRIMARY KEY(serial, days)) STRICT;"

// Other institutions whose certificates customers may register, and the registered ones.
#define V3_INSTITUTIONS                                                                                      \
    "CREATE TABLE institution("                                                                              \
    " id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, certificate BLOB NOT NULL,"        \
    " crl TEXT NOT NULL, ocsp TEXT NOT NULL,"                                                                \
    " state TEXT NOT NULL CHECK(state IN ('trusted','withdrawn')), created INTEGER NOT NULL) STRICT;"        \
    "CREATE TABLE foreign_certificate("                                                                      \
    " id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer(id),"                                  \
    " institution TEXT NOT NULL REFERENCES institution(id), serial TEXT NOT NULL, subject TEXT NOT NULL,"    \
    " hash BLOB NOT NULL, der BLOB NOT NULL, not_after INTEGER NOT NULL,"                                    \
    " state TEXT NOT NULL CHECK(state IN ('registered','unregistered')), created INTEGER NOT NULL,"          \
    " ended INTEGER NOT NULL DEFAULT 0, checked INTEGER NOT NULL, verdict TEXT NOT NULL) STRICT;"            \
    "CREATE UNIQUE INDEX foreign_once ON foreign_certificate(hash) WHERE state = 'registered';"

const struct migration migrations[REGISTRY_SCHEMA] = {
    {V1, NULL, NULL, NULL},
    {V2_CLASSES V2_CUSTOMERS V2_APPLICATIONS V2_OWN, V2_SQLITE, V2_POSTGRES, NULL},
    {V3_OWN V3_INSTITUTIONS, NULL, NULL, migrate_ends},
};

const char *const migration_tables[] = {
    "setting",   "class",       "customer", "account",  "factor",      "proof",
    "person",    "certificate", "fee",      "exchange", "poll",        "log",
    "authority", "crl",         "inquiry",  "notice",   "institution", "foreign_certificate",
    NULL,
};
