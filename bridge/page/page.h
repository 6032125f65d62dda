/*
 * One page of WhatsApp Web in a browser: injection, documents, events, calls. The session that owns
 * it decides what its state means. Private to bridge/ (page and session). Thread: loop.
 */
#ifndef BRIDGE_PAGE_H
#define BRIDGE_PAGE_H

#include "page_event.h"
#include "wa_js.h"

#include "cdp.h"
#include "log.h"

struct page;

struct page_options {
    uv_loop_t *loop;
    struct cdp_browser *browser;
    const struct wa_js *script; /* must outlive the page */
    const char *origin;         /* copied */
    uint64_t call_timeout_ms;
    const struct log_ctx *log; /* must outlive the page */
    /* From the loop. Events of a document that is gone are left out. PAGE_UNLOADED and PAGE_HELLO
     * frame what each document says. */
    void (*on_event)(void *arg, const struct page_event *ev);
    /* The page cannot go on without help: the address could not be loaded (fatal false:
     * page_reload() may help; E_UNAVAILABLE when the network said no), or it could not be opened,
     * the target crashed, was closed or lost its browser (fatal true, at most once: page_close() is
     * all that is left). */
    void (*on_trouble)(void *arg, const struct err *e, bool fatal);
    void *arg;
};
/* Opens, injects and navigates. E_INVALID, E_NOMEM at once; everything else by on_trouble. */
int page_open(const struct page_options *o, struct page **out, struct err *e);
/* Loads the address afresh, in whatever state the page is. Harmless while it is being opened. */
void page_reload(struct page *p);
/* Pending calls get E_CANCELED; no more events; on_closed once, then it is freed. Also inside
 * callbacks. */
void page_close(struct page *p, void (*on_closed)(void *arg), void *arg);
/* One forced garbage collection (heap of a fresh page is twice what is alive). */
void page_collect_garbage(struct page *p);
/* The page as it looks, a PNG: cb once, from the loop; png is borrowed, NULL with an error.
 * E_LIMIT "screenshot_running": one at a time; E_TIMEOUT, E_CLOSED, E_CANCELED, E_PROTO, E_TOOLARGE
 * past max, E_STATE: not now. */
typedef void (*page_shot_cb)(void *arg, const struct err *e, const void *png, size_t len);
int page_screenshot(struct page *p, size_t max, page_shot_cb cb, void *arg, struct err *e);
/* Nothing is on its way in it: no call, no file. */
bool page_idle(const struct page *p);
/* The channel on this page; goes with it. */
struct channel *page_channel(struct page *p);

/* One operation of the adapter (adapter_ops.js). args: taken, NULL for none. value: borrowed
 * object. cb once, from the loop. Errors: E_STATE (no adapter, offline, a page function is
 * missing), E_TIMEOUT, E_CLOSED (the document or the target went away), E_CANCELED, E_NOTFOUND,
 * E_INVALID, E_PROTO (the page refused; its words), E_TOOLARGE, E_NOMEM. */
typedef void (*page_call_cb)(void *arg, const struct err *e, const json_t *value);
void page_call(struct page *p, const char *op, json_t *args, uint64_t timeout_ms, page_call_cb cb,
               void *arg);

#endif
