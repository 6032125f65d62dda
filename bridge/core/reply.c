#include "core_priv.h"

#include "mem.h"

#include <stdlib.h>

struct reply {
    uv_timer_t timer;
    struct bridge *b;
    bridge_done_fn done;
    void *arg;
    struct err err;
    json_t *body;
    bool created, replayed;
};

static void on_reply_closed(uv_handle_t *h)
{
    struct reply *r = h->data;
    struct bridge *b = r->b;
    struct bridge_reply answer = {
        .err = r->err.code != 0 ? &r->err : NULL,
        .body = r->body,
        .created = r->created,
        .replayed = r->replayed,
    };
    r->done(r->arg, &answer);
    json_decref(r->body);
    free(r);
    core_leave(b);
}

static void on_reply_due(uv_timer_t *t)
{
    uv_close((uv_handle_t *)t, on_reply_closed);
}

void reply_later(struct bridge *b, bridge_done_fn done, void *arg, const struct err *e,
                 json_t *body)
{
    struct reply *r = mem_calloc(1, sizeof(*r));
    if (r == NULL) {
        /* Without memory for a later turn: an answer inside the call is better than none. */
        struct err nomem;
        err_set(&nomem, E_NOMEM, "out of memory");
        done(arg, &(struct bridge_reply){.err = e != NULL && e->code != 0 ? e : &nomem});
        json_decref(body);
        return;
    }
    r->b = b;
    r->done = done;
    r->arg = arg;
    r->body = body;
    err_copy(&r->err, e);
    core_enter(b);
    (void)uv_timer_init(b->loop, &r->timer);
    r->timer.data = r;
    (void)uv_timer_start(&r->timer, on_reply_due, 0, 0);
}
