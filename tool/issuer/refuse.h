// What the desk says when it does not do what was asked: the reasons, as rows.
#ifndef INGAM_ISSUER_REFUSE_H
#define INGAM_ISSUER_REFUSE_H

#include <openssl/cmp.h>

enum refuse_reason {
    REFUSE_NOTHING, // not refused
    REFUSE_BODY,
    REFUSE_VERSION,
    REFUSE_PROTECTION,
    REFUSE_CODE, // unknown reference or wrong code: a stranger does not learn which
    REFUSE_SPENT,
    REFUSE_EXPIRED,
    REFUSE_LOCKED,
    REFUSE_OTHER_KEY,
    REFUSE_KEY,
    REFUSE_TEMPLATE,
    REFUSE_REJECTED,
    REFUSE_TRANSACTION,
    REFUSE_ID_IN_USE,
    REFUSE_NONCE,
    REFUSE_FORMAT,
    REFUSE_CONFIRMED,
    REFUSE_HASH,
    REFUSE_SIGNER,
    REFUSE_NOT_YOURS,
    REFUSE_CERTIFICATE, // no such certificate
    REFUSE_REVOKED,
    REFUSE_SUSPENDED,
    REFUSE_OUTDATED,
    REFUSE_EARLY,
    REFUSE_RENEWED,
    REFUSE_CLOSED,
    REFUSE_KIND,
    REFUSE_UNPAID,
    REFUSE_ONE,
    REFUSE_COMING,
    REFUSE_WAITING,
    REFUSE_DENIED,
    REFUSE_PURPOSE,
    REFUSE_FOREIGN_UNTRUSTED,
    REFUSE_FOREIGN_EXPIRED,
    REFUSE_FOREIGN_REVOKED,
    REFUSE_FOREIGN_UNASKED,
    REFUSE_FOREIGN_PERSON,
    REFUSE_FOREIGN_CLASH,
    REFUSE_FOREIGN_POSSESSION,
    REFUSE_TOKEN,
    REFUSE_BUSY,
    REFUSE_BROKEN,
    REFUSE_REASONS
};

// A word for the log.
const char *refuse_word(enum refuse_reason reason);

// The PKIStatusInfo (RFC 4210 5.2.3) of a rejection. The caller owns it; NULL when memory is short.
OSSL_CMP_PKISI *refuse_status(enum refuse_reason reason);

#endif
