// The channel to a card as a stack of layers: length (extended or chained), 61xx, 6Cxx, trace, wire.
#pragma once
#include "card/apdu/sw.h"
#include "card/base/trace.h"
#include "card/base/wr.h"
#include "card/transport/transport.h"

#define APDU_DATA_MAX 65535 // Nc of a command (ISO/IEC 7816-4 5.1)
#define APDU_LE_MAX   65536 // Ne: "all there is"

#define CHAN_WIRE_SIZE  (APDU_DATA_MAX + 9)
#define CHAN_REPLY_SIZE (APDU_LE_MAX + 2)

enum apdu_public { APDU_PRIVATE = 0, APDU_PUBLIC_COMMAND = 1, APDU_PUBLIC_REPLY = 2, APDU_PUBLIC = 3 };

// A command as its builder means it; how it travels is the channel's business.
struct apdu {
    const char *name; // literal for traces and the trail
    uint8_t cla, ins, p1, p2;
    uint8_t more;        // the instruction that fetches the rest of an answer; 0: GET RESPONSE
    struct rd body;      // at most APDU_DATA_MAX; may lie in the channel's own work buffer
    uint32_t expected;   // Ne: most bytes of data the answer can have; 0: none; > 256 may use extended length
    bool head;           // the answer's first part is enough: the rest isn't fetched, 61xx comes back
    bool never_extended; // the applet doesn't take extended length, whatever the others on this card do
    enum apdu_public publish; // forgetting it withholds
};

enum chan_extended { EXT_UNKNOWN, EXT_WORKS, EXT_REFUSED };

// Lives in struct card. work and reply are secret_pages: contents are wiped as soon as they are not needed.
struct chan {
    struct tp_conn *conn;
    struct trace trace;
    struct err_trail *trail;
    enum chan_extended extended; // remembered for this card; a driver may preset it
    uint8_t *work;               // APDU_DATA_MAX bytes for a builder's body
    uint8_t *wire;               // CHAN_WIRE_SIZE bytes: the encoded command
    uint8_t *reply;              // CHAN_REPLY_SIZE bytes: the data so far, and a status word
    size_t reply_len;
    uint64_t exchanges; // APDUs sent since the channel was made
};

// conn, trail and trace.ctx stay the caller's. E_MEMORY.
MUST_USE enum err chan_init(struct chan *ch, struct tp_conn *conn, struct trace trace,
                            struct err_trail *trail);
void chan_free(struct chan *ch); // wipes; the connection stays

// A body of the caller's own making is built here.
struct wr chan_body(struct chan *ch);

// Sends one command and collects its whole answer.
//   E_OK: the status word was 9000; *data is the answer's data, a view of the channel's buffer that is valid
//   until the next command or chan_wipe. data may be NULL when none is expected: then data in the answer is
//   E_MALFORMED. Otherwise *data is empty; the trail has the status word, tries and the command's name.
// APDUs: 1 when body <= 255 and answer <= 256 bytes, or extended length works; else ceil(body/255) for the
// body and one more for each 256 bytes of the answer beyond the first. Finding out that extended length is
// refused costs 1, once for a card. The body is wiped from the wire buffer afterwards. At most 600 GET
// RESPONSEs; each has to make progress.
MUST_USE enum err chan_send(struct chan *ch, const struct apdu *command, struct rd *data);
// The same, but every status word is returned in *sw with E_OK (61xx and 6Cxx excepted, which are dealt
// with).
MUST_USE enum err chan_ask(struct chan *ch, const struct apdu *command, struct rd *data, uint16_t *sw);
// Forgets the last answer.
void chan_wipe(struct chan *ch);
