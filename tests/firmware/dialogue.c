/* Plays dialogues against a card: the commands and answers of the standards, as text.
 *
 *   dialogue FILE...
 *
 * A file's first line says where the dialogue comes from. Then, one a line:
 *   card PROFILE          a new card with factory values and serial number 12345678
 *   > HEX                 a command; HH*N stands for N bytes HH, @ for what was kept
 *   < HEX                 the answer with its status word; ?? stands for any byte, .. for any number of them
 *   keep                  the last answer, without its status word, is kept
 *   authenticate          the management key proves itself
 *   touch yes|no|later    what the finger does from now on
 *   resume                the card that waited for a touch goes on (its answer follows)
 *   later MICROSECONDS    time passes
 *   reset                 the card loses its volatile state
 *   power                 the same, and it starts again from its storage */
#include "world.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct play {
    const char *file;
    int line;
    struct world *world;
    unsigned checks;
    char kept[64]; /* hexadecimal */
};

static void fail(const struct play *p, const char *why)
{
    (void)fprintf(stderr, "%s:%d: %s\n", p->file, p->line, why);
    exit(1);
}

static bool is_hex(char c)
{
    return isxdigit((unsigned char)c) != 0;
}

/* Compares from here on; ".." tries every length. */
static bool matches(const char *pattern, const char *got)
{
    while (*pattern == ' ')
        pattern++;
    if (*pattern == 0)
        return *got == 0;
    if (strncmp(pattern, "..", 2) == 0) {
        for (;; got += 2) {
            if (matches(pattern + 2, got))
                return true;
            if (*got == 0)
                return false;
        }
    }
    if (*got == 0)
        return false;
    if (strncmp(pattern, "??", 2) == 0)
        return matches(pattern + 2, got + 2);
    return is_hex(pattern[0]) && is_hex(pattern[1]) && toupper((unsigned char)pattern[0]) == got[0] &&
           toupper((unsigned char)pattern[1]) == got[1] && matches(pattern + 2, got + 2);
}

static void expand(struct play *p, const char *text, char *out, size_t cap);

static void expect(struct play *p, const char *text)
{
    char pattern[8192];
    expand(p, text, pattern, sizeof pattern);
    char got[2 * 4096 + 1] = "";
    for (size_t i = 0; i < p->world->len && i < 4096; i++)
        (void)snprintf(got + 2 * i, 3, "%02X", p->world->answer[i]);
    p->checks++;
    if (matches(pattern, got))
        return;
    (void)fprintf(stderr, "%s:%d: expected %s\n%s:%d: got      %s\n", p->file, p->line, pattern, p->file,
                  p->line, got);
    exit(1);
}

static void keep(struct play *p)
{
    size_t len = p->world->len - 2;
    if (p->world->len < 2 || 2 * len >= sizeof p->kept)
        fail(p, "there is nothing to keep, or too much");
    for (size_t i = 0; i < len; i++)
        (void)snprintf(p->kept + 2 * i, 3, "%02X", p->world->answer[i]);
}

/* Writes HH*N and @ out. */
static void expand(struct play *p, const char *text, char *out, size_t cap)
{
    size_t n = 0;
    while (*text != 0) {
        if (*text == '@') {
            n += (size_t)snprintf(out + n, cap - n, "%s", p->kept);
            text++;
            if (n >= cap)
                fail(p, "too long");
            continue;
        }
        char *end;
        unsigned long times =
            text[0] != ' ' && text[1] != 0 && text[2] == '*' ? strtoul(text + 3, &end, 10) : 0;
        size_t len = times == 0 ? 1 : 2;
        if (n + len * (times + 1) >= cap)
            fail(p, "too long");
        for (unsigned long i = 0; i < (times == 0 ? 1 : times); i++, n += len)
            memcpy(out + n, text, len);
        text = times == 0 ? text + 1 : end;
    }
    out[n] = 0;
}

static void command(struct play *p, const char *text)
{
    char hex[8192];
    expand(p, text, hex, sizeof hex);
    (void)world_hex(p->world, hex);
}

static void touch(struct play *p, const char *what)
{
    p->world->touch.answer = strcmp(what, "yes") == 0  ? HAL_TOUCH_YES
                             : strcmp(what, "no") == 0 ? HAL_TOUCH_NO
                                                       : HAL_TOUCH_LATER;
}

static void step(struct play *p, char *line)
{
    char *space = strchr(line, ' ');
    const char *rest = space == NULL ? "" : space + 1;
    if (space != NULL)
        *space = 0;
    if (strcmp(line, "card") == 0) {
        if (p->world != NULL)
            world_free(p->world);
        p->world = world_new(rest, 12345678);
    } else if (p->world == NULL) {
        fail(p, "the dialogue begins without a card");
    } else if (strcmp(line, ">") == 0) {
        command(p, rest);
    } else if (strcmp(line, "<") == 0) {
        expect(p, rest);
    } else if (strcmp(line, "keep") == 0) {
        keep(p);
    } else if (strcmp(line, "authenticate") == 0) {
        if (!world_authenticate(p->world))
            fail(p, "the management key was refused");
    } else if (strcmp(line, "touch") == 0) {
        touch(p, rest);
    } else if (strcmp(line, "resume") == 0) {
        p->world->len = fw_card_resume(p->world->card, p->world->answer);
    } else if (strcmp(line, "later") == 0) {
        p->world->clock.now_us += strtoull(rest, NULL, 10);
    } else if (strcmp(line, "reset") == 0) {
        fw_card_reset(p->world->card);
    } else if (strcmp(line, "power") == 0) {
        if (!world_restart(p->world))
            fail(p, "the card does not start again");
    } else {
        fail(p, "unknown word");
    }
}

static void play(struct play *p)
{
    char line[8192];
    FILE *in = fopen(p->file, "r");
    if (in == NULL)
        fail(p, strerror(errno));
    while (fgets(line, sizeof line, in) != NULL) {
        p->line++;
        line[strcspn(line, "\n")] = 0;
        if (p->line == 1 && strncmp(line, "# Source: ", 10) != 0)
            fail(p, "the first line does not say where the dialogue comes from");
        if (line[0] != 0 && line[0] != '#')
            step(p, line);
    }
    (void)fclose(in);
    world_free(p->world);
    p->world = NULL;
}

int main(int argc, char **argv)
{
    unsigned checks = 0;
    for (int i = 1; i < argc; i++) {
        struct play p = {.file = argv[i]};
        play(&p);
        checks += p.checks;
    }
    (void)printf("%d dialogues, %u answers as they must be\n", argc - 1, checks);
    return checks == 0;
}
