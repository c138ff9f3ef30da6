/* The program that is told of touches. */
#include "core/touch.h"
#include "core/content.h"
#include "core/facts.h"
#include "core/token.h"
#include <stdio.h>

#define TERM_MS 200 /* to end by itself after SIGTERM */

static const char *program(const struct slot *s)
{
    return s->module->settings.touch_notify;
}

CK_RV touch_prepare(struct slot *s, struct card_key *k)
{
    return program(s)[0] != '\0' ? content_policy(s, k) : CKR_OK;
}

void touch_tell(struct touch *t, struct slot *s, struct rd label)
{
    char token[33], key[65];
    *t = (struct touch){0};
    if (program(s)[0] == '\0')
        return;
    token_label(s, token);
    int len = label.n < sizeof key ? (int)label.n : (int)sizeof key - 1;
    (void)snprintf(key, sizeof key, "%.*s", len, (const char *)label.p);
    char *const argv[] = {(char *)(uintptr_t)program(s), token, key, NULL};
    int failed = child_start(&t->child, argv, -1);
    t->told = failed == 0;
    if (t->told)
        log_line(LOG_PIN, "slot %lu: '%s' may wait for a touch: %s is told", s->id, key, program(s));
    else
        log_line(LOG_PIN, "touch-notify: %s can't be started (error %d)", program(s), failed);
}

void touch_begin(struct touch *t, struct slot *s, const struct card_key *k)
{
    *t = (struct touch){0};
    if (k->touch == PIV_TOUCH_ALWAYS || k->touch == PIV_TOUCH_CACHED)
        touch_tell(t, s, facts_label(s, k));
}

void touch_end(const struct touch *t)
{
    if (t->told)
        child_end(&t->child, 0, TERM_MS);
}
