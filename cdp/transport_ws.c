/*
 * DevTools over a WebSocket, for browsers that we attach to and for those configured with a port.
 *
 * Happy path: connect to a numeric address (lws would resolve names with a blocking call) without
 * an Origin header (Chromium refuses those) -> CLIENT_ESTABLISHED -> frames that waited are written
 * in pieces of 64 KiB, one per CLIENT_WRITEABLE, larger ones as fragments of one message. Replies
 * come in pieces of at most 64 KiB; the first one tells how long its frame is.
 *
 * Failure modes: CLIENT_CONNECTION_ERROR and CLIENT_CLOSED are one on_lost. A message over
 * CDP_MAX_FRAME is dropped to its last fragment; the connection lives on.
 *
 * lws_write() masks the text in place and overwrites LWS_PRE bytes before it: what stands before a
 * later piece is the piece that was sent already, so nothing has to be saved.
 */
#include "transport_priv.h"

#include <string.h>

#define KEEP_BYTES ((size_t)1 << 20)
#define HEAD_BYTES 512

static int receive(struct transport *t, struct lws *wsi, const char *data, size_t len)
{
    bool last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    size_t coming = lws_remaining_packet_payload(wsi);

    if (lws_is_first_fragment(wsi) && t->in.len > 0) {
        t->in.len = 0; /* never seen: a message that began before the other ended */
    }
    if (!t->discard && (len > CDP_MAX_FRAME || t->in.len > CDP_MAX_FRAME - len ||
                        coming > CDP_MAX_FRAME - len - t->in.len)) {
        t->discard = true;
        const char *head = t->in.len > 0 ? t->in.data : data;
        size_t head_len = t->in.len > 0 ? t->in.len : len;
        t->events.on_toolarge(t->events.arg, head, head_len > HEAD_BYTES ? HEAD_BYTES : head_len);
    }
    if (t->closing) {
        return -1;
    }
    if (!t->discard) {
        /* the whole frame at once, so that a large one is not copied as it grows */
        if (buf_reserve(&t->in, len + coming + 1) != 0 || buf_append(&t->in, data, len) != 0) {
            transport_lose(t, "out of memory for a message of the browser");
            return -1;
        }
    }
    if (!last) {
        return 0;
    }
    if (t->discard) {
        t->discard = false;
    } else {
        t->events.on_message(t->events.arg, t->in.data, t->in.len);
    }
    t->in.len = 0;
    if (t->in.cap > KEEP_BYTES) {
        buf_finish(&t->in);
        buf_init(&t->in, CDP_MAX_FRAME + 4 * TRANSPORT_PIECE);
    }
    return t->closing ? -1 : 0;
}

static int write_piece(struct transport *t, struct lws *wsi)
{
    struct frame *f = transport_first(t);
    if (!f || t->closing || t->lost) {
        return 0;
    }
    size_t n = f->len - f->sent;
    if (n > TRANSPORT_PIECE) {
        n = TRANSPORT_PIECE;
    }
    int flags = lws_write_ws_flags(LWS_WRITE_TEXT, f->sent == 0, f->sent + n == f->len);
    int wrote = lws_write(wsi, f->data + LWS_PRE + f->sent, n, (enum lws_write_protocol)flags);
    if (wrote < 0 || (size_t)wrote < n) {
        transport_lose(t, "writing to the browser's WebSocket failed");
        return -1;
    }
    transport_wrote(t, f, n, f->len);
    if (transport_first(t)) {
        lws_callback_on_writable(wsi);
    }
    return 0;
}

int transport_ws_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
    (void)user;
    struct transport *t = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    if (!t) {
        /* inert: an established one has nobody to talk to */
        return reason == LWS_CALLBACK_CLIENT_ESTABLISHED || reason == LWS_CALLBACK_CLIENT_RECEIVE ||
                       reason == LWS_CALLBACK_CLIENT_WRITEABLE
                   ? -1
                   : 0;
    }
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        t->rx = t->tx = wsi;
        t->established = true;
        if (transport_first(t)) {
            lws_callback_on_writable(wsi);
        }
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(t, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_piece(t, wsi);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: {
        struct err e;
        err_set(&e, E_CLOSED, "cannot connect to the browser's WebSocket: %.*s",
                in ? (len > 128 ? 128 : (int)len) : 10, in ? (const char *)in : "no details");
        lws_set_opaque_user_data(wsi, NULL);
        t->rx = t->tx = NULL;
        transport_lose(t, e.msg);
        return 0;
    }
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        t->rx = t->tx = NULL;
        transport_lose(t, "the browser closed the WebSocket");
        return 0;
    default:
        return 0;
    }
}

int transport_ws_open(struct cdp *cdp, const char *address, int port, const char *path,
                      const struct transport_events *ev, struct transport **out, struct err *e)
{
    *out = NULL;
    struct transport *t = transport_create(cdp, ev);
    if (!t) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    char host[80];
    /* Chromium answers only to "localhost" or an address as Host */
    lws_snprintf(host, sizeof(host), strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, port);
    struct lws_client_connect_info info = {
        .context = cdp->lws,
        .vhost = cdp->vhost,
        .address = address,
        .port = port,
        .path = path,
        .host = host,
        .origin = NULL,
        .protocol = NULL,
        .local_protocol_name = CDP_PROTOCOL_WS,
        .ietf_version_or_minus_one = -1,
        .opaque_user_data = t,
        .pwsi = &t->rx,
    };
    struct lws *wsi = lws_client_connect_via_info(&info);
    if (!wsi) {
        t->rx = NULL;
        transport_lose(t, "cannot connect to the browser's WebSocket");
    } else if (!t->lost) {
        t->rx = t->tx = wsi;
    }
    *out = t;
    return 0;
}
