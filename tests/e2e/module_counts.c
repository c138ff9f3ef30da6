// The exchanges that the module's operations cost, as its users count them, beside the fewest possible: a
// budget that fails when it is passed.
#include "module_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct card_process card;
static unsigned mark;

static unsigned since(void)
{
    unsigned now = card_exchanges(&card), n = now - mark;
    mark = now;
    return n;
}

enum { LIST, OBJECTS, FIRST, BLUNT, FURTHER, FREE_KEY, NEW_KEY, OPERATIONS };
static const char *const operation[OPERATIONS] = {
    [LIST] = "-L",
    [OBJECTS] = "-O",
    [FIRST] = "login, first RSA-2048 signature",
    [BLUNT] = "login, signature, no token info",
    [FURTHER] = "further RSA-2048 signature",
    [FREE_KEY] = "P-256 signature without PIN",
    [NEW_KEY] = "one more P-256 key, by the SO",
};

// A card of `keys` keys and certificates, and what the module is documented to cost above the least there.
struct world {
    const char *profile;
    unsigned keys;
    bool extended;
    unsigned over[OPERATIONS];
    const char *why;
    const char *retired; // the setting retired-slots; NULL: as it is without
    unsigned least[OPERATIONS];
};

// A fresh process image of the module: what a program that just started sees.
static void begin(void)
{
    (void)since();
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
}

static void list_like_pkcs11_tool(CK_SLOT_ID *slot)
{
    CK_ULONG n = 2;
    CK_SLOT_ID list[2];
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token;
    assert_int_equal(F->C_GetSlotList(CK_FALSE, list, &n), CKR_OK);
    *slot = list[0];
    assert_int_equal(F->C_GetSlotInfo(*slot, &info), CKR_OK);
    assert_int_equal(since(), 0);
    assert_int_equal(F->C_GetTokenInfo(*slot, &token), CKR_OK);
}

// A certificate's object (SP 800-73-4 part 1, appendix A) in exchanges; one that is absent costs one too.
static unsigned parts(const struct world *w, CK_SESSION_HANDLE session, CK_BYTE id)
{
    CK_ATTRIBUTE value = {CKA_VALUE, NULL, 0};
    CK_OBJECT_HANDLE certificate = find_one(session, CKO_CERTIFICATE, id);
    if (certificate == 0 || w->extended)
        return 1;
    assert_int_equal(F->C_GetAttributeValue(session, certificate, &value, 1), CKR_OK);
    return (unsigned)((value.ulValueLen + 4 + 4 + 3 + 2 + 255) / 256);
}

// The fewest exchanges that can do it, each use of a PIN in a transaction of its own: SELECT, serial, tries;
// Key History and one certificate a slot that can't be ruled out; {PIV?, VERIFY, forget}, the certificate,
// {PIV?, VERIFY, sign, forget}; {PIV, the management key in two, generate, forget}. Signing with RSA-2048 in
// short APDUs takes two parts each way, in three exchanges.
static void find_least(struct world *w)
{
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE session = open_session(0, false);
    unsigned sign = w->extended ? 4 : 6;
    w->least[LIST] = 3;
    w->least[OBJECTS] = 3 + 1;
    for (unsigned id = 1; id <= (w->keys > 4 ? w->keys : 4); id++)
        w->least[OBJECTS] += parts(w, session, (CK_BYTE)id);
    w->least[FIRST] = w->least[BLUNT] = 3 + parts(w, session, 1) + sign;
    w->least[FURTHER] = sign;
    w->least[FREE_KEY] = 1;
    w->least[NEW_KEY] = strncmp(w->profile, "piv", 3) == 0 ? 6 : 5; // a plain card can't tell the key: noted
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
}

// Fewer than the least would be a counter that misses some.
static void within(const struct world *w, unsigned what, unsigned got)
{
    unsigned least = w->least[what], budget = least + w->over[what];
    print_message("%-12s %4u  %-32s %5u %6u %7u%s%s\n", w->profile, w->keys, operation[what], got, least,
                  budget, budget > least ? "  " : "", budget > least ? w->why : "");
    assert_true(got >= least);
    assert_true(got <= budget);
}

static void count_lists(const struct world *w)
{
    CK_SLOT_ID slot;
    begin();
    assert_int_equal(since(), 0);
    list_like_pkcs11_tool(&slot);
    unsigned list = since();
    CK_SESSION_HANDLE session = open_session(slot, false);
    assert_int_equal(since(), 0);
    assert_true(find_count(session, NULL, 0) >= 2 * w->keys);
    unsigned objects = list + since();
    (void)find_count(session, NULL, 0);
    assert_int_equal(since(), 0);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(since(), 0);
    within(w, LIST, list);
    within(w, OBJECTS, objects);
}

