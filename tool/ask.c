// Reads secrets into locked memory, byte by byte, and asks before something is destroyed.
#include "ask.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define SECRET_MOST 1024

static const char factory_admin[] = "010203040506070801020304050607080102030405060708";

bool ask_possible(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

// Reads up to the end of the line, at most SECRET_MOST bytes, nothing beyond the newline. -1: errno.
static long read_line(int fd, uint8_t *bytes)
{
    size_t n = 0;
    for (;;) {
        uint8_t next;
        ssize_t got = read(fd, &next, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0 || next == '\n')
            break;
        if (n == SECRET_MOST) {
            secret_wipe(&next, 1);
            errno = EFBIG;
            return -1;
        }
        bytes[n++] = next;
    }
    if (n > 0 && bytes[n - 1] == '\r')
        n--;
    return (long)n;
}

// As read_line, into a secret of the right size.
static struct secret *secret_line(int fd)
{
    struct secret *room = secret_room(SECRET_MOST), *out = NULL;
    uint8_t *bytes = secret_bytes(room);
    long n = bytes != NULL ? read_line(fd, bytes) : -1;
    if (n >= 0) {
        out = secret_new(bytes, (size_t)n);
        if (out == NULL)
            errno = ENOMEM;
    }
    int why = errno;
    secret_free(room);
    errno = why;
    return out;
}

static enum exit_code take(struct run *run, struct secret *line, const char *where, struct secret **out)
{
    if (line == NULL) {
        fault_set(&run->fault, EXIT_USAGE, _("%s could not be read."), where);
        return fault_why(&run->fault, "%s", strerror(errno));
    }
    if (secret_view(line).n == 0) {
        secret_free(line);
        return fault_set(&run->fault, EXIT_USAGE, _("%s is empty."), where);
    }
    *out = line;
    return EXIT_OK;
}

enum exit_code ask_fd(struct run *run, int fd, const char *name, struct secret **out)
{
    return take(run, secret_line(fd), name, out);
}

enum exit_code ask_file(struct run *run, const char *path, struct secret **out)
{
    if (strcmp(path, "-") == 0)
        return ask_fd(run, STDIN_FILENO, _("Standard input"), out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct secret *line = fd >= 0 ? secret_line(fd) : NULL;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return take(run, line, path, out);
}

// Moves INGAM_PIN out of the environment.
static struct secret *pin_of_environment(void)
{
    char *set = secure_getenv("INGAM_PIN");
    if (set == NULL)
        return NULL;
    size_t n = strlen(set);
    struct secret *pin = secret_new(set, n);
    secret_wipe(set, n);
    unsetenv("INGAM_PIN");
    return pin;
}

// The terminal as it was, for the signal handler.
static struct termios before;
static volatile sig_atomic_t echo_off;

static void interrupted(int signal)
{
    static const char newline = '\n';
    if (echo_off)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    if (write(STDERR_FILENO, &newline, 1) < 0)
        _exit(1);
    _exit(signal == SIGINT ? EXIT_INTERRUPTED : 128 + signal);
}

// The prompt comes after the echo is off: nothing that answers it is shown, or thrown away as typed too
// early.
static struct secret *line_without_echo(const char *prompt)
{
    struct sigaction action = {.sa_handler = interrupted}, old_int, old_term, old_hup;
    struct termios silent;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return NULL;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
    sigaction(SIGHUP, &action, &old_hup);
    echo_off = 1;
    struct secret *line = NULL;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0) {
        // In one piece: who waits for the colon at its end must not meet one inside it.
        char shown[512];
        text_escape(shown, sizeof shown - 2, prompt);
        strcat(shown, ": ");
        fputs(shown, stderr);
        line = secret_line(STDIN_FILENO);
    }
    int why = errno;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    echo_off = 0;
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    sigaction(SIGHUP, &old_hup, NULL);
    fputc('\n', stderr);
    errno = why;
    return line;
}

enum exit_code ask_secret(struct run *run, const char *prompt, enum exit_code without, struct secret **out)
{
    if (!ask_possible())
        return fault_set(&run->fault, without, _("A secret is needed, and there is no terminal to ask at."));
    struct secret *line = line_without_echo(prompt);
    if (line != NULL && secret_view(line).n == 0) {
        secret_free(line);
        return fault_set(&run->fault, without, _("Nothing was entered."));
    }
    return take(run, line, _("The terminal"), out);
}

enum exit_code ask_line(struct run *run, const char *prompt, char *out, size_t size)
{
    char shown[512];
    text_escape(shown, sizeof shown - 2, prompt);
    strcat(shown, ": ");
    fputs(shown, stderr);
    fflush(stderr);
    out[0] = '\0';
    if (fgets(out, (int)size, stdin) == NULL || strchr(out, '\n') == NULL)
        return fault_set(&run->fault, EXIT_INTERRUPTED, _("Nothing was entered."));
    out[strcspn(out, "\r\n")] = '\0';
    return EXIT_OK;
}

// Refuses before anything is sent when the PIN is blocked or its last try is not allowed.
static enum exit_code tries_allow(struct run *run)
{
    CK_FLAGS flags = run->token.flags;
    if (flags & CKF_USER_PIN_LOCKED)
        return fault_rv(&run->fault, CKR_PIN_LOCKED, _("The PIN of this token is blocked."));
    if ((flags & CKF_USER_PIN_FINAL_TRY) && !run->options.last_try) {
        fault_set(&run->fault, EXIT_PIN, _("One try is left before the PIN is blocked; it was not used."));
        fault_tries(&run->fault, 1);
        return fault_todo(&run->fault, _("If you are sure of the PIN, add --last-try."));
    }
    return EXIT_OK;
}

static const char *pin_prompt(const struct run *run, char *out, size_t size)
{
    const char *name = run->token.label[0] != '\0' ? run->token.label : run->token.serial;
    if (run->token.flags & CKF_USER_PIN_FINAL_TRY)
        snprintf(out, size, _("PIN of %s (THE LAST TRY)"), name);
    else if (run->token.pin_tries >= 0)
        snprintf(out, size, _("PIN of %s (tries left: %d)"), name, run->token.pin_tries);
    else if (run->token.flags & CKF_USER_PIN_COUNT_LOW)
        snprintf(out, size, _("PIN of %s (few tries left)"), name);
    else
        snprintf(out, size, _("PIN of %s"), name);
    return out;
}

enum exit_code ask_pin(struct run *run, struct secret **pin)
{
    const struct options *options = &run->options;
    struct secret *set = pin_of_environment();
    if (run->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) {
        secret_free(set);
        *pin = NULL;
        return EXIT_OK;
    }
    if (options->pin_file != NULL && options->pin_fd_given) {
        secret_free(set);
        return fault_set(&run->fault, EXIT_USAGE, _("--pin-file and --pin-fd exclude each other."));
    }
    if (tries_allow(run) != EXIT_OK) {
        secret_free(set);
        return run->fault.code;
    }
    if (options->pin_file != NULL || options->pin_fd_given) {
        secret_free(set);
        if (options->pin_file != NULL)
            return ask_file(run, options->pin_file, pin);
        return ask_fd(run, (int)options->pin_fd, "--pin-fd", pin);
    }
    if (set != NULL)
        return take(run, set, "INGAM_PIN", pin);
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_PIN, _("The PIN is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault, _("Give it with --pin-file FILE, --pin-fd NUMBER or INGAM_PIN."));
    }
    char prompt[256];
    return ask_secret(run, pin_prompt(run, prompt, sizeof prompt), EXIT_PIN, pin);
}

enum exit_code ask_admin(struct run *run, struct secret **key)
{
    const struct options *options = &run->options;
    if (options->admin_key_file != NULL && options->default_admin)
        return fault_set(&run->fault, EXIT_USAGE,
                         _("--admin-key-file and --default-admin exclude each other."));
    if (options->admin_key_file != NULL)
        return ask_file(run, options->admin_key_file, key);
    if (options->default_admin) {
        *key = secret_new(factory_admin, sizeof factory_admin - 1);
        return *key != NULL ? EXIT_OK : fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    }
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_ADMIN,
                  _("The management key is needed, and there is no terminal to ask for it."));
        return fault_todo(&run->fault,
                          _("Give it with --admin-key-file FILE (hex), or --default-admin if it is still "
                            "the factory's."));
    }
    return ask_secret(run, _("Management key (hex)"), EXIT_ADMIN, key);
}

enum exit_code ask_destroy(struct run *run, const char *what, const char *word)
{
    return ask_word(run, what, _("Type the token's serial number to go on"), word);
}

enum exit_code ask_word(struct run *run, const char *what, const char *prompt, const char *word)
{
    if (run->options.yes)
        return EXIT_OK;
    if (!ask_possible()) {
        fault_set(&run->fault, EXIT_USAGE, "%s", what);
        return fault_todo(&run->fault, _("If that is what you want, add --yes."));
    }
    char typed[128];
    text_print(stderr, what);
    fputc('\n', stderr);
    fputs(prompt, stderr);
    fputs(" (", stderr);
    text_print(stderr, word);
    fputs("): ", stderr);
    fflush(stderr);
    if (fgets(typed, sizeof typed, stdin) == NULL)
        typed[0] = '\0';
    typed[strcspn(typed, "\r\n")] = '\0';
    if (strcmp(typed, word) == 0)
        return EXIT_OK;
    return fault_set(&run->fault, EXIT_INTERRUPTED, _("Not confirmed: nothing was changed."));
}
