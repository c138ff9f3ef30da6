// Opens and closes the desk around a command, and turns the end of a registry call into a failure.
#include "nouns.h"

#include "code.h"

#include <stdio.h>

bool noun_with_desk(const struct options *options,
                    bool (*act)(struct desk *, const struct options *, struct fail *), struct fail *fail)
{
    struct desk desk;
    if (!desk_open(options->dir, options->passphrase_file, &desk, fail))
        return false;
    bool done = act(&desk, options, fail);
    desk_close(&desk);
    return done;
}

bool noun_end(enum registry_end end, const char *about, struct fail *fail)
{
    static const enum fail_code codes[REGISTRY_ENDS] = {
        [REGISTRY_NONE] = FAIL_NOT_FOUND,    [REGISTRY_FAILED] = FAIL_OTHER,
        [REGISTRY_WAITING] = FAIL_PENDING,   [REGISTRY_UNPROVED] = FAIL_PASSPHRASE,
        [REGISTRY_MEDIUM] = FAIL_PASSPHRASE,
    };
    const char *text = rules_text(end);
    if (end == REGISTRY_DONE)
        return true;
    return fail_with(fail, codes[end] != FAIL_NONE ? codes[end] : FAIL_REFUSED, "%s: %s", about,
                     text != NULL ? _(text) : _("not allowed"));
}

bool noun_id(char letter, char id[NOUN_ID], struct fail *fail)
{
    id[0] = letter;
    return code_make_reference(id + 1) || fail_with(fail, FAIL_OTHER, _("the random generator fails"));
}
