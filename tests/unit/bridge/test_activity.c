/* The activity feed, made of a real event log. */
#include "store/fixture.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "relay_priv.h"

#define T0 UINT64_C(1790000000000) /* 2026-09-21T14:13:20Z */
#define MINUTE UINT64_C(60000)

struct put {
    const char *session, *type, *data;
    uint64_t at_ms;
};

static int apply_put(struct store_txn *t, struct store_op *op)
{
    const struct put *p = op->data;
    struct event_draft d = {.tenant = "acme",
                            .session = p->session,
                            .type = p->type,
                            .data = p->data,
                            .data_len = strlen(p->data)};
    struct buf text;
    uint64_t seq = 0;
    buf_init(&text, STORE_MAX_VALUE);
    int rc = store_event_next(t, "acme", &seq);
    rc = rc != 0 ? rc : event_render(&text, &d, "evt_1", seq, p->at_ms);
    rc = rc != 0 ? rc : store_event_put(t, "acme", seq, text.data, text.len);
    buf_finish(&text);
    return rc;
}

static void put(struct fixture *fx, const char *session, const char *type, uint64_t at_ms,
                const char *data)
{
    struct put p = {session, type, data, at_ms};
    assert_int_equal(fx_run(fx, apply_put, &p), 0);
}

static void message(struct fixture *fx, const char *type, uint64_t at_ms, const char *chat,
                    const char *status)
{
    char data[256];
    snprintf(data, sizeof(data),
             "{\"chat\":{\"id\":\"%s\"},\"type\":\"text\",\"text\":\"private\",\"status\":\"%s\","
             "\"error\":{\"code\":\"expired\"}}",
             chat, status);
    put(fx, "main", type, at_ms, data);
}

static void status(struct fixture *fx, uint64_t at_ms, const char *previous, const char *now)
{
    char data[256];
    snprintf(data, sizeof(data),
             "{\"status\":\"%s\",\"previous\":\"%s\",\"status_reason\":\"because\","
             "\"reason_code\":\"idle\",\"account\":{\"phone\":\"5511988887777\"}}",
             now, previous);
    put(fx, "main", "session.status", at_ms, data);
}

static int apply_names(struct store_txn *t, struct store_op *op)
{
    (void)op;
    int rc = store_put(t, STORE_TENANTS, STORE_PATH("acme"), "{}", 2);
    rc = rc != 0 ? rc : store_put(t, STORE_SESSIONS, STORE_PATH("acme", "main"), "{}", 2);
    return rc != 0 ? rc : store_put(t, STORE_SESSIONS, STORE_PATH("acme", "main-2"), "{}", 2);
}

