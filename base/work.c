#include "work.h"

/* Submitted jobs whose done has not begun. Touched by the loop thread only. */
static unsigned in_flight;

static void on_run(uv_work_t *req)
{
    struct work *w = req->data;
    w->fn(w);
}

static void on_after(uv_work_t *req, int status)
{
    struct work *w = req->data;
    in_flight--;
    w->done(w, status == 0 ? 0 : E_CANCELED); /* may free w, may submit again */
}

int work_submit(uv_loop_t *loop, struct work *w, void (*fn)(struct work *),
                void (*done)(struct work *, int rc))
{
    if (in_flight >= WORK_MAX) {
        return E_LIMIT;
    }
    w->fn = fn;
    w->done = done;
    w->req.data = w;
    if (uv_queue_work(loop, &w->req, on_run, on_after) != 0) {
        return E_INTERNAL;
    }
    in_flight++;
    return 0;
}

int work_cancel(struct work *w)
{
    return uv_cancel((uv_req_t *)&w->req) == 0 ? 0 : E_STATE;
}
