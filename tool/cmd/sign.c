// ingam sign: a file signed by a key on the token, as CMS (RFC 5652) or as the bare signature.
#include "ask.h"
#include "meet.h"
#include "p11/keypair.h"
#include "paths.h"
#include "show.h"
#include "side.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

struct sign {
    struct run *run;
    const struct piv_place *place;
    BIO *in, *made; // the file; the signature in memory
    X509 *certificate;
    EVP_PKEY *public_key;
    struct keypair pair;
    struct secret *code;  // one-time, for a key that wants one with each signature
    char path[PATHS_MAX]; // of the signature; "" for standard output
};

static bool is_stream(const char *path)
{
    return strcmp(path, "-") == 0;
}

static const char *kind_word(const struct options *options)
{
    return options->raw ? "raw" : options->attached ? "cms_attached" : "cms_detached";
}

// Where the signature goes: --out, else beside the file.
static enum exit_code choose_path(struct sign *sign)
{
    struct run *run = sign->run;
    const struct options *options = &run->options;
    const char *suffix = options->raw        ? ".sig"
                         : options->attached ? ".p7m"
                                             : ".p7s",
               *file = options->operand[0];
    int n = 0;
    if (options->out != NULL && !is_stream(options->out))
        n = snprintf(sign->path, sizeof sign->path, "%s", options->out);
    else if (options->out == NULL && !is_stream(file))
        n = snprintf(sign->path, sizeof sign->path, "%s%s", file, suffix);
    if (n < 0 || (size_t)n >= sizeof sign->path)
        return fault_set(&run->fault, EXIT_USAGE, _("The path is too long."));
    bool binary = options->raw || !options->pem;
    if (sign->path[0] == '\0' && binary && !options->json && isatty(STDOUT_FILENO)) {
        fault_set(&run->fault, EXIT_USAGE, _("The signature is not text, and would go to the terminal."));
        return fault_todo(&run->fault, _("Name a file with --out FILE, or add --pem."));
    }
    if (sign->path[0] != '\0' && !options->replace && access(sign->path, F_OK) == 0) {
        fault_set(&run->fault, EXIT_MISMATCH, _("%s is there already."), sign->path);
        return fault_todo(&run->fault, _("Name another file with --out FILE, or add --replace."));
    }
    return EXIT_OK;
}

static enum exit_code sign_check(struct run *run)
{
    static struct sign sign;
    struct options *options = &run->options;
    sign.run = run;
    run->work = &sign;
    if (options->operands == 0) {
        fault_set(&run->fault, EXIT_USAGE, _("The file is missing."));
        return fault_todo(&run->fault, _("Write: ingam sign FILE SLOT"));
    }
    if (options->slot == NULL)
        options->slot = options->operands > 1 ? options->operand[1] : "sign";
    else if (options->operands > 1)
        return fault_set(&run->fault, EXIT_USAGE, _("The slot is given twice."));
    if (options->raw && (options->attached || options->pem))
        return fault_set(&run->fault, EXIT_USAGE, _("--raw goes with neither --attached nor --pem."));
    if (show_place(run, &sign.place) != EXIT_OK || choose_path(&sign) != EXIT_OK)
        return run->fault.code;
    const char *path = options->operand[0];
    errno = 0;
    sign.in = is_stream(path) ? BIO_new_fp(stdin, BIO_NOCLOSE) : BIO_new_file(path, "rb");
    ERR_clear_error();
    if (sign.in != NULL)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("%s could not be read."), path);
    return fault_why(&run->fault, "%s", strerror(errno));
}

