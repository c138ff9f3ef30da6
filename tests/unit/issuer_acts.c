// The functions behind pages and API: a person found, factors answered, checks begun and polled,
// applications, the customer's own hand on a certificate; and what a migration fills in.
#include "acts.h"
#include "commands.h"
#include "dump.h"
#include "factor.h"
#include "issuer_client.h"
#include "issuer_fixture.h"
#include "migrations.h"
#include "nouns.h"
#include "profile.h"

#include <fcntl.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define NUMBER "900101-1234568"

static struct secret text(const char *words)
{
    struct secret secret = {.length = strlen(words)};
    memcpy(secret.bytes, words, secret.length);
    return secret;
}

static void write_file(const char *path, const char *words, mode_t rights)
{
    struct fail fail = {0};
    unlink(path);
    assert_true(file_write_new(path, rights, words, strlen(words), &fail));
}

// A customer with a HOTP factor (the secret of RFC 4226 appendix D).
static void customer(struct fixture *fixture, struct act_customer *found, char factor[ACT_ID])
{
    char path[128];
    struct fail fail = {0};
    struct secret number = text(NUMBER);
    snprintf(path, sizeof path, "%s/number", fixture->directory);
    write_file(path, NUMBER "\n", 0600);
    struct options options = {
        .dir = fixture->dir, .name = "홍길동", .kind = "individual", .identity_file = path, .phone = "010-1"};
    assert_true(command_customer_add(&options, &fail));
    assert_true(customer_find(&fixture->desk, "individual", "홍길동", &number, found, &fail));
    const char *secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    struct factor_new new = {.customer = found->id,
                             .kind = "hotp",
                             .label = "",
                             .secret = (const unsigned char *)secret,
                             .length = strlen(secret)};
    assert_true(factor_add(&fixture->desk, &new, factor, &fail));
}

static void a_person_is_found_by_name_and_number_only(void **state)
{
    struct fixture *fixture = *state;
    struct act_customer found;
    struct act_customer other;
    char factor[ACT_ID];
    struct secret right = text(NUMBER);
    struct secret wrong = text("900101-1234567");
    customer(fixture, &found, factor);
    assert_string_equal(found.mask, "900101-1******");
    assert_string_equal(found.state, "active");
    const struct {
        const char *kind, *name;
        const struct secret *number;
    } strangers[] = {
        {"individual", "홍길순", &right}, {"individual", "홍길동", &wrong}, {"proprietor", "홍길동", &right}};
    char first[600] = "";
    for (size_t i = 0; i < 2; i++) {
        struct fail fail = {0};
        assert_false(customer_find(&fixture->desk, strangers[i].kind, strangers[i].name, strangers[i].number,
                                   &other, &fail));
        assert_int_equal(fail.code, FAIL_PASSPHRASE);
        if (i == 0)
            snprintf(first, sizeof first, "%s", fail.text);
        assert_string_equal(fail.text, first); // a stranger does not learn which was wrong
    }
    struct fail fail = {0};
    assert_false(customer_find(&fixture->desk, strangers[2].kind, strangers[2].name, strangers[2].number,
                               &other, &fail));
    assert_int_equal(fail.code, FAIL_USAGE); // no business number has 13 digits
    fail = (struct fail){0};
    assert_true(customer_details(&fixture->desk, found.id, "010-2", NULL, &fail));
    assert_true(customer_get(&fixture->desk, found.id, &other, &fail));
    assert_string_equal(other.phone, "010-2");
}

