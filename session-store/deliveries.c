/*
 * Deliveries: changes. The invariant that everything rests on: the due index holds exactly the head
 * (lowest seq) of every lane that has a pending delivery, under that delivery's due time.
 *
 * Every change is made of two halves: leave() takes a delivery out of the indexes that fit its old
 * state, enter() puts it into those of its new state. Each of them compares the lane's head before
 * and after, so no caller needs to know who the head is.
 */
#include "delivery_priv.h"

#include <string.h>

static int set_names(struct store_delivery *d, const char *tenant, const char *webhook,
                     uint64_t seq)
{
    size_t tenant_len = tenant == NULL ? 0 : strnlen(tenant, sizeof(d->tenant));
    size_t webhook_len = webhook == NULL ? 0 : strnlen(webhook, sizeof(d->webhook));
    if (tenant_len == 0 || webhook_len == 0 || seq == 0) {
        return E_INVALID;
    }
    if (tenant_len > KEY_NAME_MAX || webhook_len > KEY_NAME_MAX) {
        return E_TOOLARGE;
    }
    memcpy(d->tenant, tenant, tenant_len + 1);
    memcpy(d->webhook, webhook, webhook_len + 1);
    d->seq = seq;
    return 0;
}

int store_delivery_get(struct store_txn *t, const char *tenant, const char *webhook, uint64_t seq,
                       struct store_delivery *out)
{
    struct key k;
    MDB_val v;
    struct store_delivery d;
    int rc = set_names(&d, tenant, webhook, seq);
    if (rc != 0) {
        return rc;
    }
    delivery_key(&k, d.tenant, seq, d.webhook);
    rc = txn_get(t, DB_DELIVERIES, &k, &v);
    if (rc == 0 && delivery_decode(v.mv_data, v.mv_size, &d) != 0) {
        rc = txn_corrupt(t);
    }
    if (rc == 0) {
        *out = d;
    }
    return rc;
}

static int write_record(struct store_txn *t, const struct store_delivery *d)
{
    struct key k;
    unsigned char b[DELIVERY_RECORD_MAX];
    delivery_key(&k, d->tenant, d->seq, d->webhook);
    return txn_put(t, DB_DELIVERIES, &k, b, delivery_encode(d, b));
}

