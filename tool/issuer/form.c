// Reads forms (WHATWG URL 5.1) and flat JSON objects (RFC 8259) into the same names and values.
#include "form.h"

#include "utf8.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void form_wipe(struct form *form)
{
    explicit_bzero(form, sizeof *form);
}

const char *form_get(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    }
    return NULL;
}

static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length > 0 && length < FORM_NAME && name[length] == 0;
}

// Lines of text. The bytes are changed and put back.
static bool is_value(char *value)
{
    bool good = true;
    while (good && *value != 0) {
        size_t line = strcspn(value, "\r\n\t");
        char end = value[line];
        value[line] = 0;
        good = utf8_is_text(value);
        value[line] = end;
        value += line + (end != 0 ? 1 : 0);
    }
    return good;
}

// Puts a text into the store, where `length` more bytes fit.
static char *keep(struct form *form, const char *text, size_t length)
{
    char *kept = form->store + form->used;
    if (length + 1 > sizeof form->store - form->used)
        return NULL;
    memcpy(kept, text, length);
    kept[length] = 0;
    form->used += length + 1;
    return kept;
}

static bool add(struct form *form, const char *name, char *value)
{
    if (name == NULL || value == NULL || form->count == FORM_FIELDS || !is_name(name) || !is_value(value) ||
        form_get(form, name) != NULL)
        return false;
    form->fields[form->count].name = name;
    form->fields[form->count].value = value;
    form->count++;
    return true;
}

static int hex(unsigned char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

// Decodes in place; the text becomes shorter. False for a wrong escape or a NUL.
static bool decode(char *text)
{
    char *to = text;
    for (; *text != 0; text++) {
        if (*text == '%') {
            int high = hex((unsigned char)text[1]);
            int low = high >= 0 ? hex((unsigned char)text[2]) : -1;
            if (low < 0 || high * 16 + low == 0)
                return false;
            *to++ = (char)(high * 16 + low);
            text += 2;
        } else {
            *to++ = (char)(*text == '+' ? ' ' : *text);
        }
    }
    *to = 0;
    return true;
}

static bool add_pair(struct form *form, const char *pair, size_t length)
{
    const char *equals = memchr(pair, '=', length);
    if (equals == NULL)
        return false;
    size_t name_length = (size_t)(equals - pair);
    char *name = keep(form, pair, name_length);
    char *value = name != NULL ? keep(form, equals + 1, length - name_length - 1) : NULL;
    return value != NULL && decode(name) && decode(value) && add(form, name, value);
}

bool form_read(const void *bytes, size_t length, struct form *form)
{
    const char *at = bytes;
    memset(form, 0, sizeof *form);
    bool good = length <= FORM_MAX && (length == 0 || memchr(bytes, 0, length) == NULL);
    while (good && length > 0) {
        const char *and = memchr(at, '&', length);
        size_t pair = and != NULL ? (size_t)(and-at) : length;
        good = add_pair(form, at, pair) && pair + 1 != length;
        pair += and != NULL ? 1 : 0;
        at += pair;
        length -= pair;
    }
    if (!good)
        form_wipe(form);
    return good;
}

static bool add_members(struct form *form, json_t *object, bool outer)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        if (outer && json_is_object(value) && strcmp(name, "values") == 0) {
            if (!add_members(form, value, false))
                return false;
            continue;
        }
        const char *text = json_string_value(value);
        if (text == NULL ||
            !add(form, keep(form, name, strlen(name)), keep(form, text, json_string_length(value))))
            return false;
    }
    return true;
}

bool form_read_json(const void *bytes, size_t length, struct form *form)
{
    json_error_t error;
    memset(form, 0, sizeof *form);
    json_t *object =
        length > 0 && length <= FORM_MAX ? json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error) : NULL;
    bool good = json_is_object(object) && add_members(form, object, true);
    json_decref(object);
    if (!good)
        form_wipe(form);
    return good;
}

static void wiping_free(void *bytes)
{
    if (bytes != NULL)
        explicit_bzero(bytes, malloc_usable_size(bytes));
    free(bytes);
}

void form_guard_json(void)
{
    json_set_alloc_funcs(malloc, wiping_free);
}
