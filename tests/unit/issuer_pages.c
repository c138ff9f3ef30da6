// The parts of the certificate centre that need no network: forms, HTML, sessions and limits under a clock of
// the test's, languages.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libintl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "page.h"
#include "session.h"
#include "web_limit.h"
#include "words.h"

static int64_t clock_now = 1000;

static int64_t test_clock(void)
{
    return clock_now;
}

static bool read_form(const char *text, struct form *form)
{
    return form_read(text, strlen(text), form);
}

// WHATWG URL, 5.1: application/x-www-form-urlencoded.
static void forms_are_read_strictly(void **state)
{
    static const char *const wrong[] = {
        "a",     "=1",          "a=1&",     "&a=1",   "a=1&&b=2",       "a=1&a=2", "a=%",
        "a=%4",  "a=%zz",       "a=%00",    "a=%01",  "a=%7f",          "A=1",     "a b=1",
        "a=%ff", "a=%ed%a0%80", "a=%c0%80", "a%3d=1", "a=%F4%90%80%80",
    };
    struct form form;
    (void)state;
    assert_true(read_form("a=1&b-2=%ed%99%8d+%26%3D%0D%0A&c=", &form));
    assert_int_equal(form.count, 3);
    assert_string_equal(form_get(&form, "a"), "1");
    assert_string_equal(form_get(&form, "b-2"), "홍 &=\r\n");
    assert_string_equal(form_get(&form, "c"), "");
    assert_null(form_get(&form, "d"));
    assert_true(read_form("", &form));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (read_form(wrong[i], &form))
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(form.count, 0);
    }
    assert_false(form_read("a=1\0", 4, &form));
}

static void forms_are_bounded(void **state)
{
    struct form form;
    char *text = malloc(FORM_MAX + 1);
    size_t length = 0;
    (void)state;
    memset(text, 'a', FORM_MAX + 1);
    text[1] = '=';
    assert_true(form_read(text, FORM_MAX, &form));
    assert_int_equal(strlen(form_get(&form, "a")), FORM_MAX - 2);
    assert_false(form_read(text, FORM_MAX + 1, &form));
    for (int i = 0; i <= FORM_FIELDS; i++) {
        length += (size_t)sprintf(text + length, "%sf%d=%d", i > 0 ? "&" : "", i, i);
        assert_int_equal(form_read(text, length, &form), i < FORM_FIELDS);
    }
    free(text);
}

static void json_is_read_by_the_same_rules(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "\"a\"",
        "{",
        "{\"a\":1}",
        "{\"a\":null}",
        "{\"a\":\"1\",\"a\":\"2\"}",
        "{\"a\":\"1\",\"values\":{\"a\":\"2\"}}",
        "{\"values\":{\"a\":{\"b\":\"c\"}}}",
        "{\"values\":{\"values\":{\"a\":\"b\"}}}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\u0001\"}",
        "{\"A\":\"1\"}",
        "{\"a\":\"\xff\"}",
        "{} {}",
    };
    struct form form;
    const char good[] = "{\"step\":\"x\",\"values\":{\"a\":\"1\\n2\",\"b\":\"홍\"}}";
    (void)state;
    assert_true(form_read_json(good, strlen(good), &form));
    assert_string_equal(form_get(&form, "step"), "x");
    assert_string_equal(form_get(&form, "a"), "1\n2");
    assert_string_equal(form_get(&form, "b"), "홍");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (form_read_json(wrong[i], strlen(wrong[i]), &form))
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(form.count, 0);
    }
}

static void texts_are_escaped(void **state)
{
    struct page page = {0};
    (void)state;
    page_print(&page, "<p class=\"%s\">%s %d%%</p>", "\"'x", "<script>&amp;</script>", -7);
    assert_false(page.failed);
    page_raw(&page, "!");
    assert_memory_equal(
        page.bytes, "<p class=\"&quot;&#39;x\">&lt;script&gt;&amp;amp;&lt;/script&gt; -7%</p>!", page.length);
    page_free(&page);
}

