/* Webhooks that change or go while deliveries wait, a relay that is stopped in between, and what is
 * kept of it all. */

#include "relay_trouble_fixture.h"

/* ---- changes while deliveries wait -------------------------------------------------------------
 */

static void a_deleted_webhook_takes_its_deliveries_along(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 500};
    struct fx_reply r = {0};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    for (int i = 0; i < 1200; i++) {
        const char *const one[] = {"x", NULL};
        struct fx_events ev = {.chat = "a", .type = "message.received", .texts = one};
        assert_int_equal(fx_write(fx, fx_append, &ev), 0);
    }
    assert_int_equal(fx_counts(fx).deliveries, 1200);
    bridge_webhook_delete(&fx->b, "acme", "erp", fx_on_reply, &r);
    WAIT(fx, r.done);
    assert_int_equal(r.err.code, 0);
    assert_int_equal(fx_counts(fx).deliveries, 0);
    json_t *body = NULL;
    struct err e;
    assert_int_equal(bridge_webhook_get(&fx->b, "acme", "erp", &body, &e), E_NOTFOUND);
    assert_string_equal(e.word, "unknown_webhook");
    r = (struct fx_reply){0};
    bridge_webhook_delete(&fx->b, "acme", "erp", fx_on_reply, &r);
    WAIT(fx, r.done);
    assert_int_equal(r.err.code, E_NOTFOUND);
}

/* A tenant that makes and deletes webhooks all day leaves nothing behind in memory. */
static void a_deleted_webhook_leaves_nothing(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 500};
    struct fx_reply r = {0};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    json_decref(test_call(fx));
    assert_non_null(endpoint_find(fx->b.relay, "acme", "erp"));
    bridge_webhook_delete(&fx->b, "acme", "erp", fx_on_reply, &r);
    WAIT(fx, r.done);
    assert_null(endpoint_find(fx->b.relay, "acme", "erp"));
    /* With a post under way it goes when that is over. */
    told.status = 0; /* never answers */
    fx->b.cfg.relay.timeout_ms = 300;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1");
    WAIT(fx, fx->rx->count == 2);
    r = (struct fx_reply){0};
    bridge_webhook_delete(&fx->b, "acme", "erp", fx_on_reply, &r);
    WAIT(fx, r.done);
    WAIT(fx, endpoint_find(fx->b.relay, "acme", "erp") == NULL);
    assert_int_equal(fx_counts(fx).deliveries, 0);
}

static int del_webhook(struct store_txn *t, struct fixture *fx, void *arg, struct err *e)
{
    (void)arg;
    (void)e;
    router_forget(fx->b.router, "acme");
    return store_del(t, STORE_WEBHOOKS, STORE_PATH("acme", "erp"));
}

/* What a crash in the middle of a deletion leaves. */
static void deliveries_of_an_unknown_webhook_are_erased(void **state)
{
    struct fixture *fx = *state;
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    fx_relay_close(fx, 0);
    fx_relay_open(fx);
    fx->b.relay->started = false; /* nothing goes out yet */
    json_decref(fx_hook(fx, "erp", body));
    fx_event(fx, "a", "a1", "a2");
    fx_event(fx, "b", "b1");
    assert_int_equal(fx_write(fx, del_webhook, NULL), 0);
    assert_int_equal(fx_counts(fx).deliveries, 3);
    relay_start(fx->b.relay);
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(fx->rx->count, 0);
}

static uint64_t first_due(struct fixture *fx)
{
    struct store_txn *t = NULL;
    uint64_t due = 0;
    assert_int_equal(store_read(fx->store, &t, NULL), 0);
    (void)store_delivery_next_due(t, &due);
    store_read_end(t);
    return due;
}

static void a_disabled_webhook_keeps_what_waits(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 503};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1");
    WAIT(fx, fx->rx->count >= 1);
    json_decref(fx_hook(fx, "erp", json_pack("{s:b}", "enabled", 0)));
    WAIT(fx, first_due(fx) > clock_wall_ms() + 60000); /* put off, not lost */
    size_t before = fx->rx->count;
    fx_event(fx, "a", "a2"); /* not wanted while it is off */
    assert_int_equal(fx_counts(fx).deliveries, 1);
    told.status = 200;
    json_decref(fx_hook(fx, "erp", json_pack("{s:b}", "enabled", 1)));
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(fx->rx->count, before + 1);
    assert_int_equal(rx_saw(fx->rx, "a2", 0), 0);
}

