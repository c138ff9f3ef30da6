// Reads the command line by rows; the help is printed from the same rows.
#include "options.h"

#include "words.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, FLAG };

struct row {
    const char *name;
    enum kind kind;
    size_t at;
    size_t given;    // NUMBER: the flag to set as well, or 0
    int least, most; // NUMBER
    const char *value;
    const char *help;
};

#define AT(member) offsetof(struct options, member)
#define TEXTS(name, member, value, help)                                                                     \
    {                                                                                                        \
        name, TEXT, AT(member), 0, 0, 0, value, help                                                         \
    }
#define NUMBERS(name, member, least, most, help)                                                             \
    {                                                                                                        \
        name, NUMBER, AT(member), 0, least, most, "N", help                                                  \
    }
#define FLAGS(name, member, help)                                                                            \
    {                                                                                                        \
        name, FLAG, AT(member), 0, 0, 0, NULL, help                                                          \
    }

// Every command takes these.
static const char always[] = "dir! passphrase-file help";

static const struct row rows[] = {
    TEXTS("dir", dir, "DIR", N_("the desk's directory")),
    TEXTS("name", name, "NAME", N_("name of the desk or of the person, in UTF-8")),
    TEXTS("subject", subject, "DN", N_("subject of the certificate, as /C=KR/O=Example/CN=Name")),
    TEXTS("key", key, "KIND", N_("the CA's key: p256 (default), p384, rsa3072, rsa4096")),
    TEXTS("ca-key", ca_key, "URI", N_("a key on a token as the CA's, a pkcs11: URI (RFC 7512)")),
    TEXTS("pin-file", pin_file, "FILE", N_("its first line is the PIN of the token with the CA's key")),
    NUMBERS("pin-fd", pin_fd, 3, 1023, N_("read that PIN from this open file descriptor")),
    TEXTS("policy", policy, "OID", N_("certificate policy of what the desk issues, or of the class")),
    TEXTS("db", db, "ADDRESS", N_("a registry that several desks share: postgresql://HOST/DATABASE")),
    TEXTS("public-url", public_url, "URL",
          N_("where everybody reaches the desk; it is written into certificates (CRL, OCSP)")),
    FLAGS("test-profile", test_profile,
          N_("a desk for tests: it may use policy OIDs of real CAs, and its clock may be shifted")),
    TEXTS("kind", kind, "KIND", N_("which kind, as the manual lists them")),
    TEXTS("customer", customer, "ID", N_("the customer, as 'customer list' shows it")),
    TEXTS("class", class_name, "NAME", N_("class of the certificate, as 'class list' shows it")),
    TEXTS("identity-file", identity_file, "FILE", N_("its first line is the resident or business number")),
    TEXTS("number-file", number_file, "FILE", N_("its first line is the account number")),
    TEXTS("phone", phone, "NUMBER", N_("telephone number")),
    TEXTS("email", email, "ADDRESS", N_("e-mail address")),
    TEXTS("factor", factor, "ID", N_("the second factor, as 'factor list' shows it")),
    TEXTS("secret-file", secret_file, "FILE",
          N_("the factor's secret: base32, or a security card's numbers")),
    TEXTS("secret-out", secret_out, "FILE",
          N_("write the secret to a new file of mode 0600 instead of printing it")),
    TEXTS("account", account, "ID", N_("the account, as 'account list' shows it")),
    TEXTS("needs", needs, "WORDS", N_("what is proved for the class: identity, account, factor")),
    TEXTS("answer-file", answer_file, "FILE", N_("its first line is the answer; '-' is the standard input")),
    TEXTS("label", label, "TEXT", N_("what the factor is called, such as its serial number")),
    TEXTS("program", program, "FILE", N_("the program that does this check; an empty text takes it away")),
    TEXTS("serial", serial, "HEX", N_("serial number of the certificate")),
    TEXTS("reason", reason, "WORD", N_("why: unspecified, keyCompromise, superseded, ... (RFC 5280 5.3.1)")),
    TEXTS("reference", reference, "NUMBER", N_("reference number of the application")),
    TEXTS("to", to, "DIR", N_("the directory to make")),
    TEXTS("from", from, "DIR", N_("the directory of the backup")),
    TEXTS("institution", institution, "ID", N_("the institution, as 'institution list' shows it")),
    TEXTS("foreign", foreign, "ID", N_("the registered certificate, as 'foreign list' shows it")),
    TEXTS("certificate-file", certificate_file, "FILE", N_("a certificate, PEM or DER")),
    TEXTS("crl", crl, "URL", N_("where the institution's CRL is: http://... or an absolute path")),
    TEXTS("ocsp", ocsp, "URL", N_("where the institution's OCSP service is: http://...")),
    TEXTS("random-file", random_file, "FILE",
          N_("its first line is R of a certificate with a VID, hexadecimal")),
    TEXTS("head", head, "N:HASH", N_("an earlier head of the log, which must still be in it")),
    {"fee", NUMBER, AT(fee), AT(fee_given), 0, 10000000, "KRW", N_("fee of the class")},
    NUMBERS("days", days, 1, 366, N_("the code expires after N days (14)")),
    NUMBERS("keep-days", keep_days, 1, 36500, N_("days that identity numbers are kept after closing")),
    NUMBERS("tries", tries, 1, 100, N_("wrong codes or answers until it is locked (10 codes, 5 answers)")),
    FLAGS("wait", wait, N_("the certificate waits for 'application approve'")),
    FLAGS("agree", agree, N_("the customer has agreed to all terms")),
    FLAGS("waive", waive, N_("the fee is waived, not paid")),
    FLAGS("verified", verified, N_("a branch has seen the person and the papers")),
    FLAGS("links", links, N_("the link certificates between old and new CA keys instead")),
    FLAGS("deny", deny, N_("refuse the application instead")),
    TEXTS("code-file", code_file, "FILE",
          N_("write the code to a new file of mode 0600 instead of printing it")),
    TEXTS("listen", listen, "ADDRESS:PORT", N_("where to listen (127.0.0.1:8829); port 0: any free one")),
    TEXTS("pages-listen", pages_listen, "ADDRESS:PORT",
          N_("where the certificate centre's pages are; without TLS only on a loopback address")),
    TEXTS("members-listen", members_listen, "ADDRESS:PORT",
          N_("where the members' page is, which only a client certificate opens")),
    TEXTS("tls-cert", tls_cert, "FILE", N_("the pages' TLS certificate, with those above it (PEM)")),
    TEXTS("tls-key", tls_key, "FILE", N_("its private key (PEM)")),
    FLAGS("detach", detach,
          N_("go on in the background as soon as it is ready; requests are logged in DIR/serve.log")),
    TEXTS("pid-file", pid_file, "FILE", N_("write the process number to FILE")),
    TEXTS("passphrase-file", passphrase_file, "FILE",
          N_("its first line is the passphrase of the desk's keys")),
    FLAGS("json", json, N_("print JSON")),
    FLAGS("help", help, N_("print this help")),
};

