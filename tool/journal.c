// Keeps the journal of an issue as a small JSON file that is replaced whole.
#include "journal.h"
#include "encoded.h"
#include "p11/object.h"
#include "paths.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define JOURNAL_MOST   65536
#define JOURNAL_SCHEMA 1

static const char *const step_names[] = {"none", "making", "key", "received", "written", "confirmed"};

const char *journal_step_name(enum journal_step step)
{
    return step_names[step];
}

// Letters and digits of a serial number stay, the rest becomes %XX.
void journal_file_name(char *out, size_t size, const char *what, const char *token, const char *slot)
{
    size_t n = (size_t)snprintf(out, size, "%s-", what);
    for (; *token != '\0' && n + 4 < size - 16; token++) {
        unsigned char c = (unsigned char)*token;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        n += (size_t)snprintf(out + n, size - n, plain ? "%c" : "%%%02X", c);
    }
    snprintf(out + n, size - n, "%s%s.json", slot != NULL ? "-" : "", slot != NULL ? slot : "");
}

static enum exit_code take_lock(struct journal *journal, struct fault *fault)
{
    char path[4096 + 8];
    snprintf(path, sizeof path, "%s.lock", journal->path);
    journal->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal->lock >= 0 && flock(journal->lock, LOCK_EX | LOCK_NB) == 0)
        return EXIT_OK;
    if (journal->lock >= 0 && errno == EWOULDBLOCK) {
        fault_set(fault, EXIT_BUSY, _("Another run of this command works on the same slot of this token."));
        return fault_todo(fault, _("Wait until it has ended."));
    }
    fault_set(fault, EXIT_OTHER, _("The journal %s could not be opened."), path);
    return fault_why(fault, "%s", strerror(errno));
}

static bool take_text(json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL || strlen(text) >= size)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_step(struct journal *journal, const char *name)
{
    for (size_t i = JOURNAL_MAKING; name != NULL && i < sizeof step_names / sizeof step_names[0]; i++)
        if (strcmp(step_names[i], name) == 0)
            journal->step = (enum journal_step)i;
    return journal->step != JOURNAL_NONE;
}

static bool understand(struct journal *journal, json_t *object)
{
    size_t length = 0;
    if (json_integer_value(json_object_get(object, "schema")) != JOURNAL_SCHEMA ||
        !take_step(journal, json_string_value(json_object_get(object, "step"))) ||
        !take_text(object, "issuer", journal->issuer, sizeof journal->issuer) ||
        !take_text(object, "reference", journal->reference, sizeof journal->reference))
        return false;
    unsigned char *der = encoded_take(object, "public_key", &length);
    const unsigned char *p = der;
    if (der != NULL)
        journal->key = d2i_PUBKEY(NULL, &p, (long)length);
    free(der);
    journal->certificate = encoded_certificate(object, "certificate");
    journal->old = encoded_certificate(object, "renewed_certificate");
    take_text(object, "renews", journal->renews, sizeof journal->renews);
    return (journal->step < JOURNAL_KEY || journal->key != NULL) &&
           (journal->step < JOURNAL_RECEIVED || journal->certificate != NULL);
}

static enum exit_code read_journal(struct journal *journal, struct fault *fault)
{
    char *bytes = malloc(JOURNAL_MOST);
    long length = bytes != NULL ? paths_read(journal->path, bytes, JOURNAL_MOST) : -1;
    if (length < 0 && bytes != NULL && errno == ENOENT) {
        free(bytes);
        return EXIT_OK;
    }
    json_t *object = length >= 0 ? json_loadb(bytes, (size_t)length, 0, NULL) : NULL;
    bool understood = object != NULL && understand(journal, object);
    json_decref(object);
    free(bytes);
    if (understood)
        return EXIT_OK;
    fault_set(fault, EXIT_OTHER, _("The journal %s cannot be understood."), journal->path);
    return fault_todo(fault,
                      _("Look at the token with: ingam token info. Then remove the journal and start anew."));
}

