/* What the files of page/ share. Thread: loop. */
#ifndef BRIDGE_PAGE_PRIV_H
#define BRIDGE_PAGE_PRIV_H

#include "page.h"

#define PAGE_RESERVE 16 /* calls that can be told of a lack of memory without any */

struct page_call_slot {
    struct list link; /* page->calls or page->failed */
    struct cdp_call call;
    struct page *page;
    struct err err; /* told from the loop when the call did not start */
    bool reserved;
    /* How to answer: reads value (or fails) and calls the caller's own callback. */
    void (*answer)(struct page_call_slot *c, const struct err *e, const json_t *value);
    union {
        page_call_cb plain;
        channel_resolve_cb resolve;
        channel_done_cb done;
        channel_found_cb found;
        channel_history_cb history;
        channel_digests_cb digests;
    } cb;
    void *arg;
};

struct channel {
    struct page *page;
};

struct page {
    struct page_options o;
    char *origin;
    struct cdp_page *target;
    struct channel channel;
    struct cdp_call step, navigation, dialog, garbage;
    struct { /* page_shot.c */
        struct cdp_call call;
        page_shot_cb cb;
        void *arg;
        size_t max;
    } shot;
    enum {
        PAGE_OPENING,
        PAGE_BINDING,
        PAGE_INJECTING,
        PAGE_RUNNING,
        PAGE_DEAD,
        PAGE_CLOSING
    } phase;
    char instance[33]; /* of the living document; "" between documents */
    struct list calls, failed;
    struct list sends; /* files on their way into the page (page_send.c) */
    struct list fetches; /* files on their way out of the page (page_media.c) */
    struct page_call_slot reserve[PAGE_RESERVE];
    uv_timer_t later; /* delivers `failed` */
    bool target_closed;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* A slot to fill (answer, cb, arg) and start. Never NULL unless the reserve is used up too. */
struct page_call_slot *page_call_take(struct page *p);
/* Takes args. */
void page_call_start(struct page_call_slot *c, const char *op, json_t *args, uint64_t timeout_ms);
/* The same with the parameters of Runtime.evaluate made already; borrowed during the call. */
void page_call_start_text(struct page_call_slot *c, const char *params, size_t len,
                          uint64_t timeout_ms);
void page_call_fail_later(struct page_call_slot *c);
void page_on_later(uv_timer_t *t);
/* Frees when nothing is left to wait for. */
void page_maybe_free(struct page *p);

/* ---- pure pieces (page_answer.c) ---- */

/* Text of the parameters of Runtime.evaluate. 0, E_TOOLARGE, E_NOMEM. */
int page_expression(const char *op, const json_t *args, struct buf *out, struct err *e);
/* The result of Runtime.evaluate to what the operation gave: gives the value, or NULL and e. */
json_t *page_answer(const char *result, size_t len, struct err *e);
/* An error of the protocol in the words of this layer. */
void page_call_error(const struct err *from, struct err *to);

#endif
