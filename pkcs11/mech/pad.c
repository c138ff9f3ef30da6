/* RSA paddings (RFC 8017): PKCS#1 v1.5, PSS and OAEP; removal in constant time. */
#include "card/base/secret.h"
#include "mech/mech.h"
#include <string.h>

/* RFC 8017, 9.2, note 1, and NIST's OIDs for SHA-3: SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }. */
#define INFO_NIST(arc, total, size)                                                                          \
    {                                                                                                        \
        0x30, total, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc, 0x05,      \
            0x00, 0x04, size                                                                                 \
    }
static const uint8_t info_sha1[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E,
                                    0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14};
static const uint8_t info_nist[HOST_HASHES][19] = {
    [HOST_SHA224] = INFO_NIST(0x04, 0x2D, 28),     [HOST_SHA256] = INFO_NIST(0x01, 0x31, 32),
    [HOST_SHA384] = INFO_NIST(0x02, 0x41, 48),     [HOST_SHA512] = INFO_NIST(0x03, 0x51, 64),
    [HOST_SHA512_224] = INFO_NIST(0x05, 0x2D, 28), [HOST_SHA512_256] = INFO_NIST(0x06, 0x31, 32),
    [HOST_SHA3_224] = INFO_NIST(0x07, 0x2D, 28),   [HOST_SHA3_256] = INFO_NIST(0x08, 0x31, 32),
    [HOST_SHA3_384] = INFO_NIST(0x09, 0x41, 48),   [HOST_SHA3_512] = INFO_NIST(0x0A, 0x51, 64),
};

struct rd pad_digest_info(enum host_hash hash)
{
    if (hash == HOST_NONE || hash >= HOST_HASHES)
        return rd_of(NULL, 0);
    return hash == HOST_SHA1 ? rd_of(info_sha1, sizeof info_sha1)
                             : rd_of(info_nist[hash], sizeof info_nist[hash]);
}

CK_RV mech_rv(enum host_rc rc, CK_RV bad)
{
    return rc == HOST_OK    ? CKR_OK
           : rc == HOST_BAD ? bad
           : host_exiting() ? CKR_FUNCTION_FAILED
                            : CKR_HOST_MEMORY;
}

/* 00 01 FF.. 00 message */
CK_RV pad_pkcs1_sign(struct rd msg, uint8_t *block, size_t len)
{
    if (len < 11 || msg.n > len - 11)
        return CKR_DATA_LEN_RANGE;
    block[0] = 0;
    block[1] = 1;
    memset(block + 2, 0xFF, len - 3 - msg.n);
    block[len - msg.n - 1] = 0;
    if (msg.n > 0)
        memcpy(block + len - msg.n, msg.p, msg.n);
    return CKR_OK;
}

/* 00 02 random, none of it zero, 00 message */
CK_RV pad_pkcs1_encrypt(struct rd msg, uint8_t *block, size_t len)
{
    if (len < 11 || msg.n > len - 11)
        return CKR_DATA_LEN_RANGE;
    block[0] = 0;
    block[1] = 2;
    size_t end = len - msg.n - 1;
    if (host_random(block + 2, end - 2) != HOST_OK)
        return CKR_FUNCTION_FAILED;
    for (size_t i = 2; i < end; i++)
        while (block[i] == 0)
            if (host_random(block + i, 1) != HOST_OK)
                return CKR_FUNCTION_FAILED;
    block[end] = 0;
    if (msg.n > 0)
        memcpy(block + end + 1, msg.p, msg.n);
    return CKR_OK;
}

/* Masks: all ones for true. No branch and no index depends on what they are made from. */
static size_t ct_zero(size_t v)
{
    return (size_t)0 - ((~v & (v - 1)) >> (sizeof v * 8 - 1));
}

static size_t ct_less(size_t a, size_t b)
{
    return (size_t)0 - ((a ^ ((a ^ b) | ((a - b) ^ b))) >> (sizeof a * 8 - 1));
}

static size_t ct_pick(size_t mask, size_t yes, size_t no)
{
    return (mask & yes) | (~mask & no);
}

/* Moves block left by `by` bytes in steps of powers of two, each done or not by mask. */
static void ct_shift_left(uint8_t *block, size_t len, size_t by)
{
    for (size_t step = 1; step < len; step <<= 1) {
        uint8_t mask = (uint8_t)~ct_zero(by & step);
        for (size_t i = 0; i < len; i++) {
            uint8_t from = i + step < len ? block[i + step] : 0;
            block[i] = (uint8_t)((mask & from) | (~mask & block[i]));
        }
    }
}