// The key in the slot and whose it is; a bare signature needs no certificate.
static enum exit_code take_key(struct sign *sign)
{
    struct run *run = sign->run;
    CK_OBJECT_HANDLE key;
    bool found;
    const struct piv_place *place;
    if (!run->options.raw && show_there(run, &place, &sign->certificate) != EXIT_OK)
        return run->fault.code;
    if (keypair_private(&run->session, sign->place->id, &key, &found, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (sign->certificate != NULL)
        sign->public_key = X509_get_pubkey(sign->certificate);
    else if (keypair_public(&run->session, sign->place->id, &sign->public_key, &run->fault) != EXIT_OK)
        return run->fault.code;
    if (!found || sign->public_key == NULL) {
        fault_set(&run->fault, EXIT_NOT_FOUND, _("There is no key in slot %s."), sign->place->number);
        return fault_todo(&run->fault, _("See what is there with: ingam token info"));
    }
    meet_keypair(run, &sign->pair, key, sign->place);
    return EXIT_OK;
}

// Such a key takes a code where others take the PIN with each signature.
static enum exit_code take_code(struct sign *sign)
{
    struct run *run = sign->run;
    if (!sign->pair.always_authenticate || !side_wants_code(&run->module, &run->token, sign->place))
        return EXIT_OK;
    if (run->options.code_file != NULL) {
        ask_file(run, run->options.code_file, &sign->code);
    } else if (!ask_possible()) {
        fault_set(&run->fault, EXIT_PIN,
                  _("The key in slot %s wants a one-time code, and there is no terminal "
                    "to ask for it."),
                  sign->place->number);
        fault_todo(&run->fault, _("Give it with --code-file FILE."));
    } else {
        ask_secret(run, _("Code of the generator"), EXIT_PIN, &sign->code);
    }
    sign->pair.pin = sign->code;
    return run->fault.code;
}

static const char *digest_of(const EVP_PKEY *key)
{
    const struct key_kind *kind = key_kind_of_public(key);
    return kind != NULL ? kind->digest : "SHA256";
}

static bool make_cms(struct sign *sign, EVP_PKEY *key)
{
    const struct options *options = &sign->run->options;
    unsigned flags = CMS_BINARY | CMS_PARTIAL | (options->attached ? 0 : CMS_DETACHED);
    EVP_MD *digest = EVP_MD_fetch(NULL, digest_of(key), NULL);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    bool done = digest != NULL && cms != NULL &&
                CMS_add1_signer(cms, sign->certificate, key, digest, flags | CMS_CADES) != NULL &&
                CMS_final(cms, sign->in, NULL, flags) == 1 &&
                (options->pem ? PEM_write_bio_CMS_stream(sign->made, cms, NULL, 0)
                              : i2d_CMS_bio(sign->made, cms)) == 1;
    CMS_ContentInfo_free(cms);
    EVP_MD_free(digest);
    return done;
}

static bool make_raw(struct sign *sign, EVP_PKEY *key)
{
    unsigned char part[65536], signature[1024];
    size_t length = sizeof signature;
    int n;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, digest_of(key), NULL, NULL, key, NULL) == 1;
    while (done && (n = BIO_read(sign->in, part, sizeof part)) > 0)
        done = EVP_DigestSignUpdate(ctx, part, (size_t)n) == 1;
    done = done && EVP_DigestSignFinal(ctx, signature, &length) == 1 &&
           BIO_write(sign->made, signature, (int)length) == (int)length;
    EVP_MD_CTX_free(ctx);
    return done;
}

static enum exit_code make(struct sign *sign)
{
    struct run *run = sign->run;
    EVP_PKEY *key = keypair_lend(&sign->pair, sign->public_key);
    sign->made = BIO_new(BIO_s_mem());
    sign->pair.last_rv = CKR_OK;
    if (key == NULL)
        fault_set(&run->fault, EXIT_UNSUPPORTED,
                  _("The key in slot %s is of a kind that cannot sign for this."), sign->place->number);
    else if (sign->made == NULL || !(run->options.raw ? make_raw(sign, key) : make_cms(sign, key))) {
        if (sign->pair.last_rv != CKR_OK)
            fault_rv(&run->fault, sign->pair.last_rv, _("The key in slot %s could not sign."),
                     sign->place->number);
        fault_set(&run->fault, EXIT_MISMATCH, _("No signature could be made over %s."),
                  run->options.operand[0]);
        const char *why = ERR_reason_error_string(ERR_peek_error());
        if (why != NULL)
            fault_why(&run->fault, "%s", why);
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return run->fault.code;
}

// A new file, whole or not there; the mode is what the user's mask leaves.
static enum exit_code write_file(struct sign *sign, const char *bytes, size_t length)
{
    struct run *run = sign->run;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (run->options.replace ? O_TRUNC : O_EXCL);
    int fd = open(sign->path, flags, 0666);
    size_t done = 0;
    ssize_t n = 0;
    while (fd >= 0 && done < length && ((n = write(fd, bytes + done, length - done)) > 0 || errno == EINTR))
        done += n > 0 ? (size_t)n : 0;
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && done == length) {
        why = errno;
        done = 0;
    }
    if (fd >= 0 && done == length)
        return EXIT_OK;
    if (fd >= 0)
        unlink(sign->path);
    fault_set(&run->fault, EXIT_OTHER, _("%s could not be written."), sign->path);
    return fault_why(&run->fault, "%s", strerror(why));
}

// Bytes as text for JSON: PEM as it is, else base64.
static void answer_bytes(struct run *run, const char *bytes, size_t length)
{
    BIO *memory = BIO_new(BIO_s_mem()), *base64 = BIO_new(BIO_f_base64());
    char *text = NULL;
    if (run->options.pem) {
        json_object_set_new(run->answer, "value", json_stringn(bytes, length));
    } else if (memory != NULL && base64 != NULL) {
        BIO_set_flags(base64, BIO_FLAGS_BASE64_NO_NL);
        BIO_push(base64, memory);
        if (BIO_write(base64, bytes, (int)length) == (int)length && BIO_flush(base64) == 1) {
            long n = BIO_get_mem_data(memory, &text);
            json_object_set_new(run->answer, "value", json_stringn(text, (size_t)n));
        }
    }
    BIO_free(base64);
    BIO_free(memory);
}

static enum exit_code give(struct sign *sign)
{
    struct run *run = sign->run;
    char *bytes = NULL;
    long length = BIO_get_mem_data(sign->made, &bytes);
    const struct key_kind *kind = key_kind_of_public(sign->public_key);
    answer_text(run, "slot", sign->place->number);
    answer_text(run, "kind", kind_word(&run->options));
    answer_text(run, "digest", kind != NULL ? kind->digest : "SHA256");
    if (sign->path[0] == '\0' && run->options.json) {
        answer_bytes(run, bytes, (size_t)length);
        return EXIT_OK;
    }
    if (sign->path[0] == '\0') {
        if (fwrite(bytes, 1, (size_t)length, stdout) != (size_t)length)
            fault_set(&run->fault, EXIT_OTHER, _("The output could not be written."));
        return run->fault.code;
    }
    if (write_file(sign, bytes, (size_t)length) != EXIT_OK)
        return run->fault.code;
    answer_text(run, "file", sign->path);
    say(run, _("The signature is in %s."), sign->path);
    return EXIT_OK;
}

static enum exit_code sign_run(struct run *run)
{
    struct sign *sign = run->work;
    if (take_key(sign) == EXIT_OK && take_code(sign) == EXIT_OK && make(sign) == EXIT_OK)
        give(sign);
    BIO_free(sign->in);
    BIO_free(sign->made);
    X509_free(sign->certificate);
    EVP_PKEY_free(sign->public_key);
    secret_free(sign->code);
    return run->fault.code;
}

static const struct option_row sign_rows[] = {
    {.name = "slot",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(slot),
     .value = N_("SLOT"),
     .help = N_("the slot of the key (9c if not said)")},
    {.name = "out",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(out),
     .value = N_("FILE"),
     .help = N_("write the signature to FILE, - for standard output (else beside the file)")},
    {.name = "attached",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(attached),
     .help = N_("put what is signed into the signature's file")},
    {.name = "raw",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(raw),
     .help = N_("the bare signature of the file's digest, without a certificate")},
    {.name = "pem", .kind = OPTION_FLAG, .at = OPTION_AT(pem), .help = N_("write PEM instead of DER")},
    {.name = "replace",
     .kind = OPTION_FLAG,
     .at = OPTION_AT(replace),
     .help = N_("write over a file that is there")},
    {.name = "code-file",
     .kind = OPTION_TEXT,
     .at = OPTION_AT(code_file),
     .value = N_("FILE"),
     .help = N_("read the one-time code, if the key wants one, from FILE (else asked)")},
    {.name = NULL},
};

extern const struct command cmd_sign;

const struct command cmd_sign = {
    .noun = "sign",
    .operands = "FILE [SLOT]",
    .operands_most = 2,
    .summary = N_("sign a file with a key on the token"),
    .details = N_("The signature is CMS (FILE.p7s), to be checked with: openssl cms -verify -binary -inform "
                  "DER -in\nFILE.p7s -content FILE -CAfile CA.pem. With --attached the file is in it "
                  "(FILE.p7m), with --raw it is bare\n(FILE.sig). FILE may be - for standard input."),
    .needs = NEED_TOKEN | NEED_PIN,
    .options = sign_rows,
    .check = sign_check,
    .run = sign_run,
};
