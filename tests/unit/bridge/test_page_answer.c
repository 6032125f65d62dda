/* Calls into the page as text, its answers, and the four kinds of errors it throws. */
#include "page_priv.h"

#include "buf.h"
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_expression_survives_any_text(void **state)
{
    static const char nasty[] = "\"); alert('x'); (\"\\ \xe2\x80\xa8 \n \xf0\x9f\x98\x80";
    struct buf out;
    struct err e;
    (void)state;
    json_t *args = json_pack("{s:s}", "text", nasty);
    buf_init(&out, 1u << 20);
    assert_int_equal(page_expression("send_text", args, &out, &e), 0);
    /* the parameters are one JSON object whose expression holds the arguments as one JSON object */
    json_t *params = json_parse(out.data, out.len, 1u << 20, &e);
    assert_non_null(params);
    assert_true(json_flag(params, "awaitPromise", false));
    assert_true(json_flag(params, "returnByValue", false));
    const char *code = json_str(params, "expression");
    static const char head[] = "window.__wabridge.call(\"send_text\",";
    assert_memory_equal(code, head, sizeof(head) - 1);
    assert_int_equal(code[strlen(code) - 1], ')');
    size_t len = strlen(code) - (sizeof(head) - 1) - 1;
    json_t *back = json_parse(code + sizeof(head) - 1, len, 1u << 20, &e);
    assert_string_equal(json_str(back, "text"), nasty);
    json_decref(back);
    json_decref(params);
    json_decref(args);
    buf_finish(&out);
}

static void an_expression_without_arguments(void **state)
{
    struct buf out;
    struct err e;
    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(page_expression("probe", NULL, &out, &e), 0);
    assert_non_null(strstr(out.data, "call(\\\"probe\\\",{})"));
    buf_finish(&out);
    buf_init(&out, 16);
    assert_int_equal(page_expression("probe", NULL, &out, &e), E_TOOLARGE);
    buf_finish(&out);
}

static json_t *answer(const char *inner, struct err *e)
{
    json_t *o = json_pack("{s:{s:s,s:s}}", "result", "type", "string", "value", inner);
    char *text = json_text(o, NULL);
    err_clear(e);
    json_t *value = page_answer(text, strlen(text), e);
    free(text);
    json_decref(o);
    return value;
}

static void an_answer_gives_its_value(void **state)
{
    struct err e;
    (void)state;
    json_t *value = answer("{\"ok\":true,\"value\":{\"ack\":2}}", &e);
    assert_int_equal(json_int(value, "ack", 0), 2);
    json_decref(value);
}