static json_t *seen_by(struct fixture *fx, const struct bridge_principal *who, unsigned limit,
                       const char *cursor)
{
    struct bridge b = {.store = fx->s, .loop = &fx->loop};
    struct bridge_paging p = {.limit = limit, .cursor = cursor};
    struct err e = {0};
    json_t *out = NULL;
    if (bridge_activity(&b, "acme", NULL, who, &p, &out, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    return out;
}

static json_t *feed(struct fixture *fx, const char *session, unsigned limit, const char *cursor)
{
    struct bridge b = {.store = fx->s, .loop = &fx->loop};
    struct bridge_paging p = {.limit = limit, .cursor = cursor};
    struct err e = {0};
    json_t *out = NULL;
    if (bridge_activity(&b, "acme", session, NULL, &p, &out, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    return out;
}

static void check_item(const json_t *body, size_t i, const char *kind, unsigned count,
                       const char *text)
{
    const json_t *o = json_array_get(json_arr(body, "items"), i);
    assert_non_null(o);
    assert_string_equal(json_str(o, "kind"), kind);
    assert_int_equal(json_int(o, "count", -1), count);
    assert_string_equal(json_str(o, "text"), text);
}

static void test_feed(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, apply_names, NULL), 0);
    status(fx, T0, "stopped", "starting");
    status(fx, T0 + 1, "unlinked", "linking");
    status(fx, T0 + 2, "linking", "syncing");
    status(fx, T0 + 3, "syncing", "ready");
    for (unsigned i = 0; i < 12; i++) {
        message(fx, "message.received", T0 + MINUTE + i, i % 3 == 0 ? "1@c.us" : "2@c.us", "");
    }
    put(fx, "main-2", "message.received", T0 + 2 * MINUTE, "{\"type\":\"text\"}");
    put(fx, "main", "message.received", T0 + 2 * MINUTE, "{\"type\":\"system\"}");
    put(fx, "main", "chat.updated", T0 + 2 * MINUTE, "{}");
    message(fx, "message.status", T0 + 3 * MINUTE, "1@c.us", "queued");
    message(fx, "message.status", T0 + 3 * MINUTE, "1@c.us", "sent");
    message(fx, "message.status", T0 + 4 * MINUTE, "1@c.us", "delivered");
    message(fx, "message.sent", T0 + 5 * MINUTE, "2@c.us", "");
    message(fx, "message.status", T0 + 6 * MINUTE, "3@c.us", "failed");
    message(fx, "message.received", T0 + 120 * MINUTE, "1@c.us", ""); /* another hour */
    status(fx, T0 + 121 * MINUTE, "ready", "disconnected");
    status(fx, T0 + 122 * MINUTE, "disconnected", "disconnected");
    status(fx, T0 + 123 * MINUTE, "disconnected", "logged_out");

    json_t *all = feed(fx, "main", 50, "");
    assert_int_equal(json_array_size(json_arr(all, "items")), 8);
    check_item(all, 0, "unlinked", 1, "unlinked: because");
    check_item(all, 1, "disconnected", 1, "disconnected: because");
    check_item(all, 2, "received", 1, "1 message received");
    check_item(all, 3, "failed", 1, "1 message failed: expired");
    check_item(all, 4, "sent", 2, "2 messages sent in 2 chats");
    check_item(all, 5, "received", 12, "12 messages received from 2 chats");
    check_item(all, 6, "connected", 1, "connected: because");
    check_item(all, 7, "linked", 1, "linked to 5511988887777");
    assert_true(json_is_null(json_object_get(all, "next_cursor")));
    json_decref(all);

    json_t *other = feed(fx, "main-2", 50, "");
    assert_int_equal(json_array_size(json_arr(other, "items")), 1);
    json_decref(other);
}

/* Page by page every message is counted once. */
static void test_pages(void **state)
{
    struct fixture *fx = *state;
    char cursor[32] = "";
    unsigned counted = 0, pages = 0;
    assert_int_equal(fx_run(fx, apply_names, NULL), 0);
    for (unsigned i = 0; i < 40; i++) {
        message(fx, "message.received", T0 + i * 30 * MINUTE, "1@c.us", "");
    }
    do {
        json_t *page = feed(fx, "main", 5, cursor);
        size_t i;
        json_t *o;
        assert_in_range(json_array_size(json_arr(page, "items")), 1, 5);
        json_array_foreach(json_arr(page, "items"), i, o)
        {
            counted += (unsigned)json_int(o, "count", 0);
        }
        snprintf(cursor, sizeof(cursor), "%s", json_str_or(page, "next_cursor", ""));
        json_decref(page);
        pages++;
    } while (cursor[0] != '\0');
    assert_int_equal(counted, 40);
    assert_true(pages > 3);
}

static void check_of(const json_t *body, size_t i, const char *session, const char *kind,
                     unsigned count)
{
    const json_t *o = json_array_get(json_arr(body, "items"), i);
    assert_non_null(o);
    assert_string_equal(json_str(o, "session"), session);
    assert_string_equal(json_str(o, "kind"), kind);
    assert_int_equal(json_int(o, "count", -1), count);
}

/* Each session has counts of its own, and a key for some sessions sees only theirs. */
static void test_all_sessions(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, apply_names, NULL), 0);
    const char *text = "{\"type\":\"text\",\"chat\":{\"id\":\"1@c.us\"}}";
    status(fx, T0, "linking", "ready");
    put(fx, "main", "message.received", T0 + MINUTE, text);
    put(fx, "main-2", "message.received", T0 + 2 * MINUTE, text);
    put(fx, "main", "message.received", T0 + 3 * MINUTE, text);
    status(fx, T0 + 4 * MINUTE, "ready", "disconnected");
    put(fx, "main-2", "message.received", T0 + 5 * MINUTE, text);

    json_t *all = seen_by(fx, NULL, 50, "");
    assert_int_equal(json_array_size(json_arr(all, "items")), 4);
    check_of(all, 0, "main-2", "received", 2);
    check_of(all, 1, "main", "disconnected", 1);
    check_of(all, 2, "main", "received", 2);
    check_of(all, 3, "main", "linked", 1);
    const json_t *left = json_array_get(json_arr(all, "items"), 1);
    assert_string_equal(json_str(left, "reason"), "because");
    assert_string_equal(json_str(left, "code"), "idle");
    const json_t *linked = json_array_get(json_arr(all, "items"), 3);
    assert_string_equal(json_str(linked, "phone"), "5511988887777");
    assert_true(json_is_null(json_object_get(all, "next_cursor")));
    json_decref(all);

    struct bridge_principal some = {.tenant = "acme", .sessions = "main-2"};
    json_t *few = seen_by(fx, &some, 50, "");
    assert_int_equal(json_array_size(json_arr(few, "items")), 1);
    check_of(few, 0, "main-2", "received", 2);
    json_decref(few);

    /* a page holds no more than it was asked for, and the next one goes on where it ended */
    char cursor[32] = "";
    unsigned counted = 0;
    do {
        json_t *page = seen_by(fx, NULL, 1, cursor);
        assert_int_equal(json_array_size(json_arr(page, "items")), 1);
        counted += (unsigned)json_int(json_array_get(json_arr(page, "items"), 0), "count", 0);
        snprintf(cursor, sizeof(cursor), "%s", json_str_or(page, "next_cursor", ""));
        json_decref(page);
    } while (cursor[0] != '\0');
    assert_int_equal(counted, 6);
}

