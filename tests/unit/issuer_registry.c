// The registry: serial numbers are taken before signing, a reference has one key, a code is spent once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "issuer_fixture.h"

static const unsigned char key_one[REGISTRY_HASH] = {1};
static const unsigned char key_two[REGISTRY_HASH] = {2};

static void a_key_keeps_its_certificate(void **state)
{
    struct fixture *fixture = *state;
    struct registry *registry = fixture->desk.registry;
    struct desk_entitled who;
    struct registry_certificate issued = {0};
    fixture_authorize(fixture, "홍길동", 3, &who);
    assert_int_equal(registry_reserve(registry, who.reference, key_one, "A1", 1, &issued), REGISTRY_DONE);
    assert_int_equal(registry_record(registry, "A1", "der", 3, 2000000000, 1, 1), REGISTRY_DONE);
    assert_int_equal(registry_reserve(registry, who.reference, key_one, "A2", 2, &issued), REGISTRY_AGAIN);
    assert_string_equal(issued.serial, "A1");
    assert_int_equal(issued.length, 3);
    assert_int_equal(registry_reserve(registry, who.reference, key_two, "A3", 3, &issued),
                     REGISTRY_OTHER_KEY);
    assert_int_equal(registry_confirm(registry, "A1", 4), REGISTRY_DONE);
    assert_int_equal(registry_confirm(registry, "A1", 5), REGISTRY_AGAIN);
    assert_int_equal(registry_reject(registry, "A1", 1), REGISTRY_NONE);
    assert_int_equal(registry_reserve(registry, who.reference, key_one, "A4", 6, &issued), REGISTRY_SPENT);
    struct registry_person person;
    assert_int_equal(registry_find(registry, who.reference, &person), REGISTRY_DONE);
    assert_int_equal(person.spent, 4);
    assert_string_equal(person.name, "홍길동");
}

static void a_serial_number_is_never_used_twice(void **state)
{
    struct fixture *fixture = *state;
    struct registry *registry = fixture->desk.registry;
    struct desk_entitled first;
    struct desk_entitled second;
    struct registry_certificate issued;
    fixture_authorize(fixture, "A", 3, &first);
    fixture_authorize(fixture, "B", 3, &second);
    assert_int_equal(registry_reserve(registry, first.reference, key_one, "B1", 1, &issued), REGISTRY_DONE);
    assert_int_equal(registry_reserve(registry, second.reference, key_two, "B1", 1, &issued),
                     REGISTRY_FAILED);
    fixture_restart(fixture); // killed while it signed
    registry = fixture->desk.registry;
    assert_int_equal(registry_reserve(registry, first.reference, key_two, "B2", 2, &issued),
                     REGISTRY_OTHER_KEY);
    assert_int_equal(registry_reserve(registry, first.reference, key_one, "B1", 2, &issued), REGISTRY_FAILED);
    assert_int_equal(registry_reserve(registry, first.reference, key_one, "B2", 2, &issued), REGISTRY_DONE);
    assert_int_equal(registry_record(registry, "B1", "old", 3, 2000000000, 1, 1), REGISTRY_FAILED);
    assert_int_equal(registry_record(registry, "B2", "new", 3, 2000000000, 1, 1), REGISTRY_DONE);
}

static void a_rejected_certificate_frees_the_reference_a_few_times(void **state)
{
    struct fixture *fixture = *state;
    struct registry *registry = fixture->desk.registry;
    struct desk_entitled who;
    struct registry_certificate issued;
    char serial[REGISTRY_SERIAL];
    enum registry_end end = REGISTRY_DONE;
    int rejected = 0;
    fixture_authorize(fixture, "A", 3, &who);
    while (end == REGISTRY_DONE && rejected < 100) {
        snprintf(serial, sizeof serial, "C%d", rejected);
        end = registry_reserve(registry, who.reference, rejected % 2 ? key_one : key_two, serial, 1, &issued);
        if (end != REGISTRY_DONE)
            break;
        assert_int_equal(registry_record(registry, serial, "der", 3, 2000000000, 1, 1), REGISTRY_DONE);
        assert_int_equal(registry_reject(registry, serial, 1), REGISTRY_DONE);
        assert_int_equal(registry_reject(registry, serial, 1), REGISTRY_AGAIN);
        assert_int_equal(registry_confirm(registry, serial, 2), REGISTRY_NONE);
        rejected++;
    }
    assert_int_equal(end, REGISTRY_FULL);
    assert_int_equal(rejected, 8);
}

