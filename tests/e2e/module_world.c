// Simulators and the module for tests; certificates and the checking of signatures are OpenSSL's.
#include "module_world.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

CK_FUNCTION_LIST *F;
void *module_handle;
const CK_BYTE sample[32] = "thirty-two bytes to be signed  ";

static const char *build_dir(void)
{
    const char *dir = getenv("BUILD");
    return dir != NULL ? dir : "build";
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static pid_t owner;
static char directory[64];

static void remove_world(void)
{
    if (getpid() == owner)
        (void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *world_dir(void)
{
    if (directory[0] == '\0') {
        strcpy(directory, "/tmp/ingam-world.XXXXXX");
        assert_non_null(mkdtemp(directory));
        owner = getpid();
        assert_int_equal(atexit(remove_world), 0);
    }
    return directory;
}

static void spawn(struct card_process *c, const char *profile)
{
    int out[2];
    char program[300], listen[220], line[200] = "";
    assert_int_equal(pipe(out), 0);
    (void)snprintf(program, sizeof program, "%s/firmware-sim/ingam-sim", build_dir());
    (void)snprintf(listen, sizeof listen, "unix:%s", c->socket);
    (void)unlink(c->socket);
    c->pid = fork();
    if (c->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execl(program, program, "--image", c->image, "--listen", listen, "--log", c->log, "--profile",
              profile, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_memory_equal(line, "ready", 5);
    (void)fclose(f);
}

void card_start(struct card_process *c, const char *name, const char *profile)
{
    (void)snprintf(c->image, sizeof c->image, "%s/%s.image", world_dir(), name);
    (void)snprintf(c->socket, sizeof c->socket, "%s/%s.sock", world_dir(), name);
    (void)snprintf(c->log, sizeof c->log, "%s/%s.log", world_dir(), name);
    spawn(c, profile);
}

void card_again(struct card_process *c, const char *profile)
{
    spawn(c, profile);
}

void card_stop(struct card_process *c)
{
    kill(c->pid, SIGTERM);
    assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
    c->pid = 0;
}

static unsigned count_lines(const char *path, const char *a, const char *b)
{
    char line[4096];
    unsigned n = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        n += strstr(line, a) != NULL && strstr(line, b) != NULL;
    (void)fclose(f);
    return n;
}

unsigned card_exchanges(const struct card_process *c)
{
    return count_lines(c->log, "\"dir\":\"command\"", "");
}

unsigned card_count(const struct card_process *c, const char *ins)
{
    char what[64];
    (void)snprintf(what, sizeof what, "\"ins\":\"%s\"", ins);
    return count_lines(c->log, "\"dir\":\"command\"", what);
}

void world_use(const struct card_process *first, ...)
{
    char list[1000] = "";
    va_list more;
    va_start(more, first);
    for (const struct card_process *c = first; c != NULL; c = va_arg(more, const struct card_process *)) {
        size_t n = strlen(list);
        (void)snprintf(list + n, sizeof list - n, "%sunix:%s", n > 0 ? "," : "", c->socket);
    }
    va_end(more);
    setenv("INGAM_SIM", list, 1);
}

void module_load(void)
{
    char path[300];
    CK_C_GetFunctionList get;
    (void)snprintf(path, sizeof path, "%s/pkcs11/ingam-pkcs11.so", build_dir());
    module_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module_handle == NULL)
        fail_msg("%s", dlerror());
    *(void **)&get = dlsym(module_handle, "C_GetFunctionList");
    assert_non_null(get);
    assert_int_equal(get(&F), CKR_OK);
}

CK_SESSION_HANDLE open_session(CK_SLOT_ID slot, bool rw)
{
    CK_SESSION_HANDLE session = 0;
    assert_int_equal(
        F->C_OpenSession(slot, CKF_SERIAL_SESSION | (rw ? CKF_RW_SESSION : 0), NULL, NULL, &session), CKR_OK);
    return session;
}

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, const char *pin)
{
    return F->C_Login(session, user, (CK_BYTE *)(uintptr_t)pin, strlen(pin));
}

size_t find_count(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG n)
{
    CK_OBJECT_HANDLE found[16];
    CK_ULONG got;
    size_t all = 0;
    assert_int_equal(F->C_FindObjectsInit(session, templ, n), CKR_OK);
    do {
        assert_int_equal(F->C_FindObjects(session, found, 16, &got), CKR_OK);
        all += got;
    } while (got > 0);
    assert_int_equal(F->C_FindObjectsFinal(session), CKR_OK);
    return all;
}

CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_BYTE id)
{
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, &id, 1}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG n = 0;
    assert_int_equal(F->C_FindObjectsInit(session, templ, id != 0 ? 2 : 1), CKR_OK);
    assert_int_equal(F->C_FindObjects(session, &found, 1, &n), CKR_OK);
    assert_int_equal(F->C_FindObjectsFinal(session), CKR_OK);
    return n == 1 ? found : 0;
}

static CK_BYTE p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static CK_BYTE p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};

