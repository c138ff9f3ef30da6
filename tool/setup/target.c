// Edits settings files of other programs: each program is a row with where its files are and how they look.
#include "target.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FILE_MOST   1048576
#define OUR_LIBRARY "ingam-pkcs11.so"

struct finder {
    struct target *out;
    size_t room, count;
    const struct target_program *program;
};

// What a file says without the module, written to out; its state on the way. NULL: no such file.
typedef enum target_state target_strip(const char *text, const char *module, FILE *out);

struct target_program {
    const char *word, *name;
    bool usual;
    const char *never; // as root
    void (*find)(struct finder *finder);
    target_strip *strip;
    void (*add)(const char *module, FILE *out);
};

static bool is_ours(const char *path, size_t length)
{
    size_t own = strlen(OUR_LIBRARY);
    return length >= own && memcmp(path + length - own, OUR_LIBRARY, own) == 0 &&
           (length == own || path[length - own - 1] == '/');
}

static bool is_path(const char *value, size_t length, const char *path)
{
    return strlen(path) == length && memcmp(value, path, length) == 0;
}

static enum target_state worse(enum target_state known, const char *value, size_t length, const char *module)
{
    if (known == TARGET_THERE || is_path(value, length, module))
        return TARGET_THERE;
    return TARGET_OTHER;
}

static void found(struct finder *finder, const char *path)
{
    if (finder->count == finder->room || strlen(path) >= PATHS_MAX)
        return;
    struct target *target = &finder->out[finder->count++];
    *target = (struct target){.program = finder->program};
    strcpy(target->path, path);
}

static void find_home(struct finder *finder, const char *name, bool must_be)
{
    char path[PATHS_MAX];
    if (paths_home(path, sizeof path, name) && (!must_be || access(path, F_OK) == 0))
        found(finder, path);
}

static void find_config(struct finder *finder, const char *name)
{
    char path[PATHS_MAX];
    const char *set = secure_getenv("XDG_CONFIG_HOME");
    if (set == NULL || set[0] != '/') {
        snprintf(path, sizeof path, ".config/%s", name);
        find_home(finder, path, false);
        return;
    }
    int n = snprintf(path, sizeof path, "%s/%s", set, name);
    if (n > 0 && (size_t)n < sizeof path)
        found(finder, path);
}

// -- p11-kit: a file of its own

static void find_p11_kit(struct finder *finder)
{
    find_config(finder, "pkcs11/modules/ingam.module");
}

static enum target_state strip_p11_kit(const char *text, const char *module, FILE *out)
{
    const char *line = strstr(text, "module:");
    (void)out; // nothing of the file is left
    if (line == NULL)
        return TARGET_MISSING;
    line += strlen("module:");
    line += strspn(line, " \t");
    return worse(TARGET_MISSING, line, strcspn(line, "\r\n"), module);
}

static void add_p11_kit(const char *module, FILE *out)
{
    fprintf(out, "# Written by ingam setup.\nmodule: %s\n", module);
}

// -- NSS: pkcs11.txt has a paragraph a module

static void find_profiles(struct finder *finder, const char *name)
{
    char root[PATHS_MAX], path[PATHS_MAX];
    DIR *folder = paths_home(root, sizeof root, name) ? opendir(root) : NULL;
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        int n = snprintf(path, sizeof path, "%s/%s/pkcs11.txt", root, entry->d_name);
        if (entry->d_name[0] != '.' && n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0)
            found(finder, path);
    }
    if (folder != NULL)
        closedir(folder);
}

// Firefox keeps a link named lock in its profile while it runs: ADDRESS:+PROCESS.
static bool runs(const char *path)
{
    char link[PATHS_MAX + 8], to[128];
    snprintf(link, sizeof link, "%s", path);
    char *slash = strrchr(link, '/');
    strcpy(slash, "/lock");
    ssize_t n = readlink(link, to, sizeof to - 1);
    if (n <= 0)
        return false;
    to[n] = '\0';
    const char *number = strrchr(to, '+');
    long process = number != NULL ? strtol(number + 1, NULL, 10) : 0;
    return process > 0 && (kill((pid_t)process, 0) == 0 || errno == EPERM);
}

