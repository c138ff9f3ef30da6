// A credential that is to be made, from an otpauth:// URI, a picture of one, or by hand.
#pragma once

#include "card/oath/oath.h"
#include "run.h"

struct otp_recipe {
    enum oath_type type;
    enum oath_hash hash;
    unsigned digits, period; // period: seconds, TOTP
    uint32_t counter;        // HOTP: the first value
    char issuer[OATH_NAME_MAX + 1], account[OATH_NAME_MAX + 1];
    struct secret *secret; // its bytes as the card takes them; the caller's to free
};

// Options: where the secret comes from, and what the codes are like.
#define RECIPE_SECRET_ROWS                                                                                   \
    {.name = "secret-file",                                                                                  \
     .kind = OPTION_TEXT,                                                                                    \
     .at = OPTION_AT(secret_file),                                                                           \
     .value = N_("FILE"),                                                                                    \
     .help = N_("read the secret, in base32, from the first line of FILE (else asked)")},                    \
        {.name = "generate",                                                                                 \
         .kind = OPTION_FLAG,                                                                                \
         .at = OPTION_AT(generate),                                                                          \
         .help = N_("make a new secret")},                                                                   \
    {                                                                                                        \
        .name = "qr", .kind = OPTION_FLAG, .at = OPTION_AT(qr),                                              \
        .help = N_("show the secret as a QR code on the terminal, for a phone")                              \
    }
#define RECIPE_CODE_ROWS                                                                                     \
    {.name = "digits",                                                                                       \
     .kind = OPTION_NUMBER,                                                                                  \
     .at = OPTION_AT(digits),                                                                                \
     .least = 6,                                                                                             \
     .most = 8,                                                                                              \
     .value = N_("NUMBER"),                                                                                  \
     .help = N_("how long the codes are (6 if not said)")},                                                  \
    {                                                                                                        \
        .name = "counter", .kind = OPTION_NUMBER, .at = OPTION_AT(counter),                                  \
        .given_at = OPTION_AT(counter_given), .most = 4294967295U, .value = N_("NUMBER"),                    \
        .help = N_("where the counter of type hotp begins (0 if not said)")                                  \
    }

// Reads an otpauth:// URI (Google's "Key Uri Format"). A part that is unknown is skipped; one that is known
// and wrong is a fault (EXIT_USAGE) that does not repeat the secret.
enum exit_code recipe_from_uri(struct run *run, struct rd uri, struct otp_recipe *recipe);

// The one QR code in this PNG file that holds such a URI, as a secret.
enum exit_code recipe_read_picture(struct run *run, const char *path, struct secret **uri);

// Sets the secret from base32, as it is printed for people: blanks, dashes and small letters are fine.
enum exit_code recipe_take_base32(struct run *run, struct rd text, struct otp_recipe *recipe);
// A fresh one, as long as the hash's value.
enum exit_code recipe_generate(struct run *run, struct otp_recipe *recipe);

// From the options above: generated, from a file, or asked.
enum exit_code recipe_ask_secret(struct run *run, struct otp_recipe *recipe);

// Sets issuer and account from "ISSUER:ACCOUNT" or "ACCOUNT".
enum exit_code recipe_take_name(struct run *run, const char *name, struct otp_recipe *recipe);

// Shows the recipe as a QR code on the terminal (standard error), and says what to do with it.
enum exit_code recipe_show_picture(struct run *run, const struct otp_recipe *recipe);
