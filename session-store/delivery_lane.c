/* Two lanes become one: the chats that they kept in order turned out to be one chat. */
#include "delivery_priv.h"

#include <string.h>

struct move {
    struct store_txn *t;
    uint64_t from, to;
    size_t left, moved;
};

static int move_lane(struct move *m, const char *tenant, const char *webhook)
{
    struct key prefix;
    struct iter it;
    key_session(&prefix, tenant, webhook);
    key_u64(&prefix, m->from);
    int rc = iter_open(&it, m->t, DB_DELIVERY_LANES, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && m->left > 0 && (rc = iter_next(&it)) == 0) {
        struct store_delivery d;
        stop = it.at.len == prefix.len + 8
                   ? store_delivery_get(m->t, tenant, webhook, be64_get(it.at.b + prefix.len), &d)
                   : txn_corrupt(m->t);
        stop = stop != 0 ? stop : delivery_set_lane(m->t, &d, m->to);
        m->left--;
        m->moved++;
    }
    iter_close(&it);
    return iter_result(rc, stop);
}

static int on_webhook(void *arg, const char *const *path, struct store_value v)
{
    (void)v;
    char webhook[KEY_NAME_MAX + 1], tenant[KEY_NAME_MAX + 1];
    memcpy(tenant, path[0], strnlen(path[0], KEY_NAME_MAX) + 1);
    memcpy(webhook, path[1], strnlen(path[1], KEY_NAME_MAX) + 1);
    return move_lane(arg, tenant, webhook);
}

int store_lane_move(struct store_txn *t, const char *tenant, uint64_t from, uint64_t to, size_t max,
                    size_t *n)
{
    struct move m = {.t = t, .from = from, .to = to, .left = max};
    int rc = t->write ? 0 : E_STATE;
    if (rc == 0 && from != to) {
        rc = store_scan(t, STORE_WEBHOOKS, STORE_PATH(tenant), NULL, on_webhook, &m);
    }
    *n = m.moved;
    return rc;
}
