/* The rows of each object class, for the files of object/ only. */
#pragma once
#include "object/attr.h"

#define ROWS(array) array, sizeof(array) / sizeof((array)[0])

extern const struct attr_rows rows_object;  /* 4.4: every object */
extern const struct attr_rows rows_storage; /* 4.4.1 */
extern const struct attr_rows rows_key;     /* 4.7 */
extern const struct attr_rows rows_secret;  /* 4.10: what all kinds of secret keys have */

/* Each class: an array of its kinds, ended by a row without a name. */
extern const struct attr_rows rows_certificate[];
extern const struct attr_rows rows_public_key[];
extern const struct attr_rows rows_private_key[];
extern const struct attr_rows rows_secret_key[];
extern const struct attr_rows rows_otp_key[];
extern const struct attr_rows rows_data[];
extern const struct attr_rows rows_profile[];
extern const struct attr_rows rows_feature[];
