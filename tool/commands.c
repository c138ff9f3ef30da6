// The table of subcommands; each row lives in the file of its command.
#include "run.h"

extern const struct command cmd_cert_delete, cmd_cert_export, cmd_cert_list, cmd_cert_show, cmd_issue,
    cmd_key_generate, cmd_key_list, cmd_pin_change, cmd_pin_unblock, cmd_token_info, cmd_token_list;

extern const struct command cmd_admin_change, cmd_cert_check, cmd_cert_import, cmd_cert_verify,
    cmd_completion, cmd_key_delete, cmd_puk_change, cmd_token_reset;

extern const struct command cmd_move, cmd_npki_check, cmd_npki_export, cmd_npki_list, cmd_npki_show;

extern const struct command cmd_otp_access, cmd_otp_add, cmd_otp_code, cmd_otp_delete, cmd_otp_list,
    cmd_otp_rename, cmd_otp_reset;

const struct command *const commands[] = {
    &cmd_token_list,   &cmd_token_info,  &cmd_token_reset,  &cmd_pin_change,
    &cmd_pin_unblock,  &cmd_puk_change,  &cmd_admin_change, &cmd_key_list,
    &cmd_key_generate, &cmd_key_delete,  &cmd_cert_list,    &cmd_cert_show,
    &cmd_cert_export,  &cmd_cert_import, &cmd_cert_verify,  &cmd_cert_check,
    &cmd_cert_delete,  &cmd_issue,       &cmd_move,         &cmd_npki_list,
    &cmd_npki_show,    &cmd_npki_check,  &cmd_npki_export,  &cmd_otp_list,
    &cmd_otp_code,     &cmd_otp_add,     &cmd_otp_rename,   &cmd_otp_delete,
    &cmd_otp_access,   &cmd_otp_reset,   &cmd_completion,   NULL,
};
