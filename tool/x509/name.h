// Names, times and numbers of certificates as lines of text, and names from text.
#pragma once

#include <openssl/x509.h>
#include <stddef.h>

// One line each; always terminated, cut when too long. Not escaped: print through text.h.
void x509_name_line(char *out, size_t size, const X509_NAME *name);
void x509_time_line(char *out, size_t size, const ASN1_TIME *time);     // 2026-11-22T03:04:05Z
void x509_serial_line(char *out, size_t size, const X509 *certificate); // hex

// A name of "/C=KR/CN=NAME": UTF-8, a backslash before a slash or backslash that belongs to a value. NULL:
// not such a text, a type that OpenSSL does not know, or a value that does not fit its type. The caller
// frees.
X509_NAME *x509_name_parse(const char *text);
