/* Opens a card's image, or makes one with factory values where there is none. */
#ifndef FW_IMAGE_H
#define FW_IMAGE_H

#include "applet/personality.h"
#include "transport/token.h"

struct image_wish {
    const char *path;
    const struct profile *profile; /* NULL: what the image says, or the first profile for a new one */
    bool has_serial;
    uint32_t serial;
    bool blank; /* a new card gets no CHUID and no CCC */
};

/* Fills image, card and serial of a token without a card. After failure nothing is held and reason (one
 * sentence, for people) is filled in. */
bool image_open(struct token *token, const struct image_wish *wish, char *reason, size_t cap);
void image_close(struct token *token);

#endif
