// The way to a reference number: the certificate centre's steps before ingam issue.
#pragma once

#include "run.h"

// Whether this run has to apply first: no reference number is given, and there is a centre, an unfinished
// application, or somebody to ask.
bool issue_apply_wanted(const struct run *run);

// Applies, or goes on with the application of an earlier run; sets reference, code file, issuer and slot in
// the options. The token is chosen before anything is applied for.
enum exit_code issue_apply(struct run *run);

// After the certificate is there: the application is forgotten. After a fault: says that it stands.
void issue_apply_end(struct run *run);