// One more of a signature that was made before.
static unsigned count_one(CK_SESSION_HANDLE session, CK_BYTE id, CK_MECHANISM_TYPE mechanism)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, id);
    (void)since();
    assert_int_equal(sign_once(session, key, mechanism, signature, &len), CKR_OK);
    unsigned n = since();
    check_signature(session, id, mechanism, signature, len);
    return n;
}

static void count_signatures(const struct world *w)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;
    CK_SLOT_ID slot;
    begin();
    list_like_pkcs11_tool(&slot);
    (void)since();
    CK_SESSION_HANDLE session = open_session(slot, false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    unsigned first = since();
    check_signature(session, 1, CKM_RSA_PKCS, signature, len);
    within(w, FIRST, first);
    within(w, FURTHER, count_one(session, 1, CKM_RSA_PKCS));
    if (w->keys >= 4) {
        (void)count_one(session, 4, CKM_ECDSA);
        within(w, FREE_KEY, count_one(session, 4, CKM_ECDSA));
    }
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
}

// A program that asks for nothing before it logs in: {SELECT, VERIFY, forget}, the key, {PIV?, VERIFY, sign,
// forget}. The tries were seen by the programs before it; the first one after an insertion has to look for
// itself (one more).
static void count_blunt(const struct world *w)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature, n = 2;
    CK_SLOT_ID slot[2];
    begin();
    assert_int_equal(F->C_GetSlotList(CK_TRUE, slot, &n), CKR_OK);
    CK_SESSION_HANDLE session = open_session(slot[0], false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    unsigned cold = since();
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    within(w, BLUNT, cold);
}

// The management key's authentication doesn't outlast its transaction: leaving PIV takes it away. Last,
// because the certificate is another key's after it.
static void count_writing(const struct world *w)
{
    begin();
    CK_SESSION_HANDLE session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    make_key(session, 4, KEY_P256);
    (void)since();
    make_key(session, 4, KEY_P256);
    within(w, NEW_KEY, since());
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
}

// As after an insertion: no program of the user's has asked the card for anything.
static void forget_what_others_told(const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s.run", world_dir(), name);
    assert_int_equal(mkdir(path, 0700), 0);
    setenv("XDG_RUNTIME_DIR", path, 1);
}

static void test_counts(void **state)
{
    struct world *w = *state;
    char name[40];
    (void)snprintf(name, sizeof name, "%s-%u%s", w->profile, w->keys, w->retired != NULL ? "-told" : "");
    card_start(&card, name, w->profile);
    mark = 0;
    world_use(&card, NULL);
    setenv("INGAM_RETIRED_SLOTS", w->retired != NULL ? w->retired : "", 1);
    furnish(w->keys);
    find_least(w);
    forget_what_others_told(name);
    print_message("%-12s %4s  %-32s %5s %6s %7s\n", "profile", "keys", "exchanges", "now", "least", "budget");
    count_lists(w);
    count_signatures(w);
    count_blunt(w);
    count_writing(w);
    card_stop(&card);
}

int main(void)
{
#define PIV(n)                                                                                               \
    {                                                                                                        \
        .profile = "piv", .keys = (n), .extended = true                                                      \
    }
#define SHORT(n)                                                                                             \
    {                                                                                                        \
        .profile = "piv-short", .keys = (n)                                                                  \
    }
#define YUBIKEY(n, empty)                                                                                    \
    {                                                                                                        \
        .profile = "yubikey-5.4", .keys = (n), .extended = true, .over = {[OBJECTS] = 20 + (empty)},         \
        .why = "retired and empty slots are asked for metadata"                                              \
    }
#define TOLD(n)                                                                                              \
    {                                                                                                        \
        .profile = "yubikey-5.4", .keys = (n), .extended = true, .retired = "history"                        \
    }
    static struct world worlds[] = {
        PIV(1),        PIV(4),        PIV(24),        SHORT(1), SHORT(4), SHORT(24),
        YUBIKEY(1, 3), YUBIKEY(4, 0), YUBIKEY(24, 0), TOLD(4),  TOLD(24),
    };
    enum { WORLDS = sizeof worlds / sizeof *worlds };
    struct CMUnitTest tests[WORLDS];
    for (size_t i = 0; i < WORLDS; i++)
        tests[i] = (struct CMUnitTest){worlds[i].profile, test_counts, NULL, NULL, &worlds[i]};
    setvbuf(stdout, NULL, _IOLBF, 0);
    module_load();
    return _cmocka_run_group_tests("exchanges", tests, WORLDS, NULL, NULL);
}
