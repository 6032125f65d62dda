/* Deliveries: what is due, lists, and removal of many. */
#include "delivery_priv.h"

#include <string.h>

/* tenant|webhook|lane|seq behind the due time */
static int due_row(struct iter *it, uint64_t *due_ms, const char **tenant, const char **webhook,
                   uint64_t *seq)
{
    struct key_reader r;
    key_read(&r, it->at.b, it->at.len);
    *due_ms = key_read_u64(&r);
    *tenant = key_read_text(&r);
    *webhook = key_read_text(&r);
    (void)key_read_u64(&r);
    *seq = key_read_u64(&r);
    return key_read_done(&r) ? 0 : txn_corrupt(it->t);
}

static int visit(struct store_txn *t, const char *tenant, const char *webhook, uint64_t seq,
                 store_delivery_fn fn, void *arg)
{
    struct store_delivery d;
    int rc = store_delivery_get(t, tenant, webhook, seq, &d);
    if (rc != 0) {
        return rc == E_NOTFOUND ? txn_corrupt(t) : rc;
    }
    return fn(arg, &d);
}

/* Closes it. */
static int walk_due(struct iter *it, uint64_t from_ms, uint64_t to_ms, store_delivery_fn fn,
                    void *arg)
{
    int rc = 0, stop = 0;
    while (stop == 0 && (rc = iter_next(it)) == 0) {
        const char *tenant, *webhook;
        uint64_t due_ms, seq;
        stop = due_row(it, &due_ms, &tenant, &webhook, &seq);
        if (stop == 0 && (due_ms < from_ms || due_ms > to_ms)) {
            break;
        }
        if (stop == 0) {
            stop = visit(it->t, tenant, webhook, seq, fn, arg);
        }
    }
    iter_close(it);
    return iter_result(rc, stop);
}

int store_delivery_due(struct store_txn *t, uint64_t now_ms, store_delivery_fn fn, void *arg)
{
    struct key all;
    struct iter it;
    key_init(&all);
    int rc = iter_open(&it, t, DB_DELIVERY_DUE, &all, NULL, 0);
    return rc != 0 ? rc : walk_due(&it, 0, now_ms, fn, arg);
}

int store_delivery_late(struct store_txn *t, uint64_t from_ms, uint64_t to_ms, store_delivery_fn fn,
                        void *arg)
{
    struct key all, from;
    struct iter it;
    key_init(&all);
    key_init(&from);
    key_u64(&from, to_ms < UINT64_MAX ? to_ms + 1 : to_ms);
    int rc = iter_open(&it, t, DB_DELIVERY_DUE, &all, &from, ITER_BACK);
    return rc != 0 ? rc : walk_due(&it, from_ms < to_ms ? from_ms + 1 : to_ms, to_ms, fn, arg);
}

int store_delivery_next_due(struct store_txn *t, uint64_t *due_ms)
{
    struct key all, first;
    key_init(&all);
    int rc = txn_first(t, DB_DELIVERY_DUE, &all, &first);
    if (rc == 0) {
        *due_ms = be64_get(first.b);
    }
    return rc;
}

