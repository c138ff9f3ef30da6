// Makes a desk for a test with the command that people use, and removes it.
#include "issuer_fixture.h"

#include "commands.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t shift;

static int64_t shifted(void)
{
    return (int64_t)time(NULL) + shift;
}

void fixture_later(int64_t seconds)
{
    shift += seconds;
}

static void must(bool done, const struct fail *fail)
{
    if (done)
        return;
    fprintf(stderr, "fixture: %s\n", fail->text);
    abort();
}

int fixture_make(void **state)
{
    struct fail fail = {0};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL)
        return -1;
    const char *base = getenv("TMPDIR");
    snprintf(fixture->directory, sizeof fixture->directory, "%s/ingam-desk.XXXXXX",
             base != NULL && strlen(base) < 40 ? base : "/tmp");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    snprintf(fixture->dir, sizeof fixture->dir, "%s/desk", fixture->directory);
    struct options options = {.dir = fixture->dir, .name = "시험 인증기관"};
    must(command_init(&options, &fail), &fail);
    must(desk_open(fixture->dir, NULL, &fixture->desk, &fail), &fail);
    shift = 0;
    fixture->desk.now = shifted;
    *state = fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

int fixture_remove(void **state)
{
    struct fixture *fixture = *state;
    desk_close(&fixture->desk);
    int result = nftw(fixture->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return result;
}

void fixture_restart(struct fixture *fixture)
{
    struct fail fail = {0};
    desk_close(&fixture->desk);
    must(desk_open(fixture->dir, NULL, &fixture->desk, &fail), &fail);
    fixture->desk.now = shifted;
}

void fixture_authorize(struct fixture *fixture, const char *name, int tries, struct desk_entitled *made)
{
    struct fail fail = {0};
    struct registry_person person;
    struct desk_entitle ask = {.name = name, .days = 14, .tries = tries};
    must(desk_prepare(&fixture->desk, &ask, made, &person, &fail), &fail);
    must(desk_entitle(&fixture->desk, &person, &fail), &fail);
}
