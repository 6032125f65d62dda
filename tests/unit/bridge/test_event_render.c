/* An event as text, and the lane of a chat (pure). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "json.h"
#include "relay_priv.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define ID "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"

static void rendered_as_the_contract_says(void **state)
{
    (void)state;
    struct buf out;
    static const char data[] = "{\"text\":\"ol\xc3\xa1 \\\"x\\\"\"}";
    struct event_draft d = {.tenant = "acme",
                            .session = "main",
                            .type = "message.received",
                            .chat_lane = "5511988887777",
                            .data = data,
                            .data_len = sizeof(data) - 1};
    buf_init(&out, 4096);
    assert_int_equal(event_render(&out, &d, ID, 17, 1700000000123), 0);
    assert_string_equal(out.data, "{\"id\":\"" ID "\",\"type\":\"message.received\",\"seq\":17,"
                                  "\"occurred_at\":\"2023-11-14T22:13:20.123Z\",\"tenant\":"
                                  "\"acme\",\"session\":\"main\",\"data\":{\"text\":"
                                  "\"ol\xc3\xa1 \\\"x\\\"\"}}");
    buf_reset(&out);
    d.session = NULL;
    d.data = NULL;
    d.data_len = 0;
    assert_int_equal(event_render(&out, &d, ID, 18, 0), 0);
    json_t *event = json_parse(out.data, out.len, 4096, NULL);
    assert_true(json_is_null(json_object_get(event, "session")));
    assert_int_equal(json_object_size(json_obj(event, "data")), 0);
    json_decref(event);
    buf_finish(&out);
    buf_init(&out, 50); /* too small is an error, not half an event */
    assert_int_equal(event_render(&out, &d, ID, 18, 0), E_TOOLARGE);
    buf_finish(&out);
}

static void head_reads_what_render_wrote(void **state)
{
    (void)state;
    char id[EVENT_ID_LEN], type[EVENT_TYPE_LEN];
    const char *good = "{\"id\":\"" ID "\",\"type\":\"message.received\",\"seq\":17}";
    assert_int_equal(event_head(good, strlen(good), id, type), 0);
    assert_string_equal(id, ID);
    assert_string_equal(type, "message.received");
    size_t whole = strlen("{\"id\":\"" ID "\",\"type\":\"message.received\"");
    for (size_t len = 0; len < whole; len++) {
        assert_int_equal(event_head(good, len, id, type), E_PROTO);
    }
    assert_int_equal(event_head(good, whole, id, type), 0);
    static const char *const bad[] = {"{}", "{\"id\":\"\",\"type\":\"x\"}", "{\"type\":\"x\"}",
                                      "{\"id\":\"" ID ID "\",\"type\":\"x\"}",
                                      "{\"id\":\"" ID "\",\"seq\":1}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(event_head(bad[i], strlen(bad[i]), id, type), E_PROTO);
    }
}

static void lanes_tell_chats_apart(void **state)
{
    (void)state;
    assert_int_equal(event_lane("main", NULL), 0);
    assert_int_equal(event_lane(NULL, NULL), 0);
    assert_true(event_lane("main", "a") == event_lane("main", "a"));
    assert_true(event_lane("main", "a") != event_lane("main", "b"));
    assert_true(event_lane("main", "a") != event_lane("sales", "a"));
    assert_true(event_lane("ab", "c") != event_lane("a", "bc"));
    uint64_t seen[1000];
    for (unsigned i = 0; i < 1000; i++) {
        char chat[32];
        snprintf(chat, sizeof(chat), "55119%08u", i);
        seen[i] = event_lane("main", chat);
        assert_true(seen[i] != 0);
        for (unsigned j = 0; j < i; j++) {
            assert_true(seen[j] != seen[i]);
        }
    }
}

static void patterns_match_types(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *type;
        bool matches;
    } table[] = {
        {"*", "message.received", true},
        {"message.*", "message.received", true},
        {"message.*", "message.status", true},
        {"message.*", "session.status", false},
        {"message.*", "message", false},
        {"message.received", "message.received", true},
        {"message.received", "message.receive", false},
        {"*.status", "session.status", true},
        {"*.status", "message.received", false},
        {"alert.*", "alert.webhook_failing", true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_true(webhook_pattern_valid(table[i].pattern));
        assert_int_equal(text_glob(table[i].pattern, table[i].type), table[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rendered_as_the_contract_says),
        cmocka_unit_test(head_reads_what_render_wrote),
        cmocka_unit_test(lanes_tell_chats_apart),
        cmocka_unit_test(patterns_match_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
