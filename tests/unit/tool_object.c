// What the tool makes of a module that lies: values that change, lengths that grow, counts beyond the room.
#include "tool_cmocka.h"

#include "p11/object.h"

#include <openssl/x509.h>
#include <string.h>

// A module with one certificate object; each test sets how it lies.
static unsigned char stored[4096];
static CK_ULONG stored_length, told_length, told_count;
static int there, given, created, destroyed;

static CK_RV find_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR t, CK_ULONG n)
{
    (void)s;
    (void)t;
    (void)n;
    given = 0;
    return CKR_OK;
}

static CK_RV find(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE_PTR out, CK_ULONG room, CK_ULONG_PTR count)
{
    (void)s;
    if (told_count != 0) {
        *count = told_count;
        return CKR_OK;
    }
    *count = there && !given && room > 0 ? 1 : 0;
    if (*count > 0)
        out[0] = 7;
    given = *count > 0;
    return CKR_OK;
}

static CK_RV find_final(CK_SESSION_HANDLE s)
{
    (void)s;
    return CKR_OK;
}

static CK_RV get(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_PTR t, CK_ULONG n)
{
    (void)s;
    (void)o;
    assert_int_equal(n, 1);
    if (t->pValue == NULL) {
        t->ulValueLen = told_length != 0 ? told_length : stored_length;
        return CKR_OK;
    }
    if (t->ulValueLen < stored_length) {
        t->ulValueLen = stored_length; // and yet it claims success
        return CKR_OK;
    }
    memcpy(t->pValue, stored, stored_length);
    t->ulValueLen = stored_length;
    return CKR_OK;
}

static CK_RV create(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR t, CK_ULONG n, CK_OBJECT_HANDLE_PTR out)
{
    (void)s;
    (void)t;
    (void)n;
    *out = 7;
    there = 1;
    created++;
    return CKR_OK;
}

static CK_RV destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
    (void)s;
    (void)o;
    there = 0;
    destroyed++;
    return CKR_OK;
}

static CK_FUNCTION_LIST list = {.C_FindObjectsInit = find_init,
                                .C_FindObjects = find,
                                .C_FindObjectsFinal = find_final,
                                .C_GetAttributeValue = get,
                                .C_CreateObject = create,
                                .C_DestroyObject = destroy};
static const struct module module = {.f = &list};
static struct session session = {.module = &module, .open = true};
static struct fault fault;

static X509 *certificate(long serial)
{
    X509 *x = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 60);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    EVP_PKEY_free(key);
    return x;
}

static void store(X509 *x)
{
    unsigned char *p = stored;
    int n = i2d_X509(x, NULL);
    assert_true(n > 0 && (size_t)n <= sizeof stored);
    stored_length = (CK_ULONG)i2d_X509(x, &p);
    told_length = told_count = 0;
    there = 0;
    created = destroyed = 0;
    fault_clear(&fault);
}

static void what_comes_back_is_compared(void **state)
{
    (void)state;
    X509 *ours = certificate(1), *other = certificate(2);
    store(ours);
    assert_int_equal(object_write_certificate(&session, place_of("9a"), ours, &fault), EXIT_OK);
    store(other);
    assert_int_equal(object_write_certificate(&session, place_of("9a"), ours, &fault), EXIT_MISMATCH);
    assert_int_equal(created, 1);
    X509_free(ours);
    X509_free(other);
}

static void the_old_one_goes_first(void **state)
{
    (void)state;
    X509 *ours = certificate(1);
    store(ours);
    there = 1;
    assert_int_equal(object_write_certificate(&session, place_of("9a"), ours, &fault), EXIT_OK);
    assert_int_equal(destroyed, 1);
    X509_free(ours);
}

static void values_are_bounded(void **state)
{
    (void)state;
    unsigned char *value;
    size_t length;
    X509 *ours = certificate(1);
    store(ours);
    told_length = 16; // less than what is given afterwards
    assert_int_not_equal(object_read(&session, 7, CKA_VALUE, 4096, &value, &length, NULL), EXIT_OK);
    assert_null(value);
    told_length = 0;
    assert_int_not_equal(object_read(&session, 7, CKA_VALUE, stored_length - 1, &value, &length, NULL),
                         EXIT_OK);
    assert_null(value);
    told_length = CK_UNAVAILABLE_INFORMATION;
    assert_int_not_equal(object_read(&session, 7, CKA_VALUE, 4096, &value, &length, NULL), EXIT_OK);
    X509_free(ours);
}

static void what_is_no_certificate(void **state)
{
    (void)state;
    X509 *ours = certificate(1), *found;
    store(ours);
    there = 1;
    stored[stored_length++] = 0; // something after it
    assert_int_equal(object_certificate(&session, 1, &found, &fault), EXIT_MISMATCH);
    assert_null(found);
    X509_free(ours);
}

static void counts_beyond_the_room(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE room[2];
    size_t count;
    X509 *ours = certificate(1);
    store(ours);
    told_count = 3;
    object_find(&session, CKO_CERTIFICATE, 1, room, 2, &count, &fault);
    assert_int_equal(count, 0);
    X509_free(ours);
}

static void places(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int id; // 0: there is none
    } rows[] = {{"9a", 1},  {"9C", 2}, {"kem", 3}, {"CARD", 4}, {"82", 5},
                {"95", 24}, {"96", 0}, {"9b", 0},  {"", 0},     {"auth ", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct piv_place *place = place_of(rows[i].word);
        assert_int_equal(place != NULL ? place->id : 0, rows[i].id);
        if (place != NULL)
            assert_ptr_equal(place_of_id(place->id), place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_back_is_compared), cmocka_unit_test(the_old_one_goes_first),
        cmocka_unit_test(values_are_bounded),          cmocka_unit_test(what_is_no_certificate),
        cmocka_unit_test(counts_beyond_the_room),      cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
