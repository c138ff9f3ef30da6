// Finds the desk of a certificate: the one that is named, or the one that this user had it from.
#include "desk.h"
#include "cmp/client.h"
#include "record.h"
#include "text.h"

#include <string.h>

static enum exit_code recall(struct run *run, const char *token, const X509 *certificate,
                             struct desk_address *out)
{
    struct record record;
    struct record_entry entry;
    if (record_open(&record, token, &run->fault) == EXIT_OK && record_find(&record, certificate, &entry)) {
        memcpy(out->issuer, entry.issuer, sizeof out->issuer);
        memcpy(out->tls_ca, entry.tls_ca, sizeof out->tls_ca);
        X509_free(entry.certificate);
    }
    record_close(&record);
    return run->fault.code;
}

enum exit_code desk_find(struct run *run, const char *token, const X509 *certificate, const char *fallback,
                         struct desk_address *out)
{
    const struct options *options = &run->options;
    memset(out, 0, sizeof *out);
    if (options->issuer != NULL)
        snprintf(out->issuer, sizeof out->issuer, "%s", options->issuer);
    else if (certificate != NULL && recall(run, token, certificate, out) != EXIT_OK)
        return run->fault.code;
    if (out->issuer[0] == '\0')
        snprintf(out->issuer, sizeof out->issuer, "%s", fallback);
    if (options->tls_ca != NULL)
        snprintf(out->tls_ca, sizeof out->tls_ca, "%s", options->tls_ca);
    if (out->issuer[0] == '\0') {
        fault_set(&run->fault, EXIT_USAGE, _("--%s is missing."), "issuer");
        fault_why(&run->fault, "%s", _("it is not known here where this certificate came from"));
        return fault_todo(&run->fault, "%s", _("Give the address of the desk that issued it."));
    }
    if (cmp_url_check(out->issuer, desk_tls_ca(out), &run->fault) == EXIT_OK && !(run->needs & NEED_ISSUER))
        cmp_reach(out->issuer, options->timeout, &run->fault);
    return run->fault.code;
}

const char *desk_tls_ca(const struct desk_address *desk)
{
    return desk->tls_ca[0] != '\0' ? desk->tls_ca : NULL;
}
