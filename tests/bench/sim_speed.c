/* Signatures a second of a simulated token through pcscd, beside the same OpenSSL operation in a loop and
 * beside what the stack costs without any work: how much of the possible is reached.
 *
 *   sim-speed READER MILLISECONDS [LEAST]    LEAST: fails when less than that part of the possible is reached
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

struct kind {
    const char *name;
    uint8_t algorithm;
    int block;
    uint8_t generate[10];
};

static const struct kind kinds[] = {
    {"P-256", 0x11, 32, {0x00, 0x47, 0x00, 0x9E, 0x05, 0xAC, 0x03, 0x80, 0x01, 0x11}},
    {"RSA-2048", 0x07, 256, {0x00, 0x47, 0x00, 0x9E, 0x05, 0xAC, 0x03, 0x80, 0x01, 0x07}},
};

static SCARDHANDLE card;

static void die(const char *what)
{
    (void)fprintf(stderr, "sim-speed: %s\n", what);
    exit(1);
}

static size_t exchange(const uint8_t *command, size_t len, uint8_t *answer, size_t cap)
{
    DWORD n = cap;
    if (SCardTransmit(card, SCARD_PCI_T1, command, len, NULL, answer, &n) != SCARD_S_SUCCESS || n < 2)
        die("no answer");
    return n;
}

static bool worked(const uint8_t *answer, size_t len)
{
    return answer[len - 2] == 0x90 && answer[len - 1] == 0x00;
}

static void connect_to(const char *reader)
{
    SCARDCONTEXT context;
    DWORD protocol;
    char names[2048];
    DWORD len = sizeof names;
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS ||
        SCardListReaders(context, NULL, names, &len) != SCARD_S_SUCCESS)
        die("no pcscd");
    for (const char *n = names; *n != 0; n += strlen(n) + 1)
        if (strncmp(n, reader, strlen(reader)) == 0 &&
            SCardConnect(context, n, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &card, &protocol) ==
                SCARD_S_SUCCESS)
            return;
    die("no such reader with a card");
}

/* The well-known management key, by challenge (SP 800-73-4 part 2, A.1). */
static void authenticate(void)
{
    static const uint8_t ask[] = {0x00, 0x87, 0x03, 0x9B, 0x04, 0x7C, 0x02, 0x81, 0x00, 0x00};
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08};
    uint8_t key[24], answer[300], give[17] = {0x00, 0x87, 0x03, 0x9B, 0x0C, 0x7C, 0x0A, 0x82, 0x08};
    int n = 0;
    for (int i = 0; i < 24; i++)
        key[i] = (uint8_t)(i % 8 + 1);
    if (!worked(answer, exchange(select, sizeof select, answer, sizeof answer)) ||
        !worked(answer, exchange(ask, sizeof ask, answer, sizeof answer)))
        die("no PIV card");
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL || !EVP_EncryptInit_ex(ctx, EVP_des_ede3_ecb(), NULL, key, NULL) ||
        !EVP_EncryptUpdate(ctx, give + 9, &n, answer + 4, 8))
        die("cipher");
    EVP_CIPHER_CTX_free(ctx);
    if (!worked(answer, exchange(give, sizeof give, answer, sizeof answer)))
        die("the management key is refused");
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of many runs: other programs on the machine disturb a mean, not this. */
static double median(void (*run)(void *what), void *what, double limit)
{
    static double took[100000];
    size_t n = 0;
    double end = seconds() + limit;
    while (n < sizeof took / sizeof took[0] && (n < 50 || seconds() < end)) {
        double start = seconds();
        run(what);
        took[n++] = seconds() - start;
    }
    qsort(took, n, sizeof took[0], by_size);
    return took[n / 2];
}

struct request {
    uint8_t command[512], answer[512];
    size_t len;
};

