// The tool's exit codes: what a script may rely on. The table in exit.c is the only place that names them.
#pragma once

enum exit_code {
    EXIT_OK = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
    EXIT_TOKEN = 3,       // no token, or several and none chosen
    EXIT_PIN = 4,         // PIN wrong or needed
    EXIT_BLOCKED = 5,     // PIN or PUK blocked
    EXIT_ADMIN = 6,       // management key wrong or needed
    EXIT_UNSUPPORTED = 7, // not possible with this token
    EXIT_NOT_FOUND = 8,
    EXIT_MISMATCH = 9, // things do not belong together, or a check failed
    EXIT_BUSY = 10,
    EXIT_PCSC = 11,  // PC/SC or permission
    EXIT_TOUCH = 12, // touch timed out
    EXIT_UNREACHABLE = 13,
    EXIT_REFUSED = 14, // the CA said no
    EXIT_PENDING = 15,
    EXIT_EXPIRING = 16,
    EXIT_PARTLY = 17,
    EXIT_INTERRUPTED = 130,
};

// The stable name of a code in JSON ("pin", "mismatch", ...); "other" for one that is not in the table.
const char *exit_name(enum exit_code code);

// What the code means, in the user's language; rows in order, NULL at the end. For the help.
const char *exit_meaning(unsigned row, enum exit_code *code);