static void another_customers_factor_is_not_answered(void **state)
{
    struct fixture *fixture = *state;
    struct act_customer found;
    struct act_factor rows[4];
    struct act_proved proved;
    size_t count = 0;
    int left = -1;
    char factor[ACT_ID];
    customer(fixture, &found, factor);
    struct fail fail = {0};
    assert_false(factor_answer(&fixture->desk, "C000000000000", factor, "755224", 6, NULL, &left, &fail));
    assert_int_equal(fail.code, FAIL_NOT_FOUND);
    fail = (struct fail){0};
    assert_false(factor_answer(&fixture->desk, found.id, factor, "000000", 6, NULL, &left, &fail));
    assert_int_equal(fail.code, FAIL_PASSPHRASE);
    assert_int_equal(left, 4);
    fail = (struct fail){0};
    assert_true(customer_proved(&fixture->desk, found.id, &proved, &fail));
    assert_false(proved.factor);
    assert_true(factor_answer(&fixture->desk, found.id, factor, "755224", 6, NULL, NULL, &fail));
    assert_true(customer_proved(&fixture->desk, found.id, &proved, &fail));
    assert_true(proved.factor);
    assert_false(proved.identity);
    fixture_later(601);
    assert_true(customer_proved(&fixture->desk, found.id, &proved, &fail));
    assert_false(proved.factor); // it expired
    for (int i = 0; i < 5; i++) {
        fail = (struct fail){0};
        assert_false(factor_answer(&fixture->desk, found.id, factor, "755224", 6, NULL, &left, &fail));
    }
    assert_int_equal(fail.code, FAIL_LOCKED);
    fail = (struct fail){0};
    assert_true(customer_factors(&fixture->desk, found.id, rows, 4, &count, &fail));
    assert_int_equal(count, 1);
    assert_true(rows[0].locked);
    assert_string_equal(rows[0].need, "factor");
}

// A check's program: it passes when the file `go` is there, and waits for it at most ten seconds.
static void program(struct fixture *fixture)
{
    char path[128];
    char script[600];
    snprintf(path, sizeof path, "%s/check", fixture->directory);
    snprintf(script, sizeof script,
             "#!/bin/sh\ncat >/dev/null\necho x >>%s/begun\nn=0\n"
             "while [ ! -e %s/go ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done\n"
             "echo '{\"result\":\"passed\"}'\n",
             fixture->directory, fixture->directory);
    write_file(path, script, 0700);
    assert_int_equal(registry_set(fixture->desk.registry, "check.phone", path), REGISTRY_DONE);
}

static enum check_state poll_to_end(struct fixture *fixture, const char *customer, const char *id)
{
    enum check_state now = CHECK_RUNNING;
    struct fail fail = {0};
    const struct timespec moment = {0, 20000000};
    for (int i = 0; i < 1000 && now == CHECK_RUNNING; i++) {
        assert_true(check_poll(&fixture->desk, customer, id, &now, &fail));
        nanosleep(&moment, NULL);
    }
    return now;
}

static void a_check_is_begun_once_and_polled(void **state)
{
    struct fixture *fixture = *state;
    struct act_customer found;
    struct act_proved proved;
    struct fail fail = {0};
    enum check_state now;
    struct stat status;
    char factor[ACT_ID], id[ACT_ID], again[ACT_ID], path[128];
    customer(fixture, &found, factor);
    program(fixture);
    assert_true(check_begin(&fixture->desk, found.id, "phone", id, &fail));
    assert_true(check_begin(&fixture->desk, found.id, "phone", again, &fail));
    assert_string_equal(id, again); // nobody is rung up twice
    assert_true(check_poll(&fixture->desk, found.id, id, &now, &fail));
    assert_int_equal(now, CHECK_RUNNING);
    assert_false(check_poll(&fixture->desk, "C000000000000", id, &now, &fail));
    assert_int_equal(fail.code, FAIL_NOT_FOUND);
    fail = (struct fail){0};
    snprintf(path, sizeof path, "%s/go", fixture->directory);
    write_file(path, "go", 0600);
    assert_int_equal(poll_to_end(fixture, found.id, id), CHECK_PASSED);
    assert_true(customer_proved(&fixture->desk, found.id, &proved, &fail));
    assert_true(proved.identity);
    check_stop();
    snprintf(path, sizeof path, "%s/begun", fixture->directory);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 2); // one run
    for (int i = 0; i < 4; i++) {
        assert_true(check_begin(&fixture->desk, found.id, "phone", id, &fail));
        assert_int_equal(poll_to_end(fixture, found.id, id), CHECK_PASSED);
    }
    assert_false(check_begin(&fixture->desk, found.id, "phone", id, &fail));
    assert_int_equal(fail.code, FAIL_REFUSED);
    fail = (struct fail){0};
    assert_false(check_begin(&fixture->desk, found.id, "horoscope", id, &fail));
    assert_int_equal(fail.code, FAIL_USAGE);
    check_stop();
}

