// Reads otpauth:// URIs and base32 secrets.
#include "otp/recipe.h"
#include "text.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <strings.h>

#define LABEL_MOST (3 * (2 * OATH_NAME_MAX + 1))

static enum exit_code bad(struct run *run, const char *why)
{
    fault_set(&run->fault, EXIT_USAGE, _("The otpauth:// URI could not be read."));
    return fault_why(&run->fault, "%s", why);
}

// Text of a person's: UTF-8, nothing that steers a terminal.
static bool is_harmless(const char *text)
{
    while (*text != '\0') {
        unsigned long point;
        size_t used = text_decode(text, &point);
        if (used == 0 || text_steers(point))
            return false;
        text += used;
    }
    return true;
}

static bool take_part(char out[OATH_NAME_MAX + 1], const char *from, size_t length)
{
    while (length > 0 && from[0] == ' ') {
        from++;
        length--;
    }
    if (length == 0 || length > OATH_NAME_MAX)
        return false;
    memcpy(out, from, length);
    out[length] = '\0';
    return is_harmless(out);
}

enum exit_code recipe_take_name(struct run *run, const char *name, struct otp_recipe *recipe)
{
    const char *colon = strchr(name, ':');
    recipe->issuer[0] = '\0';
    if ((colon == NULL || take_part(recipe->issuer, name, (size_t)(colon - name))) &&
        take_part(recipe->account, colon != NULL ? colon + 1 : name,
                  strlen(colon != NULL ? colon + 1 : name)))
        return EXIT_OK;
    fault_set(&run->fault, EXIT_USAGE, _("\"%s\" is no name of a one-time password."), name);
    return fault_todo(&run->fault, _("Write it as ISSUER:ACCOUNT or ACCOUNT, at most %d bytes of UTF-8."),
                      OATH_NAME_MAX);
}

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Percent-decodes; "+" stays one. False: broken, too long, or a NUL.
static bool decode(struct rd from, char *out, size_t size)
{
    size_t n = 0;
    uint8_t c, high, low;
    while (rd_u8(&from, &c)) {
        if (c == '%') {
            if (!rd_u8(&from, &high) || !rd_u8(&from, &low) || hex(high) < 0 || hex(low) < 0)
                return false;
            c = (uint8_t)(hex(high) << 4 | hex(low));
        }
        if (c == 0 || n + 1 >= size)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

// Up to the first of these bytes, which is skipped; *stop says which it was (0: the end).
static struct rd upto(struct rd *from, const char *stops, uint8_t *stop)
{
    size_t n = 0;
    struct rd out;
    while (n < from->n && (from->p[n] == 0 || strchr(stops, from->p[n]) == NULL))
        n++;
    if (!rd_take(from, n, &out))
        out = rd_of(NULL, 0);
    *stop = 0;
    (void)!rd_u8(from, stop);
    return out;
}

static bool number(struct rd value, uint32_t least, uint32_t most, uint32_t *out)
{
    uint64_t n = 0;
    uint8_t c;
    if (value.n == 0 || value.n > 10)
        return false;
    while (rd_u8(&value, &c)) {
        if (c < '0' || c > '9')
            return false;
        n = n * 10 + (uint64_t)(c - '0');
    }
    if (n < least || n > most)
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool word(struct rd value, const char *is)
{
    return value.n == strlen(is) && strncasecmp((const char *)value.p, is, value.n) == 0;
}

static int base32(uint8_t c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a'
           : c >= '2' && c <= '7' ? c - '2' + 26
                                  : -1;
}

// RFC 4648, 6. Returns the length, or 0. out has room for 5/8 of the text.
static size_t decode_base32(struct rd text, uint8_t *out)
{
    uint32_t bits = 0, kept = 0;
    size_t n = 0;
    uint8_t c;
    bool padding = false;
    while (rd_u8(&text, &c)) {
        if (c == ' ' || c == '-' || c == '\t')
            continue;
        padding = padding || c == '=';
        if (c == '=')
            continue;
        if (padding || base32(c) < 0)
            return 0;
        bits = (bits << 5 | (uint32_t)base32(c)) & 0xFFF;
        kept += 5;
        if (kept >= 8) {
            kept -= 8;
            out[n++] = (uint8_t)(bits >> kept);
        }
    }
    return n;
}

static enum exit_code take_base32(struct run *run, struct rd text, struct otp_recipe *recipe)
{
    struct secret *room = secret_room(text.n + 1);
    uint8_t *bytes = secret_bytes(room);
    size_t n = bytes != NULL ? decode_base32(text, bytes) : 0;
    recipe->secret = n > 0 ? secret_new(bytes, n) : NULL;
    secret_free(room);
    if (n == 0) {
        fault_set(&run->fault, EXIT_USAGE, _("The secret is not base32."));
        return fault_todo(&run->fault, _("It has the letters A to Z and the digits 2 to 7."));
    }
    return recipe->secret != NULL ? EXIT_OK : fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
}

// A key longer than the hash's block is hashed first (RFC 2104, 2). The block of SHA-512 is longer than what
// the card takes: a key between the two is refused.
static enum exit_code shorten(struct run *run, struct otp_recipe *recipe)
{
    const EVP_MD *hash = recipe->hash == OATH_SHA256 ? EVP_sha256() : EVP_sha1();
    struct rd whole = secret_view(recipe->secret);
    unsigned length = 0;
    if (whole.n <= OATH_SECRET_MAX)
        return EXIT_OK;
    if (recipe->hash == OATH_SHA512)
        return fault_set(&run->fault, EXIT_UNSUPPORTED,
                         _("The secret is too long for the token: %zu bytes, of at most %d."), whole.n,
                         OATH_SECRET_MAX);
    struct secret *shorter = secret_room((size_t)EVP_MD_get_size(hash));
    if (shorter == NULL || EVP_Digest(whole.p, whole.n, secret_bytes(shorter), &length, hash, NULL) != 1)
        fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    secret_free(recipe->secret);
    recipe->secret = shorter;
    return run->fault.code;
}

static enum exit_code take_field(struct run *run, struct rd key, struct rd value, struct otp_recipe *recipe)
{
    static const char *const hashes[] = {"", "SHA1", "SHA256", "SHA512"};
    uint32_t n = 0;
    if (word(key, "secret"))
        return recipe->secret == NULL ? take_base32(run, value, recipe) : bad(run, _("it has two secrets"));
    if (word(key, "issuer")) {
        char text[LABEL_MOST];
        return decode(value, text, sizeof text) && take_part(recipe->issuer, text, strlen(text))
                   ? EXIT_OK
                   : bad(run, _("its issuer is empty, too long, or no text"));
    }
    if (word(key, "algorithm")) {
        for (int i = OATH_SHA1; i <= OATH_SHA512; i++)
            if (word(value, hashes[i])) {
                recipe->hash = (enum oath_hash)i;
                return EXIT_OK;
            }
        return bad(run, _("its algorithm is none of SHA1, SHA256 and SHA512"));
    }
    if (word(key, "digits")) {
        if (!number(value, 6, 8, &n))
            return bad(run, _("its codes do not have 6, 7 or 8 digits"));
        recipe->digits = n;
    } else if (word(key, "period")) {
        if (!number(value, 1, 86400, &n))
            return bad(run, _("its period is not between 1 and 86400 seconds"));
        recipe->period = n;
    } else if (word(key, "counter")) {
        if (!number(value, 0, UINT32_MAX, &recipe->counter))
            return bad(run, _("its counter is no number that the token takes"));
    }
    return EXIT_OK;
}

// Issuer and account, or the account alone; "%3A" divides as ":" does.
static enum exit_code take_label(struct run *run, struct rd label, struct otp_recipe *recipe)
{
    char text[LABEL_MOST];
    struct otp_recipe name = {0};
    struct fault before = run->fault;
    bool fits = decode(label, text, sizeof text) && recipe_take_name(run, text, &name) == EXIT_OK;
    run->fault = before;
    if (!fits)
        return bad(run, _("its name is empty, too long, or no text"));
    memcpy(recipe->account, name.account, sizeof recipe->account);
    memcpy(recipe->issuer, name.issuer, sizeof recipe->issuer);
    return EXIT_OK;
}

static enum exit_code read_uri(struct run *run, struct rd uri, struct otp_recipe *recipe)
{
    uint8_t stop = 0;
    struct rd scheme, type, label;
    if (!rd_take(&uri, strlen("otpauth://"), &scheme) || !word(scheme, "otpauth://"))
        return bad(run, _("it does not begin with otpauth://"));
    type = upto(&uri, "/?", &stop);
    if (stop != '/' || !(word(type, "totp") || word(type, "hotp")))
        return bad(run, _("it is neither of totp nor of hotp"));
    recipe->type = word(type, "hotp") ? OATH_HOTP : OATH_TOTP;
    label = upto(&uri, "?", &stop);
    if (take_label(run, label, recipe) != EXIT_OK)
        return run->fault.code;
    while (!rd_end(&uri)) {
        struct rd pair = upto(&uri, "&#", &stop), key = upto(&pair, "=", &(uint8_t){0});
        if (take_field(run, key, pair, recipe) != EXIT_OK)
            return run->fault.code;
        if (stop == '#')
            break;
    }
    return recipe->secret != NULL ? shorten(run, recipe) : bad(run, _("it has no secret"));
}

enum exit_code recipe_from_uri(struct run *run, struct rd uri, struct otp_recipe *recipe)
{
    *recipe = (struct otp_recipe){.type = OATH_TOTP, .hash = OATH_SHA1, .digits = 6, .period = 30};
    if (read_uri(run, uri, recipe) == EXIT_OK)
        return EXIT_OK;
    secret_free(recipe->secret);
    recipe->secret = NULL;
    return run->fault.code;
}

enum exit_code recipe_take_base32(struct run *run, struct rd text, struct otp_recipe *recipe)
{
    return take_base32(run, text, recipe) == EXIT_OK ? shorten(run, recipe) : run->fault.code;
}

enum exit_code recipe_generate(struct run *run, struct otp_recipe *recipe)
{
    static const size_t sizes[] = {0, 20, 32, 64};
    recipe->secret = secret_room(sizes[recipe->hash]);
    if (recipe->secret != NULL &&
        RAND_priv_bytes(secret_bytes(recipe->secret), (int)sizes[recipe->hash]) == 1)
        return EXIT_OK;
    return fault_set(&run->fault, EXIT_OTHER, _("The random generator of this computer fails."));
}
