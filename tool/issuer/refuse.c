// The reasons of refusals as rows, and what each says.
#include "refuse.h"

struct row {
    int fail_info; // number of the bit, RFC 4210 5.2.3
    const char *word;
    const char *text; // goes over the wire, in English; a client translates failInfo
};

#define BIT(name) OSSL_CMP_PKIFAILUREINFO_##name

static const struct row rows[REFUSE_REASONS] = {
    [REFUSE_NOTHING] = {BIT(systemFailure), "done", "not refused"},
    [REFUSE_BODY] = {BIT(badRequest), "unsupported-body",
                     "this desk answers ir, cr, p10cr, kur, rr, certConf, pollReq, genm and error; it does "
                     "not do what this "
                     "message asks"},
    [REFUSE_VERSION] = {BIT(unsupportedVersion), "version", "this desk speaks CMP version 2 (RFC 4210)"},
    [REFUSE_PROTECTION] =
        {BIT(wrongIntegrity), "protection",
         "the request must be protected with the reference number and the authorization code, a key update "
         "with a signature of the old key"},
    [REFUSE_CODE] = {BIT(badMessageCheck), "code",
                     "reference number or authorization code not accepted: check both as printed; "
                     "after too many wrong codes ask the desk for new ones"},
    [REFUSE_SPENT] = {BIT(certConfirmed), "spent",
                      "this authorization code was used: its certificate is issued and confirmed"},
    [REFUSE_EXPIRED] = {BIT(notAuthorized), "expired",
                        "this authorization code has expired: ask the desk for a new one"},
    [REFUSE_LOCKED] =
        {BIT(notAuthorized), "locked",
         "this reference number is locked after too many wrong codes: ask the desk for a new one"},
    [REFUSE_OTHER_KEY] =
        {BIT(duplicateCertReq), "other-key",
         "this reference number already has a certificate for another key: repeat the request "
         "with that key, or ask the desk for a new reference number"},
    [REFUSE_KEY] = {BIT(badCertTemplate), "key", "the key must be RSA of 2048 to 4096 bits, P-256 or P-384"},
    [REFUSE_TEMPLATE] = {BIT(badCertTemplate), "template", "the request has no public key that can be read"},
    [REFUSE_REJECTED] =
        {BIT(notAuthorized), "rejected-too-often",
         "too many certificates of this reference number were rejected: ask the desk for a new one"},
    [REFUSE_TRANSACTION] =
        {BIT(badRequest), "no-transaction",
         "there is no open transaction with this ID: it ended or timed out, repeat the request"},
    [REFUSE_ID_IN_USE] = {BIT(transactionIdInUse), "id-in-use",
                          "this transaction ID is in use: take another"},
    [REFUSE_NONCE] = {BIT(badRecipientNonce), "nonce",
                      "the recipient nonce is not the desk's last one: repeat the request"},
    [REFUSE_FORMAT] = {BIT(badDataFormat), "format", "the confirmation cannot be read"},
    [REFUSE_CONFIRMED] = {BIT(certConfirmed), "confirmed-before",
                          "the certificate was confirmed before and cannot be rejected any more"},
    [REFUSE_HASH] = {BIT(badCertId), "hash",
                     "the confirmation is not about the certificate of this transaction"},
    [REFUSE_SIGNER] = {BIT(signerNotTrusted), "signer",
                       "the signature is not of a certificate that this desk issued"},
    [REFUSE_NOT_YOURS] =
        {BIT(notAuthorized), "not-yours",
         "this is another's certificate, or the data of the old one are wrong: for your own, apply "
         "for a reissue"},
    [REFUSE_CERTIFICATE] = {BIT(badCertId), "no-certificate", "this desk issued no such certificate"},
    [REFUSE_REVOKED] = {BIT(certRevoked), "revoked", "this certificate is revoked: apply for a reissue"},
    [REFUSE_SUSPENDED] = {BIT(notAuthorized), "suspended",
                          "this certificate is suspended: let the desk resume it, or apply for a reissue"},
    [REFUSE_OUTDATED] = {BIT(notAuthorized), "outdated",
                         "this certificate has expired and cannot be renewed any more: apply for a reissue"},
    [REFUSE_EARLY] = {BIT(badTime), "early",
                      "it is too early to renew this certificate: it can be renewed in its last 30 days"},
    [REFUSE_RENEWED] = {BIT(certConfirmed), "renewed",
                        "this certificate was renewed before: use the new one"},
    [REFUSE_CLOSED] = {BIT(notAuthorized), "closed", "the customer is no member any more"},
    [REFUSE_KIND] = {BIT(notAuthorized), "kind",
                     "this class of certificate is not for this kind of customer"},
    [REFUSE_UNPAID] = {BIT(notAuthorized), "unpaid", "the fee is not paid: pay it first, then ask again"},
    [REFUSE_ONE] =
        {BIT(duplicateCertReq), "one",
         "this person has a valid certificate of this class, and may have one only: apply for a reissue"},
    [REFUSE_COMING] = {BIT(duplicateCertReq), "coming",
                       "a certificate of this class is being issued to this person: try again in an hour"},
    [REFUSE_WAITING] = {BIT(notAuthorized), "waiting", "this application waits for the desk's approval"},
    [REFUSE_DENIED] = {BIT(notAuthorized), "denied", "this application was refused by the desk"},
    [REFUSE_PURPOSE] = {BIT(notAuthorized), "purpose",
                        "this reference number, or this certificate, is not for what the message asks"},
    [REFUSE_FOREIGN_UNTRUSTED] = {BIT(signerNotTrusted), "foreign-untrusted",
                                  "the certificate is of no institution that this desk trusts"},
    [REFUSE_FOREIGN_EXPIRED] = {BIT(badTime), "foreign-expired",
                                "the certificate is not valid now, or not for signatures"},
    [REFUSE_FOREIGN_REVOKED] = {BIT(certRevoked), "foreign-revoked",
                                "its institution has revoked or suspended this certificate"},
    [REFUSE_FOREIGN_UNASKED] =
        {BIT(systemUnavail), "foreign-unasked",
         "the institution does not say whether its certificate is valid: try again later"},
    [REFUSE_FOREIGN_PERSON] =
        {BIT(notAuthorized), "foreign-person",
         "it cannot be verified that this certificate is yours: visit a branch of the bank"},
    [REFUSE_FOREIGN_CLASH] = {BIT(duplicateCertReq), "foreign-clash",
                              "the certificate clashes with one that is registered or that this desk issued"},
    [REFUSE_FOREIGN_POSSESSION] = {BIT(badPOP), "foreign-possession",
                                   "the signature does not prove that the certificate's key is there"},
    [REFUSE_TOKEN] = {BIT(systemUnavail), "token",
                      "the token that signs for this desk is not there; nothing is lost: try again later"},
    [REFUSE_BUSY] = {BIT(systemUnavail), "busy", "the desk has too much to do: try again later"},
    [REFUSE_BROKEN] = {BIT(systemFailure), "broken", "the desk failed; nothing is lost: try again later"},
};

const char *refuse_word(enum refuse_reason reason)
{
    return rows[reason].word;
}

OSSL_CMP_PKISI *refuse_status(enum refuse_reason reason)
{
    if (reason == REFUSE_WAITING)
        return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_waiting, 0, rows[reason].text);
    // RFC 4210 5.2.3: the update was done before.
    if (reason == REFUSE_RENEWED)
        return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_keyUpdateWarning, 0, rows[reason].text);
    return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << rows[reason].fail_info,
                                   rows[reason].text);
}
