/* Requests and events against real browsers, over both transports and with both programs. */
#include "fixture.h"

#include <time.h>

static const struct variant SHELL_PIPE = {SHELL_PATH, CDP_PIPE};
static const struct variant SHELL_WS = {SHELL_PATH, CDP_WEBSOCKET};
static const struct variant CHROMIUM_PIPE = {CHROMIUM_PATH, CDP_PIPE};
static const struct variant CHROMIUM_WS = {CHROMIUM_PATH, CDP_WEBSOCKET};

static double now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void test_evaluate(void **state)
{
    struct fx fx;
    struct answer a;
    fx_up(&fx, *state);
    assert_non_null(strstr(cdp_browser_version(fx.browser), "Chrome/"));
    assert_true(cdp_browser_pid(fx.browser) > 0);

    fx_eval(&fx, &a, "6*7");
    assert_int_equal(a.code, 0);
    assert_non_null(strstr(a.text, "\"value\":42"));
    free(a.text);

    /* the protocol's own error is told in its words */
    fx_call(&fx, &a, "No.suchMethod", NULL, 0);
    fx_wait(&fx, &a.count, 1);
    assert_int_equal(a.code, E_PROTO);
    assert_non_null(strstr(a.msg, "No.suchMethod"));

    /* a broken string comes back readable */
    fx_eval(&fx, &a, "'a'+String.fromCharCode(0xd83d)+'z'");
    assert_int_equal(a.code, 0);
    assert_non_null(strstr(a.text, "a\\ufffdz"));
    free(a.text);
    fx_close(&fx);
}

static void test_large_result(void **state)
{
    struct fx fx;
    struct answer a;
    fx_up(&fx, *state);
    double t0 = now_ms();
    fx_eval(&fx, &a, "'x'.repeat(30*1024*1024)");
    print_message("30 MiB result: %.0f ms\n", now_ms() - t0);
    assert_int_equal(a.code, 0);
    const char *first = strchr(a.text, 'x');
    assert_non_null(first);
    assert_int_equal(strspn(first, "x"), 30 * 1024 * 1024);
    free(a.text);

    /* past the limit only that call fails */
    fx_eval(&fx, &a, "'x'.repeat(65*1024*1024)");
    assert_int_equal(a.code, E_TOOLARGE);
    fx_eval(&fx, &a, "1+1");
    assert_int_equal(a.code, 0);
    assert_non_null(strstr(a.text, "\"value\":2"));
    free(a.text);
    fx_close(&fx);
}

static void send_argument(struct fx *fx, size_t bytes)
{
    static const char before[] = "{\"returnByValue\":true,\"expression\":\"'";
    static const char after[] = "'.length\"}";
    struct answer a;
    char expected[64];
    char *params = malloc(bytes + sizeof(before) + sizeof(after));
    assert_non_null(params);
    size_t at = sizeof(before) - 1;
    memcpy(params, before, at);
    memset(params + at, 'y', bytes);
    memcpy(params + at + bytes, after, sizeof(after));
    double t0 = now_ms();
    fx_call(fx, &a, "Runtime.evaluate", params, PATIENT_MS);
    memset(params, '!', at + bytes); /* it was borrowed for the call only */
    free(params);
    fx_wait(fx, &a.count, 1);
    print_message("%zu MiB argument: %.0f ms\n", bytes >> 20, now_ms() - t0);
    if (a.code != 0) {
        fail_msg("%s", a.msg);
    }
    snprintf(expected, sizeof(expected), "\"value\":%zu", bytes);
    assert_non_null(strstr(a.text, expected));
    free(a.text);
}

static void test_large_argument(void **state)
{
    struct fx fx;
    struct answer a;
    fx_up(&fx, *state);
    send_argument(&fx, (size_t)20 << 20);
    send_argument(&fx, (size_t)60 << 20);

    size_t len = CDP_MAX_FRAME + 1;
    char *params = malloc(len);
    assert_non_null(params);
    memset(params, ' ', len);
    memset(&a, 0, sizeof(a));
    a.call.data = &a;
    cdp_page_call(fx.page, &a.call, "Runtime.evaluate", params, len, 0, on_answer);
    free(params);
    assert_int_equal(a.count, 0);
    fx_wait(&fx, &a.count, 1);
    assert_int_equal(a.code, E_TOOLARGE);
    fx_close(&fx);
}

static void test_many_calls(void **state)
{
    enum { N = 500 };
    static struct answer answers[N];
    struct fx fx;
    int done = 0;
    fx_up(&fx, *state);
    for (int i = 0; i < N; i++) {
        char params[64];
        snprintf(params, sizeof(params), "{\"expression\":\"%d\"}", i);
        fx_call(&fx, &answers[i], "Runtime.evaluate", params, 0);
    }
    for (int i = 0; i < N; i++) {
        char expected[64];
        fx_wait(&fx, &answers[i].count, 1);
        snprintf(expected, sizeof(expected), "\"value\":%d,", i);
        assert_int_equal(answers[i].code, 0);
        assert_non_null(strstr(answers[i].text, expected)); /* each got its own */
        free(answers[i].text);
        done += answers[i].count;
    }
    assert_int_equal(done, N);
    fx_close(&fx);
}

static void test_limit_of_calls(void **state)
{
    enum { N = CDP_MAX_CALLS + 1 };
    static struct answer answers[N];
    static const char endless[] = "{\"expression\":\"new Promise(()=>{})\",\"awaitPromise\":true}";
    struct fx fx;
    fx_up(&fx, *state);
    for (int i = 0; i < N; i++) {
        fx_call(&fx, &answers[i], "Runtime.evaluate", endless, 0);
    }
    fx_wait(&fx, &answers[N - 1].count, 1);
    assert_int_equal(answers[N - 1].code, E_LIMIT);
    assert_int_equal(answers[0].count, 0);
    fx_close_page(&fx);
    for (int i = 0; i < N - 1; i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_equal(answers[i].code, E_CANCELED);
    }
    fx_close(&fx);
}

