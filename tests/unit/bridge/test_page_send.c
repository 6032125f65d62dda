/*
 * A file on its way into the page, on a browser that is played by this file: the pieces and their
 * sizes, what is asked in which order, and that the sender is told once, whatever happens.
 */
#include "page_priv.h"

#include "buf.h"
#include "crypto.h"
#include "json.h"
#include "mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PIECE_BASE64 (512u * 1024)

/* ---- the browser's side: one answer a turn --------------------------------------------------- */

struct cdp_page {
    struct cdp_page_options o;
};

static struct {
    struct cdp_page page;
    uv_timer_t turn, closing;
    struct cdp_call *call; /* the one that waits for its answer */
    char *params;
    size_t calls, most; /* at once */
    struct buf file;    /* what came of it */
    char ops[64][16];
    size_t op_count;
    json_t *message;     /* arguments of `send` */
    size_t refuse_piece; /* its number, from 1 */
    size_t miscount;     /* what it says to have less than it has */
    const char *handle;
    void (*on_closed)(void *arg);
    void *arg;
} browser;
static uv_loop_t loop;

static void finish_call(const struct err *e, const char *result)
{
    struct cdp_call *call = browser.call;
    browser.call = NULL;
    browser.calls--;
    free(browser.params);
    browser.params = NULL;
    call->active = false;
    call->cb(call, e, result, result != NULL ? strlen(result) : 0);
}

static void take_piece(const json_t *args)
{
    const char *data = json_str(args, "data");
    size_t len = strlen(data), got = 0;
    assert_true(len <= PIECE_BASE64);
    assert_string_equal(json_str(args, "handle"), "ab.1");
    assert_int_equal(json_int(args, "offset", -1), browser.file.len);
    assert_int_equal(buf_reserve(&browser.file, len), 0);
    assert_int_equal(
        crypto_base64_decode(data, len, (uint8_t *)browser.file.data + browser.file.len, &got), 0);
    browser.file.len += got;
}

/* {"ok":true,"value":…} as Runtime.evaluate gives it. */
static void answer(const char *text)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_str(&b, "{\"result\":{\"type\":\"string\",\"value\":");
    json_quote(&b, text, strlen(text));
    buf_str(&b, "}}");
    finish_call(NULL, b.data);
    buf_finish(&b);
}

static void on_turn(uv_timer_t *t)
{
    (void)t;
    if (browser.call == NULL) {
        return;
    }
    json_t *params = json_loads(browser.params, 0, NULL);
    const char *code = json_str(params, "expression");
    char op[16], text[96] = "{\"ok\":true,\"value\":{}}";
    assert_int_equal(sscanf(code, "window.__wabridge.call(\"%15[a-z_]\",", op), 1);
    const char *from = strchr(code, ',') + 1;
    json_t *args = json_loadb(from, strlen(from) - 1, 0, NULL);
    assert_non_null(args);
    memcpy(browser.ops[browser.op_count++], op, sizeof(op));
    if (strcmp(op, "file_begin") == 0) {
        (void)snprintf(text, sizeof(text), "{\"ok\":true,\"value\":{\"handle\":\"%s\"}}",
                       browser.handle);
    } else if (strcmp(op, "file_piece") == 0) {
        take_piece(args);
        (void)snprintf(text, sizeof(text), "{\"ok\":true,\"value\":{\"have\":%zu}}",
                       browser.file.len - browser.miscount);
        if (browser.op_count - 1 == browser.refuse_piece) {
            (void)snprintf(text, sizeof(text),
                           "{\"ok\":false,\"error\":{\"code\":\"file_gap\",\"message\":\"gap\"}}");
        }
    } else if (strcmp(op, "send") == 0) {
        browser.message = json_incref(args);
    }
    json_decref(args);
    json_decref(params);
    answer(text);
}

int cdp_page_open(struct cdp_browser *b, const struct cdp_page_options *o, struct cdp_page **out,
                  struct err *e)
{
    (void)b;
    (void)e;
    browser.page.o = *o;
    *out = &browser.page;
    return 0;
}

