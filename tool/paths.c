// Finds the program's own files and the user's folders, and writes files so that power may go at any moment.
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool join(char *out, size_t size, const char *a, const char *b)
{
    int n = snprintf(out, size, "%s/%s", a, b);
    if (n < 0 || (size_t)n >= size) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

// The folder of the running program.
static bool own_folder(char out[PATHS_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATHS_MAX - 1);
    if (n <= 0)
        return false;
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

static bool beside_or_installed(char *out, size_t size, const char *beside, const char *installed)
{
    char own[PATHS_MAX];
    if (own_folder(own) && join(out, size, own, beside) && access(out, F_OK) == 0)
        return true;
    int n = snprintf(out, size, "%s", installed);
    return n >= 0 && (size_t)n < size;
}

bool paths_module(char *out, size_t size)
{
    return beside_or_installed(out, size, "../pkcs11/ingam-pkcs11.so", INGAM_MODULE_INSTALLED);
}

bool paths_locale(char *out, size_t size)
{
    return beside_or_installed(out, size, "../po/locale", INGAM_LOCALE_INSTALLED);
}

bool paths_folders(const char *path)
{
    char part[PATHS_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        if (path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

bool paths_home(char *out, size_t size, const char *name)
{
    const char *home = secure_getenv("HOME");
    if (home == NULL || home[0] != '/') {
        const struct passwd *entry = getpwuid(getuid());
        home = entry != NULL ? entry->pw_dir : "/";
    }
    return join(out, size, home, name);
}

static bool user_path(char *out, size_t size, const char *variable, const char *below_home, const char *name)
{
    char root[PATHS_MAX], own[PATHS_MAX];
    const char *set = secure_getenv(variable);
    if (set != NULL && set[0] == '/') {
        if (!join(root, sizeof root, set, "ingam"))
            return false;
    } else {
        if (!paths_home(own, sizeof own, below_home) || !join(root, sizeof root, own, "ingam"))
            return false;
    }
    return join(out, size, root, name) && paths_folders(out);
}

bool paths_state(char *out, size_t size, const char *name)
{
    return user_path(out, size, "XDG_STATE_HOME", ".local/state", name);
}

bool paths_data(char *out, size_t size, const char *name)
{
    return user_path(out, size, "XDG_DATA_HOME", ".local/share", name);
}

static bool write_all(int fd, const unsigned char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

static bool sync_folder_of(const char *path)
{
    char folder[PATHS_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return true;
    *slash = '\0';
    int fd = open(folder[0] != '\0' ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = fsync(fd) == 0;
    close(fd);
    return done;
}

bool paths_write(const char *path, const void *bytes, size_t length)
{
    char temporary[PATHS_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temporary) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = mkostemp(temporary, O_CLOEXEC); // mode 0600
    if (fd < 0)
        return false;
    bool done = write_all(fd, bytes, length) && fsync(fd) == 0;
    done = close(fd) == 0 && done;
    done = done && rename(temporary, path) == 0;
    if (!done) {
        int why = errno;
        unlink(temporary);
        errno = why;
        return false;
    }
    return sync_folder_of(path);
}

long paths_read(const char *path, void *bytes, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t have = 0;
    unsigned char extra;
    for (;;) {
        bool full = have == size;
        ssize_t n = read(fd, full ? (void *)&extra : (unsigned char *)bytes + have, full ? 1 : size - have);
        if (n < 0 && errno == EINTR)
            continue;
        int why = n < 0 ? errno : n > 0 && full ? EFBIG : 0;
        if (why != 0) {
            close(fd);
            errno = why;
            return -1;
        }
        if (n == 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    return (long)have;
}