static void sessions_end_in_time(void **state)
{
    struct sessions *sessions = sessions_make(test_clock);
    char id[SESSION_ID];
    char other[SESSION_ID];
    (void)state;
    struct session *session = session_new(sessions, false, id);
    assert_non_null(session);
    assert_int_equal(strlen(id), SESSION_ID - 1);
    session_put(sessions, session);
    assert_null(session_take(sessions, id, true)); // a page's session is none of a program's
    for (int i = 0; i < SESSION_ABSOLUTE / (SESSION_IDLE - 1); i++) {
        clock_now += SESSION_IDLE - 1;
        session = session_take(sessions, id, false);
        assert_non_null(session);
        session_put(sessions, session);
    }
    clock_now += SESSION_IDLE - 1; // used all the time, and over all the same
    assert_null(session_take(sessions, id, false));
    session = session_new(sessions, false, id);
    session_put(sessions, session);
    clock_now += SESSION_IDLE;
    sessions_sweep(sessions);
    for (int i = 0; i < SESSION_PLACES; i++)
        assert_false(sessions->places[i].live);
    assert_null(session_take(sessions, id, false));

    session = session_new(sessions, false, id);
    snprintf(session->customer, sizeof session->customer, "C1");
    assert_true(session_csrf(session, session->csrf));
    assert_false(session_csrf(session, NULL));
    assert_false(session_csrf(session, ""));
    char token[SESSION_ID];
    memcpy(token, session->csrf, sizeof token);
    assert_true(session_rotate(sessions, session, other));
    assert_false(session_csrf(session, token));
    session_put(sessions, session);
    assert_null(session_take(sessions, id, false));
    session = session_take(sessions, other, false);
    assert_non_null(session);
    session_end(sessions, session);
    assert_int_equal(session->customer[0], 0);
    assert_null(session_take(sessions, other, false));
    sessions_free(sessions);
}

static void members_keep_their_place_in_a_full_table(void **state)
{
    struct sessions *sessions = sessions_make(test_clock);
    char member[SESSION_ID];
    char id[SESSION_ID];
    (void)state;
    struct session *session = session_new(sessions, false, member);
    snprintf(session->customer, sizeof session->customer, "C1");
    session_put(sessions, session);
    for (int i = 0; i < SESSION_PLACES + 10; i++) {
        session = session_new(sessions, false, id);
        assert_non_null(session);
        session_put(sessions, session);
    }
    session = session_take(sessions, member, false);
    assert_non_null(session);
    session_put(sessions, session);
    for (int i = 0; i < SESSION_PLACES; i++) {
        session = &sessions->places[i];
        snprintf(session->customer, sizeof session->customer, "C1");
    }
    assert_null(session_new(sessions, false, id));
    clock_now += SESSION_IDLE;
    session = session_new(sessions, false, id);
    assert_non_null(session);
    sessions_free(sessions);
}

struct pair {
    struct sessions *sessions;
    const char *id;
    int inside, most;
    pthread_mutex_t lock;
};

static void *take_and_put(void *context)
{
    struct pair *pair = context;
    for (int i = 0; i < 200; i++) {
        struct session *session = session_take(pair->sessions, pair->id, false);
        if (session == NULL)
            return (void *)1;
        pthread_mutex_lock(&pair->lock);
        pair->inside++;
        pair->most = pair->inside > pair->most ? pair->inside : pair->most;
        pthread_mutex_unlock(&pair->lock);
        session->journey.step++;
        pthread_mutex_lock(&pair->lock);
        pair->inside--;
        pthread_mutex_unlock(&pair->lock);
        session_put(pair->sessions, session);
    }
    return NULL;
}

static void a_session_serves_one_request_at_a_time(void **state)
{
    char id[SESSION_ID];
    pthread_t threads[4];
    struct pair pair = {.sessions = sessions_make(test_clock), .id = id, .lock = PTHREAD_MUTEX_INITIALIZER};
    (void)state;
    session_put(pair.sessions, session_new(pair.sessions, false, id));
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_put, &pair), 0);
    for (int i = 0; i < 4; i++) {
        void *bad = NULL;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    assert_int_equal(pair.most, 1);
    struct session *session = session_take(pair.sessions, id, false);
    assert_int_equal(session->journey.step, 800);
    sessions_free(pair.sessions);
}

