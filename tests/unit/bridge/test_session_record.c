/* A session's record: what was stored comes back, whatever an older program left out. */
#include "session_priv.h"

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void clear(struct session *s)
{
    json_decref(s->metadata);
    json_decref(s->account);
    json_decref(s->capabilities);
    memset(s, 0, sizeof(*s));
}

static void comes_back(void **state)
{
    struct session a = {0}, b = {0};
    struct err e;
    (void)state;
    assert_int_equal(session_load(&a, NULL, &e), 0);
    a.want = WANT_UNLINKED;
    a.autostart = false;
    a.created_ms = 1000;
    a.linked_ms = 2000;
    a.activity_ms = 3000;
    a.status_since_ms = 4000;
    a.quarantine = true;
    a.deleting = true; /* and its messages are kept */
    a.account = json_pack("{s:s}", "id", "5511988887777@c.us");
    assert_int_equal(json_object_set_new(a.metadata, "shop", json_string("7")), 0);
    sm_move(&a.sm, SESSION_LOGGED_OUT);
    memcpy(a.reason, "why", 4);
    a.why = WHY_REMOVED_ON_PHONE;

    json_t *record = session_record(&a);
    assert_int_equal(session_load(&b, record, &e), 0);
    assert_int_equal(b.want, WANT_UNLINKED);
    assert_false(b.autostart);
    assert_int_equal(b.created_ms, 1000);
    assert_int_equal(b.linked_ms, 2000);
    assert_int_equal(b.activity_ms, 3000);
    assert_int_equal(b.status_since_ms, 4000);
    assert_true(b.quarantine);
    assert_true(b.deleting);
    assert_false(b.erase_messages);
    assert_true(json_equal(a.account, b.account));
    assert_true(json_equal(a.metadata, b.metadata));
    assert_int_equal(session_status(&b), SESSION_LOGGED_OUT);
    assert_string_equal(b.reason, "why");
    assert_int_equal(b.why, WHY_REMOVED_ON_PHONE);
    json_decref(record);
    clear(&a);
    clear(&b);
}

/* Nothing runs when the program starts, whatever ran when it ended. */
static void nothing_runs_after_loading(void **state)
{
    struct err e;
    (void)state;
    for (int st = 0; st < SESSION_STATUS_COUNT; st++) {
        struct session s = {0};
        json_t *record = json_pack("{s:s,s:s}", "status",
                                   session_status_name((enum session_status)st), "want", "running");
        assert_int_equal(session_load(&s, record, &e), 0);
        assert_int_equal(session_status(&s),
                         st == SESSION_LOGGED_OUT ? SESSION_LOGGED_OUT : SESSION_STOPPED);
        json_decref(record);
        clear(&s);
    }
}

/* Asleep it stays asleep, with its schedule. */
static void hibernation_comes_back(void **state)
{
    struct session s = {0};
    struct err e;
    (void)state;
    json_t *record = json_pack("{s:s,s:s,s:b,s:i}", "status", "hibernating", "want", "running",
                               "asleep", 1, "wake_ms", 7);
    assert_int_equal(session_load(&s, record, &e), 0);
    assert_int_equal(session_status(&s), SESSION_HIBERNATING);
    assert_true(s.asleep);
    assert_int_equal(s.wake_ms, 7);
    json_decref(record);
    clear(&s);
}

static void takes_the_record_of_the_first_start(void **state)
{
    struct session s = {0};
    struct err e;
    (void)state;
    json_t *record = json_pack("{s:s,s:b,s:{},s:i}", "channel", "web", "autostart", 1, "metadata",
                               "created_ms", 5);
    assert_int_equal(session_load(&s, record, &e), 0);
    assert_int_equal(s.want, WANT_RUNNING);
    assert_null(s.account);
    assert_int_equal(s.created_ms, 5);
    json_decref(record);
    clear(&s);
}

static void survives_a_record_of_other_types(void **state)
{
    struct session s = {0};
    struct err e;
    (void)state;
    json_t *record = json_pack("{s:i,s:s,s:[],s:i,s:s,s:i}", "want", 7, "autostart", "x",
                               "metadata", "status", 1, "account", "me", "created_ms", -5);
    assert_int_equal(session_load(&s, record, &e), 0);
    assert_true(json_is_object(s.metadata));
    assert_null(s.account);
    assert_int_equal(s.created_ms, 0);
    json_decref(record);
    clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(nothing_runs_after_loading),
        cmocka_unit_test(hibernation_comes_back),
        cmocka_unit_test(takes_the_record_of_the_first_start),
        cmocka_unit_test(survives_a_record_of_other_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
