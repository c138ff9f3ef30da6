// The rows of what may go wrong.
#include "web_error.h"

#include "words.h"

#define BRANCH N_("Ask at a branch or call the customer centre.")

static const struct web_error_row rows[WEB_ERRORS] = {
    [WEB_NONE] = {"none", 200, "", ""},
    [WEB_FORM] = {"form-malformed", 400, N_("What your program sent could not be read."),
                  N_("Load the page anew and fill it in again.")},
    [WEB_LONG] = {"too-long", 413, N_("What your program sent is too long."), N_("Send less than 16 KiB.")},
    [WEB_NOT_FOUND] = {"not-found", 404, N_("There is no such page."),
                       N_("Go back to the first page of the certificate centre.")},
    [WEB_METHOD] = {"wrong-method", 405, N_("This page is not asked for in this way."),
                    N_("Go back to the first page of the certificate centre.")},
    [WEB_TYPE] = {"wrong-type", 415, N_("What your program sent has the wrong content type."),
                  N_("Send it as application/json.")},
    [WEB_CSRF] = {"form-expired", 403, N_("This form was not made for your session, or has expired."),
                  N_("Load the page anew and fill it in again. Nothing was done.")},
    [WEB_SESSION] = {"session-ended", 401, N_("Your session has ended."),
                     N_("For your safety a session ends after ten minutes without use. Begin anew.")},
    [WEB_LOGIN] = {"login-needed", 401, N_("You are not logged in."), N_("Log in first.")},
    [WEB_MANY] = {"too-many-requests", 429, N_("Too many requests came from your address."),
                  N_("Wait a minute and try again.")},
    [WEB_FULL] = {"desk-busy", 503, N_("The certificate centre has too much to do."),
                  N_("Try again in a few minutes.")},
    [WEB_FAILED] = {"desk-failed", 503, N_("The certificate centre has failed."),
                    N_("Nothing was done. Try again in a few minutes.")},
    [WEB_STEP] = {"step-mismatch", 409, N_("You were at another step already."),
                  N_("Go on with the step that is shown now.")},
    [WEB_MISSING] = {"field-missing", 422, N_("This field is empty."), N_("Fill it in.")},
    [WEB_WRONG] = {"field-wrong", 422, N_("This is not written as it must be."), N_("Check what you typed.")},
    [WEB_NOT_AGREED] = {"terms-not-agreed", 422, N_("Not all terms were agreed to."),
                        N_("Without agreement to all of them no certificate can be issued. Tick every box.")},
    [WEB_NOT_CONFIRMED] = {"not-confirmed", 422, N_("You have not confirmed this."),
                           N_("Read it and tick the box, or begin anew if something is wrong.")},
    [WEB_CHOICE] = {"choice-wrong", 422, N_("Nothing, or something else than is offered, was chosen."),
                    N_("Choose one of those that are shown.")},
    [WEB_IDENTITY] =
        {
            "identity-wrong", 422, N_("We know nobody with these data."),
            N_("Check the user ID and the number and type them exactly. If you do not know your ID, "
               "use 'Find my ID'. Who is no member yet joins internet banking first.")},
    [WEB_IDENTITY_LOCKED] =
        {"identity-locked", 429,
         N_("Wrong data were given too often. For your safety this is closed for a while."),
         N_("Try again in 15 minutes, or visit a branch with your identity card.")},
    [WEB_ACCOUNT] = {"account-wrong", 422, N_("This is not one of your accounts."),
                     N_("Check the account number; the account must be in your own name.")},
    [WEB_CHECK_NONE] = {"check-unavailable", 503, N_("No way to check your identity is open at the moment."),
                        N_("Try again later, or visit a branch with your identity card.")},
    [WEB_CHECK_FAILED] =
        {
            "check-failed", 422, N_("Your identity could not be confirmed."),
            N_("Is the telephone number that we know the right one? Choose another way, or have "
               "it corrected at a branch.")},
    [WEB_CHECK_BROKEN] = {"check-broken", 503, N_("The check could not be made; nothing was found out."),
                          N_("Try again, or choose another way.")},
    [WEB_CHECK_MANY] = {"check-too-often", 429, N_("You were called too often in a short time."),
                        N_("Try again in ten minutes.")},
    [WEB_FACTOR_NONE] = {"factor-none", 422,
                         N_("You have no security card, no OTP and no other security medium that we know."),
                         N_("Have a mobile OTP issued first, in the bank's app or at a branch.")},
    [WEB_FACTOR_WRONG] = {"factor-wrong", 422, N_("The answer is wrong, or was used before."),
                          N_("Check it and type it again. An OTP's number counts once: wait for the next.")},
    [WEB_FACTOR_LOCKED] = {"factor-locked", 423,
                           N_("This security medium is locked, because too many answers were wrong."),
                           N_("Have it unlocked at a branch, or use another one.")},
    [WEB_UNPROVED] = {"proof-expired", 409, N_("Your identity check or security medium check has expired."),
                      N_("What was checked is good for ten minutes. Begin anew.")},
    [WEB_KIND] = {"class-not-allowed", 403, N_("This certificate is not for customers of your kind."),
                  N_("A financial certificate is for individuals only. Choose another one.")},
    [WEB_ONE] = {"one-only", 409,
                 N_("You have a valid certificate of this class, and a person may have one only, across all "
                    "desks."),
                 N_("Choose reissue: the old one is revoked when the new one is there.")},
    [WEB_COMING] = {"being-issued", 409, N_("A certificate of this class is being issued to you just now."),
                    N_("Finish that first, or try again in an hour.")},
    [WEB_CLOSED] = {"customer-closed", 403, N_("Your membership has ended."), BRANCH},
    [WEB_NO_OLD] = {"nothing-to-reissue", 409, N_("You have no certificate of this class to be reissued."),
                    N_("Choose a new issue.")},
    [WEB_REVOKED] = {"certificate-revoked", 409, N_("This certificate is revoked, for ever."),
                     N_("Apply for a new one.")},
    [WEB_PURPOSE] = {"not-possible", 409, N_("This cannot be done to this certificate as it stands."),
                     N_("Look at its state under 'My certificates'.")},
    [WEB_REFUSED] = {"refused", 403, N_("The desk does not allow this."), BRANCH},
    [WEB_FOREIGN] =
        {
            "certificate-refused", 422, N_("This certificate cannot be registered."),
            N_("It must be valid, yours, and of an institution that we know. If you cannot show that it "
               "is yours, visit a branch.")},
    [WEB_FOREIGN_SIGNATURE] = {"signature-wrong", 422,
                               N_("The signature was not made over this text by the key of the certificate."),
                               N_("Sign exactly the text shown, with SHA-256, and give the signature in "
                                  "base64.")},
    [WEB_NOT_REGISTERED] = {"nothing-registered", 409,
                            N_("No certificate of another institution is registered."),
                            N_("Register one under 'My certificates' first.")},
    [WEB_NO_CERTIFICATE] =
        {
            "no-client-certificate", 403, N_("Your browser showed no certificate."),
            N_("Put in your token, close all windows of the browser, and come again. If you have "
               "no certificate, apply for one.")},
    [WEB_UNKNOWN_CERTIFICATE] =
        {
            "unknown-certificate", 403, N_("The certificate that your browser showed is not known here."),
            N_("Only certificates issued here, or registered here, open this page. Restart "
               "the browser and choose another one.")},
    [WEB_BAD_CERTIFICATE] =
        {"certificate-not-valid", 403, N_("The certificate that your browser showed is not valid any more."),
         N_(
             "A suspended certificate can be resumed under 'My certificates'; for one that is "
             "revoked or expired apply for a new one.")},
};

const struct web_error_row *web_error(enum web_error error)
{
    return &rows[error];
}

enum web_error web_error_of(enum registry_end end)
{
    static const enum web_error errors[REGISTRY_ENDS] = {
        [REGISTRY_NONE] = WEB_NO_OLD,       [REGISTRY_FAILED] = WEB_FAILED,
        [REGISTRY_CLOSED] = WEB_CLOSED,     [REGISTRY_KIND] = WEB_KIND,
        [REGISTRY_ONE] = WEB_ONE,           [REGISTRY_COMING] = WEB_COMING,
        [REGISTRY_REVOKED] = WEB_REVOKED,   [REGISTRY_PURPOSE] = WEB_PURPOSE,
        [REGISTRY_UNPROVED] = WEB_UNPROVED,
    };
    return errors[end] != WEB_NONE ? errors[end] : WEB_REFUSED;
}
