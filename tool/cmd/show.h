// What several commands say about a certificate, and how they read the slot that they are given.
#pragma once

#include "p11/object.h"
#include "run.h"

// Prints subject, issuer, serial number and validity, each line after this indent, and puts them into the
// object.
void show_certificate(struct run *run, const char *indent, X509 *certificate, json_t *out);

// The slot of --slot or of the first operand. EXIT_USAGE if there is none, or no such slot.
enum exit_code show_place(struct run *run, const struct piv_place **out);

// The --slot row.
extern const struct option_row show_slot_rows[];
