// Text on its way to a terminal: translation, and the rule that nothing foreign steers the terminal.
#pragma once

#include <libintl.h>
#include <stddef.h>
#include <stdio.h>

#define _(s)  gettext(s)
#define N_(s) s

// Opens the message catalogue that belongs to this program (beside it in the build tree, else installed).
void text_start(void);

// Decodes one UTF-8 sequence of s (not empty, NUL-terminated). Returns its length and sets *point, or returns
// 0 when the bytes are not UTF-8 (overlong, surrogate, cut short).
size_t text_decode(const char *s, unsigned long *point);

// Whether a terminal could act on this code point, or a reader be deceived by it: controls (C0, DEL, C1),
// line and paragraph separators, and what turns the direction of writing.
int text_steers(unsigned long point);

// Writes s to out (always NUL-terminated when size > 0) with each steering code point and each byte that is
// not UTF-8 shown as \xNN or \u{NNNN}. Returns the length the whole would have; cut at a whole character.
size_t text_escape(char *out, size_t size, const char *s);

// Prints s escaped as above.
void text_print(FILE *stream, const char *s);
