// Opens plain files only, never waits for one, and reads no more than a bound.
#include "files.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MOST 4096

const char *const npki_certificate_names[] = {[NPKI_SIGN] = "signCert.der", [NPKI_KM] = "kmCert.der"};
const char *const npki_key_names[] = {[NPKI_SIGN] = "signPri.key", [NPKI_KM] = "kmPri.key"};

static struct secret *read_all(int fd, size_t size)
{
    struct secret *out = secret_room(size);
    uint8_t *bytes = secret_bytes(out);
    size_t have = 0;
    if (out == NULL)
        errno = ENOMEM;
    while (bytes != NULL && have < size) {
        ssize_t n = read(fd, bytes + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? EIO : errno; // it shrank meanwhile
            secret_free(out);
            return NULL;
        }
        have += (size_t)n;
    }
    return out;
}

struct secret *npki_file_read(const char *path)
{
    struct stat status;
    struct secret *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) != 0)
        out = NULL;
    else if (!S_ISREG(status.st_mode))
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    else if (status.st_size > NPKI_FILE_MOST)
        errno = EFBIG;
    else
        out = read_all(fd, (size_t)status.st_size);
    int why = errno;
    close(fd);
    errno = why;
    return out;
}

enum exit_code npki_file_take(const char *path, struct secret **out, struct fault *fault)
{
    *out = npki_file_read(path);
    if (*out != NULL)
        return EXIT_OK;
    bool absent = errno == ENOENT || errno == ENOTDIR;
    const char *why = errno == EINVAL ? _("it is not a plain file") : strerror(errno);
    fault_set(fault, absent ? EXIT_NOT_FOUND : EXIT_OTHER, _("%s could not be read."), path);
    return fault_why(fault, "%s", why);
}

static X509 *certificate_of(struct rd bytes)
{
    const unsigned char *p = bytes.p;
    X509 *out = d2i_X509(NULL, &p, (long)bytes.n);
    if (out != NULL && p != bytes.p + bytes.n) {
        X509_free(out);
        out = NULL;
    }
    if (out == NULL) {
        BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
        out = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
    }
    ERR_clear_error();
    return out;
}

enum exit_code npki_file_certificate(const char *path, X509 **out, struct fault *fault)
{
    struct secret *bytes;
    *out = NULL;
    if (npki_file_take(path, &bytes, fault) != EXIT_OK)
        return fault->code;
    *out = certificate_of(secret_view(bytes));
    secret_free(bytes);
    if (*out == NULL)
        return fault_set(fault, EXIT_MISMATCH, _("%s is no certificate."), path);
    return EXIT_OK;
}

bool npki_file_in(const char *folder, const char *name, char out[PATHS_MAX])
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    bool found = false;
    for (unsigned i = 0; dir != NULL && !found && i < ENTRIES_MOST && (entry = readdir(dir)) != NULL; i++) {
        struct stat status;
        if (strcasecmp(entry->d_name, name) != 0 ||
            fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
            continue;
        int n = snprintf(out, PATHS_MAX, "%s/%s", folder, entry->d_name);
        found = n > 0 && n < PATHS_MAX;
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}
