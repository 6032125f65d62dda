/* Webhooks of somebody who sees only some sessions: what they may name, change and be told. */
#include "relay_fixture.h"

static struct bridge_principal seller(void)
{
    struct bridge_principal p = {.scopes = BRIDGE_ALL_SCOPES};
    strcpy(p.tenant, "acme");
    strcpy(p.key_id, "0123456789ab");
    strcpy(p.sessions, "sales-*");
    return p;
}

static struct err put(struct fixture *fx, const char *name, json_t *body, json_t **out)
{
    struct bridge_principal who = seller();
    struct fx_reply r = {0};
    bridge_webhook_put(&fx->b, "acme", &who, name, body, fx_on_reply, &r);
    WAIT(fx, r.done);
    json_decref(body);
    if (out != NULL) {
        *out = r.body;
    } else {
        json_decref(r.body);
    }
    return r.err;
}

static json_t *with_sessions(struct fixture *fx, const char *pattern)
{
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    assert_int_equal(json_object_set_new(body, "sessions", json_pack("[s]", pattern)), 0);
    return body;
}

static void it_stays_within_what_they_see(void **state)
{
    struct fixture *fx = *state;
    struct bridge_principal who = seller();
    json_t *made = NULL;
    struct err e = put(fx, "wide", with_sessions(fx, "*"), NULL);
    assert_int_equal(e.code, E_FORBIDDEN);
    assert_string_equal(e.field, "sessions");
    assert_int_equal(bridge_webhook_get(&fx->b, "acme", "wide", &made, &e), E_NOTFOUND);
    e = put(fx, "mine", fx_hook_body(fx, "127.0.0.1"), &made);
    assert_int_equal(e.code, 0);
    assert_string_equal(json_string_value(json_array_get(json_arr(made, "sessions"), 0)),
                        "sales-*");
    json_decref(made);
    e = put(fx, "mine", json_pack("{s:[s]}", "sessions", "s*"), NULL);
    assert_int_equal(e.code, E_FORBIDDEN);

    json_decref(fx_hook(fx, "theirs", with_sessions(fx, "support")));
    e = put(fx, "theirs", json_pack("{s:b}", "enabled", 0), NULL);
    assert_string_equal(e.word, "unknown_webhook");
    assert_int_equal(bridge_webhook_seen(&fx->b, "acme", &who, "theirs", &e), E_NOTFOUND);
    assert_int_equal(bridge_webhook_seen(&fx->b, "acme", &who, "mine", &e), 0);
    assert_int_equal(bridge_webhook_seen(&fx->b, "acme", &who, "none", &e), 0);
    assert_int_equal(bridge_webhook_seen(&fx->b, "acme", NULL, "theirs", &e), 0);

    json_t *list = NULL;
    struct bridge_paging p = {.limit = 1, .cursor = ""};
    assert_int_equal(bridge_webhook_list(&fx->b, "acme", &who, &p, &list, NULL), 0);
    assert_int_equal(json_array_size(json_arr(list, "items")), 1);
    assert_true(json_is_null(json_object_get(list, "next_cursor"))); /* theirs is not counted */
    json_decref(list);
}

static void told(struct fixture *fx, const char *session, const char *text)
{
    const char *const texts[] = {text, NULL};
    struct fx_events ev = {
        .chat = "a", .type = "message.received", .session = session, .texts = texts};
    assert_int_equal(fx_write(fx, fx_append, &ev), 0);
    event_committed(&fx->b, "acme");
}

static void it_is_told_of_their_sessions_only(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(put(fx, "mine", fx_hook_body(fx, "127.0.0.1"), NULL).code, 0);
    told(fx, NULL, "of no session");
    told(fx, "support", "of another");
    told(fx, "sales-1", "of theirs");
    WAIT(fx, rx_saw(fx->rx, "of theirs", 0) == 1);
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(fx->rx->count, 1);
    /* the same webhook of somebody who sees all is told of what is of no session */
    json_decref(fx_hook(fx, "all", with_sessions(fx, "sales-*")));
    told(fx, NULL, "again of no session");
    WAIT(fx, rx_saw(fx->rx, "again of no session", 0) == 1);
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(fx->rx->count, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
    const struct CMUnitTest tests[] = {
        T(it_stays_within_what_they_see),
        T(it_is_told_of_their_sessions_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
