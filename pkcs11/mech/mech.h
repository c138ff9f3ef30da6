/* The mechanism engine: rows that say what a mechanism is for, and pure functions from bytes to bytes.
 *
 * Nothing here reaches a card. A private-key operation is split in two: *_block makes what the key is applied
 * to, *_finish turns its answer into what the standard wants; who applies the key in between is the caller's
 * affair. */
#pragma once
#include "card/base/rd.h"
#include "host/host.h"
#include "object/p11.h"

#define MECH_MAX_BLOCK 512 /* RSA-4096 */
#define MECH_MAX_POINT 133
#define MECH_NO_KEY    CK_UNAVAILABLE_INFORMATION
#define MECH_LABEL_MAX 256               /* of an OAEP label, kept with the operation */
#define MECH_MAX_TEXT  ((size_t)1 << 24) /* of a text that has to be kept whole */
#define MECH_MAX_IV    128               /* of GCM: as much as OpenSSL takes */

enum mech_place {
    MECH_CARD,     /* private-key half on the card, public-key half here */
    MECH_SOFTWARE, /* session keys and bare data, here */
    MECH_OATH,     /* by the card's OATH applet, in a slot of its own */
};

/* The public facts of a key and, of a session's key, its secret ones. */
struct mech_key {
    CK_KEY_TYPE type;
    enum host_curve curve;
    struct rd n, e;  /* RSA */
    struct rd point; /* 04 || X || Y, or 32 bytes */
    struct rd value; /* secret key */
};

struct mech_op;

/* What the rows of one family have in common. A NULL function: the family has no such operation. */
struct mech_family {
    const char *name;
    /* Checks and takes the mechanism's parameter. NULL: it has to be empty. */
    CK_RV (*params)(struct mech_op *op, const CK_MECHANISM *m);
    bool flat; /* its parameter holds no pointer: its bytes can be kept */
    CK_RV (*sign_block)(const struct mech_op *op, struct rd msg, uint8_t *block, size_t *len);
    CK_RV (*sign_finish)(const struct mech_op *op, struct rd raw, uint8_t *out, size_t *len);
    CK_RV (*verify)(const struct mech_op *op, struct rd msg, struct rd signature);
    CK_RV (*recover)(const struct mech_op *op, struct rd signature, uint8_t *out, size_t *len);
    CK_RV (*encrypt)(const struct mech_op *op, struct rd plain, uint8_t *out, size_t *len);
    CK_RV (*decrypt_finish)(const struct mech_op *op, struct rd raw, uint8_t *out, size_t *len);
    /* Starts a stream in op from a secret key (MAC, cipher). */
    CK_RV (*start)(struct mech_op *op, const struct mech_key *key);
    /* Ciphers: instead of the cipher's own step. */
    CK_RV (*update)(struct mech_op *op, struct rd in, uint8_t *out, size_t *len);
    /* Most bytes of a signature or of a text of in_len bytes. */
    size_t (*out_len)(const struct mech_op *op, size_t in_len);
};

struct mech_row {
    CK_MECHANISM_TYPE type;
    const char *name;
    CK_KEY_TYPE key; /* MECH_NO_KEY: digests, random data */
    CK_ULONG min,
        max; /* key sizes in the unit of the standard: bits for RSA and EC, bytes for AES and generic keys */
    CK_FLAGS flags;
    enum mech_place place;
    enum host_hash hash; /* of the message first; HOST_NONE: taken as it is */
    const struct mech_family *family;
};

const struct mech_row *mech_row_at(size_t index); /* NULL past the end */
const struct mech_row *mech_row(CK_MECHANISM_TYPE type);
/* HOST_NONE for what isn't a digest. */
enum host_hash mech_hash_of(CK_MECHANISM_TYPE digest);
enum host_hash mech_mgf_hash(CK_RSA_PKCS_MGF_TYPE mgf);