/* One transaction with one exchange, as a signing program has it. */
static void transact(void *what)
{
    struct request *r = what;
    if (SCardBeginTransaction(card) != SCARD_S_SUCCESS)
        die("no transaction");
    size_t n = exchange(r->command, r->len, r->answer, sizeof r->answer);
    if (SCardEndTransaction(card, SCARD_LEAVE_CARD) != SCARD_S_SUCCESS)
        die("no transaction");
    if (r->len > 5 && !worked(r->answer, n))
        die("no signature");
}

struct local {
    EVP_PKEY_CTX *ctx;
    uint8_t block[256], signature[256];
    size_t len;
};

static void sign_here(void *what)
{
    struct local *l = what;
    size_t n = sizeof l->signature;
    if (EVP_PKEY_sign(l->ctx, l->signature, &n, l->block, l->len) != 1)
        die("OpenSSL does not sign");
}

static void prepare_local(const struct kind *k, struct local *l)
{
    bool rsa = k->algorithm == 0x07;
    EVP_PKEY *key = rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                        : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    l->ctx = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
    if (l->ctx == NULL || EVP_PKEY_sign_init(l->ctx) != 1 ||
        (rsa && EVP_PKEY_CTX_set_rsa_padding(l->ctx, RSA_NO_PADDING) != 1))
        die("OpenSSL makes no key");
    memset(l->block, 0x11, sizeof l->block);
    l->len = (size_t)k->block;
    EVP_PKEY_free(key);
}

/* 7C {82 00, 81 block} in one command of extended length. */
static void prepare_request(const struct kind *k, struct request *r)
{
    size_t block = (size_t)k->block, inner = block < 128 ? block + 4 : block + 6,
           body = inner + (block < 128 ? 2 : 4);
    uint8_t *p = r->command;
    const uint8_t head[] = {0x00, 0x87, k->algorithm, 0x9E, 0x00, (uint8_t)(body >> 8), (uint8_t)body, 0x7C};
    memcpy(p, head, sizeof head);
    p += sizeof head;
    if (block < 128) {
        const uint8_t mid[] = {(uint8_t)inner, 0x82, 0x00, 0x81, (uint8_t)block};
        memcpy(p, mid, sizeof mid);
        p += sizeof mid;
    } else {
        const uint8_t mid[] = {0x82, (uint8_t)(inner >> 8), (uint8_t)inner, 0x82, 0x00, 0x81,
                               0x82, (uint8_t)(block >> 8), (uint8_t)block};
        memcpy(p, mid, sizeof mid);
        p += sizeof mid;
    }
    memset(p, 0x11, block);
    p += block;
    *p++ = 0;
    *p++ = 0;
    r->len = (size_t)(p - r->command);
}

int main(int argc, char **argv)
{
    static struct request nothing = {.command = {0x00, 0xFE, 0x00, 0x00}, .len = 4};
    double least = argc > 3 ? strtod(argv[3], NULL) : 0;
    bool enough = true;
    if (argc < 3)
        return 2;
    double limit = strtod(argv[2], NULL) / 1000;
    connect_to(argv[1]);
    authenticate();
    double floor_s = median(transact, &nothing, limit);
    (void)printf("the stack alone: %.0f us a transaction\n", floor_s * 1e6);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        static struct request request;
        static struct local local;
        if (!worked(request.answer,
                    exchange(kinds[i].generate, sizeof kinds[i].generate, request.answer, 512)) &&
            request.answer[256] != 0x61)
            die("no key");
        prepare_request(&kinds[i], &request);
        prepare_local(&kinds[i], &local);
        double here = median(sign_here, &local, limit), there = median(transact, &request, limit);
        double part = (here + floor_s) / there;
        (void)printf(
            "%s: %.0f signatures a second through pcscd; OpenSSL alone %.0f; %.2f of what the stack allows\n",
            kinds[i].name, 1 / there, 1 / here, part);
        enough = enough && part >= least;
        EVP_PKEY_CTX_free(local.ctx);
    }
    return enough ? 0 : 1;
}