int store_delivery_list(struct store_txn *t, const char *tenant, const char *webhook,
                        enum store_delivery_state state, uint64_t before_seq, store_delivery_fn fn,
                        void *arg)
{
    struct key prefix, from;
    struct iter it;
    key_session(&prefix, tenant, webhook);
    key_u8(&prefix, (uint8_t)state);
    if (prefix.rc != 0) {
        return prefix.rc;
    }
    key_copy(&from, prefix.b, prefix.len);
    key_u64(&from, before_seq);
    int rc = iter_open(&it, t, DB_DELIVERY_STATES, &prefix, before_seq == 0 ? NULL : &from,
                       ITER_BACK | ITER_AFTER);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        stop = it.at.len == prefix.len + 8
                   ? visit(t, tenant, webhook, be64_get(it.at.b + prefix.len), fn, arg)
                   : txn_corrupt(t);
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

int store_delivery_count(struct store_txn *t, const char *tenant, const char *webhook,
                         enum store_delivery_state state, unsigned max, unsigned *n)
{
    struct key prefix;
    struct iter it;
    *n = 0;
    key_session(&prefix, tenant, webhook);
    key_u8(&prefix, (uint8_t)state);
    int rc = prefix.rc != 0 ? prefix.rc
                            : iter_open(&it, t, DB_DELIVERY_STATES, &prefix, NULL, ITER_BACK);
    if (rc != 0) {
        return rc;
    }
    while (*n < max && (rc = iter_next(&it)) == 0) {
        ++*n;
    }
    iter_close(&it);
    return rc == E_NOTFOUND ? 0 : rc;
}

int store_delivery_oldest(struct store_txn *t, const char *tenant, const char *webhook,
                          struct store_delivery *out)
{
    struct key prefix, first;
    key_session(&prefix, tenant, webhook);
    key_u8(&prefix, (uint8_t)STORE_PENDING);
    int rc = prefix.rc != 0 ? prefix.rc : txn_first(t, DB_DELIVERY_STATES, &prefix, &first);
    if (rc != 0) {
        return rc;
    }
    return first.len == prefix.len + 8
               ? store_delivery_get(t, tenant, webhook, be64_get(first.b + prefix.len), out)
               : txn_corrupt(t);
}

int erase_deliveries(struct store_txn *t, const char *tenant, const char *webhook, size_t *left)
{
    struct key prefix;
    struct iter it;
    key_owner(&prefix, tenant, webhook);
    int rc = t->write ? iter_open(&it, t, DB_DELIVERY_STATES, &prefix, NULL, 0) : E_STATE;
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (*left > 0 && stop == 0 && (rc = iter_next(&it)) == 0) {
        struct key_reader r;
        key_read(&r, it.at.b, it.at.len);
        const char *of_tenant = key_read_text(&r);
        const char *of_webhook = key_read_text(&r);
        (void)key_read_u8(&r);
        uint64_t seq = key_read_u64(&r);
        stop = key_read_done(&r) ? delivery_remove(t, of_tenant, of_webhook, seq) : txn_corrupt(t);
        --*left;
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

int store_delivery_erase(struct store_txn *t, const char *tenant, const char *webhook, size_t max,
                         size_t *n)
{
    size_t left = max;
    int rc = webhook == NULL ? E_INVALID : erase_deliveries(t, tenant, webhook, &left);
    *n = max - left;
    return rc;
}

/* Records of one state, finished before before_ms, oldest first. */
static int trim_state(struct store_txn *t, enum store_delivery_state state, uint64_t before_ms,
                      size_t *left)
{
    struct key prefix;
    struct iter it;
    key_init(&prefix);
    key_u8(&prefix, (uint8_t)state);
    int rc = iter_open(&it, t, DB_DELIVERY_DONE, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (*left > 0 && stop == 0 && (rc = iter_next(&it)) == 0) {
        struct key_reader r;
        key_read(&r, it.at.b + prefix.len, it.at.len - prefix.len);
        uint64_t finished_ms = key_read_u64(&r);
        const char *tenant = key_read_text(&r);
        uint64_t seq = key_read_u64(&r);
        const char *webhook = key_read_text(&r);
        if (!key_read_done(&r)) {
            stop = txn_corrupt(t);
        } else if (finished_ms >= before_ms) {
            break;
        } else {
            stop = delivery_remove(t, tenant, webhook, seq);
            --*left;
        }
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

int store_delivery_trim(struct store_txn *t, uint64_t before_ms, bool dead, size_t max, size_t *n)
{
    size_t left = max;
    int rc = t->write ? trim_state(t, STORE_DELIVERED, before_ms, &left) : E_STATE;
    if (rc == 0 && dead) {
        rc = trim_state(t, STORE_DEAD, before_ms, &left);
    }
    *n = max - left;
    return rc;
}

int delivery_needs_event(struct store_txn *t, const char *tenant, uint64_t seq, bool *needed)
{
    struct key prefix;
    struct iter it;
    key_tenant(&prefix, tenant);
    key_u64(&prefix, seq);
    *needed = false;
    int rc = iter_open(&it, t, DB_DELIVERIES, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    while (!*needed && (rc = iter_next(&it)) == 0) {
        struct store_delivery d;
        if (delivery_decode(it.v.mv_data, it.v.mv_size, &d) != 0) {
            rc = txn_corrupt(t);
            break;
        }
        *needed = d.state != STORE_DELIVERED;
    }
    iter_close(&it);
    return rc == E_NOTFOUND ? 0 : rc;
}
