/* From the event log to a real receiver: order, signatures, retries, dead letters, redrive. */
#include "relay_fixture.h"

#include "clock.h"
#include "signature.h"

/* ---- order and signature -----------------------------------------------------------------------
 */

/* Refuses the first two attempts of "a1". */
static struct answer refuse_a1(struct receiver *rx, const struct request *rq)
{
    (void)rx;
    return (struct answer){.status = strcmp(rq_text(rq), "a1") == 0 && rq->attempt < 3 ? 503 : 200};
}

static void a_chat_waits_in_order_others_go_on(void **state)
{
    struct fixture *fx = *state;
    fx->rx->answer = refuse_a1;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1", "a2", "a3");
    fx_event(fx, "b", "b1");
    WAIT(fx, rx_saw(fx->rx, "a3", 200) == 1 && rx_saw(fx->rx, "b1", 200) == 1);
    WAIT(fx, fx_counts(fx).deliveries == 0);

    assert_int_equal(rx_saw(fx->rx, "a1", 503), 2);
    assert_int_equal(rx_saw(fx->rx, "a1", 200), 1);
    assert_int_equal(rx_saw(fx->rx, "a2", 0), 1);
    assert_true(rx_first(fx->rx, "a1", 200) < rx_first(fx->rx, "a2", 0));
    assert_true(rx_first(fx->rx, "a2", 200) < rx_first(fx->rx, "a3", 0));
    assert_true(rx_first(fx->rx, "b1", 200) < rx_first(fx->rx, "a1", 200));
    unsigned attempt = 0;
    const char *id = fx->rx->requests[rx_first(fx->rx, "a1", 0)].id;
    for (size_t i = 0; i < fx->rx->count; i++) {
        const struct request *rq = &fx->rx->requests[i];
        if (strcmp(rq_text(rq), "a1") == 0) {
            assert_string_equal(rq->id, id); /* the same at every attempt */
            assert_int_equal(rq->attempt, ++attempt);
        }
    }
    json_t *items = fx_deliveries(fx, "erp", "delivered");
    assert_int_equal(json_array_size(items), 4);
    const json_t *oldest = json_array_get(items, 3);
    assert_string_equal(json_str(oldest, "event_id"), id);
    assert_string_equal(json_str(oldest, "type"), "message.received");
    assert_int_equal(json_int(oldest, "attempts", 0), 3);
    assert_int_equal(json_int(oldest, "last_status", 0), 200);
    assert_non_null(json_str(oldest, "finished_at"));
    json_decref(items);
}

