// The public services as rows.
#include "http_public.h"

#include <openssl/evp.h>
#include <string.h>

static int run_ca(struct desk *desk, const void *request, size_t length, unsigned char **der)
{
    (void)request, (void)length;
    return publish_ca(desk, der);
}

static int run_crl(struct desk *desk, const void *request, size_t length, unsigned char **der)
{
    (void)request, (void)length;
    return publish_crl(desk, der);
}

// Media types: RFC 2585 4, RFC 6960 C.
static const struct http_public rows[] = {
    {"/ca.crt", "GET", NULL, "application/pkix-cert", run_ca},
    {"/ca.crl", "GET", NULL, "application/pkix-crl", run_crl},
    {"/ocsp", "POST", "application/ocsp-request", "application/ocsp-response", publish_ocsp},
    {"/ocsp/", "GET", NULL, "application/ocsp-response", publish_ocsp},
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
    if (length == 0 || length % 4 != 0 || length > PUBLISH_ASK)
        return -1;
    int size = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    for (size_t i = length; size > 0 && i > length - 2 && text[i - 1] == '='; i--)
        size--; // padding
    return size;
}
