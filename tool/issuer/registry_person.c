// The registry's rows of entitled persons, settings, and the list of both.
#include "registry_log.h"

enum registry_end registry_set(struct registry *registry, const char *name, const char *value)
{
    struct db_query query;
    db_query(&query, db_enter(registry),
             "INSERT INTO setting(name, value) VALUES(?, ?)"
             " ON CONFLICT(name) DO UPDATE SET value = excluded.value");
    db_text(&query, name);
    db_text(&query, value);
    return db_leave(registry, db_one(db_run(&query)));
}

enum registry_end registry_get(struct registry *registry, const char *name, char *value, size_t size)
{
    struct db_query query;
    value[0] = 0;
    db_query(&query, db_enter_reading(registry), "SELECT value FROM setting WHERE name = ?");
    db_text(&query, name);
    if (db_row(&query))
        db_get_text(&query, 0, value, size);
    return db_leave(registry, db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED);
}

static bool taken(struct db *db, const char *reference)
{
    struct db_query query;
    db_query(&query, db, "SELECT 1 FROM person WHERE reference = ?");
    db_text(&query, reference);
    bool found = db_row(&query);
    return db_close(&query) && found;
}

enum registry_end registry_entitle(struct registry *registry, const struct registry_person *person)
{
    struct db *db = db_enter(registry);
    if (taken(db, person->reference))
        return db_leave(registry, REGISTRY_AGAIN);
    bool done =
        DB_DO(db,
              "INSERT INTO person(reference, name, subject, code, created, expires, tries)"
              " VALUES(?, ?, ?, ?, ?, ?, ?)",
              db_t(person->reference), db_t(person->name), db_b(person->subject, person->subject_length),
              db_b(person->code, person->code_length), db_n(person->created), db_n(person->expires),
              db_n(person->tries)) == 1 &&
        log_append(registry, db, person->created, "person.authorized", person->reference, person->name);
    return db_leave(registry, done ? REGISTRY_DONE : REGISTRY_FAILED);
}

enum registry_end registry_find(struct registry *registry, const char *reference,
                                struct registry_person *person)
{
    struct db_query query;
    db_query(&query, db_enter_reading(registry),
             "SELECT reference, name, subject, code, created, expires, spent, tries, coalesce(customer, ''), "
             "class,"
             " kind, state, target FROM person"
             " WHERE reference = ?");
    db_text(&query, reference);
    bool found = db_row(&query);
    if (found) {
        db_get_text(&query, 0, person->reference, sizeof person->reference);
        db_get_text(&query, 1, person->name, sizeof person->name);
        db_get_bytes(&query, 2, person->subject, sizeof person->subject, &person->subject_length);
        db_get_bytes(&query, 3, person->code, sizeof person->code, &person->code_length);
        person->created = db_get_number(&query, 4);
        person->expires = db_get_number(&query, 5);
        person->spent = db_get_number(&query, 6);
        person->tries = (int)db_get_number(&query, 7);
        db_get_text(&query, 8, person->customer, sizeof person->customer);
        db_get_text(&query, 9, person->class_name, sizeof person->class_name);
        db_get_text(&query, 10, person->kind, sizeof person->kind);
        db_get_text(&query, 11, person->state, sizeof person->state);
        db_get_text(&query, 12, person->target, sizeof person->target);
    }
    bool good = db_close(&query);
    enum registry_end end = found ? REGISTRY_DONE : REGISTRY_NONE;
    return db_leave(registry, good ? end : REGISTRY_FAILED);
}

enum registry_end registry_wrong(struct registry *registry, const char *reference)
{
    struct db_query query;
    db_query(&query, db_enter(registry),
             "UPDATE person SET tries = tries - 1 WHERE reference = ? AND tries > 0");
    db_text(&query, reference);
    return db_leave(registry, db_one(db_run(&query)));
}

enum registry_end registry_list(struct registry *registry, void (*each)(void *, const struct registry_line *),
                                void *context)
{
    struct db_query query;
    char name[REGISTRY_NAME + 1];
    char reference[REGISTRY_REFERENCE + 1];
    char serial[REGISTRY_SERIAL];
    char state[16];
    db_query(
        &query, db_enter_reading(registry),
        "SELECT p.reference, p.name, p.created, p.expires, p.tries, coalesce(c.serial, ''),"
        " coalesce(c.state, 'open') FROM person p LEFT JOIN certificate c ON c.reference = p.reference"
        " AND c.state IN ('issued', 'confirmed', 'rejected') ORDER BY p.created, p.reference, c.created");
    while (db_row(&query)) {
        struct registry_line line = {reference, name, state, serial, 0, 0, 0};
        db_get_text(&query, 0, reference, sizeof reference);
        db_get_text(&query, 1, name, sizeof name);
        db_get_text(&query, 5, serial, sizeof serial);
        db_get_text(&query, 6, state, sizeof state);
        line.created = db_get_number(&query, 2);
        line.expires = db_get_number(&query, 3);
        line.tries = (int)db_get_number(&query, 4);
        each(context, &line);
    }
    return db_leave(registry, db_close(&query) ? REGISTRY_DONE : REGISTRY_FAILED);
}