enum exit_code journal_open(struct journal *journal, const char *token, const char *slot, struct fault *fault)
{
    return journal_open_of(journal, "issue", token, slot, fault);
}

enum exit_code journal_open_of(struct journal *journal, const char *command, const char *token,
                               const char *slot, struct fault *fault)
{
    char name[256];
    memset(journal, 0, sizeof *journal);
    journal->lock = -1;
    snprintf(journal->slot, sizeof journal->slot, "%s", slot);
    journal_file_name(name, sizeof name, command, token, slot);
    if (!paths_state(journal->path, sizeof journal->path, name)) {
        fault_set(fault, EXIT_OTHER, _("The folder for the journal could not be made."));
        return fault_why(fault, "%s", strerror(errno));
    }
    if (take_lock(journal, fault) != EXIT_OK || read_journal(journal, fault) != EXIT_OK)
        journal_close(journal);
    return fault->code;
}

enum exit_code journal_write(struct journal *journal, enum journal_step step, struct fault *fault)
{
    unsigned char *der = NULL;
    json_t *object = json_object();
    json_object_set_new(object, "schema", json_integer(JOURNAL_SCHEMA));
    json_object_set_new(object, "step", json_string(step_names[step]));
    json_object_set_new(object, "issuer", json_string(journal->issuer));
    json_object_set_new(object, "reference", json_string(journal->reference));
    if (journal->key != NULL) {
        int n = i2d_PUBKEY(journal->key, &der);
        encoded_put(object, "public_key", der, n);
        OPENSSL_free(der);
    }
    encoded_put_certificate(object, "certificate", journal->certificate);
    encoded_put_certificate(object, "renewed_certificate", journal->old);
    if (journal->renews[0] != '\0')
        json_object_set_new(object, "renews", json_string(journal->renews));
    char *dump = json_dumps(object, JSON_INDENT(1));
    json_decref(object);
    bool done = dump != NULL && paths_write(journal->path, dump, strlen(dump));
    int why = errno;
    free(dump);
    if (done) {
        journal->step = step;
        return EXIT_OK;
    }
    fault_set(fault, EXIT_OTHER, _("The journal %s could not be written."), journal->path);
    return fault_why(fault, "%s", strerror(why));
}

bool journal_find_renewal(struct journal *journal, const char *token, const char *renews)
{
    char name[256];
    const struct piv_place *place;
    for (CK_BYTE id = 1; (place = place_of_id(id)) != NULL; id++) {
        struct fault unreadable = {.code = EXIT_OK};
        memset(journal, 0, sizeof *journal);
        journal->lock = -1;
        snprintf(journal->slot, sizeof journal->slot, "%s", place->number);
        journal_file_name(name, sizeof name, "issue", token, place->number);
        if (paths_state(journal->path, sizeof journal->path, name) &&
            read_journal(journal, &unreadable) == EXIT_OK && journal->step != JOURNAL_NONE &&
            strcmp(journal->renews, renews) == 0)
            return true;
        journal_close(journal);
    }
    return false;
}

bool journal_unfinished(const char *command, const char *token, const char *slot)
{
    char name[256], path[PATHS_MAX];
    journal_file_name(name, sizeof name, command, token, slot);
    return paths_state(path, sizeof path, name) && access(path, F_OK) == 0;
}

enum exit_code journal_finish(struct journal *journal, struct fault *fault)
{
    if (unlink(journal->path) != 0 && errno != ENOENT) {
        fault_set(fault, EXIT_OTHER, _("The journal %s could not be removed."), journal->path);
        return fault_why(fault, "%s", strerror(errno));
    }
    journal->step = JOURNAL_NONE;
    return EXIT_OK;
}

void journal_close(struct journal *journal)
{
    if (journal->lock >= 0)
        close(journal->lock);
    journal->lock = -1;
    EVP_PKEY_free(journal->key);
    X509_free(journal->certificate);
    X509_free(journal->old);
    journal->key = NULL;
    journal->certificate = journal->old = NULL;
}
