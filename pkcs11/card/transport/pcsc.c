// PC/SC as a transport: contexts, the list of readers, the meaning of return codes.
#include "card/transport/pcsc.h"

#include <reader.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    LONG rv;
    enum err error;
} codes[] = {
    {SCARD_S_SUCCESS, E_OK},
    {SCARD_E_NO_MEMORY, E_MEMORY},
    {SCARD_E_INVALID_PARAMETER, E_ARGUMENT},
    {SCARD_E_INVALID_VALUE, E_ARGUMENT},
    {SCARD_E_NO_SERVICE, E_NO_SERVICE},
    {SCARD_E_SERVICE_STOPPED, E_NO_SERVICE},
    {SCARD_E_INVALID_HANDLE, E_NO_SERVICE}, // pcscd was started anew and doesn't know ours
    {SCARD_F_COMM_ERROR, E_NO_SERVICE},
    {SCARD_W_SECURITY_VIOLATION, E_DENIED},
    {SCARD_E_UNKNOWN_READER, E_NO_READER},
    {SCARD_E_READER_UNAVAILABLE, E_NO_READER},
    {SCARD_E_NO_READERS_AVAILABLE, E_NO_READER},
    {SCARD_E_NO_SMARTCARD, E_NO_CARD},
    {SCARD_W_REMOVED_CARD, E_NO_CARD},
    {SCARD_W_UNRESPONSIVE_CARD, E_NO_CARD},
    {SCARD_W_UNPOWERED_CARD, E_NO_CARD},
    {SCARD_W_UNSUPPORTED_CARD, E_NO_CARD},
    {SCARD_E_PROTO_MISMATCH, E_NO_CARD},
    {SCARD_E_SHARING_VIOLATION, E_BUSY},
    {SCARD_W_RESET_CARD, E_RESET},
    {SCARD_E_INSUFFICIENT_BUFFER, E_MALFORMED},
    {SCARD_E_TIMEOUT, E_TIMEOUT},
    {SCARD_E_CANCELLED, E_CANCELLED},
};

enum err pcsc_error(LONG rv)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].rv == rv)
            return codes[i].error;
    return E_IO;
}

bool pcsc_service_lost(LONG rv)
{
    return pcsc_error(rv) == E_NO_SERVICE;
}

enum err pcsc_context(SCARDCONTEXT *out)
{
    LONG rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, out);
    if (rv == SCARD_S_SUCCESS)
        return E_OK;
    *out = 0;
    enum err e = pcsc_error(rv);
    return e == E_DENIED || e == E_MEMORY ? e : E_NO_SERVICE;
}

struct tp_state pcsc_tp_state(DWORD event_state)
{
    return (struct tp_state){
        .present = event_state & SCARD_STATE_PRESENT,
        .mute = event_state & SCARD_STATE_MUTE,
        .taken = event_state & SCARD_STATE_EXCLUSIVE,
        .insertions = (uint32_t)(event_state >> 16 & 0xFFFF),
    };
}

LONG pcsc_state(struct pcsc *p, SCARDCONTEXT context, const char *reader, SCARD_READERSTATE *out)
{
    *out = (SCARD_READERSTATE){.szReader = reader, .dwCurrentState = SCARD_STATE_UNAWARE};
    pthread_mutex_lock(&p->states);
    LONG rv = SCardGetStatusChange(context, 0, out, 1);
    pthread_mutex_unlock(&p->states);
    return rv;
}