static void errors_of_the_page_become_ours(void **state)
{
    static const struct {
        const char *error;
        int code;
        const char *word;
    } rows[] = {
        /* the adapter's own refusals */
        {"{\"kind\":\"refusal\",\"code\":\"offline\",\"message\":\"m\"}", E_STATE, "page_offline"},
        {"{\"kind\":\"refusal\",\"code\":\"missing\",\"message\":\"m\"}", E_STATE,
         "capability_missing"},
        {"{\"kind\":\"refusal\",\"code\":\"reply_to_not_found\",\"message\":\"m\"}", E_INVALID,
         "reply_to_not_found"},
        {"{\"kind\":\"refusal\",\"code\":\"too_large\",\"message\":\"m\"}", E_TOOLARGE,
         "payload_too_large"},
        /* WPPError with a code */
        {"{\"kind\":\"wpp\",\"code\":\"chat_not_found\",\"message\":\"m\"}", E_NOTFOUND,
         "not_on_whatsapp"},
        {"{\"kind\":\"wpp\",\"code\":\"something_new\",\"message\":\"m\"}", E_PROTO,
         "protocol_error"},
        /* plain Error */
        {"{\"kind\":\"error\",\"code\":\"\",\"message\":\"wid error: invalid wid\"}", E_INVALID,
         "invalid_chat"},
        {"{\"kind\":\"error\",\"code\":\"\",\"message\":\"No LID for user\"}", E_NOTFOUND,
         "not_on_whatsapp"},
        {"{\"kind\":\"error\",\"code\":\"\",\"message\":\"boom\"}", E_PROTO, "protocol_error"},
        /* a rejected string, a rejected object */
        {"{\"kind\":\"string\",\"code\":\"\",\"message\":\"nope\"}", E_PROTO, "protocol_error"},
        {"{\"kind\":\"object\",\"code\":\"\",\"message\":\"{}\"}", E_PROTO, "protocol_error"},
        {"{}", E_PROTO, "protocol_error"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err e;
        char inner[512];
        (void)snprintf(inner, sizeof(inner), "{\"ok\":false,\"error\":%s}", rows[i].error);
        assert_null(answer(inner, &e));
        assert_int_equal(e.code, rows[i].code);
        assert_string_equal(err_word_of(&e), rows[i].word);
        assert_true(e.msg[0] != '\0');
    }
}

static void an_error_message_is_cleaned(void **state)
{
    struct err e;
    (void)state;
    assert_null(answer(
        "{\"ok\":false,\"error\":{\"code\":\"\",\"message\":\"a\\u0007b\\u001b[31m\"}}", &e));
    assert_null(strchr(e.msg, '\x1b'));
    assert_null(strchr(e.msg, '\a'));
    assert_non_null(strstr(e.msg, "ab[31m"));
}

static void answers_that_are_none(void **state)
{
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "{\"result\":{}}",
        "{\"result\":{\"type\":\"undefined\"}}",
        "{\"result\":{\"type\":\"number\",\"value\":7}}",
        "{\"result\":{\"type\":\"string\",\"value\":\"\"}}",
        "{\"result\":{\"type\":\"string\",\"value\":\"not json\"}}",
        "{\"result\":{\"type\":\"string\",\"value\":\"{}\"}}",
        "{\"result\":{\"type\":\"string\",\"value\":\"{\\\"ok\\\":true}\"}}",
        "{\"result\":{\"type\":\"string\",\"value\":\"{\\\"ok\\\":true,\\\"value\\\":[]}\"}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err e;
        err_clear(&e);
        assert_null(page_answer(rows[i], strlen(rows[i]), &e));
        assert_true(e.code < 0);
    }
}

static void a_page_without_adapter_is_not_ready(void **state)
{
    static const char text[] =
        "{\"result\":{\"type\":\"object\"},\"exceptionDetails\":{\"text\":\"Uncaught\","
        "\"exception\":{\"description\":\"TypeError: Cannot read properties of undefined "
        "(reading 'call')\"}}}";
    struct err e;
    (void)state;
    assert_null(page_answer(text, sizeof(text) - 1, &e));
    assert_int_equal(e.code, E_STATE);
    assert_string_equal(err_word_of(&e), "page_not_ready");
}

static void a_document_that_left_is_closed(void **state)
{
    struct err from, to;
    (void)state;
    err_set(&from, E_PROTO, "Execution context was destroyed.");
    page_call_error(&from, &to);
    assert_int_equal(to.code, E_CLOSED);
    err_set(&from, E_PROTO, "Inspected target navigated or closed");
    page_call_error(&from, &to);
    assert_int_equal(to.code, E_CLOSED);
    err_set(&from, E_PROTO, "something else");
    page_call_error(&from, &to);
    assert_int_equal(to.code, E_PROTO);
    err_set(&from, E_TIMEOUT, "context was destroyed");
    page_call_error(&from, &to);
    assert_int_equal(to.code, E_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expression_survives_any_text),
        cmocka_unit_test(an_expression_without_arguments),
        cmocka_unit_test(an_answer_gives_its_value),
        cmocka_unit_test(errors_of_the_page_become_ours),
        cmocka_unit_test(an_error_message_is_cleaned),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(a_page_without_adapter_is_not_ready),
        cmocka_unit_test(a_document_that_left_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