/* Gives out the len - start bytes behind `start` of a block, when good; time depends on len and room only. */
static CK_RV ct_give(const uint8_t *block, size_t len, size_t start, size_t good, uint8_t *out,
                     size_t *out_len)
{
    uint8_t copy[MECH_MAX_BLOCK];
    size_t room = *out_len, n = len - start;
    memcpy(copy, block, len);
    ct_shift_left(copy, len, start);
    size_t fits = ~ct_less(room, n), give = good & fits;
    for (size_t i = 0; i < len && i < room; i++) {
        uint8_t mask = (uint8_t)(give & ct_less(i, n));
        out[i] = (uint8_t)((mask & copy[i]) | (~mask & out[i]));
    }
    secret_wipe(copy, sizeof copy);
    *out_len = ct_pick(good, n, room);
    return ct_pick(give, CKR_OK, ct_pick(good, CKR_BUFFER_TOO_SMALL, CKR_ENCRYPTED_DATA_INVALID));
}

CK_RV pad_pkcs1_decrypt(const uint8_t *block, size_t len, uint8_t *out, size_t *out_len)
{
    if (len < 11 || len > MECH_MAX_BLOCK)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    size_t good = ct_zero(block[0]) & ct_zero((size_t)block[1] ^ 2), found = 0, zero = 0;
    for (size_t i = 2; i < len; i++) {
        size_t here = ct_zero(block[i]) & ~found;
        zero = ct_pick(here, i, zero);
        found |= here;
    }
    good &= found & ~ct_less(zero, 10);
    return ct_give(block, len, ct_pick(good, zero + 1, len), good, out, out_len);
}

/* RFC 8017, B.2.1: xors the mask made from seed onto data. */
static bool mgf1_xor(enum host_hash hash, const uint8_t *seed, size_t seed_len, uint8_t *data, size_t len)
{
    uint8_t in[MECH_MAX_BLOCK + 4], mask[HOST_MAX_HASH];
    size_t size = host_hash_size(hash);
    if (size == 0 || seed_len > MECH_MAX_BLOCK)
        return false;
    memcpy(in, seed, seed_len);
    for (uint32_t counter = 0; len > 0; counter++) {
        for (int i = 0; i < 4; i++)
            in[seed_len + (size_t)i] = (uint8_t)(counter >> (24 - 8 * i));
        if (host_hash_once(hash, in, seed_len + 4, mask) != HOST_OK)
            return false;
        size_t n = len < size ? len : size;
        for (size_t i = 0; i < n; i++)
            data[i] ^= mask[i];
        data += n;
        len -= n;
    }
    secret_wipe(in, sizeof in);
    secret_wipe(mask, sizeof mask);
    return true;
}

/* 9.1.1 steps 5 and 6: the hash of eight zeros, the digest and the salt. */
static bool pss_hash(enum host_hash hash, struct rd digest, const uint8_t *salt, size_t salt_len,
                     uint8_t *out)
{
    static const uint8_t zeros[8];
    struct host_digest *d;
    if (host_digest_new(hash, &d) != HOST_OK)
        return false;
    bool ok = host_digest_update(d, zeros, sizeof zeros) == HOST_OK &&
              host_digest_update(d, digest.p, digest.n) == HOST_OK &&
              host_digest_update(d, salt, salt_len) == HOST_OK && host_digest_final(d, out) == HOST_OK;
    host_digest_free(d);
    return ok;
}

/* 9.1.1: maskedDB || H || BC, right-aligned in the block; bits is the modulus' length. */
CK_RV pad_pss(enum host_hash hash, enum host_hash mgf, struct rd digest, struct rd salt, uint8_t *block,
              size_t len, size_t bits)
{
    size_t size = host_hash_size(hash), em = (bits + 6) / 8;
    if (digest.n != size)
        return CKR_DATA_LEN_RANGE;
    if (em > len || em < size + salt.n + 2)
        return CKR_KEY_SIZE_RANGE;
    memset(block, 0, len);
    uint8_t *db = block + (len - em), *h = db + (em - size - 1);
    size_t db_len = em - size - 1;
    if (!pss_hash(hash, digest, salt.p, salt.n, h))
        return CKR_FUNCTION_FAILED;
    db[db_len - salt.n - 1] = 1;
    if (salt.n > 0)
        memcpy(db + db_len - salt.n, salt.p, salt.n);
    if (!mgf1_xor(mgf, h, size, db, db_len))
        return CKR_FUNCTION_FAILED;
    db[0] &= (uint8_t)(0xFF >> (8 * em - (bits - 1)));
    h[size] = 0xBC;
    return CKR_OK;
}

