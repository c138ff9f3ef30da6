// Reads distinguished names of the form /TYPE=value/TYPE=value.
#include "dn.h"

#include "utf8.h"
#include "words.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <string.h>

// Copies one component, "TYPE=value", without its escapes; returns where the next one begins.
static const char *component(const char *at, char *copy)
{
    while (*at != 0 && *at != '/') {
        if (at[0] == '\\' && (at[1] == '/' || at[1] == '\\'))
            at++;
        *copy++ = *at++;
    }
    *copy = 0;
    return at;
}

static bool add(X509_NAME *name, char *part, struct fail *fail)
{
    char *value = strchr(part, '=');
    if (value == NULL)
        return fail_with(fail, FAIL_USAGE,
                         _("the name has the part '%s' without '=': write it as /C=KR/O=Example/CN=Name"),
                         part);
    *value++ = 0;
    if (OBJ_txt2nid(part) == NID_undef)
        return fail_with(fail, FAIL_USAGE,
                         _("the name has the unknown attribute '%s': use C, O, OU, CN, serialNumber, ..."),
                         part);
    if (*value == 0)
        return fail_with(fail, FAIL_USAGE, _("the attribute '%s' of the name is empty"), part);
    ERR_clear_error();
    if (X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1)
        return true;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return fail_with(fail, FAIL_USAGE, _("the attribute '%s' cannot be '%s': %s"), part, value,
                     reason != NULL ? reason : _("not allowed"));
}

static bool parse(const char *text, X509_NAME *name, struct fail *fail)
{
    char part[DN_MAX + 1];
    if (strlen(text) > DN_MAX)
        return fail_with(fail, FAIL_USAGE, _("the name is longer than %d bytes"), DN_MAX);
    if (!utf8_is_text(text))
        return fail_with(fail, FAIL_USAGE,
                         _("the name is not valid UTF-8 text: check the terminal's encoding"));
    if (text[0] != '/')
        return fail_with(fail, FAIL_USAGE, _("the name must begin with '/', as in /C=KR/O=Example/CN=Name"));
    while (*text == '/') {
        text = component(text + 1, part);
        if (!add(name, part, fail))
            return false;
    }
    return true;
}

bool dn_parse(const char *text, X509_NAME **name, struct fail *fail)
{
    *name = NULL;
    X509_NAME *made = X509_NAME_new();
    if (made == NULL)
        return fail_with(fail, FAIL_OTHER, _("out of memory"));
    if (!parse(text, made, fail)) {
        X509_NAME_free(made);
        return false;
    }
    *name = made;
    return true;
}

void dn_line(const X509_NAME *name, char *line, size_t size)
{
    line[0] = 0;
    BIO *out = BIO_new(BIO_s_mem());
    unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    if (out != NULL && X509_NAME_print_ex(out, name, 0, form) >= 0) {
        int got = BIO_read(out, line, (int)size - 1);
        line[got > 0 ? got : 0] = 0;
    }
    BIO_free(out);
}