static void find_firefox(struct finder *finder)
{
    find_profiles(finder, ".mozilla/firefox");
    find_profiles(finder, ".config/mozilla/firefox");
    for (size_t i = 0; i < finder->count; i++)
        finder->out[i].busy = runs(finder->out[i].path);
}

static void find_chromium(struct finder *finder)
{
    find_home(finder, ".pki/nssdb/pkcs11.txt", true);
    find_home(finder, ".local/share/pki/nssdb/pkcs11.txt", true);
}

static enum target_state strip_nss(const char *text, const char *module, FILE *out)
{
    enum target_state state = TARGET_MISSING;
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t length = end != NULL ? (size_t)(end - text) + 2 : strlen(text);
        const char *library = strncmp(text, "library=", 8) == 0 ? text + 8 : "";
        size_t n = strcspn(library, "\r\n");
        if (is_ours(library, n))
            state = worse(state, library, n, module);
        else
            fwrite(text, 1, length, out);
        text += length;
        for (; *text == '\n'; text++)
            fputc('\n', out);
    }
    return state;
}

static void add_nss(const char *module, FILE *out)
{
    fprintf(out, "library=%s\nname=Ingam\n\n", module);
}

// -- OpenSSL: a file of its own, which the user names in OPENSSL_CONF

static void find_openssl(struct finder *finder)
{
    find_config(finder, "ingam/openssl.cnf");
}

static enum target_state strip_openssl(const char *text, const char *module, FILE *out)
{
    const char *line = strstr(text, "MODULE_PATH = ");
    (void)out;
    if (line == NULL)
        return TARGET_MISSING;
    line += strlen("MODULE_PATH = ");
    return worse(TARGET_MISSING, line, strcspn(line, "\r\n"), module);
}

static void add_openssl(const char *module, FILE *out)
{
    fprintf(out,
            "# Written by ingam setup. To use it: export OPENSSL_CONF=this file\n"
            "openssl_conf = ingam_init\n\n[ingam_init]\nengines = ingam_engines\n\n"
            "[ingam_engines]\npkcs11 = ingam_engine\n\n"
            "[ingam_engine]\nengine_id = pkcs11\nMODULE_PATH = %s\ninit = 0\n\n"
            "[req]\ndistinguished_name = req_name\n\n[req_name]\n",
            module);
}

// -- ssh: a block between two lines of ours

#define SSH_BEGIN "# ingam setup: begin\n"
#define SSH_END   "# ingam setup: end\n"

static void find_ssh(struct finder *finder)
{
    find_home(finder, ".ssh/config", false);
}

// The module's path in a line of ssh_config(5), which may be quoted; its length 0: another line.
static const char *provider_of(const char *line, size_t *length)
{
    static const char word[] = "PKCS11Provider";
    line += strspn(line, " \t");
    *length = 0;
    if (strncasecmp(line, word, sizeof word - 1) != 0)
        return line;
    line += sizeof word - 1;
    line += strspn(line, " \t=");
    bool quoted = *line == '"';
    line += quoted;
    *length = strcspn(line, quoted ? "\"\r\n" : " \t\r\n");
    return line;
}

static enum target_state strip_ssh(const char *text, const char *module, FILE *out)
{
    enum target_state state = TARGET_MISSING;
    bool inside = false;
    while (*text != '\0') {
        size_t n, length = strcspn(text, "\n");
        length += text[length] == '\n';
        const char *provider = provider_of(text, &n);
        if (n > 0 && is_ours(provider, n))
            state = worse(state, provider, n, module);
        if (strncmp(text, SSH_BEGIN, strlen(SSH_BEGIN)) == 0)
            inside = true;
        if (!inside)
            fwrite(text, 1, length, out);
        if (strncmp(text, SSH_END, strlen(SSH_END)) == 0)
            inside = false;
        text += length;
    }
    return state;
}

static void add_ssh(const char *module, FILE *out)
{
    fprintf(out, SSH_BEGIN "Match all\n    PKCS11Provider \"%s\"\n" SSH_END, module);
}