/* ---- stopping ----------------------------------------------------------------------------------
 */

static void stopped_in_the_middle_it_goes_on_with_the_same_id(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 0};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1");
    WAIT(fx, fx->rx->count == 1);
    struct fx_reply r = {0};
    bridge_webhook_test(&fx->b, "acme", "erp", fx_on_reply, &r);
    WAIT(fx, fx->rx->count == 2);
    fx_relay_close(fx, 50); /* the grace ends before the answer comes */
    WAIT(fx, r.done);
    assert_int_equal(r.err.code, E_CANCELED);
    assert_int_equal(fx_counts(fx).deliveries, 1);
    told.status = 200;
    fx_relay_open(fx);
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(fx->rx->count, 3);
    assert_string_equal(fx->rx->requests[2].id, fx->rx->requests[0].id);
}

/* ---- housekeeping ------------------------------------------------------------------------------
 */

static struct answer by_text(struct receiver *rx, const struct request *rq)
{
    (void)rx;
    return (struct answer){.status = rq_text(rq)[0] == 'd' ? 410 : 200};
}

static void old_rows_go_but_not_what_is_still_needed(void **state)
{
    struct fixture *fx = *state;
    fx->rx->answer = by_text;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "one", "two", "dead", "three");
    WAIT(fx, fx_counts(fx).deliveries == 0);
    assert_int_equal(fx_logged(fx, "message.received"), 4);
    housekeeping_run(&fx->b); /* nothing is old */
    WAIT(fx, fx->core.open == 0);
    assert_int_equal(fx_logged(fx, "message.received"), 4);

    uint64_t later = clock_wall_ms() + fx->b.cfg.relay.keep_delivered_ms + 1000;
    fx->b.cfg.relay.keep_events_ms = fx->b.cfg.relay.keep_delivered_ms;
    clock_fake(later, clock_mono_ms());
    housekeeping_run(&fx->b);
    WAIT(fx, fx->core.open == 0);
    json_t *delivered = fx_deliveries(fx, "erp", "delivered");
    json_t *dead = fx_deliveries(fx, "erp", "dead");
    assert_int_equal(json_array_size(delivered), 0);
    assert_int_equal(json_array_size(dead), 1); /* kept longer, and its event with it */
    assert_int_equal(fx_logged(fx, "message.received"), 1);
    assert_non_null(json_str(json_array_get(dead, 0), "event_id"));
    json_decref(delivered);
    json_decref(dead);

    clock_fake(later + fx->b.cfg.relay.keep_dead_ms, clock_mono_ms());
    housekeeping_run(&fx->b); /* it may be the clock that jumped: nothing goes */
    WAIT(fx, fx->core.open == 0);
    assert_int_equal(fx_counts(fx).dead_letters, 1);
    clock_fake(clock_wall_ms(), clock_mono_ms() + CLOCK_SURE_HOLD_MS); /* it was not */
    housekeeping_run(&fx->b);
    WAIT(fx, fx->core.open == 0);
    assert_int_equal(fx_counts(fx).dead_letters, 0);
    assert_int_equal(fx_logged(fx, "message.received"), 0);
    assert_int_equal(bridge_events_last(&fx->b, "acme"), 4); /* numbers are not given out twice */
    clock_fake(0, 0);
}

/* ---- limits and names --------------------------------------------------------------------------
 */

static struct err put_error(struct fixture *fx, const char *tenant, const char *name, json_t *body)
{
    struct fx_reply r = {0};
    bridge_webhook_put(&fx->b, tenant, NULL, name, body, fx_on_reply, &r);
    assert_false(r.done);
    WAIT(fx, r.done);
    json_decref(body);
    json_decref(r.body);
    return r.err;
}

