/* What the module says to people, in English or Korean as the environment asks. The programs that load the
 * module choose their locale, or none, for themselves: theirs isn't looked at and isn't changed. */
#pragma once

enum word {
    WORD_OK,
    WORD_CANCEL,
    WORD_ABOUT, /* %s token, %s serial number */
    WORD_TRIES, /* %s */
    WORD_EACH_USE,
    WORD_EACH_CODE,
    WORD_AND_CODE,
    WORD_PIN, /* names of what is asked for */
    WORD_PUK,
    WORD_KEY,
    WORD_KEY_OR_PUK,
    WORD_ACCESS,
    WORD_CODE,
    WORD_CURRENT, /* prompts; %s is a name */
    WORD_NEW,
    WORD_AGAIN,
    WORD_DIFFER,
    WORD_LENGTH, /* %s is a name */
    WORDS
};

const char *words(enum word w);
/* The locale that the environment names for a category ("LC_MESSAGES"); NULL: none. */
const char *words_locale(const char *category);
