/* Accepting messages and following their statuses, on a bridge whose session is not ready. */
#include "box_fixture.h"
#include "message_object.h"

#define HI "{\"to\":\"+55 11 98888-7777\",\"text\":\"hi\"}"

/* Sends and waits for the answer. */
static json_t *send_now(struct box *x, const char *body)
{
    struct box_answer a = {0};
    box_send(x, body, NULL, &a);
    UNTIL(x, a.count == 1);
    assert_int_equal(a.err.code, 0);
    return a.body;
}

static uint64_t queued(struct box *x)
{
    struct store_txn *t;
    struct store_counts c;
    struct err e;
    assert_int_equal(store_read(x->store, &t, &e), 0);
    assert_int_equal(store_counts(t, "default", "main", &c), 0);
    store_read_end(t);
    return c.outbox;
}

static void ack(struct box *x, const char *id, int level)
{
    outbox_lane_ack(session_lane(x->s), ANN_LID, id, level, NULL, 0);
}

static const char *status_of(struct box *x, const char *id)
{
    static char status[32];
    json_t *m = box_get(x, id);
    (void)snprintf(status, sizeof(status), "%s", json_str_or(m, "status", "?"));
    json_decref(m);
    return status;
}

/* ---- the table of statuses --------------------------------------------------------------------
 */

static void statuses_only_go_forward(void **state)
{
    (void)state;
    enum { Q = MESSAGE_QUEUED, S, U, T, D, R, P, F };
    /* from the row to the column */
    static const char *const may[MESSAGE_STATUS_COUNT] = {
        /*        Q S U T D R P F */
        [Q] = ".x.xxxxx", [S] = "..xxxxxx", [U] = ".x.xxxxx", [T] = "....xxx.",
        [D] = ".....xx.", [R] = "......x.", [P] = "........", [F] = "........",
    };
    for (unsigned from = 0; from < MESSAGE_STATUS_COUNT; from++) {
        for (unsigned to = 0; to < MESSAGE_STATUS_COUNT; to++) {
            assert_int_equal(message_status_may(from, to), may[from][to] == 'x');
        }
        enum message_status back;
        assert_true(message_status_parse(message_status_name(from), &back));
        assert_int_equal(back, from);
        assert_int_equal(message_status_done(from), from >= T);
    }
    static const struct {
        int ack;
        enum message_status to; /* MESSAGE_STATUS_COUNT: none */
    } acks[] = {{-1, MESSAGE_FAILED},      {0, MESSAGE_STATUS_COUNT}, {1, MESSAGE_SENT},
                {2, MESSAGE_DELIVERED},    {3, MESSAGE_READ},         {4, MESSAGE_PLAYED},
                {5, MESSAGE_STATUS_COUNT}, {-2, MESSAGE_STATUS_COUNT}};
    for (size_t i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
        enum message_status to = MESSAGE_STATUS_COUNT;
        assert_int_equal(message_status_of_ack(acks[i].ack, &to),
                         acks[i].to != MESSAGE_STATUS_COUNT);
        assert_int_equal(to, acks[i].to);
    }
}

/* ---- accepting
 * ----------------------------------------------------------------------------------- */

static void accepted_is_durable_and_told(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    json_t *m = send_now(x, "{\"to\":\"+55 11 98888-7777\",\"text\":\"ol\xc3\xa1 \\\"you\\\"\","
                            "\"metadata\":{\"invoice\":\"INV-1\"}}");
    const char *id = json_str(m, "id");
    assert_int_equal(strlen(id), 22);
    assert_int_equal(strspn(id, "0123456789ABCDEF"), 22);
    assert_memory_equal(id, "3EB0", 4);
    assert_string_equal(json_str(m, "status"), "queued");
    assert_string_equal(json_str(m, "direction"), "out");
    assert_string_equal(json_str(m, "type"), "text");
    assert_string_equal(json_str(m, "text"), "ol\xc3\xa1 \"you\"");
    assert_string_equal(json_str(m, "session"), "main");
    assert_string_equal(json_str(m, "source"), "api");
    assert_string_equal(json_str(json_obj(m, "chat"), "id"), "5511988887777@c.us");
    assert_string_equal(json_str(json_obj(m, "chat"), "phone"), "5511988887777");
    assert_string_equal(json_str(json_obj(m, "chat"), "type"), "user");
    assert_string_equal(json_str(json_obj(m, "metadata"), "invoice"), "INV-1");
    assert_int_equal(json_array_size(json_arr(m, "status_history")), 1);
    assert_true(json_is_null(json_object_get(m, "error")));
    assert_null(json_object_get(m, "_"));
    json_t *kept = box_get(x, id);
    assert_true(json_equal(kept, m));
    json_decref(kept);
    assert_int_equal(box_seq(x), before + 1);
    json_t *data = box_data(x, before + 1, "message.status");
    assert_true(json_equal(data, m));
    json_decref(data);
    assert_int_equal(queued(x), 1);
    json_t *again = NULL;
    box_close(x);
    box_open(x);
    again = box_get(x, id);
    assert_true(json_equal(again, m));
    json_decref(again);
    assert_int_equal(queued(x), 1);
    json_decref(m);
}

