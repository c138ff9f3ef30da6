// The journal of a batch: what has become of each person, in one file that is replaced whole. The steps on a
// token stand in the journal of its issue.
#include "batch.h"
#include "paths.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define JOURNAL_MOST   (16 * 1024 * 1024)
#define JOURNAL_SCHEMA 1

static const char *const state_names[] = {"waiting", "begun", "done", "failed"};

const char *batch_state_name(enum batch_state state)
{
    return state_names[state];
}

// A list is known by where it is.
static bool journal_path(const char *list, char *out, size_t size)
{
    char whole[PATH_MAX], name[64];
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (realpath(list, whole) == NULL ||
        EVP_Digest(whole, strlen(whole), hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    snprintf(name, sizeof name, "batch-%02x%02x%02x%02x%02x%02x%02x%02x.json", hash[0], hash[1], hash[2],
             hash[3], hash[4], hash[5], hash[6], hash[7]);
    return paths_state(out, size, name);
}

static void take_text(json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text != NULL ? text : "");
}

// Rows are found again by their reference number: the list may have been put right meanwhile.
static bool understand(struct batch *batch, json_t *all)
{
    json_t *people = json_object_get(all, "people");
    if (json_integer_value(json_object_get(all, "schema")) != JOURNAL_SCHEMA || !json_is_object(people))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        struct batch_person *person = &batch->person[i];
        json_t *row = json_object_get(people, person->reference);
        const char *state = json_string_value(json_object_get(row, "state"));
        for (int s = BATCH_WAITING; state != NULL && s <= BATCH_FAILED; s++)
            if (strcmp(state_names[s], state) == 0)
                person->state = (enum batch_state)s;
        take_text(row, "token", person->used, sizeof person->used);
        take_text(row, "before", person->before, sizeof person->before);
        take_text(row, "serial_number", person->serial_number, sizeof person->serial_number);
        take_text(row, "error", person->error, sizeof person->error);
    }
    return true;
}

static enum exit_code read_journal(struct run *run, struct batch *batch)
{
    char *text = malloc(JOURNAL_MOST);
    long n = text != NULL ? paths_read(batch->journal, text, JOURNAL_MOST) : -1;
    batch->found = n >= 0 || (text != NULL && errno != ENOENT);
    json_t *all = n >= 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
    bool understood = !batch->found || (all != NULL && understand(batch, all));
    json_decref(all);
    free(text);
    if (understood)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_OTHER, _("The journal %s cannot be understood."), batch->journal);
    return fault_todo(&run->fault,
                      _("See who has a certificate, remove them from the list, remove the journal, "
                        "and start anew."));
}

enum exit_code batch_open(struct run *run, const char *path, struct batch *batch)
{
    char lock[sizeof batch->journal + 8];
    if (!journal_path(path, batch->journal, sizeof batch->journal)) {
        fault_set(&run->fault, EXIT_OTHER, _("The folder for the journal could not be made."));
        return fault_why(&run->fault, "%s", strerror(errno));
    }
    snprintf(lock, sizeof lock, "%s.lock", batch->journal);
    batch->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (batch->lock >= 0 && flock(batch->lock, LOCK_EX | LOCK_NB) == 0)
        return read_journal(run, batch);
    if (batch->lock >= 0 && errno == EWOULDBLOCK) {
        fault_set(&run->fault, EXIT_BUSY, _("Another run works on this list."));
        return fault_todo(&run->fault, _("Wait until it has ended."));
    }
    fault_set(&run->fault, EXIT_OTHER, _("The journal %s could not be opened."), lock);
    return fault_why(&run->fault, "%s", strerror(errno));
}

// Nobody's turn has begun, or everybody is done.
static bool nothing_to_keep(const struct batch *batch)
{
    size_t waiting = 0, done = 0;
    for (size_t i = 0; i < batch->count; i++) {
        waiting += batch->person[i].state == BATCH_WAITING;
        done += batch->person[i].state == BATCH_DONE;
    }
    return waiting == batch->count || done == batch->count;
}

static char *dump(const struct batch *batch)
{
    json_t *all = json_object(), *people = json_object();
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_person *person = &batch->person[i];
        json_t *row = json_object();
        if (person->state == BATCH_WAITING) {
            json_decref(row);
            continue;
        }
        json_object_set_new(row, "state", json_string(state_names[person->state]));
        json_object_set_new(row, "token", json_text(person->used));
        json_object_set_new(row, "before", json_string(person->before));
        json_object_set_new(row, "serial_number", json_text(person->serial_number));
        json_object_set_new(row, "error", json_string(person->error));
        json_object_set_new(people, person->reference, row);
    }
    json_object_set_new(all, "schema", json_integer(JOURNAL_SCHEMA));
    json_object_set_new(all, "people", people);
    char *text = json_dumps(all, JSON_INDENT(1));
    json_decref(all);
    return text;
}

enum exit_code batch_save(struct run *run, struct batch *batch)
{
    if (nothing_to_keep(batch)) {
        if (unlink(batch->journal) == 0 || errno == ENOENT)
            return EXIT_OK;
        fault_set(&run->fault, EXIT_OTHER, _("The journal %s could not be removed."), batch->journal);
        return fault_why(&run->fault, "%s", strerror(errno));
    }
    char *text = dump(batch);
    bool done = text != NULL && paths_write(batch->journal, text, strlen(text));
    int why = errno;
    free(text);
    if (done)
        return EXIT_OK;
    fault_set(&run->fault, EXIT_OTHER, _("The journal %s could not be written."), batch->journal);
    return fault_why(&run->fault, "%s", strerror(why));
}

void batch_close(struct batch *batch)
{
    if (batch->lock >= 0)
        close(batch->lock);
    free(batch->person);
    json_decref(batch->list);
    *batch = (struct batch){.lock = -1};
}
