/*
 * Requests and events of one browser over one transport. Thread: loop.
 */
#ifndef CDP_CONNECTION_H
#define CDP_CONNECTION_H

#include "cdp_priv.h"
#include "transport_priv.h"

struct connection_events {
    /* session and method are NUL-terminated; session is "" for the browser's own events. */
    void (*on_event)(void *arg, const char *session, const char *method, const char *params,
                     size_t len);
    /* The transport is gone; every pending call is finishing with E_CLOSED. Once. */
    void (*on_lost)(void *arg, const struct err *e);
    void *arg;
};

struct connection {
    struct cdp *cdp;
    struct transport *transport; /* NULL before open and once lost */
    struct connection_events events;
    struct list calls; /* struct cdp_call, by deadline */
    unsigned call_count;
    uint64_t last_id;
    uv_timer_t timer; /* the first deadline */
    bool closing;
    int closing_parts;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* Where a call goes: the browser itself, or a flat session of it. Embedded in browser and page;
 * a call's owner points here while it is in flight. */
struct route {
    struct cdp *cdp;
    struct connection *conn; /* NULL once the other side is gone */
    const char *session;     /* NULL for the browser */
    struct err why;          /* what calls get once conn is NULL; code 0: E_CLOSED */
};

void connection_init(struct connection *c, struct cdp *cdp, const struct connection_events *ev);
/* Calls made before are refused with E_CLOSED. */
void connection_set_transport(struct connection *c, struct transport *t);
struct transport_events connection_events_for(struct connection *c);
/* Nothing of c is touched after on_closed; pending calls get e before. Two-phase. */
void connection_close(struct connection *c, const struct err *e, void (*on_closed)(void *arg),
                      void *arg);

/* ROUTE_FORCE: our own small calls, not counted against CDP_MAX_CALLS. */
#define ROUTE_FORCE 1u
void route_call(struct route *r, struct cdp_call *call, const char *method, const char *params,
                size_t params_len, uint64_t timeout_ms, unsigned flags, cdp_call_cb cb);
/* Fails every call of the route in flight and lets later ones fail the same way. */
void route_cut(struct route *r, const struct err *e);

#endif