static void one_key_is_one_message(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0}, b = {0}, c = {0}, d = {0}, other = {0};
    uint64_t before = box_seq(x);
    /* Three in one group of commits, then again later. */
    box_send(x, HI, "key-1", &a);
    box_send(x, HI, "key-1", &b);
    box_send(x, "{\"to\":\"+55 11 98888-7777\",\"text\":\"ho\"}", "key-1", &c);
    box_send(x, HI, "key-2", &other);
    UNTIL(x, a.count + b.count + c.count + other.count == 4);
    assert_int_equal(a.err.code, 0);
    assert_false(a.replayed);
    assert_int_equal(b.err.code, 0);
    assert_true(b.replayed);
    assert_true(json_equal(a.body, b.body));
    assert_int_equal(c.err.code, E_CONFLICT);
    assert_string_equal(err_word_of(&c.err), "idempotency_conflict");
    assert_null(c.body);
    assert_false(other.replayed);
    assert_int_equal(box_seq(x), before + 2);
    assert_int_equal(queued(x), 2);
    ack(x, json_str(a.body, "id"), 1);
    box_close(x);
    box_open(x);
    box_send(x, HI, "key-1", &d);
    UNTIL(x, d.count == 1);
    assert_true(d.replayed);
    assert_true(json_equal(a.body, d.body)); /* the first answer, whatever became of it */
    assert_int_equal(queued(x), 1);
    json_decref(a.body);
    json_decref(b.body);
    json_decref(d.body);
    json_decref(other.body);
}

static void a_bad_key_is_refused(void **state)
{
    struct box *x = *state;
    char longest[257];
    memset(longest, 'k', sizeof(longest));
    longest[255] = '\0';
    struct box_answer a = {0}, b = {0}, c = {0};
    box_send(x, HI, longest, &a);
    longest[255] = 'k';
    longest[256] = '\0';
    box_send(x, HI, longest, &b);
    box_send(x, HI, "tab\t", &c);
    UNTIL(x, a.count + b.count + c.count == 3);
    assert_int_equal(a.err.code, 0);
    assert_int_equal(b.err.code, E_INVALID);
    assert_string_equal(b.err.field, "Idempotency-Key");
    assert_int_equal(c.err.code, E_INVALID);
    json_decref(a.body);
}

static void a_bad_body_is_answered_from_the_loop(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0};
    box_send(x, "{\"to\":\"+5511988887777\",\"txt\":\"hi\"}", NULL, &a);
    assert_int_equal(a.count, 0); /* never inside the call */
    UNTIL(x, a.count == 1);
    assert_int_equal(a.err.code, E_INVALID);
    assert_string_equal(a.err.field, "txt");
    assert_int_equal(queued(x), 0);
}

static void a_full_queue_says_so(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0};
    unsigned sent = 0;
    box_close(x);
    x->cfg.outbox.max_queued = 3;
    box_open(x);
    for (; sent < 4; sent++) {
        box_send(x, HI, NULL, &a);
    }
    UNTIL(x, a.count == sent);
    assert_int_equal(a.err.code, E_LIMIT);
    assert_string_equal(err_word_of(&a.err), "queue_full");
    assert_int_equal(queued(x), 3);
    json_decref(a.body);
}

static void ready_can_be_required(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0};
    json_t *body = json_loads(HI, 0, NULL);
    const struct bridge_send send = {
        .tenant = "default", .session = "main", .body = body, .require_ready = true};
    bridge_send(x->b, &send, box_on_answer, &a);
    UNTIL(x, a.count == 1);
    assert_int_equal(a.err.code, E_CONFLICT);
    assert_string_equal(err_word_of(&a.err), "session_not_ready");
    assert_int_equal(queued(x), 0);
    json_decref(body);
}

