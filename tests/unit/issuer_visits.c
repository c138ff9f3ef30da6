// Slow and idle connections: who has waited longest is shut down first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "visits.h"

// Has the other end been shut down?
static int ended(int fd)
{
    struct pollfd poller = {fd, POLLIN | POLLRDHUP, 0};
    return poll(&poller, 1, 0) > 0 && (poller.revents & (POLLRDHUP | POLLHUP)) != 0;
}

static void the_longest_waiting_makes_room(void **state)
{
    struct visits visits;
    struct visit *visit[3];
    int pair[3][2];
    (void)state;
    visits_start(&visits, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair[i]), 0);
        visit[i] = visits_add(&visits, pair[i][0]);
        assert_non_null(visit[i]);
        if (i == 1)
            visits_renew(&visits, visit[0]); // the first one was served: now the second waits longest
    }
    assert_false(ended(pair[0][1]));
    assert_true(ended(pair[1][1]));
    assert_false(ended(pair[2][1]));
    for (int i = 0; i < 3; i++) {
        visits_remove(&visits, visit[i]);
        close(pair[i][0]);
        close(pair[i][1]);
    }
    assert_int_equal(visits.count, 0);
    assert_null(visits.oldest);
    assert_null(visits.newest);
    visits_stop(&visits);
}

static void who_waits_too_long_is_ended(void **state)
{
    struct visits visits;
    int pair[2];
    (void)state;
    visits_start(&visits, 10);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct visit *visit = visits_add(&visits, pair[0]);
    assert_non_null(visit);
    visits_sweep(&visits, 1000);
    assert_false(ended(pair[1]));
    visit->since -= 1001;
    visits_sweep(&visits, 1000);
    assert_true(ended(pair[1]));
    visits_remove(&visits, visit);
    close(pair[0]);
    close(pair[1]);
    visits_stop(&visits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_waiting_makes_room),
        cmocka_unit_test(who_waits_too_long_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