static void a_desk_that_ends_ends_its_checks(void **state)
{
    struct fixture *fixture = *state;
    struct act_customer found;
    struct fail fail = {0};
    enum check_state now;
    char factor[ACT_ID], id[ACT_ID];
    customer(fixture, &found, factor);
    program(fixture);
    assert_true(check_begin(&fixture->desk, found.id, "phone", id, &fail));
    time_t before = time(NULL);
    check_stop();
    assert_true(time(NULL) - before < 5); // the program would have waited ten seconds
    assert_true(check_poll(&fixture->desk, found.id, id, &now, &fail));
    assert_int_equal(now, CHECK_BROKEN);
    assert_true(check_begin(&fixture->desk, found.id, "phone", id, &fail));
    fixture_later(100); // as if the desk had been killed: nobody writes the end down in time
    assert_true(check_poll(&fixture->desk, found.id, id, &now, &fail));
    assert_int_equal(now, CHECK_BROKEN);
    check_stop();
}

static void prove(struct fixture *fixture, const char *customer)
{
    struct fail fail = {0};
    assert_true(proof_add(&fixture->desk, customer, "identity", "phone", true, 600, &fail));
    assert_true(proof_add(&fixture->desk, customer, "factor", "hotp", true, 600, &fail));
}

static void an_application_needs_agreement_and_proofs(void **state)
{
    struct fixture *fixture = *state;
    struct act_customer found;
    struct desk_entitled made;
    struct act_fee fee;
    struct act_class classes[8];
    size_t count = 0;
    char factor[ACT_ID];
    customer(fixture, &found, factor);
    struct act_apply apply = {.customer = found.id, .class_name = "joint-general"};
    struct fail fail = {0};
    assert_false(application_make(&fixture->desk, &apply, &made, &fail));
    assert_int_equal(fail.code, FAIL_REFUSED);
    apply.agreed = true;
    fail = (struct fail){0};
    assert_false(application_make(&fixture->desk, &apply, &made, &fail));
    assert_int_equal(fail.code, FAIL_PASSPHRASE);
    prove(fixture, found.id);
    fail = (struct fail){0};
    assert_true(application_make(&fixture->desk, &apply, &made, &fail));
    assert_int_equal(strlen(made.reference), 12);
    assert_true(fee_get(&fixture->desk, made.reference, &fee, &fail));
    assert_int_equal(fee.amount, 4400);
    assert_string_equal(fee.state, "due");
    assert_true(fee_settle(&fixture->desk, made.reference, false, &fail));
    assert_true(fee_get(&fixture->desk, made.reference, &fee, &fail));
    assert_string_equal(fee.state, "paid");
    assert_false(application_make(&fixture->desk, &apply, &made, &fail)); // the proofs are used up
    assert_int_equal(fail.code, FAIL_PASSPHRASE);
    fail = (struct fail){0};
    assert_true(class_list(&fixture->desk, classes, 8, &count, &fail));
    assert_int_equal(count, 3);
    assert_string_equal(classes[0].needs, "identity factor");
}

// A confirmed certificate of the customer, without CMP.
static void certificate(struct fixture *fixture, const char *customer, const char *serial)
{
    struct desk_entitled made;
    struct registry_certificate issued;
    unsigned char *der = NULL;
    unsigned char hash[REGISTRY_HASH] = {0};
    struct fail fail = {0};
    struct registry *registry = fixture->desk.registry;
    int64_t now = fixture->desk.now();
    prove(fixture, customer);
    struct act_apply apply = {.customer = customer, .class_name = "joint", .agreed = true};
    assert_true(application_make(&fixture->desk, &apply, &made, &fail));
    assert_int_equal(registry_reserve(registry, made.reference, hash, serial, now, &issued), REGISTRY_DONE);
    int length = i2d_X509(fixture->desk.ca, &der);
    assert_true(length > 0);
    assert_int_equal(registry_record(registry, serial, der, (size_t)length, now + 86400, 1, now),
                     REGISTRY_DONE);
    assert_int_equal(registry_confirm(registry, serial, now), REGISTRY_DONE);
    OPENSSL_free(der);
}

