// The table of subcommands; each row lives in the file of its command.
#include "run.h"

extern const struct command cmd_issue, cmd_token_info, cmd_token_list;

const struct command *const commands[] = {
    &cmd_token_list,
    &cmd_token_info,
    &cmd_issue,
    NULL,
};