/* 9.1.2 */
CK_RV pad_pss_verify(enum host_hash hash, enum host_hash mgf, struct rd digest, size_t salt,
                     const uint8_t *block, size_t len, size_t bits)
{
    size_t size = host_hash_size(hash), em = (bits + 6) / 8, spare = 8 * em - (bits - 1);
    uint8_t db[MECH_MAX_BLOCK], expected[HOST_MAX_HASH];
    if (digest.n != size || em > len || len > sizeof db || em < size + salt + 2)
        return CKR_SIGNATURE_INVALID;
    const uint8_t *start = block + (len - em), *h = start + (em - size - 1);
    size_t db_len = em - size - 1;
    if ((em < len && block[0] != 0) || h[size] != 0xBC || (start[0] & ~(0xFF >> spare)) != 0)
        return CKR_SIGNATURE_INVALID;
    memcpy(db, start, db_len);
    if (!mgf1_xor(mgf, h, size, db, db_len))
        return CKR_FUNCTION_FAILED;
    db[0] &= (uint8_t)(0xFF >> spare);
    size_t zeros = db_len - salt - 1;
    for (size_t i = 0; i < zeros; i++)
        if (db[i] != 0)
            return CKR_SIGNATURE_INVALID;
    if (db[zeros] != 1)
        return CKR_SIGNATURE_INVALID;
    if (!pss_hash(hash, digest, db + zeros + 1, salt, expected))
        return CKR_FUNCTION_FAILED;
    return memcmp(expected, h, size) == 0 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

/* 7.1.1: 00 || maskedSeed || maskedDB */
CK_RV pad_oaep(enum host_hash hash, enum host_hash mgf, struct rd label, struct rd msg, struct rd seed,
               uint8_t *block, size_t len)
{
    size_t size = host_hash_size(hash);
    if (len < 2 * size + 2)
        return CKR_KEY_SIZE_RANGE;
    if (msg.n > len - 2 * size - 2 || seed.n != size)
        return CKR_DATA_LEN_RANGE;
    uint8_t *db = block + 1 + size;
    size_t db_len = len - size - 1;
    memset(block, 0, len);
    if (host_hash_once(hash, label.p, label.n, db) != HOST_OK)
        return CKR_FUNCTION_FAILED;
    db[db_len - msg.n - 1] = 1;
    if (msg.n > 0)
        memcpy(db + db_len - msg.n, msg.p, msg.n);
    memcpy(block + 1, seed.p, size);
    if (!mgf1_xor(mgf, seed.p, size, db, db_len) || !mgf1_xor(mgf, db, db_len, block + 1, size))
        return CKR_FUNCTION_FAILED;
    return CKR_OK;
}

/* 7.1.2, step 3 in constant time (Manger's attack) */
CK_RV pad_oaep_remove(enum host_hash hash, enum host_hash mgf, struct rd label, const uint8_t *block,
                      size_t len, uint8_t *out, size_t *out_len)
{
    size_t size = host_hash_size(hash);
    uint8_t em[MECH_MAX_BLOCK], expected[HOST_MAX_HASH];
    if (len > sizeof em || len < 2 * size + 2)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    memcpy(em, block, len);
    uint8_t *db = em + 1 + size;
    size_t db_len = len - size - 1;
    if (!mgf1_xor(mgf, db, db_len, em + 1, size) || !mgf1_xor(mgf, em + 1, size, db, db_len) ||
        host_hash_once(hash, label.p, label.n, expected) != HOST_OK) {
        secret_wipe(em, sizeof em);
        return CKR_FUNCTION_FAILED;
    }
    size_t good = ct_zero(em[0]), found = 0, one = 0;
    for (size_t i = 0; i < size; i++)
        good &= ct_zero((size_t)(db[i] ^ expected[i]));
    for (size_t i = size; i < db_len; i++) {
        size_t is_one = ct_zero((size_t)(db[i] ^ 1)) & ~found;
        good &= found | is_one | ct_zero(db[i]);
        one = ct_pick(is_one, i, one);
        found |= is_one;
    }
    good &= found;
    CK_RV rv = ct_give(db, db_len, ct_pick(good, one + 1, db_len), good, out, out_len);
    secret_wipe(em, sizeof em);
    return rv;
}