static void test_created_and_deleted(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, apply_names, NULL), 0);
    put(fx, "main-2", "session.created", T0, "{\"id\":\"main-2\",\"account\":null}");
    put(fx, "main-2", "message.received", T0 + 1, "{\"type\":\"text\"}");
    put(fx, "gone", "session.deleted", T0 + 2, "{\"account\":{\"phone\":\"5511988887777\"}}");

    json_t *all = seen_by(fx, NULL, 50, "");
    assert_int_equal(json_array_size(json_arr(all, "items")), 3);
    check_item(all, 0, "deleted", 1, "the session was deleted");
    check_item(all, 1, "received", 1, "1 message received");
    check_item(all, 2, "created", 1, "the session was created");
    assert_string_equal(json_str(json_array_get(json_arr(all, "items"), 0), "phone"), "5511988887777");
    json_decref(all);

    struct bridge_principal some = {.tenant = "acme", .sessions = "main-2"};
    json_t *few = seen_by(fx, &some, 50, "");
    assert_int_equal(json_array_size(json_arr(few, "items")), 2);
    json_decref(few);
}

static void test_refused(void **state)
{
    struct fixture *fx = *state;
    struct bridge b = {.store = fx->s, .loop = &fx->loop};
    struct bridge_paging p = {.limit = 10, .cursor = "x1"};
    struct err e = {0};
    json_t *out = NULL;
    assert_int_equal(fx_run(fx, apply_names, NULL), 0);
    assert_int_equal(bridge_activity(&b, "acme", "main", NULL, &p, &out, &e), E_INVALID);
    p.cursor = "";
    assert_int_equal(bridge_activity(&b, "acme", "nope", NULL, &p, &out, &e), E_NOTFOUND);
    assert_string_equal(err_word_of(&e), "unknown_session");
    assert_int_equal(bridge_activity(&b, "nope", "main", NULL, &p, &out, &e), E_NOTFOUND);
    assert_string_equal(err_word_of(&e), "unknown_tenant");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_feed), TEST(test_pages), TEST(test_all_sessions),
                                       TEST(test_created_and_deleted), TEST(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
