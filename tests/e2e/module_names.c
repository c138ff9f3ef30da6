// What names a token and its objects: the label that C_InitToken is given, and CKA_UNIQUE_ID, in every
// process.
#include "module_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNIQUE_ID 0x4UL // CKA_UNIQUE_ID, 3.0

static struct card_process card;

static int start(void **state)
{
    static unsigned n;
    char name[16];
    (void)snprintf(name, sizeof name, "named%u", n++);
    card_start(&card, name, *state);
    world_use(&card, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)F->C_Finalize(NULL);
    card_stop(&card);
    return 0;
}

// A program that just started; others have told it nothing.
static void begin_alone(const char *name)
{
    char path[300];
    (void)F->C_Finalize(NULL);
    (void)snprintf(path, sizeof path, "%s/%s.run", world_dir(), name);
    assert_int_equal(mkdir(path, 0700), 0);
    setenv("XDG_RUNTIME_DIR", path, 1);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
}

static bool is_called(const char *want)
{
    CK_TOKEN_INFO info;
    char padded[33];
    (void)snprintf(padded, sizeof padded, "%-32s", want);
    assert_int_equal(F->C_GetTokenInfo(0, &info), CKR_OK);
    return memcmp(info.label, padded, 32) == 0;
}

static CK_RV init_token(const char *pin, const char *label)
{
    CK_UTF8CHAR padded[33];
    (void)snprintf((char *)padded, sizeof padded, "%-32s", label);
    return F->C_InitToken(0, (CK_BYTE *)(uintptr_t)pin, strlen(pin), padded);
}

static void test_label(void **state)
{
    (void)state;
    begin_alone("first");
    assert_int_equal(init_token(SO_PIN, "two\nlines"), CKR_ARGUMENTS_BAD);
    assert_int_equal(card_exchanges(&card), 0);
    assert_int_equal(init_token("00" SO_PIN, "nobody's"), CKR_PIN_INCORRECT);
    assert_false(is_called("nobody's"));
    assert_int_equal(init_token(SO_PIN, "홍길동 토큰"), CKR_OK);
    assert_true(is_called("홍길동 토큰"));
    CK_SESSION_HANDLE session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 1, KEY_P256); // what is noted later keeps it
    make_key(session, 5, KEY_P256);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    assert_true(is_called("홍길동 토큰"));
    // nobody has told: known as soon as the objects are listed, at no cost of its own
    begin_alone("second");
    assert_false(is_called("홍길동 토큰"));
    session = open_session(0, false);
    assert_true(find_count(session, NULL, 0) > 0);
    assert_int_equal(F->C_CloseSession(session), CKR_OK);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    assert_true(is_called("홍길동 토큰"));
    // and gone with the next one
    assert_int_equal(init_token(SO_PIN, ""), CKR_OK);
    assert_false(is_called("홍길동 토큰"));
}

static void run_tool(const char *const *arguments)
{
    char path[600];
    int status;
    (void)snprintf(path, sizeof path, "%s/tool/ingam", getenv("BUILD"));
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("ASAN_OPTIONS", "detect_leaks=0",
                     1); // it lets nobody look into it, its own checker neither
        execv(path, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

// Who has read the labels long ago and then writes one doesn't take back what another program has named
// since.
static void test_label_by_another(void **state)
{
    (void)state;
    begin_alone("long");
    CK_SESSION_HANDLE session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 1, KEY_P256);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PUBLIC_KEY, 1);
    assert_true(key != 0);
    const char *const arguments[] = {"ingam", "token", "label", "named since", "--default-admin", NULL};
    run_tool(arguments);
    CK_ATTRIBUTE label = {CKA_LABEL, (CK_BYTE *)(uintptr_t) "mine", 4};
    assert_int_equal(F->C_SetAttributeValue(session, key, &label, 1), CKR_OK);
    begin_alone("later");
    assert_false(is_called("named since"));
    session = open_session(0, false);
    assert_int_equal(find_count(session, &label, 1), 1); // the private one is not shown
    assert_true(find_count(session, NULL, 0) > 0);
    assert_int_equal(F->C_CloseSession(session), CKR_OK);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    assert_true(is_called("named since"));
}

