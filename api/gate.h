/*
 * Connections: who is let in, which bytes reach MHD, and when one has to end. Private to api/.
 * Thread: loop.
 */
#ifndef API_GATE_H
#define API_GATE_H

#include "err.h"
#include "list.h"
#include "wire.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct api_listener;
struct api_request;

/* A connection: what it holds up, and for how long. */
struct api_connection {
    struct list link;
    struct api_listener *listener;
    struct MHD_Connection *conn;
    int fd;
    struct api_request *request; /* NULL: its first line is not complete */
    struct wire wire;
    uint32_t done;     /* requests that MHD is through with */
    uint64_t since_ms; /* it began, or its last request ended */
    uint64_t head_ms;  /* the first byte of the head that is being read */
    uint64_t refused_ms;    /* it was told no, and may read that; 0: not */
    size_t dropped;         /* bytes since */
    bool ended;             /* let go: no longer counted */
    uint8_t address[8];     /* IPv4, or the first half of IPv6; zero: neither */
    uint64_t window_ms, acked; /* API_ANSWER_WINDOW_MS: when it began, bytes taken by then */
};

/* Watches the listening socket; 0 or E_IO. Connections past the limits get a 503 and are closed. */
int gate_open(struct api_listener *l, struct err *e);
/* No new ones; the caller closes l->accepting. */
void gate_close(struct api_listener *l);
/* MHD_run() with every byte that comes in judged first (wire.h). */
void gate_run(struct api_listener *l);
/* MHD has a connection, or is done with it. */
void gate_connected(struct api_listener *l, struct MHD_Connection *conn, void **context);
void gate_disconnected(struct api_connection *c);
/* c->request was done: what stands behind it on the wire may be answered now. */
void gate_next(struct api_connection *c);
struct api_connection *connection_of(struct MHD_Connection *conn);
/* A whole answer past MHD. id and path may be NULL. Returns its status. */
int gate_answer(int fd, const struct err *e, const char *path, const char *id);
/* Every second: ends connections whose request does not come to its end, or never will. */
void gate_sweep(struct api *a, uint64_t now);

/* The client closed its sending side, or is gone, and all it sent is read. MHD misses that when the
 * end came together with the last bytes, and while the connection is suspended. */
bool client_is_done(struct MHD_Connection *conn);
/* Ends the connection: MHD sees that and cleans up. */
void client_end(struct MHD_Connection *conn);

#endif