/* One delivery with its tries and its event; counts beside the webhook's settings. */
static void a_delivery_tells_its_tries_and_event(void **state)
{
    struct fixture *fx = *state;
    struct bridge_principal blind = {.tenant = "acme", .scopes = BRIDGE_WEBHOOKS_READ, .sessions = "*"};
    struct bridge_principal other = {.tenant = "acme", .scopes = BRIDGE_ALL_SCOPES, .sessions = "side"};
    json_t *one = NULL, *hook = NULL;
    struct err e;
    fx->rx->answer = refuse_a1;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1");
    WAIT(fx, rx_saw(fx->rx, "a1", 200) == 1 && fx_counts(fx).deliveries == 0);

    json_t *items = fx_deliveries(fx, "erp", "delivered");
    const char *id = json_str(json_array_get(items, 0), "id");
    assert_int_equal(bridge_delivery_get(&fx->b, "acme", "erp", NULL, id, &one, NULL), 0);
    const json_t *tries = json_arr(one, "tries");
    assert_int_equal(json_array_size(tries), 3);
    assert_int_equal(json_int(json_array_get(tries, 0), "status", 0), 503);
    assert_int_equal(json_int(json_array_get(tries, 2), "status", 0), 200);
    assert_non_null(json_str(json_array_get(tries, 2), "at"));
    assert_string_equal(json_str(one, "session"), "main");
    assert_true(json_equal(json_obj(one, "event"), fx->rx->requests[0].event));
    json_decref(one);

    assert_int_equal(bridge_delivery_get(&fx->b, "acme", "erp", &blind, id, &one, NULL), 0);
    assert_true(json_is_null(json_object_get(one, "event")));
    assert_string_equal(json_str(one, "type"), "message.received");
    json_decref(one);
    assert_int_equal(bridge_delivery_get(&fx->b, "acme", "erp", &other, id, &one, NULL), 0);
    assert_true(json_is_null(json_object_get(one, "event")));
    json_decref(one);
    assert_int_equal(bridge_delivery_get(&fx->b, "acme", "erp", NULL, "99", &one, &e), E_NOTFOUND);
    assert_string_equal(err_word_of(&e), "unknown_delivery");
    assert_int_equal(bridge_delivery_get(&fx->b, "acme", "erp", NULL, "x", &one, &e), E_NOTFOUND);

    assert_int_equal(bridge_webhook_get(&fx->b, "acme", "erp", &hook, NULL), 0);
    assert_int_equal(json_int(hook, "pending", -1), 0);
    assert_int_equal(json_int(hook, "dead", -1), 0);
    assert_non_null(json_str(json_obj(hook, "health"), "last_success_at"));
    assert_true(json_number_value(json_object_get(json_obj(hook, "health"), "latency_ms")) > 0);
    json_decref(hook);
    json_decref(items);
}

static int append_data(struct store_txn *t, struct fixture *fx, void *arg, struct err *e)
{
    const char *data = arg;
    struct event_draft d = {.tenant = "acme",
                            .session = "main",
                            .type = "message.reaction",
                            .data = data,
                            .data_len = strlen(data)};
    return event_append(&fx->b, t, &d, NULL, e);
}

/* Whose chat it is stands in the list, for readers of events only. */
static void a_delivery_names_its_chat(void **state)
{
    struct fixture *fx = *state;
    static char data[] = "{\"message\":{\"chat\":{\"id\":\"1@lid\",\"name\":\"Alice\",\"type\":\"user\"}}}";
    struct bridge_principal blind = {.tenant = "acme", .scopes = BRIDGE_WEBHOOKS_READ, .sessions = "*"};
    struct bridge_paging p = {.limit = 50, .cursor = ""};
    json_t *list = NULL;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    assert_int_equal(fx_write(fx, append_data, data), 0);
    event_committed(&fx->b, "acme");
    WAIT(fx, fx->rx->count == 1 && fx_counts(fx).deliveries == 0);
    json_t *items = fx_deliveries(fx, "erp", "delivered");
    const json_t *chat = json_obj(json_array_get(items, 0), "chat");
    assert_string_equal(json_str(chat, "id"), "1@lid");
    assert_string_equal(json_str(chat, "name"), "Alice");
    assert_true(json_is_null(json_object_get(chat, "phone")));
    json_decref(items);
    assert_int_equal(bridge_delivery_list(&fx->b, "acme", "erp", &blind, "delivered", &p, &list, NULL), 0);
    assert_true(json_is_null(json_object_get(json_array_get(json_arr(list, "items"), 0), "chat")));
    json_decref(list);
}

