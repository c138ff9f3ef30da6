// Fuzzes certificates of other institutions: what the desk reads of them itself (name, VID), and its check.
#include "foreign.h"
#include "issuer_fixture.h"

#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fixture *fixture;

static void must(bool done)
{
    if (!done)
        abort();
}

static void finish(void)
{
    void *state = fixture;
    fixture_remove(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char random[20] = {1};
    struct act_foreign found;
    struct fail fail = {0};
    void *state = NULL;
    const unsigned char *at = data;
    if (fixture == NULL) {
        must(fixture_make(&state) == 0);
        fixture = state;
        atexit(finish);
    }
    X509 *certificate = d2i_X509(NULL, &at, (long)size);
    if (certificate != NULL) {
        enum foreign_end end = foreign_match(certificate, "홍길동", "9001011234568", random, sizeof random);
        must(end == FOREIGN_DONE || end == FOREIGN_PERSON);
    }
    X509_free(certificate);
    ERR_clear_error();
    must(!foreign_check(&fixture->desk, data, size, &found, &fail)); // the desk trusts nobody
    must(fail.code != FAIL_NONE && ERR_peek_error() == 0);
    return 0;
}
