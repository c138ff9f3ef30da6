/* Reads the settings: the system's file, the user's, then the environment of a program that isn't privileged.
 */
#include "core/settings.h"
#include "core/log.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define SYSTEM_FILE "/etc/ingam/pkcs11.conf"

static bool yes(const char *text)
{
    return strcmp(text, "1") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 ||
           strcmp(text, "on") == 0;
}

/* Outside the bounds or no number: as it was. */
static long number(const char *text, long least, long most, long otherwise)
{
    char *end;
    long v = strtol(text, &end, 10);
    return *text == '\0' || *end != '\0' || v < least || v > most ? otherwise : v;
}

static void set_pin_shared(struct settings *s, const char *v)
{
    s->pin_shared = yes(v);
}

static void set_last_try(struct settings *s, const char *v)
{
    s->last_try = yes(v);
}

static void set_pin_pad(struct settings *s, const char *v)
{
    s->pin_pad = yes(v);
}

static void set_otp_slot(struct settings *s, const char *v)
{
    s->otp_slot = yes(v);
}

static void set_slots(struct settings *s, const char *v)
{
    s->slots = (unsigned)number(v, 1, SETTINGS_MAX_SLOTS, (long)s->slots);
}

static void set_retired(struct settings *s, const char *v)
{
    s->retired_history = strcmp(v, "history") == 0;
}

static void set_busy(struct settings *s, const char *v)
{
    s->busy_ms = (int)number(v, 0, 600000, s->busy_ms);
}

/* A program with raised privileges starts no other one with them. */
static void set_pin_entry(struct settings *s, const char *v)
{
    static const char scheme[] = "pinentry:";
    const size_t n = sizeof scheme - 1;
    s->pin_entry[0] = '\0';
    if (strncmp(v, scheme, n) == 0 && v[n] == '/' && strlen(v + n) < sizeof s->pin_entry &&
        getauxval(AT_SECURE) == 0)
        snprintf(s->pin_entry, sizeof s->pin_entry, "%s", v + n);
}

static void set_pin_entry_seconds(struct settings *s, const char *v)
{
    s->pin_entry_seconds = (int)number(v, 1, 600, s->pin_entry_seconds);
}

/* The same. */
static void set_touch_notify(struct settings *s, const char *v)
{
    s->touch_notify[0] = '\0';
    if (v[0] == '/' && strlen(v) < sizeof s->touch_notify && getauxval(AT_SECURE) == 0)
        snprintf(s->touch_notify, sizeof s->touch_notify, "%s", v);
}

/* yes: the place for such things; or a directory. A program with raised privileges keeps nothing. */
static void set_cache(struct settings *s, const char *v)
{
    const char *cache = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
    int n = -1;
    if (getauxval(AT_SECURE) != 0)
        n = -1;
    else if (v[0] == '/')
        n = snprintf(s->cache, sizeof s->cache, "%s", v);
    else if (yes(v) && cache != NULL && cache[0] == '/')
        n = snprintf(s->cache, sizeof s->cache, "%s/ingam", cache);
    else if (yes(v) && home != NULL && home[0] == '/')
        n = snprintf(s->cache, sizeof s->cache, "%s/.cache/ingam", home);
    if (n < 0 || (size_t)n >= sizeof s->cache)
        s->cache[0] = '\0';
}

static void set_log(struct settings *s, const char *v)
{
    snprintf(s->log, sizeof s->log, "%s", v);
}

static void set_areas(struct settings *s, const char *v)
{
    s->areas = log_areas(v);
}

static const struct {
    const char *word, *variable;
    void (*set)(struct settings *s, const char *value);
} rows[] = {
    {"pin-shared", "INGAM_PIN_SHARED", set_pin_shared},
    {"last-try", "INGAM_LAST_TRY", set_last_try},
    {"slots", "INGAM_SLOTS", set_slots},
    {"otp-slot", "INGAM_OTP_SLOT", set_otp_slot},
    {"retired-slots", "INGAM_RETIRED_SLOTS", set_retired},
    {"busy-ms", "INGAM_BUSY_MS", set_busy},
    {"pin-pad", "INGAM_PIN_PAD", set_pin_pad},
    {"pin-entry", "INGAM_PIN_ENTRY", set_pin_entry},
    {"pin-entry-seconds", "INGAM_PIN_ENTRY_SECONDS", set_pin_entry_seconds},
    {"touch-notify", "INGAM_TOUCH_NOTIFY", set_touch_notify},
    {"cache", "INGAM_CACHE", set_cache},
    {"log", "INGAM_LOG", set_log},
    {"log-areas", "INGAM_LOG_AREAS", set_areas},
};
#define ROWS (sizeof rows / sizeof rows[0])

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

/* Lines of "word = value"; '#' begins a comment; unknown words are for other versions. */
static void read_file(struct settings *s, const char *path)
{
    char line[512];
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "#")] = '\0';
        char *value = strchr(line, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        for (size_t i = 0; i < ROWS; i++)
            if (strcmp(trim(line), rows[i].word) == 0)
                rows[i].set(s, trim(value));
    }
    fclose(f);
}

static void read_user_file(struct settings *s)
{
    char path[512];
    const char *own = secure_getenv("INGAM_PKCS11_CONF"), *config = secure_getenv("XDG_CONFIG_HOME"),
               *home = secure_getenv("HOME");
    int n = -1;
    if (own != NULL)
        n = snprintf(path, sizeof path, "%s", own);
    else if (config != NULL)
        n = snprintf(path, sizeof path, "%s/ingam/pkcs11.conf", config);
    else if (home != NULL)
        n = snprintf(path, sizeof path, "%s/.config/ingam/pkcs11.conf", home);
    if (n > 0 && (size_t)n < sizeof path)
        read_file(s, path);
}

void settings_read(struct settings *s)
{
    *s = (struct settings){.otp_slot = true,
                           .slots = 1,
                           .busy_ms = 10000,
                           .pin_pad = true,
                           .pin_entry_seconds = 120,
                           .areas = LOG_ALL};
    read_file(s, SYSTEM_FILE);
    read_user_file(s);
    for (size_t i = 0; i < ROWS; i++) {
        const char *v = secure_getenv(rows[i].variable);
        if (v != NULL)
            rows[i].set(s, v);
    }
}
