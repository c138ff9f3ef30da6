// The rows. Slots, objects and identifiers: SP 800-73-4 part 1, tables 2, 3, 4b and 5. Algorithms: SP
// 800-78-4 table 6-2.
#include "card/piv/table.h"

#include <string.h>
#include <strings.h>

#include "card/driver/driver.h"

#define RETIRED(i)                                                                                           \
    {                                                                                                        \
        .ref = 0x81 + (i), .object = 0x5FC10C + (i), .pin = PIV_PIN_ONCE, .retired = (i),                    \
        .word = "retired" #i, .name = "Retired Key Management " #i                                           \
    }

static const struct piv_slot slots[] = {
    {.ref = 0x9A, .object = 0x5FC105, .pin = PIV_PIN_ONCE, .word = "auth", .name = "PIV Authentication"},
    {.ref = 0x9C, .object = 0x5FC10A, .pin = PIV_PIN_ALWAYS, .word = "sign", .name = "Digital Signature"},
    {.ref = 0x9D, .object = 0x5FC10B, .pin = PIV_PIN_ONCE, .word = "kem", .name = "Key Management"},
    {.ref = 0x9E, .object = 0x5FC101, .pin = PIV_PIN_NEVER, .word = "card", .name = "Card Authentication"},
    RETIRED(1),
    RETIRED(2),
    RETIRED(3),
    RETIRED(4),
    RETIRED(5),
    RETIRED(6),
    RETIRED(7),
    RETIRED(8),
    RETIRED(9),
    RETIRED(10),
    RETIRED(11),
    RETIRED(12),
    RETIRED(13),
    RETIRED(14),
    RETIRED(15),
    RETIRED(16),
    RETIRED(17),
    RETIRED(18),
    RETIRED(19),
    RETIRED(20),
    {.ref = PIV_REF_ATTEST,
     .object = PIV_TAG_ATTEST,
     .pin = PIV_PIN_NEVER,
     .word = "attest",
     .name = "Attestation"},
};

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

const struct piv_slot *piv_slot_at(size_t index)
{
    return index < PIV_SLOTS ? &slots[index] : NULL;
}

const struct piv_slot *piv_slot_by_ref(uint8_t ref)
{
    for (size_t i = 0; i < COUNT(slots); i++)
        if (slots[i].ref == ref)
            return &slots[i];
    return NULL;
}

