// Puts key files where the Korean PKI's programs look for them, never over what is there.
#include "text.h"
#include "write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MOST 4096
#define NAME_ROOM    1024

// The CAs' folders, by the organization in the issuer's name.
static const char *const cas[] = {"yessign", "SignKorea", "CrossCert", "KICA", "TradeSign", "INIPASS"};

static enum exit_code cannot(const char *path, struct fault *fault)
{
    int why = errno;
    fault_set(fault, why == ENOENT ? EXIT_NOT_FOUND : EXIT_OTHER, _("%s could not be written."), path);
    return fault_why(fault, "%s", strerror(why));
}

static enum exit_code already(const char *path, struct fault *fault)
{
    fault_set(fault, EXIT_MISMATCH, _("%s is there already; it was not touched."), path);
    return fault_todo(fault, _("Choose another place, or move it away first."));
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static bool write_new(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    const char *p = bytes;
    bool done = fd >= 0;
    while (done && length > 0) {
        ssize_t n = write(fd, p, length);
        if (n < 0 && errno == EINTR)
            continue;
        done = n > 0;
        p += done ? n : 0;
        length -= done ? (size_t)n : 0;
    }
    done = done && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && done) {
        why = errno;
        done = false;
    }
    errno = why;
    return done;
}

// What no file system of a USB stick takes in a name, and what would lead elsewhere, becomes a low line.
static void add_text(char *out, const char *text, size_t length)
{
    size_t n = strlen(out);
    for (size_t i = 0; i < length && n + 1 < NAME_ROOM; i++) {
        unsigned char c = (unsigned char)text[i];
        out[n++] = (char)(c < 0x20 || c == 0x7F || strchr("/\\:*?\"<>|", c) != NULL ? '_' : c);
    }
    out[n] = '\0';
}

static void add_value(char *out, const X509_NAME_ENTRY *entry)
{
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (n > 0)
        add_text(out, (const char *)utf8, (size_t)n);
    OPENSSL_free(utf8);
}

// "cn=NAME,ou=...,c=kr": the name turned round, the types in small letters.
static void person_name(char out[NAME_ROOM], const X509_NAME *name)
{
    char type[80];
    out[0] = '\0';
    for (int i = X509_NAME_entry_count(name) - 1; i >= 0; i--) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        if (nid != NID_undef)
            snprintf(type, sizeof type, "%s", OBJ_nid2sn(nid));
        else
            OBJ_obj2txt(type, sizeof type, X509_NAME_ENTRY_get_object(entry), 1);
        for (char *c = type; *c != '\0'; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c - 'A' + 'a');
        if (out[0] != '\0')
            add_text(out, ",", 1);
        add_text(out, type, strlen(type));
        add_text(out, "=", 1);
        add_value(out, entry);
    }
}

static void ca_name(char out[NAME_ROOM], const X509_NAME *issuer)
{
    int at = X509_NAME_get_index_by_NID(issuer, NID_organizationName, -1);
    out[0] = '\0';
    if (at >= 0)
        add_value(out, X509_NAME_get_entry(issuer, at));
    for (size_t i = 0; i < sizeof cas / sizeof cas[0]; i++)
        if (strcasecmp(cas[i], out) == 0)
            snprintf(out, NAME_ROOM, "%s", cas[i]);
    if (out[0] == '\0' || out[0] == '.')
        snprintf(out, NAME_ROOM, "OTHER");
}

