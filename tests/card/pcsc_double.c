// The double's functions. They stand in the test's program, so the linker takes them and not libpcsclite's.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "pcsc_double.h"

#include <cmocka.h>
#include <reader.h>

struct pcsc_double pcsc;

#define NEXT(queue)                                                                                          \
    (pcsc.queue##_at < sizeof pcsc.queue / sizeof *pcsc.queue ? pcsc.queue[pcsc.queue##_at++] : 0)

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};

LONG SCardEstablishContext(DWORD scope, LPCVOID a, LPCVOID b, LPSCARDCONTEXT context)
{
    (void)scope;
    (void)a;
    (void)b;
    LONG rv = NEXT(establish);
    if (rv == SCARD_S_SUCCESS) {
        *context = 7;
        pcsc.contexts++;
        pcsc.established++;
    }
    return rv;
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
    assert_int_equal(context, 7);
    pcsc.contexts--;
    return SCARD_S_SUCCESS;
}

LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD size)
{
    (void)context;
    (void)groups;
    LONG rv = NEXT(list);
    if (rv != SCARD_S_SUCCESS)
        return rv;
    if (*size < pcsc.names_size)
        return SCARD_E_INSUFFICIENT_BUFFER;
    memcpy(readers, pcsc.names, pcsc.names_size);
    *size = pcsc.names_size;
    return rv;
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD n)
{
    (void)context;
    if (timeout != 0 && pcsc.after_wait != 0)
        pcsc.event_state = pcsc.after_wait;
    LONG rv = NEXT(state);
    for (DWORD i = 0; i < n; i++) {
        states[i].dwEventState = pcsc.event_state;
        states[i].cbAtr = 500; // a lie: longer than any ATR
        memset(states[i].rgbAtr, 0x3B, sizeof states[i].rgbAtr);
    }
    return rv;
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD share, DWORD protocols, LPSCARDHANDLE card,
                  LPDWORD active)
{
    (void)context;
    (void)reader;
    (void)protocols;
    assert_int_equal(share, SCARD_SHARE_SHARED);
    LONG rv = NEXT(connect);
    if (rv == SCARD_S_SUCCESS) {
        *card = 9;
        *active = pcsc.protocol;
        pcsc.cards++;
    }
    return rv;
}

LONG SCardReconnect(SCARDHANDLE card, DWORD share, DWORD protocols, DWORD how, LPDWORD active)
{
    (void)card;
    (void)share;
    (void)protocols;
    assert_int_equal(how, SCARD_LEAVE_CARD);
    *active = pcsc.protocol;
    return NEXT(reconnect);
}

LONG SCardDisconnect(SCARDHANDLE card, DWORD how)
{
    (void)card;
    assert_int_equal(how, SCARD_LEAVE_CARD);
    pcsc.cards--;
    return SCARD_S_SUCCESS;
}

LONG SCardBeginTransaction(SCARDHANDLE card)
{
    (void)card;
    LONG rv = NEXT(begin);
    if (rv == SCARD_S_SUCCESS)
        pcsc.transactions++;
    return rv;
}

LONG SCardEndTransaction(SCARDHANDLE card, DWORD how)
{
    (void)card;
    pcsc.disposition = how;
    pcsc.transactions--;
    return SCARD_S_SUCCESS;
}

LONG SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *pci, LPCBYTE command, DWORD size,
                   SCARD_IO_REQUEST *back, LPBYTE reply, LPDWORD reply_size)
{
    (void)card;
    assert_null(back);
    assert_int_equal(pci->dwProtocol, pcsc.protocol);
    pcsc.sent_size = size < sizeof pcsc.sent ? size : sizeof pcsc.sent;
    memcpy(pcsc.sent, command, pcsc.sent_size);
    LONG rv = NEXT(transmit);
    if (rv == SCARD_S_SUCCESS) {
        DWORD n = pcsc.reply_size < *reply_size ? pcsc.reply_size : 2;
        memcpy(reply, pcsc.reply, n);
        *reply_size = pcsc.reply_size;
    }
    return rv;
}

LONG SCardControl(SCARDHANDLE card, DWORD code, LPCVOID send, DWORD size, LPVOID answer, DWORD room,
                  LPDWORD n)
{
    (void)card;
    const char *text = code == CM_IOCTL_GET_FEATURE_REQUEST ? pcsc.features
                       : code == 0x11223344                 ? pcsc.properties
                                                            : NULL;
    size_t length = code == CM_IOCTL_GET_FEATURE_REQUEST ? pcsc.features_size : pcsc.properties_size;
    if (code == 0x55667788 && pcsc.pad_answer) {
        text = pcsc.pad_answer;
        length = 2;
        pcsc.pad_sent_size = size < sizeof pcsc.pad_sent ? size : sizeof pcsc.pad_sent;
        memcpy(pcsc.pad_sent, send, pcsc.pad_sent_size);
    }
    if (!text)
        return SCARD_E_UNSUPPORTED_FEATURE;
    memcpy(answer, text, length < room ? length : room);
    *n = length;
    return SCARD_S_SUCCESS;
}

LONG SCardGetAttrib(SCARDHANDLE card, DWORD id, LPBYTE out, LPDWORD n)
{
    (void)card;
    (void)id;
    (void)out;
    *n = 0;
    return NEXT(attrib);
}

LONG SCardCancel(SCARDCONTEXT context)
{
    (void)context;
    return SCARD_S_SUCCESS;
}
