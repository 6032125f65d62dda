/*
 * A page on a browser that is played by the test: its calls wait in browser_page until the test
 * answers them. One page at a time.
 */
#ifndef PAGE_FIXTURE_H
#define PAGE_FIXTURE_H

#include "page_priv.h"

#include "buf.h"
#include "json.h"
#include "mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INFLIGHT 64

/* ---- the browser's side ------------------------------------------------------------------- */

struct cdp_page {
    struct cdp_page_options o;
    struct cdp_call *calls[INFLIGHT];
    char methods[INFLIGHT][64];
    char *params[INFLIGHT];
    size_t count;
    uv_timer_t closing;
    void (*on_closed)(void *arg);
    void *arg;
};

static uv_loop_t loop;
static struct cdp_page browser_page;
static bool closed;

int cdp_page_open(struct cdp_browser *b, const struct cdp_page_options *o, struct cdp_page **out,
                  struct err *e)
{
    (void)b;
    (void)e;
    memset(&browser_page, 0, sizeof(browser_page));
    browser_page.o = *o;
    *out = &browser_page;
    return 0;
}

void cdp_page_call(struct cdp_page *p, struct cdp_call *call, const char *method,
                   const char *params, size_t params_len, uint64_t timeout_ms, cdp_call_cb cb)
{
    (void)timeout_ms;
    assert_false(call->active);
    assert_true(p->count < INFLIGHT);
    call->cb = cb;
    call->active = true;
    (void)snprintf(p->methods[p->count], sizeof(p->methods[0]), "%s", method);
    p->params[p->count] = strndup(params ? params : "{}", params ? params_len : 2);
    p->calls[p->count++] = call;
}

static inline void answer(size_t i, const struct err *e, const char *result)
{
    struct cdp_page *p = &browser_page;
    struct cdp_call *call = p->calls[i];
    assert_true(i < p->count);
    free(p->params[i]);
    for (size_t j = i + 1; j < p->count; j++) {
        p->calls[j - 1] = p->calls[j];
        p->params[j - 1] = p->params[j];
        memcpy(p->methods[j - 1], p->methods[j], sizeof(p->methods[0]));
    }
    p->count--;
    call->active = false;
    call->cb(call, e, result, result ? strlen(result) : 0);
}

void cdp_call_cancel(struct cdp_call *call)
{
    struct err e;
    err_set(&e, E_CANCELED, "canceled");
    for (size_t i = 0; i < browser_page.count; i++) {
        if (browser_page.calls[i] == call) {
            answer(i, &e, NULL); /* the real one waits for the loop */
            return;
        }
    }
}

static inline void on_timer_closed(uv_handle_t *h)
{
    struct cdp_page *p = h->data;
    p->on_closed(p->arg);
}

static inline void on_closing(uv_timer_t *t)
{
    struct err e;
    err_set(&e, E_CANCELED, "the page is closed");
    while (browser_page.count > 0) {
        answer(0, &e, NULL);
    }
    uv_close((uv_handle_t *)t, on_timer_closed);
}

void cdp_page_close(struct cdp_page *p, void (*on_closed)(void *arg), void *arg)
{
    p->on_closed = on_closed;
    p->arg = arg;
    (void)uv_timer_init(&loop, &p->closing);
    p->closing.data = p;
    (void)uv_timer_start(&p->closing, on_closing, 0, 0);
}

/* ---- the owner's side --------------------------------------------------------------------- */

static struct {
    unsigned events, hellos, unloads, troubles;
    bool fatal;
    struct err why;
    char text[64];
    struct page *close_on_event;
} seen;

static inline void on_closed(void *arg)
{
    (void)arg;
    closed = true;
}

static inline void on_event(void *arg, const struct page_event *ev)
{
    (void)arg;
    seen.events++;
    seen.hellos += ev->kind == PAGE_HELLO ? 1u : 0u;
    seen.unloads += ev->kind == PAGE_UNLOADED ? 1u : 0u;
    if (ev->kind == PAGE_LOGOUT) {
        (void)snprintf(seen.text, sizeof(seen.text), "%s", ev->reason);
    }
    if (seen.close_on_event) {
        struct page *p = seen.close_on_event;
        seen.close_on_event = NULL;
        page_close(p, on_closed, NULL);
    }
}

static inline void on_trouble(void *arg, const struct err *e, bool fatal)
{
    (void)arg;
    seen.troubles++;
    seen.fatal = fatal;
    err_copy(&seen.why, e);
}

static struct wa_js script = {.params = (char[]){"{\"source\":\"1\"}"}, .params_len = 14};

static inline struct page *open_page(void)
{
    static struct log_ctx log;
    struct page *p = NULL;
    struct err e;
    struct page_options o = {.loop = &loop,
                             .script = &script,
                             .origin = "https://web.whatsapp.com/",
                             .call_timeout_ms = 1000,
                             .log = &log,
                             .on_event = on_event,
                             .on_trouble = on_trouble};
    memset(&seen, 0, sizeof(seen));
    closed = false;
    assert_int_equal(page_open(&o, &p, &e), 0);
    return p;
}

/* Opened, injected, on its way to the address. */
static inline struct page *running_page(void)
{
    struct page *p = open_page();
    browser_page.o.on_opened(browser_page.o.arg, NULL);
    assert_string_equal(browser_page.methods[0], "Runtime.addBinding");
    answer(0, NULL, "{}");
    assert_string_equal(browser_page.methods[0], "Page.addScriptToEvaluateOnNewDocument");
    assert_string_equal(browser_page.params[0], script.params);
    answer(0, NULL, "{\"identifier\":\"1\"}");
    assert_string_equal(browser_page.methods[0], "Page.navigate");
    assert_non_null(strstr(browser_page.params[0], "https://web.whatsapp.com/"));
    answer(0, NULL, "{\"frameId\":\"F\"}");
    assert_int_equal(browser_page.count, 0);
    return p;
}

static inline void close_and_wait(struct page *p)
{
    page_close(p, on_closed, NULL);
    while (!closed) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static inline void happens(const char *method, const char *params)
{
    browser_page.o.on_event(browser_page.o.arg, method, params, strlen(params));
}

static inline void says(const char *instance, const char *event)
{
    char payload[512];
    (void)snprintf(payload, sizeof(payload), "{\"v\":1,\"i\":\"%s\",\"e\":[%s]}", instance, event);
    json_t *params = json_pack("{s:s,s:s}", "name", "__wabridgeEvents", "payload", payload);
    char *text = json_text(params, NULL);
    happens("Runtime.bindingCalled", text);
    free(text);
    json_decref(params);
}

static inline int start_loop(void **state)
{
    (void)state;
    return uv_loop_init(&loop);
}

static inline int end_loop(void **state)
{
    (void)state;
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop); /* a handle left open is a failure */
}

#endif
