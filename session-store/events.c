/*
 * The event log of a tenant. Numbers come from the tenant's counts record, so that trimming the
 * whole log never gives a number out twice.
 */
#include "store_priv.h"

#include "clock.h"

static void event_key(struct key *k, const char *tenant, uint64_t seq)
{
    key_tenant(k, tenant);
    key_u64(k, seq);
}

int store_event_next(struct store_txn *t, const char *tenant, uint64_t *seq)
{
    struct tally tally;
    if (!t->write) {
        return E_STATE;
    }
    int rc = tenant == NULL ? E_INVALID : tally_get(t, tenant, NULL, &tally);
    if (rc == 0) {
        *seq = tally.v[TALLY_EVENTS] + 1;
        rc = tally_set_events(t, tenant, *seq);
    }
    return rc;
}

int store_event_put(struct store_txn *t, const char *tenant, uint64_t seq, const void *data,
                    size_t len)
{
    struct key k;
    struct tally tally;
    unsigned char head[8];
    int rc = txn_check_value(t, data, len);
    if (rc == 0 && (seq == 0 || tenant == NULL)) {
        rc = E_INVALID;
    }
    if (rc == 0) {
        rc = tally_get(t, tenant, NULL, &tally);
    }
    if (rc != 0) {
        return rc;
    }
    event_key(&k, tenant, seq);
    be64_put(head, clock_wall_ms());
    rc = txn_put2(t, DB_EVENTS, &k, head, sizeof(head), data, len);
    if (rc == 0 && seq > tally.v[TALLY_EVENTS]) {
        rc = tally_set_events(t, tenant, seq);
    }
    return rc;
}

static int event_decode(struct store_txn *t, const MDB_val *v, uint64_t *put_ms,
                        struct store_value *data)
{
    if (v->mv_size < 8) {
        return txn_corrupt(t);
    }
    *put_ms = be64_get(v->mv_data);
    *data = (struct store_value){(const char *)v->mv_data + 8, v->mv_size - 8};
    return 0;
}

int store_event_get(struct store_txn *t, const char *tenant, uint64_t seq, struct store_value *out)
{
    struct key k;
    MDB_val v;
    uint64_t put_ms = 0;
    event_key(&k, tenant, seq);
    int rc = txn_get(t, DB_EVENTS, &k, &v);
    return rc != 0 ? rc : event_decode(t, &v, &put_ms, out);
}

int store_event_last(struct store_txn *t, const char *tenant, uint64_t *seq)
{
    struct tally tally;
    int rc = tenant == NULL ? E_INVALID : tally_get(t, tenant, NULL, &tally);
    *seq = rc == 0 ? tally.v[TALLY_EVENTS] : 0;
    return rc;
}

static int list(struct store_txn *t, const char *tenant, uint64_t from_seq, unsigned flags,
                store_event_fn fn, void *arg)
{
    struct key prefix, from;
    struct iter it;
    key_tenant(&prefix, tenant);
    event_key(&from, tenant, from_seq);
    int rc = iter_open(&it, t, DB_EVENTS, &prefix, &from, ITER_AFTER | flags);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        uint64_t put_ms = 0;
        struct store_value data;
        stop =
            it.at.len == prefix.len + 8 ? event_decode(t, &it.v, &put_ms, &data) : txn_corrupt(t);
        if (stop == 0) {
            stop = fn(arg, be64_get(it.at.b + prefix.len), data);
        }
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

int store_event_list(struct store_txn *t, const char *tenant, uint64_t after, store_event_fn fn,
                     void *arg)
{
    return list(t, tenant, after, 0, fn, arg);
}

int store_event_list_back(struct store_txn *t, const char *tenant, uint64_t before,
                          store_event_fn fn, void *arg)
{
    return list(t, tenant, before == 0 ? UINT64_MAX : before, ITER_BACK, fn, arg);
}

/* ---- trim ---------------------------------------------------------------------------------- */

/*
 * Events that a dead delivery keeps would be looked at again by every trim, so a trim looks at a
 * bounded number of rows and the next one goes on where it stopped. The place is only in memory:
 * losing it (restart, rollback) costs a second look.
 */
struct trim {
    uint64_t before_ms, now_ms;
    size_t left, looks, gone;
};

static int trim_row(struct iter *it, struct trim *trim)
{
    struct key_reader r;
    struct store_value data;
    struct key next;
    uint64_t put_ms = 0;
    bool needed;
    key_read(&r, it->at.b, it->at.len);
    const char *tenant = key_read_text(&r);
    uint64_t seq = key_read_u64(&r);
    int rc = key_read_done(&r) ? event_decode(it->t, &it->v, &put_ms, &data) : txn_corrupt(it->t);
    if (rc != 0) {
        return rc;
    }
    if (put_ms >= trim->before_ms) {
        /* Later ones of this tenant are younger still: on to the next tenant. Not so after an
         * event from the future, put before the clock was set back. */
        if (put_ms <= trim->now_ms) {
            event_key(&next, tenant, UINT64_MAX);
            iter_jump(it, &next);
        }
        return 0;
    }
    rc = delivery_needs_event(it->t, tenant, seq, &needed);
    if (rc != 0 || needed) {
        return rc;
    }
    trim->left--;
    trim->gone++;
    return txn_del(it->t, DB_EVENTS, &it->at);
}

/* From just behind `from` (NULL: the start) to the end, or until the trim has had enough. */
static int trim_leg(struct store_txn *t, struct trim *trim, const struct key *from)
{
    struct key all;
    struct iter it;
    key_init(&all);
    int rc = iter_open(&it, t, DB_EVENTS, &all, from, ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && trim->left > 0 && trim->looks > 0 && (rc = iter_next(&it)) == 0) {
        trim->looks--;
        stop = trim_row(&it, trim);
        key_copy(&t->s->trim_at, it.at.b, it.at.len);
    }
    iter_close(&it);
    if (rc == E_NOTFOUND) {
        key_init(&t->s->trim_at);
    }
    return iter_result(rc, stop);
}

int store_event_trim(struct store_txn *t, uint64_t before_ms, size_t max, size_t *n)
{
    struct trim trim = {.before_ms = before_ms, .now_ms = clock_wall_ms(), .left = max};
    *n = 0;
    if (!t->write) {
        return E_STATE;
    }
    trim.looks = max > SIZE_MAX / 8 ? SIZE_MAX : 4 * max + 4096;
    struct key from;
    key_copy(&from, t->s->trim_at.b, t->s->trim_at.len);
    int rc = trim_leg(t, &trim, from.len == 0 ? NULL : &from);
    if (rc == 0 && from.len > 0 && t->s->trim_at.len == 0) {
        rc = trim_leg(t, &trim, NULL); /* reached the end: look at what lies before, too */
    }
    *n = trim.gone;
    return rc;
}

int erase_events(struct store_txn *t, const char *tenant, size_t *left)
{
    struct key prefix;
    key_tenant(&prefix, tenant);
    int rc = txn_wipe(t, DB_EVENTS, &prefix, left);
    if (rc == 0 && *left > 0) {
        rc = tally_set_events(t, tenant, 0);
    }
    return rc;
}
