// Keeps the record of what was issued onto a token as a small JSON file that is replaced whole.
#include "record.h"
#include "encoded.h"
#include "journal.h"
#include "paths.h"
#include "text.h"
#include "x509/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#define RECORD_MOST    (1 << 20)
#define RECORD_ENTRIES 256
#define RECORD_SCHEMA  1
#define LOCK_TRIES     50
#define LOCK_MS        100

static enum exit_code take_lock(struct record *record, struct fault *fault)
{
    char path[sizeof record->path + 8];
    snprintf(path, sizeof path, "%s.lock", record->path);
    record->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    for (int i = 0; record->lock >= 0 && i < LOCK_TRIES; i++) {
        if (flock(record->lock, LOCK_EX | LOCK_NB) == 0)
            return EXIT_OK;
        if (errno != EWOULDBLOCK)
            break;
        poll(NULL, 0, LOCK_MS);
    }
    if (record->lock >= 0 && errno == EWOULDBLOCK)
        return fault_set(fault, EXIT_BUSY, _("The record %s is in use."), record->path);
    fault_set(fault, EXIT_OTHER, _("The record %s could not be opened."), record->path);
    return fault_why(fault, "%s", strerror(errno));
}

static void take(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text != NULL ? text : "");
}

// token, which may be NULL, gets whose record it is.
static enum exit_code read_record(struct record *record, char *token, size_t size, struct fault *fault)
{
    char *bytes = malloc(RECORD_MOST);
    long length = bytes != NULL ? paths_read(record->path, bytes, RECORD_MOST) : -1;
    bool absent = length < 0 && bytes != NULL && errno == ENOENT;
    json_t *object = length >= 0 ? json_loadb(bytes, (size_t)length, 0, NULL) : NULL;
    json_t *list = json_object_get(object, "certificates");
    free(bytes);
    if (absent)
        record->list = json_array();
    else if (json_integer_value(json_object_get(object, "schema")) == RECORD_SCHEMA && json_is_array(list))
        record->list = json_incref(list);
    if (record->list != NULL && token != NULL)
        take(object, "token", token, size);
    json_decref(object);
    if (record->list != NULL)
        return EXIT_OK;
    fault_set(fault, EXIT_OTHER, _("The record %s cannot be understood."), record->path);
    return fault_todo(fault,
                      _("Move it away; what was issued onto the token is then known to the desk only."));
}

enum exit_code record_open(struct record *record, const char *token, struct fault *fault)
{
    char name[256];
    memset(record, 0, sizeof *record);
    record->lock = -1;
    snprintf(record->token, sizeof record->token, "%s", token);
    journal_file_name(name, sizeof name, "issued", token, NULL);
    if (!paths_state(record->path, sizeof record->path, name)) {
        fault_set(fault, EXIT_OTHER, _("The folder for the journal could not be made."));
        return fault_why(fault, "%s", strerror(errno));
    }
    if (take_lock(record, fault) == EXIT_OK)
        read_record(record, NULL, 0, fault);
    return fault->code;
}

void record_close(struct record *record)
{
    if (record->lock >= 0)
        close(record->lock);
    record->lock = -1;
    json_decref(record->list);
    record->list = NULL;
}

size_t record_count(const struct record *record)
{
    return json_array_size(record->list);
}

bool record_get(const struct record *record, size_t i, struct record_entry *out)
{
    const json_t *object = json_array_get(record->list, i);
    memset(out, 0, sizeof *out);
    take(object, "slot", out->slot, sizeof out->slot);
    take(object, "issuer", out->issuer, sizeof out->issuer);
    take(object, "tls_ca", out->tls_ca, sizeof out->tls_ca);
    take(object, "state", out->state, sizeof out->state);
    take(object, "pending", out->pending, sizeof out->pending);
    out->certificate = encoded_certificate(object, "certificate");
    return out->certificate != NULL;
}

// Where the certificate's entry is; the count if it has none.
static size_t index_of(const struct record *record, const X509 *certificate)
{
    size_t i, count = record_count(record);
    for (i = 0; i < count; i++) {
        X509 *held = encoded_certificate(json_array_get(record->list, i), "certificate");
        bool same = held != NULL && X509_cmp(held, certificate) == 0;
        X509_free(held);
        if (same)
            break;
    }
    return i;
}

