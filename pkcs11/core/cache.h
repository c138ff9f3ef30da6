/* Certificates kept on disk, where the user wants it (setting `cache`): one file a card, named after the
 * card's identity, with certificate objects as they stand on the card.
 *
 * A kept certificate counts only when the card, asked for the first part of the object, gives the same bytes
 * and length now, and these hold serial number, issuer and validity: so one that another program renewed is
 * seen as always. What saves exchanges are the further parts, on cards without extended length. Files are
 * hostile until they fit; nothing that wants a PIN is ever in them. */
#pragma once
#include "core/core.h"

/* As piv_read_certificate, inside a transaction. 1 / 1 for one that is kept and unchanged; one more than that
 * where it changed. */
MUST_USE enum err cache_certificate(struct slot *s, const struct piv_slot *slot, uint8_t *out, size_t *len);
/* Writes what is new to the card's file. 0 exchanges; failure is no error, the next program then reads. */
void cache_keep(struct slot *s);
void cache_free(struct slot *s);
