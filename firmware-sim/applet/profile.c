/* The profiles, one row each. */
#include "applet/profile.h"

#include "applet/management.h"
#include "applet/oath.h"
#include "applet/piv.h"

#include <string.h>

#define BIT(kind)       (1U << (kind))
#define NIST_ALGORITHMS (BIT(CRYPTO_RSA_2048) | BIT(CRYPTO_RSA_3072) | BIT(CRYPTO_P256) | BIT(CRYPTO_P384))

/* The well-known value of SP 800-73 test cards and of most makers: 01..08 three times. */
#define WELL_KNOWN_KEY 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8

#define YUBIKEY_ALGORITHMS (BIT(CRYPTO_RSA_1024) | BIT(CRYPTO_RSA_2048) | BIT(CRYPTO_P256) | BIT(CRYPTO_P384))

/* What all YubiKeys of series 5 have in common. */
#define YUBIKEY(firmware)                                                                                    \
    .reader = "Yubico YubiKey CCID",                                                                         \
    .kind = {.applet = {&piv_applet, &oath_applet, &management_applet},                                      \
             .version = (firmware),                                                                          \
             .extended = true,                                                                               \
             .body_max = 3072},                                                                              \
    .features = PROFILE_ANY_OBJECT | PROFILE_ATTESTS | PROFILE_EMPTY_VERIFY_63C0,                            \
    .atr = {0x3B, 0xFD, 0x13, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x15, 0x80, 0x73, 0xC0,                          \
            0x21, 0xC0, 0x57, 'Y',  'u',  'b',  'i',  'K',  'e',  'y',  0x40},                               \
    .atr_len = 23, .pin = "123456", .puk = "12345678", .pin_tries = 3, .puk_tries = 3,                       \
    .management_key = {WELL_KNOWN_KEY}, .form_factor = 1, .applications = MANAGEMENT_PIV | MANAGEMENT_OATH,  \
    .object_max = 3063, /* public benchmark of a YubiKey 5, firmware 5.1 */                                  \
        .exchange_us = 1300, .byte_ns = 5900,                                                                \
    .time = {{0xA4, -1, 1300}, {0x20, -1, 9100}, {0x87, 0x07, 138000}, {0x87, 0x11, 72000}}

/* What plain PIV cards have in common. Times: public benchmark of a Certum card: SELECT 9.5 ms, certificate
 * 164, VERIFY 33, RSA-2048 269, P-256 158. */
#define PLAIN(takes_extended, extras)                                                                        \
    .reader = "Ingam simulator",                                                                             \
    .kind = {.applet = {&piv_applet},                                                                        \
             .extended = (takes_extended),                                                                   \
             .body_max = FW_BODY_MAX,                                                                        \
             .extensions = (extras)},                                                                        \
    .features = PROFILE_STRICT_PIN | PROFILE_IDENTIFIED, .algorithms = NIST_ALGORITHMS, .pin = "123456",     \
    .puk = "12345678", .pin_tries = 3, .puk_tries = 3, .management_algorithm = 0x03,                         \
    .management_key = {WELL_KNOWN_KEY}, .object_max = 12800, .exchange_us = 9500, .byte_ns = 150000,         \
    .time = {{0xA4, -1, 9500}, {0x20, -1, 33000}, {0x87, 0x07, 269000}, {0x87, 0x11, 158000}}

static const struct profile profiles[] = {
    {
        .name = "piv",
        .title = "plain PIV card, SP 800-73-4",
        PLAIN(true, 0),
        /* T=1; category 80: card capabilities (chaining, extended length), issuer's data "Ingam" */
        .atr = {0x3B, 0x8B, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x21, 0xC0, 0x55, 'I', 'n', 'g', 'a', 'm', 0xC1},
        .atr_len = 16,
    },
    {
        .name = "piv-short",
        .title = "the same without extended length",
        PLAIN(false, 0),
        /* card capabilities: chaining alone */
        .atr = {0x3B, 0x8B, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x21, 0x80, 0x55, 'I', 'n', 'g', 'a', 'm', 0x81},
        .atr_len = 16,
    },
    {
        .name = "otp-card",
        .title = "plain PIV card whose keys can want an HOTP code",
        PLAIN(true, PIV_EXTENSION_OTP),
        .atr = {0x3B, 0x8E, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x21, 0xC0, 0x58, 'I', 'n', 'g', 'a', 'm', 'O', 'T',
                'P', 0x82},
        .atr_len = 19,
    },
    {
        .name = "yubikey-5.4",
        .title = "YubiKey 5 with firmware 5.4.3: PIV and OATH",
        YUBIKEY(0x050403),
        .algorithms = YUBIKEY_ALGORITHMS,
        .management_algorithm = 0x03,
        .oath_max = 32,
    },
    {
        .name = "yubikey-5.7",
        .title = "YubiKey 5 with firmware 5.7.4: RSA-4096, Ed25519, AES-192",
        YUBIKEY(0x050704),
        .algorithms = YUBIKEY_ALGORITHMS | BIT(CRYPTO_RSA_3072) | BIT(CRYPTO_RSA_4096) | BIT(CRYPTO_ED25519) |
                      BIT(CRYPTO_X25519),
        .management_algorithm = 0x0A,
        .oath_max = 64,
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
