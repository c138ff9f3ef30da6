// ingam key attest: what the card itself says about a key, and whether its maker stands for that.
#include "meet.h"
#include "p11/keypair.h"
#include "show.h"
#include "side.h"
#include "text.h"
#include "x509/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

// Yubico's extensions are 1.3.6.1.4.1.41482.3.x; the policies and form factors as it numbers them.
#define MAKER_ARC "1.3.6.1.4.1.41482.3."

static const char *const pin_words[] = {NULL, "never", "once", "always", "match-once", "match-always"};
static const char *const touch_words[] = {NULL, "never", "always", "cached"};
static const char *const form_words[] = {NULL,         "usb-a-keychain",  "usb-a-nano", "usb-c-keychain",
                                         "usb-c-nano", "usb-c-lightning", "usb-a-bio",  "usb-c-bio"};

struct attest {
    struct run *run;
    const struct piv_place *place;
    X509 *attestation, *maker;
};

// The bytes of one of the maker's extensions; 0: it is not there.
static size_t extension(const X509 *certificate, const char *number, const unsigned char **bytes)
{
    char oid[sizeof MAKER_ARC + 4];
    snprintf(oid, sizeof oid, MAKER_ARC "%s", number);
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = object != NULL ? X509_get_ext_by_OBJ(certificate, object, -1) : -1;
    ASN1_OBJECT_free(object);
    if (at < 0)
        return 0;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    *bytes = ASN1_STRING_get0_data(value);
    return (size_t)ASN1_STRING_length(value);
}

static void tell_word(struct run *run, const char *key, const char *label, const char *const *words,
                      size_t count, unsigned number)
{
    const char *word = number < count ? words[number] : NULL;
    char other[16];
    snprintf(other, sizeof other, "%u", number);
    tell(run, "%s: %s", label, word != NULL ? word : other);
    answer_text(run, key, word != NULL ? word : other);
}

#define WORDS(list) list, sizeof(list) / sizeof(list)[0]

static void tell_extensions(struct attest *attest)
{
    struct run *run = attest->run;
    const unsigned char *bytes;
    char text[32];
    if (extension(attest->attestation, "3", &bytes) == 3) {
        snprintf(text, sizeof text, "%u.%u.%u", bytes[0], bytes[1], bytes[2]);
        tell(run, "%s: %s", _("firmware"), text);
        answer_text(run, "firmware", text);
    }
    size_t length = extension(attest->attestation, "7", &bytes);
    ASN1_INTEGER *number = length > 0 ? d2i_ASN1_INTEGER(NULL, &bytes, (long)length) : NULL;
    uint64_t serial;
    if (number != NULL && ASN1_INTEGER_get_uint64(&serial, number) == 1) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)serial);
        tell(run, "%s: %s", _("serial number of the token"), text);
        answer_text(run, "token_serial", text);
    }
    ASN1_INTEGER_free(number);
    if (extension(attest->attestation, "8", &bytes) == 2) {
        tell_word(run, "pin_policy", _("PIN wanted"), WORDS(pin_words), bytes[0]);
        tell_word(run, "touch_policy", _("touch wanted"), WORDS(touch_words), bytes[1]);
    }
    if (extension(attest->attestation, "9", &bytes) == 1)
        tell_word(run, "form_factor", _("form"), WORDS(form_words), bytes[0] & 0x0F);
    ERR_clear_error();
}

// The attestation is of this card, and about the key that the token shows in the slot.
static enum exit_code check_own(struct attest *attest)
{
    struct run *run = attest->run;
    EVP_PKEY *shown = NULL, *told = X509_get0_pubkey(attest->attestation);
    EVP_PKEY *by = X509_get0_pubkey(attest->maker);
    if (by == NULL || X509_verify(attest->attestation, by) != 1)
        fault_set(&run->fault, EXIT_MISMATCH, _("The attestation is not signed by this token's maker key."));
    else if (session_open(&run->session, &run->module, &run->token, &run->fault) == EXIT_OK &&
             keypair_public(&run->session, attest->place->id, &shown, &run->fault) == EXIT_OK &&
             (told == NULL || (shown != NULL && EVP_PKEY_eq(shown, told) != 1)))
        fault_set(&run->fault, EXIT_MISMATCH, _("The attestation is about another key than that in slot %s."),
                  attest->place->number);
    EVP_PKEY_free(shown);
    ERR_clear_error();
    return run->fault.code;
}

