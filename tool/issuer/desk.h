// A desk's directory: its keys, its certificates, its registry, opened together.
#ifndef INGAM_ISSUER_DESK_H
#define INGAM_ISSUER_DESK_H

#include "files.h"
#include "keys.h"
#include "registry.h"

#include <openssl/x509.h>

// The files of the directory. All are made by init; the registry has companions of SQLite's beside it.
#define DESK_CA_CERT   "/ca.crt"
#define DESK_CA_KEY    "/ca.key"
#define DESK_CA_URI    "/ca.uri" // instead of the key: where it is on a token
#define DESK_CMP_CERT  "/cmp.crt"
#define DESK_CMP_KEY   "/cmp.key"
#define DESK_SEAL_KEY  "/seal.key"
#define DESK_REGISTRY  "/registry.db"
#define DESK_ADDRESS   "/registry.url"   // instead of the file: where the shared registry is
#define DESK_DUMP      "/registry.jsonl" // the registry in a backup
#define DESK_PATH      1024
#define DESK_SHORTNAME 128
#define DESK_URL       256

// A CA key of the desk: generation 1 is init's, each `authority rollover` makes another with the same name.
// Its link certificates (RFC 4210 4.4) join it to the one before.
struct desk_authority {
    X509 *certificate;
    EVP_PKEY *key;
    X509 *new_with_old, *old_with_new; // NULL for generation 1
};
#define DESK_GENERATIONS 16

struct desk {
    struct desk_authority authorities[DESK_GENERATIONS]; // generation n is the one at n - 1
    int generations;
    X509 *ca; // of the newest generation, which signs what is new
    EVP_PKEY *ca_key;
    X509 *cmp; // signs the messages that no shared secret protects
    EVP_PKEY *cmp_key;
    unsigned char seal[KEYS_SEAL];
    unsigned char identity[KEYS_SEAL]; // finds a resident number again; not in the registry
    struct registry *registry;
    char name[REGISTRY_NAME + 1];
    char policy[DESK_SHORTNAME]; // OID for certificatePolicies, or empty
    char url[DESK_URL];          // where everybody reaches the desk, or empty: then certificates name no CRL
    bool test;                   // made by init --test-profile
    int64_t (*now)(void);        // seconds since the epoch; desk_open sets the system's clock
};

// The clock of a desk for tests may be shifted by so many seconds (read with secure_getenv); every other desk
// refuses to open while it is set.
#define DESK_CLOCK "INGAM_ISSUER_CLOCK_OFFSET"

// Where the registry of the desk in `dir` is: its file, or the address in its address file.
bool desk_registry_place(const char *dir, char place[DESK_PATH], struct fail *fail);

// Keys for different uses come from seal.key: HMAC-SHA-256 of what the key is for.
bool desk_derive(const unsigned char seal[KEYS_SEAL], const char *use, unsigned char key[KEYS_SEAL]);

// The file of a generation in the directory: /ca.crt, /ca-2.crt, ...; `what` is ca or cmp.
#define DESK_FILE 32
void desk_file(const char *what, int generation, const char *ending, char name[DESK_FILE]);

// Adds to the list the roots, newest first, or the link certificates; each with a reference of its own.
bool desk_roots(const struct desk *desk, STACK_OF(X509) * list);
bool desk_links(const struct desk *desk, STACK_OF(X509) * list);

// What leads from a trusted root, whichever, to a certificate: the links, or the only root. A new root among
// them would lead OpenSSL's chain building of a client that trusts the old one astray.
bool desk_untrusted(const struct desk *desk, STACK_OF(X509) * list);

// Parts of the directory, for the files that make and read authorities.
X509 *desk_certificate(const char *dir, const char *name, struct fail *fail);
EVP_PKEY *desk_key(const char *dir, const char *name, const struct secret *passphrase, struct fail *fail);
EVP_PKEY *desk_ca_key(const char *dir, int generation, X509 *ca, const struct secret *passphrase,
                      struct fail *fail);
bool desk_pair(X509 *certificate, EVP_PKEY *key, const char *name, struct fail *fail);

// Reads what is there of the authorities after the first, whose rows the registry has (authority.c).
bool authority_read(const char *dir, const struct secret *passphrase, struct desk *desk, struct fail *fail);

// Logs in to the tokens that have CA keys of the desk, once and for all; nothing for keys in files. The PIN
// comes from a file, an open descriptor (0: none) or, on a terminal, from whoever sits there.
bool desk_pin(const char *file, int descriptor, struct secret *pin, struct fail *fail);
bool desk_login(const struct desk *desk, const char *pin_file, int pin_fd, struct fail *fail);

// Opens the desk in `dir`. `passphrase_file` may be NULL. On failure *desk holds nothing.
bool desk_open(const char *dir, const char *passphrase_file, struct desk *desk, struct fail *fail);
void desk_close(struct desk *desk);

// What an operator says of a person who may have a certificate.
struct desk_entitle {
    const char *name;
    const char *subject; // /C=KR/... ; NULL: /C=KR/O=<desk>/CN=<name>
    int days;            // until the code expires
    int tries;           // wrong codes allowed
};

// What comes of it: the reference number, and the code, which is kept nowhere else in the clear.
struct desk_entitled {
    char reference[REGISTRY_REFERENCE + 1];
    char code[64];
    char subject[1024]; // as one line
    int64_t expires;
};

// Chooses reference and code and checks what was said, but writes nothing yet.
bool desk_prepare(struct desk *desk, const struct desk_entitle *ask, struct desk_entitled *made,
                  struct registry_person *person, struct fail *fail);

// Writes the person down.
bool desk_entitle(struct desk *desk, const struct registry_person *person, struct fail *fail);

// The time as 2026-01-31T12:00:00Z.
#define DESK_TIME 32
void desk_time(int64_t seconds, char text[DESK_TIME]);

#endif