void cdp_page_call(struct cdp_page *p, struct cdp_call *call, const char *method,
                   const char *params, size_t params_len, uint64_t timeout_ms, cdp_call_cb cb)
{
    (void)p;
    (void)method;
    (void)timeout_ms;
    assert_null(browser.call); /* a page sends one thing at a time here */
    assert_true(params_len <= PIECE_BASE64 + 1024);
    call->cb = cb;
    call->active = true;
    browser.call = call;
    browser.params = mem_strndup(params, params_len);
    browser.calls++;
    browser.most = browser.calls > browser.most ? browser.calls : browser.most;
}

void cdp_call_cancel(struct cdp_call *call)
{
    (void)call;
}

static void on_target_gone(uv_handle_t *h)
{
    (void)h;
    browser.on_closed(browser.arg);
}

static void on_closing(uv_timer_t *t)
{
    struct err e;
    err_set(&e, E_CANCELED, "the page is closed");
    if (browser.call != NULL) {
        finish_call(&e, NULL);
    }
    uv_close((uv_handle_t *)t, on_target_gone);
}

void cdp_page_close(struct cdp_page *p, void (*on_closed)(void *arg), void *arg)
{
    (void)p;
    browser.on_closed = on_closed;
    browser.arg = arg;
    (void)uv_timer_init(&loop, &browser.closing);
    (void)uv_timer_start(&browser.closing, on_closing, 0, 0);
}

/* ---- the sender's side ------------------------------------------------------------------------
 */

static struct {
    unsigned told;
    struct err err;
    bool closed;
} seen;

static char path[64];
static unsigned char *bytes;

static void on_sent(void *arg, const struct err *e)
{
    (void)arg;
    seen.told++;
    err_copy(&seen.err, e);
}

static void on_closed(void *arg)
{
    (void)arg;
    seen.closed = true;
}

static void on_event(void *arg, const struct page_event *ev)
{
    (void)arg;
    (void)ev;
}

static void on_trouble(void *arg, const struct err *e, bool fatal)
{
    (void)arg;
    (void)e;
    (void)fatal;
}

static struct page *open_page(void)
{
    static struct log_ctx log;
    static char params[] = "{}";
    static struct wa_js script = {.params = params, .params_len = 2};
    struct page *p = NULL;
    struct err e;
    const struct page_options o = {.loop = &loop,
                                   .script = &script,
                                   .origin = "https://web.whatsapp.com/",
                                   .call_timeout_ms = 1000,
                                   .log = &log,
                                   .on_event = on_event,
                                   .on_trouble = on_trouble};
    memset(&browser, 0, sizeof(browser));
    memset(&seen, 0, sizeof(seen));
    browser.handle = "ab.1";
    buf_init(&browser.file, 8u << 20);
    (void)uv_timer_init(&loop, &browser.turn);
    assert_int_equal(page_open(&o, &p, &e), 0);
    p->phase = PAGE_RUNNING; /* how it comes there: test_page_life */
    (void)uv_timer_start(&browser.turn, on_turn, 1, 1);
    return p;
}

static void make_file(size_t size)
{
    free(bytes);
    bytes = malloc(size);
    assert_non_null(bytes);
    crypto_random(bytes, size);
    (void)snprintf(path, sizeof(path), "/tmp/wabridge-send-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    (void)close(fd);
}

static void send_file(struct page *p, size_t size)
{
    const struct channel_outgoing m = {
        .chat_id = "1@c.us",
        .message_id = "3EB0AA",
        .type = "document",
        .text = "words",
        .content = "",
        .file = {.path = path,
                 .mimetype = "application/pdf",
                 .filename = "a.pdf",
                 .size_bytes = size},
    };
    channel_send(page_channel(p), &m, on_sent, NULL);
    assert_int_equal(seen.told, 0); /* never inside the call */
}

static void run_until_told(void)
{
    for (unsigned i = 0; i < 20000 && seen.told == 0; i++) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(seen.told, 1);
}

static void close_page(struct page *p)
{
    page_close(p, on_closed, NULL);
    for (unsigned i = 0; i < 20000 && !seen.closed; i++) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_true(seen.closed);
    assert_int_equal(seen.told, 1);
    (void)uv_timer_stop(&browser.turn);
    uv_close((uv_handle_t *)&browser.turn, NULL);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    json_decref(browser.message);
    buf_finish(&browser.file);
    (void)unlink(path);
}

static unsigned asked(const char *op)
{
    unsigned n = 0;
    for (size_t i = 0; i < browser.op_count; i++) {
        n += strcmp(browser.ops[i], op) == 0 ? 1u : 0u;
    }
    return n;
}

static void a_file_goes_in_pieces_and_its_message_after_it(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 393215, 393216, 393217, 1000000, 3000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct page *p = open_page();
        make_file(sizes[i]);
        send_file(p, sizes[i]);
        run_until_told();
        assert_int_equal(seen.err.code, 0);
        assert_int_equal(browser.file.len, sizes[i]);
        assert_memory_equal(browser.file.data, bytes, sizes[i]);
        assert_int_equal(asked("file_piece"), (sizes[i] + 393215) / 393216);
        assert_string_equal(browser.ops[0], "file_begin");
        assert_string_equal(browser.ops[browser.op_count - 1], "send");
        assert_string_equal(json_str(browser.message, "handle"), "ab.1");
        assert_string_equal(json_str(browser.message, "id"), "3EB0AA");
        assert_string_equal(json_str(browser.message, "text"), "words");
        close_page(p);
    }
}

