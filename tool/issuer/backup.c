// Backs a desk up into a directory while it runs, and makes a desk from such a directory.
#include "commands.h"
#include "db.h"
#include "dump.h"
#include "part.h"
#include "words.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 65536

// What a backup holds beside the registry, and with which rights. Keys stay encrypted as they are.
static const struct {
    const char *name;
    mode_t rights;
} copied[] = {
    {DESK_CA_CERT, 0644},
    {DESK_CMP_CERT, 0644},
    {DESK_CMP_KEY, 0600},
    {DESK_SEAL_KEY, 0600},
};

static bool copy(const char *from, const char *to, const char *name, mode_t rights, struct fail *fail)
{
    static unsigned char bytes[FILE_MAX];
    char source[DESK_PATH];
    char target[DESK_PATH];
    size_t length = 0;
    bool done = file_path(source, sizeof source, from, name, fail) &&
                file_path(target, sizeof target, to, name, fail) &&
                file_read_bytes(source, bytes, sizeof bytes, &length, fail) &&
                file_write_new(target, rights, bytes, length, fail);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return done;
}

// The files of the CA keys, as many as there are; a key on a token has a URI instead.
static bool copy_authorities(const char *from, const char *to, struct fail *fail)
{
    static const struct {
        const char *what, *ending;
        mode_t rights;
    } files[] = {{"ca", "key", 0600}, {"ca", "uri", 0600}, {"ca", "crt", 0644}, {"cmp", "crt", 0644}};
    for (int generation = 1; generation <= DESK_GENERATIONS; generation++) {
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
            char name[DESK_FILE], path[DESK_PATH];
            desk_file(files[i].what, generation, files[i].ending, name);
            if (!file_path(path, sizeof path, from, name, fail))
                return false;
            if ((generation > 1 || files[i].rights == 0600) && access(path, F_OK) == 0 &&
                !copy(from, to, name, files[i].rights, fail))
                return false;
        }
    }
    return true;
}

static bool copy_all(const char *from, const char *to, struct fail *fail)
{
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        if (!copy(from, to, copied[i].name, copied[i].rights, fail))
            return false;
    }
    return copy_authorities(from, to, fail);
}

static bool fill(const struct options *options, struct desk *desk, const struct part *part, struct fail *fail)
{
    char dump[DESK_PATH];
    // The rows first: a CA key that is made meanwhile is then a file too many, not one too few.
    return file_path(dump, sizeof dump, part->part, DESK_DUMP, fail) &&
           dump_write(desk->registry, desk->seal, dump, fail) && copy_all(options->dir, part->part, fail);
}

bool command_backup(const struct options *options, struct fail *fail)
{
    struct desk desk;
    struct part part;
    if (!desk_open(options->dir, options->passphrase_file, &desk, fail))
        return false;
    bool done =
        part_begin(&part, options->to, fail) && part_end(&part, fill(options, &desk, &part, fail), fail);
    desk_close(&desk);
    if (done)
        printf("backup %s\n", part.dir);
    return done;
}

static bool read_seal(const struct options *options, unsigned char seal[KEYS_SEAL], struct fail *fail)
{
    char path[DESK_PATH];
    struct secret passphrase = {0};
    EVP_PKEY *key = NULL;
    if (file_path(path, sizeof path, options->from, DESK_SEAL_KEY, fail) &&
        (options->passphrase_file == NULL || file_read_secret(options->passphrase_file, &passphrase, fail)))
        key = keys_read(path, &passphrase, fail);
    bool done = key != NULL && keys_seal_bytes(key, seal, fail);
    EVP_PKEY_free(key);
    secret_wipe(&passphrase);
    return done;
}

// The registry goes where --db says, else into the directory, whatever it was in before.
static bool place(const struct options *options, const struct part *part, char where[DESK_PATH],
                  struct fail *fail)
{
    char path[DESK_PATH];
    if (options->db == NULL)
        return file_path(where, DESK_PATH, part->part, DESK_REGISTRY, fail);
    if (!db_is_address(options->db) || strlen(options->db) >= DESK_URL)
        return fail_with(fail, FAIL_USAGE, _("--db must be postgresql://HOST/DATABASE, not '%s'"),
                         options->db);
    snprintf(where, DESK_PATH, "%s", options->db);
    return file_path(path, sizeof path, part->part, DESK_ADDRESS, fail) &&
           file_write_new(path, 0600, options->db, strlen(options->db), fail);
}

static bool refill(const struct options *options, const struct part *part, struct fail *fail)
{
    char dump[DESK_PATH];
    char where[DESK_PATH];
    unsigned char seal[KEYS_SEAL];
    struct registry *registry = NULL;
    bool done = read_seal(options, seal, fail) && copy_all(options->from, part->part, fail) &&
                file_path(dump, sizeof dump, options->from, DESK_DUMP, fail) &&
                place(options, part, where, fail) && registry_create(where, fail) &&
                registry_open(where, &registry, fail) && dump_read(registry, seal, dump, fail);
    OPENSSL_cleanse(seal, sizeof seal);
    registry_close(registry);
    return done;
}

bool command_restore(const struct options *options, struct fail *fail)
{
    struct part part;
    return part_begin(&part, options->dir, fail) && part_end(&part, refill(options, &part, fail), fail);
}
