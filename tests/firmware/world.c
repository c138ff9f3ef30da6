/* Builds a card in memory, with the storage that can lose power. */
#include "world.h"

#include "hex.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool random_fill(void *none, void *bytes, size_t len)
{
    (void)none;
    return RAND_bytes(bytes, (int)len) == 1;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "test world: %s\n", what);
    exit(1);
}

struct world *world_new(const char *profile, uint32_t serial)
{
    struct world *w = calloc(1, sizeof *w);
    if (w == NULL || !fault_open(&w->device))
        die("no memory");
    w->clock.now_us = 1000000;
    w->touch.answer = HAL_TOUCH_YES;
    w->hal = (struct fw_hal){.storage = fault_storage(&w->device),
                             .random = {NULL, random_fill},
                             .clock = ram_clock(&w->clock),
                             .touch = ram_touch(&w->touch),
                             .keys = ram_keys()};
    w->profile = profile_find(profile);
    if (w->profile == NULL)
        die("no such profile");
    w->card = fw_card_new(&w->profile->kind, &w->hal);
    if (w->card == NULL || !fw_store_format(&w->card->store, &w->hal) ||
        !personality_make(w->card, serial, false))
        die("no card");
    return w;
}

void world_free(struct world *w)
{
    fw_card_free(w->card);
    fault_close(&w->device);
    free(w);
}

unsigned world_send(struct world *w, const uint8_t *command, size_t len)
{
    w->commands++;
    w->len = fw_card_exchange(w->card, command, len, w->answer);
    return w->len < 2 ? 0 : (unsigned)w->answer[w->len - 2] << 8 | w->answer[w->len - 1];
}

unsigned world_hex(struct world *w, const char *command)
{
    uint8_t bytes[4096];
    return world_send(w, bytes, hex_parse(command, bytes, sizeof bytes));
}

static const EVP_CIPHER *cipher_of(uint8_t algorithm)
{
    switch (algorithm) {
    case 0x03:
        return EVP_des_ede3_ecb();
    case 0x08:
        return EVP_aes_128_ecb();
    case 0x0A:
        return EVP_aes_192_ecb();
    default:
        return EVP_aes_256_ecb();
    }
}

bool world_authenticate(struct world *w)
{
    const struct profile *p = w->profile;
    uint8_t ask[] = {0x00, 0x87, p->management_algorithm, 0x9B, 0x04, 0x7C, 0x02, 0x81, 0x00, 0x00};
    if (world_send(w, ask, sizeof ask) != 0x9000)
        return false;
    size_t block = w->answer[3];
    uint8_t give[9 + 16] = {
        0x00, 0x87,          p->management_algorithm, 0x9B, (uint8_t)(block + 4), 0x7C, (uint8_t)(block + 2),
        0x82, (uint8_t)block};
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL ||
        !EVP_EncryptInit_ex(ctx, cipher_of(p->management_algorithm), NULL, p->management_key, NULL) ||
        !EVP_CIPHER_CTX_set_padding(ctx, 0) ||
        !EVP_EncryptUpdate(ctx, give + 9, &len, w->answer + 4, (int)block))
        die("cipher");
    EVP_CIPHER_CTX_free(ctx);
    return world_send(w, give, 9 + block) == 0x9000;
}

bool world_restart(struct world *w)
{
    fault_restore_power(&w->device);
    fw_card_free(w->card);
    w->card = fw_card_new(&w->profile->kind, &w->hal);
    return w->card != NULL && fw_store_open(&w->card->store, &w->hal) == FW_STORE_READY;
}
