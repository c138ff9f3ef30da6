/* From a path to a card: opens the image, or personalises a new one and only then gives it its name. */
#include "image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static bool say(char *reason, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, cap, format, args);
    va_end(args);
    return false;
}

static bool choose_serial(const struct image_wish *wish, uint32_t *serial)
{
    if (wish->has_serial) {
        *serial = wish->serial;
        return true;
    }
    if (!crypto_random(serial, sizeof *serial))
        return false;
    *serial = 10000000 + *serial % 90000000;
    return true;
}

static bool make(struct token *token, const struct image_wish *wish, char *reason, size_t cap)
{
    const struct profile *profile = wish->profile != NULL ? wish->profile : profile_at(0);
    if (!posix_image_create(&token->image, wish->path))
        return say(reason, cap, "cannot make %s.new: %s", wish->path, strerror(errno));
    token->card = fw_card_new(&profile->kind, &token->hal);
    if (token->card == NULL || !choose_serial(wish, &token->serial) ||
        !fw_store_format(&token->card->store, &token->hal) ||
        !personality_make(token->card, token->serial, wish->blank) ||
        !posix_image_keep(&token->image, wish->path))
        return say(reason, cap, "cannot make the image %s: %s", wish->path, strerror(errno));
    return true;
}

static bool explain(enum fw_store_state state, const struct fw_store *store, const char *path, char *reason,
                    size_t cap)
{
    switch (state) {
    case FW_STORE_OTHER_VERSION:
        return say(reason, cap,
                   "%s has image format %" PRIu32
                   ", this program reads format %d: open it with the ingam-sim that "
                   "wrote it, or move it away to start with a new card",
                   path, store->version, FW_STORE_VERSION);
    case FW_STORE_IO:
        return say(reason, cap, "cannot read %s: %s", path, strerror(errno));
    case FW_STORE_DAMAGED:
        return say(reason, cap,
                   "%s is damaged; restore a copy of it, or move it away to start with a new card", path);
    default:
        return say(reason, cap, "%s is not a card image; it was left as it is", path);
    }
}

/* What the image says about itself has to agree with what was asked for. */
static bool agree(struct token *token, const struct image_wish *wish, char *reason, size_t cap)
{
    struct personality who;
    if (!personality_read(&token->card->store, &who))
        return say(reason, cap, "%s holds no finished card; move it away to start with a new one",
                   wish->path);
    const struct profile *profile = profile_find(who.profile);
    if (profile == NULL)
        return say(reason, cap, "%s was made with profile \"%s\", which this program does not have",
                   wish->path, who.profile);
    if (wish->profile != NULL && wish->profile != profile)
        return say(reason, cap, "%s was made with profile %s, not %s", wish->path, profile->name,
                   wish->profile->name);
    if (wish->has_serial && wish->serial != who.serial)
        return say(reason, cap, "%s is the card with serial number %" PRIu32 ", not %" PRIu32, wish->path,
                   who.serial, wish->serial);
    token->serial = who.serial;
    if (&profile->kind == token->card->kind)
        return true;
    fw_card_free(token->card);
    token->card = fw_card_new(&profile->kind, &token->hal);
    return token->card != NULL && fw_store_open(&token->card->store, &token->hal) == FW_STORE_READY;
}

static bool reopen(struct token *token, const struct image_wish *wish, char *reason, size_t cap)
{
    token->card = fw_card_new(&profile_at(0)->kind, &token->hal);
    if (token->card == NULL)
        return say(reason, cap, "no memory");
    enum fw_store_state state = fw_store_open(&token->card->store, &token->hal);
    if (state != FW_STORE_READY)
        return explain(state, &token->card->store, wish->path, reason, cap);
    return agree(token, wish, reason, cap);
}

bool image_open(struct token *token, const struct image_wish *wish, char *reason, size_t cap)
{
    bool opened = false;
    token->card = NULL;
    switch (posix_image_open(&token->image, wish->path)) {
    case POSIX_OPENED:
        opened = reopen(token, wish, reason, cap);
        break;
    case POSIX_MISSING:
        opened = make(token, wish, reason, cap);
        break;
    case POSIX_IN_USE:
        return say(reason, cap, "%s is in use by another ingam-sim", wish->path);
    default:
        return say(reason, cap, "cannot open %s: %s", wish->path, strerror(errno));
    }
    if (opened)
        token->profile = profile_of(token->card);
    else
        image_close(token);
    return opened;
}

void image_close(struct token *token)
{
    fw_card_free(token->card);
    token->card = NULL;
    posix_image_close(&token->image);
}
