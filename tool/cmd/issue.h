// The parts of ingam issue, renew and reissue: what the slot holds, the key for the request, and the journal
// between runs.
#pragma once

#include "journal.h"
#include "p11/keypair.h"
#include "run.h"

struct issue {
    struct run *run;
    const struct piv_place *place;
    const struct key_kind *kind; // the kind asked for; NULL with --existing-key
    struct journal journal;
    X509 *old;       // what the slot holds when we begin
    EVP_PKEY *shown; // the public key that the token shows there
    bool key_there;  // a private key is shown there
    bool revealed;   // the slot holds a certificate only to reveal its key
    struct keypair pair;
    X509_NAME *subject; // to ask for
    EVP_PKEY *known;    // of --public-key
    // whom it is asked of, and under which name the journal keeps it: a reference number, or the serial
    // number of the certificate that is renewed
    const char *issuer, *tls_ca, *reference;
    const struct piv_place *old_place; // of the certificate that is renewed or reissued; NULL: none
    X509 *replaced;                    // that certificate, owned
    bool always;                       // its key wants the PIN for each use, so the new one shall
    bool by_key;                       // its key protects the request, not a code
    struct keypair old_pair;
};

// ingam batch runs it for each person.
extern const struct command cmd_issue;

// What files about the token in this run are named by.
const char *issue_token(const struct run *run);

// Does it all, from the open session to the report; issue->journal is closed again and what issue owns freed.
enum exit_code issue_work(struct issue *issue);

// Whether issuer, reference and code can be used, and the code at hand: for the check of a command.
enum exit_code issue_check_issuer(struct run *run);
enum exit_code issue_check_code(struct run *run);
// The kind of --key-type; *kind is NULL if it is not said.
enum exit_code issue_check_kind(struct run *run, const struct key_kind **kind);

// Finds out what the slot holds; logged in as the user.
enum exit_code issue_look(struct issue *issue);

// Whether this run goes on with what the journal tells. A key without a certificate serves another reference
// as well; a certificate belongs to the reference that brought it.
bool issue_goes_on(const struct issue *issue);

// Refuses (EXIT_MISMATCH) what would destroy something that nobody gave up, and has --replace confirmed.
enum exit_code issue_check_slot(struct issue *issue);

// Has the key that the request is for ready to sign: made, found again, or there before. Its public half is
// in the journal, at JOURNAL_KEY or later.
enum exit_code issue_ready_key(struct issue *issue);

// Finds the private key of the slot; to be done again after each login, which makes handles of private
// objects invalid. EXIT_NOT_FOUND if there is none.
enum exit_code issue_take_key(struct issue *issue);

// The name to ask for: --subject, else the reference number.
enum exit_code issue_name_subject(struct issue *issue);

// The same for the key of the certificate that is renewed.
enum exit_code issue_take_old_key(struct issue *issue);

// Reveals a key that the token does not show: writes this certificate, or a placeholder if it is NULL, into
// the slot and has the key sign. *proved: the slot holds this key, ready to sign. Otherwise the slot is as
// before, but for a certificate that was there. To be called only when nothing of worth is in the slot.
enum exit_code issue_reveal(struct issue *issue, EVP_PKEY *key, X509 *certificate, bool *proved);

// Removes a placeholder again; what can't be removed now, the next run replaces.
void issue_conceal(struct issue *issue);

bool issue_is_placeholder(const X509 *certificate);