static void unknown_sessions_are_named(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0}, b = {0};
    json_t *body = json_loads(HI, 0, NULL);
    struct bridge_send send = {.tenant = "default", .session = "sales", .body = body};
    bridge_send(x->b, &send, box_on_answer, &a);
    send.tenant = "nobody";
    bridge_send(x->b, &send, box_on_answer, &b);
    UNTIL(x, a.count + b.count == 2);
    assert_string_equal(err_word_of(&a.err), "unknown_session");
    assert_string_equal(err_word_of(&b.err), "unknown_tenant");
    json_decref(body);
}

static void the_tenants_country_completes_numbers(void **state)
{
    struct box *x = *state;
    struct box_answer put = {0}, a = {0};
    box_send(x, "{\"to\":\"011 98888-7777\",\"text\":\"hi\"}", NULL, &a);
    UNTIL(x, a.count == 1);
    assert_string_equal(err_word_of(&a.err), "invalid_phone");
    json_t *body = json_pack("{s:s}", "default_country_code", "55");
    bridge_tenant_put(x->b, "default", body, box_on_answer, &put);
    json_decref(body);
    UNTIL(x, put.count == 1);
    assert_int_equal(put.err.code, 0);
    json_decref(put.body);
    json_t *m = send_now(x, "{\"to\":\"011 98888-7777\",\"text\":\"hi\"}");
    assert_string_equal(json_str(json_obj(m, "chat"), "phone"), "5511988887777");
    json_decref(m);
    const struct bridge_message_filter f = {.chat = "011 98888 7777"};
    const struct bridge_paging p = {.limit = 10, .cursor = ""};
    struct err e;
    json_t *page = NULL;
    assert_int_equal(bridge_message_list(x->b, "default", "main", &f, &p, &page, &e), 0);
    assert_int_equal(json_array_size(json_arr(page, "items")), 1);
    json_decref(page);
}

static void a_known_person_is_written_to_in_their_chat(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message in = box_message("3AAA01", "question", 1795258800000);
    box_hear(x, &in);
    UNTIL(x, box_seq(x) == before + 1);
    json_t *m = send_now(x, "{\"to\":\"+5511988887777\",\"text\":\"answer\","
                            "\"reply_to\":\"3AAA01\"}");
    assert_string_equal(json_str(json_obj(m, "chat"), "id"), ANN_LID);
    assert_string_equal(json_str(json_obj(m, "chat"), "phone"), ANN_PHONE);
    assert_string_equal(json_str(json_obj(m, "chat"), "name"), "Ann");
    assert_string_equal(json_str(json_obj(m, "quoted"), "id"), "3AAA01");
    assert_string_equal(json_str(json_obj(m, "quoted"), "text"), "question");
    json_decref(m);
}

/* ---- expiry
 * -------------------------------------------------------------------------------------- */

static struct box_answer send_until(struct box *x, uint64_t expires_ms, const char *key)
{
    char at[CLOCK_RFC3339_LEN], body[256];
    struct box_answer a = {0};
    clock_rfc3339(expires_ms, at);
    (void)snprintf(body, sizeof(body),
                   "{\"to\":\"+5511988887777\",\"text\":\"late\",\"metadata\":{\"n\":1},"
                   "\"expires_at\":\"%s\"}",
                   at);
    box_send(x, body, key, &a);
    UNTIL(x, a.count == 1);
    return a;
}

static void what_expired_before_is_refused(void **state)
{
    struct box *x = *state;
    const uint64_t before = box_seq(x);
    struct box_answer a = send_until(x, clock_wall_ms() - 1, NULL);
    assert_int_equal(a.err.code, E_INVALID);
    assert_string_equal(a.err.field, "expires_at");
    assert_null(a.body);
    assert_int_equal(box_seq(x), before);
    assert_int_equal(queued(x), 0);
    /* asked again under its key, one that was accepted is answered as it was */
    const uint64_t at = clock_wall_ms() + 1000;
    a = send_until(x, at, "k");
    assert_int_equal(a.err.code, 0);
    json_t *first = a.body;
    UNTIL(x, clock_wall_ms() > at);
    a = send_until(x, at, "k");
    assert_int_equal(a.err.code, 0);
    assert_true(a.replayed);
    assert_true(json_equal(a.body, first));
    json_decref(first);
    json_decref(a.body);
}

