// Asks the card service itself, through the card library.
#include "readers.h"
#include "card/transport/transport.h"
#include "text.h"

enum exit_code readers_check(unsigned *readers, struct fault *fault)
{
    struct tp_reader list[16];
    size_t count = 0;
    struct tp *tp = tp_default_new();
    enum err error = tp != NULL ? tp_list(tp, list, sizeof list / sizeof list[0], &count) : E_OK;
    tp_close(tp);
    *readers = (unsigned)count;
    if (error == E_NO_SERVICE) {
        fault_set(fault, EXIT_PCSC, _("The card service cannot be reached."));
        fault_why(fault, _("pcscd does not run, or not for this user"));
        return fault_todo(fault,
                          _("Start it (systemctl start pcscd.socket), then run the same command again."));
    }
    if (error == E_DENIED) {
        fault_set(fault, EXIT_PCSC, _("The card service refuses this user."));
        fault_why(fault, _("polkit allows access to cards only to some, such as who sits at the machine"));
        return fault_todo(fault,
                          _("Ask the administrator for a polkit rule for org.debian.pcsc-lite.access_pcsc."));
    }
    return EXIT_OK;
}