static void the_post_is_what_the_contract_says(void **state)
{
    struct fixture *fx = *state;
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    json_object_set_new(body, "headers",
                        json_pack("{s:s, s:s}", "X-Extra", "hq", "X-Api-Key", "k"));
    json_t *made = fx_hook(fx, "erp", body);
    assert_null(json_object_get(made, "secret")); /* it was given to us, not made by us */
    assert_string_equal(json_str(json_obj(made, "headers"), "X-Extra"), "hq");
    assert_string_equal(json_str(json_obj(made, "headers"), "X-Api-Key"), WEBHOOK_MASK);
    json_decref(made);
    fx_event(fx, "a", "hello");
    WAIT(fx, fx->rx->count == 1);
    const struct request *rq = &fx->rx->requests[0];
    assert_string_equal(rq->path, "/hook");
    assert_string_equal(rq->extra, "hq");
    assert_string_equal(rq->type, "application/json");
    assert_string_equal(rq->agent, "wabridge/" WABRIDGE_VERSION);
    assert_string_equal(rq->id, json_str(rq->event, "id"));
    assert_int_equal(strncmp(rq->id, "evt_", 4), 0);
    assert_int_equal(strlen(rq->id), 30);
    assert_string_equal(json_str(rq->event, "tenant"), "acme");
    assert_string_equal(json_str(rq->event, "session"), "main");
    assert_string_equal(json_str(rq->event, "type"), "message.received");
    assert_int_equal(json_int(rq->event, "seq", 0), 1);
    char text[1024], standard[SIGNATURE_STANDARD_LEN], hub[SIGNATURE_HUB_LEN];
    int n = snprintf(text, sizeof(text), "%s.%s.%s", rq->id, rq->timestamp, rq->body);
    assert_int_equal(signature_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", text, (size_t)n,
                                    strlen(rq->body), standard, hub),
                     0);
    assert_string_equal(rq->signature, standard);
    assert_string_equal(rq->hub, hub);
}

static void a_secret_is_made_and_shown_once(void **state)
{
    struct fixture *fx = *state;
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    json_object_del(body, "secret");
    json_t *made = fx_hook(fx, "erp", json_deep_copy(body));
    const char *secret = json_str(made, "secret");
    assert_non_null(secret);
    json_t *again = fx_hook(fx, "erp", body);
    assert_null(json_object_get(again, "secret"));
    json_decref(again);
    fx_event(fx, "a", "hello");
    WAIT(fx, fx->rx->count == 1);
    const struct request *rq = &fx->rx->requests[0];
    char text[1024], standard[SIGNATURE_STANDARD_LEN], hub[SIGNATURE_HUB_LEN];
    int n = snprintf(text, sizeof(text), "%s.%s.%s", rq->id, rq->timestamp, rq->body);
    assert_int_equal(signature_sign(secret, text, (size_t)n, strlen(rq->body), standard, hub), 0);
    assert_string_equal(rq->signature, standard);
    json_decref(made);
}

/* ---- what is wanted ----------------------------------------------------------------------------
 */

static void only_what_matches_is_delivered(void **state)
{
    struct fixture *fx = *state;
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    json_object_set_new(body, "sessions", json_pack("[s]", "ma*"));
    json_decref(fx_hook(fx, "erp", body));
    const char *const one[] = {"x", NULL};
    struct fx_events other_session = {
        .chat = "a", .type = "message.received", .session = "sales", .texts = one};
    struct fx_events other_type = {
        .chat = "a", .type = "session.status", .session = "main", .texts = one};
    struct fx_events no_session = {.type = "message.status", .texts = one};
    assert_int_equal(fx_write(fx, fx_append, &other_session), 0);
    assert_int_equal(fx_write(fx, fx_append, &other_type), 0);
    assert_int_equal(fx_counts(fx).deliveries, 0);
    assert_int_equal(fx_write(fx, fx_append, &no_session), 0);
    assert_int_equal(fx_counts(fx).deliveries, 1);
    /* The cache follows a change of the settings at once. */
    json_decref(fx_hook(fx, "erp", json_pack("{s:[s]}", "events", "session.*")));
    assert_int_equal(fx_write(fx, fx_append, &other_type), 0);
    WAIT(fx, fx->rx->count == 2);
    assert_string_equal(json_str(fx->rx->requests[1].event, "type"), "session.status");
    assert_int_equal(bridge_events_last(&fx->b, "acme"), 4);
}

static int append_then_fail(struct store_txn *t, struct fixture *fx, void *arg, struct err *e)
{
    int rc = fx_append(t, fx, arg, e);
    return rc != 0 ? rc : E_CONFLICT;
}

