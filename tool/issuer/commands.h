// The commands of ingam-issuer. Each prints data on stdout and leaves the talk about failures to main.
#ifndef INGAM_ISSUER_COMMANDS_H
#define INGAM_ISSUER_COMMANDS_H

#include "options.h"

#define COMMAND(name) bool command_##name(const struct options *options, struct fail *fail)

// Makes a desk. All or nothing: a desk that was half made by a killed call is made anew by the next one.
COMMAND(init);

// Writes down an entitled person and prints reference number and code.
COMMAND(authorize);

// Serves CMP, CRL and OCSP until SIGTERM or SIGINT.
COMMAND(serve);

// Prints who is written down and what was issued.
COMMAND(list);

// The nouns of the registry. Each changes one thing in one transaction, which also writes the log.
COMMAND(class_list);
COMMAND(class_set);
COMMAND(customer_add);
COMMAND(customer_list);
COMMAND(customer_close);
COMMAND(customer_purge);
COMMAND(account_add);
COMMAND(account_list);
COMMAND(identity_check);
COMMAND(identity_program);
COMMAND(factor_add);
COMMAND(factor_enrol);
COMMAND(factor_list);
COMMAND(factor_challenge);
COMMAND(factor_verify);
COMMAND(factor_unlock);
COMMAND(application_add);
COMMAND(application_list);
COMMAND(application_approve);
COMMAND(fee_list);
COMMAND(fee_pay);
COMMAND(certificate_list);
COMMAND(certificate_show);
COMMAND(certificate_revoke);
COMMAND(certificate_suspend);
COMMAND(certificate_resume);
COMMAND(institution_add);
COMMAND(institution_list);
COMMAND(institution_withdraw);
COMMAND(foreign_check);
COMMAND(foreign_add);
COMMAND(foreign_drop);
COMMAND(foreign_list);
// Makes a new CA key. A killed call leaves the old one, and the next makes it anew.
COMMAND(authority_rollover);
COMMAND(authority_show);
COMMAND(notice_send);
COMMAND(notice_list);
COMMAND(log_list);
COMMAND(log_verify);

// Copies a desk into a directory while it runs, and makes a desk from that.
COMMAND(backup);
COMMAND(restore);

#endif