/* Seq of the head of d's lane; 0: the lane is empty. */
static int lane_head(struct store_txn *t, const struct store_delivery *d, uint64_t *seq)
{
    struct key prefix, first;
    key_session(&prefix, d->tenant, d->webhook);
    key_u64(&prefix, d->lane);
    *seq = 0;
    int rc = txn_first(t, DB_DELIVERY_LANES, &prefix, &first);
    if (rc == 0) {
        *seq = be64_get(first.b + prefix.len);
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

static int due_put(struct store_txn *t, const struct store_delivery *d)
{
    struct key k;
    delivery_due_key(&k, d);
    return txn_put(t, DB_DELIVERY_DUE, &k, NULL, 0);
}

static int due_del(struct store_txn *t, const struct store_delivery *d)
{
    struct key k;
    delivery_due_key(&k, d);
    int rc = txn_del(t, DB_DELIVERY_DUE, &k);
    return rc == E_NOTFOUND ? txn_corrupt(t) : rc;
}

/* The delivery `seq` of d's lane becomes head, or stops being it. */
static int other_due(struct store_txn *t, const struct store_delivery *d, uint64_t seq, bool head)
{
    struct store_delivery other;
    int rc = store_delivery_get(t, d->tenant, d->webhook, seq, &other);
    if (rc != 0) {
        return rc == E_NOTFOUND ? txn_corrupt(t) : rc;
    }
    return head ? due_put(t, &other) : due_del(t, &other);
}

static int leave_lane(struct store_txn *t, const struct store_delivery *d)
{
    struct key k;
    uint64_t head, next = 0;
    int rc = lane_head(t, d, &head);
    if (rc == 0) {
        delivery_lane_key(&k, d);
        rc = txn_del(t, DB_DELIVERY_LANES, &k);
    }
    if (rc == 0 && head == d->seq) {
        rc = due_del(t, d);
        if (rc == 0) {
            rc = lane_head(t, d, &next);
        }
        if (rc == 0 && next != 0) {
            rc = other_due(t, d, next, true);
        }
    }
    return rc != 0 ? rc : tally_add(t, d->tenant, NULL, TALLY_DELIVERIES, -1);
}

static int enter_lane(struct store_txn *t, const struct store_delivery *d)
{
    struct key k;
    uint64_t head;
    int rc = lane_head(t, d, &head);
    if (rc == 0) {
        delivery_lane_key(&k, d);
        rc = txn_put(t, DB_DELIVERY_LANES, &k, NULL, 0);
    }
    if (rc == 0 && (head == 0 || head > d->seq)) {
        rc = due_put(t, d);
        if (rc == 0 && head != 0) {
            rc = other_due(t, d, head, false);
        }
    }
    return rc != 0 ? rc : tally_add(t, d->tenant, NULL, TALLY_DELIVERIES, 1);
}

static int leave(struct store_txn *t, const struct store_delivery *d)
{
    struct key k;
    delivery_state_key(&k, d);
    int rc = txn_del(t, DB_DELIVERY_STATES, &k);
    if (rc != 0) {
        return rc == E_NOTFOUND ? txn_corrupt(t) : rc;
    }
    if (d->state == STORE_PENDING) {
        return leave_lane(t, d);
    }
    delivery_done_key(&k, d);
    rc = txn_del(t, DB_DELIVERY_DONE, &k);
    if (rc == 0 && d->state == STORE_DEAD) {
        rc = tally_add(t, d->tenant, NULL, TALLY_DEAD, -1);
    }
    return rc == E_NOTFOUND ? txn_corrupt(t) : rc;
}

static int enter(struct store_txn *t, const struct store_delivery *d)
{
    struct key k;
    delivery_state_key(&k, d);
    int rc = txn_put(t, DB_DELIVERY_STATES, &k, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    if (d->state == STORE_PENDING) {
        return enter_lane(t, d);
    }
    delivery_done_key(&k, d);
    rc = txn_put(t, DB_DELIVERY_DONE, &k, NULL, 0);
    if (rc == 0 && d->state == STORE_DEAD) {
        rc = tally_add(t, d->tenant, NULL, TALLY_DEAD, 1);
    }
    return rc;
}

int store_delivery_add(struct store_txn *t, const char *tenant, const char *webhook, uint64_t seq,
                       uint64_t lane, uint64_t now_ms)
{
    struct key k;
    unsigned char b[DELIVERY_RECORD_MAX];
    struct store_delivery d = {
        .lane = lane, .state = STORE_PENDING, .created_ms = now_ms, .due_ms = now_ms};
    int rc = t->write ? set_names(&d, tenant, webhook, seq) : E_STATE;
    if (rc != 0) {
        return rc;
    }
    delivery_key(&k, d.tenant, seq, d.webhook);
    rc = txn_add(t, DB_DELIVERIES, &k, b, delivery_encode(&d, b));
    return rc != 0 ? rc : enter(t, &d);
}

int store_delivery_update(struct store_txn *t, const struct store_delivery *d)
{
    struct store_delivery old, now;
    uint64_t head;
    if (!t->write) {
        return E_STATE;
    }
    if ((unsigned)d->state > STORE_DEAD) {
        return E_INVALID;
    }
    int rc = store_delivery_get(t, d->tenant, d->webhook, d->seq, &old);
    if (rc != 0) {
        return rc;
    }
    now = *d;
    now.lane = old.lane;
    now.created_ms = old.created_ms;
    now.finished_ms = now.state == STORE_PENDING ? 0 : d->finished_ms;
    if (now.state != old.state || now.finished_ms != old.finished_ms) {
        rc = leave(t, &old);
        if (rc == 0) {
            rc = write_record(t, &now);
        }
        return rc != 0 ? rc : enter(t, &now);
    }
    /* the most usual change, a try that failed: only the due time moves, if it is the head */
    if (now.state == STORE_PENDING && now.due_ms != old.due_ms) {
        rc = lane_head(t, &old, &head);
        if (rc == 0 && head == old.seq) {
            rc = due_del(t, &old);
            if (rc == 0) {
                rc = due_put(t, &now);
            }
        }
    }
    return rc != 0 ? rc : write_record(t, &now);
}

int delivery_set_lane(struct store_txn *t, const struct store_delivery *d, uint64_t lane)
{
    struct store_delivery now = *d;
    now.lane = lane;
    int rc = leave(t, d);
    rc = rc != 0 ? rc : write_record(t, &now);
    return rc != 0 ? rc : enter(t, &now);
}

int delivery_remove(struct store_txn *t, const char *tenant, const char *webhook, uint64_t seq)
{
    struct key k;
    struct store_delivery d;
    int rc = store_delivery_get(t, tenant, webhook, seq, &d);
    if (rc == 0) {
        rc = leave(t, &d);
    }
    if (rc == 0) {
        delivery_key(&k, d.tenant, d.seq, d.webhook);
        rc = txn_del(t, DB_DELIVERIES, &k);
    }
    return rc == E_NOTFOUND ? txn_corrupt(t) : rc;
}
