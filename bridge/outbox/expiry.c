/*
 * What expires in the queue fails at its time, whether the session is ready or not.
 *
 * One sweep walks the whole queue, in operations of bounded size on the writer thread, fails what
 * is past its time and finds the earliest time of the rest, which is when the next sweep starts.
 * Entries that were handed over are not touched: the lane looks them up first.
 */
#include "outbox_priv.h"

#include "alert.h"
#include "clock.h"
#include "event.h"
#include "log.h"
#include "mem.h"
#include "meters.h"

#include <stdlib.h>
#include <string.h>

#define SWEEP_ROWS 2000
#define SWEEP_FAILS 100
#define SWEEP_RETRY_MS 10000
#define QUEUED_START "{\"state\":\"queued\"" /* how the record of a queued entry begins */

struct expired {
    char id[STORE_MAX_ID + 1];
    uint64_t order;
};

struct sweep {
    struct store_op op;
    struct outbox_lane *lane; /* loop only */
    struct bridge *b;
    struct message_owner owner;
    uint64_t now_ms;
    uint64_t after;       /* of this operation */
    uint64_t earliest_ms; /* loop only: of those before */
    /* out */
    uint64_t last, found_ms;
    size_t rows, count;
    bool more;
    struct expired expired[SWEEP_FAILS];
};

static int on_row(void *arg, uint64_t order, const char *message_id, uint64_t expires_ms,
                  struct store_value v)
{
    struct sweep *w = arg;
    w->last = order;
    w->rows++;
    if (v.len >= sizeof(QUEUED_START) - 1 &&
        memcmp(v.data, QUEUED_START, sizeof(QUEUED_START) - 1) == 0) {
        if (expires_ms <= w->now_ms) {
            struct expired *x = &w->expired[w->count++];
            memcpy(x->id, message_id, strnlen(message_id, STORE_MAX_ID) + 1);
            x->order = order;
        } else if (expires_ms < w->found_ms) {
            w->found_ms = expires_ms;
        }
    }
    w->more = w->rows == SWEEP_ROWS || w->count == SWEEP_FAILS;
    return w->more;
}

static int sweep_apply(struct store_txn *t, struct store_op *op)
{
    static const char detail[] = "it was not sent before its expires_at";
    struct sweep *w = op->data;
    w->rows = w->count = 0;
    w->more = false;
    w->found_ms = UINT64_MAX;
    w->last = w->after;
    int rc = store_outbox_list(t, w->owner.tenant, w->owner.session, w->after, on_row, w);
    for (size_t i = 0; rc == 0 && i < w->count; i++) {
        struct step s = {
            .b = w->b,
            .owner = w->owner,
            .to = MESSAGE_FAILED,
            .at_ms = w->now_ms,
            .error_code = "expired",
            .order = w->expired[i].order,
        };
        s.op.data = &s;
        memcpy(s.id, w->expired[i].id, sizeof(s.id));
        memcpy(s.error_detail, detail, sizeof(detail));
        rc = step_apply(t, &s.op);
    }
    return rc;
}

static void sweep_submit(struct sweep *w);

static void on_swept(struct store_op *op, int rc)
{
    struct sweep *w = op->data;
    struct outbox_lane *l = w->lane;
    if (rc == 0 && w->found_ms < w->earliest_ms) {
        w->earliest_ms = w->found_ms;
    }
    if (rc == 0 && w->count > 0) {
        event_committed(l->b, l->owner.tenant);
        log_info(session_log(l->s), "outbox.expired", "%zu messages expired in the queue",
                 w->count);
        meter_messages(l->owner.tenant, l->owner.session, "failed", "expired", w->count);
        alert_send_failed(l->b, session_counts(l->s), "expired", (uint32_t)w->count);
        for (size_t i = 0; i < w->count; i++) {
            outbox_notify(l->b->outbox, &l->owner, w->expired[i].id, MESSAGE_FAILED);
        }
    }
    if (rc == 0 && w->more && !l->closing) {
        w->after = w->last;
        sweep_submit(w);
        return;
    }
    /* What was accepted meanwhile has already lowered next_expiry_ms. */
    uint64_t next = rc == 0 ? w->earliest_ms : w->now_ms + SWEEP_RETRY_MS;
    l->next_expiry_ms = next < l->next_expiry_ms ? next : l->next_expiry_ms;
    l->sweeping = false;
    free(w);
    if (l->closing) {
        lane_finish_close(l);
    } else {
        lane_pump(l);
    }
}

static void sweep_submit(struct sweep *w)
{
    err_clear(&w->op.err);
    store_submit(w->b->store, &w->op, sweep_apply, on_swept);
}

void lane_sweep(struct outbox_lane *l)
{
    struct sweep *w = mem_calloc(1, sizeof(*w));
    l->last_sweep_ms = clock_mono_ms();
    if (w == NULL) {
        return; /* the timer comes again */
    }
    w->op.data = w;
    w->lane = l;
    w->b = l->b;
    w->owner = l->owner;
    w->now_ms = clock_sure_ms();
    w->earliest_ms = UINT64_MAX;
    l->next_expiry_ms = UINT64_MAX;
    l->sweeping = true;
    sweep_submit(w);
}
