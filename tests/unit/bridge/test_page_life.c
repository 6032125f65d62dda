/*
 * A page on a browser that is played by this file: what it asks for and in which order, which
 * events pass, and that every call is answered once, from the loop, whatever happens.
 */
#include "page_fixture.h"

#define HELLO "{\"k\":\"hello\",\"adapter\":\"1\",\"wa_js\":\"4\",\"url\":\"u\"}"
#define LOGOUT(why) "{\"k\":\"logout\",\"why\":\"" why "\"}"

/* ---- tests -------------------------------------------------------------------------------- */

static void opens_in_order(void **state)
{
    (void)state;
    close_and_wait(running_page());
    assert_int_equal(seen.troubles, 0);
}

static void only_the_living_document_is_heard(void **state)
{
    struct page *p = running_page();
    (void)state;
    says("one", LOGOUT("too early"));
    assert_int_equal(seen.events, 0);
    says("one", HELLO "," LOGOUT("first"));
    assert_int_equal(seen.events, 2);
    assert_string_equal(seen.text, "first");
    happens("Runtime.executionContextsCleared", "{}");
    assert_int_equal(seen.unloads, 1);
    says("one", LOGOUT("from the grave"));
    assert_string_equal(seen.text, "first");
    says("two", HELLO);
    says("one", LOGOUT("from the grave"));
    assert_string_equal(seen.text, "first");
    says("two", LOGOUT("second"));
    assert_string_equal(seen.text, "second");
    assert_int_equal(seen.hellos, 2);
    close_and_wait(p);
}

static void hostile_batches_are_dropped(void **state)
{
    struct page *p = running_page();
    (void)state;
    happens("Runtime.bindingCalled", "");
    happens("Runtime.bindingCalled", "{\"name\":\"__wabridgeEvents\"}");
    happens("Runtime.bindingCalled", "{\"name\":\"__wabridgeEvents\",\"payload\":7}");
    happens("Runtime.bindingCalled", "{\"name\":\"__wabridgeEvents\",\"payload\":\"{\"}");
    happens("Runtime.bindingCalled", "{\"name\":\"other\",\"payload\":\"{}\"}");
    happens("Some.event", "not json");
    assert_int_equal(seen.events, 0);
    assert_int_equal(seen.troubles, 0);
    close_and_wait(p);
}

static void a_page_may_be_closed_inside_an_event(void **state)
{
    struct page *p = running_page();
    (void)state;
    seen.close_on_event = p;
    says("one", HELLO "," LOGOUT("never told"));
    assert_int_equal(seen.events, 1);
    while (!closed) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static void a_failed_step_is_fatal(void **state)
{
    struct err e;
    (void)state;
    struct page *p = open_page();
    err_set(&e, E_CLOSED, "no target");
    browser_page.o.on_opened(browser_page.o.arg, &e);
    assert_int_equal(seen.troubles, 1);
    assert_true(seen.fatal);
    close_and_wait(p);

    p = open_page();
    browser_page.o.on_opened(browser_page.o.arg, NULL);
    err_set(&e, E_PROTO, "no binding");
    answer(0, &e, NULL);
    assert_true(seen.fatal);
    browser_page.o.on_gone(browser_page.o.arg, &e); /* told once only */
    assert_int_equal(seen.troubles, 1);
    close_and_wait(p);
}

static void an_address_that_does_not_load_is_trouble(void **state)
{
    struct page *p = running_page();
    (void)state;
    page_reload(p);
    answer(0, NULL, "{\"frameId\":\"F\",\"errorText\":\"net::ERR_NAME_NOT_RESOLVED\"}");
    assert_int_equal(seen.troubles, 1);
    assert_false(seen.fatal);
    assert_int_equal(seen.why.code, E_UNAVAILABLE);
    page_reload(p); /* overtaken by another navigation: nothing went wrong */
    answer(0, NULL, "{\"frameId\":\"F\",\"errorText\":\"net::ERR_ABORTED\"}");
    assert_int_equal(seen.troubles, 1);
    close_and_wait(p);
}

static void a_dialog_is_accepted(void **state)
{
    struct page *p = running_page();
    (void)state;
    happens("Page.javascriptDialogOpening", "{\"type\":\"beforeunload\"}");
    assert_string_equal(browser_page.methods[0], "Page.handleJavaScriptDialog");
    assert_non_null(strstr(browser_page.params[0], "\"accept\":true"));
    close_and_wait(p);
}

struct heard {
    unsigned times;
    int code;
    bool exists;
    struct page *close;
};

static void on_resolved(void *arg, const struct err *e, const struct channel_resolved *r)
{
    struct heard *h = arg;
    h->times++;
    h->code = e ? e->code : 0;
    h->exists = r && r->exists;
    if (h->close) {
        page_close(h->close, on_closed, NULL);
    }
}

static void run_once(void)
{
    (void)uv_run(&loop, UV_RUN_NOWAIT);
}

static const char resolved[] =
    "{\"result\":{\"type\":\"string\",\"value\":\"{\\\"ok\\\":true,\\\"value\\\":{\\\"exists\\\":"
    "true,"
    "\\\"kind\\\":\\\"user\\\",\\\"chat\\\":{\\\"id\\\":\\\"1@lid\\\"}}}\"}}";

static void a_call_is_answered_once(void **state)
{
    struct page *p = running_page();
    struct heard h = {0};
    (void)state;
    channel_resolve(page_channel(p), "5511900000001@c.us", on_resolved, &h);
    assert_string_equal(browser_page.methods[0], "Runtime.evaluate");
    assert_non_null(strstr(browser_page.params[0], "5511900000001@c.us"));
    assert_int_equal(h.times, 0);
    answer(0, NULL, resolved);
    assert_int_equal(h.times, 1);
    assert_int_equal(h.code, 0);
    assert_true(h.exists);
    close_and_wait(p);
    assert_int_equal(h.times, 1);
}

static void closing_cancels(void **state)
{
    struct page *p = running_page();
    struct heard h[5] = {{0}};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        channel_resolve(page_channel(p), "1@c.us", on_resolved, &h[i]);
    }
    close_and_wait(p);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(h[i].times, 1);
        assert_int_equal(h[i].code, E_CANCELED);
    }
}

