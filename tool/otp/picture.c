// QR codes: read from a PNG by zbar, shown on the terminal by libqrencode. Both in a child process: the
// picture may be a stranger's, and what these libraries free they do not wipe.
#include "otp/apart.h"
#include "otp/recipe.h"
#include "text.h"

#include <langinfo.h>
#include <png.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zbar.h>

#define SIDE_MOST 4096
#define FILE_MOST (16 * 1024 * 1024)
#define URI_MOST  1024
#define GREY      0x30303859 // "Y800"

enum found {
    FOUND,
    FOUND_NO_PICTURE,
    FOUND_TOO_LARGE,
    FOUND_NONE,
    FOUND_OTHER,
    FOUND_SEVERAL,
    FOUND_TROUBLE
};

static enum found read_symbols(const zbar_image_t *image, int fd)
{
    const char *uri = NULL;
    unsigned length = 0;
    bool other = false;
    for (const zbar_symbol_t *symbol = zbar_image_first_symbol(image); symbol != NULL;
         symbol = zbar_symbol_next(symbol)) {
        const char *data = zbar_symbol_get_data(symbol);
        unsigned n = zbar_symbol_get_data_length(symbol);
        if (n < 10 || n > URI_MOST || strncasecmp(data, "otpauth://", 10) != 0) {
            other = true;
            continue;
        }
        if (uri != NULL)
            return FOUND_SEVERAL;
        uri = data;
        length = n;
    }
    if (uri == NULL)
        return other ? FOUND_OTHER : FOUND_NONE;
    return write(fd, uri, length) == (ssize_t)length ? FOUND : FOUND_TROUBLE;
}

static enum found scan(uint8_t *pixels, unsigned width, unsigned height, int fd)
{
    zbar_image_scanner_t *scanner = zbar_image_scanner_create();
    zbar_image_t *image = zbar_image_create();
    if (scanner == NULL || image == NULL)
        return FOUND_TROUBLE;
    zbar_image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
    zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
    zbar_image_set_format(image, GREY);
    zbar_image_set_size(image, width, height);
    zbar_image_set_data(image, pixels, (unsigned long)width * height, NULL);
    return zbar_scan_image(scanner, image) < 0 ? FOUND_TROUBLE : read_symbols(image, fd);
}

// The child's whole work; it ends with the process, nothing is released.
static int read_picture(void *arg, int fd)
{
    const png_color white = {255, 255, 255};
    struct stat file;
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (stat(arg, &file) == 0 && (!S_ISREG(file.st_mode) || file.st_size > FILE_MOST))
        return FOUND_TOO_LARGE;
    if (!png_image_begin_read_from_file(&image, arg))
        return FOUND_NO_PICTURE;
    if (image.width > SIDE_MOST || image.height > SIDE_MOST)
        return FOUND_TOO_LARGE;
    image.format = PNG_FORMAT_GRAY;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    if (pixels == NULL)
        return FOUND_TROUBLE;
    if (!png_image_finish_read(&image, &white, pixels, 0, NULL))
        return FOUND_NO_PICTURE;
    return (int)scan(pixels, image.width, image.height, fd);
}

enum exit_code recipe_read_picture(struct run *run, const char *path, struct secret **uri)
{
    static const char *const why[] = {
        [FOUND_NO_PICTURE] = N_("it is no PNG picture that can be read"),
        [FOUND_TOO_LARGE] = N_("the picture is too large (at most 4096 by 4096 points, 16 MB)"),
        [FOUND_NONE] = N_("there is no QR code in it"),
        [FOUND_OTHER] = N_("its QR code holds no otpauth:// URI"),
        [FOUND_SEVERAL] = N_("there are several such QR codes in it"),
        [FOUND_TROUBLE] = N_("the QR code could not be read"),
    };
    uint8_t text[URI_MOST];
    size_t n = 0;
    int found = apart_run(read_picture, (void *)(uintptr_t)path, APART_SECONDS, text, sizeof text, &n);
    if (found == FOUND && n > 0) {
        *uri = secret_new(text, n);
        secret_wipe(text, sizeof text);
        return *uri != NULL ? EXIT_OK : fault_set(&run->fault, EXIT_OTHER, _("Out of memory."));
    }
    secret_wipe(text, sizeof text);
    fault_set(&run->fault, EXIT_USAGE, _("No one-time password could be read from the picture %s."), path);
    return fault_why(&run->fault, "%s",
                     _(why[found > FOUND && found <= FOUND_TROUBLE ? found : FOUND_TROUBLE]));
}