bool record_find(const struct record *record, const X509 *certificate, struct record_entry *out)
{
    return record_get(record, index_of(record, certificate), out);
}

// Makes room: the oldest that is of no use any more goes first.
static void forget_one(struct record *record)
{
    for (size_t i = 0; i < record_count(record); i++) {
        const char *state = json_string_value(json_object_get(json_array_get(record->list, i), "state"));
        if (state != NULL && (strcmp(state, "replaced") == 0 || strcmp(state, "revoked") == 0)) {
            json_array_remove(record->list, i);
            return;
        }
    }
    json_array_remove(record->list, 0);
}

void record_put(struct record *record, const struct record_entry *entry)
{
    json_t *object = json_object();
    json_object_set_new(object, "slot", json_string(entry->slot));
    json_object_set_new(object, "issuer", json_string(entry->issuer));
    if (entry->tls_ca[0] != '\0')
        json_object_set_new(object, "tls_ca", json_string(entry->tls_ca));
    json_object_set_new(object, "state", json_string(entry->state));
    if (entry->pending[0] != '\0')
        json_object_set_new(object, "pending", json_string(entry->pending));
    encoded_put_certificate(object, "certificate", entry->certificate);
    size_t i = index_of(record, entry->certificate);
    if (i < record_count(record)) {
        json_array_set_new(record->list, i, object);
        return;
    }
    if (record_count(record) >= RECORD_ENTRIES)
        forget_one(record);
    json_array_append_new(record->list, object);
}

enum exit_code record_save(struct record *record, struct fault *fault)
{
    json_t *object = json_pack("{s:i, s:s, s:O}", "schema", RECORD_SCHEMA, "token", record->token,
                               "certificates", record->list);
    char *dump = object != NULL ? json_dumps(object, JSON_INDENT(1)) : NULL;
    json_decref(object);
    bool done = dump != NULL && paths_write(record->path, dump, strlen(dump));
    int why = errno;
    free(dump);
    if (done)
        return EXIT_OK;
    fault_set(fault, EXIT_OTHER, _("The record %s could not be written."), record->path);
    return fault_why(fault, "%s", strerror(why));
}

enum exit_code record_mark(const char *token, const X509 *certificate, const char *state, const char *pending,
                           struct fault *fault)
{
    struct record record;
    struct record_entry entry;
    if (record_open(&record, token, fault) == EXIT_OK && record_find(&record, certificate, &entry)) {
        if (state != NULL)
            snprintf(entry.state, sizeof entry.state, "%s", state);
        snprintf(entry.pending, sizeof entry.pending, "%s", pending);
        record_put(&record, &entry);
        X509_free(entry.certificate);
        record_save(&record, fault);
    }
    record_close(&record);
    return fault->code;
}

// The entry with this serial number in the file, which is read without its lock: it is replaced whole.
static bool locate_in(const char *path, const char *serial, char *token, size_t size,
                      struct record_entry *out)
{
    struct record record = {.lock = -1};
    struct fault unreadable = {.code = EXIT_OK};
    char number[128];
    bool found = false;
    snprintf(record.path, sizeof record.path, "%s", path);
    read_record(&record, token, size, &unreadable);
    for (size_t i = 0; !found && i < record_count(&record); i++) {
        if (!record_get(&record, i, out))
            continue;
        x509_serial_line(number, sizeof number, out->certificate);
        found = strcasecmp(number, serial) == 0;
        if (!found)
            X509_free(out->certificate);
    }
    record_close(&record);
    return found;
}

bool record_locate(const char *serial, char *token, size_t size, struct record_entry *out)
{
    char folder[PATHS_MAX], path[PATHS_MAX + 256];
    const struct dirent *one;
    bool found = false;
    if (!paths_state(folder, sizeof folder, "issued"))
        return false;
    *strrchr(folder, '/') = '\0';
    DIR *all = opendir(folder);
    while (!found && all != NULL && (one = readdir(all)) != NULL) {
        size_t n = strlen(one->d_name);
        if (strncmp(one->d_name, "issued-", 7) != 0 || n < 5 || strcmp(one->d_name + n - 5, ".json") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, one->d_name);
        found = strlen(path) < PATHS_MAX && locate_in(path, serial, token, size, out);
    }
    if (all != NULL)
        closedir(all);
    return found;
}
