// The direct socket's client against another side that lies: versions, names, types, lengths, silence, ends
// in the middle.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "card/transport/transport.h"

// What the other side says: bytes sent on accept, then for each request (of any type) the next of answers.
struct lie {
    const char *greeting;
    size_t greeting_size;
    const char *answers[8];
    size_t sizes[8];
    size_t count; // after them it closes; with `silent` it says nothing more
    bool silent;
};

#define BYTES(text) (text), sizeof(text) - 1

struct peer {
    char path[64];
    int listener;
    const struct lie *lie;
    pthread_t thread;
};

static void say(int fd, const char *p, size_t n)
{
    (void)!send(fd, p, n, MSG_NOSIGNAL);
}

static void talk(int fd, const struct lie *lie)
{
    char request[4];
    say(fd, lie->greeting, lie->greeting_size);
    for (size_t i = 0; recv(fd, request, 4, MSG_WAITALL) == 4; i++) {
        char skip[256];
        size_t n = (size_t)(unsigned char)request[3];
        if (n != 0 && recv(fd, skip, n, MSG_WAITALL) != (ssize_t)n)
            return;
        if (i < lie->count)
            say(fd, lie->answers[i], lie->sizes[i]);
        if (i + 1 >= lie->count && !lie->silent)
            return;
    }
}

static void *serve(void *arg)
{
    const struct peer *p = arg;
    int fd;
    while ((fd = accept(p->listener, NULL, NULL)) >= 0) {
        talk(fd, p->lie);
        close(fd);
    }
    return NULL;
}

static struct tp *start(struct peer *p, const struct lie *lie)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char list[80];
    p->lie = lie;
    strcpy(p->path, "/tmp/ingam-double.XXXXXX");
    assert_non_null(mkdtemp(p->path));
    snprintf(at.sun_path, sizeof at.sun_path, "%s/s", p->path);
    p->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p->listener, 16), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
    snprintf(list, sizeof list, "unix:%s", at.sun_path);
    struct tp *tp = tp_sim_new(list);
    assert_non_null(tp);
    return tp;
}

static void stop(struct peer *p, struct tp *tp)
{
    char path[80];
    tp_close(tp);
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->listener);
    snprintf(path, sizeof path, "%s/s", p->path);
    unlink(path);
    rmdir(p->path);
}

static long ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#define HELLO  "h\0\0\x05\x01Name"
#define STATUS "s\0\0\x09\x01\0\0\0\x01\0\0\0\0"
#define ATR    "t\0\0\x02\x3B\0"