static CK_RV generate(CK_SESSION_HANDLE session, CK_BYTE id, enum key_kind kind)
{
    CK_MECHANISM m = {kind == KEY_RSA2048 ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE public, private;
    CK_ATTRIBUTE what = kind == KEY_RSA2048 ? (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits}
                        : kind == KEY_P256  ? (CK_ATTRIBUTE){CKA_EC_PARAMS, p256, sizeof p256}
                                            : (CK_ATTRIBUTE){CKA_EC_PARAMS, p384, sizeof p384};
    CK_ATTRIBUTE pub[] = {{CKA_ID, &id, 1}, what};
    CK_ATTRIBUTE priv[] = {{CKA_ID, &id, 1}, {CKA_TOKEN, &yes, 1}};
    return F->C_GenerateKeyPair(session, &m, pub, 2, priv, 2, &public, &private);
}

void make_key(CK_SESSION_HANDLE session, CK_BYTE id, enum key_kind kind)
{
    assert_int_equal(generate(session, id, kind), CKR_OK);
}

static EVP_PKEY *public_key(CK_SESSION_HANDLE session, CK_BYTE id)
{
    CK_BYTE der[1024];
    const CK_BYTE *p = der;
    CK_ATTRIBUTE a = {CKA_PUBLIC_KEY_INFO, der, sizeof der};
    CK_OBJECT_HANDLE o = find_one(session, CKO_PUBLIC_KEY, id);
    assert_int_not_equal(o, 0);
    assert_int_equal(F->C_GetAttributeValue(session, o, &a, 1), CKR_OK);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)a.ulValueLen);
    assert_non_null(key);
    return key;
}

static void add_comment(X509 *x, size_t len)
{
    char *text = calloc(1, len + 1);
    memset(text, 'x', len);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, text);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
    free(text);
}

static void write_certificate(CK_SESSION_HANDLE session, CK_BYTE id, size_t size, EVP_PKEY *key)
{
    EVP_PKEY *ca = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    static unsigned made; // each has a number of its own, as a CA's have
    char who[32];
    (void)snprintf(who, sizeof who, "Holder of key %u", id);
    assert_int_equal(X509_set_version(x, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1000 + id + 64 * (long)made++);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (unsigned char *)who, -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"Test CA",
                               -1, -1, 0);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
    int bare = i2d_X509(x, NULL);
    if ((size_t)bare + 40 < size) {
        add_comment(x, size - (size_t)bare - 40);
        assert_true(X509_sign(x, ca, EVP_sha256()) > 0);
    }
    unsigned char *der = NULL;
    int len = i2d_X509(x, &der);
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE o;
    CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_CERTIFICATE_TYPE, &type, sizeof type},
                            {CKA_TOKEN, &yes, 1},
                            {CKA_ID, &id, 1},
                            {CKA_VALUE, der, (CK_ULONG)len}};
    assert_int_equal(F->C_CreateObject(session, templ, 5, &o), CKR_OK);
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(ca);
}

