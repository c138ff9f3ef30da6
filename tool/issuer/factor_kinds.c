// How each kind of second factor asks and checks: HOTP (RFC 4226) and TOTP (RFC 6238) by liboath, the
// security card, a signature by another certificate of the same customer.
#include "factor.h"

#include "foreign.h"
#include "words.h"

#include <liboath/oath.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOTP_AHEAD  10 // answers that may have been made and not used
#define TOTP_STEP   30 // seconds
#define TOTP_AROUND 1  // steps before and after
#define DIGITS      6
#define CARD_LEAST  10 // numbers on a security card
#define CARD_MOST   99
#define CARD_CODE   4 // digits of each

// A text of digits of exactly this length, from the answer's first line.
bool factor_digits(const struct factor_answer *answer, size_t length, char *text)
{
    size_t at = 0;
    while (at < answer->length && answer->bytes[at] >= '0' && answer->bytes[at] <= '9' && at < length) {
        text[at] = (char)answer->bytes[at];
        at++;
    }
    text[at] = 0;
    while (at < answer->length && (answer->bytes[at] == '\n' || answer->bytes[at] == '\r'))
        at++;
    return strlen(text) == length && at == answer->length;
}

// The first line.
static size_t line(const unsigned char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && bytes[at] != '\n' && bytes[at] != '\r')
        at++;
    return at;
}

static bool missing(struct fail *fail)
{
    return fail_with(fail, FAIL_USAGE, _("--%s %s is missing"), "secret-file", "FILE");
}

// OATH: base32 as on the device's paper. RFC 4226 4 R6: at least 128 bits.
static bool read_oath(const unsigned char *bytes, size_t length, struct factor_secret *secret,
                      struct fail *fail)
{
    char *decoded = NULL;
    if (length == 0)
        return missing(fail);
    bool done =
        oath_base32_decode((const char *)bytes, line(bytes, length), &decoded, &secret->length) == OATH_OK &&
        secret->length >= 16 && secret->length <= 64;
    if (done)
        memcpy(secret->bytes, decoded, secret->length);
    if (decoded != NULL)
        OPENSSL_cleanse(decoded, secret->length);
    free(decoded);
    return done || fail_with(fail, FAIL_USAGE, _("the secret must be base32 of 16 to 64 bytes"));
}

static bool check_hotp(const struct factor *factor, struct factor_answer *answer)
{
    char text[DIGITS + 1];
    if (!factor_digits(answer, DIGITS, text))
        return false;
    int ahead = oath_hotp_validate((const char *)factor->secret.bytes, factor->secret.length,
                                   (uint64_t)factor->moving, HOTP_AHEAD, text);
    OPENSSL_cleanse(text, sizeof text);
    answer->moving = factor->moving + ahead + 1;
    return ahead >= 0;
}

// The step that the answer belongs to must be later than the last one used (RFC 6238 5.2).
static bool check_totp(const struct factor *factor, struct factor_answer *answer)
{
    char text[DIGITS + 1];
    bool right = false;
    if (!factor_digits(answer, DIGITS, text))
        return false;
    for (int64_t step = answer->now / TOTP_STEP - TOTP_AROUND; step <= answer->now / TOTP_STEP + TOTP_AROUND;
         step++) {
        char expected[DIGITS + 1];
        if (step > factor->moving &&
            oath_hotp_generate((const char *)factor->secret.bytes, factor->secret.length, (uint64_t)step,
                               DIGITS, false, OATH_HOTP_DYNAMIC_TRUNCATION, expected) == OATH_OK &&
            CRYPTO_memcmp(expected, text, DIGITS) == 0 && !right) {
            right = true;
            answer->moving = step;
        }
        OPENSSL_cleanse(expected, sizeof expected);
    }
    OPENSSL_cleanse(text, sizeof text);
    return right;
}

// A security card is a grid of numbers of four digits, kept one after the other.
static bool read_card(const unsigned char *bytes, size_t length, struct factor_secret *secret,
                      struct fail *fail)
{
    bool done = true;
    if (length == 0)
        return missing(fail);
    for (size_t i = 0; i < length && done; i++) {
        if (bytes[i] >= '0' && bytes[i] <= '9' && secret->length < CARD_MOST * CARD_CODE)
            secret->bytes[secret->length++] = bytes[i];
        else // blanks stand between codes, not inside them
            done = strchr(" \t\r\n", bytes[i]) != NULL && secret->length % CARD_CODE == 0;
    }
    done = done && secret->length % CARD_CODE == 0 && secret->length >= CARD_LEAST * CARD_CODE;
    return done || fail_with(fail, FAIL_USAGE, _("a security card has %d to %d numbers of %d digits"),
                             CARD_LEAST, CARD_MOST, CARD_CODE);
}