#define ROWS (sizeof rows / sizeof rows[0])

// Does the list name this option? *needed: with `!`.
static bool listed(const char *list, const char *name, size_t length, bool *needed)
{
    while (*list != 0) {
        size_t word = strcspn(list, " ");
        *needed = word > 0 && list[word - 1] == '!';
        if (word - (*needed ? 1 : 0) == length && strncmp(list, name, length) == 0)
            return true;
        list += word + (list[word] == ' ' ? 1 : 0);
    }
    *needed = false;
    return false;
}

static bool taken(const char *takes, const struct row *row, bool *needed)
{
    size_t length = strlen(row->name);
    return listed(takes, row->name, length, needed) || listed(always, row->name, length, needed);
}

static bool number(const struct row *row, const char *value, struct options *options, struct fail *fail)
{
    char *end = NULL;
    errno = 0;
    long got = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != 0 || got < row->least || got > row->most)
        return fail_with(fail, FAIL_USAGE, _("--%s must be a number from %d to %d, not '%s'"), row->name,
                         row->least, row->most, value);
    *(int *)(void *)((char *)options + row->at) = (int)got;
    if (row->given != 0)
        *(bool *)((char *)options + row->given) = true;
    return true;
}

static bool store(const struct row *row, const char *value, struct options *options, struct fail *fail)
{
    void *at = (char *)options + row->at;
    if (row->kind == NUMBER)
        return number(row, value, options, fail);
    if (row->kind == FLAG)
        *(bool *)at = true;
    else
        *(const char **)at = value;
    return true;
}

static const struct row *find(const char *takes, const char *argument, size_t length)
{
    bool needed = false;
    for (size_t i = 0; i < ROWS && length > 2 && strncmp(argument, "--", 2) == 0; i++) {
        if (strlen(rows[i].name) == length - 2 && strncmp(rows[i].name, argument + 2, length - 2) == 0 &&
            taken(takes, &rows[i], &needed))
            return &rows[i];
    }
    return NULL;
}

static bool complete(const char *takes, const struct options *options, struct fail *fail)
{
    for (size_t i = 0; i < ROWS && !options->help; i++) {
        const char *const *at = (const void *)((const char *)options + rows[i].at);
        bool needed = false;
        if (rows[i].kind == TEXT && taken(takes, &rows[i], &needed) && needed && *at == NULL)
            return fail_with(fail, FAIL_USAGE, _("--%s %s is missing"), rows[i].name, rows[i].value);
    }
    return true;
}

bool options_read(const char *takes, int count, char **arguments, struct options *options, struct fail *fail)
{
    memset(options, 0, sizeof *options);
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        size_t length = strcspn(argument, "=");
        const struct row *row = find(takes, argument, length);
        const char *value = argument[length] == '=' ? argument + length + 1 : NULL;
        if (row == NULL)
            return fail_with(fail, FAIL_USAGE, _("unknown option '%s'"), argument);
        if (row->kind == FLAG && value != NULL)
            return fail_with(fail, FAIL_USAGE, _("--%s takes no value"), row->name);
        if (row->kind != FLAG && value == NULL && ++i < count)
            value = arguments[i];
        if (row->kind != FLAG && value == NULL)
            return fail_with(fail, FAIL_USAGE, _("--%s needs a value: %s"), row->name, row->value);
        if (!store(row, value, options, fail))
            return false;
    }
    return complete(takes, options, fail);
}

void options_help(const char *takes)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        char left[64];
        bool needed = false;
        if (!taken(takes, row, &needed))
            continue;
        snprintf(left, sizeof left, "--%s %s", row->name, row->value != NULL ? row->value : "");
        printf("  %-24s %s%s\n", left, _(row->help), needed ? _(" (needed)") : "");
    }
}