static void refusals_of_put(void **state)
{
    struct fixture *fx = *state;
    struct err e = put_error(fx, "nobody", "erp", fx_hook_body(fx, "127.0.0.1"));
    assert_int_equal(e.code, E_NOTFOUND);
    assert_string_equal(e.word, "unknown_tenant");
    e = put_error(fx, "acme", "Not a name", fx_hook_body(fx, "127.0.0.1"));
    assert_int_equal(e.code, E_INVALID);
    e = put_error(fx, "acme", "erp", json_pack("{s:[s]}", "events", "*"));
    assert_int_equal(e.code, E_INVALID);
    assert_string_equal(e.field, "url");
    fx->b.cfg.relay.max_webhooks = 2;
    json_decref(fx_hook(fx, "one", fx_hook_body(fx, "127.0.0.1")));
    json_decref(fx_hook(fx, "two", fx_hook_body(fx, "127.0.0.1")));
    e = put_error(fx, "acme", "three", fx_hook_body(fx, "127.0.0.1"));
    assert_int_equal(e.code, E_LIMIT);
    assert_string_equal(e.word, "too_many_webhooks");
    json_decref(fx_hook(fx, "two", fx_hook_body(fx, "127.0.0.1"))); /* there already */
    json_t *list = NULL;
    struct bridge_paging p = {.limit = 1, .cursor = ""};
    assert_int_equal(bridge_webhook_list(&fx->b, "acme", NULL, &p, &list, NULL), 0);
    assert_int_equal(json_array_size(json_arr(list, "items")), 1);
    assert_string_equal(json_str(list, "next_cursor"), "one");
    p.cursor = "one";
    json_t *rest = NULL;
    assert_int_equal(bridge_webhook_list(&fx->b, "acme", NULL, &p, &rest, NULL), 0);
    assert_string_equal(json_str(json_array_get(json_arr(rest, "items"), 0), "id"), "two");
    assert_true(json_is_null(json_object_get(rest, "next_cursor")));
    json_decref(list);
    json_decref(rest);
}

static void a_masked_header_given_back_keeps_its_value(void **state)
{
    struct fixture *fx = *state;
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    json_object_set_new(body, "headers", json_pack("{s:s}", "X-Extra-Token", "s3cret"));
    json_t *shown = fx_hook(fx, "erp", body);
    json_t *headers = json_obj(shown, "headers");
    assert_string_equal(json_str(headers, "X-Extra-Token"), WEBHOOK_MASK);
    json_decref(fx_hook(fx, "erp", json_pack("{s:O}", "headers", headers)));
    json_decref(shown);
    struct store_txn *t = NULL;
    struct store_value v;
    json_t *stored = NULL;
    assert_int_equal(store_read(fx->store, &t, NULL), 0);
    assert_int_equal(store_get(t, STORE_WEBHOOKS, STORE_PATH("acme", "erp"), &v), 0);
    /* neither secret lies open in the record */
    assert_null(memmem(v.data, v.len, "s3cret", 6));
    assert_null(memmem(v.data, v.len, "whsec_", 6));
    json_t *record = record_parse(v, NULL);
    store_read_end(t);
    assert_int_equal(webhook_headers(&fx->b, "acme", "erp", record, &stored, NULL), 0);
    assert_string_equal(json_str(stored, "X-Extra-Token"), "s3cret");
    json_decref(stored);
    json_decref(record);
}

/* ---- watches -----------------------------------------------------------------------------------
 */

static void on_grown(struct bridge_watch *w)
{
    ++*(int *)w->data;
}

static void a_watch_is_told_once_a_turn(void **state)
{
    struct fixture *fx = *state;
    int told = 0, other = 0;
    struct err e;
    struct bridge_watch w = {.on_grown = on_grown, .data = &told};
    struct bridge_watch gone = {.on_grown = on_grown, .data = &other};
    assert_int_equal(bridge_watch_start(&fx->b, "nobody", &w, &e), E_NOTFOUND);
    assert_int_equal(bridge_watch_start(&fx->b, "acme", &w, &e), 0);
    assert_int_equal(bridge_watch_start(&fx->b, "acme", &gone, &e), 0);
    for (int i = 0; i < 5; i++) {
        event_committed(&fx->b, "acme");
        event_committed(&fx->b, "elsewhere");
    }
    assert_int_equal(told, 0); /* never inside the call */
    bridge_watch_stop(&gone);
    WAIT(fx, told > 0);
    assert_int_equal(told, 1);
    event_committed(&fx->b, "acme");
    WAIT(fx, told > 1);
    assert_int_equal(told, 2);
    assert_int_equal(other, 0);
    bridge_watch_stop(&w);
    bridge_watch_stop(&w); /* harmless */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
    const struct CMUnitTest tests[] = {
        T(a_deleted_webhook_takes_its_deliveries_along),
        T(a_deleted_webhook_leaves_nothing),
        T(deliveries_of_an_unknown_webhook_are_erased),
        T(a_disabled_webhook_keeps_what_waits),
        T(stopped_in_the_middle_it_goes_on_with_the_same_id),
        T(old_rows_go_but_not_what_is_still_needed),
        T(refusals_of_put),
        T(a_masked_header_given_back_keeps_its_value),
        T(a_watch_is_told_once_a_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
