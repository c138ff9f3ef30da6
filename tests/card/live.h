// What the programs that use a real transport share: one reader, checks that say where they failed, OpenSSL
// as the judge.
#pragma once
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "card/driver/driver.h"
#include "card/piv/admin.h"
#include "card/piv/adminpin.h"
#include "card/piv/sequence.h"

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            live_fail(__FILE__, __LINE__, #condition);                                                       \
    } while (0)
#define IS(got, want) live_is(__FILE__, __LINE__, #got, (got), (want))

_Noreturn static inline void live_fail(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
    exit(1);
}

static inline void live_is(const char *file, int line, const char *text, enum err got, enum err want)
{
    if (got != want) {
        fprintf(stderr, "%s:%d: %s gave %s, not %s\n", file, line, text, err_name(got), err_name(want));
        exit(1);
    }
}

static inline int64_t live_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// The first reader with a card.
static inline void live_reader(struct tp *tp, struct tp_reader *out)
{
    struct tp_reader list[TP_READERS_MAX];
    size_t n;
    IS(tp_list(tp, list, TP_READERS_MAX, &n), E_OK);
    for (size_t i = 0; i < n; i++) {
        if (list[i].state.present) {
            *out = list[i];
            return;
        }
    }
    live_fail(__FILE__, __LINE__, "a card in a reader");
}

static inline void live_open(struct card *c, struct tp *tp)
{
    struct tp_reader reader;
    live_reader(tp, &reader);
    IS(card_open(c, tp, reader.name, (struct trace){0}), E_OK);
}

static inline const EVP_CIPHER *live_cipher(const struct piv_cipher *cipher)
{
    return cipher->id == 0x03   ? EVP_des_ede3_ecb()
           : cipher->id == 0x08 ? EVP_aes_128_ecb()
           : cipher->id == 0x0A ? EVP_aes_192_ecb()
                                : EVP_aes_256_ecb();
}

static inline enum err live_block(const struct piv_cipher *cipher, struct rd key, const uint8_t *in,
                                  uint8_t *out, int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    bool done = ctx && EVP_CipherInit_ex(ctx, live_cipher(cipher), NULL, key.p, NULL, encrypt) == 1 &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                EVP_CipherUpdate(ctx, out, &n, in, cipher->block) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return done ? E_OK : E_ARGUMENT;
}

static inline enum err live_encrypt(void *ctx, const struct piv_cipher *cipher, struct rd key,
                                    const uint8_t *in, uint8_t *out)
{
    (void)ctx;
    return live_block(cipher, key, in, out, 1);
}

static inline enum err live_decrypt(void *ctx, const struct piv_cipher *cipher, struct rd key,
                                    const uint8_t *in, uint8_t *out)
{
    (void)ctx;
    return live_block(cipher, key, in, out, 0);
}

static inline enum err live_random(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return RAND_bytes(out, (int)n) == 1 ? E_OK : E_IO;
}

static const struct piv_crypto live_crypto = {NULL, live_encrypt, live_decrypt, live_random};

// The well-known factory value.
static const uint8_t live_admin[24] = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4,
                                       5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8};
