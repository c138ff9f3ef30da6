// The sample files of tests/data/npki, their secrets, and how a test reads them.
#pragma once

#include "tool_cmocka.h"

#include "npki/source.h"

#include <stdio.h>
#include <string.h>

#define SAMPLE_PASSWORD "Test!npki2026"
#define SAMPLE_NUMBER   "1234561234567"

static const uint8_t sample_random[20] = {0x79, 0xEA, 0x75, 0x68, 0xA2, 0xD3, 0x77, 0x66, 0x04, 0xE1,
                                          0x8B, 0xCD, 0x3A, 0x1B, 0x1B, 0x85, 0xB7, 0xDA, 0x08, 0x72};

static inline struct rd text_view(const char *text)
{
    return rd_of(text, strlen(text));
}

static inline struct secret *sample(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s", NPKI_DATA, name);
    struct secret *out = npki_file_read(path);
    assert_non_null(out);
    return out;
}

static inline X509_SIG *sample_key(const char *name)
{
    struct secret *bytes = sample(name);
    const unsigned char *p = secret_view(bytes).p;
    X509_SIG *out = d2i_X509_SIG(NULL, &p, (long)secret_view(bytes).n);
    secret_free(bytes);
    assert_non_null(out);
    return out;
}

static inline X509 *sample_certificate(const char *name)
{
    char path[512];
    X509 *out;
    struct fault fault = {.code = EXIT_OK};
    snprintf(path, sizeof path, "%s%s", NPKI_DATA, name);
    assert_int_equal(npki_file_certificate(path, &out, &fault), EXIT_OK);
    return out;
}
