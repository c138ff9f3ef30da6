// ingam-issuer: the issuing desk. Finds the command, runs it, prints its failure, returns its exit code.
#include "commands.h"
#include "token_key.h"
#include "words.h"

#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

struct command {
    const char *name; // NOUN or NOUN VERB
    const char *takes;
    bool (*run)(const struct options *, struct fail *);
    const char *help;
};

static const struct command commands[] = {
    {"init", "name! subject key ca-key pin-file pin-fd policy db public-url test-profile", command_init,
     N_("make a desk: a CA, its keys and its registry")},
    {"authorize", "name! subject days tries code-file json", command_authorize,
     N_("write down who may have a certificate")},
    {"serve", "pin-file pin-fd listen pages-listen members-listen tls-cert tls-key detach pid-file",
     command_serve, N_("answer CMP, CRL and OCSP requests over HTTP")},
    {"list", "json", command_list, N_("show who is written down and what was issued")},
    {"class list", "json", command_class_list, N_("show the classes of certificates and their rules")},
    {"class set", "class! policy fee needs", command_class_set,
     N_("change a class: its policy OID, its fee, its proofs")},
    {"customer add", "name! kind! identity-file! phone email json", command_customer_add,
     N_("write down a customer")},
    {"customer list", "json", command_customer_list, N_("show the customers")},
    {"customer close", "customer!", command_customer_close,
     N_("end a customer's membership: certificates are revoked, numbers deleted after a while")},
    {"customer purge", "keep-days", command_customer_purge,
     N_("delete identity and account numbers of customers closed long ago")},
    {"account add", "customer! number-file! json", command_account_add, N_("write down an account")},
    {"account list", "customer json", command_account_list, N_("show the accounts")},
    {"identity program", "kind! program!", command_identity_program,
     N_("name the program that does it: phone, sms, departure, message, notice")},
    {"identity check", "customer! kind!", command_identity_check, N_("run such a check of a customer")},
    {"factor add", "customer! kind! account secret-file label tries json", command_factor_add,
     N_("write down a factor: hotp, totp, card, signature, mobile-pin, account, phone-code")},
    {"factor enrol", "customer! secret-out json", command_factor_enrol,
     N_("give a customer a mobile OTP after a proof of identity")},
    {"factor list", "customer json", command_factor_list, N_("show the second factors")},
    {"factor challenge", "factor! json", command_factor_challenge,
     N_("ask for a factor's answer: numbers of a card, a text to sign")},
    {"factor verify", "factor! answer-file! serial", command_factor_verify, N_("check an answer")},
    {"factor unlock", "factor!", command_factor_unlock, N_("give a locked factor its tries back")},
    {"application add", "customer! class kind serial days tries wait agree code-file json",
     command_application_add,
     N_("apply: issue, reissue, renew, revoke, suspend, resume, register, unregister")},
    {"application list", "json", command_application_list, N_("show the applications")},
    {"application approve", "reference! deny", command_application_approve,
     N_("let a waiting application go on, or refuse it")},
    {"fee list", "json", command_fee_list, N_("show the fees")},
    {"fee pay", "reference! waive", command_fee_pay, N_("write down that an application's fee was paid")},
    {"certificate list", "customer json", command_certificate_list, N_("show the certificates")},
    {"certificate show", "serial!", command_certificate_show, N_("print a certificate (PEM)")},
    {"certificate revoke", "serial! reason", command_certificate_revoke,
     N_("revoke a certificate, for ever")},
    {"certificate suspend", "serial!", command_certificate_suspend, N_("suspend a certificate")},
    {"certificate resume", "serial!", command_certificate_resume,
     N_("let a suspended certificate stand again")},
    {"institution add", "name! certificate-file! crl ocsp json", command_institution_add,
     N_("trust another institution's CA")},
    {"institution list", "json", command_institution_list, N_("show the institutions")},
    {"institution withdraw", "institution!", command_institution_withdraw,
     N_("trust an institution's CA no more")},
    {"foreign check", "certificate-file! json", command_foreign_check,
     N_("check another institution's certificate")},
    {"foreign add", "reference! certificate-file! answer-file! random-file verified json",
     command_foreign_add, N_("register it for the customer of an application")},
    {"foreign drop", "reference! foreign!", command_foreign_drop, N_("end its registration")},
    {"foreign list", "customer json", command_foreign_list, N_("show the registered ones")},
    {"authority rollover", "key ca-key pin-file pin-fd", command_authority_rollover,
     N_("make a new CA key, joined to the old one by link certificates")},
    {"authority show", "links", command_authority_show,
     N_("print the CA's certificates, newest first (PEM)")},
    {"notice send", "json", command_notice_send, N_("tell customers of certificates near their end")},
    {"notice list", "json", command_notice_list, N_("show what was told to whom")},
    {"log list", "json", command_log_list, N_("show the log")},
    {"log verify", "head json", command_log_verify,
     N_("check that nothing in the log was changed or taken away")},
    {"backup", "to!", command_backup, N_("copy the desk, also while it runs")},
    {"restore", "from! db", command_restore, N_("make the desk in --dir from a backup")},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void usage(FILE *to)
{
    fprintf(to, "%s\n\n", _("usage: ingam-issuer COMMAND [OPTION]..."));
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-20s %s\n", commands[i].name, _(commands[i].help));
    fprintf(to, "\n%s\n", _("'ingam-issuer COMMAND --help' shows the options of a command."));
}

static int run(const struct command *command, int count, char **arguments)
{
    struct options options;
    struct fail fail = {0};
    bool done = options_read(command->takes, count, arguments, &options, &fail);
    if (done && options.help) {
        printf("ingam-issuer %s: %s\n\n", command->name, _(command->help));
        options_help(command->takes);
    } else if (done) {
        done = command->run(&options, &fail);
    }
    if (done && fflush(stdout) != 0)
        done = fail_errno(&fail, _("cannot write the output"));
    if (done)
        return 0;
    fprintf(stderr, "ingam-issuer: %s\n", fail.text);
    if (fail.code == FAIL_USAGE)
        fprintf(stderr, _("'ingam-issuer %s --help' shows the options.\n"), command->name);
    return fail.code != FAIL_NONE ? (int)fail.code : FAIL_OTHER;
}

// Keys and codes stay out of core dumps.
static void no_core(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// Finds the translations and the module: those of the build tree that the program stands in, else the
// installed ones.
static void speak(void)
{
    char path[PATH_MAX + sizeof "/../pkcs11/ingam-pkcs11.so"];
    setlocale(LC_ALL, "");
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length > 0)
        memcpy(path + length, "../pkcs11/ingam-pkcs11.so", sizeof "../pkcs11/ingam-pkcs11.so");
    token_key_module(length > 0 && access(path, F_OK) == 0 ? path : INGAM_MODULE_INSTALLED);
    if (length > 0)
        memcpy(path + length, "../po/locale", sizeof "../po/locale");
    bindtextdomain("ingam", length > 0 && access(path, F_OK) == 0 ? path : INGAM_LOCALEDIR);
    bind_textdomain_codeset("ingam", "UTF-8");
}

// How many of the arguments name this command: 0, 1 or 2.
static int matches(const char *name, int count, char **arguments)
{
    size_t noun = strcspn(name, " ");
    if (count < 1 || strlen(arguments[0]) != noun || strncmp(arguments[0], name, noun) != 0)
        return 0;
    if (name[noun] == 0)
        return 1;
    return count > 1 && strcmp(arguments[1], name + noun + 1) == 0 ? 2 : 0;
}

int main(int count, char **arguments)
{
    speak();
    no_core(); // after it, /proc/self/exe cannot be read any more
    const char *name = count > 1 ? arguments[1] : "";
    for (size_t i = 0; i < COMMANDS; i++) {
        int words = matches(commands[i].name, count - 1, arguments + 1);
        if (words > 0)
            return run(&commands[i], count - 1 - words, arguments + 1 + words);
    }
    if (strcmp(name, "--version") == 0) {
        printf("ingam-issuer %s\n", INGAM_VERSION);
        return 0;
    }
    if (strcmp(name, "--help") == 0) {
        usage(stdout);
        return 0;
    }
    if (name[0] != 0)
        fprintf(stderr, _("ingam-issuer: unknown command '%s'\n"), name);
    usage(stderr);
    return FAIL_USAGE;
}
