// The table of subcommands; each row lives in the file of its command.
#include "run.h"

#define ROW(name) extern const struct command cmd_##name;
#include "commands.def"
#undef ROW

#define ROW(name) &cmd_##name,
const struct command *const commands[] = {
#include "commands.def"
    NULL,
};
#undef ROW
