// What the desk does for a customer, with plain parameters: for its commands, its pages and its API alike.
// False: *fail says what, why and what to do. Any thread may call them, none inside a transaction of its own.
#ifndef INGAM_ISSUER_ACTS_H
#define INGAM_ISSUER_ACTS_H

#include "desk.h"
#include "identity.h"

#define ACT_ID        16 // bytes of an identifier such as C123456789012
#define ACT_CHALLENGE 96
#define ACT_ANSWER    1024 // bytes of the longest answer

// --- customers

struct act_customer {
    char id[ACT_ID];
    char kind[REGISTRY_WORD]; // "individual", "proprietor", "corporation"
    char name[REGISTRY_NAME + 1];
    char mask[IDENTITY_MASK]; // 900101-1******
    char phone[REGISTRY_TEXT];
    char email[REGISTRY_TEXT];
    char state[REGISTRY_WORD]; // "active", "closed"
};

// The active customer of this kind and name who has this resident or business number. FAIL_PASSPHRASE with
// one and the same text for a wrong name, a wrong number and nobody.
bool customer_find(struct desk *desk, const char *kind, const char *name, const struct secret *number,
                   struct act_customer *customer, struct fail *fail);
bool customer_get(struct desk *desk, const char *id, struct act_customer *customer, struct fail *fail);

// Changes telephone number and e-mail address; NULL leaves one as it is.
bool customer_details(struct desk *desk, const char *id, const char *phone, const char *email,
                      struct fail *fail);

// Lists: at most `most` rows are written, newest first; *count says how many.
struct act_certificate {
    char serial[REGISTRY_SERIAL];
    char class_name[REGISTRY_WORD];
    char status[REGISTRY_WORD]; // "valid", "suspended", "revoked", "expired"
    char reference[REGISTRY_REFERENCE + 1];
    char replaced_by[REGISTRY_SERIAL];
    int reason; // CRLReason
    int64_t created, not_after, changed;
};
bool customer_certificates(struct desk *desk, const char *customer, struct act_certificate *rows, size_t most,
                           size_t *count, struct fail *fail);

struct act_factor {
    char id[ACT_ID];
    char kind[REGISTRY_WORD];
    char need[REGISTRY_WORD]; // what it proves: "factor", "identity", "account"
    char label[REGISTRY_TEXT];
    bool asks; // factor_ask comes first
    bool locked;
    int tries;
};
bool customer_factors(struct desk *desk, const char *customer, struct act_factor *rows, size_t most,
                      size_t *count, struct fail *fail);

// --- second factors. `customer` NULL: the operator asks; else the factor must be that customer's.

// The open challenge, the same until it is answered or five minutes old (*expires, if not NULL); REFUSED for
// a kind that asks nothing.
bool factor_ask(struct desk *desk, const char *customer, const char *factor, char challenge[ACT_CHALLENGE],
                int64_t *expires, struct fail *fail);

// Takes a try, then looks at the answer. Right: a proof for ten minutes. FAIL_PASSPHRASE: wrong, used, or no
// open challenge; FAIL_LOCKED: no tries left. *left, if not NULL, is the number of tries left. `serial` is
// the certificate of a signature, else NULL.
bool factor_answer(struct desk *desk, const char *customer, const char *factor, const void *answer,
                   size_t length, const char *serial, int *left, struct fail *fail);

// A mobile OTP after a proof of identity (and of the account's password, if there is one), which it uses up;
// *uri is otpauth://..., shown once: the caller wipes it. An older mobile OTP of the customer ends.
#define ACT_URI 1024
bool factor_enrol(struct desk *desk, const char *customer, char id[ACT_ID], char uri[ACT_URI],
                  struct fail *fail);

// The factor (kind "account") whose answer is the password of this account of the customer.
bool factor_of_account(struct desk *desk, const char *customer, const struct secret *number, char id[ACT_ID],
                       struct fail *fail);

// --- identity checks by the operator's programs

enum check_state { CHECK_RUNNING, CHECK_PASSED, CHECK_FAILED, CHECK_BROKEN };

// Runs the check and waits for its end, 60 seconds at most.
bool check_run(struct desk *desk, const char *customer, const char *kind, struct fail *fail);

// Begins one and returns; the same kind of the same customer, while it runs, is not begun twice. FAIL_BUSY
// when too many run; FAIL_REFUSED when the customer had too many within ten minutes.
bool check_begin(struct desk *desk, const char *customer, const char *kind, char id[ACT_ID],
                 struct fail *fail);

// How it stands; it never runs longer than 60 seconds, also when the desk was killed meanwhile.
bool check_poll(struct desk *desk, const char *customer, const char *id, enum check_state *state,
                struct fail *fail);

// Sends a code to the customer's telephone by the operator's program `message`.
bool check_send(struct desk *desk, const char *customer, const char *code, struct fail *fail);

// Ends the programs that run and waits for their threads. Before desk_close.
void check_stop(void);

// --- proofs: what stands now, so that pages know which step comes next