static void limits_hold_for_their_time(void **state)
{
    static struct web_limits limits;
    char who[64];
    (void)state;
    assert_true(limits_start(&limits, test_clock));
    for (int i = 0; i < 5; i++) {
        assert_false(limit_over(&limits, LIMIT_WRONG, "C1"));
        assert_true(limit_take(&limits, LIMIT_WRONG, "C1"));
    }
    assert_true(limit_over(&limits, LIMIT_WRONG, "C1"));
    assert_false(limit_take(&limits, LIMIT_WRONG, "C1"));
    assert_false(limit_over(&limits, LIMIT_WRONG, "C2"));
    assert_false(limit_over(&limits, LIMIT_STRAYS, "C1"));
    clock_now += 899;
    assert_true(limit_over(&limits, LIMIT_WRONG, "C1"));
    clock_now += 1;
    assert_true(limit_take(&limits, LIMIT_WRONG, "C1"));
    limit_address("2001:db8:1:2:3:4:5:6", who);
    assert_string_equal(who, "2001:db8:1:2::");
    limit_address("192.0.2.7", who);
    assert_string_equal(who, "192.0.2.7");
    limits_stop(&limits);
}

// RFC 9110 12.5.4; Korean for everybody who wants neither.
static void the_language_is_the_one_liked_best(void **state)
{
    static const struct {
        const char *header;
        enum words_language language;
    } rows[] = {
        {NULL, WORDS_KOREAN},
        {"", WORDS_KOREAN},
        {"en", WORDS_ENGLISH},
        {"en-US,en;q=0.9", WORDS_ENGLISH},
        {"ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", WORDS_KOREAN},
        {"fr;q=0.9, en;q=0.8, ko;q=0.7", WORDS_ENGLISH},
        {"en;q=0.001, ko;q=0.002", WORDS_KOREAN},
        {"en;q=0", WORDS_KOREAN},
        {"eng, de", WORDS_KOREAN},
        {"EN ; q=0.5", WORDS_ENGLISH},
        {";;;,,,q=;q=1.0000", WORDS_KOREAN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(words_accepted(rows[i].header), rows[i].language);
}

static void *speak_korean(void *context)
{
    (void)context;
    words_use(WORDS_KOREAN);
    return (void *)(uintptr_t)words_say("Certificate centre");
}

// Two threads, two languages, and no locale of the system but C.
static void each_thread_has_its_language(void **state)
{
    pthread_t thread;
    void *said = NULL;
    (void)state;
    bindtextdomain("ingam", LOCALE_FOLDER);
    assert_true(words_load());
    words_use(WORDS_ENGLISH);
    assert_int_equal(pthread_create(&thread, NULL, speak_korean, NULL), 0);
    pthread_join(thread, &said);
    assert_string_equal(said, "인증센터");
    assert_string_equal(words_say("Certificate centre"), "Certificate centre");
    words_use(WORDS_KOREAN);
    assert_string_equal(words_say("no text of ours"), "no text of ours");
    assert_string_equal(words_say("Wait a minute and try again."), "1분 뒤에 다시 시도해 주십시오.");
    words_use(WORDS_LOCALE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_read_strictly),
        cmocka_unit_test(forms_are_bounded),
        cmocka_unit_test(json_is_read_by_the_same_rules),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(sessions_end_in_time),
        cmocka_unit_test(members_keep_their_place_in_a_full_table),
        cmocka_unit_test(a_session_serves_one_request_at_a_time),
        cmocka_unit_test(limits_hold_for_their_time),
        cmocka_unit_test(the_language_is_the_one_liked_best),
        cmocka_unit_test(each_thread_has_its_language),
    };
    form_guard_json();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
