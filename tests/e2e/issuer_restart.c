// Kills a desk between its ip and the client's certConf, starts it again, and lets OpenSSL's client go on.
#include <fcntl.h>
#include <openssl/cmp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct desk {
    const char *program, *dir;
    pid_t pid;
    int sent;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

// Runs the program and returns the end of a pipe that reads its output.
static FILE *run(pid_t *pid, char *const arguments[])
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || (*pid = fork()) < 0)
        die("fork");
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // a failing test leaves no desk behind
        dup2(ends[1], 1);
        execv(arguments[0], arguments);
        _exit(127);
    }
    close(ends[1]);
    return fdopen(ends[0], "r");
}

// Starts the desk and tells the client its new port.
static void start(struct desk *desk, OSSL_CMP_CTX *ctx)
{
    char line[128] = "";
    char *arguments[] = {(char *)desk->program, "serve", "--dir", (char *)desk->dir, "--listen",
                         "127.0.0.1:0",         NULL};
    FILE *out = run(&desk->pid, arguments);
    int port = 0;
    if (out == NULL || fgets(line, sizeof line, out) == NULL ||
        sscanf(line, "ready http://127.0.0.1:%d/cmp", &port) != 1) // NOLINT(cert-err34-c)
        die("no ready line");
    fclose(out);
    OSSL_CMP_CTX_set_serverPort(ctx, port);
}

static OSSL_CMP_MSG *transfer(OSSL_CMP_CTX *ctx, const OSSL_CMP_MSG *request)
{
    struct desk *desk = OSSL_CMP_CTX_get_transfer_cb_arg(ctx);
    if (++desk->sent == 2) {
        kill(desk->pid, SIGKILL);
        waitpid(desk->pid, NULL, 0);
        start(desk, ctx);
    }
    return OSSL_CMP_MSG_http_perform(ctx, request);
}

static void authorize(const struct desk *desk, OSSL_CMP_CTX *ctx)
{
    char *arguments[] = {
        (char *)desk->program, "authorize", "--dir", (char *)desk->dir, "--name", "restart", NULL};
    char line[128];
    char value[64];
    pid_t pid = 0;
    FILE *out = run(&pid, arguments);
    while (out != NULL && fgets(line, sizeof line, out) != NULL) {
        if (sscanf(line, "reference %63s", value) == 1)
            OSSL_CMP_CTX_set1_referenceValue(ctx, (unsigned char *)value, (int)strlen(value));
        if (sscanf(line, "code %63s", value) == 1)
            OSSL_CMP_CTX_set1_secretValue(ctx, (unsigned char *)value, (int)strlen(value));
    }
    if (out != NULL)
        fclose(out);
    waitpid(pid, NULL, 0);
}

int main(int count, char **arguments)
{
    if (count != 3)
        return 2;
    struct desk desk = {arguments[1], arguments[2], 0, 0};
    OSSL_CMP_CTX *ctx = OSSL_CMP_CTX_new(NULL, NULL);
    X509_NAME *subject = X509_NAME_new();
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"me", -1, -1, 0);
    OSSL_CMP_CTX_set1_subjectName(ctx, subject);
    OSSL_CMP_CTX_set0_newPkey(ctx, 1, EVP_EC_gen("P-256"));
    OSSL_CMP_CTX_set1_server(ctx, "127.0.0.1");
    OSSL_CMP_CTX_set1_serverPath(ctx, "/cmp");
    OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_MSG_TIMEOUT, 20);
    OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_KEEP_ALIVE, 0); // the connection dies with the desk
    OSSL_CMP_CTX_set_transfer_cb(ctx, transfer);
    OSSL_CMP_CTX_set_transfer_cb_arg(ctx, &desk);
    authorize(&desk, ctx);
    start(&desk, ctx);
    const X509 *certificate = OSSL_CMP_exec_IR_ses(ctx);
    if (certificate == NULL)
        ERR_print_errors_fp(stderr);
    kill(desk.pid, SIGTERM);
    waitpid(desk.pid, NULL, 0);
    X509_NAME_free(subject);
    OSSL_CMP_CTX_free(ctx);
    return certificate != NULL && desk.sent == 2 ? 0 : 1;
}