static void a_rolled_back_event_never_was(void **state)
{
    struct fixture *fx = *state;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    const char *const one[] = {"never", NULL};
    struct fx_events ev = {.chat = "a", .type = "message.received", .texts = one};
    assert_int_equal(fx_write(fx, append_then_fail, &ev), E_CONFLICT);
    fx_event(fx, "a", "real");
    WAIT(fx, rx_saw(fx->rx, "real", 200) == 1);
    assert_int_equal(fx->rx->count, 1);
    assert_int_equal(json_int(fx->rx->requests[0].event, "seq", 0), 1);
}

/* The router sees a webhook that this transaction made, and forgets it when it comes to nothing. */
static int make_hook_then_fail(struct store_txn *t, struct fixture *fx, void *arg, struct err *e)
{
    static const char record[] = "{\"events\":[\"*\"],\"sessions\":[\"*\"],\"enabled\":true}";
    struct store_counts counts;
    int rc = store_put(t, STORE_WEBHOOKS, STORE_PATH("acme", "ghost"), record, sizeof(record) - 1);
    router_forget(fx->b.router, "acme");
    rc = rc != 0 ? rc : fx_append(t, fx, arg, e);
    rc = rc != 0 ? rc : store_counts(t, "acme", NULL, &counts);
    return rc != 0 ? rc : counts.deliveries == 1 ? E_CONFLICT : E_INTERNAL;
}

static void the_router_forgets_what_was_rolled_back(void **state)
{
    struct fixture *fx = *state;
    const char *const one[] = {"x", NULL};
    struct fx_events ev = {.chat = "a", .type = "message.received", .texts = one};
    assert_int_equal(fx_write(fx, make_hook_then_fail, &ev), E_CONFLICT);
    fx_event(fx, "a", "real");
    assert_int_equal(fx_counts(fx).deliveries, 0);
    assert_int_equal(bridge_events_last(&fx->b, "acme"), 1);
}

/* ---- dead letters ------------------------------------------------------------------------------
 */

static struct answer as_told(struct receiver *rx, const struct request *rq)
{
    (void)rq;
    return *(struct answer *)rx->data;
}

static json_t *redrive(struct fixture *fx, json_t *body)
{
    struct fx_reply r = {0};
    bridge_webhook_redrive(&fx->b, "acme", "erp", body, fx_on_reply, &r);
    WAIT(fx, r.done);
    assert_int_equal(r.err.code, 0);
    json_decref(body);
    return r.body;
}

static void dead_at_once_and_redriven_in_order(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 410};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1", "a2", "a3");
    WAIT(fx, fx_counts(fx).dead_letters == 3);
    assert_int_equal(fx->rx->count, 3);
    json_t *dead = fx_deliveries(fx, "erp", "dead");
    assert_int_equal(json_int(json_array_get(dead, 0), "last_status", 0), 410);
    assert_int_equal(json_int(json_array_get(dead, 0), "attempts", 0), 1);
    const char *newest = json_str(json_array_get(dead, 0), "id");

    told.status = 200;
    json_t *answer = redrive(fx, json_pack("{s:[s]}", "delivery_ids", newest));
    assert_int_equal(json_int(answer, "redriven", 0), 1);
    json_decref(answer);
    json_decref(dead);
    WAIT(fx, rx_saw(fx->rx, "a3", 200) == 1);
    answer = redrive(fx, NULL);
    assert_int_equal(json_int(answer, "redriven", 0), 2);
    json_decref(answer);
    WAIT(fx, rx_saw(fx->rx, "a2", 200) == 1 && fx_counts(fx).deliveries == 0);
    assert_true(rx_first(fx->rx, "a1", 200) < rx_first(fx->rx, "a2", 200));
    assert_int_equal(fx->rx->requests[rx_first(fx->rx, "a1", 200)].attempt, 2);
    assert_int_equal(fx_counts(fx).dead_letters, 0);
}

