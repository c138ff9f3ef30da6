// Reading certificate and key files from folders and media that anybody may have written.
#pragma once

#include "fault.h"
#include "paths.h"
#include "pfx.h"

#define NPKI_FILE_MOST 262144 // bytes of a key, certificate or PFX file

// The whole file (a plain one, no device or pipe) in a secret, the caller's: it may hold a key in clear. NULL
// with errno: ENOENT, EFBIG...
struct secret *npki_file_read(const char *path);

// The same with its fault (EXIT_NOT_FOUND, EXIT_MISMATCH...).
enum exit_code npki_file_take(const char *path, struct secret **out, struct fault *fault);

// The certificate in a file, DER or PEM; EXIT_MISMATCH when there is none in it.
enum exit_code npki_file_certificate(const char *path, X509 **out, struct fault *fault);

// The names of the two files of a pair: "signCert.der", "signPri.key".
extern const char *const npki_certificate_names[], *const npki_key_names[];

// Writes to out the path of the file in this folder that is called name, capitals or not; links don't count.
// False: it is not there, or the path is too long.
bool npki_file_in(const char *folder, const char *name, char out[PATHS_MAX]);
