/* What is asked, in which words, and what becomes of the answers. */
#include "core/ask.h"
#include "core/gate.h"
#include "core/login.h"
#include "core/pinentry.h"
#include "core/token.h"
#include "core/words.h"
#include <stdio.h>
#include <string.h>

#define ROUNDS 3 /* for a new PIN that can be one, twice the same */

struct question {
    char program[256], description[400], prompt[64], error[128];
    int seconds;
};

CK_RV ask_begin(struct call *c, CK_SESSION_HANDLE session)
{
    if (c->module->settings.pin_entry[0] == '\0')
        return CKR_ARGUMENTS_BAD;
    call_pause(c);
    lock_take(c->module->dialogue);
    if (call_resume(c, session))
        return CKR_OK;
    lock_give(c->module->dialogue);
    return c->rv;
}

void ask_end(struct call *c)
{
    lock_give(c->module->dialogue);
}

static CK_RV ask(struct call *c, CK_SESSION_HANDLE session, const struct question *q, struct secret **answer)
{
    call_pause(c);
    CK_RV rv = pinentry_ask(&(struct pinentry_question){.program = q->program,
                                                        .seconds = q->seconds,
                                                        .description = q->description,
                                                        .prompt = q->prompt,
                                                        .error = q->error},
                            answer);
    if (call_resume(c, session))
        return rv;
    secret_free(*answer);
    *answer = NULL;
    return c->rv;
}

/* ---- words ---- */

/* Appends a text, in which each %s stands for the next of a and b. */
static void add(char *out, size_t size, const char *pattern, const char *a, const char *b)
{
    size_t used = strlen(out);
    for (const char *p = pattern; *p != '\0'; p++) {
        if (p[0] != '%' || p[1] != 's') {
            used += (size_t)snprintf(out + used, size - used, "%c", *p);
        } else {
            used += (size_t)snprintf(out + used, size - used, "%s", a);
            a = b;
            p++;
        }
        if (used >= size)
            return;
    }
}

#define ADD(field, word, a, b) add(field, sizeof(field), words(word), a, b)

/* A field of a token's information, without the blanks at its end. */
static void copy_field(char *out, const CK_UTF8CHAR *field, size_t size)
{
    while (size > 0 && field[size - 1] == ' ')
        size--;
    memcpy(out, field, size);
    out[size] = '\0';
}

static CK_RV worth_asking(const struct slot *s)
{
    if (s->tries == 0)
        return CKR_PIN_LOCKED;
    return s->tries == 1 && !s->module->settings.last_try ? CKR_FUNCTION_REJECTED : CKR_OK;
}

/* Which token it is about, and for the user's PIN how many tries are left. */
static CK_RV describe(struct slot *s, bool user, struct question *q)
{
    CK_TOKEN_INFO info;
    char label[sizeof info.label + 1], serial[sizeof info.serialNumber + 1], tries[16];
    *q = (struct question){.seconds = s->module->settings.pin_entry_seconds};
    CK_RV rv = token_info(s, &info);
    if (rv == CKR_OK && user)
        rv = worth_asking(s);
    if (rv != CKR_OK)
        return rv;
    copy_field(label, info.label, sizeof info.label);
    copy_field(serial, info.serialNumber, sizeof info.serialNumber);
    snprintf(q->program, sizeof q->program, "%s", s->module->settings.pin_entry);
    ADD(q->description, WORD_ABOUT, label, serial);
    if (user && s->tries > 0) {
        snprintf(tries, sizeof tries, "%d", s->tries);
        ADD(q->description, WORD_TRIES, tries, "");
    }
    return CKR_OK;
}

