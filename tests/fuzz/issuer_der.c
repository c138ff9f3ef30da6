// Fuzzes the desk's own readers: DER, PKIMessage headers, UTF-8 and distinguished names.
#include "dn.h"
#include "header.h"
#include "utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct der view, int depth)
{
    struct der value;
    struct der whole;
    unsigned tag = 0;
    int number = 0;
    while (depth > 0 && !der_end(&view)) {
        const unsigned char *end = view.at + view.left;
        struct der same = view;
        if (der_small(&same, &number) && number < 0)
            abort();
        if (!der_any(&view, &tag, &value, &whole))
            return;
        // What was read lies inside, and the view moved on by just that.
        if (value.at < whole.at || value.at + value.left != view.at || view.at + view.left != end)
            abort();
        walk(value, depth - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct header header;
    walk(der_of(data, size), 20);
    if (header_read(data, size, &header) &&
        (header.transaction_id.left > HEADER_MAX || header.sender_kid.left > HEADER_MAX ||
         header.body > BODY_LAST || header.parts.at < data ||
         header.parts.at + header.parts.left > data + size))
        abort();
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    X509_NAME *name = NULL;
    struct fail fail = {0};
    if (dn_parse(text, &name, &fail) != (name != NULL) || (name == NULL) != (fail.code == FAIL_USAGE))
        abort();
    X509_NAME_free(name);
    utf8_is_text(text);
    free(text);
    return 0;
}
