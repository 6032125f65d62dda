/*
 * What the files of this folder share: the environment, the "next loop turn" queue and the ends of
 * calls. Thread: loop.
 */
#ifndef CDP_PRIV_H
#define CDP_PRIV_H

#include "cdp.h"

#include <libwebsockets.h>

/* Work for the next turn of the loop. Embedded in its object; queued at most once; tasks run in the
 * order in which they were deferred, which is what orders "calls first, then on_gone". */
struct cdp_task {
    struct list link;
    void (*fn)(void *arg);
    void *arg;
};

struct cdp {
    uv_loop_t *loop;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    uv_idle_t idle;         /* runs while tasks wait */
    struct list tasks;      /* struct cdp_task */
    struct list finished;   /* struct cdp_call: callback due, err set */
    struct cdp_task finish; /* empties finished */
    unsigned objects;       /* browsers and pages alive */
    unsigned close_turns;   /* turns left for lws to close its handles; see cdp_close() */
    struct cdp_task closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

void cdp_task_init(struct cdp_task *t, void (*fn)(void *arg), void *arg);
void cdp_defer(struct cdp *cdp, struct cdp_task *t);
void cdp_task_drop(struct cdp_task *t); /* harmless when not queued */

/* Takes the call out of whatever list it is in; its callback follows in the next turn. */
void cdp_call_finish(struct cdp *cdp, struct cdp_call *call, const struct err *e);

/* The lws protocols of transport_pipe.c and transport_ws.c. */
#define CDP_PROTOCOL_PIPE "cdp-pipe"
#define CDP_PROTOCOL_WS "cdp-ws"
int transport_pipe_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len);
int transport_ws_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len);

#endif
