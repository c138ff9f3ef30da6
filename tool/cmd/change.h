// The steps of revoking, suspending and resuming a certificate.
#pragma once

#include "desk.h"
#include "p11/keypair.h"
#include "run.h"

#define CHANGE_RESUME 8

struct change_deed {
    int reason;        // CRLReason: 0 revokes (for whichever reason is given), 6 suspends, 8 resumes
    const char *word;  // "revoke": in JSON and the record
    const char *state; // what the certificate is afterwards, in the record
    const char *done;  // said afterwards
    bool for_ever;     // it can't be undone: asked before
};
extern const struct change_deed change_revoke, change_suspend, change_resume;

struct change {
    struct run *run;
    const struct change_deed *deed;
    int reason;
    const struct piv_place *place;  // where the certificate is; NULL: by number or from a file
    const struct piv_place *signer; // whose key signs; NULL with a code
    bool by_key;
    X509 *certificate; // owned; by number alone it has only issuer and serial number
    char token[64];    // whose record knows it; "": none
    char serial[128];
    struct desk_address desk;
    // opened by the first change_send
    X509 *signer_certificate;
    struct keypair pair;
};

// Finds the certificate and its desk.
enum exit_code change_find(struct change *change);

// Has it confirmed, if it can't be undone.
enum exit_code change_confirm(struct change *change);

// Asks the desk. Before, the record notes what is asked for; afterwards, what came of it. To be repeated as
// often as one likes: the desk says the same again.
enum exit_code change_send(struct change *change);

void change_report(struct change *change);
void change_free(struct change *change);
