// Every function that a card's answers reach, one after another, over a card whose every answer is a caller's
// bytes.
#pragma once
#include "card/base/rd.h"

// Plays the whole program with a card that answers from script: each answer is a length byte pair, that many
// bytes of it and a status word; when it is used up the card falls silent. Ends the process by abort() when a
// promise is broken: an output after a failure, a value beyond its bounds, too many exchanges, a PIN sent
// where none was asked for.
void lying_card(struct rd script);
