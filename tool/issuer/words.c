// The language of a thread. gettext keeps one language for a whole process, and only those that the system
// has a locale for; a desk answers in several at once. So the pages' catalogues are read here.
#include "words.h"

#include <libintl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define HEADER 28          // bytes
#define MAGIC  0x950412deu // GNU gettext manual, "The Format of GNU MO Files"

// A catalogue in this machine's byte order: tables of {length, offset}, the originals sorted.
struct catalogue {
    const unsigned char *bytes;
    size_t length;
    uint32_t count, originals, translations;
};

static const char *const tags[WORDS_LANGUAGES] = {
    [WORDS_LOCALE] = "", [WORDS_KOREAN] = "ko", [WORDS_ENGLISH] = "en"};
static struct catalogue catalogues[WORDS_LANGUAGES];
static _Thread_local enum words_language used = WORDS_LOCALE;

void words_use(enum words_language language)
{
    used = language;
}

enum words_language words_used(void)
{
    return used;
}

const char *words_tag(enum words_language language)
{
    return tags[language];
}

static uint32_t number(const struct catalogue *catalogue, size_t at)
{
    uint32_t value = 0;
    memcpy(&value, catalogue->bytes + at, sizeof value);
    return value;
}

// The text that a table's row points to; read_catalogue has seen that all of them lie inside.
static const char *row(const struct catalogue *catalogue, uint32_t table, uint32_t i)
{
    return (const char *)catalogue->bytes + number(catalogue, table + 8 * (size_t)i + 4);
}

static const char *find(const struct catalogue *catalogue, const char *text)
{
    uint32_t low = 0;
    uint32_t high = catalogue->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(text, row(catalogue, catalogue->originals, middle));
        if (order == 0)
            return row(catalogue, catalogue->translations, middle);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return text;
}

const char *words_say(const char *text)
{
    if (used == WORDS_LOCALE)
        return dgettext("ingam", text);
    return find(&catalogues[used], text);
}

static bool table_fits(const struct catalogue *catalogue, uint32_t table)
{
    if (table % 4 != 0 || table > catalogue->length || (catalogue->length - table) / 8 < catalogue->count)
        return false;
    for (uint32_t i = 0; i < catalogue->count; i++) {
        size_t length = number(catalogue, table + 8 * (size_t)i);
        size_t offset = number(catalogue, table + 8 * (size_t)i + 4);
        if (offset >= catalogue->length || length >= catalogue->length - offset ||
            catalogue->bytes[offset + length] != 0)
            return false;
    }
    return true;
}

// The whole file; it stays in memory until the program ends.
static unsigned char *read_file(const char *path, size_t *length)
{
    struct stat status;
    unsigned char *bytes = NULL;
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return NULL;
    if (fstat(fileno(file), &status) == 0 && status.st_size > HEADER && status.st_size < INT_MAX) {
        *length = (size_t)status.st_size;
        bytes = malloc(*length);
        if (bytes != NULL && fread(bytes, 1, *length, file) != *length) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    return bytes;
}

static bool read_catalogue(const char *path, struct catalogue *catalogue)
{
    size_t length = 0;
    unsigned char *bytes = read_file(path, &length);
    struct catalogue read = {.bytes = bytes, .length = length};
    if (bytes == NULL)
        return false;
    read.count = number(&read, 8);
    read.originals = number(&read, 12);
    read.translations = number(&read, 16);
    if (number(&read, 0) != MAGIC || number(&read, 4) >> 16 != 0 || !table_fits(&read, read.originals) ||
        !table_fits(&read, read.translations)) {
        free(bytes);
        return false;
    }
    *catalogue = read;
    return true;
}

bool words_load(void)
{
    char path[PATH_MAX];
    const char *folder = bindtextdomain("ingam", NULL);
    int length = snprintf(path, sizeof path, "%s/%s/LC_MESSAGES/ingam.mo", folder != NULL ? folder : "",
                          tags[WORDS_KOREAN]);
    return length > 0 && (size_t)length < sizeof path && read_catalogue(path, &catalogues[WORDS_KOREAN]);
}

// One language range with its weight in thousandths, from "ko-KR;q=0.8"; moves on behind the comma.
static enum words_language range(const char **at, unsigned *weight)
{
    enum words_language language = WORDS_LOCALE;
    size_t whole = strcspn(*at, ",");
    const char *start = *at + strspn(*at, " \t");
    const char *q = memchr(*at, ';', whole);
    for (int i = WORDS_KOREAN; i < WORDS_LANGUAGES; i++) {
        size_t length = strlen(tags[i]);
        if (strncasecmp(start, tags[i], length) == 0 && strchr("-;, \t", start[length]) != NULL)
            language = (enum words_language)i;
    }
    *weight = 1000;
    if (q != NULL) {
        q += 1 + strspn(q + 1, " \t");
        if (strncmp(q, "q=0", 3) == 0) {
            *weight = 0;
            for (unsigned i = 0, unit = 100; q[3] == '.' && i < 3 && q[4 + i] >= '0' && q[4 + i] <= '9';
                 i++, unit /= 10)
                *weight += (unsigned)(q[4 + i] - '0') * unit;
        }
    }
    *at += whole + ((*at)[whole] == ',' ? 1 : 0);
    return language;
}

enum words_language words_accepted(const char *header)
{
    enum words_language best = WORDS_KOREAN;
    unsigned most = 0;
    while (header != NULL && *header != 0) {
        unsigned weight = 0;
        enum words_language language = range(&header, &weight);
        if (language != WORDS_LOCALE && weight > most) {
            most = weight;
            best = language;
        }
    }
    return best;
}
