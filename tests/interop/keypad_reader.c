// Preloaded beside the module: makes a virtual reader one with a keypad (PC/SC part 10). What its person
// types stands in the file KEYPAD_TYPED, one entry a line, the first one is used up first: digits, "cancel",
// or "nothing" until the reader's patience ends. What it did goes to KEYPAD_HEARD, never with digits.
// KEYPAD_FEATURES names what it can do: "verify" or "verify modify".
#include <reader.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#define CODE_VERIFY 0x42330006
#define CODE_MODIFY 0x42330007
#define LINE        32

static void hear(const char *what)
{
    FILE *f = fopen(getenv("KEYPAD_HEARD"), "a");
    if (f == NULL)
        abort();
    (void)fprintf(f, "%s\n", what);
    (void)fclose(f);
}

// The first line is taken out of the file; without one nobody types.
static void typed(char line[LINE])
{
    const char *path = getenv("KEYPAD_TYPED");
    char rest[1000] = "";
    FILE *f = fopen(path, "r+");
    if (f == NULL)
        abort();
    if (fgets(line, LINE, f) == NULL)
        strcpy(line, "nothing");
    line[strcspn(line, "\n")] = '\0';
    rest[fread(rest, 1, sizeof rest - 1, f)] = '\0';
    (void)fclose(f);
    f = fopen(path, "w");
    (void)fputs(rest, f);
    (void)fclose(f);
}

static LONG answer(unsigned sw, LPVOID out, LPDWORD n)
{
    memcpy(out, (unsigned char[]){(unsigned char)(sw >> 8), (unsigned char)sw}, 2);
    *n = 2;
    return SCARD_S_SUCCESS;
}

// One PIN into its place in the block; 0, or what the reader says by itself.
static unsigned enter(uint8_t *block, unsigned size, unsigned least, unsigned most)
{
    char line[LINE];
    typed(line);
    if (strcmp(line, "cancel") == 0)
        return 0x6401;
    if (strcmp(line, "nothing") == 0)
        return 0x6400;
    size_t n = strlen(line);
    if (n < least || n > most || n > size)
        return 0x6403;
    memcpy(block, line, n);
    return 0;
}

static LONG pass_on(SCARDHANDLE card, const uint8_t *command, DWORD n, LPVOID out, LPDWORD got)
{
    uint8_t reply[258];
    DWORD size = sizeof reply;
    LONG rv = SCardTransmit(card, SCARD_PCI_T1, command, n, NULL, reply, &size);
    if (rv == SCARD_S_SUCCESS && size == 2) {
        memcpy(out, reply, 2);
        *got = 2;
    }
    return rv;
}

// Readers refuse what they don't understand, and so does this one.
static LONG verify(SCARDHANDLE card, const PIN_VERIFY_STRUCTURE *p, DWORD size, LPVOID out, LPDWORD n)
{
    unsigned block = p->bmPINBlockString & 0x0F;
    uint8_t command[64];
    if (size != sizeof *p + p->ulDataLength || p->ulDataLength != 5 + block ||
        p->ulDataLength > sizeof command || p->bmFormatString != 0x82 || p->abData[4] != block ||
        p->bTimerOut == 0 || p->bTimerOut > 30)
        return SCARD_E_INVALID_PARAMETER;
    hear("VERIFY");
    memcpy(command, p->abData, p->ulDataLength);
    unsigned sw = enter(command + 5, block, p->wPINMaxExtraDigit >> 8, p->wPINMaxExtraDigit & 0xFF);
    return sw != 0 ? answer(sw, out, n) : pass_on(card, command, p->ulDataLength, out, n);
}

static LONG modify(SCARDHANDLE card, const PIN_MODIFY_STRUCTURE *p, DWORD size, LPVOID out, LPDWORD n)
{
    unsigned block = p->bmPINBlockString & 0x0F, least = p->wPINMaxExtraDigit >> 8,
             most = p->wPINMaxExtraDigit & 0xFF;
    uint8_t command[64], again[16];
    if (size != sizeof *p + p->ulDataLength || p->ulDataLength != 5 + 2 * block ||
        p->ulDataLength > sizeof command || p->bmFormatString != 0x82 || p->bInsertionOffsetOld != 0 ||
        p->bInsertionOffsetNew != block || p->bConfirmPIN != 3 || p->bNumberMessage != 3)
        return SCARD_E_INVALID_PARAMETER;
    hear("MODIFY");
    memcpy(command, p->abData, p->ulDataLength);
    memset(again, 0xFF, sizeof again);
    unsigned sw = enter(command + 5, block, least, most);
    sw = sw != 0 ? sw : enter(command + 5 + block, block, least, most);
    sw = sw != 0 ? sw : enter(again, block, least, most);
    sw = sw != 0 ? sw : memcmp(again, command + 5 + block, block) != 0 ? 0x6402 : 0;
    return sw != 0 ? answer(sw, out, n) : pass_on(card, command, p->ulDataLength, out, n);
}

__attribute__((visibility("default"))) LONG SCardControl(SCARDHANDLE card, DWORD code, LPCVOID in, DWORD size,
                                                         LPVOID out, DWORD room, LPDWORD n)
{
    static const uint8_t features[] = {FEATURE_VERIFY_PIN_DIRECT, 4, 0x42, 0x33, 0, 6,
                                       FEATURE_MODIFY_PIN_DIRECT, 4, 0x42, 0x33, 0, 7};
    if (code == CM_IOCTL_GET_FEATURE_REQUEST && room >= sizeof features) {
        *n = strstr(getenv("KEYPAD_FEATURES"), "modify") != NULL ? 12 : 6;
        memcpy(out, features, *n);
        return SCARD_S_SUCCESS;
    }
    if (code == CODE_VERIFY && room >= 2 && size >= sizeof(PIN_VERIFY_STRUCTURE))
        return verify(card, in, size, out, n);
    if (code == CODE_MODIFY && room >= 2 && size >= sizeof(PIN_MODIFY_STRUCTURE))
        return modify(card, in, size, out, n);
    return SCARD_E_UNSUPPORTED_FEATURE;
}
