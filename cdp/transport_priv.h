/*
 * Whole messages to and from a browser. Two kinds: the debugging pipe and a WebSocket; the queue of
 * frames, the bounds and the end are common. Thread: loop.
 */
#ifndef CDP_TRANSPORT_H
#define CDP_TRANSPORT_H

#include "buf.h"
#include "cdp_priv.h"

/* Bytes waiting to be written to one browser; past it new requests are refused. */
#define TRANSPORT_MAX_QUEUED ((size_t)4 * CDP_MAX_FRAME)
/* One piece of a message that is written or read at a time. */
#define TRANSPORT_PIECE ((size_t)64 * 1024)

/* One outgoing message: LWS_PRE bytes that lws may scribble on, the text, a NUL. */
struct frame {
    struct list link;
    uint64_t id;
    size_t len;  /* of the text */
    size_t sent; /* bytes already written */
    unsigned char data[];
};

/* Gives {"id":…,"method":…,"params":…,"sessionId":…}; NULL on exhaustion. session may be NULL, an
 * empty params means {}. */
struct frame *frame_create(uint64_t id, const char *method, const char *params, size_t params_len,
                           const char *session);

struct transport_events {
    /* text[len] is NUL; the text may be changed in place. transport_close() is allowed inside. */
    void (*on_message)(void *arg, char *text, size_t len);
    /* A message larger than CDP_MAX_FRAME goes by and is dropped; head is its beginning. */
    void (*on_toolarge)(void *arg, const char *head, size_t len);
    /* Once, in a turn of its own; nothing follows. */
    void (*on_lost)(void *arg, const struct err *e);
    void *arg;
};

struct transport {
    struct cdp *cdp;
    struct transport_events events;
    struct list frames; /* struct frame, the first may be partly sent */
    size_t queued;      /* bytes of all frames */
    struct buf in;      /* the message being received */
    size_t scanned;     /* pipe: bytes of `in` known to hold no NUL */
    bool discard;       /* the rest of an oversized message is being dropped */
    bool established;
    bool lost;
    bool closing;
    struct err lost_err;
    struct cdp_task lost_task, wake_task, close_task;
    void (*on_closed)(void *arg);
    void *closed_arg;
    bool is_pipe;
    struct lws *rx, *tx; /* pipe: the two ends; WebSocket: rx == tx. NULL once lws closed them */
    int rx_fd, tx_fd;    /* pipe: owned by lws */
};

/* Takes both descriptors (also on error): we read from read_fd, write to write_fd. */
int transport_pipe_open(struct cdp *cdp, int read_fd, int write_fd,
                        const struct transport_events *ev, struct transport **out, struct err *e);
/* address is numeric, so that nothing resolves. Connecting goes on in the background; frames wait
 * for it; failure is on_lost. */
int transport_ws_open(struct cdp *cdp, const char *address, int port, const char *path,
                      const struct transport_events *ev, struct transport **out, struct err *e);
/* Takes the frame. */
void transport_send(struct transport *t, struct frame *f);
/* Forgets the frame of that id when none of it was written yet. */
void transport_unsend(struct transport *t, uint64_t id);
/* on_closed in a later turn; no other event follows this call. Frees. */
void transport_close(struct transport *t, void (*on_closed)(void *arg), void *arg);

/* For the two kinds. */
struct transport *transport_create(struct cdp *cdp, const struct transport_events *ev);
void transport_lose(struct transport *t, const char *why);
struct frame *transport_first(struct transport *t);
/* n more bytes of the first frame were written; frees it when that was all. */
void transport_wrote(struct transport *t, struct frame *f, size_t n, size_t total);
void transport_free(struct transport *t);

#endif