struct named {
    CK_OBJECT_CLASS class;
    CK_BYTE id[8], unique[64];
    CK_ULONG id_len, unique_len;
};

static size_t read_all(CK_SESSION_HANDLE session, struct named *out, size_t room)
{
    CK_OBJECT_HANDLE found[64];
    CK_ULONG n = 0;
    assert_int_equal(F->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_int_equal(F->C_FindObjects(session, found, 64, &n), CKR_OK);
    assert_int_equal(F->C_FindObjectsFinal(session), CKR_OK);
    assert_true(n <= room);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_ATTRIBUTE a[] = {{CKA_CLASS, &out[i].class, sizeof out[i].class},
                            {UNIQUE_ID, out[i].unique, sizeof out[i].unique},
                            {CKA_ID, out[i].id, sizeof out[i].id}};
        CK_RV rv = F->C_GetAttributeValue(session, found[i], a, 3);
        assert_true(rv == CKR_OK || rv == CKR_ATTRIBUTE_TYPE_INVALID); // profiles have no id
        out[i].unique_len = a[1].ulValueLen;
        out[i].id_len = rv == CKR_OK ? a[2].ulValueLen : 0;
    }
    return n;
}

static const struct named *same_object(const struct named *all, size_t n, const struct named *as)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].class == as->class && all[i].id_len == as->id_len && all[i].id_len > 0 &&
            memcmp(all[i].id, as->id, as->id_len) == 0)
            return &all[i];
    return NULL;
}

static bool same_unique(const struct named *a, const struct named *b)
{
    return a->unique_len == b->unique_len && memcmp(a->unique, b->unique, a->unique_len) == 0;
}

static void test_unique_ids(void **state)
{
    (void)state;
    static struct named before[64], after[64];
    furnish(4);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE session = open_session(0, false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    size_t n = read_all(session, before, 64);
    assert_true(n >= 4 * 3 + 4);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(same_unique(&before[i], &before[j]));
    // In the next process they are found in another order, and one key has been made anew.
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 3, KEY_P256);
    assert_int_equal(F->C_Logout(session), CKR_OK);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    assert_int_not_equal(find_one(session, CKO_PRIVATE_KEY, 2), 0);
    size_t now = read_all(session, after, 64), compared = 0;
    for (size_t i = 0; i < now; i++) {
        const struct named *was = same_object(before, n, &after[i]);
        if (was == NULL)
            continue;
        bool other = after[i].id[0] == 3 && after[i].class != CKO_CERTIFICATE;
        assert_int_equal(same_unique(was, &after[i]), !other);
        compared++;
    }
    assert_true(compared >= 4 * 3);
}

// Another simulator at the same place has the same reader and counts its insertions alike: what was told of
// the card before isn't believed of this one, and a login survives that the card is reset after each write.
static void test_another_card(void **state)
{
    CK_TOKEN_INFO before, after;
    begin_alone("another");
    assert_int_equal(F->C_GetTokenInfo(0, &before), CKR_OK);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    card_stop(&card);
    (void)snprintf(card.image, sizeof card.image, "%s/another.image", world_dir());
    card_again(&card, *state);
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    assert_int_equal(F->C_GetTokenInfo(0, &after), CKR_OK);
    assert_memory_not_equal(before.serialNumber, after.serialNumber, sizeof after.serialNumber);
    CK_SESSION_HANDLE session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 1, KEY_P256);
    make_key(session, 2, KEY_P256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(test_label, start, stop, (void *)(uintptr_t) "yubikey-5.4"),
        cmocka_unit_test_prestate_setup_teardown(test_label_by_another, start, stop,
                                                 (void *)(uintptr_t) "yubikey-5.4"),
        cmocka_unit_test_prestate_setup_teardown(test_unique_ids, start, stop, (void *)(uintptr_t) "piv"),
        cmocka_unit_test_prestate_setup_teardown(test_another_card, start, stop, (void *)(uintptr_t) "piv"),
    };
    module_load();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
