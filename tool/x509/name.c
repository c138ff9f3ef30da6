// Writes names, times and numbers for people, and reads names that people write.
#include "name.h"

#include <openssl/err.h>
#include <string.h>
#include <time.h>

#define ENTRY_MOST 512

void x509_name_line(char *out, size_t size, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int n = 0;
    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        n = BIO_read(bio, out, (int)size - 1);
    out[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
}

void x509_time_line(char *out, size_t size, const ASN1_TIME *time)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, size, "?");
}

void x509_serial_line(char *out, size_t size, const X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;
    snprintf(out, size, "%s", hex != NULL ? hex : "?");
    OPENSSL_free(hex);
    BN_free(number);
}

// Takes one "TYPE=VALUE" up to the next bare slash. Returns where it ends, or NULL.
static const char *take_entry(X509_NAME *name, const char *at)
{
    char type[32], value[ENTRY_MOST];
    size_t length = strcspn(at, "=/");
    if (length == 0 || length >= sizeof type || at[length] != '=')
        return NULL;
    memcpy(type, at, length);
    type[length] = '\0';
    at += length + 1;
    size_t n = 0;
    for (; *at != '\0' && *at != '/'; at++) {
        if (*at == '\\' && *++at == '\0')
            return NULL;
        if (n + 1 == sizeof value)
            return NULL;
        value[n++] = *at;
    }
    value[n] = '\0';
    if (n == 0 ||
        !X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, (int)n, -1, 0))
        return NULL;
    return at;
}

X509_NAME *x509_name_parse(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    const char *at = text;
    if (name == NULL || *at != '/')
        at = NULL;
    while (at != NULL && *at == '/')
        at = take_entry(name, at + 1);
    if (at != NULL && *at == '\0')
        return name;
    ERR_clear_error();
    X509_NAME_free(name);
    return NULL;
}
