// Walks NPKI/CA/USER/NAME: names compared without regard to case, as the media's file systems do.
#include "find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MOST 4096 // of one folder
#define VISITS_MOST  8192 // folders of persons, in all

// Sorted names of a folder's entries of one kind (S_IFDIR, S_IFREG).
struct names {
    char **name;
    size_t n;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct names){NULL, 0};
}

static void names_of(const char *folder, mode_t kind, struct names *out)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    struct stat status;
    *out = (struct names){calloc(ENTRIES_MOST, sizeof(char *)), 0};
    for (unsigned i = 0;
         dir != NULL && out->name != NULL && i < ENTRIES_MOST && (entry = readdir(dir)) != NULL; i++) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            (status.st_mode & S_IFMT) != kind)
            continue;
        char *copy = strdup(entry->d_name);
        if (copy != NULL)
            out->name[out->n++] = copy;
    }
    if (dir != NULL)
        closedir(dir);
    if (out->n > 1)
        qsort(out->name, out->n, sizeof(char *), by_name);
}

static bool join(char out[PATHS_MAX], const char *folder, const char *name)
{
    size_t a = strlen(folder), b = strlen(name);
    while (a > 1 && folder[a - 1] == '/')
        a--;
    if (a + 1 + b >= PATHS_MAX)
        return false;
    memmove(out, folder, a);
    out[a] = '/';
    memcpy(out + a + 1, name, b + 1);
    return true;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// The folder NPKI below this one; at this level a link is the user's own.
static bool npki_below(const char *folder, char out[PATHS_MAX])
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    bool found = false;
    for (unsigned i = 0; dir != NULL && !found && i < ENTRIES_MOST && (entry = readdir(dir)) != NULL; i++)
        found = strcasecmp(entry->d_name, "NPKI") == 0 && join(out, folder, entry->d_name) && is_folder(out);
    if (dir != NULL)
        closedir(dir);
    return found;
}

bool npki_find_root_in(const char *folder, struct npki_root *out)
{
    char real[PATHS_MAX];
    if (npki_below(folder, out->path))
        return true;
    if (realpath(folder, real) == NULL)
        return false;
    const char *name = strrchr(real, '/');
    if (name == NULL || strcasecmp(name + 1, "NPKI") != 0 || !is_folder(real))
        return false;
    return snprintf(out->path, sizeof out->path, "%s", folder) < (int)sizeof out->path;
}

static bool same_folder(const char *a, const char *b)
{
    struct stat one, two;
    return stat(a, &one) == 0 && stat(b, &two) == 0 && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static void add_root(const char *folder, struct npki_root *out, size_t room, size_t *n)
{
    struct npki_root root;
    if (*n == room || !npki_below(folder, root.path))
        return;
    for (size_t i = 0; i < *n; i++)
        if (same_folder(out[i].path, root.path))
            return;
    out[(*n)++] = root;
}

size_t npki_find_roots(const char *home, const char *mounts, struct npki_root *out, size_t room)
{
    char below[PATHS_MAX], buffer[4096];
    struct mntent entry;
    size_t n = 0;
    add_root(home, out, room, &n);
    if (join(below, home, ".pki"))
        add_root(below, out, room, &n);
    FILE *file = setmntent(mounts, "re");
    // Disks only: a file server that does not answer would keep us waiting.
    while (file != NULL && getmntent_r(file, &entry, buffer, sizeof buffer) != NULL)
        if (strncmp(entry.mnt_fsname, "/dev/", 5) == 0)
            add_root(entry.mnt_dir, out, room, &n);
    if (file != NULL)
        endmntent(file);
    return n;
}

static void look_for_pair(const char *folder, enum npki_use use, npki_found_fn *found, void *arg)
{
    struct npki_found one = {.kind = NPKI_FOLDER, .use = use};
    struct fault unused = {.code = EXIT_OK};
    char path[PATHS_MAX];
    if (!npki_file_in(folder, npki_certificate_names[use], path) ||
        npki_file_certificate(path, &one.certificate, &unused) != EXIT_OK)
        return;
    one.key = npki_file_in(folder, npki_key_names[use], path);
    snprintf(one.path, sizeof one.path, "%s", folder);
    found(arg, &one);
    X509_free(one.certificate);
}

static bool is_pfx_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcasecmp(dot, ".pfx") == 0 || strcasecmp(dot, ".p12") == 0);
}

static void look_at_pfx(const char *folder, const char *name, npki_found_fn *found, void *arg)
{
    struct npki_found one = {.kind = NPKI_PFX, .use = NPKI_SIGN, .key = true};
    struct secret *bytes = join(one.path, folder, name) ? npki_file_read(one.path) : NULL;
    PKCS12 *pfx = bytes != NULL ? npki_pfx_parse(secret_view(bytes)) : NULL;
    secret_free(bytes);
    if (pfx == NULL)
        return;
    one.certificate = npki_pfx_clear_certificate(pfx, NPKI_SIGN);
    PKCS12_free(pfx);
    found(arg, &one);
    X509_free(one.certificate);
}

static void look_into(const char *folder, npki_found_fn *found, void *arg)
{
    struct names files;
    look_for_pair(folder, NPKI_SIGN, found, arg);
    look_for_pair(folder, NPKI_KM, found, arg);
    names_of(folder, S_IFREG, &files);
    for (size_t i = 0; i < files.n; i++)
        if (is_pfx_name(files.name[i]))
            look_at_pfx(folder, files.name[i], found, arg);
    names_free(&files);
}

// One CA's folder: its USER folder, by whatever capitals, and the persons in it.
static void look_at_ca(const char *folder, unsigned *visits, npki_found_fn *found, void *arg)
{
    struct names below, persons;
    char user[PATHS_MAX], person[PATHS_MAX];
    names_of(folder, S_IFDIR, &below);
    for (size_t i = 0; i < below.n; i++) {
        if (strcasecmp(below.name[i], "USER") != 0 || !join(user, folder, below.name[i]))
            continue;
        names_of(user, S_IFDIR, &persons);
        for (size_t k = 0; k < persons.n && *visits < VISITS_MOST; k++, (*visits)++)
            if (join(person, user, persons.name[k]))
                look_into(person, found, arg);
        names_free(&persons);
    }
    names_free(&below);
}

void npki_find(const struct npki_root *root, npki_found_fn *found, void *arg)
{
    struct names cas;
    char ca[PATHS_MAX];
    unsigned visits = 0;
    names_of(root->path, S_IFDIR, &cas);
    for (size_t i = 0; i < cas.n; i++)
        if (join(ca, root->path, cas.name[i]))
            look_at_ca(ca, &visits, found, arg);
    names_free(&cas);
}
