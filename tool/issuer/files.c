// Writes files so that a power failure leaves the whole file or none.
#include "files.h"

#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void secret_wipe(struct secret *secret)
{
    OPENSSL_cleanse(secret, sizeof *secret);
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t done = write(fd, bytes, length);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            bytes += done;
            length -= (size_t)done;
        }
    }
    return fsync(fd) == 0;
}

bool file_write_new(const char *path, mode_t rights, const void *bytes, size_t length, struct fail *fail)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, rights);
    if (fd < 0)
        return fail_errno(fail, _("cannot create %s"), path);
    bool done = write_all(fd, bytes, length);
    if (!done)
        fail_errno(fail, _("cannot write %s"), path);
    close(fd);
    if (!done)
        unlink(path);
    return done;
}

bool file_flush_directory(const char *path, struct fail *fail)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(fail, _("cannot open %s"), path);
    bool done = fsync(fd) == 0;
    if (!done)
        fail_errno(fail, _("cannot flush %s"), path);
    close(fd);
    return done;
}

bool file_read_secret(const char *path, struct secret *secret, struct fail *fail)
{
    secret->length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(fail, _("cannot open the passphrase file %s"), path);
    ssize_t got = read(fd, secret->bytes, sizeof secret->bytes);
    if (got < 0)
        fail_errno(fail, _("cannot read %s"), path);
    close(fd);
    if (got < 0)
        return false;
    size_t length = 0;
    while (length < (size_t)got && secret->bytes[length] != '\n' && secret->bytes[length] != '\r')
        length++;
    if (length == 0 || length == sizeof secret->bytes) {
        secret_wipe(secret);
        return fail_with(fail, FAIL_PASSPHRASE,
                         _("the first line of %s must be a passphrase of 1 to %zu bytes"), path,
                         sizeof secret->bytes - 1);
    }
    secret->length = length;
    return true;
}

bool file_read_bytes(const char *path, unsigned char *bytes, size_t size, size_t *length, struct fail *fail)
{
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *length = 0;
    if (fd < 0)
        return fail_errno(fail, _("cannot open %s"), path);
    while (got > 0 && *length < size) {
        got = read(fd, bytes + *length, size - *length);
        if (got > 0)
            *length += (size_t)got;
    }
    bool done = got == 0;
    if (got < 0)
        fail_errno(fail, _("cannot read %s"), path);
    close(fd);
    return done || fail_with(fail, FAIL_USAGE, _("%s has more than %zu bytes"), path, size - 1);
}

bool file_path(char *path, size_t size, const char *dir, const char *name, struct fail *fail)
{
    int length = snprintf(path, size, "%s%s", dir, name);
    if (length > 0 && (size_t)length < size)
        return true;
    return fail_with(fail, FAIL_USAGE, _("the path %s is too long"), dir);
}
