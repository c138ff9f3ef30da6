// Marks the texts that are translated.
#ifndef INGAM_ISSUER_WORDS_H
#define INGAM_ISSUER_WORDS_H

#include <libintl.h>

#define _(text)  dgettext("ingam", text)
#define N_(text) text

#endif
