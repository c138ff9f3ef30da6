// Ciphers on session keys through the module, against published vectors and OpenSSL: parts, buffers, wrong
// texts and wrong parameters.
#include "module_objects.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static int start(void **state)
{
    (void)state;
    one_card("ciphers");
    return 0;
}

// Either direction of a cipher, so that both are held to the same rules.
struct way {
    CK_C_EncryptInit init;
    CK_C_Encrypt once;
    CK_C_EncryptUpdate update;
    CK_C_EncryptFinal final;
};

static struct way way(bool encrypt)
{
    return encrypt ? (struct way){F->C_EncryptInit, F->C_Encrypt, F->C_EncryptUpdate, F->C_EncryptFinal}
                   : (struct way){F->C_DecryptInit, F->C_Decrypt, F->C_DecryptUpdate, F->C_DecryptFinal};
}

// In one part: the length first, then one byte too few, then right.
static void once(struct way w, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n,
                 const CK_BYTE *want, CK_ULONG want_n)
{
    CK_BYTE out[200];
    CK_ULONG len = 0;
    assert_int_equal(w.init(session, m, key), CKR_OK);
    assert_int_equal(w.init(session, m, key), CKR_OPERATION_ACTIVE);
    assert_int_equal(w.once(session, in, n, NULL, &len), CKR_OK);
    assert_true(len >= want_n && len <= want_n + 16);
    if (want_n > 0) {
        len = want_n - 1;
        assert_int_equal(w.once(session, in, n, out, &len), CKR_BUFFER_TOO_SMALL);
        assert_true(len >= want_n && len <= want_n + 16);
    }
    assert_int_equal(w.once(session, in, n, out, &len), CKR_OK);
    assert_int_equal(len, want_n);
    assert_memory_equal(out, want, want_n);
    assert_int_equal(w.once(session, in, n, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}

// In parts of `piece` bytes, each first with no room at all.
static void in_parts(struct way w, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n,
                     CK_ULONG piece, const CK_BYTE *want, CK_ULONG want_n)
{
    CK_BYTE out[200];
    CK_ULONG total = 0;
    CK_ULONG len;
    assert_int_equal(w.init(session, m, key), CKR_OK);
    for (CK_ULONG done = 0; done < n; done += piece) {
        CK_ULONG size = n - done < piece ? n - done : piece;
        CK_ULONG need = 0;
        assert_int_equal(w.update(session, in + done, size, NULL, &need), CKR_OK);
        if (need > 0) {
            len = need - 1;
            assert_int_equal(w.update(session, in + done, size, out + total, &len), CKR_BUFFER_TOO_SMALL);
            assert_int_equal(len, need);
        }
        len = sizeof out - total;
        assert_int_equal(w.update(session, in + done, size, out + total, &len), CKR_OK);
        assert_int_equal(len, need);
        total += len;
    }
    assert_int_equal(w.final(session, NULL, &len), CKR_OK);
    assert_true(total + len >= want_n);
    if (want_n > total) {
        len = want_n - total - 1;
        assert_int_equal(w.final(session, out + total, &len), CKR_BUFFER_TOO_SMALL);
    }
    len = sizeof out - total;
    assert_int_equal(w.final(session, out + total, &len), CKR_OK);
    assert_int_equal(total + len, want_n);
    assert_memory_equal(out, want, want_n);
    assert_int_equal(w.update(session, in, 1, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(w.final(session, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}

// SP 800-38A, F.1.1, F.2.1, F.5.1; RFC 3686, 6, vector 2 (a counter of 32 bits); the GCM paper's cases 3
// and 4.
static void test_ciphers(void **state)
{
    (void)state;
    CK_AES_CTR_PARAMS ctr = {128, {0}};
    CK_AES_CTR_PARAMS short_ctr = {32, {0}};
    CK_GCM_PARAMS gcm = {hex_of("cafebabefacedbaddecaf888"), 12, 96, NULL, 0, 128};
    CK_GCM_PARAMS gcm_aad = gcm;
    CK_BYTE iv[16];
    CK_BYTE gcm_iv[12];
    CK_BYTE aad[20];
    hex("000102030405060708090a0b0c0d0e0f", iv);
    hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", ctr.cb);
    hex("006cb6dbc0543b59da48d90b00000001", short_ctr.cb);
    hex("cafebabefacedbaddecaf888", gcm_iv);
    hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
    gcm.iv_ptr = gcm_aad.iv_ptr = gcm_iv;
    gcm_aad.aad_ptr = aad;
    gcm_aad.aad_len = sizeof aad;
    const struct {
        CK_MECHANISM m;
        const char *key, *plain, *cipher;
    } rows[] = {
        {{CKM_AES_ECB, NULL, 0},
         KEY128,
         PLAIN,
         "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
         "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4"},
        {{CKM_AES_CBC, iv, sizeof iv},
         KEY128,
         PLAIN,
         "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
         "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
        {{CKM_AES_CTR, &ctr, sizeof ctr},
         KEY128,
         PLAIN,
         "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
         "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
        {{CKM_AES_CTR, &short_ctr, sizeof short_ctr},
         "7e24067817fae0d743d6ce1f32539163",
         "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"},
        {{CKM_AES_GCM, &gcm, sizeof gcm},
         "feffe9928665731c6d6a8f9467308308",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
         "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
         "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
         "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
         "4d5c2af327cd64a62cf35abd2ba6fab4"},
        {{CKM_AES_GCM, &gcm_aad, sizeof gcm_aad},
         "feffe9928665731c6d6a8f9467308308",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
         "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
         "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
         "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
         "5bc94fbc3221a5db94fae95ae7121a47"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_BYTE plain[100];
        CK_BYTE cipher[100];
        size_t n = hex(rows[i].plain, plain);
        size_t cn = hex(rows[i].cipher, cipher);
        CK_MECHANISM m = rows[i].m;
        CK_OBJECT_HANDLE key = make_aes(session, rows[i].key);
        once(way(true), &m, key, plain, n, cipher, cn);
        once(way(false), &m, key, cipher, cn, plain, n);
        for (CK_ULONG piece = 1; piece <= n; piece += 15) {
            in_parts(way(true), &m, key, plain, n, piece, cipher, cn);
            in_parts(way(false), &m, key, cipher, cn, piece, plain, n);
        }
    }
}

static void decrypt_fails(CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_BYTE *in, CK_ULONG n, CK_RV why)
{
    CK_BYTE out[200];
    CK_ULONG len = sizeof out;
    memset(out, 0xEE, sizeof out);
    assert_int_equal(F->C_DecryptInit(session, m, key), CKR_OK);
    assert_int_equal(F->C_Decrypt(session, in, n, out, &len), why);
    for (size_t i = 0; i < sizeof out; i++) // nothing of a text that isn't right
        assert_int_equal(out[i], 0xEE);
    assert_int_equal(F->C_Decrypt(session, in, n, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    len = sizeof out;
    assert_int_equal(F->C_DecryptInit(session, m, key), CKR_OK);
    assert_int_equal(F->C_DecryptUpdate(session, in, n, out, &len), CKR_OK);
    CK_ULONG rest = sizeof out - len;
    assert_int_equal(F->C_DecryptFinal(session, out + len, &rest), why);
}

// SP 800-38C, C.1 to C.3
static void test_ccm(void **state)
{
    (void)state;
    static const struct {
        const char *nonce, *aad, *plain, *cipher;
        CK_ULONG mac;
    } rows[] = {
        {"10111213141516", "0001020304050607", "20212223", "7162015b4dac255d", 4},
        {"1011121314151617", "000102030405060708090a0b0c0d0e0f", "202122232425262728292a2b2c2d2e2f",
         "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd", 6},
        {"101112131415161718191a1b", "000102030405060708090a0b0c0d0e0f10111213",
         "202122232425262728292a2b2c2d2e2f3031323334353637",
         "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951", 8},
    };
    CK_OBJECT_HANDLE key = make_aes(session, "404142434445464748494a4b4c4d4e4f");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_BYTE plain[32];
        CK_BYTE cipher[40];
        CK_ULONG n = hex(rows[i].plain, plain);
        CK_ULONG cn = hex(rows[i].cipher, cipher);
        CK_CCM_PARAMS p = {n,
                           hex_of(rows[i].nonce),
                           strlen(rows[i].nonce) / 2,
                           hex_of(rows[i].aad),
                           strlen(rows[i].aad) / 2,
                           rows[i].mac};
        CK_MECHANISM m = {CKM_AES_CCM, &p, sizeof p};
        once(way(true), &m, key, plain, n, cipher, cn);
        once(way(false), &m, key, cipher, cn, plain, n);
        in_parts(way(true), &m, key, plain, n, 3, cipher, cn);
        in_parts(way(false), &m, key, cipher, cn, 3, plain, n);
        decrypt_fails(&m, key, cipher, cn - 1, CKR_ENCRYPTED_DATA_LEN_RANGE);
        cipher[cn - 1] ^= 1;
        decrypt_fails(&m, key, cipher, cn, CKR_ENCRYPTED_DATA_INVALID);
        CK_ULONG len = sizeof cipher;
        assert_int_equal(F->C_EncryptInit(session, &m, key), CKR_OK);
        assert_int_equal(F->C_Encrypt(session, plain, n - 1, cipher, &len),
                         CKR_DATA_LEN_RANGE); // not as announced
    }
    // Additional data alone: the tag is all that comes.
    CK_BYTE tag[17];
    CK_BYTE nothing[1];
    CK_ULONG len = sizeof tag;
    CK_CCM_PARAMS p = {0, hex_of(rows[2].nonce), 12, hex_of(rows[2].aad), 20, 16};
    CK_MECHANISM m = {CKM_AES_CCM, &p, sizeof p};
    assert_int_equal(F->C_EncryptInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_Encrypt(session, NULL, 0, tag, &len), CKR_OK);
    assert_int_equal(len, 16);
    len = 1;
    assert_int_equal(F->C_DecryptInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_Decrypt(session, tag, 16, nothing, &len), CKR_OK);
    assert_int_equal(len, 0);
    p.ulAADLen = 19;
    len = 1;
    assert_int_equal(F->C_DecryptInit(session, &m, key), CKR_OK);
    assert_int_equal(F->C_Decrypt(session, tag, 16, nothing, &len), CKR_ENCRYPTED_DATA_INVALID);
    static const struct {
        CK_ULONG text, nonce, mac;
    } wrong[] = {{5, 6, 8},
                 {5, 14, 8},
                 {5, 12, 2},
                 {5, 12, 7},
                 {5, 12, 18},
                 {65536, 13, 8},
                 {(CK_ULONG)1 << 40, 7, 8}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        p.ulDataLen = wrong[i].text;
        p.ulNonceLen = wrong[i].nonce;
        p.ulMACLen = wrong[i].mac;
        assert_int_equal(F->C_EncryptInit(session, &m, key), CKR_MECHANISM_PARAM_INVALID);
    }
}

// PKCS#7 padding of every length, OpenSSL as the judge.
static void test_padding(void **state)
{
    (void)state;
    CK_BYTE iv[16] = {9};
    CK_BYTE text[64];
    CK_OBJECT_HANDLE key = make_aes(session, KEY128);
    CK_MECHANISM m = {CKM_AES_CBC_PAD, iv, sizeof iv};
    memset(text, 'x', sizeof text);
    for (int n = 0; n <= 33; n++) {
        CK_BYTE want[64];
        int len = 0;
        int last = 0;
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, hex_of(KEY128), iv), 1);
        assert_int_equal(EVP_EncryptUpdate(ctx, want, &len, text, n), 1);
        assert_int_equal(EVP_EncryptFinal_ex(ctx, want + len, &last), 1);
        EVP_CIPHER_CTX_free(ctx);
        CK_ULONG all = (CK_ULONG)(len + last);
        once(way(true), &m, key, text, (CK_ULONG)n, want, all);
        once(way(false), &m, key, want, all, text, (CK_ULONG)n);
        in_parts(way(true), &m, key, text, (CK_ULONG)n, 7, want, all);
        in_parts(way(false), &m, key, want, all, 7, text, (CK_ULONG)n);
    }
}

static void test_wrong_texts(void **state)
{
    (void)state;
    CK_BYTE iv[16] = {9};
    CK_BYTE text[64];
    CK_BYTE out[64];
    CK_OBJECT_HANDLE key = make_aes(session, KEY128);
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0};
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv};
    CK_MECHANISM pad = {CKM_AES_CBC_PAD, iv, sizeof iv};
    CK_GCM_PARAMS p = {iv, 12, 96, NULL, 0, 128};
    CK_MECHANISM gcm = {CKM_AES_GCM, &p, sizeof p};
    memset(text, 'x', sizeof text);
    decrypt_fails(&ecb, key, text, 31, CKR_ENCRYPTED_DATA_LEN_RANGE);
    decrypt_fails(&cbc, key, text, 33, CKR_ENCRYPTED_DATA_LEN_RANGE);
    decrypt_fails(&pad, key, text, 31, CKR_ENCRYPTED_DATA_LEN_RANGE);
    decrypt_fails(&pad, key, text, 0, CKR_ENCRYPTED_DATA_LEN_RANGE);
    decrypt_fails(&pad, key, text, 16, CKR_ENCRYPTED_DATA_INVALID);
    decrypt_fails(&gcm, key, text, 15, CKR_ENCRYPTED_DATA_LEN_RANGE);
    decrypt_fails(&gcm, key, text, 32, CKR_ENCRYPTED_DATA_INVALID);
    CK_ULONG len = sizeof out;
    assert_int_equal(F->C_EncryptInit(session, &ecb, key), CKR_OK);
    assert_int_equal(F->C_Encrypt(session, text, 17, out, &len), CKR_DATA_LEN_RANGE);
    assert_int_equal(F->C_EncryptInit(session, &cbc, key), CKR_OK);
    len = sizeof out;
    assert_int_equal(F->C_EncryptUpdate(session, text, 17, out, &len), CKR_OK);
    assert_int_equal(len, 16);
    len = sizeof out;
    assert_int_equal(F->C_EncryptFinal(session, out, &len), CKR_DATA_LEN_RANGE);
}

static CK_RV init_rv(CK_MECHANISM_TYPE type, void *param, CK_ULONG n, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM m = {type, param, n};
    CK_RV rv = F->C_EncryptInit(session, &m, key);
    if (rv == CKR_OK)
        assert_int_equal(F->C_EncryptInit(session, NULL, 0), CKR_OK); // ends it
    return rv;
}

static void test_parameters(void **state)
{
    (void)state;
    CK_BYTE iv[200] = {1};
    CK_OBJECT_HANDLE key = make_aes(session, KEY128);
    CK_AES_CTR_PARAMS ctr = {0, {0}};
    CK_GCM_PARAMS gcm = {iv, 12, 96, NULL, 0, 128};
    assert_int_equal(init_rv(CKM_AES_ECB, iv, 16, key), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(init_rv(CKM_AES_CBC, NULL, 0, key), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(init_rv(CKM_AES_CBC, iv, 15, key), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(init_rv(CKM_AES_CBC_PAD, iv, 17, key), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(init_rv(CKM_AES_CTR, iv, 3, key), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(init_rv(CKM_AES_CTR, &ctr, sizeof ctr, key), CKR_MECHANISM_PARAM_INVALID);
    ctr.counter_bits = 129;
    assert_int_equal(init_rv(CKM_AES_CTR, &ctr, sizeof ctr, key), CKR_MECHANISM_PARAM_INVALID);
    ctr.counter_bits = 1;
    assert_int_equal(init_rv(CKM_AES_CTR, &ctr, sizeof ctr, key), CKR_OK);
    assert_int_equal(init_rv(CKM_AES_GCM, &gcm, sizeof gcm - 1, key), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(init_rv(CKM_AES_GCM, &gcm, sizeof gcm, key), CKR_OK);
    gcm.iv_len = 128; // what OpenSSL takes
    assert_int_equal(init_rv(CKM_AES_GCM, &gcm, sizeof gcm, key), CKR_OK);
    gcm.iv_len = 129;
    assert_int_equal(init_rv(CKM_AES_GCM, &gcm, sizeof gcm, key), CKR_MECHANISM_PARAM_INVALID);
    gcm.iv_len = 0;
    assert_int_equal(init_rv(CKM_AES_GCM, &gcm, sizeof gcm, key), CKR_MECHANISM_PARAM_INVALID);
    gcm.iv_len = 12;
    gcm.aad_len = 5; // no place of it
    assert_int_equal(init_rv(CKM_AES_GCM, &gcm, sizeof gcm, key), CKR_MECHANISM_PARAM_INVALID);
    gcm.aad_len = 0;
    static const CK_ULONG tags[] = {0, 24, 33, 136};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        gcm.tag_bits = tags[i];
        assert_int_equal(init_rv(CKM_AES_GCM, &gcm, sizeof gcm, key), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_int_equal(init_rv(CKM_AES_ECB, NULL, 0, key + 1000 * 256), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(init_rv(CKM_SHA256, NULL, 0, key), CKR_MECHANISM_INVALID);
    assert_int_equal(init_rv(0x7777777, NULL, 0, key), CKR_MECHANISM_INVALID);
    assert_int_equal(init_rv(CKM_AES_CBC, NULL, 16, key), CKR_ARGUMENTS_BAD);
    CK_OBJECT_HANDLE generic = make_secret(session, CKK_GENERIC_SECRET, iv, 16);
    assert_int_equal(init_rv(CKM_AES_ECB, NULL, 0, generic), CKR_KEY_TYPE_INCONSISTENT);
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE not_for_this = {CKA_ENCRYPT, &no, 1};
    assert_int_equal(F->C_SetAttributeValue(session, key, &not_for_this, 1), CKR_OK);
    assert_int_equal(init_rv(CKM_AES_ECB, NULL, 0, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

// A short counter comes back to its beginning without touching the rest of the block, and is used up after
// that; the judge is ECB over the blocks one by one.
static void test_counter_wraps(void **state)
{
    (void)state;
    static CK_BYTE zeros[16 * 300];
    static CK_BYTE out[sizeof zeros];
    CK_OBJECT_HANDLE key = make_aes(session, KEY128);
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0};
    static const CK_ULONG bits[] = {1, 4, 8, 9, 12};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        CK_AES_CTR_PARAMS p = {bits[i], {0xA0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xFF, 0xFD}};
        CK_MECHANISM m = {CKM_AES_CTR, &p, sizeof p};
        CK_ULONG most = (CK_ULONG)1 << bits[i];
        CK_ULONG blocks = most < 300 ? most : 300;
        CK_ULONG len;
        assert_int_equal(F->C_EncryptInit(session, &m, key), CKR_OK);
        for (CK_ULONG done = 0; done < 16 * blocks; done += len) { // in uneven parts
            len = 16 * blocks - done < 37 ? 16 * blocks - done : 37;
            assert_int_equal(F->C_EncryptUpdate(session, zeros, len, out + done, &len), CKR_OK);
        }
        if (blocks == most) { // the next block would use a counter again
            CK_BYTE more[16];
            len = sizeof more;
            assert_int_equal(F->C_EncryptUpdate(session, zeros, 1, more, &len), CKR_DATA_LEN_RANGE);
        } else {
            len = 0;
            assert_int_equal(F->C_EncryptFinal(session, out, &len), CKR_OK);
        }
        for (CK_ULONG b = 0; b < blocks; b++) {
            CK_BYTE block[16];
            CK_BYTE want[16];
            unsigned low = (unsigned)(p.cb[14] << 8 | p.cb[15]);
            unsigned mask = (1u << bits[i]) - 1;
            low = (low & ~mask) | ((low + (unsigned)b) & mask);
            memcpy(block, p.cb, 14);
            block[14] = (CK_BYTE)(low >> 8);
            block[15] = (CK_BYTE)low;
            len = sizeof want;
            assert_int_equal(F->C_EncryptInit(session, &ecb, key), CKR_OK);
            assert_int_equal(F->C_Encrypt(session, block, 16, want, &len), CKR_OK);
            assert_memory_equal(out + 16 * b, want, 16);
        }
        assert_int_equal(F->C_EncryptInit(session, &m, key), CKR_OK);
        len = sizeof out;
        assert_int_equal(F->C_Encrypt(session, zeros, most < 300 ? 16 * most + 1 : 16, out, &len),
                         most < 300 ? CKR_DATA_LEN_RANGE : CKR_OK);
    }
}

// Additional data as long as a program likes; the judge is OpenSSL.
static void test_long_additional_data(void **state)
{
    (void)state;
    static CK_BYTE aad[70000];
    CK_BYTE iv[128];
    CK_BYTE text[20] = "nineteen characters";
    CK_BYTE want[36];
    int n;
    memset(aad, 0x5A, sizeof aad);
    memset(iv, 0xC3, sizeof iv);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, NULL, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, sizeof iv, NULL), 1);
    assert_int_equal(EVP_EncryptInit_ex(ctx, NULL, NULL, hex_of(KEY128), iv), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, aad, sizeof aad), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, want, &n, text, sizeof text), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, want + n, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, want + 20), 1);
    EVP_CIPHER_CTX_free(ctx);
    CK_GCM_PARAMS p = {iv, sizeof iv, 8 * sizeof iv, aad, sizeof aad, 128};
    CK_MECHANISM m = {CKM_AES_GCM, &p, sizeof p};
    CK_OBJECT_HANDLE key = make_aes(session, KEY128);
    once(way(true), &m, key, text, sizeof text, want, sizeof want);
    once(way(false), &m, key, want, sizeof want, text, sizeof text);
}

// Two operations at once: what is encrypted is digested or signed on its way (2.40, 5.12).
static void test_two_at_once(void **state)
{
    (void)state;
    CK_BYTE iv[16] = {3};
    CK_BYTE text[50];
    CK_BYTE cipher[80];
    CK_BYTE back[80];
    CK_BYTE sums[4][32];
    CK_ULONG n = sizeof cipher;
    CK_ULONG last;
    CK_ULONG len = 32;
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_OBJECT_HANDLE key = make_aes(session, KEY128);
    CK_OBJECT_HANDLE mac = make_secret(session, CKK_GENERIC_SECRET, (const CK_BYTE *)"Jefe", 4);
    memset(text, 't', sizeof text);
    assert_int_equal(F->C_DigestEncryptUpdate(session, text, 50, cipher, &n), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_EncryptInit(session, &cbc, key), CKR_OK);
    assert_int_equal(F->C_DigestEncryptUpdate(session, text, 50, cipher, &n), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_OK);
    n = 0;
    assert_int_equal(F->C_DigestEncryptUpdate(session, text, 50, NULL, &n), CKR_OK);
    assert_int_equal(n, 48);
    n = 47; // neither of the two has moved after this
    assert_int_equal(F->C_DigestEncryptUpdate(session, text, 50, cipher, &n), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(F->C_DigestEncryptUpdate(session, text, 50, cipher, &n), CKR_OK);
    last = sizeof cipher - n;
    assert_int_equal(F->C_EncryptFinal(session, cipher + n, &last), CKR_OK);
    n += last;
    assert_int_equal(F->C_DigestFinal(session, sums[0], &len), CKR_OK);
    assert_int_equal(EVP_Digest(text, sizeof text, sums[1], NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(sums[0], sums[1], 32);

    // The text comes out in two parts; the digest sees exactly them.
    assert_int_equal(F->C_DecryptInit(session, &cbc, key), CKR_OK);
    assert_int_equal(F->C_DigestInit(session, &sha), CKR_OK);
    len = sizeof back;
    assert_int_equal(F->C_DecryptDigestUpdate(session, cipher, n, back, &len), CKR_OK);
    assert_int_equal(len, 48);
    last = sizeof back - len;
    assert_int_equal(F->C_DecryptFinal(session, back + len, &last), CKR_OK);
    assert_int_equal(F->C_DigestUpdate(session, back + len, last), CKR_OK);
    len = 32;
    assert_int_equal(F->C_DigestFinal(session, sums[2], &len), CKR_OK);
    assert_memory_equal(sums[2], sums[1], 32);

    assert_int_equal(F->C_EncryptInit(session, &cbc, key), CKR_OK);
    assert_int_equal(F->C_SignInit(session, &hmac, mac), CKR_OK);
    n = sizeof cipher;
    assert_int_equal(F->C_SignEncryptUpdate(session, text, 50, cipher, &n), CKR_OK);
    last = sizeof cipher - n;
    assert_int_equal(F->C_EncryptFinal(session, cipher + n, &last), CKR_OK);
    n += last;
    len = 32;
    assert_int_equal(F->C_SignFinal(session, sums[3], &len), CKR_OK);
    assert_int_equal(F->C_DecryptInit(session, &cbc, key), CKR_OK);
    assert_int_equal(F->C_VerifyInit(session, &hmac, mac), CKR_OK);
    len = sizeof back;
    assert_int_equal(F->C_DecryptVerifyUpdate(session, cipher, n, back, &len), CKR_OK);
    last = sizeof back - len;
    assert_int_equal(F->C_DecryptFinal(session, back + len, &last), CKR_OK);
    assert_int_equal(F->C_VerifyUpdate(session, back + len, last), CKR_OK);
    assert_int_equal(F->C_VerifyFinal(session, sums[3], 32), CKR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SESSION(test_ciphers),
        IN_SESSION(test_ccm),
        IN_SESSION(test_padding),
        IN_SESSION(test_wrong_texts),
        IN_SESSION(test_parameters),
        IN_SESSION(test_counter_wraps),
        IN_SESSION(test_long_additional_data),
        IN_SESSION(test_two_at_once),
    };
    return cmocka_run_group_tests(tests, start, one_card_stop);
}
