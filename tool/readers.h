// Why no token is there: PKCS#11 shows a stopped card service and an empty reader alike.
#pragma once

#include "fault.h"

// When the card service does not run or refuses this user: EXIT_PCSC with the reason. Otherwise no fault;
// *readers is how many readers there are. Simulators count as readers where INGAM_SIM names them.
enum exit_code readers_check(unsigned *readers, struct fault *fault);
