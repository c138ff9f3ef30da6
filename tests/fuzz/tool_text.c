// Fuzzes what strangers may hand to the tool as text: an otpauth:// URI, base32, and a list of people. The
// first byte says which. The seeds are corpus/tool_text.
#include "cmd/batch.h"
#include "otp/recipe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_recipe(struct rd text, bool uri)
{
    static struct run run;
    struct otp_recipe recipe = {.type = OATH_TOTP, .hash = OATH_SHA1, .digits = 6, .period = 30};
    fault_clear(&run.fault);
    enum exit_code code =
        uri ? recipe_from_uri(&run, text, &recipe) : recipe_take_base32(&run, text, &recipe);
    // What is taken is what a card takes.
    if (code == EXIT_OK &&
        (secret_view(recipe.secret).n == 0 || secret_view(recipe.secret).n > OATH_SECRET_MAX ||
         recipe.digits < 6 || recipe.digits > 8 || recipe.period == 0 || (uri && recipe.account[0] == '\0')))
        abort();
    secret_free(recipe.secret);
}

static void read_list(struct rd text)
{
    static struct run run;
    struct batch batch = {.lock = -1};
    char path[32];
    int fd = memfd_create("list", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fault_clear(&run.fault);
    if (batch_read(&run, path, &batch) == EXIT_OK)
        for (size_t i = 0; i < batch.count; i++)
            if (batch.person[i].name == NULL || batch.person[i].reference == NULL ||
                batch.person[i].code_file == NULL)
                abort();
    free(batch.person);
    json_decref(batch.list);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct rd text = rd_of(data + 1, size - 1);
    if (data[0] == 'l')
        read_list(text);
    else
        read_recipe(text, data[0] == 'u');
    return 0;
}