void make_certificate(CK_SESSION_HANDLE session, CK_BYTE id, size_t size)
{
    EVP_PKEY *key = public_key(session, id);
    write_certificate(session, id, size, key);
    EVP_PKEY_free(key);
}

// SP 800-73-4 has no command that puts a key into a retired slot: on a plain card its maker does, and only
// the certificate and the Key History are ours to write.
static void furnish_retired(CK_SESSION_HANDLE session, CK_BYTE id)
{
    CK_RV rv = generate(session, id, KEY_P256);
    EVP_PKEY *key = rv == CKR_OK ? public_key(session, id) : EVP_EC_gen("P-256");
    assert_true(rv == CKR_OK || rv == CKR_ATTRIBUTE_VALUE_INVALID);
    write_certificate(session, id, 1000, key);
    EVP_PKEY_free(key);
}

void furnish(unsigned keys)
{
    static const enum key_kind kinds[] = {KEY_RSA2048, KEY_P256, KEY_RSA2048, KEY_P256};
    assert_int_equal(F->C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE session = open_session(0, true);
    assert_int_equal(login(session, CKU_SO, SO_PIN), CKR_OK);
    for (unsigned i = 0; i < keys && i < 4; i++) {
        make_key(session, (CK_BYTE)(i + 1), kinds[i]);
        make_certificate(session, (CK_BYTE)(i + 1), 1000);
    }
    for (unsigned i = 4; i < keys; i++)
        furnish_retired(session, (CK_BYTE)(i + 1));
    assert_int_equal(F->C_Finalize(NULL), CKR_OK);
}

CK_RV sign_once(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism,
                CK_BYTE *signature, CK_ULONG *len)
{
    CK_MECHANISM m = {mechanism, NULL, 0};
    CK_RV rv = F->C_SignInit(session, &m, key);
    return rv != CKR_OK ? rv
                        : F->C_Sign(session, (CK_BYTE *)(uintptr_t)sample, sizeof sample, signature, len);
}

static bool verify_ec(EVP_PKEY *key, const CK_BYTE *signature, CK_ULONG len)
{
    int half = (int)len / 2;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    unsigned char *der = NULL;
    ECDSA_SIG_set0(sig, BN_bin2bn(signature, half, NULL), BN_bin2bn(signature + half, half, NULL));
    int n = i2d_ECDSA_SIG(sig, &der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok =
        EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, der, (size_t)n, sample, sizeof sample) == 1;
    EVP_PKEY_CTX_free(ctx);
    ECDSA_SIG_free(sig);
    OPENSSL_free(der);
    return ok;
}

static bool verify_rsa(EVP_PKEY *key, CK_MECHANISM_TYPE mechanism, const CK_BYTE *signature, CK_ULONG len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = false;
    if (mechanism == CKM_SHA256_RSA_PKCS) {
        ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
             EVP_DigestVerify(ctx, signature, len, sample, sizeof sample) == 1;
    } else {
        EVP_PKEY_CTX *raw = EVP_PKEY_CTX_new(key, NULL);
        unsigned char text[1024];
        size_t n = sizeof text;
        ok = EVP_PKEY_verify_recover_init(raw) == 1 &&
             EVP_PKEY_verify_recover(raw, text, &n, signature, len) == 1 && n == sizeof sample &&
             memcmp(text, sample, n) == 0;
        EVP_PKEY_CTX_free(raw);
    }
    EVP_MD_CTX_free(ctx);
    return ok;
}

void check_signature(CK_SESSION_HANDLE session, CK_BYTE id, CK_MECHANISM_TYPE mechanism,
                     const CK_BYTE *signature, CK_ULONG len)
{
    EVP_PKEY *key = public_key(session, id);
    assert_true(mechanism == CKM_ECDSA ? verify_ec(key, signature, len)
                                       : verify_rsa(key, mechanism, signature, len));
    EVP_PKEY_free(key);
}