static void customers_change_their_own_certificates_only(void **state)
{
    struct fixture *fixture = *state;
    struct desk *desk = &fixture->desk;
    struct act_customer found;
    struct act_certificate rows[4];
    size_t count = 0;
    char factor[ACT_ID];
    customer(fixture, &found, factor);
    certificate(fixture, found.id, "D1");
    struct fail fail = {0};
    assert_true(customer_certificates(desk, found.id, rows, 4, &count, &fail));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].status, "valid");
    assert_false(certificate_change(desk, found.id, "D1", "suspend", NULL, &fail));
    assert_int_equal(fail.code, FAIL_PASSPHRASE); // nothing was proved
    prove(fixture, found.id);
    fail = (struct fail){0};
    assert_false(certificate_change(desk, "C000000000000", "D1", "revoke", NULL, &fail));
    assert_int_equal(fail.code, FAIL_NOT_FOUND);
    fail = (struct fail){0};
    assert_true(certificate_change(desk, found.id, "D1", "suspend", NULL, &fail));
    assert_true(certificate_change(desk, found.id, "D1", "suspend", NULL, &fail)); // it is so already
    prove(fixture, found.id);
    assert_true(certificate_change(desk, found.id, "D1", "resume", NULL, &fail));
    prove(fixture, found.id);
    assert_true(certificate_change(desk, found.id, "D1", "revoke", "keyCompromise", &fail));
    prove(fixture, found.id);
    assert_false(certificate_change(desk, found.id, "D1", "resume", NULL, &fail));
    assert_int_equal(fail.code, FAIL_REFUSED);
    fail = (struct fail){0};
    assert_true(customer_certificates(desk, found.id, rows, 4, &count, &fail));
    assert_string_equal(rows[0].status, "revoked");
    assert_int_equal(rows[0].reason, 1);
}

// A CA of another institution, trusted by the desk, and a certificate of it for the name.
static X509 *other_bank(struct fixture *fixture, const char *name, EVP_PKEY **key)
{
    struct fail fail = {0};
    char path[128];
    X509_NAME *subject = X509_NAME_new();
    EVP_PKEY *ca_key = keys_make("p256", &fail);
    *key = keys_make("p256", &fail);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)"Other CA", -1, -1, 0);
    struct profile_ask ask = {
        .kind = PROFILE_CA, .subject = subject, .key = ca_key, .now = time(NULL), .issuer_key = ca_key};
    assert_true(profile_serial(ask.serial));
    X509 *ca = profile_certificate(&ask, &fail);
    assert_non_null(ca);
    X509_NAME *person = X509_NAME_new();
    X509_NAME_add_entry_by_txt(person, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    ask.kind = PROFILE_PERSON;
    ask.subject = person;
    ask.key = *key;
    ask.issuer = ca;
    X509 *certificate = profile_certificate(&ask, &fail);
    assert_non_null(certificate);
    snprintf(path, sizeof path, "%s/other.pem", fixture->directory);
    BIO *file = BIO_new_file(path, "w");
    assert_int_equal(PEM_write_bio_X509(file, ca), 1);
    BIO_free(file);
    struct options options = {.dir = fixture->dir, .name = "다른은행", .certificate_file = path};
    assert_true(command_institution_add(&options, &fail));
    X509_NAME_free(subject);
    X509_NAME_free(person);
    EVP_PKEY_free(ca_key);
    X509_free(ca);
    return certificate;
}

// SEQUENCE { certificate, signatureAlgorithm, signature over "ingam register REFERENCE" }
static ASN1_TYPE *request(X509 *certificate, EVP_PKEY *key, const char *reference)
{
    static const unsigned char algorithm[] = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
                                              0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
    unsigned char inside[4096], signature[128], *at = inside, *whole = NULL;
    char words[64];
    size_t size = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    snprintf(words, sizeof words, "ingam register %.20s", reference);
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, (unsigned char *)words, strlen(words)), 1);
    EVP_MD_CTX_free(context);
    assert_true(i2d_X509(certificate, &at) > 0);
    memcpy(at, algorithm, sizeof algorithm);
    at += sizeof algorithm;
    ASN1_put_object(&at, 0, (int)size + 1, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL);
    *at++ = 0;
    memcpy(at, signature, size);
    int length = (int)(at + size - inside);
    int all = ASN1_object_size(1, length, V_ASN1_SEQUENCE);
    unsigned char *put = whole = OPENSSL_malloc((size_t)all);
    ASN1_put_object(&put, 1, length, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    memcpy(put, inside, (size_t)length);
    ASN1_STRING *bytes = ASN1_STRING_new();
    ASN1_STRING_set0(bytes, whole, all);
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_TYPE_set(value, V_ASN1_SEQUENCE, bytes);
    return value;
}

