/* The profiles, one row each. */
#include "applet/profile.h"

#include "applet/piv.h"

#include <string.h>

#define BIT(kind)       (1U << (kind))
#define NIST_ALGORITHMS (BIT(CRYPTO_RSA_2048) | BIT(CRYPTO_RSA_3072) | BIT(CRYPTO_P256) | BIT(CRYPTO_P384))

/* The well-known value of SP 800-73 test cards and of most makers: 01..08 three times. */
#define WELL_KNOWN_KEY 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8

static const struct profile profiles[] = {
    {
        .name = "piv",
        .title = "plain PIV card, SP 800-73-4",
        .reader = "Ingam simulator",
        .kind = {.applet = {&piv_applet}, .extended = true, .body_max = FW_BODY_MAX},
        .features = PROFILE_STRICT_PIN | PROFILE_IDENTIFIED,
        .algorithms = NIST_ALGORITHMS,
        /* T=1; category 80: card capabilities (chaining, extended length), issuer's data "Ingam" */
        .atr = {0x3B, 0x8B, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x21, 0xC0, 0x55, 'I', 'n', 'g', 'a', 'm', 0xC1},
        .atr_len = 16,
        .pin = "123456",
        .puk = "12345678",
        .pin_tries = 3,
        .puk_tries = 3,
        .management_algorithm = 0x03,
        .management_key = {WELL_KNOWN_KEY},
        .object_max = 12800,
    },
};

const struct profile *profile_at(size_t n)
{
    return n < sizeof profiles / sizeof profiles[0] ? &profiles[n] : NULL;
}

const struct profile *profile_find(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}

const struct profile *profile_of(const struct fw_card *card)
{
    /* kind is the first member of the row it stands in */
    return (const struct profile *)(const void *)card->kind;
}