const struct piv_slot *piv_slot_by_object(uint32_t object)
{
    for (size_t i = 0; i < COUNT(slots); i++)
        if (slots[i].object == object)
            return &slots[i];
    return NULL;
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

const struct piv_slot *piv_slot_by_name(const char *text)
{
    for (size_t i = 0; i < COUNT(slots); i++)
        if (strcasecmp(slots[i].word, text) == 0)
            return &slots[i];
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    if (strlen(text) != 2 || digit(text[0]) < 0 || digit(text[1]) < 0)
        return NULL;
    return piv_slot_by_ref((uint8_t)(digit(text[0]) << 4 | digit(text[1])));
}

#define RETIRED_OBJECT(i)                                                                                    \
    {                                                                                                        \
        .tag = 0x5FC10C + (i), .name = "Retired X.509 Certificate for Key Management " #i,                   \
        .oid = "2.16.840.1.101.3.7.2.16." #i, .certificate = true                                            \
    }

static const struct piv_object objects[] = {
    {0x5FC107, "Card Capability Container", "2.16.840.1.101.3.7.1.219.0", false, false},
    {0x5FC102, "Card Holder Unique Identifier", "2.16.840.1.101.3.7.48.0", false, false},
    {0x5FC105, "X.509 Certificate for PIV Authentication", "2.16.840.1.101.3.7.2.1.1", false, true},
    {0x5FC103, "Cardholder Fingerprints", "2.16.840.1.101.3.7.2.96.16", true, false},
    {0x5FC106, "Security Object", "2.16.840.1.101.3.7.2.144.0", false, false},
    {0x5FC108, "Cardholder Facial Image", "2.16.840.1.101.3.7.2.96.48", true, false},
    {0x5FC101, "X.509 Certificate for Card Authentication", "2.16.840.1.101.3.7.2.5.0", false, true},
    {0x5FC10A, "X.509 Certificate for Digital Signature", "2.16.840.1.101.3.7.2.1.0", false, true},
    {0x5FC10B, "X.509 Certificate for Key Management", "2.16.840.1.101.3.7.2.1.2", false, true},
    {0x5FC109, "Printed Information", "2.16.840.1.101.3.7.2.48.1", true, false},
    {0x7E, "Discovery Object", "2.16.840.1.101.3.7.2.96.80", false, false},
    {0x5FC10C, "Key History Object", "2.16.840.1.101.3.7.2.96.96", false, false},
    RETIRED_OBJECT(1),
    RETIRED_OBJECT(2),
    RETIRED_OBJECT(3),
    RETIRED_OBJECT(4),
    RETIRED_OBJECT(5),
    RETIRED_OBJECT(6),
    RETIRED_OBJECT(7),
    RETIRED_OBJECT(8),
    RETIRED_OBJECT(9),
    RETIRED_OBJECT(10),
    RETIRED_OBJECT(11),
    RETIRED_OBJECT(12),
    RETIRED_OBJECT(13),
    RETIRED_OBJECT(14),
    RETIRED_OBJECT(15),
    RETIRED_OBJECT(16),
    RETIRED_OBJECT(17),
    RETIRED_OBJECT(18),
    RETIRED_OBJECT(19),
    RETIRED_OBJECT(20),
    {0x5FC121, "Cardholder Iris Images", "2.16.840.1.101.3.7.2.16.21", true, false},
    {0x7F61, "Biometric Information Templates Group Template", "2.16.840.1.101.3.7.2.16.22", false, false},
    {0x5FC122, "Secure Messaging Certificate Signer", "2.16.840.1.101.3.7.2.16.23", false, false},
    {0x5FC123, "Pairing Code Reference Data Container", "2.16.840.1.101.3.7.2.16.24", true, false},
    {PIV_TAG_ATTEST, "Attestation Certificate", NULL, false, true},
};

const struct piv_object *piv_object_at(size_t index)
{
    return index < COUNT(objects) ? &objects[index] : NULL;
}

const struct piv_object *piv_object_by_tag(uint32_t tag)
{
    for (size_t i = 0; i < COUNT(objects); i++)
        if (objects[i].tag == tag)
            return &objects[i];
    return NULL;
}

static const struct piv_algorithm algorithms[] = {
    {0x06, PIV_RSA, 1024, 128, 0, 0, "RSA1024", NULL},
    {0x07, PIV_RSA, 2048, 256, 0, 0, "RSA2048", NULL},
    {0x05, PIV_RSA, 3072, 384, 0, CAP_RSA_LARGE, "RSA3072", NULL},
    {0x16, PIV_RSA, 4096, 512, 0, CAP_RSA_LARGE, "RSA4096", NULL},
    {0x11, PIV_EC, 256, 32, 65, 0, "ECCP256", "1.2.840.10045.3.1.7"},
    {0x14, PIV_EC, 384, 48, 97, 0, "ECCP384", "1.3.132.0.34"},
    {0xE0, PIV_ED25519, 255, 32, 32, CAP_CURVE25519, "ED25519", "1.3.101.112"},
    {0xE1, PIV_X25519, 255, 32, 32, CAP_CURVE25519, "X25519", "1.3.101.110"},
};

const struct piv_algorithm *piv_algorithm_at(size_t index)
{
    return index < COUNT(algorithms) ? &algorithms[index] : NULL;
}

const struct piv_algorithm *piv_algorithm_by_id(uint8_t id)
{
    for (size_t i = 0; i < COUNT(algorithms); i++)
        if (algorithms[i].id == id)
            return &algorithms[i];
    return NULL;
}

const struct piv_algorithm *piv_algorithm_by(enum piv_kind kind, unsigned bits)
{
    for (size_t i = 0; i < COUNT(algorithms); i++)
        if (algorithms[i].kind == kind && algorithms[i].bits == bits)
            return &algorithms[i];
    return NULL;
}

const struct piv_algorithm *piv_algorithm_by_name(const char *name)
{
    for (size_t i = 0; i < COUNT(algorithms); i++)
        if (strcasecmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

static const struct piv_cipher ciphers[] = {
    {0x03, 24, 8, "3DES"},
    {0x08, 16, 16, "AES128"},
    {0x0A, 24, 16, "AES192"},
    {0x0C, 32, 16, "AES256"},
};

const struct piv_cipher *piv_cipher_at(size_t index)
{
    return index < COUNT(ciphers) ? &ciphers[index] : NULL;
}

const struct piv_cipher *piv_cipher_by_id(uint8_t id)
{
    for (size_t i = 0; i < COUNT(ciphers); i++)
        if (ciphers[i].id == id)
            return &ciphers[i];
    return NULL;
}

const struct piv_cipher *piv_cipher_by_name(const char *name)
{
    for (size_t i = 0; i < COUNT(ciphers); i++)
        if (strcasecmp(ciphers[i].name, name) == 0)
            return &ciphers[i];
    return NULL;
}

enum piv_pin piv_pin_of(const struct piv_slot *slot, enum piv_pin policy)
{
    return policy == PIV_PIN_DEFAULT ? slot->pin : policy;
}
