// Registering another institution's certificate and ending it: the certificate, a signature by its key, an
// identity check.
#include "web_flow.h"
#include "words.h"

#include "code.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

// --- the certificate

// PEM, with whatever stands around it.
static bool read_certificate(const char *text, struct journey *journey)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    int length = certificate != NULL ? i2d_X509(certificate, NULL) : 0;
    bool fits = length > 0 && (size_t)length <= sizeof journey->foreign;
    if (fits) {
        unsigned char *at = journey->foreign;
        journey->foreign_length = (size_t)i2d_X509(certificate, &at);
    }
    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error();
    return fits;
}

static bool refuse(struct visit *visit, const struct fail *fail, const char *field)
{
    bool ours = fail->code == FAIL_OTHER;
    if (!ours)
        snprintf(visit->text, sizeof visit->text, "%s", fail->text);
    return ours ? visit_fail(visit, fail, NULL) : visit_refuse(visit, WEB_FOREIGN, field);
}

static bool take_certificate(struct visit *visit, const struct form *form)
{
    struct act_foreign found;
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    if (!read_certificate(form_get(form, "certificate"), journey))
        return visit_refuse(visit, WEB_WRONG, "certificate");
    if (!foreign_check(visit->web->desk, journey->foreign, journey->foreign_length, &found, &fail))
        return refuse(visit, &fail, "certificate");
    char reference[CODE_REFERENCE + 1];
    if (!code_make_reference(reference))
        return visit_refuse(visit, WEB_FAILED, NULL);
    foreign_text(reference, journey->challenge);
    return true;
}

static const struct step step_certificate = {
    .name = "certificate",
    .title = N_("The certificate"),
    .text = N_("Paste the certificate that another bank or institution issued to you. It is asked there "
               "whether it is "
               "still good. Only the certificate: nobody needs its key or its password."),
    .fields = {{.name = "certificate",
                .label = N_("Certificate (PEM)"),
                .hint = N_("It begins with -----BEGIN CERTIFICATE-----"),
                .kind = FIELD_LONG,
                .most = 12000,
                .complete = "off"}},
    .take = take_certificate,
};

// --- possession

static bool show_possession(struct visit *visit, struct view *view)
{
    view_fact(view, "text", _("Text asked"), "%s", visit->journey->challenge);
    return true;
}

static bool take_possession(struct visit *visit, const struct form *form)
{
    unsigned char signature[ACT_ANSWER];
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    const char *random = form_get(form, "random");
    int length = web_base64(form_get(form, "signature"), signature, sizeof signature);
    journey->random_length = 0;
    if (random != NULL && random[0] != 0) {
        if (OPENSSL_hexstr2buf_ex(journey->random, sizeof journey->random, &journey->random_length, random,
                                  0) != 1) {
            ERR_clear_error();
            journey->random_length = 0;
            return visit_refuse(visit, WEB_WRONG, "random");
        }
    }
    if (length <= 0)
        return visit_refuse(visit, WEB_WRONG, "signature");
    return foreign_possessed(journey->foreign, journey->foreign_length, journey->challenge, signature,
                             (size_t)length, &fail) ||
           visit_refuse(visit, WEB_FOREIGN_SIGNATURE, "signature");
}

static const struct step step_possession = {
    .name = "possession",
    .title = N_("Show that it is yours"),
    .text = N_("Sign the text shown below, without a line end, with SHA-256 and the certificate's key, and "
               "paste the "
               "signature in base64."),
    .fields =
        {{.name = "signature",
          .label = N_("Signature"),
          .hint = N_("Base64"),
          .kind = FIELD_LONG,
          .most = 1400,
          .complete = "off"},
         {.name = "random",
          .label = N_("Random number R of the certificate"),
          .hint = N_(
              "Hexadecimal. Only for certificates that carry a virtual identity (VID); it is kept beside the "
              "key."),
          .kind = FIELD_TEXT,
          .most = 128,
          .optional = true,
          .complete = "off"}},
    .show = show_possession,
    .take = take_possession,
};

// --- the registration

static bool take_registration(struct visit *visit, const struct form *form)
{
    struct fail fail = {0};
    struct journey *journey = visit->journey;
    const struct act_foreign_ask ask = {.customer = visit->session->customer,
                                        .der = journey->foreign,
                                        .length = journey->foreign_length,
                                        .random = journey->random_length > 0 ? journey->random : NULL,
                                        .random_length = journey->random_length};
    (void)form;
    if (!journey->identity)
        return visit_refuse(visit, WEB_UNPROVED, NULL);
    return foreign_add(visit->web->desk, &ask, journey->foreign_id, &fail) || refuse(visit, &fail, NULL);
}

static const struct step step_registration = {
    .name = "registration",
    .title = N_("Register"),
    .text = N_("With the next button the certificate is registered to you."),
    .submit = N_("Register"),
    .fields = {{.name = "confirm", .label = N_("I want this to be done"), .kind = FIELD_AGREE}},
    .take = take_registration,
};

static bool show_registered(struct visit *visit, struct view *view)
{
    view_fact(view, "foreign", _("Registration"), "%s", visit->journey->foreign_id);
    return true;
}

static const struct step step_registered = {
    .name = "registered",
    .title = N_("It is registered"),
    .text = N_("From now on it opens the members' page, and can sign as a security medium, as long as its "
               "institution "
               "calls it good."),
    .show = show_registered,
};

const struct step *const steps_register[] = {
    &step_certificate, &step_possession,   &step_check,      &step_code,
    &step_checking,    &step_registration, &step_registered, NULL};

// --- ending it

static bool show_which(struct visit *visit, struct view *view)
{
    struct act_foreign rows[FLOW_CHOICES];
    struct fail fail = {0};
    size_t count = 0;
    if (!foreign_list(visit->web->desk, visit->session->customer, rows, FLOW_CHOICES, &count, &fail))
        return visit_fail(visit, &fail, NULL);
    for (size_t i = 0; i < count; i++)
        view_choice(view, "foreign", rows[i].id, rows[i].institution, rows[i].subject);
    return view->choices > 0 || visit_refuse(visit, WEB_NOT_REGISTERED, NULL);
}

static bool take_which(struct visit *visit, const struct form *form)
{
    snprintf(visit->journey->foreign_id, sizeof visit->journey->foreign_id, "%s", form_get(form, "foreign"));
    return true;
}

static const struct step step_which = {
    .name = "which",
    .title = N_("Which registration ends"),
    .fields = {{.name = "foreign", .label = N_("Certificate"), .kind = FIELD_CHOICE}},
    .show = show_which,
    .take = take_which,
};

static bool take_end(struct visit *visit, const struct form *form)
{
    struct fail fail = {0};
    (void)form;
    if (!visit->journey->identity)
        return visit_refuse(visit, WEB_UNPROVED, NULL);
    return foreign_drop(visit->web->desk, visit->session->customer, visit->journey->foreign_id, &fail) ||
           visit_fail(visit, &fail, NULL);
}

static const struct step step_end = {
    .name = "end",
    .title = N_("Confirm"),
    .text = N_("With the next button the registration ends. The certificate itself is not touched."),
    .submit = N_("End the registration"),
    .fields = {{.name = "confirm", .label = N_("I want this to be done"), .kind = FIELD_AGREE}},
    .take = take_end,
};

static const struct step step_ended = {
    .name = "ended",
    .title = N_("The registration has ended"),
};

const struct step *const steps_unregister[] = {&step_which, &step_check, &step_code, &step_checking,
                                               &step_end,   &step_ended, NULL};