struct act_proved {
    bool identity, factor, account;
};
bool customer_proved(struct desk *desk, const char *customer, struct act_proved *proved, struct fail *fail);

// --- notices of certificates near their end (notice.c)

// Sends what is due: 30, 7 and 1 day before the end, once each, and at most three tries. FAIL_NOT_FOUND: no
// program.
bool notice_send(struct desk *desk, int *sent, int *failed, struct fail *fail);

// A thread that does so every minute, until it is stopped (before desk_close).
void notice_start(struct desk *desk);
void notice_stop(void);

// --- applications

struct act_apply {
    const char *customer;
    const char *kind;       // NULL: "issue"
    const char *class_name; // NULL: the one of `serial`
    const char *serial;     // the certificate that it is about, or NULL
    int days, tries;        // of the code; 0: 14 days, 10 tries
    bool wait;              // for `application approve`
    bool agreed;            // to all terms
};
// Kinds: issue, reissue, renew, revoke, suspend, resume; register and unregister (another institution's
// certificate; they need a proof of identity only).

// Checks all but the proofs and makes reference number and code, but writes nothing yet.
bool application_prepare(struct desk *desk, const struct act_apply *apply, struct desk_entitled *made,
                         struct registry_person *person, struct fail *fail);

// Writes it down: rules, proofs (which it uses up), fee. FAIL_PASSPHRASE: a proof is missing.
bool application_write(struct desk *desk, const struct registry_person *person, struct fail *fail);

// Both at once. The caller wipes *made.
bool application_make(struct desk *desk, const struct act_apply *apply, struct desk_entitled *made,
                      struct fail *fail);

// The fee of a class in won, and what must be proved for it ("identity factor").
struct act_class {
    char name[REGISTRY_WORD];
    char title[REGISTRY_TEXT];
    char kinds[REGISTRY_TEXT]; // of customers, with blanks between
    char needs[REGISTRY_TEXT];
    char policy[128];
    int days, fee, renew_days;
    bool sole; // one a person
};
bool class_list(struct desk *desk, struct act_class *rows, size_t most, size_t *count, struct fail *fail);

struct act_fee {
    int64_t amount;
    char state[REGISTRY_WORD]; // "due", "paid", "waived", or "none"
};
bool fee_get(struct desk *desk, const char *reference, struct act_fee *fee, struct fail *fail);
bool fee_settle(struct desk *desk, const char *reference, bool waive, struct fail *fail);

// --- the customer's own hand on a certificate: "revoke" (with a word of RFC 5280 5.3.1, or NULL), "suspend",
// "resume". Uses up a proof of identity and one of a second factor. Done before: true.
bool certificate_change(struct desk *desk, const char *customer, const char *serial, const char *action,
                        const char *reason, struct fail *fail);

// --- other institutions' certificates (foreign.c). FAIL_REFUSED with the reason in words; FAIL_NOT_FOUND:
// the issuer is no trusted institution, or nothing is registered; FAIL_BUSY: the institution could not be
// asked.

struct act_foreign {
    char id[ACT_ID];
    char customer[ACT_ID];
    char institution[REGISTRY_TEXT]; // its name
    char serial[REGISTRY_TEXT];
    char subject[DESK_PATH];
    char verdict[REGISTRY_WORD]; // of the last check: "good", or "unasked" when the institution names no
                                 // service
    int64_t not_after, created, checked;
};

// Is it a trusted institution's, in time, for signatures, neither revoked nor ours? Asks the institution's
// CRL or OCSP service where there is one, for eight seconds at most.
bool foreign_check(struct desk *desk, const void *der, size_t length, struct act_foreign *found,
                   struct fail *fail);

// The text whose signature by the certificate's key proves possession: "ingam register REFERENCE".
#define FOREIGN_PROOF 64
void foreign_text(const char *reference, char text[FOREIGN_PROOF]);

// Registers it for the customer after all checks; the caller has seen the proof of possession (TLS, or
// foreign_possessed). `random` is R of a certificate with a VID, else NULL. `verified`: a branch saw the
// person and papers. Without an application's reference number a proof of identity is used up. Registered by
// the same customer before: true.
struct act_foreign_ask {
    const char *customer, *reference;
    const void *der, *random;
    size_t length, random_length;
    bool verified;
};
bool foreign_add(struct desk *desk, const struct act_foreign_ask *ask, char id[ACT_ID], struct fail *fail);
bool foreign_possessed(const void *der, size_t length, const char *text, const void *signature, size_t size,
                       struct fail *fail);
bool foreign_drop(struct desk *desk, const char *customer, const char *id, struct fail *fail);

// Whose registered certificate is it, and is it still good? Checked anew when the last check is ten minutes
// old.
bool foreign_find(struct desk *desk, const void *der, size_t length, char customer[ACT_ID],
                  struct fail *fail);
bool foreign_list(struct desk *desk, const char *customer, struct act_foreign *rows, size_t most,
                  size_t *count, struct fail *fail);

#endif
