// What a page's form or a program's JSON says: names and values, read strictly.
#ifndef INGAM_ISSUER_FORM_H
#define INGAM_ISSUER_FORM_H

#include <stdbool.h>
#include <stddef.h>

#define FORM_MAX    16384 // bytes of a body
#define FORM_FIELDS 24
#define FORM_NAME   32

struct form {
    size_t count, used;
    struct {
        const char *name, *value; // in the store
    } fields[FORM_FIELDS];
    char store[FORM_MAX + 2 * FORM_FIELDS];
};

// Reads application/x-www-form-urlencoded. False, and then *form is empty, when anything is wrong: a name
// that is none or comes twice, a percent escape that is none, a NUL, control characters other than tabs and
// line ends, bytes that are no UTF-8, too many fields, too many bytes.
bool form_read(const void *bytes, size_t length, struct form *form);

// Reads one JSON object. Its texts are fields; the texts of the object "values" in it are fields too. The
// same rules hold; whatever else is in it is wrong.
bool form_read_json(const void *bytes, size_t length, struct form *form);

// The value, or NULL when there is no such field.
const char *form_get(const struct form *form, const char *name);

// Takes the secrets out of memory.
void form_wipe(struct form *form);

// JSON is parsed with memory that is wiped before it is freed. Once, before any thread.
void form_guard_json(void);

#endif