static void greetings(void **unused)
{
    (void)unused;
    static const struct {
        struct lie lie;
        size_t listed;
    } rows[] = {
        {{BYTES(HELLO), {STATUS}, {13}, 1, false}, 1},
        {{BYTES("h\0\0\x05\x02Name"), {STATUS}, {13}, 1, false}, 0},            // version 2
        {{BYTES("h\0\0\x01\x01"), {STATUS}, {13}, 1, false}, 0},                // no name
        {{BYTES("h\0\0\x00"), {STATUS}, {13}, 1, false}, 0},                    // nothing at all
        {{BYTES("h\0\0\x05\x01Na\0e"), {STATUS}, {13}, 1, false}, 0},           // a NUL within
        {{BYTES("h\xFF\xFF\xFF\x01Name"), {STATUS}, {13}, 1, false}, 0},        // longer than allowed
        {{BYTES("x\0\0\x05\x01Name"), {STATUS}, {13}, 1, false}, 0},            // another type
        {{BYTES("e\0\0\x01\x03"), {STATUS}, {13}, 1, false}, 0},                // an error
        {{BYTES(HELLO), {STATUS}, {12}, 1, false}, 0},                          // cut status
        {{BYTES(HELLO), {"s\0\0\x08\x01\0\0\0\x01\0\0\0"}, {12}, 1, false}, 0}, // short status
        {{BYTES(HELLO), {"e\0\0\x01\x01"}, {5}, 1, false}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer peer;
        struct tp_reader list[4];
        size_t n;
        struct tp *tp = start(&peer, &rows[i].lie);
        assert_int_equal(tp_list(tp, list, 4, &n), E_OK);
        assert_int_equal(n, rows[i].listed);
        if (n == 1) {
            assert_string_equal(list[0].name, "Name");
            assert_true(list[0].state.present && list[0].state.insertions == 1);
        }
        stop(&peer, tp);
    }
}

static void silence_is_bounded(void **unused)
{
    (void)unused;
    static const struct lie rows[] = {
        {BYTES(HELLO), {NULL}, {0}, 0, true},
        {BYTES("h\0\0"), {NULL}, {0}, 0, true},
    };
    for (size_t i = 0; i < 2; i++) {
        struct peer peer;
        struct tp_reader list[4];
        size_t n;
        struct tp *tp = start(&peer, &rows[i]);
        long from = ms();
        assert_int_equal(tp_list(tp, list, 4, &n), E_OK);
        assert_int_equal(n, 0);
        assert_true(ms() - from < TP_CALL_MS + 1000);
        stop(&peer, tp);
    }
}

// Answers after the two statuses and the ATR of connecting: to begin, then to the exchange.
static void lies_in_a_connection(void **unused)
{
    (void)unused;
    static const struct {
        const char *begin, *reply;
        size_t begin_size, reply_size;
        enum err first, second;
    } rows[] = {
        {STATUS, "a\0\0\x02\x90\0", 13, 6, E_OK, E_OK},
        {"a\0\0\x02\x90\0", NULL, 6, 0, E_MALFORMED, E_OK},
        {"s\0\0\x09\x01\0\0\0\x02\0\0\0\0", NULL, 13, 0, E_EXCHANGED, E_OK}, // another insertion
        {"s\0\0\x09\0\0\0\0\x01\0\0\0\0", NULL, 13, 0, E_EXCHANGED, E_OK},   // no card
        {STATUS, "a\0\0\x20", 13, 4, E_OK, E_EXCHANGED},                     // ends in the middle
        {STATUS, "a\x01\xFF\xFF", 13, 4, E_OK, E_MALFORMED},                 // longer than there is room
        {STATUS, "s\0\0\x02\x90\0", 13, 6, E_OK, E_MALFORMED},
        {STATUS, "e\0\0\x01\x01", 13, 5, E_OK, E_NO_CARD},
        {STATUS, "e\0\0\x01\x03", 13, 5, E_OK, E_IO},
        {STATUS, "e\0\0\x01\x00", 13, 5, E_OK, E_MALFORMED},
        {STATUS, "e\0\0\x01\x02", 13, 5, E_OK, E_EXCHANGED}, // and then nothing more
        {NULL, NULL, 0, 0, E_EXCHANGED, E_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer peer;
        struct tp_conn *conn;
        bool reset;
        uint8_t reply[64];
        size_t n;
        const struct lie lie = {BYTES(HELLO),
                                {STATUS, ATR, STATUS, rows[i].begin, rows[i].reply},
                                {13, 6, 13, rows[i].begin_size, rows[i].reply_size},
                                rows[i].begin == NULL   ? 3
                                : rows[i].reply == NULL ? 4
                                                        : 5,
                                false};
        struct tp *tp = start(&peer, &lie);
        assert_int_equal(tp_connect(tp, "Name", &conn), E_OK);
        assert_int_equal(conn->atr_len, 2);
        assert_int_equal(tp_begin(conn, 1000, &reset), rows[i].first);
        if (rows[i].first == E_OK) {
            assert_int_equal(tp_transmit(conn, rd_of("\0\x20\0\x80", 4), reply, sizeof reply, &n),
                             rows[i].second);
            assert_int_equal(n, rows[i].second == E_OK ? 2 : 0);
        }
        if (rows[i].first != E_OK || rows[i].second != E_OK) // out of step: never used again
            assert_int_equal(tp_begin(conn, 1000, &reset), E_EXCHANGED);
        tp_disconnect(conn);
        stop(&peer, tp);
    }
}

static void connecting_to_liars(void **unused)
{
    (void)unused;
    static const struct {
        const char *atr, *after;
        size_t atr_size, after_size;
        enum err error;
    } rows[] = {
        {"t\0\0\0", STATUS, 4, 13, E_NO_CARD},
        {"t\0\0\x22", STATUS, 4, 13, E_IO}, // an ATR of 34 bytes
        {"a\0\0\x02\x3B\0", STATUS, 6, 13, E_IO},
        {ATR, "s\0\0\x09\x01\0\0\0\x07\0\0\0\0", 6, 13, E_NO_CARD}, // exchanged meanwhile
        {ATR, "s\0\0\x09\0\0\0\0\x01\0\0\0\0", 6, 13, E_NO_CARD},
        {ATR, "t\0\0\0", 6, 4, E_IO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer peer;
        struct tp_conn *conn;
        const struct lie lie = {BYTES(HELLO),
                                {STATUS, rows[i].atr, rows[i].after},
                                {13, rows[i].atr_size, rows[i].after_size},
                                3,
                                false};
        struct tp *tp = start(&peer, &lie);
        assert_int_equal(tp_connect(tp, "Name", &conn), rows[i].error);
        assert_null(conn);
        assert_int_equal(tp_connect(tp, "Other", &conn), E_NO_READER);
        stop(&peer, tp);
    }
}

static void lists_of_sockets(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"", "tcp:1", "unix:", "unix:/a,", "/a", "unix:/a,/b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(tp_sim_new(bad[i]));
    char many[70 * 8];
    many[0] = 0;
    for (int i = 0; i < 65; i++)
        strcat(many, i == 0 ? "unix:/a" : ",unix:/a");
    assert_null(tp_sim_new(many)); // more than TP_READERS_MAX
    char far[200] = "unix:/";
    memset(far + 6, 'x', sizeof far - 7);
    struct tp *tp = tp_sim_new(far); // no socket can have such a path: its simulator isn't there
    struct tp_reader list[2];
    size_t n = 9;
    assert_non_null(tp);
    assert_int_equal(tp_list(tp, list, 2, &n), E_OK);
    assert_int_equal(n, 0);
    tp_close(tp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greetings),
        cmocka_unit_test(silence_is_bounded),
        cmocka_unit_test(lies_in_a_connection),
        cmocka_unit_test(connecting_to_liars),
        cmocka_unit_test(lists_of_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
