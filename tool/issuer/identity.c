// Reads and hides identity numbers. The digits stand nowhere but in this file's memory, which is wiped.
#include "identity.h"

#include "words.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

struct kind {
    const char *name;
    size_t least, most;
    size_t shown; // digits at the beginning that a mask shows
    bool (*check)(const char *digits);
    const char *what; // in the message when it is wrong
};

static int two(const char *at)
{
    return (at[0] - '0') * 10 + at[1] - '0';
}

// Resident registration number: a date of birth and a digit of century and sex. The check digit is no rule
// any more for numbers given since October 2020, so it is not looked at.
static bool resident(const char *digits)
{
    int month = two(digits + 2);
    int day = two(digits + 4);
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// Business registration number: weights 1 3 7 1 3 7 1 3 5, the tens of the ninth product added.
static bool business(const char *digits)
{
    static const int weights[] = {1, 3, 7, 1, 3, 7, 1, 3, 5};
    int sum = (digits[8] - '0') * 5 / 10;
    for (int i = 0; i < 9; i++)
        sum += (digits[i] - '0') * weights[i];
    return (10 - sum % 10) % 10 == digits[9] - '0';
}

static const struct kind kinds[] = {
    {"individual", 13, 13, 7, resident,
     N_("a resident number has 13 digits and begins with a date of birth")},
    {"proprietor", 10, 10, 5, business,
     N_("a business number has 10 digits, the last of which checks the others")},
    {"corporation", 10, 10, 5, business,
     N_("a business number has 10 digits, the last of which checks the others")},
    {"account", 8, 16, 3, NULL, N_("an account number has 8 to 16 digits")},
};

static const struct kind *find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

static bool take_digits(const struct kind *kind, const struct secret *line, struct secret *digits,
                        struct fail *fail)
{
    digits->length = 0;
    for (size_t i = 0; i < line->length; i++) {
        char at = line->bytes[i];
        if (at >= '0' && at <= '9' && digits->length < IDENTITY_DIGITS)
            digits->bytes[digits->length++] = at;
        else if (at != '-' && at != ' ')
            return fail_with(fail, FAIL_USAGE, "%s", _(kind->what));
    }
    if (digits->length < kind->least || digits->length > kind->most ||
        (kind->check != NULL && !kind->check(digits->bytes)))
        return fail_with(fail, FAIL_USAGE, "%s", _(kind->what));
    return true;
}

static void mask(const struct kind *kind, const struct secret *digits, char text[IDENTITY_MASK])
{
    size_t at = 0;
    for (size_t i = 0; i < digits->length; i++) {
        if (i == 6 && kind->check == resident)
            text[at++] = '-';
        text[at] = '*';
        if (i < kind->shown)
            text[at] = digits->bytes[i];
        at++;
    }
    text[at] = 0;
}

static bool hash(const struct desk *desk, const struct kind *kind, const struct secret *digits,
                 unsigned char out[32])
{
    unsigned char bytes[1 + IDENTITY_DIGITS];
    unsigned size = 32;
    bytes[0] = (unsigned char)(kind->check == resident ? 'R' : kind->check == business ? 'B' : 'A');
    memcpy(bytes + 1, digits->bytes, digits->length);
    bool done = HMAC(EVP_sha256(), desk->identity, KEYS_SEAL, bytes, 1 + digits->length, out, &size) != NULL;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return done;
}

bool identity_take(const struct desk *desk, const char *kind_name, const struct secret *line,
                   const char *label, struct identity *identity, struct fail *fail)
{
    struct secret digits = {0};
    const struct kind *kind = find(kind_name);
    if (kind == NULL)
        return fail_with(fail, FAIL_USAGE,
                         _("unknown kind of customer '%s': use individual, proprietor or corporation"),
                         kind_name);
    bool done = take_digits(kind, line, &digits, fail);
    if (done) {
        mask(kind, &digits, identity->mask);
        identity->sealed_length = digits.length + SEAL_OVER;
        done = (hash(desk, kind, &digits, identity->hash) &&
                seal_close(desk->seal, label, digits.bytes, digits.length, identity->sealed)) ||
               fail_with(fail, FAIL_OTHER, _("the random generator fails"));
    }
    secret_wipe(&digits);
    return done;
}

bool identity_read(const struct desk *desk, const char *kind, const char *path, const char *label,
                   struct identity *identity, struct fail *fail)
{
    struct secret line = {0};
    bool done =
        file_read_secret(path, &line, fail) && identity_take(desk, kind, &line, label, identity, fail);
    secret_wipe(&line);
    return done;
}
