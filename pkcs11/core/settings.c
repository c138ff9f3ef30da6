/* Reads the settings from the environment of a program that isn't privileged. */
#include "core/settings.h"
#include "core/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool yes(const char *text)
{
    return text != NULL && (strcmp(text, "1") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "true") == 0);
}

static long number(const char *text, long least, long most, long otherwise)
{
    char *end;
    if (text == NULL || *text == '\0')
        return otherwise;
    long v = strtol(text, &end, 10);
    return *end != '\0' || v < least || v > most ? otherwise : v;
}

void settings_read(struct settings *s)
{
    *s = (struct settings){0};
    s->pin_shared = yes(secure_getenv("INGAM_PIN_SHARED"));
    s->last_try = yes(secure_getenv("INGAM_LAST_TRY"));
    s->slots = (unsigned)number(secure_getenv("INGAM_SLOTS"), 1, SETTINGS_MAX_SLOTS, 1);
    s->busy_ms = (int)number(secure_getenv("INGAM_BUSY_MS"), 0, 600000, 10000);
    const char *log = secure_getenv("INGAM_LOG");
    if (log != NULL)
        snprintf(s->log, sizeof s->log, "%s", log);
    s->areas = log_areas(secure_getenv("INGAM_LOG_AREAS"));
}
