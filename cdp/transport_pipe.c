/*
 * --remote-debugging-pipe: the browser reads requests from its descriptor 3 and writes replies and
 * events to its descriptor 4, each message ended by a NUL. No port that another user could open,
 * and the browser leaves by itself when our ends close.
 *
 * Both of our ends are adopted by the lws context as raw files: lws polls them on the loop and owns
 * the descriptors; we read and write them ourselves, because lws_write() would only call write(2).
 *
 * Happy path: send -> frame queued, POLLOUT wanted -> RAW_WRITEABLE_FILE: write until the kernel's
 * pipe is full. RAW_RX_FILE: read some pieces, give each complete message, keep the rest.
 *
 * Failure modes: end of file or an error on either end is one on_lost. A message over CDP_MAX_FRAME
 * is dropped up to its NUL; the connection lives on.
 *
 * Trap: after RAW_WRITEABLE_FILE returns lws 4.1 clears POLLOUT, also when the callback itself
 * asked for it again; so it is asked for from a task of the next turn.
 */
#include "transport_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Pieces per callback, so that one talkative browser does not hold the loop. */
#define PIECES_PER_TURN 4
/* Memory kept between messages. */
#define KEEP_BYTES ((size_t)1 << 20)
#define HEAD_BYTES 512

/* Gives every complete message in t->in, drops them, keeps the rest. */
static void split_messages(struct transport *t)
{
    size_t start = 0;
    while (!t->closing && t->scanned < t->in.len) {
        char *nul = memchr(t->in.data + t->scanned, '\0', t->in.len - t->scanned);
        if (!nul) {
            break;
        }
        char *text = t->in.data + start;
        size_t len = (size_t)(nul - text);
        start = t->scanned = (size_t)(nul - t->in.data) + 1;
        if (t->discard) {
            t->discard = false;
        } else if (len > CDP_MAX_FRAME) {
            t->events.on_toolarge(t->events.arg, text, HEAD_BYTES);
        } else {
            t->events.on_message(t->events.arg, text, len);
        }
    }
    if (t->closing) {
        return;
    }
    buf_consume(&t->in, start);
    if (t->in.len > CDP_MAX_FRAME && !t->discard) {
        t->discard = true;
        t->events.on_toolarge(t->events.arg, t->in.data, HEAD_BYTES);
    }
    if (t->discard) {
        t->in.len = 0;
    }
    t->scanned = t->in.len;
    if (t->in.len == 0 && t->in.cap > KEEP_BYTES) {
        buf_finish(&t->in);
        buf_init(&t->in, CDP_MAX_FRAME + 4 * TRANSPORT_PIECE);
    }
}

/* Returns 0, or -1 when the wsi shall be closed. */
static int read_some(struct transport *t)
{
    for (int i = 0; i < PIECES_PER_TURN && !t->closing && !t->lost; i++) {
        if (buf_reserve(&t->in, TRANSPORT_PIECE) != 0) {
            transport_lose(t, "out of memory for a message of the browser");
            return -1;
        }
        ssize_t n = read(t->rx_fd, t->in.data + t->in.len, TRANSPORT_PIECE);
        if (n > 0) {
            t->in.len += (size_t)n;
            split_messages(t);
            if ((size_t)n < TRANSPORT_PIECE / 16) {
                break; /* most likely empty now; if not, the poll comes again */
            }
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        transport_lose(t, n == 0 ? "the browser closed its debugging pipe"
                                 : "reading the debugging pipe failed");
        return -1;
    }
    return 0;
}

static int write_some(struct transport *t)
{
    struct frame *f;
    while ((f = transport_first(t)) && !t->closing && !t->lost) {
        size_t total = f->len + 1; /* with the NUL */
        ssize_t n = write(t->tx_fd, f->data + LWS_PRE + f->sent, total - f->sent);
        if (n >= 0) {
            transport_wrote(t, f, (size_t)n, total);
            continue;
        }
        if (errno == EAGAIN || errno == EINTR) {
            cdp_defer(t->cdp, &t->wake_task); /* see the trap above */
            return 0;
        }
        transport_lose(t, "the browser no longer reads its debugging pipe");
        return -1;
    }
    return 0;
}

int transport_pipe_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    struct transport *t = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    if (!t) {
        return 0; /* ours is gone already */
    }
    switch (reason) {
    case LWS_CALLBACK_RAW_RX_FILE:
        return wsi == t->rx ? read_some(t) : 0;
    case LWS_CALLBACK_RAW_WRITEABLE_FILE:
        return wsi == t->tx ? write_some(t) : 0;
    case LWS_CALLBACK_RAW_CLOSE_FILE:
        lws_set_opaque_user_data(wsi, NULL);
        if (wsi == t->rx) {
            t->rx = NULL;
        }
        if (wsi == t->tx) {
            t->tx = NULL;
        }
        transport_lose(t, "the browser closed its debugging pipe");
        return 0;
    default:
        return 0;
    }
}

static struct lws *adopt(struct transport *t, int fd)
{
    lws_adopt_desc_t desc = {
        .vh = t->cdp->vhost,
        .type = LWS_ADOPT_RAW_FILE_DESC,
        .fd = {.filefd = fd},
        .vh_prot_name = CDP_PROTOCOL_PIPE,
        .opaque = t,
    };
    return lws_adopt_descriptor_vhost_via_info(&desc); /* closes fd when it fails */
}

int transport_pipe_open(struct cdp *cdp, int read_fd, int write_fd,
                        const struct transport_events *ev, struct transport **out, struct err *e)
{
    *out = NULL;
    struct transport *t = transport_create(cdp, ev);
    if (!t) {
        close(read_fd);
        close(write_fd);
        return err_set(e, E_NOMEM, "out of memory");
    }
    t->is_pipe = true;
    if (fcntl(read_fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(write_fd, F_SETFL, O_NONBLOCK) != 0) {
        int sys = errno;
        close(read_fd);
        close(write_fd);
        transport_free(t);
        return err_sys(e, E_IO, sys, "cannot make the debugging pipe non-blocking");
    }
    t->rx_fd = read_fd;
    t->tx_fd = write_fd;
    t->rx = adopt(t, read_fd);
    if (!t->rx) {
        close(write_fd);
        transport_free(t);
        return err_set(e, E_IO, "libwebsockets does not take the debugging pipe");
    }
    t->tx = adopt(t, write_fd);
    if (!t->tx) {
        lws_set_opaque_user_data(t->rx, NULL);
        lws_set_timeout(t->rx, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
        transport_free(t);
        return err_set(e, E_IO, "libwebsockets does not take the debugging pipe");
    }
    t->established = true;
    *out = t;
    return 0;
}
