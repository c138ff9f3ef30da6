/* The module's state: slots with their cards, sessions, logins and objects. Files of core/ share these
 * structs.
 *
 * Locks. The gate (module.c) guards whether the module is initialised and how many calls are inside. Each
 * slot has a lock for everything in struct slot; it is held while the card is talked with, so slots don't
 * hold each other up. The readers' lock guards which reader belongs to which slot and comes before any slot's
 * lock. */
#pragma once
#include "card/driver/driver.h"
#include "card/oath/oath.h"
#include "card/piv/gate.h"
#include "card/piv/sequence.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/map.h"
#include "core/shared.h"
#include "mech/mech.h"
#include "object/attr.h"
#include <stdatomic.h>

#define MAX_SLOTS 255 /* a handle's lowest byte names its slot */

enum op_kind {
    OP_SIGN,
    OP_VERIFY,
    OP_ENCRYPT,
    OP_DECRYPT,
    OP_DIGEST,
    OP_SIGN_RECOVER,
    OP_VERIFY_RECOVER,
    OP_KINDS
};

/* One operation of a session, between C_*Init and its end. */
struct operation {
    struct mech_op mech;
    struct object *key;  /* a reference; NULL: digest */
    bool parts;          /* an *Update was called */
    bool authenticated;  /* C_Login(CKU_CONTEXT_SPECIFIC) came */
    struct secret *code; /* that it gave, for a key that wants one each time (gate.h) */
    uint8_t *result;     /* of a card, when the caller's buffer was too small for it */
    size_t result_len;
    uint8_t *signature; /* of C_VerifySignatureInit */
    size_t signature_len;
    bool message;    /* begun by C_Message*Init */
    bool unsaveable; /* by C_GetOperationState (state.c); else: */
    uint8_t param[64];
    size_t param_len;
    uint8_t *fed; /* all parts so far */
    size_t fed_len, fed_room;
};

/* What C_Message*Init set up (message.c). */
struct message {
    CK_MECHANISM mechanism;
    uint8_t param[64];
    CK_OBJECT_HANDLE handle;
    struct object *key; /* a reference; encryption only */
    struct host_cipher *cipher;
    uint8_t *text;
    size_t text_len;
    uint64_t counter;
    bool under_way;
};

struct finding {
    CK_OBJECT_HANDLE *handle;
    size_t count, next;
};

struct session {
    CK_SESSION_HANDLE handle;
    struct slot *slot;
    bool rw;
    CK_NOTIFY notify;
    void *application;
    struct operation *op[OP_KINDS];
    struct message *message[4]; /* by enum message_kind */
    struct finding *find;
};

/* A key slot of the card and what is known of it. */
struct card_key {
    const struct piv_slot *slot;
    enum card_known certificate; /* KNOWN_NO: there is none */
    enum card_known key;
    bool told; /* the card's metadata was read: policies are certain */
    struct piv_public public_key;
    enum piv_pin pin;
    enum piv_touch touch;
    enum gate gate; /* a code is wanted beside the PIN */
    bool generated;
    struct object *certificate_object, *public_object, *private_object; /* borrowed from the store */
};

/* What stays of a key besides what PIV keeps (facts.c). */
struct fact {
    uint8_t label[64], id[64];
    size_t label_len, id_len; /* 0: the slot's own */
    bool has_public;
    struct piv_public public_key;
};

enum login { LOGIN_NONE, LOGIN_USER, LOGIN_SO };

#define FAILED_PINS 16
#define TAG_SIZE    32

struct slot {
    CK_SLOT_ID id;
    struct lock *lock;
    struct module *module;

    /* the reader; `seen` is from the last look at the list and may be written without the lock */
    char reader[TP_NAME_SIZE]; /* empty: none yet */
    _Atomic uint64_t seen;     /* slot.c: SEEN_* and the insertion counter */
    _Atomic uint64_t told;     /* what C_WaitForSlotEvent said last */

    /* the card */
    struct card card;
    bool open;
    bool used; /* the insertion below belongs to sessions or facts kept here */
    uint32_t insertion;
    bool foreign; /* this insertion's card has no PIV applet */
    bool sure;    /* in this transaction: PIV is selected */
    bool gone;    /* noticed inside a call: slot_drop is due when it ends */
    struct card_identity identity;
    bool identified;   /* identity was read since the insertion */
    bool identity_due; /* the card was reset: compare before a PIN is replayed */
    bool own_reset;    /* and it was us, at the end of a transaction */

    /* One-time passwords (otp.c). A card with an OATH applet has a second slot, which has a connection of its
     * own and the lock of the first. */
    struct slot *piv;              /* of a second slot: the first; NULL: this is a first one */
    struct slot *otp;              /* of a first slot: the second, once there was a card for it */
    _Atomic uint64_t without_oath; /* `seen` of a card that turned out to have no such applet */
    uint8_t otp_id[OATH_ID_MAX];   /* of the applet that the login is for */
    size_t otp_id_len;
    bool otp_listed;

    struct shared shared;
    CK_TOKEN_INFO told_info; /* what C_GetTokenInfo said at info_time; 0: never */
    uint64_t info_time;

    /* login */
    enum login login;
    struct secret *pin; /* the user's, or of an SO */
    bool by_pad;        /* the user's is typed at the reader for each use: none is kept */
    bool so_by_puk;
    enum tp_after admin_after; /* how an admin transaction that failed to start has to end */
    bool fresh;                /* C_Login came and no private key was used since */
    int tries, tries_total;    /* of the PIN, as last seen; -1: unknown */
    uint64_t tries_time;       /* when that was, monotonic microseconds */
    uint64_t pin_time;         /* of the last VERIFY that passed */
    struct secret *tag_key;    /* login.c: of the tags below */
    uint8_t failed[FAILED_PINS][TAG_SIZE];
    size_t failed_count, failed_next;
    struct card_identity failed_identity;
    bool failed_doubt; /* the card was taken out since */
    bool verified;     /* shared PINs: the card was left verified by us */

    /* codes beside the PIN (gate.c) */
    struct gate_state gate;
    bool gate_known;
    uint8_t code_sent[FAILED_PINS][TAG_SIZE];
    size_t codes_sent;
    struct secret *ticket; /* of the login's code; NULL: it had none */
    uint64_t ticket_time;

    /* sessions and objects */
    struct map sessions, objects;
    size_t rw_sessions;
    struct object **list; /* objects in the order of their making */
    size_t list_count, list_room;

    /* the card's content */
    struct card_key key[PIV_SLOTS];
    bool history_read, history_absent;
    struct piv_key_history history;
    uint8_t url[118]; /* of the Key History */
    size_t url_len;
    struct fact fact[PIV_SLOTS];
    uint8_t name[32];            /* the token's, as C_InitToken was given it */
    size_t name_len;             /* 0: none, or not read */
    struct cache *cache;         /* cache.c; NULL: nothing was read or kept */
    struct secret *state_key;    /* state.c; NULL: none yet */
    struct secret *private_list; /* privdata.c: as on the card; NULL: not read */
    bool statics;                /* profile and feature objects were made */
};

struct module {
    struct settings settings;
    struct tp *tp;
    struct lock *readers;
    struct lock *dialogue; /* held while a person is asked; comes before every other lock */
    struct slot *slot[MAX_SLOTS];
    size_t slots; /* grows under the gate and the readers' lock */
    bool looked;  /* slots_refresh was called */
    unsigned long next_handle;
};

/* errors.c: the one table from the card library's errors to return values. */
CK_RV rv_of(enum err e);
uint64_t now_us(void);
