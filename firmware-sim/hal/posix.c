/* Storage in a file, randomness of the library, monotonic time. */
#include "hal/posix.h"

#include "hal/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool lock(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

enum posix_result posix_image_open(struct posix_image *image, const char *path)
{
    image->fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (image->fd < 0)
        return errno == ENOENT ? POSIX_MISSING : POSIX_FAILED;
    if (lock(image->fd))
        return POSIX_OPENED;
    bool busy = errno == EWOULDBLOCK;
    posix_image_close(image);
    return busy ? POSIX_IN_USE : POSIX_FAILED;
}

static bool new_name(char name[PATH_MAX], const char *path)
{
    int n = snprintf(name, PATH_MAX, "%s.new", path);
    if (n > 0 && n < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

bool posix_image_create(struct posix_image *image, const char *path)
{
    char name[PATH_MAX];
    if (!new_name(name, path))
        return false;
    image->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (image->fd < 0)
        return false;
    if (lock(image->fd) && ftruncate(image->fd, 0) == 0)
        return true;
    posix_image_close(image);
    return false;
}

bool posix_image_keep(struct posix_image *image, const char *path)
{
    char name[PATH_MAX], copy[PATH_MAX];
    if (!new_name(name, path) || fsync(image->fd) != 0)
        return false;
    if (renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
        /* not every file system can rename that way; a second name never replaces one either */
        if (errno != EINVAL || link(name, path) != 0)
            return false;
        (void)unlink(name);
    }
    memcpy(copy, path, strlen(path) + 1);
    int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return false;
    bool kept = fsync(directory) == 0;
    (void)close(directory);
    return kept;
}

void posix_image_close(struct posix_image *image)
{
    if (image->fd >= 0)
        (void)close(image->fd);
    image->fd = -1;
}

static bool storage_read(void *world, uint64_t offset, void *bytes, size_t len)
{
    const struct posix_image *image = world;
    uint8_t *to = bytes;
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(image->fd, to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0) { /* behind the end nothing was written yet */
            memset(to + done, 0, len - done);
            return true;
        }
        done += (size_t)n;
    }
    return true;
}

static bool storage_write(void *world, uint64_t offset, const void *bytes, size_t len)
{
    const struct posix_image *image = world;
    const uint8_t *from = bytes;
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(image->fd, from + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool storage_sync(void *world)
{
    const struct posix_image *image = world;
    return fdatasync(image->fd) == 0;
}

struct hal_storage posix_storage(struct posix_image *image)
{
    return (struct hal_storage){image, storage_read, storage_write, storage_sync};
}

static bool random_fill(void *world, void *bytes, size_t len)
{
    (void)world;
    return crypto_random(bytes, len);
}

struct hal_random posix_random(void)
{
    return (struct hal_random){NULL, random_fill};
}

static uint64_t clock_now(void *world)
{
    struct timespec t;
    (void)world;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct hal_clock posix_clock(void)
{
    return (struct hal_clock){NULL, clock_now};
}
