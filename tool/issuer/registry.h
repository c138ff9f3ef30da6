// The registry: who may have a certificate, what was issued, which CMP transactions are open.
#ifndef INGAM_ISSUER_REGISTRY_H
#define INGAM_ISSUER_REGISTRY_H

#include "fail.h"
#include "seal.h"

#include <stddef.h>
#include <stdint.h>

#define REGISTRY_SCHEMA    3
#define REGISTRY_NAME      256  // bytes of a person's name
#define REGISTRY_SUBJECT   2048 // bytes of a subject in DER
#define REGISTRY_CODE      (64 + SEAL_OVER)
#define REGISTRY_REFERENCE 64
#define REGISTRY_SERIAL    33 // hexadecimal, with its NUL
#define REGISTRY_HASH      32 // SHA-256 of a SubjectPublicKeyInfo in DER
#define REGISTRY_ID        64 // bytes of a transactionID or a nonce
#define REGISTRY_CERT      8192

// How a registry call ended. Each call is one database transaction: all of it happened or nothing. Those from
// REGISTRY_CLOSED on are rules that stand against it (rules.c).
enum registry_end {
    REGISTRY_DONE,
    REGISTRY_NONE,      // there is no such row
    REGISTRY_AGAIN,     // it was done before: the same answer stands
    REGISTRY_OTHER_KEY, // the reference already has a certificate for another key
    REGISTRY_SPENT,     // the code was used
    REGISTRY_FULL, // too many certificates of this reference were rejected, or too many transactions are open
    REGISTRY_FAILED, // the database gave an error
    REGISTRY_CLOSED,
    REGISTRY_KIND,
    REGISTRY_UNPAID,
    REGISTRY_ONE,
    REGISTRY_COMING,
    REGISTRY_WAITING,
    REGISTRY_DENIED,
    REGISTRY_REVOKED,
    REGISTRY_SUSPENDED,
    REGISTRY_EXPIRED,
    REGISTRY_EARLY,
    REGISTRY_RENEWED,
    REGISTRY_PURPOSE, // the reference number is for something else
    REGISTRY_UNPROVED,
    REGISTRY_MEDIUM, // the customer has no second factor at all
    REGISTRY_ENDS
};

#define REGISTRY_WORD 32  // bytes of a word such as a class, a kind, a state
#define REGISTRY_TEXT 256 // bytes of other texts

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
    int64_t spent;                  // 0: not yet
    int tries;                      // wrong codes that are still allowed
    char customer[REGISTRY_WORD];   // empty: written down by `authorize`
    char class_name[REGISTRY_WORD]; // empty: the desk's own profile
    char kind[REGISTRY_WORD];       // "issue", "reissue", "renew", "revoke", "suspend", "resume"
    char state[REGISTRY_WORD];      // "ready", "waiting", "denied"
    char target[REGISTRY_SERIAL];   // the certificate that it replaces or is about, or empty
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

// Makes a new registry with its schema. `where` is a file, which must not exist, or the address of a
// PostgreSQL database, postgresql://..., which must not hold a registry yet.
bool registry_create(const char *where, struct fail *fail);

// Opens it; a schema newer than ours is refused. Calls may come from several threads, and other processes
// may have it open too.
bool registry_open(const char *where, struct registry **registry, struct fail *fail);
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

// Which rule stands against this person's request at this time? REGISTRY_DONE: none.
enum registry_end registry_allowed(struct registry *registry, const char *reference, int64_t now);

// Binds the reference to this key and takes the serial number for it, before anything is signed; the rules
// are looked at in the same transaction. REGISTRY_AGAIN: this key already has its certificate, which is in
// *issued.
enum registry_end registry_reserve(struct registry *registry, const char *reference,
                                   const unsigned char key_hash[REGISTRY_HASH], const char *serial,
                                   int64_t now, struct registry_certificate *issued);