/* One operation. Owns copies of all it needs. */
struct mech_op {
    const struct mech_row *row;
    CK_FLAGS use; /* one of CKF_SIGN, CKF_VERIFY, ... */
    CK_KEY_TYPE key_type;
    enum host_curve curve;
    uint8_t n[MECH_MAX_BLOCK], e[MECH_MAX_BLOCK], point[MECH_MAX_POINT];
    size_t n_len, e_len, point_len;
    struct {
        enum host_hash hash, mgf;
        size_t salt;
        uint8_t label[MECH_LABEL_MAX];
        size_t label_len;
    } rsa;
    struct {
        bool timed;    /* the time was given */
        uint64_t time; /* Unix time */
        bool next;
        unsigned length; /* digits; 0: the key's */
    } otp;
    struct {
        unsigned bits;
        uint64_t wraps_at; /* bytes, from the beginning */
        bool wrapped;
    } ctr;
    struct rd aad;  /* of GCM and CCM; the caller's, inside mech_begin only */
    size_t mac_len; /* of a *_GENERAL mechanism or a tag */
    bool gcm, ccm;
    size_t ccm_text; /* how much text was announced */
    bool pad;
    struct host_digest *digest;
    struct host_mac *mac;
    struct host_cipher *cipher;
    uint64_t fed;  /* bytes given to the cipher so far */
    uint8_t *data; /* message or ciphertext so far, when it can't be streamed */
    size_t data_len, data_room;
};

/* Starts an operation: the mechanism allows this use with this key (NULL: no key), and its parameter is
 * right. op is the caller's memory and is to be ended with mech_end also after failure. */
CK_RV mech_begin(struct mech_op *op, CK_FLAGS use, const CK_MECHANISM *m, const struct mech_key *key);
void mech_end(struct mech_op *op);
/* More of the message (sign, verify, digest). */
CK_RV mech_update(struct mech_op *op, const void *data, size_t len);
/* The whole message, digested when the row says so. Valid until op changes; digest is HOST_MAX_HASH bytes of
 * the caller. */
CK_RV mech_message(struct mech_op *op, uint8_t *digest, struct rd *msg);
/* What a streamed MAC or digest gives. *len is in: room, out: bytes. */
CK_RV mech_stream_final(struct mech_op *op, uint8_t *out, size_t *len);
/* Most bytes of output. in_len counts for ciphers and encryption only. */
size_t mech_out_len(const struct mech_op *op, size_t in_len);
size_t mech_block_len(const struct mech_op *op); /* RSA: the modulus; EC: a coordinate */
/* Exactly how much mech_crypt_update will give for in_len bytes more. */
size_t mech_update_len(const struct mech_op *op, size_t in_len);
/* Ciphers: *len is in: room, out: bytes. */
CK_RV mech_crypt_update(struct mech_op *op, struct rd in, uint8_t *out, size_t *len);
CK_RV mech_crypt_final(struct mech_op *op, uint8_t *out, size_t *len);
/* Most bytes of it. */
size_t mech_final_len(const struct mech_op *op);

/* A one-time password of CKM_HOTP as C_Sign gives it: CK_OTP_SIGNATURE_INFO, its parameters and their values,
 * all in out, which has room for mech_out_len bytes. time: what the password was made for; 0: none. */
void otp_answer(const char *value, size_t digits, uint64_t time, uint8_t *out, size_t *len);
/* "YYYYMMDDhhmmss" in UTC. false: not such a text, or a year that isn't from 1970 to 9999. */
bool otp_time_read(struct rd text, uint64_t *time);

/* Paddings, for tests as well (RFC 8017). Each writes exactly block bytes. */
CK_RV pad_pkcs1_sign(struct rd msg, uint8_t *block, size_t len);
CK_RV pad_pkcs1_encrypt(struct rd msg, uint8_t *block, size_t len);
/* In time that depends on len and room only. *out_len is in: room, out: bytes of the message.
 * CKR_ENCRYPTED_DATA_INVALID, CKR_BUFFER_TOO_SMALL (with the length). */
CK_RV pad_pkcs1_decrypt(const uint8_t *block, size_t len, uint8_t *out, size_t *out_len);
CK_RV pad_pss(enum host_hash hash, enum host_hash mgf, struct rd digest, struct rd salt, uint8_t *block,
              size_t len, size_t bits);
CK_RV pad_pss_verify(enum host_hash hash, enum host_hash mgf, struct rd digest, size_t salt,
                     const uint8_t *block, size_t len, size_t bits);
CK_RV pad_oaep(enum host_hash hash, enum host_hash mgf, struct rd label, struct rd msg, struct rd seed,
               uint8_t *block, size_t len);
CK_RV pad_oaep_remove(enum host_hash hash, enum host_hash mgf, struct rd label, const uint8_t *block,
                      size_t len, uint8_t *out, size_t *out_len);
/* DER DigestInfo before the digest; {NULL, 0} for HOST_NONE. */
struct rd pad_digest_info(enum host_hash hash);
CK_RV mech_rv(enum host_rc rc, CK_RV bad);
