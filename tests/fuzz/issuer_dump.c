// Fuzzes the lines of a backup: each input gets an end line with the right number of rows and the right MAC,
// so that every row is read and written. All of it is restored or nothing.
#include "dump.h"
#include "issuer_fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];
static struct registry *registry;
static unsigned char seal[KEYS_SEAL];

static void must(bool done)
{
    if (!done)
        abort();
}

static void path_of(const char *name, char path[96])
{
    snprintf(path, 96, "%s/%s", directory, name);
}

// An empty registry: a new one after each restore that was done.
static void fresh(void)
{
    static const char *const names[] = {"registry.db", "registry.db-wal", "registry.db-shm"};
    char path[96];
    struct fail fail = {0};
    registry_close(registry);
    registry = NULL;
    for (size_t i = 0; i < 3; i++) {
        path_of(names[i], path);
        unlink(path);
    }
    path_of("registry.db", path);
    must(registry_create(path, &fail) && registry_open(path, &registry, &fail));
}

static void finish(void)
{
    char path[96];
    fresh();
    registry_close(registry);
    path_of("registry.db", path);
    unlink(path);
    path_of("lines", path);
    unlink(path);
    rmdir(directory);
}

// Lines as they are, then the end: the MAC is over each line without its end.
static void write_lines(const uint8_t *data, size_t size)
{
    char path[96];
    unsigned char derived[KEYS_SEAL], mac[32];
    unsigned char *joined = malloc(size + 1);
    size_t length = 0;
    long rows = 0;
    unsigned mac_length = sizeof mac;
    path_of("lines", path);
    FILE *file = fopen(path, "w");
    must(file != NULL && joined != NULL);
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t line = end != NULL ? (size_t)(end - (data + at)) : size - at;
        if (line > 0) {
            memcpy(joined + length, data + at, line);
            length += line;
            fwrite(data + at, 1, line, file);
            fputc('\n', file);
            rows += memmem(data + at, line, "\"table\"", 7) != NULL;
        }
        at += line + 1;
    }
    must(desk_derive(seal, "ingam backup", derived) &&
         HMAC(EVP_sha256(), derived, sizeof derived, joined, length, mac, &mac_length) != NULL);
    fprintf(file, "{\"rows\":%ld,\"mac\":\"", rows);
    for (size_t i = 0; i < sizeof mac; i++)
        fprintf(file, "%02x", mac[i]);
    fprintf(file, "\"}\n");
    fclose(file);
    free(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[96];
    struct fail fail = {0};
    if (directory[0] == 0) {
        snprintf(directory, sizeof directory, "/dev/shm/ingam-dump.XXXXXX");
        must(mkdtemp(directory) != NULL);
        fresh();
        atexit(finish);
    }
    write_lines(data, size);
    path_of("lines", path);
    if (dump_read(registry, seal, path, &fail))
        fresh();
    else
        must(fail.code == FAIL_MISMATCH);
    return 0;
}