static void wrong_codes_are_counted_down_to_none(void **state)
{
    struct fixture *fixture = *state;
    struct registry_person person;
    struct desk_entitled who;
    fixture_authorize(fixture, "A", 2, &who);
    assert_int_equal(registry_wrong(fixture->desk.registry, who.reference), REGISTRY_DONE);
    assert_int_equal(registry_wrong(fixture->desk.registry, who.reference), REGISTRY_DONE);
    assert_int_equal(registry_wrong(fixture->desk.registry, who.reference), REGISTRY_NONE);
    assert_int_equal(registry_find(fixture->desk.registry, who.reference, &person), REGISTRY_DONE);
    assert_int_equal(person.tries, 0);
}

static void transactions_expire_and_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct registry *registry = fixture->desk.registry;
    struct registry_exchange exchange = {.id_length = 1, .nonce = "n", .nonce_length = 1, .serial = "D1"};
    struct registry_exchange found;
    struct registry_certificate issued;
    struct desk_entitled who;
    struct desk_entitled other;
    fixture_authorize(fixture, "A", 2, &who);
    fixture_authorize(fixture, "B", 2, &other);
    assert_int_equal(registry_reserve(registry, who.reference, key_one, "D1", 1, &issued), REGISTRY_DONE);
    snprintf(exchange.reference, sizeof exchange.reference, "%s", who.reference);
    for (int i = 0; i < 20; i++) {
        exchange.id[0] = (unsigned char)i;
        exchange.expires = 100 + i;
        assert_int_equal(registry_exchange_keep(registry, &exchange, 50), REGISTRY_DONE);
    }
    int open = 0;
    for (unsigned char i = 0; i < 20; i++)
        open += registry_exchange_find(registry, &i, 1, 50, &found) == REGISTRY_DONE;
    assert_int_equal(open, 8); // the latest of this reference
    assert_int_equal(registry_exchange_find(registry, "\x13", 1, 118, &found), REGISTRY_DONE);
    assert_int_equal(registry_exchange_find(registry, "\x13", 1, 119, &found), REGISTRY_NONE);
    snprintf(exchange.reference, sizeof exchange.reference, "%s", other.reference);
    exchange.id[0] = 0x13;
    assert_int_equal(registry_exchange_keep(registry, &exchange, 50), REGISTRY_OTHER_KEY);
}

static void a_newer_schema_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct registry *registry = NULL;
    struct fail fail = {0};
    char path[256];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s%s", fixture->dir, DESK_REGISTRY);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_false(registry_open(path, &registry, &fail));
    assert_null(registry);
    assert_int_equal(fail.code, FAIL_MISMATCH);
    assert_non_null(strstr(fail.text, "99"));
}

static bool file_has(const char *dir, const char *name, const char *what)
{
    static char bytes[1 << 20];
    char path[256];
    snprintf(path, sizeof path, "%s%s", dir, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t got = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return memmem(bytes, got, what, strlen(what)) != NULL;
}

static void the_code_is_not_in_the_files(void **state)
{
    struct fixture *fixture = *state;
    struct desk_entitled who;
    fixture_authorize(fixture, "A", 2, &who);
    assert_true(file_has(fixture->dir, DESK_REGISTRY "-wal", who.reference)); // the search can find something
    assert_false(file_has(fixture->dir, DESK_REGISTRY "-wal", who.code));
    fixture_restart(fixture);
    assert_true(file_has(fixture->dir, DESK_REGISTRY, who.reference));
    assert_false(file_has(fixture->dir, DESK_REGISTRY, who.code));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_key_keeps_its_certificate),
        TEST(a_serial_number_is_never_used_twice),
        TEST(a_rejected_certificate_frees_the_reference_a_few_times),
        TEST(wrong_codes_are_counted_down_to_none),
        TEST(transactions_expire_and_are_bounded),
        TEST(a_newer_schema_is_refused),
        TEST(the_code_is_not_in_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
