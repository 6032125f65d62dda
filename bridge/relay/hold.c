/*
 * Work on many deliveries of a webhook, a bounded number in each operation.
 *
 * Hold: heads of lanes that cannot go now (their endpoint is paused or disabled, or more of them
 * are due than its connections can take) get a later due time, so that they do not stand before
 * those of other endpoints in the due index. Release: all of a webhook become due now. Erase: all
 * of a webhook that is no more.
 */
#include "relay_priv.h"

#include "attempts.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "reason.h"
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_MAX 256
#define STEP 200

/* ---- hold --------------------------------------------------------------------------------------
 */

struct hold_item {
    char tenant[64], webhook[64];
    uint64_t seq, until_ms;
    bool expired;
};
struct hold_batch {
    struct store_op op;
    struct relay *r;
    size_t n;
    struct hold_item items[HOLD_MAX];
};

struct hold_batch *hold_new(struct relay *r)
{
    struct hold_batch *h = mem_malloc(sizeof(*h));
    if (h != NULL) {
        h->r = r;
        h->n = 0;
    }
    return h;
}

bool hold_add(struct hold_batch *h, const struct store_delivery *d, uint64_t until_ms, bool expired)
{
    if (h->n == HOLD_MAX) {
        return false;
    }
    struct hold_item *i = &h->items[h->n++];
    (void)snprintf(i->tenant, sizeof(i->tenant), "%s", d->tenant);
    (void)snprintf(i->webhook, sizeof(i->webhook), "%s", d->webhook);
    i->seq = d->seq;
    i->until_ms = until_ms;
    i->expired = expired;
    return true;
}

static int apply_hold(struct store_txn *t, struct store_op *op)
{
    struct hold_batch *h = op->data;
    for (size_t i = 0; i < h->n; i++) {
        struct hold_item *it = &h->items[i];
        struct store_delivery d;
        int rc = store_delivery_get(t, it->tenant, it->webhook, it->seq, &d);
        if (rc == E_NOTFOUND || (rc == 0 && d.state != STORE_PENDING)) {
            continue;
        }
        if (rc == 0 && it->expired) {
            d.state = STORE_DEAD;
            d.finished_ms = clock_wall_ms();
            (void)snprintf(d.last_error, sizeof(d.last_error),
                           "expired while the webhook was paused or disabled");
            d.last_reason = RELAY_EXPIRED;
        }
        d.due_ms = it->until_ms;
        rc = rc != 0 ? rc : store_delivery_update(t, &d);
        rc = rc != 0 ? rc : stats_count_delivery(t, d.tenant, d.state, false, 0);
        if (rc != 0) {
            return store_err(&op->err, rc, "deliveries were not put off");
        }
    }
    return 0;
}

static void on_held(struct store_op *op, int rc)
{
    struct hold_batch *h = op->data;
    struct relay *r = h->r;
    if (rc != 0) {
        log_warn(NULL, "relay.hold_failed", "%s", op->err.msg);
    }
    free(h);
    r->holding = false;
    if (r->closing) {
        relay_maybe_closed(r);
    } else if (rc == 0) {
        relay_wake(r);
    } else {
        relay_wake_later(r); /* they are still due, and nobody else may come by */
    }
}

void hold_submit(struct hold_batch *h)
{
    if (h == NULL || h->n == 0) {
        free(h);
        return;
    }
    h->r->holding = true;
    h->op.data = h;
    store_submit(h->r->b->store, &h->op, apply_hold, on_held);
}

/* ---- release -----------------------------------------------------------------------------------
 */

struct release {
    struct call call; /* first */
    char tenant[64], webhook[64];
    uint64_t before; /* where the next step goes on */
    uint64_t next;
    size_t seen;
    uint64_t now_ms;
    struct store_txn *t; /* during an apply */
};

static int on_pending(void *arg, const struct store_delivery *d)
{
    struct release *r = arg;
    r->next = d->seq;
    r->seen++;
    int rc = 0;
    if (d->due_ms > r->now_ms) {
        struct store_delivery now = *d;
        now.due_ms = r->now_ms;
        rc = store_delivery_update(r->t, &now);
    }
    return rc != 0 ? rc : r->seen == STEP ? 1 : 0;
}

static int apply_release(struct store_txn *t, struct call *c, struct err *e)
{
    (void)e;
    struct release *r = (struct release *)c;
    r->seen = 0;
    r->t = t;
    int rc = store_delivery_list(t, r->tenant, r->webhook, STORE_PENDING, r->before, on_pending, r);
    return rc < 0 ? rc : 0;
}

static void finish_release(struct call *c, int rc)
{
    struct release *r = (struct release *)c;
    if (rc != 0) {
        log_warn(&(struct log_ctx){.tenant = r->tenant}, "relay.release_failed", "%s",
                 c->op.err.msg);
    } else if (r->seen == STEP && !c->b->closing) {
        r->before = r->next;
        call_again(c);
    }
    relay_wake(c->b->relay);
}

static void release_release(struct call *c)
{
    free(c);
}

void release_deliveries(struct bridge *b, const char *tenant, const char *webhook)
{
    struct release *r = mem_calloc(1, sizeof(*r));
    if (r == NULL) {
        return; /* they go out at the times they were put off to */
    }
    (void)snprintf(r->tenant, sizeof(r->tenant), "%s", tenant);
    (void)snprintf(r->webhook, sizeof(r->webhook), "%s", webhook);
    r->now_ms = clock_wall_ms();
    r->call.apply = apply_release;
    r->call.finish = finish_release;
    r->call.release = release_release;
    call_submit(&r->call, b, NULL, NULL);
}

/* ---- erase -------------------------------------------------------------------------------------
 */

struct erase {
    struct call call; /* first */
    char tenant[64], webhook[64];
    bool more;
};

static int apply_erase(struct store_txn *t, struct call *c, struct err *e)
{
    (void)e;
    struct erase *x = (struct erase *)c;
    struct store_value v;
    size_t n = 0;
    x->more = false;
    int rc = store_get(t, STORE_WEBHOOKS, STORE_PATH(x->tenant, x->webhook), &v);
    if (rc == 0) {
        return 0; /* made again meanwhile: its deliveries are wanted */
    }
    rc = rc == E_NOTFOUND ? store_delivery_erase(t, x->tenant, x->webhook, STEP, &n) : rc;
    x->more = n == STEP;
    return rc;
}

static void finish_erase(struct call *c, int rc)
{
    struct erase *x = (struct erase *)c;
    if (rc == 0 && x->more && !c->b->closing) {
        call_again(c);
        return;
    }
    struct relay *r = c->b->relay;
    struct endpoint *ep = r != NULL ? endpoint_find(r, x->tenant, x->webhook) : NULL;
    if (ep != NULL) {
        ep->erasing = false;
        ep->stale = true;
        endpoint_drop(ep);
    }
    if (rc == 0) {
        relay_wake(r);
    } else if (r != NULL) {
        relay_wake_later(r);
    }
}

void erase_deliveries_of(struct relay *r, struct endpoint *ep)
{
    struct erase *x = ep->erasing ? NULL : mem_calloc(1, sizeof(*x));
    if (x == NULL) {
        return;
    }
    ep->erasing = true;
    (void)snprintf(x->tenant, sizeof(x->tenant), "%s", ep->tenant);
    (void)snprintf(x->webhook, sizeof(x->webhook), "%s", ep->webhook);
    x->call.apply = apply_erase;
    x->call.finish = finish_erase;
    x->call.release = release_release;
    call_submit(&x->call, r->b, NULL, NULL);
}
