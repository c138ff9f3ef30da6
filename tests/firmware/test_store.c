/* The store: records survive reopening and compaction, transactions are whole, foreign bytes are refused. */
#include "fw/store.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put(struct fw_store *s, uint32_t id, const char *text)
{
    fw_store_begin(s);
    fw_store_put(s, id, text, strlen(text));
    assert_int_equal(fw_store_commit(s, FW_STORE_SURE), FW_STORE_DONE);
}

static void holds(const struct fw_store *s, uint32_t id, const char *text)
{
    char got[64] = "";
    size_t len;
    assert_true(fw_store_get(s, id, got, sizeof got, &len));
    assert_int_equal(len, strlen(text));
    assert_memory_equal(got, text, len);
}

static void remembered(void **state)
{
    struct world *w = world_new("piv", 1);
    struct fw_store *s = &w->card->store, *again = malloc(sizeof *again);
    (void)state;
    put(s, 5, "five");
    put(s, 3, "three");
    put(s, 5, "five again");
    fw_store_begin(s);
    fw_store_put(s, 7, "seven", 5);
    fw_store_delete(s, 3);
    assert_true(fw_store_has(s, 3)); /* nothing before commit */
    assert_int_equal(fw_store_commit(s, FW_STORE_SURE), FW_STORE_DONE);
    assert_non_null(again);
    assert_int_equal(fw_store_open(again, &w->hal), FW_STORE_READY);
    holds(again, 5, "five again");
    holds(again, 7, "seven");
    assert_false(fw_store_has(again, 3));
    free(again);
    world_free(w);
}

static void compacted(void **state)
{
    struct world *w = world_new("piv", 1);
    struct fw_store *s = &w->card->store;
    uint32_t before = s->generation;
    char text[16];
    (void)state;
    put(s, 9, "stays");
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        put(s, 5, text);
    }
    assert_true(s->generation > before + 2);
    assert_true(world_restart(w));
    s = &w->card->store;
    holds(s, 5, "19999");
    holds(s, 9, "stays");
    world_free(w);
}

static void full(void **state)
{
    struct world *w = world_new("piv", 1);
    struct fw_store *s = &w->card->store;
    static uint8_t large[FW_STORE_RECORD_MAX];
    uint32_t id = 0x100;
    enum fw_store_result result = FW_STORE_DONE;
    (void)state;
    put(s, 5, "five");
    while (result == FW_STORE_DONE && id < 0x1000) {
        fw_store_begin(s);
        fw_store_put(s, id++, large, sizeof large);
        result = fw_store_commit(s, FW_STORE_SURE);
    }
    assert_int_equal(result, FW_STORE_NO_SPACE);
    assert_true(id > 0x100 + 40);
    holds(s, 5, "five");
    fw_store_begin(s); /* what is taken away makes room again */
    for (uint32_t i = 0x100; i < id; i++)
        fw_store_delete(s, i);
    assert_int_equal(fw_store_commit(s, FW_STORE_SURE), FW_STORE_DONE);
    put(s, 6, "six");
    assert_true(world_restart(w));
    holds(&w->card->store, 6, "six");
    world_free(w);
}

static void refused(void **state)
{
    struct world *w = world_new("piv", 1);
    struct fw_store *s = malloc(sizeof *s);
    uint8_t *bytes = w->device.seen.bytes;
    (void)state;
    assert_non_null(s);
    bytes[11]++; /* the version */
    assert_int_equal(fw_store_open(s, &w->hal), FW_STORE_OTHER_VERSION);
    assert_int_equal(s->version, FW_STORE_VERSION + 1);
    bytes[11]--;
    bytes[20]++;
    assert_int_equal(fw_store_open(s, &w->hal), FW_STORE_DAMAGED);
    bytes[20]--;
    bytes[0]++;
    assert_int_equal(fw_store_open(s, &w->hal), FW_STORE_FOREIGN);
    memset(bytes, 0, 64);
    assert_int_equal(fw_store_open(s, &w->hal), FW_STORE_BLANK);
    free(s);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(remembered), cmocka_unit_test(compacted),
                                       cmocka_unit_test(full), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
