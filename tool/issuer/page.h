// Writes HTML into a growing buffer: what comes from a variable is escaped, always.
#ifndef INGAM_ISSUER_PAGE_H
#define INGAM_ISSUER_PAGE_H

#include <stdbool.h>
#include <stddef.h>

// A writer that remembers failure; asked once, at the end.
struct page {
    char *bytes;
    size_t length, room;
    bool failed;
};

// Writes a template. %s is a text, escaped for element content and quoted attributes; %d an int; %% itself.
void page_print(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Writes a text of ours as it is.
void page_raw(struct page *page, const char *literal);

// Wipes and frees it.
void page_free(struct page *page);

#endif
