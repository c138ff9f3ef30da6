/* The private library context: made at first use, freed at C_Finalize, left alone once the program is
 * exiting. */
#include "internal.h"
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static struct {
    pthread_mutex_t lock;
    _Atomic(OSSL_LIB_CTX *) ctx;
    _Atomic(EVP_MD *) md[HOST_HASHES];
    OSSL_PROVIDER *provider;
    bool watching;
} host = {.lock = PTHREAD_MUTEX_INITIALIZER};
static atomic_bool exiting;

static const struct {
    const char *name;
    size_t size, block;
} hashes[HOST_HASHES] = {
    [HOST_NONE] = {NULL, 0, 0},
    [HOST_SHA1] = {"SHA1", 20, 64},
    [HOST_SHA224] = {"SHA2-224", 28, 64},
    [HOST_SHA256] = {"SHA2-256", 32, 64},
    [HOST_SHA384] = {"SHA2-384", 48, 128},
    [HOST_SHA512] = {"SHA2-512", 64, 128},
    [HOST_SHA512_224] = {"SHA2-512/224", 28, 128},
    [HOST_SHA512_256] = {"SHA2-512/256", 32, 128},
    [HOST_SHA3_224] = {"SHA3-224", 28, 144},
    [HOST_SHA3_256] = {"SHA3-256", 32, 136},
    [HOST_SHA3_384] = {"SHA3-384", 48, 104},
    [HOST_SHA3_512] = {"SHA3-512", 64, 72},
};

size_t host_hash_size(enum host_hash hash)
{
    return hash < HOST_HASHES ? hashes[hash].size : 0;
}

size_t host_hash_block(enum host_hash hash)
{
    return hash < HOST_HASHES ? hashes[hash].block : 0;
}

const char *host_md_name(enum host_hash hash)
{
    return hash < HOST_HASHES ? hashes[hash].name : NULL;
}

bool host_exiting(void)
{
    return atomic_load(&exiting);
}

/* Registered after libcrypto's own exit handler, so it runs before that one: libcrypto is gone only after
 * this. */
static void at_exit(void)
{
    atomic_store(&exiting, true);
}

static void make_context(void)
{
    if (!host.watching && OPENSSL_init_crypto(0, NULL) == 1 && atexit(at_exit) == 0)
        host.watching = true;
    if (!host.watching)
        return;
    OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
    if (ctx == NULL)
        return;
    host.provider = OSSL_PROVIDER_load(ctx, "default");
    if (host.provider == NULL)
        OSSL_LIB_CTX_free(ctx);
    else
        atomic_store(&host.ctx, ctx);
}

OSSL_LIB_CTX *host_ctx(void)
{
    if (host_exiting())
        return NULL;
    OSSL_LIB_CTX *ctx = atomic_load(&host.ctx);
    if (ctx != NULL)
        return ctx;
    pthread_mutex_lock(&host.lock);
    if (atomic_load(&host.ctx) == NULL)
        make_context();
    ctx = atomic_load(&host.ctx);
    pthread_mutex_unlock(&host.lock);
    return ctx;
}

const EVP_MD *host_md(enum host_hash hash)
{
    OSSL_LIB_CTX *ctx = host_ctx();
    if (ctx == NULL || hash <= HOST_NONE || hash >= HOST_HASHES)
        return NULL;
    EVP_MD *md = atomic_load(&host.md[hash]);
    if (md != NULL)
        return md;
    pthread_mutex_lock(&host.lock);
    md = atomic_load(&host.md[hash]);
    if (md == NULL) {
        md = EVP_MD_fetch(ctx, hashes[hash].name, NULL);
        atomic_store(&host.md[hash], md);
    }
    pthread_mutex_unlock(&host.lock);
    return md;
}

void host_release(void)
{
    if (host_exiting())
        return;
    pthread_mutex_lock(&host.lock);
    for (size_t i = 0; i < HOST_HASHES; i++)
        EVP_MD_free(atomic_exchange(&host.md[i], NULL));
    OSSL_LIB_CTX *ctx = atomic_exchange(&host.ctx, NULL);
    if (ctx != NULL) {
        OSSL_PROVIDER_unload(host.provider);
        host.provider = NULL;
        OSSL_LIB_CTX_free(ctx);
    }
    pthread_mutex_unlock(&host.lock);
}

void host_after_fork(void)
{
    host.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    for (size_t i = 0; i < HOST_HASHES; i++)
        atomic_store(&host.md[i], NULL);
    atomic_store(&host.ctx, NULL);
    host.provider = NULL;
}