CK_RV ask_login(struct call *c, CK_SESSION_HANDLE session, CK_USER_TYPE user, struct secret **pin)
{
    struct question q;
    *pin = NULL;
    CK_RV rv = describe(c->slot, user != CKU_SO, &q);
    if (rv != CKR_OK)
        return rv;
    bool code = user == CKU_CONTEXT_SPECIFIC && gates_wants_code(c->session);
    if (code && c->slot->gate.tries_left == 0)
        return CKR_PIN_LOCKED;
    if (user == CKU_CONTEXT_SPECIFIC)
        ADD(q.description, code ? WORD_EACH_CODE : WORD_EACH_USE, "", "");
    if (user == CKU_USER && gates_any_once(c->slot))
        ADD(q.description, WORD_AND_CODE, "", "");
    add(q.prompt, sizeof q.prompt, "%s:",
        words(c->slot->piv != NULL ? WORD_ACCESS
              : user == CKU_SO     ? WORD_KEY_OR_PUK
              : code               ? WORD_CODE
                                   : WORD_PIN),
        "");
    return ask(c, session, &q, pin);
}

/* ---- new PINs ---- */

/* What C_SetPIN changes depends on who is logged in (login_set_pin). */
static enum word subject_of(const struct slot *s)
{
    return s->piv != NULL         ? WORD_ACCESS
           : s->login != LOGIN_SO ? WORD_PIN
           : s->so_by_puk         ? WORD_PUK
                                  : WORD_KEY;
}

static bool fits(enum word what, size_t n)
{
    if (what == WORD_ACCESS)
        return n >= 1 && n <= 64;
    return what == WORD_KEY ? n == 32 || n == 48 || n == 64 : n >= 6 && n <= 8;
}

/* Only a form that the card can take, typed twice the same, leaves here. */
static CK_RV ask_new(struct call *c, CK_SESSION_HANDLE session, struct question *q, enum word what,
                     struct secret **fresh)
{
    CK_RV rv = CKR_OK;
    *fresh = NULL;
    for (int i = 0; rv == CKR_OK && i < ROUNDS; i++) {
        struct secret *again = NULL;
        q->prompt[0] = '\0';
        ADD(q->prompt, WORD_NEW, words(what), "");
        rv = ask(c, session, q, fresh);
        q->error[0] = q->prompt[0] = '\0';
        if (rv == CKR_OK && fits(what, secret_view(*fresh).n)) {
            ADD(q->prompt, WORD_AGAIN, words(what), "");
            rv = ask(c, session, q, &again);
            if (rv == CKR_OK && secret_equal(secret_view(*fresh), secret_view(again))) {
                secret_free(again);
                return CKR_OK;
            }
            ADD(q->error, WORD_DIFFER, "", "");
        } else {
            ADD(q->error, WORD_LENGTH, words(what), "");
        }
        secret_free(again);
        secret_free(*fresh);
        *fresh = NULL;
    }
    return rv == CKR_OK ? CKR_PIN_INVALID : rv;
}

CK_RV ask_set_pin(struct call *c, CK_SESSION_HANDLE session)
{
    struct question q;
    struct secret *old = NULL, *fresh = NULL;
    enum word what = subject_of(c->slot);
    CK_RV rv = describe(c->slot, what == WORD_PIN, &q);
    if (rv != CKR_OK)
        return rv;
    ADD(q.prompt, WORD_CURRENT, words(what), "");
    rv = ask(c, session, &q, &old);
    if (rv == CKR_OK)
        rv = ask_new(c, session, &q, what, &fresh);
    if (rv == CKR_OK && subject_of(c->slot) != what)
        rv = CKR_FUNCTION_FAILED; /* somebody logged in or out meanwhile: it was typed for something else */
    if (rv == CKR_OK)
        rv = login_set_pin(c->slot, secret_view(old), secret_view(fresh));
    secret_free(old);
    secret_free(fresh);
    return rv;
}

CK_RV ask_init_pin(struct call *c, CK_SESSION_HANDLE session)
{
    struct question q;
    struct secret *fresh = NULL;
    CK_RV rv = login_may_init_pin(c->slot);
    if (rv == CKR_OK)
        rv = describe(c->slot, false, &q);
    if (rv == CKR_OK)
        rv = ask_new(c, session, &q, c->slot->piv != NULL ? WORD_ACCESS : WORD_PIN, &fresh);
    if (rv == CKR_OK)
        rv = login_init_pin(c->slot, secret_view(fresh));
    secret_free(fresh);
    return rv;
}
