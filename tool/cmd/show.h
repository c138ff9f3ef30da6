// What several commands say about a certificate, and how they read the slot that they are given.
#pragma once

#include "p11/object.h"
#include "run.h"

// Prints subject, issuer, serial number and validity, each line after this indent, and puts them into the
// object.
void show_certificate(struct run *run, const char *indent, X509 *certificate, json_t *out);

// Only the object.
void show_certificate_json(X509 *certificate, json_t *out);

// The slot of --slot or of the first operand. EXIT_USAGE if there is none, or no such slot.
enum exit_code show_place(struct run *run, const struct piv_place **out);

// The certificate in that slot. EXIT_NOT_FOUND if it has none. Opens the session if it isn't open.
enum exit_code show_there(struct run *run, const struct piv_place **place, X509 **certificate);

// A certificate from a file, PEM or DER, the caller's; NULL if there is none.
X509 *show_read_certificate(const char *path);

// The rows of commands that tell which certificates end soon.
#define SHOW_SOON_ROWS                                                                                       \
    {.name = "slot",                                                                                         \
     .kind = OPTION_TEXT,                                                                                    \
     .at = OPTION_AT(slot),                                                                                  \
     .value = N_("SLOT"),                                                                                    \
     .help = N_("only this slot (all if not said)")},                                                        \
    {                                                                                                        \
        .name = "days", .kind = OPTION_NUMBER, .at = OPTION_AT(days), .given_at = OPTION_AT(days_given),     \
        .most = 36500, .value = N_("DAYS"), .help = N_("how near the end counts as soon (30 if not said)")   \
    }
// The --slot row, for a table with more rows; and the table that has only this one.
#define SHOW_SLOT_ROW                                                                                        \
    {                                                                                                        \
        .name = "slot", .kind = OPTION_TEXT, .at = OPTION_AT(slot), .value = N_("SLOT"),                     \
        .help = N_("the slot: 9a, 9c, 9d, 9e, 82 to 95, or auth, sign, kem, card")                           \
    }
extern const struct option_row show_slot_rows[];