// Sends it under the application; the refusal's failInfo, or -1 when it was done.
static int over_cmp(struct fixture *fixture, const struct desk_entitled *made, const char *type,
                    X509 *certificate, EVP_PKEY *key)
{
    struct client client;
    client_new(&client, fixture, made);
    OSSL_CMP_ITAV *item =
        OSSL_CMP_ITAV_create(OBJ_txt2obj(type, 1), request(certificate, key, made->reference));
    assert_int_equal(OSSL_CMP_CTX_push0_genm_ITAV(client.ctx, item), 1);
    STACK_OF(OSSL_CMP_ITAV) *told = OSSL_CMP_exec_GENM_ses(client.ctx);
    int info = told != NULL ? -1 : OSSL_CMP_CTX_get_failInfoCode(client.ctx);
    sk_OSSL_CMP_ITAV_pop_free(told, OSSL_CMP_ITAV_free);
    client_drop(&client);
    return info;
}

static void apply_register(struct fixture *fixture, const char *customer, const char *kind,
                           struct desk_entitled *made)
{
    struct fail fail = {0};
    struct act_apply apply = {.customer = customer, .kind = kind, .agreed = true};
    prove(fixture, customer);
    assert_true(application_make(&fixture->desk, &apply, made, &fail));
}

static void another_banks_certificate_is_registered_over_cmp(void **state)
{
    struct fixture *fixture = *state;
    struct act_customer found;
    struct act_foreign rows[4];
    struct desk_entitled made, other;
    EVP_PKEY *key = NULL;
    size_t count = 0;
    char factor[ACT_ID], whose[ACT_ID];
    struct fail fail = {0};
    customer(fixture, &found, factor);
    X509 *certificate = other_bank(fixture, "홍길동", &key);
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    apply_register(fixture, found.id, "register", &made);
    EVP_PKEY *stranger = keys_make("p256", &fail);
    assert_int_equal(over_cmp(fixture, &made, "2.25.305419896.1", certificate, stranger), FAIL_INFO(badPOP));
    assert_int_equal(over_cmp(fixture, &made, "2.25.305419896.2", certificate, key),
                     FAIL_INFO(notAuthorized));
    assert_int_equal(over_cmp(fixture, &made, "2.25.305419896.1", certificate, key), -1);
    assert_int_equal(over_cmp(fixture, &made, "2.25.305419896.1", certificate, key),
                     -1); // the answer was lost
    assert_true(foreign_list(&fixture->desk, found.id, rows, 4, &count, &fail));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].verdict, "unasked");
    assert_true(foreign_find(&fixture->desk, der, (size_t)length, whose, &fail));
    assert_string_equal(whose, found.id);
    apply_register(fixture, found.id, "unregister", &other);
    assert_int_equal(over_cmp(fixture, &other, "2.25.305419896.2", certificate, key), -1);
    assert_int_equal(over_cmp(fixture, &other, "2.25.305419896.2", certificate, key), -1);
    assert_false(foreign_find(&fixture->desk, der, (size_t)length, whose, &fail));
    assert_int_equal(fail.code, FAIL_NOT_FOUND);
    OPENSSL_free(der);
    EVP_PKEY_free(stranger);
    EVP_PKEY_free(key);
    X509_free(certificate);
}