static void an_answer_may_close_the_page(void **state)
{
    struct page *p = running_page();
    struct heard first = {.close = p}, second = {0};
    (void)state;
    channel_resolve(page_channel(p), "1@c.us", on_resolved, &first);
    channel_resolve(page_channel(p), "2@c.us", on_resolved, &second);
    answer(0, NULL, resolved);
    while (!closed) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(first.times, 1);
    assert_int_equal(second.times, 1);
    assert_int_equal(second.code, E_CANCELED);
}

static void a_dead_page_answers_from_the_loop(void **state)
{
    struct page *p = running_page();
    struct heard h = {0};
    struct err e;
    (void)state;
    err_set(&e, E_CLOSED, "crashed");
    browser_page.o.on_gone(browser_page.o.arg, &e);
    assert_true(seen.fatal);
    channel_resolve(page_channel(p), "1@c.us", on_resolved, &h);
    assert_int_equal(h.times, 0);
    run_once();
    assert_int_equal(h.times, 1);
    assert_int_equal(h.code, E_CLOSED);
    close_and_wait(p);
}

static void a_page_that_opens_is_not_ready(void **state)
{
    struct page *p = open_page();
    struct heard h = {0};
    (void)state;
    channel_resolve(page_channel(p), "1@c.us", on_resolved, &h);
    run_once();
    assert_int_equal(h.times, 1);
    assert_int_equal(h.code, E_STATE);
    close_and_wait(p);
}

/* Whichever allocation fails, the caller hears of it once, from the loop. */
static void a_lack_of_memory_is_told(void **state)
{
    struct page *p = running_page();
    long n = 0;
    (void)state;
    for (unsigned long refused = 1; refused > 0; n++) {
        struct heard h = {0};
        mem_fail_after(n);
        channel_resolve(page_channel(p), "1@c.us", on_resolved, &h);
        assert_int_equal(h.times, 0);
        mem_fail_after(-1);
        refused = browser_page.count == 0;
        if (browser_page.count > 0) {
            answer(0, NULL, resolved);
            assert_int_equal(h.code, 0);
        }
        run_once();
        assert_int_equal(h.times, 1);
        assert_true(h.code <= 0);
    }
    assert_true(n > 3);
    close_and_wait(p);
}

static void text_that_is_no_text_is_refused(void **state)
{
    struct page *p = running_page();
    struct heard h = {0};
    (void)state;
    channel_resolve(page_channel(p), "\xff\xfe@c.us", on_resolved, &h);
    assert_int_equal(browser_page.count, 0);
    run_once();
    assert_int_equal(h.times, 1);
    assert_int_equal(h.code, E_INVALID);
    close_and_wait(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_in_order),
        cmocka_unit_test(only_the_living_document_is_heard),
        cmocka_unit_test(hostile_batches_are_dropped),
        cmocka_unit_test(a_page_may_be_closed_inside_an_event),
        cmocka_unit_test(a_failed_step_is_fatal),
        cmocka_unit_test(an_address_that_does_not_load_is_trouble),
        cmocka_unit_test(a_dialog_is_accepted),
        cmocka_unit_test(a_call_is_answered_once),
        cmocka_unit_test(closing_cancels),
        cmocka_unit_test(an_answer_may_close_the_page),
        cmocka_unit_test(a_dead_page_answers_from_the_loop),
        cmocka_unit_test(a_page_that_opens_is_not_ready),
        cmocka_unit_test(a_lack_of_memory_is_told),
        cmocka_unit_test(text_that_is_no_text_is_refused),
    };
    log_init(LOG_TEXT, LOG_ERROR, 2);
    return cmocka_run_group_tests(tests, start_loop, end_loop);
}