static void what_expires_in_the_queue_fails(void **state)
{
    struct box *x = *state;
    json_t *stays = send_now(x, HI);
    json_t *late = send_until(x, clock_wall_ms() + 1000, NULL).body;
    const char *id = json_str(late, "id");
    UNTIL(x, strcmp(status_of(x, id), "failed") == 0);
    json_t *m = box_get(x, id);
    assert_string_equal(json_str(json_obj(m, "error"), "code"), "expired");
    assert_int_equal(json_array_size(json_arr(m, "status_history")), 2);
    json_t *data = box_data(x, box_seq(x), "message.status");
    assert_true(json_equal(data, m));
    assert_int_equal(json_int(json_obj(data, "metadata"), "n", 0), 1);
    assert_int_equal(queued(x), 1);
    assert_string_equal(status_of(x, json_str(stays, "id")), "queued");
    json_decref(data);
    json_decref(m);
    json_decref(late);
    json_decref(stays);
}

/* ---- acks and waiting
 * ---------------------------------------------------------------------------------- */

static void acks_move_it_forward_once(void **state)
{
    struct box *x = *state;
    json_t *m = send_now(x, HI);
    const char *id = json_str(m, "id");
    uint64_t before = box_seq(x);
    ack(x, id, 1);
    ack(x, id, 1);
    ack(x, id, 3);
    ack(x, id, 2);  /* a receipt that was overtaken */
    ack(x, id, -1); /* too late to fail */
    ack(x, id, 0);
    ack(x, "3EB0UNKNOWN", 1);
    ack(x, "", 1);
    ack(x, id, 4);
    UNTIL(x, box_seq(x) == before + 3);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 4);
    json_t *kept = box_get(x, id);
    json_t *history = json_arr(kept, "status_history");
    static const char *const steps[] = {"queued", "sent", "read", "played"};
    assert_int_equal(json_array_size(history), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(json_str(json_array_get(history, i), "status"), steps[i]);
    }
    assert_null(json_object_get(kept, "_"));
    assert_int_equal(queued(x), 0); /* the entry went with the first of them */
    json_decref(kept);
    json_decref(m);
}

/* A receiver knows the ids of what we sent and may write under one of them, in a chat that comes
 * first in order. */
static void an_id_taken_elsewhere_does_not_catch_the_acks(void **state)
{
    struct box *x = *state;
    json_t *m = send_now(x, HI);
    const char *id = json_str(m, "id");
    struct channel_message eves = box_message(id, "mine", 1795258800000);
    eves.chat = (struct channel_peer){.id = "100@g.us"};
    box_hear(x, &eves);
    box_settle(x);
    ack(x, id, 1);
    box_settle(x);
    json_t *kept = box_get(x, id);
    assert_string_equal(json_str(kept, "direction"), "out");
    assert_string_equal(json_str(kept, "status"), "sent");
    assert_int_equal(queued(x), 0);
    json_decref(kept);
    json_decref(m);
}

static void a_refusal_fails_it(void **state)
{
    struct box *x = *state;
    json_t *m = send_now(x, HI);
    const char *id = json_str(m, "id");
    ack(x, id, -1);
    UNTIL(x, strcmp(status_of(x, id), "failed") == 0);
    json_t *kept = box_get(x, id);
    assert_string_equal(json_str(json_obj(kept, "error"), "code"), "rejected");
    assert_int_equal(queued(x), 0);
    json_decref(kept);
    json_decref(m);
}

static void waits_end_with_their_ack(void **state)
{
    struct box *x = *state;
    json_t *m = send_now(x, HI);
    const char *id = json_str(m, "id");
    struct box_answer server = {0}, device = {0}, read = {0}, late = {0};
    bridge_message_wait(x->b, "default", "main", id, BRIDGE_ACK_SERVER, 60000, box_on_answer,
                        &server);
    bridge_message_wait(x->b, "default", "main", id, BRIDGE_ACK_DEVICE, 60000, box_on_answer,
                        &device);
    bridge_message_wait(x->b, "default", "main", id, BRIDGE_ACK_READ, 1, box_on_answer, &read);
    UNTIL(x, read.count == 1);
    assert_int_equal(read.err.code, E_TIMEOUT);
    assert_string_equal(json_str(read.body, "status"), "queued"); /* as it is then */
    ack(x, id, 1);
    UNTIL(x, server.count == 1);
    assert_int_equal(server.err.code, 0);
    assert_string_equal(json_str(server.body, "status"), "sent");
    assert_int_equal(device.count, 0);
    ack(x, id, 3);
    UNTIL(x, device.count == 1);
    assert_string_equal(json_str(device.body, "status"), "read");
    /* What is there already is answered, but not inside the call. */
    bridge_message_wait(x->b, "default", "main", id, BRIDGE_ACK_READ, 60000, box_on_answer, &late);
    assert_int_equal(late.count, 0);
    UNTIL(x, late.count == 1);
    assert_int_equal(late.err.code, 0);
    json_decref(server.body);
    json_decref(device.body);
    json_decref(read.body);
    json_decref(late.body);
    json_decref(m);
}

