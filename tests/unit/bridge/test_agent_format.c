/* What agents' endpoints are told, and what of their answers is understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent_format.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static json_t *parsed(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    assert_non_null(v);
    return v;
}

static void assert_words(const char *message, const char *words)
{
    struct buf b;
    json_t *m = parsed(message);
    buf_init(&b, 4096);
    assert_int_equal(agent_message_text(m, &b), 0);
    assert_string_equal(b.data, words);
    buf_finish(&b);
    json_decref(m);
}

static void test_messages_as_words(void **state)
{
    (void)state;
    assert_words("{\"type\":\"text\",\"text\":\"hi\"}", "hi");
    assert_words("{\"type\":\"image\",\"text\":\"see this\",\"media\":{\"filename\":null}}",
                 "[image] see this");
    assert_words("{\"type\":\"document\",\"text\":\"\",\"media\":{\"filename\":\"a.pdf\"}}",
                 "[document: a.pdf]");
    assert_words("{\"type\":\"location\",\"text\":\"\",\"location\":{\"latitude\":1.5,"
                 "\"longitude\":-2,\"name\":\"Home\"}}",
                 "[location: 1.500000, -2.000000, Home]");
    assert_words("{\"type\":\"poll\",\"poll\":{\"question\":\"When?\",\"options\":[\"now\",2]}}",
                 "[poll: When? | now]");
    assert_words("{\"type\":\"contacts\",\"contacts\":[{\"name\":\"Ann\",\"phones\":[\"+1\"]},"
                 "{\"name\":\"Bo\",\"phones\":[]}]}",
                 "[contacts: Ann +1, Bo ]");
    assert_words("{}", "[unknown]");
}

static void test_turns(void **state)
{
    (void)state;
    static const struct {
        const char *message, *role;
    } cases[] = {
        {"{\"direction\":\"in\",\"type\":\"text\",\"text\":\"a\"}", "user"},
        {"{\"direction\":\"out\",\"type\":\"text\",\"text\":\"a\",\"source\":\"agent\"}", "agent"},
        {"{\"direction\":\"out\",\"type\":\"text\",\"text\":\"a\",\"source\":\"phone\"}", "human"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *m = parsed(cases[i].message);
        json_t *turn = agent_turn(m);
        assert_string_equal(json_str(turn, "role"), cases[i].role);
        json_decref(turn);
        json_decref(m);
    }
}

static json_t *asked(enum agent_kind kind, bool create)
{
    json_t *messages = parsed("[{\"id\":\"1\",\"type\":\"text\",\"text\":\"one\"},"
                              "{\"id\":\"2\",\"type\":\"text\",\"text\":\"two\",\"chat\":"
                              "{\"id\":\"1@lid\"}}]");
    json_t *history = parsed("[{\"role\":\"user\",\"text\":\"u\"},{\"role\":\"human\",\"text\":"
                             "\"h\"},{\"role\":\"agent\",\"text\":\"a\"}]");
    const struct agent_ask a = {
        .kind = kind,
        .tenant = "acme",
        .session = "main",
        .conversation_id = create ? NULL : "c1",
        .model = "m",
        .system_prompt = "be kind",
        .agent_id = "agent_1",
        .messages = messages,
        .history = history,
    };
    size_t len = 0;
    char *text = create ? agent_write_create(&a, &len) : agent_write_ask(&a, &len);
    assert_non_null(text);
    assert_int_equal(strlen(text), len);
    json_t *o = parsed(text);
    free(text);
    json_decref(messages);
    json_decref(history);
    return o;
}

static void assert_json(json_t *o, const char *want)
{
    json_t *w = parsed(want);
    if (!json_equal(o, w)) {
        char *text = json_text(o, NULL);
        fail_msg("got %s", text);
    }
    json_decref(w);
    json_decref(o);
}

static void test_requests(void **state)
{
    (void)state;
    assert_json(asked(AGENT_RETELL, true),
                "{\"agent_id\":\"agent_1\",\"metadata\":{\"tenant\":\"acme\",\"session\":\"main\","
                "\"chat\":\"1@lid\"}}");
    assert_json(asked(AGENT_RETELL, false), "{\"chat_id\":\"c1\",\"content\":\"one\\ntwo\"}");
    assert_json(asked(AGENT_OPENAI, false),
                "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be kind\"},"
                "{\"role\":\"user\",\"content\":\"u\"},{\"role\":\"assistant\",\"content\":\"h\"},"
                "{\"role\":\"assistant\",\"content\":\"a\"},"
                "{\"role\":\"user\",\"content\":\"one\\ntwo\"}]}");
    json_t *o = asked(AGENT_HTTP, false);
    assert_string_equal(json_str(o, "conversation_id"), "c1");
    assert_string_equal(json_str(json_obj(o, "message"), "id"), "2");
    assert_int_equal(json_array_size(json_arr(o, "messages")), 2);
    assert_int_equal(json_array_size(json_arr(o, "history")), 3);
    json_decref(o);
}

/* want NULL: refused. */
static void assert_answer(enum agent_kind kind, const char *text, const char *want, bool handover)
{
    struct agent_answer a;
    struct err e;
    int rc = agent_read_answer(kind, AGENT_MARKER, text, strlen(text), &a, &e);
    if (want == NULL) {
        assert_int_equal(rc, E_PROTO);
        assert_true(e.msg[0] != '\0');
    } else {
        assert_int_equal(rc, 0);
        assert_int_equal(a.handover, handover);
        assert_json(json_incref(a.replies), want);
    }
    agent_answer_finish(&a);
}

