// The desk's CA keys as they lie in its directory: a key file, or a pkcs11: URI and the PIN that it takes.
#include "desk.h"
#include "token_key.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

EVP_PKEY *desk_ca_key(const char *dir, int generation, X509 *ca, const struct secret *passphrase,
                      struct fail *fail)
{
    char name[DESK_FILE], path[DESK_PATH], uri[TOKEN_URI];
    struct secret line = {0};
    desk_file("ca", generation, "uri", name);
    if (!file_path(path, sizeof path, dir, name, fail))
        return NULL;
    if (access(path, F_OK) != 0) {
        desk_file("ca", generation, "key", name);
        return desk_key(dir, name, passphrase, fail);
    }
    if (!file_read_secret(path, &line, fail))
        return NULL;
    snprintf(uri, sizeof uri, "%.*s", (int)line.length, line.bytes);
    return token_key(uri, X509_get0_pubkey(ca), fail);
}

// The first line, at most what a secret holds.
static bool read_descriptor(int descriptor, struct secret *pin, struct fail *fail)
{
    while (pin->length < sizeof pin->bytes) {
        ssize_t got = read(descriptor, pin->bytes + pin->length, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(fail, _("cannot read the PIN from descriptor %d"), descriptor);
        if (got == 0 || pin->bytes[pin->length] == '\n')
            return pin->length > 0 || fail_with(fail, FAIL_PASSPHRASE, _("the PIN is empty"));
        pin->length++;
    }
    return fail_with(fail, FAIL_USAGE, _("the PIN is too long"));
}

static bool prompt(struct secret *pin)
{
    if (isatty(STDERR_FILENO) != 1 || isatty(STDIN_FILENO) != 1 ||
        UI_UTIL_read_pw_string(pin->bytes, (int)sizeof pin->bytes - 1,
                               _("PIN of the token with the CA's key: "), 0) != 0)
        return false;
    pin->length = strlen(pin->bytes);
    return true;
}

bool desk_pin(const char *file, int descriptor, struct secret *pin, struct fail *fail)
{
    memset(pin, 0, sizeof *pin);
    if (file != NULL)
        return file_read_secret(file, pin, fail);
    if (descriptor != 0)
        return read_descriptor(descriptor, pin, fail);
    return prompt(pin) ||
           fail_with(
               fail, FAIL_PASSPHRASE,
               _("the CA's key is on a token: give its PIN with --pin-file, --pin-fd or at the terminal"));
}

bool desk_login(const struct desk *desk, const char *pin_file, int pin_fd, struct fail *fail)
{
    struct secret pin = {0};
    bool done = true;
    for (int i = desk->generations; done && i-- > 0;) {
        EVP_PKEY *key = desk->authorities[i].key;
        if (token_key_is(key))
            done = (pin.length > 0 || desk_pin(pin_file, pin_fd, &pin, fail)) &&
                   token_key_login(key, &pin, fail);
    }
    secret_wipe(&pin);
    return done;
}
