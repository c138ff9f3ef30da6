// One run of one command: its row, its options, what its needs brought, and what it found.
#pragma once

#include "card/base/secret.h"
#include "fault.h"
#include "options.h"
#include "p11/token.h"

#include <jansson.h>

// What must be there before a command runs. main.c meets them in this order.
enum need {
    NEED_MODULE = 1, // the PKCS#11 module, loaded
    NEED_TOKEN = 2,  // one token chosen (implies NEED_MODULE)
    NEED_PIN = 4,    // the PIN at hand and right: logged in as the user
    NEED_ADMIN =
        8, // the management key at hand and right, for tokens that want it to change keys or certificates
    NEED_ISSUER = 16, // a desk that answers at --issuer
    NEED_WRITER =
        64, // may change keys and certificates: the management key, or the PIN where the token wants that
    NEED_TOKEN_ASKED = 128, // takes the option about the token, and chooses it itself
    NEED_PIN_ASKED = 32,    // takes the options about the PIN, and asks for it itself
    NEED_ADMIN_ASKED = 256, // the same with the management key
};

struct run;

struct command {
    const char *noun;
    const char *verb;     // NULL: the noun alone
    const char *operands; // what may stand beside the options, e.g. "SLOT", or NULL
    const char *summary;  // one line
    const char *details;  // a paragraph for its own help, or NULL
    unsigned needs;
    unsigned operands_most;
    const struct option_row *options;         // its own rows, or NULL
    enum exit_code (*check)(struct run *run); // options, files: whatever needs no token; or NULL
    enum exit_code (*run)(struct run *run);
};

struct run {
    const struct command *command;
    unsigned needs; // the command's; its check may take some away
    struct options options;
    struct fault fault;
    struct module module;
    struct token token;
    struct session session;
    struct ingam_secrets {
        struct secret *pin, *admin, *code;
    } secrets;
    json_t *answer; // filled by the command in JSON's case, printed by main
    void *work;     // the command's own, from check to run
};

// The commands, NULL at the end (commands.c).
extern const struct command *const commands[];

// Says something to the person, on standard error, unless --quiet. Escaped; ends the line.
void say(const struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Prints a line of data on standard output unless the answer is JSON. Escaped; ends the line.
void tell(const struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Prints fields (NULL at the end) as one line of data, each escaped, tabs between them; nothing with --json.
void tell_fields(const struct run *run, const char *const *fields);

// Adds to the JSON answer; text that is not UTF-8 is kept readable. No effect without --json.
void answer_text(struct run *run, const char *key, const char *text);

// A JSON string of any bytes: what is not UTF-8 becomes U+FFFD.
json_t *json_text(const char *text);
