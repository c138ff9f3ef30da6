// The registry: who may have a certificate, what was issued, which CMP transactions are open (SQLite).
#ifndef INGAM_ISSUER_REGISTRY_H
#define INGAM_ISSUER_REGISTRY_H

#include "fail.h"
#include "seal.h"

#include <stddef.h>
#include <stdint.h>

#define REGISTRY_SCHEMA    1
#define REGISTRY_NAME      256  // bytes of a person's name
#define REGISTRY_SUBJECT   2048 // bytes of a subject in DER
#define REGISTRY_CODE      (64 + SEAL_OVER)
#define REGISTRY_REFERENCE 64
#define REGISTRY_SERIAL    33 // hexadecimal, with its NUL
#define REGISTRY_HASH      32 // SHA-256 of a SubjectPublicKeyInfo in DER
#define REGISTRY_ID        64 // bytes of a transactionID or a nonce
#define REGISTRY_CERT      8192

// How a registry call ended. Each call is one database transaction: all of it happened or nothing.
enum registry_end {
    REGISTRY_DONE,
    REGISTRY_NONE,      // there is no such row
    REGISTRY_AGAIN,     // it was done before: the same answer stands
    REGISTRY_OTHER_KEY, // the reference already has a certificate for another key
    REGISTRY_SPENT,     // the code was used
    REGISTRY_FULL, // too many certificates of this reference were rejected, or too many transactions are open
    REGISTRY_FAILED, // the database gave an error
};

struct registry;

// One row of who may have a certificate. Times are seconds since the epoch.
struct registry_person {
    char reference[REGISTRY_REFERENCE + 1];
    char name[REGISTRY_NAME + 1];
    unsigned char subject[REGISTRY_SUBJECT];
    size_t subject_length;
    unsigned char code[REGISTRY_CODE]; // sealed under the reference
    size_t code_length;
    int64_t created, expires;
    int64_t spent; // 0: not yet
    int tries;     // wrong codes that are still allowed
};

struct registry_exchange {
    unsigned char id[REGISTRY_ID]; // transactionID
    size_t id_length;
    unsigned char nonce[REGISTRY_ID]; // the senderNonce of our last message
    size_t nonce_length;
    char reference[REGISTRY_REFERENCE + 1];
    char serial[REGISTRY_SERIAL];
    int request_id; // certReqId, RFC 4210 5.3.18
    int64_t expires;
};

struct registry_certificate {
    char serial[REGISTRY_SERIAL];
    unsigned char der[REGISTRY_CERT];
    size_t length;
};

// Makes a new registry with its schema; the file must not exist.
bool registry_create(const char *path, struct fail *fail);

// Opens it; a schema newer than ours is refused. Calls may come from several threads, and other processes
// may have it open too.
bool registry_open(const char *path, struct registry **registry, struct fail *fail);
void registry_close(struct registry *registry);

// Settings are texts that init writes once. An unknown one reads as empty.
enum registry_end registry_set(struct registry *registry, const char *name, const char *value);
enum registry_end registry_get(struct registry *registry, const char *name, char *value, size_t size);

// Writes down an entitled person. REGISTRY_AGAIN: the reference number is taken.
enum registry_end registry_entitle(struct registry *registry, const struct registry_person *person);
enum registry_end registry_find(struct registry *registry, const char *reference,
                                struct registry_person *person);

// Counts one wrong code, down to none.
enum registry_end registry_wrong(struct registry *registry, const char *reference);

// Binds the reference to this key and takes the serial number for it, before anything is signed.
// REGISTRY_AGAIN: this key already has its certificate, which is in *issued.
enum registry_end registry_reserve(struct registry *registry, const char *reference,
                                   const unsigned char key_hash[REGISTRY_HASH], const char *serial,
                                   int64_t now, struct registry_certificate *issued);

// Writes down the certificate that was signed under a reserved serial number.
enum registry_end registry_record(struct registry *registry, const char *serial, const void *der,
                                  size_t length);
enum registry_end registry_certificate(struct registry *registry, const char *serial,
                                       struct registry_certificate *certificate);

// The person has the certificate: it stands, and the code is spent. REGISTRY_AGAIN: it was confirmed before.
enum registry_end registry_confirm(struct registry *registry, const char *serial, int64_t now);

// The person refused the certificate: the reference is free for another key. REGISTRY_AGAIN: it was refused
// before; REGISTRY_NONE: it is confirmed, and stays.
enum registry_end registry_reject(struct registry *registry, const char *serial);

// Keeps an open transaction (or replaces it), and forgets those that expired. `now` and the row's `expires`
// are seconds since the epoch. REGISTRY_OTHER_KEY: another reference has this transactionID.
enum registry_end registry_exchange_keep(struct registry *registry, const struct registry_exchange *exchange,
                                         int64_t now);
enum registry_end registry_exchange_find(struct registry *registry, const void *id, size_t length,
                                         int64_t now, struct registry_exchange *exchange);

// One row of the list: texts are UTF-8 and live until the call returns. `state` is "open", "spent",
// "issued", ...; `serial` is empty while there is no certificate.
struct registry_line {
    const char *reference, *name, *state, *serial;
    int64_t created, expires;
    int tries;
};
enum registry_end registry_list(struct registry *registry, void (*each)(void *, const struct registry_line *),
                                void *context);

#endif
