/*
 * Bounded jobs off the loop. fn runs on a pool thread and touches only its own struct; done runs on
 * the loop, once, never inside work_submit(). Thread: loop.
 */
#ifndef BASE_WORK_H
#define BASE_WORK_H

#include "err.h"

#include <uv.h>

struct work {
    uv_work_t req; /* private */
    void (*fn)(struct work *w);
    void (*done)(struct work *w, int rc); /* 0, or E_CANCELED when work_cancel() came first */
};

/* At most WORK_MAX jobs wait or run at once. Past that E_LIMIT is returned; done is not called. */
#define WORK_MAX 256
int work_submit(uv_loop_t *loop, struct work *w, void (*fn)(struct work *),
                void (*done)(struct work *, int rc));
/* Drops a job that no thread has begun: done still fires, with E_CANCELED. E_STATE when it runs or
 * ran already (done comes with 0). Only between work_submit() and done. */
int work_cancel(struct work *w);

#endif
