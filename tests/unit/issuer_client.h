// OpenSSL's own CMP client, joined to a desk in the same process by a way that can lose answers.
#ifndef INGAM_TESTS_ISSUER_CLIENT_H
#define INGAM_TESTS_ISSUER_CLIENT_H

#include "cmp.h"
#include "issuer_fixture.h"

#include <openssl/cmp.h>

#define FAIL_INFO(name) (1 << OSSL_CMP_PKIFAILUREINFO_##name)

// One person's client and the way to the desk, which can lose answers.
struct client {
    struct fixture *fixture;
    OSSL_CMP_CTX *ctx;
    EVP_PKEY *key;
    int sent;
    int lose;          // the answer to this message is lost; 0: none
    int restart;       // the desk restarts before this message; 0: never
    const char *spoil; // run on the registry before message 2
    struct cmp_event event;
    unsigned char last[CMP_MAX]; // the last request, as sent
    size_t last_length;
    unsigned char answer[CMP_MAX]; // the desk's last answer, also one that was lost
    size_t answer_length;
};

// A client with the reference, the code and this key, which it owns from now on; client_drop ends it.
void client_make(struct client *client, struct fixture *fixture, const struct desk_entitled *who,
                 EVP_PKEY *key);

// The same with a fresh P-256 key.
void client_new(struct client *client, struct fixture *fixture, const struct desk_entitled *who);
void client_drop(struct client *client);

// Asks by ir; the test fails unless the desk refuses with this failInfo and a text that has these words.
void refused(struct client *client, int fail_info, const char *words);

// The test fails unless the certificate is the desk's, for the client's key and this person, by the profile.
void check_certificate(struct client *client, X509 *certificate, const char *name);

// Runs SQL on the desk's registry, beside the desk.
void run_sql(const struct fixture *fixture, const char *sql);

#endif
