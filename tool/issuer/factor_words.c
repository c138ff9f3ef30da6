// Factors that people remember (the password of an account, the PIN of a mobile certificate: PBKDF2, NIST SP
// 800-132), and the code of two digits that comes by text message.
#include "factor.h"

#include "words.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define SALT           16
#define HASH           32
#define ROUNDS         100000
#define ACCOUNT_DIGITS 4
#define PIN_DIGITS     6
#define CODE_DIGITS    2

static bool derive(const char *text, const unsigned char *salt, unsigned char hash[HASH])
{
    return PKCS5_PBKDF2_HMAC(text, (int)strlen(text), salt, SALT, ROUNDS, EVP_sha256(), HASH, hash) == 1;
}

// The first line must be this many digits; what is kept is the number of digits, a salt, and the hash.
static bool read_digits(const unsigned char *bytes, size_t length, size_t digits, bool weak_too,
                        struct factor_secret *secret)
{
    struct factor_answer line = {.length = length};
    char text[PIN_DIGITS + 1];
    bool steps[3] = {true, true, true}; // all the same, rising, falling
    if (length == 0 || length > sizeof line.bytes)
        return false;
    memcpy(line.bytes, bytes, length);
    bool good = factor_digits(&line, digits, text);
    for (size_t i = 1; good && i < digits; i++) {
        steps[0] = steps[0] && text[i] == text[i - 1];
        steps[1] = steps[1] && text[i] == text[i - 1] + 1;
        steps[2] = steps[2] && text[i] == text[i - 1] - 1;
    }
    good = good && (weak_too || (!steps[0] && !steps[1] && !steps[2]));
    secret->bytes[0] = (unsigned char)digits;
    secret->length = 1 + SALT + HASH;
    good = good && RAND_bytes(secret->bytes + 1, SALT) == 1 &&
           derive(text, secret->bytes + 1, secret->bytes + 1 + SALT);
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(line.bytes, sizeof line.bytes);
    return good;
}

bool factor_read_account(const unsigned char *bytes, size_t length, struct factor_secret *secret,
                         struct fail *fail)
{
    return read_digits(bytes, length, ACCOUNT_DIGITS, true, secret) ||
           fail_with(fail, FAIL_USAGE, _("the password of an account has %d digits"), ACCOUNT_DIGITS);
}

bool factor_read_pin(const unsigned char *bytes, size_t length, struct factor_secret *secret,
                     struct fail *fail)
{
    return read_digits(bytes, length, PIN_DIGITS, false, secret) ||
           fail_with(fail, FAIL_USAGE, _("the PIN has %d digits, not all the same and not in a row"),
                     PIN_DIGITS);
}

bool factor_read_none(const unsigned char *bytes, size_t length, struct factor_secret *secret,
                      struct fail *fail)
{
    (void)bytes;
    secret->length = 1;
    return length == 0 || fail_with(fail, FAIL_USAGE, _("this kind of factor has no secret"));
}

// A text that is new each time: what is answered to it counts once.
bool factor_ask_words(struct factor *factor)
{
    unsigned char bytes[24];
    int at = snprintf(factor->challenge, sizeof factor->challenge, "ingam-");
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        at += snprintf(factor->challenge + at, sizeof factor->challenge - (size_t)at, "%02x", bytes[i]);
    return true;
}

bool factor_ask_code(struct factor *factor)
{
    unsigned code = 0;
    if (!factor_ask_words(factor) || !factor_below(100, &code))
        return false;
    char text[CODE_DIGITS + 1] = {(char)('0' + code / 10), (char)('0' + code % 10), 0};
    memcpy(factor->secret.bytes, text, CODE_DIGITS);
    factor->secret.length = CODE_DIGITS;
    OPENSSL_cleanse(text, sizeof text);
    return true;
}

bool factor_check_words(const struct factor *factor, struct factor_answer *answer)
{
    char text[PIN_DIGITS + 1];
    unsigned char hash[HASH];
    const unsigned char *secret = factor->secret.bytes;
    answer->moving = factor->moving + 1;
    bool right = factor->secret.length == 1 + SALT + HASH && secret[0] <= PIN_DIGITS &&
                 factor_digits(answer, secret[0], text) && derive(text, secret + 1, hash) &&
                 CRYPTO_memcmp(hash, secret + 1 + SALT, HASH) == 0;
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(hash, sizeof hash);
    return right;
}

bool factor_check_code(const struct factor *factor, struct factor_answer *answer)
{
    char text[CODE_DIGITS + 1];
    answer->moving = factor->moving + 1;
    bool right = factor->secret.length == CODE_DIGITS && factor_digits(answer, CODE_DIGITS, text) &&
                 CRYPTO_memcmp(text, factor->secret.bytes, CODE_DIGITS) == 0;
    OPENSSL_cleanse(text, sizeof text);
    return right;
}
