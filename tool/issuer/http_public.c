// The public services as rows.
#include "http_public.h"

#include <openssl/evp.h>
#include <string.h>

// The generation of the CA's key that a path ends with: a number without anything around it; else 0.
static int generation(const char *text, size_t length)
{
    int number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || number > DESK_GENERATIONS)
            return 0;
        number = number * 10 + text[i] - '0';
    }
    return number;
}

static int run_ca(struct desk *desk, const void *request, size_t length, unsigned char **der)
{
    (void)request, (void)length;
    return publish_ca(desk, 1, der);
}

static int run_ca_of(struct desk *desk, const void *request, size_t length, unsigned char **der)
{
    return publish_ca(desk, generation(request, length), der);
}

static int run_crl(struct desk *desk, const void *request, size_t length, unsigned char **der)
{
    (void)request, (void)length;
    return publish_crl(desk, 1, der);
}

static int run_crl_of(struct desk *desk, const void *request, size_t length, unsigned char **der)
{
    return publish_crl(desk, generation(request, length), der);
}

// Media types: RFC 2585 4, RFC 6960 C.
static const struct http_public rows[] = {
    {"/ca.crt", "GET", NULL, "application/pkix-cert", false, run_ca},
    {"/ca.crl", "GET", NULL, "application/pkix-crl", false, run_crl},
    {"/ca/", "GET", NULL, "application/pkix-cert", true, run_ca_of},
    {"/crl/", "GET", NULL, "application/pkix-crl", true, run_crl_of},
    {"/ocsp", "POST", "application/ocsp-request", "application/ocsp-response", false, publish_ocsp},
    {"/ocsp/", "GET", NULL, "application/ocsp-response", false, publish_ocsp},
};

const struct http_public *http_public_find(const char *path, const char *method, bool *path_known)
{
    *path_known = false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].path);
        bool prefix = rows[i].path[length - 1] == '/';
        if (prefix ? strncmp(path, rows[i].path, length) != 0 : strcmp(path, rows[i].path) != 0)
            continue;
        *path_known = true;
        if (strcmp(method, rows[i].method) == 0)
            return &rows[i];
    }
    return NULL;
}

int http_public_request(const struct http_public *row, const char *path, unsigned char bytes[PUBLISH_ASK])
{
    const char *text = path + strlen(row->path);
    size_t length = strlen(text);
    if (row->path[strlen(row->path) - 1] != '/')
        return 0;
    if (row->text && length < PUBLISH_ASK) {
        memcpy(bytes, text, length);
        return (int)length;
    }
    if (length == 0 || length % 4 != 0 || length > PUBLISH_ASK)
        return -1;
    int size = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    for (size_t i = length; size > 0 && i > length - 2 && text[i - 1] == '='; i--)
        size--; // padding
    return size;
}