static void a_migration_reads_the_end_from_the_certificate(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    struct db *db = NULL;
    struct fail fail = {0};
    struct registry *registry = NULL;
    struct registry_standing standing;
    unsigned char *der = NULL;
    int length = i2d_X509(fixture->desk.ca, &der);
    snprintf(path, sizeof path, "%s/old.db", fixture->directory);
    assert_true(db_open(path, true, &db, &fail));
    assert_true(db_begin(db, true));
    for (int i = 0; i < 2; i++)
        assert_true(db_exec(db, migrations[i].both) &&
                    (migrations[i].sqlite == NULL || db_exec(db, migrations[i].sqlite)));
    assert_true(db_exec(db, "INSERT INTO person(reference, name, subject, code, created, expires, tries)"
                            " VALUES('1', 'A', x'', x'', 1, 1, 1)"));
    assert_int_equal(DB_DO(db,
                           "INSERT INTO certificate(serial, reference, key_hash, state, created, der)"
                           " VALUES('D1', '1', ?, 'confirmed', 1, ?)",
                           db_b("k", 1), db_b(der, (size_t)length)),
                     1);
    assert_true(db_set_version(db, 2));
    assert_true(db_end(db, true));
    db_shut(db);
    assert_true(registry_open(path, &registry, &fail));
    assert_int_equal(registry_standing(registry, "D1", &standing), REGISTRY_DONE);
    assert_int_equal(standing.not_after, profile_not_after(fixture->desk.ca));
    assert_true(standing.not_after > time(NULL));
    registry_close(registry);
    OPENSSL_free(der);
}

// A backup of a desk that had schema 2: columns that came later have their defaults, the end is read.
static void an_older_backup_is_restored(void **state)
{
    struct fixture *fixture = *state;
    char path[128], where[128], *lines = NULL;
    size_t length = 0;
    struct fail fail = {0};
    struct registry *registry = NULL;
    struct registry_standing standing;
    unsigned char key[KEYS_SEAL], mac[32], *der = NULL;
    unsigned mac_length = sizeof mac;
    int size = i2d_X509(fixture->desk.ca, &der);
    FILE *text = open_memstream(&lines, &length);
    assert_non_null(text);
    fprintf(text,
            "{\"format\":\"ingam-registry\",\"schema\":2}\n"
            "{\"table\":\"person\",\"row\":{\"reference\":\"1\",\"name\":\"A\",\"subject\":{\"hex\":\"\"},"
            "\"code\":{\"hex\":\"\"},\"created\":1,\"expires\":1,\"tries\":1}}\n"
            "{\"table\":\"certificate\",\"row\":{\"serial\":\"D1\",\"reference\":\"1\",\"key_hash\":"
            "{\"hex\":\"00\"},\"state\":\"confirmed\",\"created\":1,\"der\":{\"hex\":\"");
    for (int i = 0; i < size; i++)
        fprintf(text, "%02x", der[i]);
    fprintf(text, "\"}}}\n");
    fclose(text);
    // The MAC is over the lines without their ends.
    unsigned char *joined = malloc(length);
    assert_non_null(joined);
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (lines[i] != '\n')
            joined[at++] = (unsigned char)lines[i];
    }
    assert_true(desk_derive(fixture->desk.seal, "ingam backup", key));
    assert_non_null(HMAC(EVP_sha256(), key, sizeof key, joined, at, mac, &mac_length));
    snprintf(path, sizeof path, "%s/lines", fixture->directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s{\"rows\":2,\"mac\":\"", lines);
    for (size_t i = 0; i < sizeof mac; i++)
        fprintf(file, "%02x", mac[i]);
    fprintf(file, "\"}\n");
    fclose(file);
    snprintf(where, sizeof where, "%s/restored.db", fixture->directory);
    assert_true(registry_create(where, &fail));
    assert_true(registry_open(where, &registry, &fail));
    assert_true(dump_read(registry, fixture->desk.seal, path, &fail));
    assert_int_equal(registry_standing(registry, "D1", &standing), REGISTRY_DONE);
    assert_int_equal(standing.not_after, profile_not_after(fixture->desk.ca));
    registry_close(registry);
    free(joined);
    free(lines);
    OPENSSL_free(der);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_person_is_found_by_name_and_number_only),
        TEST(another_customers_factor_is_not_answered),
        TEST(a_check_is_begun_once_and_polled),
        TEST(a_desk_that_ends_ends_its_checks),
        TEST(an_application_needs_agreement_and_proofs),
        TEST(customers_change_their_own_certificates_only),
        TEST(another_banks_certificate_is_registered_over_cmp),
        TEST(a_migration_reads_the_end_from_the_certificate),
        TEST(an_older_backup_is_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
