// Makes a directory in one step, whatever happens in between.
#include "part.h"

#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// All names that are made in a directory, so that what a killed call left can be removed and nothing else.
static const char *const made_files[] = {
    DESK_CA_CERT,
    DESK_CA_KEY,
    DESK_CMP_CERT,
    DESK_CMP_KEY,
    DESK_SEAL_KEY,
    DESK_REGISTRY,
    DESK_ADDRESS,
    DESK_DUMP,
    DESK_REGISTRY "-wal",
    DESK_REGISTRY "-shm",
    DESK_REGISTRY "-journal",
};

// DIR may be missing or empty. Anything else is left alone.
static bool check_target(const char *dir, struct fail *fail)
{
    char path[DESK_PATH];
    struct stat status;
    if (!file_path(path, sizeof path, dir, DESK_CA_CERT, fail))
        return false;
    if (lstat(path, &status) == 0)
        return fail_with(fail, FAIL_OTHER,
                         _("%s is a desk already; nothing was changed. Use it, or choose another --dir"),
                         dir);
    if (lstat(dir, &status) != 0 && errno == ENOENT)
        return true;
    if (rmdir(dir) == 0)
        return true; // it was empty: the finished desk takes its place
    return fail_errno(fail, _("%s exists and cannot become a desk; choose another --dir"), dir);
}

// Removes what a killed call has left.
static bool clear_part(const char *part, struct fail *fail)
{
    char path[DESK_PATH];
    for (size_t i = 0; i < sizeof made_files / sizeof made_files[0]; i++) {
        if (!file_path(path, sizeof path, part, made_files[i], fail))
            return false;
        if (unlink(path) != 0 && errno != ENOENT)
            return fail_errno(fail, _("cannot remove %s, left by a call that was killed"), path);
    }
    return true;
}

// Makes DIR.part, or takes the one that a killed call left; *lock keeps other calls away.
static bool take_part(const char *part, int *lock, struct fail *fail)
{
    if (mkdir(part, 0700) != 0 && errno != EEXIST)
        return fail_errno(fail, _("cannot make the directory %s"), part);
    *lock = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*lock < 0)
        return fail_errno(fail, _("cannot open %s"), part);
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0)
        return fail_with(fail, FAIL_BUSY, _("another init is making this desk (%s): wait for it"), part);
    return clear_part(part, fail);
}

// The step that makes the desk: DIR.part becomes DIR.
static bool publish(const char *part, const char *dir, struct fail *fail)
{
    char parent[DESK_PATH];
    if (!file_flush_directory(part, fail) || !file_path(parent, sizeof parent, dir, "/..", fail))
        return false;
    if (rename(part, dir) != 0)
        return fail_errno(fail, _("cannot rename %s to %s"), part, dir);
    return file_flush_directory(parent, fail);
}

// The directory's name without slashes at its end, so that ".part" can be put behind it.
static bool plain_name(const char *dir, char *plain, size_t size, struct fail *fail)
{
    if (!file_path(plain, size, dir, "", fail))
        return false;
    size_t length = strlen(plain);
    while (length > 1 && plain[length - 1] == '/')
        plain[--length] = 0;
    const char *last = strrchr(plain, '/');
    last = last != NULL ? last + 1 : plain;
    if (*last == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return fail_with(fail, FAIL_USAGE, _("--dir must name a directory to make, not '%s'"), dir);
    return true;
}

bool part_begin(struct part *part, const char *dir, struct fail *fail)
{
    part->lock = -1;
    if (plain_name(dir, part->dir, sizeof part->dir, fail) &&
        file_path(part->part, sizeof part->part, part->dir, ".part", fail) && check_target(part->dir, fail) &&
        take_part(part->part, &part->lock, fail))
        return true;
    if (part->lock >= 0)
        close(part->lock);
    return false;
}

bool part_end(struct part *part, bool done, struct fail *fail)
{
    struct fail ignored = {0};
    done = done && publish(part->part, part->dir, fail);
    if (!done && clear_part(part->part, &ignored))
        rmdir(part->part);
    close(part->lock);
    return done;
}
