/* What a page's state means, which statuses may follow which, how long a failed run waits. */
#include "session_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *what;
    bool auth, code;
    const char *socket, *mode, *info;
    enum verdict verdict;
} rows[] = {
    {"nothing is known", false, false, "", "", "", VERDICT_UNKNOWN},
    {"a page that boots", false, false, "OPENING", "SYNCING", "OPENING", VERDICT_UNKNOWN},
    {"shows a code", false, true, "UNPAIRED", "QR", "NORMAL", VERDICT_CODE},
    {"ran out of codes", false, false, "UNPAIRED_IDLE", "QR", "NORMAL", VERDICT_CODE},
    {"scanned", false, true, "PAIRING", "SYNCING", "PAIRING", VERDICT_PAIRING},
    {"registered, opening again", true, true, "PAIRING", "SYNCING", "PAIRING", VERDICT_PAIRING},
    {"logging in", true, false, "OPENING", "SYNCING", "OPENING", VERDICT_OFFLINE},
    {"synchronising", true, false, "CONNECTED", "SYNCING", "SYNCING", VERDICT_SYNC},
    {"there", true, false, "CONNECTED", "MAIN", "NORMAL", VERDICT_ONLINE},
    {"there, a build without info", true, false, "CONNECTED", "MAIN", "", VERDICT_ONLINE},
    {"there, a build without socket", true, false, "", "MAIN", "NORMAL", VERDICT_ONLINE},
    {"link dropped: main stays", true, false, "OPENING", "MAIN", "OPENING", VERDICT_OFFLINE},
    {"coming back", true, false, "CONNECTED", "MAIN", "RESUMING", VERDICT_SYNC},
    {"timed out", true, false, "TIMEOUT", "OFFLINE", "NORMAL", VERDICT_OFFLINE},
    {"opened elsewhere", true, false, "CONFLICT", "CONFLICT", "NORMAL", VERDICT_CONFLICT},
    {"opened elsewhere, by mode", true, false, "CONNECTED", "CONFLICT", "NORMAL", VERDICT_CONFLICT},
    {"main but not linked", false, false, "CONNECTED", "MAIN", "NORMAL", VERDICT_UNKNOWN},
};

static void judges_states(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct page_state st = {.auth = rows[i].auth, .hooks = true};
        (void)snprintf(st.socket, sizeof(st.socket), "%s", rows[i].socket);
        (void)snprintf(st.mode, sizeof(st.mode), "%s", rows[i].mode);
        (void)snprintf(st.info, sizeof(st.info), "%s", rows[i].info);
        if (session_judge(&st, rows[i].code) != rows[i].verdict) {
            fail_msg("%s: %d instead of %d", rows[i].what, (int)session_judge(&st, rows[i].code),
                     (int)rows[i].verdict);
        }
    }
}

static bool may(enum session_status from, enum session_status to)
{
    struct sm m;
    sm_init(&m, session_table, SESSION_STATUS_COUNT, (unsigned)from);
    return sm_may(&m, (unsigned)to);
}

static void only_syncing_leads_to_ready(void **state)
{
    (void)state;
    for (int from = 0; from < SESSION_STATUS_COUNT; from++) {
        bool expected = from == SESSION_SYNCING || from == SESSION_READY;
        assert_int_equal(may((enum session_status)from, SESSION_READY), expected);
    }
}

static void what_has_ended_starts_afresh(void **state)
{
    (void)state;
    for (int to = 0; to < SESSION_STATUS_COUNT; to++) {
        bool from_stopped =
            to == SESSION_STOPPED || to == SESSION_STARTING || to == SESSION_LOGGED_OUT;
        bool from_logged_out = from_stopped;
        assert_int_equal(may(SESSION_STOPPED, (enum session_status)to), from_stopped);
        assert_int_equal(may(SESSION_LOGGED_OUT, (enum session_status)to), from_logged_out);
    }
}

static void statuses_have_the_names_of_the_contract(void **state)
{
    static const char *const names[] = {"stopped",    "starting", "unlinked",     "linking",
                                        "syncing",    "ready",    "disconnected", "conflict",
                                        "logged_out", "failed", "hibernating"};
    (void)state;
    for (int s = 0; s < SESSION_STATUS_COUNT; s++) {
        assert_string_equal(session_status_name((enum session_status)s), names[s]);
    }
    assert_string_equal(session_status_name(SESSION_STATUS_COUNT), "unknown");
}

static void pauses_double_up_to_a_bound(void **state)
{
    (void)state;
    assert_int_equal(session_backoff(1000, 300000, 0, 0), 1000);
    assert_int_equal(session_backoff(1000, 300000, 1, 0), 2000);
    assert_int_equal(session_backoff(1000, 300000, 5, 0), 32000);
    assert_int_equal(session_backoff(1000, 300000, 9, 0), 300000);
    assert_int_equal(session_backoff(1000, 300000, 4000000000u, 0), 300000);
    assert_int_equal(session_backoff(0, 10, 0, 0), 1);
    for (unsigned random = 0; random < 256; random++) {
        uint64_t ms = session_backoff(1000, 300000, 2, random);
        assert_true(ms >= 4000 && ms < 5000);
    }
    assert_true(session_backoff(1000, 300000, 2, 255) > session_backoff(1000, 300000, 2, 0));
}

static void patience_ends_where_help_is_possible(void **state)
{
    (void)state;
    assert_int_equal(session_patience(VERDICT_OFFLINE, true, 10), 50);
    assert_int_equal(session_patience(VERDICT_SYNC, true, 10), 200);
    assert_int_equal(session_patience(VERDICT_ONLINE, false, 10), 10);
    assert_int_equal(session_patience(VERDICT_ONLINE, true, 10), 0);
    assert_int_equal(session_patience(VERDICT_CODE, false, 10), 0);
    assert_int_equal(session_patience(VERDICT_CONFLICT, false, 10), 0);
}

static void intents_survive_as_text(void **state)
{
    (void)state;
    for (int w = WANT_STOPPED; w <= WANT_UNLINKED; w++) {
        assert_int_equal(want_parse(want_name((enum want)w), false), w);
    }
    assert_int_equal(want_parse(NULL, true), WANT_RUNNING);
    assert_int_equal(want_parse(NULL, false), WANT_STOPPED);
    assert_int_equal(want_parse("nonsense", true), WANT_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_states),
        cmocka_unit_test(only_syncing_leads_to_ready),
        cmocka_unit_test(what_has_ended_starts_afresh),
        cmocka_unit_test(statuses_have_the_names_of_the_contract),
        cmocka_unit_test(pauses_double_up_to_a_bound),
        cmocka_unit_test(patience_ends_where_help_is_possible),
        cmocka_unit_test(intents_survive_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
