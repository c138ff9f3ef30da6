// The rules that stand against a request, as rows; each is one question to the registry.
#ifndef INGAM_ISSUER_RULES_H
#define INGAM_ISSUER_RULES_H

#include "registry_db.h"

// The first rule that stands against the application, or REGISTRY_DONE. In the transaction of the caller.
enum registry_end rules_check(struct db *db, const char *reference, int64_t now);

// Uses up, for `by`, the newest proof of each need ("identity factor account"); each must have passed and not
// have expired. REGISTRY_UNPROVED: one is missing; REGISTRY_MEDIUM: the customer has no second factor to
// prove.
enum registry_end rules_prove(struct db *db, const char *customer, const char *needs, const char *by,
                              int64_t now);

// The answer in words for an operator, to be translated; NULL for ends that no rule gives.
const char *rules_text(enum registry_end end);

// How long a certificate that nobody confirmed keeps others of the same person from coming, in seconds.
#define RULES_COMING 3600

#endif