bool factor_below(unsigned limit, unsigned *number)
{
    unsigned char byte = 0;
    do {
        if (RAND_priv_bytes(&byte, 1) != 1)
            return false;
    } while (byte >= 256 / limit * limit);
    *number = byte % limit;
    return true;
}

// Two different numbers of the card: the first two digits of one, the last two of the other.
static bool ask_card(struct factor *factor)
{
    unsigned count = (unsigned)(factor->secret.length / CARD_CODE);
    unsigned first = 0;
    unsigned second = 0;
    if (count < CARD_LEAST || !factor_below(count, &first))
        return false;
    do {
        if (!factor_below(count, &second))
            return false;
    } while (second == first);
    snprintf(factor->challenge, sizeof factor->challenge, "%02u:12 %02u:34", first + 1, second + 1);
    return true;
}

// The two numbers of "07:12 23:34", each from 1 to `count`.
static bool read_asked(const char *challenge, unsigned long count, unsigned long *first,
                       unsigned long *second)
{
    char *end = NULL;
    *first = strtoul(challenge, &end, 10);
    if (strncmp(end, ":12 ", 4) != 0)
        return false;
    *second = strtoul(end + 4, &end, 10);
    return strcmp(end, ":34") == 0 && *first >= 1 && *first <= count && *second >= 1 && *second <= count;
}

static bool check_card(const struct factor *factor, struct factor_answer *answer)
{
    char text[CARD_CODE + 1];
    unsigned long first = 0;
    unsigned long second = 0;
    answer->moving = factor->moving + 1;
    if (!factor_digits(answer, CARD_CODE, text) ||
        !read_asked(factor->challenge, factor->secret.length / CARD_CODE, &first, &second))
        return false;
    const unsigned char *codes = factor->secret.bytes;
    int wrong = CRYPTO_memcmp(text, codes + (first - 1) * CARD_CODE, 2) |
                CRYPTO_memcmp(text + 2, codes + (second - 1) * CARD_CODE + 2, 2);
    OPENSSL_cleanse(text, sizeof text);
    return wrong == 0;
}

// The certificate that signed: one of this desk's, or a registered one of another institution; it must stand
// and be the same customer's.
static X509 *signer(const struct factor *factor, const struct factor_answer *answer)
{
    struct registry_standing standing;
    const unsigned char *at = standing.der;
    if (answer->serial == NULL)
        return NULL;
    if (answer->serial[0] == 'X')
        return foreign_of(answer->desk, factor->customer, answer->serial);
    if (registry_standing(answer->desk->registry, answer->serial, &standing) != REGISTRY_DONE ||
        strcmp(standing.customer, factor->customer) != 0 || strcmp(standing.state, "confirmed") != 0 ||
        strcmp(standing.status, "valid") != 0 || standing.not_after <= answer->now)
        return NULL;
    return d2i_X509(NULL, &at, (long)standing.length);
}

// SHA-256 over the challenge's text.
static bool check_signature(const struct factor *factor, struct factor_answer *answer)
{
    answer->moving = factor->moving + 1;
    X509 *certificate = signer(factor, answer);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool right =
        certificate != NULL && context != NULL &&
        EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(certificate)) == 1 &&
        EVP_DigestVerify(context, answer->bytes, answer->length, (const unsigned char *)factor->challenge,
                         strlen(factor->challenge)) == 1;
    EVP_MD_CTX_free(context);
    X509_free(certificate);
    ERR_clear_error();
    return right;
}

const struct factor_kind factor_kinds[] = {
    {"hotp", "factor", 5, 300, false, read_oath, NULL, check_hotp},
    {"totp", "factor", 5, 300, false, read_oath, NULL, check_totp},
    {"mobile-otp", "factor", 5, 300, false, read_oath, NULL, check_totp},
    {"card", "factor", 5, 300, false, read_card, ask_card, check_card},
    {"signature", "factor", 5, 300, false, factor_read_none, factor_ask_words, check_signature},
    {"mobile-pin", "factor", 5, 300, false, factor_read_pin, factor_ask_words, factor_check_words},
    {"account", "account", 5, 300, false, factor_read_account, NULL, factor_check_words},
    // One answer of a hundred is right: three tries, and each needs a new code.
    {"phone-code", "identity", 3, 180, true, factor_read_none, factor_ask_code, factor_check_code},
    {NULL, NULL, 0, 0, false, NULL, NULL, NULL},
};
