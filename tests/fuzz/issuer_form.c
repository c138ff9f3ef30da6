// Fuzzes what the certificate centre reads from strangers: forms, JSON, Accept-Language, base64; and what it
// writes.
#include "form.h"
#include "page.h"
#include "utf8.h"
#include "web_flow.h"
#include "words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A field's name is one of ours in form, its value is text; HTML never has more than a page's own brackets.
static void look(const struct form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        const char *name = form->fields[i].name;
        if (strlen(name) == 0 || strlen(name) >= FORM_NAME || form_get(form, name) != form->fields[i].value)
            abort();
        struct page page = {0};
        page_print(&page, "%s", form->fields[i].value);
        if (page.length > 0 &&
            (memchr(page.bytes, '<', page.length) != NULL || memchr(page.bytes, '"', page.length) != NULL))
            abort();
        page_free(&page);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct form form;
    unsigned char bytes[256];
    if (form_read(data, size, &form))
        look(&form);
    else if (form.count != 0)
        abort();
    if (form_read_json(data, size, &form))
        look(&form);
    else if (form.count != 0)
        abort();
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    words_accepted(text);
    if (web_base64(text, bytes, sizeof bytes) > (int)sizeof bytes)
        abort();
    free(text);
    return 0;
}
