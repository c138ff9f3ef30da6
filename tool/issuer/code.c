// Makes reference numbers and authorization codes from OpenSSL's random generator.
#include "code.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

// Without 0, 1, O and I, which people mistake for one another (RFC 4648 clause 6 leaves out 0 and 1).
static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

bool code_make_reference(char reference[CODE_REFERENCE + 1])
{
    int at = 0;
    while (at < CODE_REFERENCE) {
        unsigned char byte = 0;
        if (RAND_bytes(&byte, 1) != 1)
            return false;
        if (byte < 250) // 250 is a multiple of ten: every digit is as likely
            reference[at++] = (char)('0' + byte % 10);
    }
    reference[at] = 0;
    return true;
}

bool code_make(char code[CODE_LENGTH + 1])
{
    unsigned char bytes[CODE_LENGTH];
    if (RAND_priv_bytes(bytes, sizeof bytes) != 1)
        return false;
    for (int at = 0; at < CODE_LENGTH; at++) {
        code[at] = letters[bytes[at] % 32];
        if (at % 6 == 5)
            code[at] = '-';
    }
    code[CODE_LENGTH] = 0;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return true;
}
