// A program without any PIN that asks the card for a signature with key 9A (P-256), by plain APDUs through
// pcscd.
//   raw_sign [TRIALS]
// Exit code 0: it got a signature; 1: refused in every trial (the last status word is printed); 2: could not
// ask.
#include <PCSC/winscard.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// SP 800-73-4 part 2, 3.1.1: the PIV application's identifier, right-truncated.
static const BYTE select_piv[] = {0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08, 0x00};
// Part 2, 3.2.4: GENERAL AUTHENTICATE, ECC P-256, key reference 9A, {response wanted, challenge of 32 bytes}.
static const BYTE sign_9a[] = {0x00, 0x87, 0x11, 0x9A, 0x26, 0x7C, 0x24, 0x82, 0x00, 0x81, 0x20};

static unsigned status_of(const BYTE *answer, DWORD length)
{
    return length < 2 ? 0 : (unsigned)(answer[length - 2] << 8 | answer[length - 1]);
}

static unsigned try_sign(SCARDHANDLE card, DWORD protocol)
{
    const SCARD_IO_REQUEST *pci = protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0;
    BYTE answer[512], command[sizeof sign_9a + 33];
    DWORD length = sizeof answer;
    memcpy(command, sign_9a, sizeof sign_9a);
    memset(command + sizeof sign_9a, 0x5A, 32);
    command[sizeof command - 1] = 0;
    if (SCardBeginTransaction(card) != SCARD_S_SUCCESS)
        return 0;
    unsigned sw = 0;
    if (SCardTransmit(card, pci, select_piv, sizeof select_piv, NULL, answer, &length) == SCARD_S_SUCCESS &&
        status_of(answer, length) == 0x9000) {
        length = sizeof answer;
        if (SCardTransmit(card, pci, command, sizeof command, NULL, answer, &length) == SCARD_S_SUCCESS)
            sw = status_of(answer, length);
    }
    SCardEndTransaction(card, SCARD_LEAVE_CARD);
    return sw;
}

int main(int argc, char **argv)
{
    long trials = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    SCARDCONTEXT context;
    char readers[4096];
    DWORD length = sizeof readers, protocol = 0;
    SCARDHANDLE card;
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS ||
        SCardListReaders(context, NULL, readers, &length) != SCARD_S_SUCCESS ||
        SCardConnect(context, readers, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card,
                     &protocol) != SCARD_S_SUCCESS) {
        puts("no card to ask");
        return 2;
    }
    int result = 1;
    unsigned sw = 0;
    for (long i = 0; i < trials && result == 1; i++) {
        sw = try_sign(card, protocol);
        if (sw == 0) {
            DWORD now;
            SCardReconnect(card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_LEAVE_CARD,
                           &now);
        } else if (sw == 0x9000 || (sw & 0xFF00) == 0x6100) {
            result = 0;
        }
    }
    printf("%s (status word %04X)\n", result == 0 ? "signed" : "refused", sw);
    SCardDisconnect(card, SCARD_LEAVE_CARD);
    SCardReleaseContext(context);
    return sw == 0 ? 2 : result;
}
