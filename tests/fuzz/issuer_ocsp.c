// Fuzzes what the desk reads of an OCSP request, and demands that its answer can be read.
#include "issuer_fixture.h"
#include "publish.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
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
    unsigned char *der = NULL;
    void *state = NULL;
    if (fixture == NULL) {
        must(fixture_make(&state) == 0);
        fixture = state;
        atexit(finish);
    }
    int length = publish_ocsp(&fixture->desk, data, size, &der);
    must(length > 0);
    const unsigned char *at = der;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, length);
    must(response != NULL && at == der + length);
    if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
        must(basic != NULL && OCSP_resp_count(basic) > 0);
        OCSP_BASICRESP_free(basic);
    }
    OCSP_RESPONSE_free(response);
    OPENSSL_free(der);
    must(ERR_peek_error() == 0);
    return 0;
}