// Goes down into the folder called name, capitals or not; makes it if there is none.
static bool enter(char path[PATHS_MAX], const char *name)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    char chosen[NAME_ROOM];
    size_t length = strlen(path);
    if (dir == NULL)
        return false;
    snprintf(chosen, sizeof chosen, "%s", name);
    for (unsigned i = 0; i < ENTRIES_MOST && (entry = readdir(dir)) != NULL; i++)
        if (strcasecmp(entry->d_name, name) == 0)
            snprintf(chosen, sizeof chosen, "%s", entry->d_name);
    closedir(dir);
    int n = snprintf(path + length, PATHS_MAX - length, "/%s", chosen);
    if (n < 0 || (size_t)n >= PATHS_MAX - length) {
        errno = ENAMETOOLONG;
        return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

struct pair {
    unsigned char *certificate, *key;
    int certificate_length, key_length;
};

static bool write_pair(const char *folder, const struct pair *pair, enum npki_use use)
{
    char path[PATHS_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", folder, npki_certificate_names[use]);
    if (n < 0 || n >= (int)sizeof path ||
        !write_new(path, pair->certificate, (size_t)pair->certificate_length))
        return false;
    n = snprintf(path, sizeof path, "%s/%s", folder, npki_key_names[use]);
    return n > 0 && n < (int)sizeof path && write_new(path, pair->key, (size_t)pair->key_length) &&
           sync_folder(folder);
}

static void remove_pair(const char *folder, enum npki_use use)
{
    char path[PATHS_MAX];
    int why = errno;
    if (snprintf(path, sizeof path, "%s/%s", folder, npki_certificate_names[use]) < (int)sizeof path)
        unlink(path);
    if (snprintf(path, sizeof path, "%s/%s", folder, npki_key_names[use]) < (int)sizeof path)
        unlink(path);
    rmdir(folder);
    errno = why;
}

// Both files in a folder of their own, which then gets its name: they appear together or not at all.
static enum exit_code put(const char *parent, const char *name, const struct pair *pair, enum npki_use use,
                          char out[PATHS_MAX], struct fault *fault)
{
    char temporary[PATHS_MAX];
    int n = snprintf(out, PATHS_MAX, "%s/%s", parent, name);
    int m = snprintf(temporary, sizeof temporary, "%s/.ingam-XXXXXX", parent);
    if (n < 0 || n >= PATHS_MAX || m < 0 || m >= (int)sizeof temporary)
        return fault_set(fault, EXIT_USAGE, _("The path is too long."));
    if (mkdtemp(temporary) == NULL)
        return cannot(parent, fault);
    if (write_pair(temporary, pair, use) && rename(temporary, out) == 0)
        return sync_folder(parent) ? EXIT_OK : cannot(out, fault);
    remove_pair(temporary, use);
    if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
        return already(out, fault);
    return cannot(out, fault);
}

enum exit_code npki_write_folder(const char *below, X509 *certificate, const X509_SIG *sealed,
                                 enum npki_use use, char out[PATHS_MAX], struct fault *fault)
{
    char parent[PATHS_MAX], ca[NAME_ROOM], person[NAME_ROOM];
    struct pair pair = {NULL, NULL, 0, 0};
    if (snprintf(parent, sizeof parent, "%s", below) >= (int)sizeof parent)
        return fault_set(fault, EXIT_USAGE, _("The path is too long."));
    ca_name(ca, X509_get_issuer_name(certificate));
    person_name(person, X509_get_subject_name(certificate));
    pair.certificate_length = i2d_X509(certificate, &pair.certificate);
    pair.key_length = i2d_X509_SIG(sealed, &pair.key);
    if (person[0] == '\0')
        fault_set(fault, EXIT_MISMATCH, _("The certificate has no subject to name a folder by."));
    else if (pair.certificate_length <= 0 || pair.key_length <= 0)
        fault_set(fault, EXIT_OTHER, _("Out of memory."));
    else if (!enter(parent, "NPKI") || !enter(parent, ca) || !enter(parent, "USER"))
        cannot(parent, fault);
    else
        put(parent, person, &pair, use, out, fault);
    OPENSSL_free(pair.certificate);
    OPENSSL_free(pair.key);
    return fault->code;
}

enum exit_code npki_write_file(const char *path, const void *bytes, size_t length, struct fault *fault)
{
    char temporary[PATHS_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.%ld.new", path, (long)getpid());
    if (n < 0 || n >= (int)sizeof temporary)
        return fault_set(fault, EXIT_USAGE, _("The path is too long."));
    if (!write_new(temporary, bytes, length)) {
        cannot(path, fault);
        unlink(temporary);
        return fault->code;
    }
    // A name is given once only.
    int moved = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);
    if (moved != 0 && (errno == EINVAL || errno == ENOSYS)) // a file system that can't promise it
        moved = access(path, F_OK) == 0 ? (errno = EEXIST, -1) : rename(temporary, path);
    if (moved == 0) {
        char folder[PATHS_MAX];
        snprintf(folder, sizeof folder, "%s", path);
        char *slash = strrchr(folder, '/');
        if (slash != NULL)
            slash[slash == folder ? 1 : 0] = '\0';
        return sync_folder(slash != NULL ? folder : ".") ? EXIT_OK : cannot(path, fault);
    }
    if (errno == EEXIST)
        already(path, fault);
    else
        cannot(path, fault);
    unlink(temporary);
    return fault->code;
}
