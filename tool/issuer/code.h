// Reference numbers and authorization codes.
#ifndef INGAM_ISSUER_CODE_H
#define INGAM_ISSUER_CODE_H

#include <stdbool.h>

#define CODE_REFERENCE 12 // decimal digits; not a secret
#define CODE_LENGTH    23 // four groups of five characters of 5 bits each: 100 bits

bool code_make_reference(char reference[CODE_REFERENCE + 1]);
bool code_make(char code[CODE_LENGTH + 1]);

#endif
