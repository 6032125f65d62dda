/* The event log as clients read it. */
#include "relay_priv.h"

struct reading {
    unsigned left;
    bridge_event_fn fn;
    void *arg;
};

static int on_event(void *arg, uint64_t seq, struct store_value v)
{
    struct reading *r = arg;
    char id[EVENT_ID_LEN], type[EVENT_TYPE_LEN];
    if (event_head(v.data, v.len, id, type) != 0) {
        return E_INTERNAL;
    }
    int stop = r->fn(r->arg, seq, type, v.data, v.len);
    return stop != 0 || --r->left == 0 ? 1 : 0;
}

int bridge_events(struct bridge *b, const char *tenant, uint64_t after, unsigned limit,
                  bridge_event_fn fn, void *arg, struct err *e)
{
    struct store_txn *t = NULL;
    struct reading r = {.left = limit, .fn = fn, .arg = arg};
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = tenant_check(t, tenant, e);
    if (rc == 0 && limit > 0) {
        rc = store_event_list(t, tenant, after, on_event, &r);
        if (rc < 0) {
            err_clear(e);
            rc = store_err(e, rc, "the event log could not be read");
        } else {
            rc = 0;
        }
    }
    store_read_end(t);
    return rc;
}

uint64_t bridge_events_last(struct bridge *b, const char *tenant)
{
    struct store_txn *t = NULL;
    uint64_t last = 0;
    if (store_read(b->store, &t, NULL) != 0) {
        return 0;
    }
    if (store_event_last(t, tenant, &last) != 0) {
        last = 0;
    }
    store_read_end(t);
    return last;
}
