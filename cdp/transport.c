/* What both transports share: the queue of frames, losing the other side, closing. */
#include "transport_priv.h"

#include "mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct frame *frame_create(uint64_t id, const char *method, const char *params, size_t params_len,
                           const char *session)
{
    if (!params || params_len == 0) {
        params = "{}";
        params_len = 2;
    }
    size_t room = params_len + strlen(method) + (session ? strlen(session) : 0) + 96;
    struct frame *f = mem_calloc(1, sizeof(*f) + LWS_PRE + room);
    if (!f) {
        return NULL;
    }
    list_init(&f->link);
    f->id = id;
    char *text = (char *)f->data + LWS_PRE;
    size_t at = (size_t)snprintf(text, room,
                                 "{\"id\":%" PRIu64 ",\"method\":\"%s\",\"params\":", id, method);
    memcpy(text + at, params, params_len);
    at += params_len;
    if (session) {
        at += (size_t)snprintf(text + at, room - at, ",\"sessionId\":\"%s\"}", session);
    } else {
        at += (size_t)snprintf(text + at, room - at, "}");
    }
    f->len = at;
    return f;
}

static void tell_lost(void *arg)
{
    struct transport *t = arg;
    t->events.on_lost(t->events.arg, &t->lost_err);
}

static void wake(void *arg)
{
    struct transport *t = arg;
    if (t->tx && t->established && !list_empty(&t->frames)) {
        lws_callback_on_writable(t->tx);
    }
}

struct transport *transport_create(struct cdp *cdp, const struct transport_events *ev)
{
    struct transport *t = mem_calloc(1, sizeof(*t));
    if (!t) {
        return NULL;
    }
    t->cdp = cdp;
    t->events = *ev;
    list_init(&t->frames);
    buf_init(&t->in, CDP_MAX_FRAME + 4 * TRANSPORT_PIECE);
    cdp_task_init(&t->lost_task, tell_lost, t);
    cdp_task_init(&t->wake_task, wake, t);
    t->rx_fd = t->tx_fd = -1;
    return t;
}

void transport_lose(struct transport *t, const char *why)
{
    if (t->lost || t->closing) {
        return;
    }
    t->lost = true;
    err_set(&t->lost_err, E_CLOSED, "%s", why);
    cdp_defer(t->cdp, &t->lost_task);
}

struct frame *transport_first(struct transport *t)
{
    return list_empty(&t->frames) ? NULL : LIST_ENTRY(t->frames.next, struct frame, link);
}

static void drop_frame(struct transport *t, struct frame *f)
{
    list_remove(&f->link);
    t->queued -= f->len;
    free(f);
}

void transport_wrote(struct transport *t, struct frame *f, size_t n, size_t total)
{
    f->sent += n;
    if (f->sent >= total) {
        drop_frame(t, f);
    }
}

void transport_send(struct transport *t, struct frame *f)
{
    if (t->lost || t->closing) {
        free(f);
        return;
    }
    t->queued += f->len;
    list_append(&t->frames, &f->link);
    wake(t);
}

void transport_unsend(struct transport *t, uint64_t id)
{
    LIST_FOREACH(&t->frames, node, next)
    {
        struct frame *f = LIST_ENTRY(node, struct frame, link);
        if (f->id == id && f->sent == 0) {
            drop_frame(t, f);
            return;
        }
    }
}

void transport_free(struct transport *t)
{
    cdp_task_drop(&t->lost_task);
    cdp_task_drop(&t->wake_task);
    struct list *node;
    while ((node = list_pop(&t->frames))) {
        free(LIST_ENTRY(node, struct frame, link));
    }
    buf_finish(&t->in);
    free(t);
}

/* lws keeps its wsi until libuv closed the handle; it is made inert here, so that our memory can
 * go at once. */
static void kill_wsi(struct lws **slot)
{
    struct lws *wsi = *slot;
    *slot = NULL;
    if (wsi) {
        lws_set_opaque_user_data(wsi, NULL);
        lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
    }
}

static void do_close(void *arg)
{
    struct transport *t = arg;
    void (*on_closed)(void *) = t->on_closed;
    void *closed_arg = t->closed_arg;
    struct lws *tx = t->tx;

    if (tx == t->rx) {
        t->tx = NULL;
    }
    kill_wsi(&t->tx);
    kill_wsi(&t->rx);
    transport_free(t);
    on_closed(closed_arg);
}

void transport_close(struct transport *t, void (*on_closed)(void *arg), void *arg)
{
    t->closing = true;
    t->on_closed = on_closed;
    t->closed_arg = arg;
    cdp_task_drop(&t->lost_task);
    cdp_task_init(&t->close_task, do_close, t);
    cdp_defer(t->cdp, &t->close_task);
}
