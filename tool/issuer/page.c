// The one place where texts become HTML.
#include "page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void put(struct page *page, const char *bytes, size_t length)
{
    if (page->failed || length == 0)
        return;
    if (page->room - page->length < length) {
        size_t room = page->room == 0 ? 8192 : page->room;
        while (room - page->length < length)
            room *= 2;
        char *more = malloc(room);
        page->failed = more == NULL;
        if (more == NULL)
            return;
        // A page may show a code: no copy of it stays behind.
        if (page->bytes != NULL) {
            memcpy(more, page->bytes, page->length);
            explicit_bzero(page->bytes, page->length);
        }
        free(page->bytes);
        page->bytes = more;
        page->room = room;
    }
    memcpy(page->bytes + page->length, bytes, length);
    page->length += length;
}

static void put_escaped(struct page *page, const char *text)
{
    static const char *const names[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    while (*text != 0) {
        size_t plain = strcspn(text, "&<>\"'");
        put(page, text, plain);
        text += plain;
        if (*text != 0) {
            const char *name = names[(unsigned char)*text++];
            put(page, name, strlen(name));
        }
    }
}

void page_print(struct page *page, const char *format, ...)
{
    char digits[16];
    va_list args;
    va_start(args, format);
    while (*format != 0) {
        size_t plain = strcspn(format, "%");
        put(page, format, plain);
        format += plain;
        if (*format == 0)
            break;
        switch (format[1]) {
        case 's':
            put_escaped(page, va_arg(args, const char *));
            break;
        case 'd':
            put(page, digits, (size_t)snprintf(digits, sizeof digits, "%d", va_arg(args, int)));
            break;
        case '%':
            put(page, "%", 1);
            break;
        default: // a template of ours is wrong
            page->failed = true;
            va_end(args);
            return;
        }
        format += 2;
    }
    va_end(args);
}

void page_raw(struct page *page, const char *literal)
{
    put(page, literal, strlen(literal));
}

void page_free(struct page *page)
{
    if (page->bytes != NULL)
        explicit_bzero(page->bytes, page->length);
    free(page->bytes);
    *page = (struct page){NULL, 0, 0, false};
}
