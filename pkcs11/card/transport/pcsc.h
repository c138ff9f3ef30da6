// What the PC/SC files share. Private to transport/.
#pragma once
#include <pthread.h>
#include <sys/types.h>
#include <winscard.h>

#include "card/transport/transport.h"

struct pcsc {
    struct tp tp;
    pid_t owner;
    pthread_mutex_t lock; // covers context
    SCARDCONTEXT context; // for listing only; 0: none
    // libpcsclite 1.9.9 keeps the readers' states in one array for all contexts and guards it by none of its
    // locks.
    pthread_mutex_t states;
};

// A context, made anew. E_NO_SERVICE, E_DENIED, E_MEMORY.
MUST_USE enum err pcsc_context(SCARDCONTEXT *out);
// What a return code of libpcsclite means.
MUST_USE enum err pcsc_error(LONG rv);
// The service, not the card, is what failed: a new context is needed.
bool pcsc_service_lost(LONG rv);
// The readers of the service and their states. names: as SCardListReaders gives them.
#define PCSC_NAMES_SIZE (PCSCLITE_MAX_READERS_CONTEXTS * MAX_READERNAME + 1)
MUST_USE LONG pcsc_readers(struct pcsc *p, SCARDCONTEXT context, struct tp_reader *out, size_t cap,
                           size_t *count);
// One reader's state now, without the known-state form of the call, which waits.
MUST_USE LONG pcsc_state(struct pcsc *p, SCARDCONTEXT context, const char *reader, SCARD_READERSTATE *out);
struct tp_state pcsc_tp_state(DWORD event_state);
// What a reader says about itself (PC/SC part 10): its limits and its keypad.
struct pcsc_features {
    uint32_t data_max;   // largest body of a command; 0: not told
    uint32_t verify_pin; // control codes of its keypad; 0: it can't
    uint32_t modify_pin;
};
void pcsc_ask_features(SCARDHANDLE card, struct pcsc_features *out);
// The keypad's command and the status word that it brings back.
MUST_USE LONG pcsc_pad(SCARDHANDLE card, uint32_t code, const struct tp_pad *pad, uint16_t *sw);

enum err pcsc_wait_open(struct tp *tp, struct tp_wait **out);
enum err pcsc_wait(struct tp_wait *wait, const struct tp_reader *known, size_t count, int timeout_ms);
void pcsc_wait_cancel(struct tp_wait *wait);
void pcsc_wait_close(struct tp_wait *wait);

enum err pcsc_connect(struct tp *tp, const char *reader, struct tp_conn **out);
void pcsc_disconnect(struct tp_conn *conn);
enum err pcsc_begin(struct tp_conn *conn, int timeout_ms, bool *was_reset);
enum err pcsc_end(struct tp_conn *conn, enum tp_after after);
enum err pcsc_transmit(struct tp_conn *conn, struct rd command, uint8_t *reply, size_t cap, size_t *len);
enum err pcsc_status(struct tp_conn *conn, struct tp_state *state);
enum err pcsc_use_pad(struct tp_conn *conn, const struct tp_pad *pad, uint16_t *sw);
