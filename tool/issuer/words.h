// Marks the texts that are translated, and says in which language.
#ifndef INGAM_ISSUER_WORDS_H
#define INGAM_ISSUER_WORDS_H

#include <stdbool.h>

#define _(text)  words_say(text)
#define N_(text) text

// The languages of the web pages; WORDS_LOCALE is the one of the program's environment.
enum words_language { WORDS_LOCALE, WORDS_KOREAN, WORDS_ENGLISH, WORDS_LANGUAGES };

// The text in the language of this thread.
const char *words_say(const char *text) __attribute__((format_arg(1)));

// Chooses the language of this thread from now on.
void words_use(enum words_language language);
enum words_language words_used(void);

// "ko", "en"; empty for WORDS_LOCALE.
const char *words_tag(enum words_language language);

// The language that an Accept-Language header (RFC 9110 12.5.4) likes best; Korean if it names none of ours.
enum words_language words_accepted(const char *header);

// Reads the message catalogues of the pages' languages, which need no locale of the system. False, and then
// the pages speak the language of the program's texts, when they are not where translations are. Before any
// thread.
bool words_load(void);

#endif