static void a_file_that_is_not_there_is_told_and_nothing_is_sent(void **state)
{
    (void)state;
    struct page *p = open_page();
    make_file(1000);
    send_file(p, 1001); /* not what it was */
    run_until_told();
    assert_int_equal(seen.err.code, E_INVALID);
    assert_string_equal(err_word_of(&seen.err), "media_gone");
    assert_int_equal(asked("send"), 0);
    close_page(p);

    p = open_page();
    make_file(1000);
    (void)unlink(path);
    send_file(p, 1000);
    run_until_told();
    assert_string_equal(err_word_of(&seen.err), "media_gone");
    close_page(p);
}

static void a_refused_piece_ends_it_and_what_came_is_dropped(void **state)
{
    (void)state;
    struct page *p = open_page();
    browser.refuse_piece = 2;
    make_file(2000000);
    send_file(p, 2000000);
    run_until_told();
    assert_int_equal(seen.err.code, E_PROTO);
    for (unsigned i = 0; i < 100 && asked("file_drop") == 0; i++) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(asked("file_drop"), 1);
    assert_int_equal(asked("send"), 0);
    close_page(p);
}

static void a_page_that_counts_otherwise_ends_it(void **state)
{
    (void)state;
    struct page *p = open_page();
    browser.miscount = 1;
    make_file(2000000);
    send_file(p, 2000000);
    run_until_told();
    assert_int_equal(seen.err.code, E_PROTO);
    assert_int_equal(asked("file_piece"), 1);
    assert_int_equal(asked("send"), 0);
    close_page(p);
}

static void a_handle_is_not_trusted(void **state)
{
    (void)state;
    struct page *p = open_page();
    browser.handle = "a\\\"b";
    make_file(10);
    send_file(p, 10);
    run_until_told();
    assert_int_equal(seen.err.code, E_PROTO);
    assert_int_equal(asked("file_piece"), 0);
    close_page(p);
}

static void a_page_that_closes_in_the_middle_waits_for_the_reader(void **state)
{
    (void)state;
    for (size_t after = 0; after < 5; after++) {
        struct page *p = open_page();
        make_file(3000000);
        send_file(p, 3000000);
        while (browser.op_count < after) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
        close_page(p);
        assert_int_equal(seen.err.code, E_CANCELED);
        assert_int_equal(asked("send"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_goes_in_pieces_and_its_message_after_it),
        cmocka_unit_test(a_file_that_is_not_there_is_told_and_nothing_is_sent),
        cmocka_unit_test(a_refused_piece_ends_it_and_what_came_is_dropped),
        cmocka_unit_test(a_page_that_counts_otherwise_ends_it),
        cmocka_unit_test(a_handle_is_not_trusted),
        cmocka_unit_test(a_page_that_closes_in_the_middle_waits_for_the_reader),
    };
    (void)uv_loop_init(&loop);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(bytes);
    (void)uv_loop_close(&loop);
    return failed;
}
