// Distinguished names as people type them: /C=KR/O=.../CN=...
#ifndef INGAM_ISSUER_DN_H
#define INGAM_ISSUER_DN_H

#include "fail.h"

#include <openssl/x509.h>

// The longest name that is read, in bytes.
#define DN_MAX 1024

// Reads a name. Values are UTF-8 and become UTF8String (countryName and serialNumber PrintableString, as
// X.520 has it); `\` before `/` or `\` takes them as they are. On success the caller owns *name; on failure
// *name is NULL and the failure says which part is wrong.
bool dn_parse(const char *text, X509_NAME **name, struct fail *fail);

// The name as one line of UTF-8 (RFC 2253 form, without escapes of non-ASCII), cut to fit.
void dn_line(const X509_NAME *name, char *line, size_t size);

#endif
