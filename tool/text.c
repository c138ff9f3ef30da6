// Escapes what comes from cards, files and networks before it reaches a terminal; finds the message
// catalogue.
#include "text.h"
#include "paths.h"

#include <locale.h>
#include <string.h>

void text_start(void)
{
    char dir[PATHS_MAX];
    setlocale(LC_ALL, "");
    if (paths_locale(dir, sizeof dir))
        bindtextdomain("ingam", dir);
    bind_textdomain_codeset("ingam", "UTF-8");
    textdomain("ingam");
}

size_t text_decode(const char *s, unsigned long *point)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)s[0];
    size_t length = lead < 0x80             ? 1
                    : (lead & 0xE0) == 0xC0 ? 2
                    : (lead & 0xF0) == 0xE0 ? 3
                    : (lead & 0xF8) == 0xF0 ? 4
                                            : 0;
    if (length == 0)
        return 0;
    unsigned long value = length == 1 ? lead : lead & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)s[i];
        if ((next & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3FU);
    }
    if (length > 1 && (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)))
        return 0;
    *point = value;
    return length;
}

int text_steers(unsigned long point)
{
    static const struct {
        unsigned long first, last;
    } ranges[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C}, {0x200E, 0x200F},
        {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF}, {0xE0000, 0xE007F},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return 1;
    return 0;
}

// Shows one character: its bytes if harmless, an escape if not. Returns the bytes of s used up.
static size_t show(const char *s, char piece[16])
{
    unsigned long point = 0;
    size_t length = text_decode(s, &point);
    if (length == 0) {
        snprintf(piece, 16, "\\x%02X", (unsigned)(unsigned char)s[0]);
        return 1;
    }
    if (!text_steers(point)) {
        memcpy(piece, s, length);
        piece[length] = '\0';
    } else {
        snprintf(piece, 16, point < 0x80 ? "\\x%02lX" : "\\u{%04lX}", point);
    }
    return length;
}

size_t text_escape(char *out, size_t size, const char *s)
{
    size_t total = 0, kept = 0;
    int full = 0;
    while (*s != '\0') {
        char piece[16];
        s += show(s, piece);
        size_t length = strlen(piece);
        if (!full && kept + length < size) {
            memcpy(out + kept, piece, length);
            kept += length;
        } else {
            full = 1;
        }
        total += length;
    }
    if (size > 0)
        out[kept] = '\0';
    return total;
}

void text_print(FILE *stream, const char *s)
{
    while (*s != '\0') {
        char piece[16];
        s += show(s, piece);
        fputs(piece, stream);
    }
}