// Writes down the certificate that was signed under a reserved serial number, when it ends, and which
// generation of the CA's key signed it.
enum registry_end registry_record(struct registry *registry, const char *serial, const void *der,
                                  size_t length, int64_t not_after, int generation, int64_t now);
enum registry_end registry_certificate(struct registry *registry, const char *serial,
                                       struct registry_certificate *certificate);

// The person has the certificate: it stands, and the code is spent. REGISTRY_AGAIN: it was confirmed before.
enum registry_end registry_confirm(struct registry *registry, const char *serial, int64_t now);

// The person refused the certificate: the reference is free for another key. REGISTRY_AGAIN: it was refused
// before; REGISTRY_NONE: it is confirmed, and stays.
enum registry_end registry_reject(struct registry *registry, const char *serial, int64_t now);

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

// The row of a class of certificates. An empty name is the desk's own profile.
struct registry_class {
    char name[REGISTRY_WORD];
    char policy[128];
    int days;
};
enum registry_end registry_class(struct registry *registry, const char *name, struct registry_class *class);

// For a desk for tests: gives the classes the policy OIDs of yessign for secure media.
enum registry_end registry_test_policies(struct registry *registry);

// A certificate that stood at some time, as the rules see it.
struct registry_standing {
    char serial[REGISTRY_SERIAL];
    char reference[REGISTRY_REFERENCE + 1];
    char customer[REGISTRY_WORD];
    char class_name[REGISTRY_WORD];
    char state[REGISTRY_WORD];
    char status[REGISTRY_WORD]; // "valid", "suspended", "revoked"
    int reason;                 // CRLReason, RFC 5280 5.3.1
    int generation;
    int64_t changed, not_after;
    unsigned char der[REGISTRY_CERT];
    size_t length;
};
enum registry_end registry_standing(struct registry *registry, const char *serial,
                                    struct registry_standing *standing);

// Finds or makes the application under which this certificate is renewed, and gives its reference number.
// `fresh` is the number that a new one gets.
enum registry_end registry_renewal(struct registry *registry, const char *serial, const char *fresh,
                                   int64_t now, char reference[REGISTRY_REFERENCE + 1]);

// Which rule would stand against its renewal now? Writes nothing. REGISTRY_DONE: none.
enum registry_end registry_renewable(struct registry *registry, const char *serial, int64_t now);

// Changes whether a certificate stands: "revoke" (with a CRLReason), "suspend" or "resume". REGISTRY_AGAIN:
// it is so already. REGISTRY_REVOKED: it is revoked, for ever. `by` is for the log; `reference`, or NULL, is
// the application whose code this spends.
enum registry_end registry_change(struct registry *registry, const char *serial, const char *action,
                                  int reason, const char *by, const char *reference, int64_t now);

// The same by the customer's own hand: the certificate must be theirs, and a proof of identity and one of a
// second factor are used up.
enum registry_end registry_change_own(struct registry *registry, const char *serial, const char *action,
                                      int reason, const char *customer, int64_t now);

// Writes down an application of a customer after checking its proofs and rules, with the fee that is due.
enum registry_end registry_apply(struct registry *registry, const struct registry_person *person);

// Lets a waiting application go on, or denies it.
enum registry_end registry_decide(struct registry *registry, const char *reference, bool deny, int64_t now);

// A waiting request, kept until it is polled for.
struct registry_poll {
    unsigned char id[REGISTRY_ID];
    size_t id_length;
    unsigned char nonce[REGISTRY_ID];
    size_t nonce_length;
    char reference[REGISTRY_REFERENCE + 1];
    unsigned char request[16384];
    size_t request_length;
    int64_t expires;
};
enum registry_end registry_poll_keep(struct registry *registry, const struct registry_poll *poll,
                                     int64_t now);
enum registry_end registry_poll_find(struct registry *registry, const void *id, size_t length, int64_t now,
                                     struct registry_poll *poll);

#endif
