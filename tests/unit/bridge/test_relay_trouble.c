/* Receivers that fail, hang, or lie about their address. */

#include "relay_trouble_fixture.h"

/* ---- pause and probe ---------------------------------------------------------------------------
 */

static void a_failing_endpoint_is_paused_probed_and_recovers(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 500};
    char health[16];
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    fx->b.cfg.relay.pause_after_failures = 3;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1", "a2");
    fx_event(fx, "b", "b1");
    fx_event(fx, "c", "c1");
    fx_event(fx, "d", "d1");
    WAIT(fx, fx_logged(fx, "alert.webhook_failing") == 1);
    assert_string_equal(fx_state(fx, "erp", health), "paused");
    /* One at a time: while paused the receiver never has two probes open. */
    size_t before = fx->rx->count;
    WAIT(fx, fx->rx->count >= before + 3);
    for (size_t i = before + 1; i < fx->rx->count; i++) {
        assert_true(fx->rx->requests[i].at_ms - fx->rx->requests[i - 1].at_ms >= 100);
    }
    assert_int_equal(fx_logged(fx, "alert.webhook_failing"), 1); /* once */
    assert_int_equal(fx_logged(fx, "alert.webhook_recovered"), 0);

    told.status = 204;
    WAIT(fx, fx_logged(fx, "alert.webhook_recovered") == 1);
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_string_equal(fx_state(fx, "erp", health), "ok");
    assert_int_equal(rx_saw(fx->rx, "a1", 204), 1);
    assert_int_equal(rx_saw(fx->rx, "d1", 204), 1);
    assert_true(rx_first(fx->rx, "a1", 204) < rx_first(fx->rx, "a2", 0));
    assert_int_equal(fx_counts(fx).dead_letters, 0);
}

static void a_pause_survives_a_restart(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 500};
    char health[16];
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    fx->b.cfg.relay.pause_after_failures = 2;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1");
    WAIT(fx, fx_logged(fx, "alert.webhook_failing") == 1);
    fx_relay_close(fx, 1000);
    fx_relay_open(fx);
    assert_string_equal(fx_state(fx, "erp", health), "paused");
    told.status = 200;
    WAIT(fx, fx_logged(fx, "alert.webhook_recovered") == 1);
    assert_int_equal(fx_logged(fx, "alert.webhook_failing"), 1);
    WAIT(fx, fx_counts(fx).deliveries == 0);
}

/* ---- a store that is too busy -------------------------------------------------------------------
 */

struct flood {
    struct store_op op;
    struct store *store;
    bool *on;
    size_t *left;
};

static int flood_apply(struct store_txn *t, struct store_op *op)
{
    (void)t;
    (void)op;
    return 0;
}

static void flood_again(struct store_op *op, int rc)
{
    struct flood *f = op->data;
    (void)rc;
    if (*f->on) {
        store_submit(f->store, op, flood_apply, flood_again);
    } else {
        --*f->left;
    }
}

/* Heads that could not be put off are looked at again, although nothing else happens. */
static void what_could_not_be_put_off_is_not_forgotten(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 500};
    bool on = true;
    size_t left = STORE_MAX_PENDING;
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    fx->b.cfg.relay.pause_after_failures = 1;
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    json_object_set_new(body, "retry",
                        json_pack("{s:i, s:i}", "initial_delay_ms", 200, "max_delay_ms", 1600));
    json_decref(fx_hook(fx, "erp", body));
    fx_event(fx, "a", "a1");
    WAIT(fx, fx_logged(fx, "alert.webhook_failing") == 1);
    told.status = 204;
    const char *const texts[] = {"b1", NULL};
    struct fx_events ev = {
        .chat = "b", .type = "message.received", .session = "main", .texts = texts};
    assert_int_equal(fx_write(fx, fx_append, &ev), 0); /* nobody is told of it yet */

    struct flood *ops = calloc(STORE_MAX_PENDING, sizeof(*ops));
    assert_non_null(ops);
    for (size_t i = 0; i < STORE_MAX_PENDING; i++) {
        ops[i] = (struct flood){.store = fx->store, .on = &on, .left = &left};
        ops[i].op.data = &ops[i];
        store_submit(fx->store, &ops[i].op, flood_apply, flood_again);
    }
    event_committed(&fx->b, "acme");
    WAIT(fx, fx->b.relay->holding);
    on = false;
    WAIT(fx, left == 0);
    free(ops);
    WAIT(fx, rx_saw(fx->rx, "b1", 204) == 1);
    WAIT(fx, fx_counts(fx).deliveries == 0);
}