static void a_redirect_is_not_followed(void **state)
{
    struct fixture *fx = *state;
    char location[96];
    snprintf(location, sizeof(location), "Location: http://127.0.0.1:%d/elsewhere\r\n",
             fx->rx->port);
    struct answer told = {.status = 307, .headers = location};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    fx_event(fx, "a", "a1");
    WAIT(fx, fx_counts(fx).dead_letters == 1);
    assert_int_equal(fx->rx->count, 1);
    assert_string_equal(fx->rx->requests[0].path, "/hook");
    json_t *dead = fx_deliveries(fx, "erp", "dead");
    assert_non_null(strstr(json_str(json_array_get(dead, 0), "last_error"), "redirect"));
    assert_string_equal(json_str(json_array_get(dead, 0), "last_reason"), "redirect");
    json_decref(dead);
}

static void given_up_after_its_age(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 500};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    fx->b.cfg.relay.pause_after_failures = 1000000;
    json_t *body = fx_hook_body(fx, "127.0.0.1");
    json_object_set_new(json_object_get(body, "retry"), "max_age_s", json_integer(1));
    json_decref(fx_hook(fx, "erp", body));
    fx_event(fx, "a", "a1");
    WAIT(fx, fx_counts(fx).dead_letters == 1);
    assert_true(fx->rx->count > 3);
    uint64_t took = fx->rx->requests[fx->rx->count - 1].at_ms - fx->rx->requests[0].at_ms;
    assert_true(took >= 800 && took < 5000);
    /* Put back, it has its whole time again. */
    size_t before = fx->rx->count;
    json_decref(redrive(fx, NULL));
    WAIT(fx, fx_counts(fx).dead_letters == 1 && fx->rx->count > before + 3);
    json_t *dead = fx_deliveries(fx, "erp", "dead");
    assert_int_equal(json_int(json_array_get(dead, 0), "attempts", 0), fx->rx->count);
    json_decref(dead);
}

static uint64_t next_try(struct fixture *fx, uint64_t seq)
{
    struct store_txn *t = NULL;
    struct store_delivery d;
    assert_int_equal(store_read(fx->store, &t, NULL), 0);
    assert_int_equal(store_delivery_get(t, "acme", "erp", seq, &d), 0);
    store_read_end(t);
    return d.attempts == 0 ? 0 : d.due_ms;
}

static void retry_after_is_kept_to(void **state)
{
    struct fixture *fx = *state;
    struct answer told = {.status = 429, .headers = "Retry-After: 3600\r\n"};
    fx->rx->answer = as_told;
    fx->rx->data = &told;
    json_decref(fx_hook(fx, "erp", fx_hook_body(fx, "127.0.0.1")));
    uint64_t before = clock_wall_ms();
    fx_event(fx, "a", "a1");
    WAIT(fx, next_try(fx, 1) != 0);
    assert_true(next_try(fx, 1) >= before + 3600000);
    assert_true(next_try(fx, 1) <= clock_wall_ms() + 3600000);
    /* New settings are a new chance: it goes out now. */
    told = (struct answer){.status = 200};
    json_decref(fx_hook(fx, "erp", json_pack("{s:b}", "enabled", 1)));
    WAIT(fx, rx_saw(fx->rx, "a1", 200) == 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
    const struct CMUnitTest tests[] = {
        T(a_chat_waits_in_order_others_go_on),
        T(a_delivery_tells_its_tries_and_event),
        T(a_delivery_names_its_chat),
        T(the_post_is_what_the_contract_says),
        T(a_secret_is_made_and_shown_once),
        T(only_what_matches_is_delivered),
        T(a_rolled_back_event_never_was),
        T(the_router_forgets_what_was_rolled_back),
        T(dead_at_once_and_redriven_in_order),
        T(a_redirect_is_not_followed),
        T(given_up_after_its_age),
        T(retry_after_is_kept_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