static void waits_end_with_a_failure_or_the_stop(void **state)
{
    struct box *x = *state;
    json_t *fails = send_now(x, HI), *stays = send_now(x, HI);
    struct box_answer a = {0}, b = {0}, c = {0}, d = {0};
    struct channel_message in = box_message("3AAA01", "x", 1795258800000);
    uint64_t before = box_seq(x);
    box_hear(x, &in);
    UNTIL(x, box_seq(x) == before + 1);
    bridge_message_wait(x->b, "default", "main", json_str(fails, "id"), BRIDGE_ACK_READ, 60000,
                        box_on_answer, &a);
    bridge_message_wait(x->b, "default", "main", json_str(stays, "id"), BRIDGE_ACK_READ, 60000,
                        box_on_answer, &b);
    bridge_message_wait(x->b, "default", "main", "3EB0NONE", BRIDGE_ACK_READ, 60000, box_on_answer,
                        &c);
    bridge_message_wait(x->b, "default", "main", "3AAA01", BRIDGE_ACK_READ, 60000, box_on_answer,
                        &d);
    ack(x, json_str(fails, "id"), -1);
    UNTIL(x, a.count + c.count + d.count == 3);
    assert_int_equal(a.err.code, 0);
    assert_string_equal(json_str(a.body, "status"), "failed");
    assert_string_equal(err_word_of(&c.err), "unknown_message");
    assert_int_equal(d.err.code, E_STATE);
    box_close(x);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.err.code, E_CANCELED);
    box_open(x);
    json_decref(a.body);
    json_decref(b.body);
    json_decref(fails);
    json_decref(stays);
}

static void waits_are_bounded(void **state)
{
    struct box *x = *state;
    json_t *m = send_now(x, HI);
    struct box_answer waiting = {0}, refused = {0};
    for (unsigned i = 0; i < 4096; i++) {
        bridge_message_wait(x->b, "default", "main", json_str(m, "id"), BRIDGE_ACK_SERVER, 60000,
                            box_on_answer, &waiting);
    }
    bridge_message_wait(x->b, "default", "main", json_str(m, "id"), BRIDGE_ACK_SERVER, 60000,
                        box_on_answer, &refused);
    UNTIL(x, refused.count == 1);
    assert_int_equal(refused.err.code, E_LIMIT);
    assert_int_equal(waiting.count, 0);
    ack(x, json_str(m, "id"), 1);
    UNTIL(x, waiting.count == 4096);
    json_decref(waiting.body);
    json_decref(m);
}

/* Accepted in one turn of the loop and stopped in the same: each answer holds. */
static void a_stop_keeps_what_was_accepted(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0};
    for (unsigned i = 0; i < 300; i++) {
        box_send(x, HI, NULL, &a);
    }
    box_close(x);
    assert_int_equal(a.count, 300);
    assert_int_equal(a.err.code, 0);
    box_open(x);
    assert_int_equal(queued(x), 300);
    json_decref(a.body);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_only_go_forward),
        T(accepted_is_durable_and_told),
        T(one_key_is_one_message),
        T(a_bad_key_is_refused),
        T(a_bad_body_is_answered_from_the_loop),
        T(a_full_queue_says_so),
        T(ready_can_be_required),
        T(unknown_sessions_are_named),
        T(the_tenants_country_completes_numbers),
        T(a_known_person_is_written_to_in_their_chat),
        T(what_expired_before_is_refused),
        T(what_expires_in_the_queue_fails),
        T(acks_move_it_forward_once),
        T(an_id_taken_elsewhere_does_not_catch_the_acks),
        T(a_refusal_fails_it),
        T(waits_end_with_their_ack),
        T(waits_end_with_a_failure_or_the_stop),
        T(waits_are_bounded),
        T(a_stop_keeps_what_was_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
