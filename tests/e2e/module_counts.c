// The exchanges that the module's operations cost, as its users count them: none at the start, few
// afterwards.
#include "module_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct card_process card;
static unsigned mark;

static unsigned since(void)
{
    unsigned now = card_exchanges(&card), n = now - mark;
    mark = now;
    return n;
}

struct budget {
    const char *profile;
    unsigned list, objects, first, further, free_key;
};

// A fresh process image of the module: what a program that just started sees.
static void begin(void)
{
    (void)since();
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
}

static void list_like_pkcs11_tool(CK_SLOT_ID *slot)
{
    CK_ULONG n = 1;
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token;
    assert_int_equal(F->C_GetSlotList(CK_FALSE, slot, &n), CKR_OK);
    assert_int_equal(F->C_GetSlotInfo(*slot, &info), CKR_OK);
    assert_int_equal(since(), 0);
    assert_int_equal(F->C_GetTokenInfo(*slot, &token), CKR_OK);
}

static void count_lists(const struct budget *b)
{
    CK_SLOT_ID slot;
    begin();
    assert_int_equal(since(), 0);
    list_like_pkcs11_tool(&slot);
    unsigned list = since();
    CK_SESSION_HANDLE session = open_session(slot, false);
    assert_int_equal(since(), 0);
    (void)find_count(session, NULL, 0);
    unsigned objects = list + since();
    (void)find_count(session, NULL, 0);
    assert_int_equal(since(), 0);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    assert_int_equal(since(), 0);
    print_message("%s: -L %u, -O %u\n", b->profile, list, objects);
    assert_int_equal(list, b->list);
    assert_int_equal(objects, b->objects);
}

static void count_signatures(const struct budget *b)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature;
    CK_SLOT_ID slot;
    begin();
    list_like_pkcs11_tool(&slot);
    unsigned info = since();
    CK_SESSION_HANDLE session = open_session(slot, false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    unsigned first = since();
    check_signature(session, 1, CKM_RSA_PKCS, signature, len);
    (void)since();
    len = sizeof signature;
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    unsigned further = since();
    key = find_one(session, CKO_PRIVATE_KEY, 4);
    len = sizeof signature;
    assert_int_equal(sign_once(session, key, CKM_ECDSA, signature, &len), CKR_OK);
    (void)since();
    len = sizeof signature;
    assert_int_equal(sign_once(session, key, CKM_ECDSA, signature, &len), CKR_OK);
    unsigned free_key = since();
    check_signature(session, 4, CKM_ECDSA, signature, len);
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    print_message("%s: token info %u, login and first RSA signature %u, further %u, P-256 without PIN %u\n",
                  b->profile, info, first, further, free_key);
    assert_int_equal(first, b->first);
    assert_int_equal(further, b->further);
    assert_int_equal(free_key, b->free_key);
}

// A program that asks for nothing before it logs in: {SELECT, VERIFY, forget}, the key, {PIV?, VERIFY, sign,
// forget}. The tries were seen by the programs before it; the first one after an insertion has to look for
// itself (one more).
static void count_blunt(const struct budget *b)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof signature, n = 1;
    CK_SLOT_ID slot;
    begin();
    assert_int_equal(F->C_GetSlotList(CK_TRUE, &slot, &n), CKR_OK);
    CK_SESSION_HANDLE session = open_session(slot, false);
    assert_int_equal(login(session, CKU_USER, PIN), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, 1);
    assert_int_equal(sign_once(session, key, CKM_RSA_PKCS, signature, &len), CKR_OK);
    unsigned cold = since();
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
    print_message("%s: cold login and first RSA signature %u\n", b->profile, cold);
    assert_int_equal(cold, 8);
}

static void test_counts(void **state)
{
    const struct budget *b = *state;
    card_start(&card, b->profile, b->profile);
    world_use(&card, NULL);
    furnish(4);
    count_lists(b);
    count_signatures(b);
    count_blunt(b);
    card_stop(&card);
}

int main(void)
{
    // `first`: {PIV?, VERIFY, forget}, the key, {PIV?, VERIFY, sign, forget}
    static struct budget plain = {"piv", 3, 8, 8, 4, 1}, yubikey = {"yubikey-5.4", 3, 28, 8, 4, 1};
    const struct CMUnitTest tests[] = {
        {"plain PIV card", test_counts, NULL, NULL, &plain},
        {"YubiKey", test_counts, NULL, NULL, &yubikey},
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    module_load();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
