/*
 * Calls of the adapter's operations.
 *
 * Happy path: page_call_take() -> the caller says how to answer -> page_call_start() evaluates
 * window.__wabridge.call(op, args) and awaits its promise -> the text that came is parsed ->
 * answer. Failure modes: no memory, a dead page, a text too large: page->failed, answered by a
 * timer of the same loop (never inside the call). A promise that never settles: cdp's deadline. A
 * document that goes away: the protocol says so and the answer is E_CLOSED. page_close(): cdp
 * cancels, E_CANCELED.
 */
#include "page_priv.h"

#include "buf.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define PARAMS_MAX (16u << 20)

struct page_call_slot *page_call_take(struct page *p)
{
    struct page_call_slot *c = mem_calloc(1, sizeof(*c));
    if (!c) {
        for (size_t i = 0; i < PAGE_RESERVE && !c; i++) {
            c = p->reserve[i].page ? NULL : &p->reserve[i];
        }
        if (!c) {
            return NULL;
        }
        c->reserved = true;
        err_set(&c->err, E_NOMEM, "out of memory");
    }
    c->page = p;
    c->call.data = c;
    list_init(&c->link);
    return c;
}

static void finish(struct page_call_slot *c, const struct err *e, const json_t *value)
{
    struct page *p = c->page;
    list_remove(&c->link);
    c->answer(c, e, value);
    if (c->reserved) {
        memset(c, 0, sizeof(*c));
    } else {
        free(c);
    }
    page_maybe_free(p);
}

void page_on_later(uv_timer_t *t)
{
    struct page *p = t->data;
    struct list due;

    /* what fails while these are answered waits for the next turn */
    list_init(&due);
    struct list *node;
    while ((node = list_pop(&p->failed)) != NULL) {
        list_append(&due, node);
    }
    /* an answer may close the page; it stays until its last call was answered */
    while ((node = list_pop(&due)) != NULL) {
        struct page_call_slot *c = LIST_ENTRY(node, struct page_call_slot, link);
        struct err e;
        err_copy(&e, &c->err);
        finish(c, &e, NULL);
    }
}

void page_call_fail_later(struct page_call_slot *c)
{
    struct page *p = c->page;
    if (uv_is_closing((uv_handle_t *)&p->later)) {
        struct err e; /* the owner broke the rule not to call a page it closed */
        err_copy(&e, &c->err);
        finish(c, &e, NULL);
        return;
    }
    list_append(&p->failed, &c->link);
    (void)uv_timer_start(&p->later, page_on_later, 0, 0);
}

static void on_result(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    struct page_call_slot *c = call->data;
    struct err why;
    json_t *value = NULL;

    err_clear(&why);
    if (e) {
        page_call_error(e, &why);
    } else {
        value = page_answer(result, len, &why);
    }
    finish(c, value ? NULL : &why, value);
    json_decref(value);
}

static int check_phase(const struct page *p, struct err *e)
{
    switch (p->phase) {
    case PAGE_RUNNING:
        return 0;
    case PAGE_CLOSING:
        return err_set(e, E_CANCELED, "the page is being closed");
    case PAGE_DEAD:
        return err_set(e, E_CLOSED, "the page is gone");
    default:
        return err_word(e, E_STATE, "page_not_ready", "the page is still being opened");
    }
}

void page_call_start_text(struct page_call_slot *c, const char *params, size_t len,
                          uint64_t timeout_ms)
{
    struct page *p = c->page;
    if (c->err.code != 0 || check_phase(p, &c->err) != 0) {
        page_call_fail_later(c);
        return;
    }
    list_append(&p->calls, &c->link);
    cdp_page_call(p->target, &c->call, "Runtime.evaluate", params, len,
                  timeout_ms ? timeout_ms : p->o.call_timeout_ms, on_result);
}

void page_call_start(struct page_call_slot *c, const char *op, json_t *args, uint64_t timeout_ms)
{
    struct buf params;

    buf_init(&params, PARAMS_MAX);
    if (c->err.code == 0) {
        (void)page_expression(op, args, &params, &c->err);
    }
    json_decref(args);
    page_call_start_text(c, params.data, params.len, timeout_ms);
    buf_finish(&params);
}

/* ---- the plain form ---------------------------------------------------------------------- */

static void answer_plain(struct page_call_slot *c, const struct err *e, const json_t *value)
{
    c->cb.plain(c->arg, e, value);
}

void page_call(struct page *p, const char *op, json_t *args, uint64_t timeout_ms, page_call_cb cb,
               void *arg)
{
    struct page_call_slot *c = page_call_take(p);
    if (!c) {
        /* nothing is left, not even the reserve: inside the call is better than never */
        struct err e;
        err_set(&e, E_NOMEM, "out of memory");
        json_decref(args);
        cb(arg, &e, NULL);
        return;
    }
    c->answer = answer_plain;
    c->cb.plain = cb;
    c->arg = arg;
    page_call_start(c, op, args, timeout_ms);
}