static LONG readers(SCARDCONTEXT context, struct tp_reader *out, size_t cap, size_t *count)
{
    char names[PCSC_NAMES_SIZE];
    DWORD size = sizeof names;
    SCARD_READERSTATE state[PCSCLITE_MAX_READERS_CONTEXTS];
    DWORD n = 0;
    *count = 0;
    LONG rv = SCardListReaders(context, NULL, names, &size);
    if (rv == SCARD_E_NO_READERS_AVAILABLE)
        return SCARD_S_SUCCESS;
    if (rv != SCARD_S_SUCCESS)
        return rv;
    for (const char *s = names; n < PCSCLITE_MAX_READERS_CONTEXTS && n < cap && s < names + size && *s;
         s += strlen(s) + 1)
        state[n++] = (SCARD_READERSTATE){.szReader = s, .dwCurrentState = SCARD_STATE_UNAWARE};
    rv = n == 0 ? SCARD_S_SUCCESS : SCardGetStatusChange(context, 0, state, n);
    if (rv != SCARD_S_SUCCESS)
        return rv;
    for (DWORD i = 0; i < n; i++) {
        out[i] = (struct tp_reader){.state = pcsc_tp_state(state[i].dwEventState)};
        snprintf(out[i].name, sizeof out[i].name, "%s", state[i].szReader);
        if (out[i].state.present && state[i].cbAtr <= sizeof out[i].atr) {
            memcpy(out[i].atr, state[i].rgbAtr, state[i].cbAtr);
            out[i].atr_len = (uint8_t)state[i].cbAtr;
        }
    }
    *count = n;
    return rv;
}

LONG pcsc_readers(struct pcsc *p, SCARDCONTEXT context, struct tp_reader *out, size_t cap, size_t *count)
{
    pthread_mutex_lock(&p->states);
    LONG rv = readers(context, out, cap, count);
    pthread_mutex_unlock(&p->states);
    return rv;
}

// Again when the service was started anew since, or a reader left between the two calls.
static enum err list_locked(struct pcsc *p, struct tp_reader *out, size_t cap, size_t *count)
{
    enum err e = E_NO_SERVICE;
    for (int attempt = 0; attempt < 3 && e != E_OK; attempt++) {
        if (p->context == 0 && (e = pcsc_context(&p->context)) != E_OK)
            return e;
        LONG rv = pcsc_readers(p, p->context, out, cap, count);
        e = pcsc_error(rv);
        if (pcsc_service_lost(rv)) {
            SCardReleaseContext(p->context);
            p->context = 0;
        }
    }
    if (e != E_OK)
        *count = 0;
    return e;
}

static enum err pcsc_list(struct tp *tp, struct tp_reader *out, size_t cap, size_t *count)
{
    struct pcsc *p = (struct pcsc *)tp;
    if (p->owner != getpid())
        return E_FORKED;
    pthread_mutex_lock(&p->lock);
    enum err e = list_locked(p, out, cap, count);
    pthread_mutex_unlock(&p->lock);
    return e;
}

static void pcsc_close(struct tp *tp)
{
    struct pcsc *p = (struct pcsc *)tp;
    // A child's message would go out on the parent's connection and end it.
    if (p->owner == getpid()) {
        if (p->context != 0)
            SCardReleaseContext(p->context);
        pthread_mutex_destroy(&p->lock);
        pthread_mutex_destroy(&p->states);
    }
    free(p);
}

static const struct tp_ops ops = {
    .name = "pcsc",
    .close = pcsc_close,
    .list = pcsc_list,
    .connect = pcsc_connect,
    .disconnect = pcsc_disconnect,
    .begin = pcsc_begin,
    .end = pcsc_end,
    .transmit = pcsc_transmit,
    .status = pcsc_status,
    .use_pad = pcsc_use_pad,
    .wait_open = pcsc_wait_open,
    .wait = pcsc_wait,
    .wait_cancel = pcsc_wait_cancel,
    .wait_close = pcsc_wait_close,
};

struct tp *tp_pcsc_new(void)
{
    struct pcsc *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->tp.ops = &ops;
    p->owner = getpid();
    if (pthread_mutex_init(&p->lock, NULL) == 0) {
        if (pthread_mutex_init(&p->states, NULL) == 0)
            return &p->tp;
        pthread_mutex_destroy(&p->lock);
    }
    free(p);
    return NULL;
}