static size_t put_escaped(char *out, size_t size, size_t n, const char *text)
{
    for (; *text != '\0' && n + 4 < size; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c != 0 && strchr("-._~@", c) != NULL);
        n += (size_t)snprintf(out + n, size - n, plain ? "%c" : "%%%02X", c);
    }
    return n;
}

// RFC 4648, 6, without padding.
static size_t put_base32(char *out, size_t size, size_t n, struct rd bytes)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned kept = 0;
    uint8_t c;
    while (rd_u8(&bytes, &c)) {
        bits = (bits << 8 | c) & 0xFFFF;
        for (kept += 8; kept >= 5 && n + 1 < size; kept -= 5)
            out[n++] = letters[bits >> (kept - 5) & 31];
    }
    if (kept > 0 && n + 1 < size)
        out[n++] = letters[bits << (5 - kept) & 31];
    out[n] = '\0';
    return n;
}

static void write_uri(const struct otp_recipe *recipe, char *out, size_t size)
{
    static const char *const hashes[] = {"", "SHA1", "SHA256", "SHA512"};
    size_t n = (size_t)snprintf(out, size, "otpauth://%s/", recipe->type == OATH_HOTP ? "hotp" : "totp");
    if (recipe->issuer[0] != '\0') {
        n = put_escaped(out, size, n, recipe->issuer);
        out[n++] = ':';
    }
    n = put_escaped(out, size, n, recipe->account);
    n += (size_t)snprintf(out + n, size - n, "?secret=");
    n = put_base32(out, size, n, secret_view(recipe->secret));
    if (recipe->issuer[0] != '\0') {
        n += (size_t)snprintf(out + n, size - n, "&issuer=");
        n = put_escaped(out, size, n, recipe->issuer);
    }
    if (recipe->hash != OATH_SHA1)
        n += (size_t)snprintf(out + n, size - n, "&algorithm=%s", hashes[recipe->hash]);
    if (recipe->digits != 6)
        n += (size_t)snprintf(out + n, size - n, "&digits=%u", recipe->digits);
    if (recipe->type == OATH_HOTP)
        snprintf(out + n, size - n, "&counter=%u", (unsigned)recipe->counter);
    else if (recipe->period != 30)
        snprintf(out + n, size - n, "&period=%u", recipe->period);
}

// A point of the code with its quiet zone around it.
static bool dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1);
}

// Black on white whatever the terminal's colours are. Two points a character where it knows half blocks, else
// a point in two blanks.
static void print_code(FILE *to, const QRcode *code, bool blocks)
{
    static const char *const halves[2][2] = {{" ", "▄"}, {"▀", "█"}};
    const int edge = 2;
    for (int y = -edge; y < code->width + edge; y += blocks ? 2 : 1) {
        fputs("\033[30;47m", to);
        for (int x = -edge; x < code->width + edge; x++)
            if (blocks)
                fputs(halves[dark(code, x, y)][dark(code, x, y + 1)], to);
            else
                fputs(dark(code, x, y) ? "\033[40m  \033[47m" : "  ", to);
        fputs("\033[0m\n", to);
    }
}

static int show_picture(void *arg, int fd)
{
    (void)fd;
    QRcode *code = QRcode_encodeString8bit(arg, 0, QR_ECLEVEL_L);
    if (code == NULL)
        return 1;
    print_code(stderr, code, strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
    return 0;
}

enum exit_code recipe_show_picture(struct run *run, const struct otp_recipe *recipe)
{
    char uri[URI_MOST];
    uint8_t nothing;
    size_t n;
    write_uri(recipe, uri, sizeof uri);
    int shown = apart_run(show_picture, uri, APART_SECONDS, &nothing, 0, &n);
    secret_wipe(uri, sizeof uri);
    if (shown != 0)
        return fault_set(&run->fault, EXIT_OTHER, _("The QR code could not be shown."));
    say(run, "%s", _("Scan this with the phone, then clear the screen: whoever sees it has the secret."));
    return EXIT_OK;
}
