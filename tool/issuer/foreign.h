// Other institutions' certificates: how each question ends, and what the files of this part share.
#ifndef INGAM_ISSUER_FOREIGN_H
#define INGAM_ISSUER_FOREIGN_H

#include "acts.h"
#include "refuse.h"

#include <openssl/x509.h>

enum foreign_end {
    FOREIGN_DONE,
    FOREIGN_AGAIN, // the same customer registered it before
    FOREIGN_UNREADABLE,
    FOREIGN_UNTRUSTED,
    FOREIGN_EXPIRED,
    FOREIGN_USE, // not for signatures
    FOREIGN_REVOKED,
    FOREIGN_UNASKED, // the institution cannot be asked
    FOREIGN_PERSON,  // not verifiable that it is this person's
    FOREIGN_OWN,     // issued by this desk
    FOREIGN_CLASH,
    FOREIGN_POSSESSION,
    FOREIGN_NONE,
    FOREIGN_UNPROVED,
    FOREIGN_BROKEN,
    FOREIGN_ENDS
};

// An institution whose certificates may be registered.
struct foreign_institution {
    char id[ACT_ID];
    char name[REGISTRY_TEXT];
    char crl[DESK_URL], ocsp[DESK_URL]; // http://..., a CRL also an absolute path; or empty
    X509 *ca;
};

bool foreign_fail(enum foreign_end end, struct fail *fail);
enum refuse_reason foreign_refuse(enum foreign_end end);

// Is it this person's? The name must be the certificate's; a certificate with a VID (KCAC.TS.SIVID) needs R
// too.
enum foreign_end foreign_match(const X509 *certificate, const char *name, const char *number,
                               const void *random, size_t length);

// What the institution says of its certificate now. *asked: it named a service.
enum foreign_end foreign_status(const struct foreign_institution *institution, X509 *certificate, int64_t now,
                                bool *asked);

// foreign_add, foreign_drop (with the reference of an application, or NULL) and the row of a registered
// certificate (id, customer, checked), with their ends.
enum foreign_end foreign_register(struct desk *desk, const struct act_foreign_ask *ask, char id[ACT_ID]);
enum foreign_end foreign_end_it(struct desk *desk, const char *customer, const char *id,
                                const char *reference);
enum foreign_end foreign_row(struct desk *desk, const void *der, size_t length, struct act_foreign *found);

// The customer's registered certificate with this id, checked as foreign_find does; NULL: none that is good.
X509 *foreign_of(struct desk *desk, const char *customer, const char *id);

#endif