// The chain to the maker's root that the person gave.
static enum exit_code check_root(struct attest *attest)
{
    struct run *run = attest->run;
    struct fault *fault = &run->fault, reason = {.code = EXIT_OK};
    STACK_OF(X509) *between = sk_X509_new_null();
    struct trust trust = {.ca_file = run->options.ca, .issuer = "", .untrusted = between};
    bool pin;
    if (between == NULL || sk_X509_push(between, attest->maker) == 0)
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    else if (trust_check(&trust, attest->attestation, X509_get0_pubkey(attest->attestation), &pin, &reason) !=
             EXIT_OK) {
        if (reason.code != EXIT_MISMATCH)
            *fault = reason;
        fault_set(fault, EXIT_MISMATCH, _("The attestation does not lead to a certificate in %s."),
                  run->options.ca);
        fault_why(fault, "%s", reason.why);
    }
    sk_X509_free(between);
    return fault->code;
}

static void give(struct run *run, const char *key, X509 *certificate)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (memory != NULL && PEM_write_bio_X509(memory, certificate) == 1 && BIO_write(memory, "", 1) == 1 &&
        BIO_get_mem_data(memory, &text) > 0) {
        answer_text(run, key, text);
        if (!run->options.json)
            fputs(text, stdout);
    }
    BIO_free(memory);
}

static enum exit_code attest_check(struct run *run)
{
    const struct piv_place *place;
    return show_place(run, &place);
}

static enum exit_code key_attest(struct run *run)
{
    struct attest attest = {.run = run};
    if (show_place(run, &attest.place) != EXIT_OK ||
        side_attest(&run->module, &run->token, attest.place, &attest.attestation, &attest.maker,
                    &run->fault) != EXIT_OK) {
        if (run->fault.code == EXIT_UNSUPPORTED || run->fault.code == EXIT_NOT_FOUND)
            fault_todo(&run->fault, _("Only YubiKeys attest, and only keys that were made on them: ingam key "
                                      "generate"));
        return run->fault.code;
    }
    if (check_own(&attest) == EXIT_OK && (run->options.ca == NULL || check_root(&attest) == EXIT_OK)) {
        const struct key_kind *kind = key_kind_of_public(X509_get0_pubkey(attest.attestation));
        answer_text(run, "slot", attest.place->number);
        tell(run, "%s: %s", _("key"), kind != NULL ? kind->name : _("another kind of key"));
        json_object_set_new(run->answer, "key_type", kind != NULL ? json_string(kind->name) : json_null());
        tell_extensions(&attest);
        json_object_set_new(run->answer, "verified", json_boolean(run->options.ca != NULL));
        give(run, "attestation", attest.attestation);
        give(run, "intermediate", attest.maker);
        say(run, "%s",
            run->options.ca != NULL
                ? _("The key was made on this token and cannot leave it: its maker vouches for that.")
                : _("Nobody has checked yet who made this token: give its maker's root certificate with --ca "
                    "FILE."));
    }
    X509_free(attest.attestation);
    X509_free(attest.maker);
    return run->fault.code;
}

static const struct option_row attest_rows[] = {
    SHOW_SLOT_ROW,
    {.name = "ca",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(ca),
     .value = N_("FILE"),
     .help = N_("check that it leads to the maker's root certificate in FILE")},
    {.name = NULL},
};

extern const struct command cmd_key_attest;

const struct command cmd_key_attest = {
    .noun = "key",
    .verb = "attest",
    .operands = "SLOT",
    .operands_most = 1,
    .summary = N_("have the token vouch for a key that was made on it"),
    .details = N_("What the token says about the key, then two certificates as PEM: the attestation, and the "
                  "one of the\ntoken that signed it."),
    .needs = NEED_TOKEN,
    .options = attest_rows,
    .check = attest_check,
    .run = key_attest,
};