static void test_answers(void **state)
{
    (void)state;
    assert_answer(AGENT_HTTP, "", "[]", false);
    assert_answer(AGENT_HTTP, "{}", "[]", false);
    assert_answer(AGENT_HTTP, "{\"replies\":null,\"handover\":true}", "[]", true);
    assert_answer(AGENT_HTTP, "{\"replies\":[\"plain\",{\"text\":\"t\",\"to\":\"1@lid\"}]}",
                  "[{\"text\":\"plain\"},{\"text\":\"t\"}]", false);
    assert_answer(AGENT_HTTP, "{\"replies\":[{\"image\":{\"url\":\"https://x/y\"},\"to\":\"z\"}]}",
                  "[{\"image\":{\"url\":\"https://x/y\"}}]", false);
    assert_answer(AGENT_HTTP, "{\"replies\":[{\"text\":\"bye [[handover]] now\"}]}",
                  "[{\"text\":\"bye\\nnow\"}]", true);
    assert_answer(AGENT_HTTP, "{\"replies\":[{\"text\":\" [[handover]]\"}]}", "[]", true);
    assert_answer(AGENT_HTTP, "{\"replies\":{}}", NULL, false);
    assert_answer(AGENT_HTTP, "{\"replies\":[3]}", NULL, false);
    assert_answer(AGENT_HTTP, "{\"conversation_id\":7}", NULL, false);
    assert_answer(AGENT_HTTP, "[]", NULL, false);
    assert_answer(AGENT_HTTP, "{", NULL, false);

    assert_answer(AGENT_RETELL,
                  "{\"messages\":[{\"role\":\"tool_call_result\",\"content\":\"x\"},"
                  "{\"role\":\"agent\",\"content\":\"hi\"}]}",
                  "[{\"text\":\"hi\"}]", false);
    assert_answer(AGENT_RETELL, "{}", NULL, false);

    assert_answer(AGENT_OPENAI, "{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}",
                  "[{\"text\":\"hi\"}]", false);
    assert_answer(AGENT_OPENAI, "{\"choices\":[{\"message\":{\"content\":\"ok [[handover]]\"}}]}",
                  "[{\"text\":\"ok\"}]", true);
    assert_answer(AGENT_OPENAI,
                  "{\"choices\":[{\"message\":{\"content\":"
                  "\"{\\\"replies\\\":[{\\\"text\\\":\\\"j\\\"}],\\\"handover\\\":true}\"}}]}",
                  "[{\"text\":\"j\"}]", true);
    assert_answer(AGENT_OPENAI, "{\"choices\":[{\"message\":{\"content\":\"{\\\"a\\\":1}\"}}]}",
                  "[{\"text\":\"{\\\"a\\\":1}\"}]", false);
    assert_answer(AGENT_OPENAI, "{\"choices\":[]}", NULL, false);
    assert_answer(AGENT_OPENAI, "{\"error\":{\"message\":\"no\"}}", NULL, false);
}

static void test_too_many_replies(void **state)
{
    (void)state;
    struct agent_answer a;
    struct err e;
    const char *text = "{\"replies\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\","
                       "\"11\",{\"image\":{}}]}";
    assert_int_equal(agent_read_answer(AGENT_HTTP, AGENT_MARKER, text, strlen(text), &a, &e), 0);
    assert_int_equal(json_array_size(a.replies), AGENT_MAX_REPLIES);
    assert_int_equal(a.dropped, 2);
    agent_answer_finish(&a);
}

static void test_created(void **state)
{
    (void)state;
    char id[AGENT_CONVERSATION_MAX + 1];
    struct err e;
    const char *good = "{\"chat_id\":\"x1\"}", *none = "{\"chat_id\":\"\"}";
    assert_int_equal(agent_read_created(good, strlen(good), id, &e), 0);
    assert_string_equal(id, "x1");
    assert_int_equal(agent_read_created(none, strlen(none), id, &e), E_PROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_as_words), cmocka_unit_test(test_turns),
        cmocka_unit_test(test_requests),          cmocka_unit_test(test_answers),
        cmocka_unit_test(test_too_many_replies),  cmocka_unit_test(test_created),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
