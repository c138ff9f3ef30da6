// Rows of options that the commands of a certificate's life share.
#pragma once

#include "options.h"

#define ISSUE_ROW_ISSUER                                                                                     \
    {                                                                                                        \
        .name = "issuer", .kind = OPTION_TEXT, .at = OPTION_AT(issuer), .value = N_("URL"),                  \
        .help = N_("where the issuing desk answers CMP: http://HOST:PORT/PATH or https://...")               \
    }

#define ISSUE_ROW_TLS_CA                                                                                     \
    {                                                                                                        \
        .name = "tls-ca", .kind = OPTION_TEXT, .at = OPTION_AT(tls_ca), .value = N_("FILE"),                 \
        .help = N_("for https: trust the CA certificates in FILE (else the system's)")                       \
    }

#define ISSUE_ROW_REFERENCE                                                                                  \
    {                                                                                                        \
        .name = "reference", .kind = OPTION_TEXT, .at = OPTION_AT(reference), .value = N_("NUMBER"),         \
        .help = N_("the reference number that the desk gave")                                                \
    }

#define ISSUE_ROW_CODE_FILE                                                                                  \
    {                                                                                                        \
        .name = "code-file", .kind = OPTION_TEXT, .at = OPTION_AT(code_file), .value = N_("FILE"),           \
        .help = N_("read the authorization code from the first line of FILE (else asked)")                   \
    }

#define ISSUE_ROW_KEY_TYPE                                                                                   \
    {                                                                                                        \
        .name = "key-type", .kind = OPTION_TEXT, .at = OPTION_AT(key_type), .value = N_("TYPE"),             \
        .help = N_("rsa2048 (if not said), rsa3072, rsa4096, p256 or p384")                                  \
    }

#define ISSUE_ROW_CA                                                                                         \
    {                                                                                                        \
        .name = "ca", .kind = OPTION_TEXT, .at = OPTION_AT(ca), .value = N_("FILE"),                         \
        .help = N_("check the certificate against the CA certificates in FILE")                              \
    }

#define ISSUE_ROW_TIMEOUT                                                                                    \
    {                                                                                                        \
        .name = "timeout", .kind = OPTION_NUMBER, .at = OPTION_AT(timeout), .least = 1, .most = 3600,        \
        .value = N_("SECONDS"), .help = N_("how long to wait for the desk, each time (30 if not said)")      \
    }