/* ---- addresses ---------------------------------------------------------------------------------
 */

static void a_name_that_stands_for_this_machine_is_refused(void **state)
{
    struct fixture *fx = *state;
    fx->b.cfg.relay.allow_private = false;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "localhost")));
    json_t *answer = test_call(fx);
    assert_false(json_flag(answer, "ok", true));
    assert_true(json_is_null(json_object_get(answer, "status")));
    assert_non_null(strstr(json_str(answer, "error"), "private"));
    json_decref(answer);
    fx_event(fx, "a", "a1");
    json_t *items = NULL;
    WAIT(fx, (json_decref(items), items = fx_deliveries(fx, "erp", "pending"),
              json_int(json_array_get(items, 0), "attempts", 0) > 0));
    assert_non_null(strstr(json_str(json_array_get(items, 0), "last_error"), "private"));
    assert_string_equal(json_str(json_array_get(items, 0), "last_reason"), "address_forbidden");
    json_decref(items);
    assert_int_equal(fx->rx->connections, 0); /* not even a connection */
}

static void a_stored_address_is_refused_when_the_rule_changes(void **state)
{
    struct fixture *fx = *state;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    json_decref(test_call(fx));
    assert_int_equal(fx->rx->count, 1);
    fx_relay_close(fx, 0);
    fx->b.cfg.relay.allow_private = false;
    fx_relay_open(fx);
    fx_event(fx, "a", "a1");
    json_t *items = NULL;
    WAIT(fx, (json_decref(items), items = fx_deliveries(fx, "erp", "pending"),
              json_int(json_array_get(items, 0), "attempts", 0) > 1));
    assert_non_null(strstr(json_str(json_array_get(items, 0), "last_error"), "allow_private"));
    json_decref(items);
    assert_int_equal(fx->rx->count, 1);
}

/* A connection that was allowed once is not used when it is not any more. */
static void a_kept_connection_is_checked_again(void **state)
{
    struct fixture *fx = *state;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "localhost")));
    json_t *answer = test_call(fx);
    assert_true(json_flag(answer, "ok", false));
    json_decref(answer);
    assert_int_equal(fx->rx->connections, 1);
    fx->b.cfg.relay.allow_private = false;
    answer = test_call(fx);
    assert_false(json_flag(answer, "ok", true));
    assert_non_null(strstr(json_str(answer, "error"), "private"));
    json_decref(answer);
    assert_int_equal(fx->rx->count, 1);
}

/* ---- the test call -----------------------------------------------------------------------------
 */

static void the_test_call_tells_what_came_back(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 500, .body_bytes = 3000};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    json_t *answer = test_call(fx);
    assert_false(json_flag(answer, "ok", true));
    assert_int_equal(json_int(answer, "status", 0), 500);
    assert_string_equal(json_str(answer, "error"), "HTTP 500");
    assert_int_equal(strlen(json_str(answer, "response_body")), POST_KEEP_BODY);
    json_decref(answer);
    assert_string_equal(json_str(fx->rx->requests[0].event, "type"), "webhook.test");
    /* An endless answer is cut off; its status still counts. */
    told = (struct answer){.status = 200, .body_bytes = 8u << 20};
    answer = test_call(fx);
    assert_true(json_flag(answer, "ok", false));
    json_decref(answer);
    assert_int_equal(fx_counts(fx).deliveries, 0);
    assert_int_equal(bridge_events_last(&fx->b, "acme"), 0); /* in no log */
}

/* ---- time-outs ---------------------------------------------------------------------------------
 */

/* "slow" gets no answer; "drip" a status and no end. */
static struct answer hang_on_slow(struct receiver *rx, const struct request *rq)
{
    (void)rx;
    return (struct answer){.status =
                               strcmp(rq_text(rq), "slow") == 0 && rq->attempt == 1 ? 0 : 200};
}