static void test_binding_event(void **state)
{
    struct fx fx;
    struct answer a;
    fx_up(&fx, *state);
    strcpy(fx.wanted, "Runtime.bindingCalled");
    fx_call(&fx, &a, "Runtime.addBinding", "{\"name\":\"tell\"}", 0);
    fx_wait(&fx, &a.count, 1);
    assert_int_equal(a.code, 0);
    free(a.text);
    fx_eval(&fx, &a, "tell('hello'+String.fromCharCode(0xdc00))");
    free(a.text);
    fx_wait(&fx, &fx.wanted_count, 1);
    assert_non_null(strstr(fx.event, "hello\\ufffd"));
    assert_non_null(strstr(fx.event, "\"name\":\"tell\""));
    fx_close(&fx);
}

static void test_timeout_and_cancel(void **state)
{
    static const char endless[] = "{\"expression\":\"new Promise(()=>{})\",\"awaitPromise\":true}";
    struct fx fx;
    struct answer slow, quick, canceled, fine;
    fx_up(&fx, *state);

    fx_call(&fx, &slow, "Runtime.evaluate", endless, PATIENT_MS);
    fx_call(&fx, &quick, "Runtime.evaluate", endless, 100);
    fx_call(&fx, &canceled, "Runtime.evaluate", endless, 0);
    fx_wait(&fx, &quick.count, 1);
    assert_int_equal(quick.code, E_TIMEOUT);
    assert_int_equal(slow.count, 0); /* each has its own deadline */

    cdp_call_cancel(&canceled.call);
    assert_int_equal(canceled.count, 0);
    cdp_call_cancel(&canceled.call); /* twice is once */
    fx_wait(&fx, &canceled.count, 1);
    assert_int_equal(canceled.code, E_CANCELED);
    cdp_call_cancel(&canceled.call);
    assert_int_equal(slow.count, 0);
    cdp_call_cancel(&slow.call);
    fx_wait(&fx, &slow.count, 1);
    assert_int_equal(slow.code, E_CANCELED);

    /* taken back before it was written: then it must not run */
    fx_call(&fx, &canceled, "Runtime.evaluate", "{\"expression\":\"window.ran=1\"}", 0);
    cdp_call_cancel(&canceled.call);
    fx_wait(&fx, &canceled.count, 1);
    fx_eval(&fx, &fine, "typeof window.ran");
    assert_int_equal(fine.code, 0);
    assert_non_null(strstr(fine.text, "undefined"));
    free(fine.text);
    assert_int_equal(canceled.count, 1);
    assert_int_equal(slow.count, 1);
    assert_int_equal(quick.count, 1);
    fx_close(&fx);
}

static void test_two_pages(void **state)
{
    struct fx fx, other;
    struct answer a;
    struct err e;
    fx_up(&fx, *state);
    memset(&other, 0, sizeof(other));
    other.po = fx.po;
    other.po.arg = &other;
    assert_int_equal(cdp_page_open(fx.browser, &other.po, &other.page, &e), 0);
    fx_wait(&fx, &other.opened, 1);
    assert_int_equal(other.open_err.code, 0);
    fx_eval(&fx, &a, "window.mark='first'");
    free(a.text);
    fx_call(&other, &a, "Runtime.evaluate", "{\"expression\":\"typeof window.mark\"}", 0);
    fx_wait(&fx, &a.count, 1);
    assert_non_null(strstr(a.text, "undefined")); /* it is another page */
    free(a.text);
    cdp_page_close(other.page, fx_set_flag, &other.page_closed);
    fx_wait_flag(&fx, &other.page_closed);
    fx_eval(&fx, &a, "window.mark");
    assert_non_null(strstr(a.text, "first"));
    free(a.text);
    /* the last page may go without the browser going */
    fx_close_page(&fx);
    assert_int_equal(fx.gone, 0);
    fx_open(&fx);
    fx_eval(&fx, &a, "typeof window.mark");
    assert_non_null(strstr(a.text, "undefined"));
    free(a.text);
    assert_int_equal(fx.gone, 0);
    fx_close(&fx);
}

#define ON(test, variant)                                                                          \
    {                                                                                              \
        .name = #test " " #variant, .test_func = test,                                             \
        .initial_state = (void *)(uintptr_t)&variant                                               \
    }
#define ON_ALL(test)                                                                               \
    ON(test, SHELL_PIPE), ON(test, SHELL_WS), ON(test, CHROMIUM_PIPE), ON(test, CHROMIUM_WS)

int main(void)
{
    log_init(LOG_TEXT, LOG_WARN, 2);
    const struct CMUnitTest tests[] = {
        ON_ALL(test_evaluate),
        /* seconds each: every transport and every program once */
        ON(test_large_result, SHELL_PIPE),
        ON(test_large_result, CHROMIUM_WS),
        ON(test_large_argument, SHELL_PIPE),
        ON(test_large_argument, CHROMIUM_WS),
        ON_ALL(test_binding_event),
        ON_ALL(test_two_pages),
        ON(test_many_calls, SHELL_PIPE),
        ON(test_many_calls, SHELL_WS),
        ON(test_limit_of_calls, SHELL_PIPE),
        ON(test_timeout_and_cancel, SHELL_PIPE),
        ON(test_timeout_and_cancel, SHELL_WS),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