static const struct target_program programs[] = {
    {"p11-kit", "p11-kit", true, N_("p11-kit does not read settings of root's own"), find_p11_kit,
     strip_p11_kit, add_p11_kit},
    {"firefox", "Firefox", true, NULL, find_firefox, strip_nss, add_nss},
    {"chromium", "Chromium", true, NULL, find_chromium, strip_nss, add_nss},
    {"openssl", "OpenSSL", false, NULL, find_openssl, strip_openssl, add_openssl},
    {"ssh", "ssh", false, NULL, find_ssh, strip_ssh, add_ssh},
};

#define PROGRAMS (sizeof programs / sizeof programs[0])

const char *target_word(size_t n)
{
    return n < PROGRAMS ? programs[n].word : NULL;
}

const char *target_name(size_t n)
{
    return programs[n].name;
}

bool target_usual(size_t n)
{
    return programs[n].usual;
}

const char *target_never(size_t n)
{
    return programs[n].never != NULL && geteuid() == 0 ? _(programs[n].never) : NULL;
}

size_t target_number(const struct target *target)
{
    return (size_t)(target->program - programs);
}

// The file as text, the caller's; "" when there is none. A file that is not text is a fault.
static enum exit_code read_text(const char *path, char **out, struct fault *fault)
{
    char *text = malloc(FILE_MOST + 1);
    long length = text != NULL ? paths_read(path, text, FILE_MOST) : -1;
    *out = NULL;
    if (text == NULL)
        return fault_set(fault, EXIT_OTHER, _("Out of memory."));
    if (length < 0 && errno == ENOENT)
        length = 0;
    if (length >= 0 && memchr(text, '\0', (size_t)length) == NULL) {
        text[length] = '\0';
        *out = text;
        return EXIT_OK;
    }
    fault_set(fault, EXIT_OTHER, _("%s could not be read."), path);
    fault_why(fault, "%s", length < 0 ? strerror(errno) : _("it is not text"));
    free(text);
    return fault->code;
}

// What the file says without the module.
static enum exit_code strip(const struct target *target, const char *module, char **out,
                            enum target_state *state, struct fault *fault)
{
    char *text = NULL;
    size_t length;
    if (read_text(target->path, &text, fault) != EXIT_OK)
        return fault->code;
    FILE *memory = open_memstream(out, &length);
    if (memory == NULL)
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    else
        *state = target->program->strip(text, module, memory);
    if (memory != NULL && fclose(memory) != 0) {
        free(*out);
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    }
    free(text);
    return fault->code;
}

enum exit_code target_find(size_t n, const char *module, struct target *out, size_t room, size_t *count,
                           struct fault *fault)
{
    struct finder finder = {.out = out, .room = room, .program = &programs[n]};
    char *rest = NULL;
    programs[n].find(&finder);
    *count = finder.count;
    for (size_t i = 0; i < finder.count; i++) {
        if (strip(&out[i], module, &rest, &out[i].state, fault) != EXIT_OK)
            return fault->code;
        free(rest);
    }
    return EXIT_OK;
}

// An empty file that we would leave is removed; a link stays one.
static bool put(const char *path, const char *text)
{
    char real[PATHS_MAX];
    const char *to = realpath(path, real) != NULL ? real : path;
    if (text[0] == '\0')
        return unlink(to) == 0 || errno == ENOENT;
    return paths_folders(to) && paths_write(to, text, strlen(text));
}

enum exit_code target_change(const struct target *target, const char *module, bool in, struct fault *fault)
{
    char *rest = NULL, *text = NULL;
    enum target_state state;
    size_t length;
    if (strip(target, module, &rest, &state, fault) != EXIT_OK)
        return fault->code;
    FILE *memory = open_memstream(&text, &length);
    if (memory != NULL) {
        size_t n = strlen(rest);
        fputs(rest, memory);
        if (in && n > 0 && rest[n - 1] != '\n')
            fputc('\n', memory);
        if (in)
            target->program->add(module, memory);
    }
    bool made = memory != NULL && fclose(memory) == 0;
    if (!made || !put(target->path, text)) {
        fault_set(fault, EXIT_OTHER, _("%s could not be written."), target->path);
        fault_why(fault, "%s", strerror(errno));
        fault_state(fault, _("The file is as it was."));
    }
    free(rest);
    free(text);
    return fault->code;
}
