// The desk's hand on certificates: list, show, revoke, suspend, resume; and on the log.
#include "nouns.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct records certificates = {
    "certificates",
    "SELECT serial, class, state, status, coalesce(customer, ''), created, not_after, changed, reason, "
    "replaced_by,"
    " reference FROM certificate WHERE ? IN ('', customer) ORDER BY created, serial",
    {{"serial", RECORDS_TEXT},
     {"class", RECORDS_TEXT},
     {"state", RECORDS_TEXT},
     {"status", RECORDS_TEXT},
     {"customer", RECORDS_TEXT},
     {"created", RECORDS_TIME},
     {"expires", RECORDS_TIME},
     {"changed", RECORDS_TIME},
     {"reason", RECORDS_NUMBER},
     {"replaced_by", RECORDS_TEXT},
     {"reference", RECORDS_TEXT}},
};

static bool list(struct desk *desk, const struct options *options, struct fail *fail)
{
    return records_print(desk, &certificates,
                         DB_VALUES(db_t(options->customer != NULL ? options->customer : "")), options->json,
                         fail);
}

bool command_certificate_list(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, list, fail);
}

static bool show(struct desk *desk, const struct options *options, struct fail *fail)
{
    struct registry_certificate found;
    const unsigned char *at = found.der;
    if (!noun_end(registry_certificate(desk->registry, options->serial, &found), options->serial, fail))
        return false;
    X509 *certificate = d2i_X509(NULL, &at, (long)found.length);
    bool done = certificate != NULL && PEM_write_X509(stdout, certificate) == 1;
    X509_free(certificate);
    return done || fail_with(fail, FAIL_OTHER, _("cannot write the output"));
}

bool command_certificate_show(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, show, fail);
}

// The reasons that an operator may give (RFC 5280 5.3.1).
static const struct {
    const char *word;
    int reason;
} reasons[] = {
    {"unspecified", 0}, {"keyCompromise", 1},        {"affiliationChanged", 3},
    {"superseded", 4},  {"cessationOfOperation", 5}, {"privilegeWithdrawn", 9},
};

static bool read_reason(const char *word, int *reason, struct fail *fail)
{
    *reason = 0;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0] && word != NULL; i++) {
        if (strcmp(reasons[i].word, word) == 0) {
            *reason = reasons[i].reason;
            return true;
        }
    }
    return word == NULL ||
           fail_with(fail, FAIL_USAGE,
                     _("unknown reason '%s': use unspecified, keyCompromise, affiliationChanged, superseded,"
                       " cessationOfOperation or privilegeWithdrawn"),
                     word);
}

bool certificate_change(struct desk *desk, const char *customer, const char *serial, const char *action,
                        const char *word, struct fail *fail)
{
    int reason = 0;
    if (!read_reason(word, &reason, fail))
        return false;
    enum registry_end end =
        registry_change_own(desk->registry, serial, action, reason, customer, desk->now());
    return noun_end(end == REGISTRY_AGAIN ? REGISTRY_DONE : end, serial, fail);
}

static bool change(struct desk *desk, const struct options *options, const char *action, struct fail *fail)
{
    int reason = 0;
    if (!read_reason(options->reason, &reason, fail))
        return false;
    enum registry_end end =
        registry_change(desk->registry, options->serial, action, reason, "the desk", NULL, desk->now());
    return noun_end(end == REGISTRY_AGAIN ? REGISTRY_DONE : end, options->serial, fail);
}

#define CHANGE(action)                                                                                       \
    static bool action##_it(struct desk *desk, const struct options *options, struct fail *fail)             \
    {                                                                                                        \
        return change(desk, options, #action, fail);                                                         \
    }                                                                                                        \
    bool command_certificate_##action(const struct options *options, struct fail *fail)                      \
    {                                                                                                        \
        return noun_with_desk(options, action##_it, fail);                                                   \
    }

CHANGE(revoke)
CHANGE(suspend)
CHANGE(resume)

static const struct records entries = {
    "entries",
    "SELECT n, time, actor, event, subject, detail, hash FROM log WHERE n > ? ORDER BY n",
    {{"n", RECORDS_NUMBER},
     {"time", RECORDS_TIME},
     {"actor", RECORDS_TEXT},
     {"event", RECORDS_TEXT},
     {"subject", RECORDS_TEXT},
     {"detail", RECORDS_TEXT},
     {"hash", RECORDS_HEX}},
};

static bool list_log(struct desk *desk, const struct options *options, struct fail *fail)
{
    return records_print(desk, &entries, DB_VALUES(db_n(0)), options->json, fail);
}

bool command_log_list(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, list_log, fail);
}

static bool read_head(const char *text, int64_t *n, unsigned char hash[LOG_HASH], struct fail *fail)
{
    char *end = NULL;
    size_t length = 0;
    *n = 0;
    if (text == NULL)
        return true;
    *n = strtoll(text, &end, 10);
    if (*n > 0 && *end == ':' && OPENSSL_hexstr2buf_ex(hash, LOG_HASH, &length, end + 1, 0) == 1 &&
        length == LOG_HASH)
        return true;
    return fail_with(fail, FAIL_USAGE, _("--head must be N:HASH as 'log verify' printed it, not '%s'"), text);
}

static bool verify(struct desk *desk, const struct options *options, struct fail *fail)
{
    unsigned char anchor[LOG_HASH];
    char head[24 + 2 * LOG_HASH + 1];
    struct log_state state;
    int64_t n = 0;
    if (!read_head(options->head, &n, anchor, fail) ||
        !noun_end(log_verify(desk->registry, n, anchor, &state), "log", fail))
        return false;
    if (state.broken != 0)
        return fail_with(
            fail, FAIL_MISMATCH,
            _("the log was changed: entry %lld is not the one that was written, or one before it is "
              "missing"),
            (long long)state.broken);
    if (!state.anchored)
        return fail_with(fail, FAIL_MISMATCH,
                         _("the log was cut or written anew: the entry %lld is not the one of --head"),
                         (long long)n);
    int length = snprintf(head, sizeof head, "%lld:", (long long)state.entries);
    for (size_t i = 0; i < LOG_HASH; i++)
        length += snprintf(head + length, sizeof head - (size_t)length, "%02x", state.head[i]);
    const struct records_pair pairs[] = {{"log", "whole"}, {"head", head}, {NULL, NULL}};
    records_pairs(pairs, options->json);
    return true;
}

bool command_log_verify(const struct options *options, struct fail *fail)
{
    return noun_with_desk(options, verify, fail);
}
