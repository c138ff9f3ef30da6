// A desk in a directory of its own, with a clock that the test sets.
#ifndef INGAM_TESTS_ISSUER_FIXTURE_H
#define INGAM_TESTS_ISSUER_FIXTURE_H

#include "desk.h"

struct fixture {
    char directory[64]; // private; the desk is in directory/desk
    char dir[80];
    struct desk desk;
};

// For cmocka's setup and teardown; *state is the fixture. They return 0 on success.
int fixture_make(void **state);
int fixture_remove(void **state);

// Closes the desk and opens it again, as a restart does.
void fixture_restart(struct fixture *fixture);

// Writes a person down. The code expires after `days`.
void fixture_authorize(struct fixture *fixture, const char *name, int tries, struct desk_entitled *made);

// Moves the desk's clock on by so many seconds.
void fixture_later(int64_t seconds);

#endif