static void no_answer_in_time_is_tried_again(void **state)
{
    struct fixture *fx = *state;
    fx->rx->answer = hang_on_slow;
    fx->b.cfg.relay.timeout_ms = 1000;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "slow", "next");
    WAIT(fx, rx_saw(fx->rx, "slow", 0) == 1);
    fx->b.cfg.relay.timeout_ms = DEADLINE_MS; /* what is answered may take its time */
    WAIT(fx, rx_saw(fx->rx, "next", 200) == 1);
    assert_int_equal(rx_saw(fx->rx, "slow", 0), 2);
    assert_int_equal(rx_saw(fx->rx, "slow", 200), 1);
    WAIT(fx, fx_counts(fx).deliveries == 0);
}

static void nobody_listens(void **state)
{
    struct fixture *fx = *state;
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    json_object_set_new(body, "url", json_string("http://127.0.0.1:1/"));
    json_decref(fx_hook(fx, "erp", body));
    json_t *answer = test_call(fx);
    assert_false(json_flag(answer, "ok", true));
    assert_true(strlen(json_str(answer, "error")) > 0);
    json_decref(answer);
}

/* ---- many --------------------------------------------------------------------------------------
 */

static struct answer hang_on_first_hook(struct receiver *rx, const struct request *rq)
{
    (void)rx;
    return (struct answer){.status = strcmp(rq->path, "/hang") == 0 ? 0 : 200};
}

/* A thousand chats for a receiver that hangs do not hold up another's one. */
static void one_slow_endpoint_does_not_starve_another(void **state)
{
    struct fixture *fx = *state;
    fx->rx->answer = hang_on_first_hook;
    fx->b.cfg.relay.timeout_ms = 2 * DEADLINE_MS; /* nothing ends by itself while we look */
    char url[96];
    json_t *slow = fx_hook_body(fx, "127.0.0.1");
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/hang", fx->rx->port);
    json_object_set_new(slow, "url", json_string(url));
    json_object_set_new(slow, "events", json_pack("[s]", "chat.*"));
    json_decref(fx_hook(fx, "slow", slow));
    json_t *quick = fx_hook_body(fx, "localhost"); /* another host */
    json_decref(fx_hook(fx, "quick", quick));
    const char *const one[] = {"s", NULL};
    for (int i = 0; i < 1000; i++) {
        char chat[16];
        snprintf(chat, sizeof(chat), "c%d", i);
        struct fx_events ev = {.chat = chat, .type = "chat.updated", .texts = one};
        assert_int_equal(fx_write(fx, fx_append, &ev), 0);
    }
    event_committed(&fx->b, "acme");
    WAIT(fx, fx->rx->count == 4); /* host_connections: all of them hang */
    fx_event(fx, "z", "z1");
    WAIT(fx, rx_saw(fx->rx, "z1", 200) == 1);
    assert_int_equal(rx_saw(fx->rx, "s", 0), 4);
}

static void many_chats_all_arrive_once(void **state)
{
    struct fixture *fx = *state;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    for (int i = 0; i < 300; i++) {
        char chat[16], first[16], second[16];
        snprintf(chat, sizeof(chat), "c%d", i);
        snprintf(first, sizeof(first), "f%d", i);
        snprintf(second, sizeof(second), "s%d", i);
        const char *const two[] = {first, second, NULL};
        struct fx_events ev = {.chat = chat, .type = "message.received", .texts = two};
        assert_int_equal(fx_write(fx, fx_append, &ev), 0);
    }
    event_committed(&fx->b, "acme");
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(fx->rx->count, 600);
    assert_true(fx->rx->connections <= 4);
    for (int i = 0; i < 300; i++) {
        char first[16], second[16];
        snprintf(first, sizeof(first), "f%d", i);
        snprintf(second, sizeof(second), "s%d", i);
        assert_int_equal(rx_saw(fx->rx, first, 200), 1);
        assert_true(rx_first(fx->rx, first, 200) < rx_first(fx->rx, second, 200));
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
    const struct CMUnitTest tests[] = {
        T(a_failing_endpoint_is_paused_probed_and_recovers),
        T(a_pause_survives_a_restart),
        T(what_could_not_be_put_off_is_not_forgotten),
        T(a_name_that_stands_for_this_machine_is_refused),
        T(a_stored_address_is_refused_when_the_rule_changes),
        T(a_kept_connection_is_checked_again),
        T(the_test_call_tells_what_came_back),
        T(no_answer_in_time_is_tried_again),
        T(nobody_listens),
        T(one_slow_endpoint_does_not_starve_another),
        T(many_chats_all_arrive_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
